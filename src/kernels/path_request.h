// The params of `ai_pathfinding` as a struct; README.md in this folder lists them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/status.h"
#include "kernels/path_grid.h"
#include "kernels/path_search.h"

namespace p2c2r::kernels {

inline constexpr uint32_t kPathAgentsMax = 65'536;
// Of all paths of a task together, as lists: three MessagePack values a cell.
inline constexpr uint64_t kPathCellsMax = 4'000'000;

struct PathAgent {
    PathCell start;
    PathCell goal;
};

enum class PathOutput : uint8_t {
    kPaths,   // lists of cells
    kPacked,  // the same in the data, four bytes a cell
    kField,   // a direction for every cell, in the data
};

struct PathRequest {
    PathGrid grid;
    PathRule rule = PathRule::kFour;
    PathAlgorithm algorithm = PathAlgorithm::kAstar;
    PathOutput output = PathOutput::kPaths;
    uint64_t max_nodes = UINT64_MAX;
    bool many = false;  // `agents` was given: results are lists
    std::vector<PathAgent> agents;
    PathCell field_goal;  // of kField
};

// For agents whose paths have more cells together.
Error too_many_path_cells();

// What a task with `agents` is, but for the grid and the agents themselves, which are not looked
// at.
struct PathOutline {
    uint32_t width = 0;
    uint32_t height = 0;
    PathAlgorithm algorithm = PathAlgorithm::kAstar;
    PathOutput output = PathOutput::kPaths;
    uint32_t agents = 0;  // 0: it has none, but a start or a field
};
Result<PathOutline> read_path_outline(std::span<const uint8_t> params);

// `params` is MessagePack; `data` is a grid, or empty. The first thing that is wrong is an error
// that names its field. Memory: the grid, at most 20 MiB, and 16 bytes an agent.
Result<PathRequest> read_path_request(std::span<const uint8_t> params,
                                      std::span<const uint8_t> data);

}  // namespace p2c2r::kernels
