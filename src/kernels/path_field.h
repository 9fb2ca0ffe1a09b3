// Flow fields on the processor: from every cell the direction of a shortest path to one goal, by
// the rule of shaders/path.h.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/path_search.h"

namespace p2c2r::kernels {

// The costs of all cells that reach `goal`, left in `scratch` until its next begin(). kFound, or
// kGoalBlocked, kMaxNodes, kStopped. `cells_reached` counts them, the goal included.
PathEnd search_field(const PathGrid& grid, const PathQuery& query, PathCell goal,
                     PathScratch& scratch, uint64_t& cells_reached);

// Directions to follow. All that is given MUST outlive it.
class FlowField {
  public:
    // From the costs that search_field() left in `scratch`: directions are found when they are
    // asked for, and kept.
    FlowField(const PathGrid& grid, PathRule rule, const PathScratch& scratch);
    // A whole field, a byte a cell, rows top to bottom, as a GPU made it.
    FlowField(const PathGrid& grid, std::vector<uint8_t> directions);

    // The way from `start`. Without one: kUnreachable or kStartBlocked; kBroken when the directions
    // leave the free cells or go in a circle.
    PathAnswer follow(PathCell start);
    // All directions. `stop` (may be empty) is asked every few thousand cells; false when it said
    // yes, and `out` is then unfinished.
    bool write(uint8_t* out, const std::function<bool()>& stop = {});

  private:
    uint32_t direction(PathCell cell);

    const PathGrid& grid_;
    const PathMoves* moves_ = nullptr;
    const PathScratch* scratch_ = nullptr;
    std::vector<uint8_t> directions_;
    std::vector<PathCell> path_;  // of the present follow()
};

}  // namespace p2c2r::kernels
