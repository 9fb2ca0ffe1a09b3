// What the game asks for, in the words of the task types (src/kernels/README.md), and what comes
// back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "view.h"
#include "world.h"

namespace game {

// Params as MessagePack. Of layers the scene is the data, which resident.h has.
std::string shadow_request(const Camera& camera, int width, int height);
std::string reflection_request(const Camera& camera, int width, int height, const Rectangle& tile);
std::string debris_request(const World& world, const std::vector<Body>& bodies, uint32_t steps);
std::string path_request(const World& world);

// The data beside them: packed bodies, and a bit a cell of the courtyard.
std::vector<uint8_t> debris_records(const std::vector<Body>& bodies);
std::vector<uint8_t> grid_bits(const World& world);

// Empty where the bytes are not what was asked for.
std::optional<std::vector<Body>> read_debris(const uint8_t* data, size_t size);
std::optional<std::vector<std::vector<Cell>>> read_paths(const uint8_t* fields, size_t size);

}  // namespace game
