// Path searches on the processor: A*, Dijkstra, jump point search, and the search back from a goal
// that flow fields (path_field.h) are made of. All find the same distances, in exact integers; each
// one's path and count of nodes are the same on every machine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/path_grid.h"
#include "kernels/path_moves.h"
#include "kernels/path_near_queue.h"
#include "kernels/path_queue.h"

namespace p2c2r::kernels {

inline constexpr uint64_t kPathCostUnknown = UINT64_MAX;  // no way was found yet

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
    // Its steps, each counted with the cost of the cell it enters.
    uint64_t straight = 0;
    uint64_t diagonal = 0;
    uint64_t nodes_explored = 0;

    // The path's length, -1 without one. The same double everywhere as long as the caller has the
    // standard rounding (FloatScope).
    [[nodiscard]] double distance() const {
        if (end != PathEnd::kFound) return -1;
        return static_cast<double>(straight) + static_cast<double>(diagonal) * 1.4142135623730951;
    }
};

// What a search knows of a cell. Packed by hand: compilers write bit fields one by one.
struct PathNode {
    uint64_t cost;  // from the start (or to the goal), as far as known
    uint32_t before_waiting;
    uint32_t stamp_taken;

    static PathNode reached(uint64_t cost, uint32_t before, uint32_t arrived, uint32_t stamp) {
        return {cost, before << 8 | arrived, stamp << 8};
    }
    // Directions of arrival that were not followed yet.
    [[nodiscard]] uint32_t waiting() const { return before_waiting & 0xFF; }
    void wait(uint32_t direction) { before_waiting |= 1u << direction; }
    void wait_no_more() { before_waiting &= ~0xFFu; }
    // The number of the cell it was reached from.
    [[nodiscard]] uint32_t before() const { return before_waiting >> 8; }
    // Steps that were taken from here at this cost.
    [[nodiscard]] uint32_t taken() const { return stamp_taken & 0xFF; }
    void take(uint32_t steps) { stamp_taken |= steps; }
    // Of the search that wrote this; another one's node says nothing. 24 bits.
    [[nodiscard]] uint32_t stamp() const { return stamp_taken >> 8; }
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

    // Cells as numbers of 24 bits, and back.
    static uint32_t cell_number(PathCell cell) {
        return static_cast<uint32_t>(cell.y) << kSideBits | static_cast<uint32_t>(cell.x);
    }
    static PathCell cell_of(uint32_t number) {
        return {static_cast<int32_t>(number & (kPathSideMax - 1)),
                static_cast<int32_t>(number >> kSideBits)};
    }
    // Where a cell's node lies.
    [[nodiscard]] size_t place(PathCell cell) const {
        return static_cast<uint32_t>(cell.y) * size_t{width_} + static_cast<uint32_t>(cell.x);
    }
    [[nodiscard]] PathNode& node(PathCell cell) { return nodes_[place(cell)]; }
    [[nodiscard]] const PathNode& node(PathCell cell) const { return nodes_[place(cell)]; }
    [[nodiscard]] uint32_t stamp() const { return stamp_; }
    [[nodiscard]] PathNode* nodes() { return nodes_.get(); }

    BucketQueue open;
    std::vector<NearQueueEntry> near_entries;

  private:
    static constexpr uint32_t kSideBits = 12;
    static_assert(kPathSideMax == 1u << kSideBits);
    struct Free {
        void operator()(PathNode* nodes) const;
    };
    std::unique_ptr<PathNode[], Free> nodes_;
    size_t capacity_ = 0;
    uint32_t width_ = 0;
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

// ---- for other files of the searches ------------------------------------------------------------

// Fills in path and length: back from the goal over the cells before, straight lines between them.
void collect_path(const PathGrid& grid, const PathScratch& scratch, PathCell start, PathCell goal,
                  PathAnswer& answer);
// Jump point search: path_jump.cpp.
PathEnd search_jumping(const PathGrid& grid, const PathQuery& query, PathCell start, PathCell goal,
                       PathScratch& scratch, uint64_t& nodes_explored);
// Back from `goal` to every cell that reaches it, whose costs are left in `scratch`: kFound, or
// kMaxNodes or kStopped. The goal MUST be free and scratch.begin() done.
PathEnd search_back(const PathGrid& grid, const PathQuery& query, PathCell goal,
                    PathScratch& scratch, uint64_t& cells_reached);

}  // namespace p2c2r::kernels
