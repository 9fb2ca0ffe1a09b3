// How many pixels a side the ray tracer gives a device at a time.
#pragma once

#include <cstdint>

namespace p2c2r::kernels {

// State of a block: 28 MiB.
inline constexpr uint32_t kRtBlockSideMax = 256;
// Four groups: a software device shares them between its processors.
inline constexpr uint32_t kRtBlockSideLeast = 16;

// After blocks of `side`, of which a slice of the usual length makes `slice_turns` turns. A device
// that has more lanes than the block has pixels makes as many turns for each of four times as many,
// so that only trying tells: larger as long as each pixel has many turns in a slice, since saving
// and loading its state costs some ten; smaller when that becomes dear.
constexpr uint32_t next_block_side(uint32_t side, uint64_t slice_turns) {
    constexpr uint64_t kMany = 256;
    constexpr uint64_t kFew = 32;
    const uint64_t pixels = uint64_t{side} * side;
    if (slice_turns >= pixels * kMany && side < kRtBlockSideMax) return side * 2;
    if (slice_turns < pixels * kFew && side > kRtBlockSideLeast) return side / 2;
    return side;
}

}  // namespace p2c2r::kernels
