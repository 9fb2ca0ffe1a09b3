// Boost.Graph as a path search on a grid, for comparison.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "kernels/path_grid.h"

namespace p2c2r::bench {

// The free cells and their steps as a compressed sparse row graph, made once; the rule is octile
// without cut corners.
class BoostGrid {
  public:
    explicit BoostGrid(const kernels::PathGrid& grid);
    ~BoostGrid();
    // Its A* with the octile estimate, ended when the goal is looked at; the length of the path, or
    // -1. The path is walked back as a user would.
    double query(kernels::PathCell start, kernels::PathCell goal);

  private:
    struct Graph;
    std::unique_ptr<Graph> graph_;
};

}  // namespace p2c2r::bench
