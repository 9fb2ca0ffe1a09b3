// The result of `ai_pathfinding` as the map that travels; README.md in this folder lists its
// fields.
#pragma once

#include <span>
#include <string>

#include "core/bytes.h"
#include "kernels/path_request.h"
#include "kernels/path_search.h"

namespace p2c2r::kernels {

// For the paths of all agents, in their order.
Bytes describe_paths(const PathRequest& request, std::span<const PathAnswer> answers,
                     const std::string& device);
// The data of output `packed`: x and y of every cell as 16-bit integers, the low byte first.
Bytes pack_paths(std::span<const PathAnswer> answers, const MemoryHook* memory);
// For a flow field as the result.
Bytes describe_field(const PathRequest& request, PathEnd end, uint64_t cells_reached,
                     const std::string& device);

}  // namespace p2c2r::kernels
