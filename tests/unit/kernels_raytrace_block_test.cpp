// How large the blocks become that the ray tracer gives a device: on model devices, which make a
// turn of every pixel at once as long as they have lanes for them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>

#include "kernels/raytrace_block.h"
#include "kernels/slice_pace.h"

using namespace p2c2r::kernels;

namespace {

struct ModelDevice {
    uint64_t lanes;
    uint64_t turn_ns;  // of each pixel that has a lane
    [[nodiscard]] uint64_t slice_ns(uint64_t pixels, uint64_t turns) const {
        return (pixels + lanes - 1) / lanes * turns * turn_ns;
    }
};

// The side after so many slices of whole blocks.
uint32_t side_after(const ModelDevice& device, int slices, uint32_t side = kRtBlockSideLeast) {
    SlicePace pace(20'000);
    for (int i = 0; i < slices; ++i) {
        const uint64_t pixels = uint64_t{side} * side;
        const uint64_t turns = std::max<uint64_t>(pace.units() / pixels, 64);
        pace.learn(turns * pixels, device.slice_ns(pixels, turns));
        side = next_block_side(side, pace.units());
    }
    return side;
}

}  // namespace

TEST_CASE("kernels: blocks of the ray tracer grow until a wide device is full") {
    // 2 us a turn, whether one pixel makes it or 200 000 do.
    const ModelDevice wide{200'000, 2'000};
    CHECK(side_after(wide, 20) == kRtBlockSideMax);
    const ModelDevice middling{16'384, 2'000};
    CHECK(side_after(middling, 20) == 256);
    CHECK(side_after(middling, 20, 64) == 256);
}

TEST_CASE("kernels: blocks of the ray tracer stay small on a device that is slow or narrow") {
    const ModelDevice slow{4, 1'000};
    CHECK(side_after(slow, 20) == kRtBlockSideLeast);
    const ModelDevice narrow{512, 3'000};
    CHECK(side_after(narrow, 20) == 32);
}

TEST_CASE("kernels: blocks of the ray tracer shrink on a device that has become slow") {
    const ModelDevice slow{4, 1'000};
    CHECK(side_after(slow, 20, kRtBlockSideMax) == kRtBlockSideLeast);
}

TEST_CASE("kernels: the side of a block keeps where one pace suits it") {
    for (const uint32_t side : {16u, 32u, 64u, 128u, 256u}) {
        const uint64_t pixels = uint64_t{side} * side;
        for (const uint64_t each : {40u, 100u, 255u}) {
            CHECK(next_block_side(side, pixels * each) == side);
        }
    }
}
