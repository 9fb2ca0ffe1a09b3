// How much a task is beyond its bytes: two pictures of one scene differ in a few bytes of params
// and by half of the work.
#pragma once

#include <cstdint>
#include <span>

namespace p2c2r {

// Pixels or cells of what is asked for, by the names that the contract's types have for it:
// resolution, output_res, or width and height with or without output_. 0: nothing of that is
// there, the params are more than 16 KiB (looking would cost more than it tells) or no map.
[[nodiscard]] uint64_t pixels_asked_for(std::span<const uint8_t> params);

}  // namespace p2c2r
