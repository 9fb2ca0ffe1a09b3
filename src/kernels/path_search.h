// Path searches on the processor: A*, Dijkstra, jump point search, and the search back from a goal
// that a flow field is made of. All find the same distances, in exact integers; each one's path and
// count of nodes are the same on every machine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/path_grid.h"
#include "kernels/path_moves.h"
#include "kernels/path_queue.h"

namespace p2c2r::kernels {

enum class PathAlgorithm : uint8_t { kAstar, kDijkstra, kJps, kFlowField };
// "astar", ...: as in `algorithm_used`.
const char* path_algorithm_name(PathAlgorithm algorithm);

enum class PathEnd : uint8_t {
    kFound,
    kStartBlocked,
    kGoalBlocked,
    kUnreachable,
    kMaxNodes,  // gave up
    kStopped,   // `stop` said so
    kBroken,    // a flow field that leads nowhere: whoever made it computed nonsense
};
// "unreachable", ...; empty for those that are no answer, and for kFound.
const char* path_end_text(PathEnd end);

struct PathAnswer {
    PathEnd end = PathEnd::kUnreachable;
    std::vector<PathCell> path;  // both ends included; empty unless found
    double distance = -1;        // of the path, in cells
    uint64_t nodes_explored = 0;
};

// What a search knows of a cell.
struct PathNode {
    uint64_t cost;         // from the start (or to the goal), as far as known
    uint32_t waiting : 8;  // directions of arrival that were not followed yet
    uint32_t before : 24;  // the number of the cell it was reached from
    uint32_t taken : 8;    // steps that were taken from here at this cost
    uint32_t stamp : 24;   // of the search that wrote this; another one's node says nothing
};
static_assert(sizeof(PathNode) == 16);

// Memory of searches, used again and again by one thread. Nodes are not cleared between searches,
// and pages that no search touched take no memory.
class PathScratch {
  public:
    // Room for a grid, and a new stamp. Throws std::bad_alloc.
    void begin(const PathGrid& grid);
    // Gives back what is above `bytes`.
    void trim(size_t bytes);

    [[nodiscard]] uint32_t cell_number(PathCell cell) const {
        return static_cast<uint32_t>(cell.y) << shift_ | static_cast<uint32_t>(cell.x);
    }
    [[nodiscard]] PathCell cell_of(uint32_t number) const {
        return {static_cast<int32_t>(number & ((1u << shift_) - 1)),
                static_cast<int32_t>(number >> shift_)};
    }
    [[nodiscard]] uint32_t shift() const { return shift_; }
    [[nodiscard]] uint32_t stamp() const { return stamp_; }
    [[nodiscard]] PathNode* nodes() { return nodes_.get(); }
    [[nodiscard]] const PathNode* nodes() const { return nodes_.get(); }

    BucketQueue buckets;
    KeyHeap heap;

  private:
    struct Free {
        void operator()(PathNode* nodes) const;
    };
    std::unique_ptr<PathNode[], Free> nodes_;
    size_t capacity_ = 0;
    uint32_t shift_ = 0;
    uint32_t stamp_ = 0;
};

struct PathQuery {
    PathRule rule = PathRule::kFour;
    PathAlgorithm algorithm = PathAlgorithm::kAstar;
    uint64_t max_nodes = UINT64_MAX;
    std::function<bool()> stop = {};  // asked every few thousand nodes
};

// One path from start to goal, both inside the grid. kJps needs grid.make_columns() and a grid that
// is not weighted. Not for kFlowField.
PathAnswer find_path(const PathGrid& grid, const PathQuery& query, PathCell start, PathCell goal,
                     PathScratch& scratch);

// ---- flow fields --------------------------------------------------------------------------------

// The costs of all cells that reach `goal`, left in `scratch` until its next begin(). kFound, or
// kGoalBlocked, kMaxNodes, kStopped. `cells_reached` counts them, the goal included.
PathEnd search_field(const PathGrid& grid, const PathQuery& query, PathCell goal,
                     PathScratch& scratch, uint64_t& cells_reached);
// The direction of a cell (shaders/path.h) from these costs.
uint32_t field_direction(const PathGrid& grid, PathRule rule, PathCell cell,
                         const PathScratch& scratch);
// A byte a cell, rows top to bottom.
void write_field(const PathGrid& grid, PathRule rule, const PathScratch& scratch, uint8_t* out);
// The way from `start` along directions; `direction_at` gives that of a cell. Without a way:
// kUnreachable or kStartBlocked; kBroken when the directions leave the free cells or go in a circle.
PathAnswer follow_field(const PathGrid& grid, PathCell start,
                        const std::function<uint32_t(PathCell)>& direction_at);

// ---- shared by the searches ---------------------------------------------------------------------

// Its length, counted in straight and diagonal steps: the same double for the same path everywhere.
double path_distance(const PathGrid& grid, const std::vector<PathCell>& path);
// Jump point search: path_jump.cpp.
PathEnd search_jumping(const PathGrid& grid, const PathQuery& query, PathCell start, PathCell goal,
                       PathScratch& scratch, uint64_t& nodes_explored);

}  // namespace p2c2r::kernels
