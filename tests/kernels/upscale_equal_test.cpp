// Random sizes: a Vulkan device gives the bytes of the plain native form, whatever the size, ratio
// and channel count; also where a picture falls into several tiles and slices.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "core/prng.h"
#include "kernels/upscale_gpu.h"
#include "support/random_inputs.h"
#include "support/rounds.h"
#include "support/seed.h"
#include "vulkan_devices.h"

using namespace p2c2r;
using namespace p2c2r::kernels;
using test::ResizeCase;

namespace {

void check_equal(UpscaleGpu& upscale, const ResizeCase& row, Prng& prng) {
    CAPTURE(row.input_width);
    CAPTURE(row.input_height);
    CAPTURE(row.output_width);
    CAPTURE(row.output_height);
    CAPTURE(row.channels);
    const UpscalePlan plan = row.plan();
    const std::vector<uint8_t> source = test::random_pixels(row, prng);
    std::vector<uint8_t> expected(row.output_size(), 0x11);
    std::vector<uint8_t> found(row.output_size(), 0x22);
    REQUIRE(upscale_native(plan, source.data(), expected.data(), {}, upscale_passes_plain(),
                           edge_rows_plain()));
    const Result<Done> done = upscale.run(plan, source.data(), found.data());
    REQUIRE_MESSAGE(done.ok(), done.error().text);
    CHECK(expected == found);
    // And some of its rows.
    const auto first = static_cast<uint32_t>(prng.below(row.output_height));
    const uint32_t most = std::min(row.output_height - first, 100u);
    const auto end = first + 1 + static_cast<uint32_t>(prng.below(most));
    const size_t row_size = size_t{row.output_width} * row.channels;
    std::vector<uint8_t> part((end - first) * row_size, 0x22);
    const Result<Done> some = upscale.run(plan, {first, end}, source.data(), part.data());
    REQUIRE_MESSAGE(some.ok(), some.error().text);
    CHECK(std::equal(part.begin(), part.end(),
                     expected.begin() + static_cast<ptrdiff_t>(first * row_size)));
}

uint32_t draw_side(Prng& prng) {
    return 1 + static_cast<uint32_t>(prng.below(120));
}

constexpr ResampleFilter kFilters[] = {ResampleFilter::kBicubic, ResampleFilter::kLanczos,
                                       ResampleFilter::kEdge};

}  // namespace

TEST_CASE("random sizes are equal on every Vulkan device and in plain code") {
    test::on_each_upscale([](UpscaleGpu& upscale) {
        Prng prng(test::seed());
        for (int round = 0; round < 80; ++round) {
            const ResizeCase row{draw_side(prng),
                                 draw_side(prng),
                                 draw_side(prng),
                                 draw_side(prng),
                                 3 + static_cast<uint32_t>(prng.below(2)),
                                 kFilters[prng.below(3)]};
            check_equal(upscale, row, prng);
        }
        // Edge looks at every pixel only where no side becomes smaller.
        for (int round = 0; round < 60; ++round) {
            ResizeCase row{draw_side(prng),
                           draw_side(prng),
                           0,
                           0,
                           3 + static_cast<uint32_t>(prng.below(2)),
                           ResampleFilter::kEdge};
            row.output_width = row.input_width + static_cast<uint32_t>(prng.below(90));
            row.output_height = row.input_height + static_cast<uint32_t>(prng.below(90));
            check_equal(upscale, row, prng);
        }
    });
}

TEST_CASE("a thousand tiny pictures by each filter are equal on every Vulkan device") {
    test::on_each_upscale([](UpscaleGpu& upscale) {
        Prng prng(test::seed());
        for (int round = 0; round < test::rounds(1000); ++round) {
            CAPTURE(round);
            for (const ResampleFilter filter : kFilters) {
                check_equal(upscale, test::tiny_resize(prng, filter), prng);
            }
        }
    });
}

TEST_CASE("extreme ratios are equal on every Vulkan device and in plain code") {
    // The first needs tiles of columns: its rows between the passes would take 130 MiB.
    const ResizeCase cases[] = {
        {16, 4099, 4001, 1, 4, ResampleFilter::kLanczos},
        {8192, 1, 1, 777, 3, ResampleFilter::kLanczos},
        {1, 3000, 700, 2, 3, ResampleFilter::kBicubic},
        {2, 2, 2000, 501, 4, ResampleFilter::kLanczos},
        {1500, 700, 31, 29, 3, ResampleFilter::kBicubic},
        {1, 1, 500, 300, 4, ResampleFilter::kEdge},
        {2, 900, 3, 1801, 3, ResampleFilter::kEdge},
        // Several tiles.
        {1000, 2100, 4100, 2101, 4, ResampleFilter::kEdge},
    };
    test::on_each_upscale([&](UpscaleGpu& upscale) {
        Prng prng(test::seed());
        for (const ResizeCase& row : cases) check_equal(upscale, row, prng);
    });
}

TEST_CASE("a frame is equal on every Vulkan device and stops between slices when asked") {
    test::on_each_upscale([](UpscaleGpu& upscale) {
        Prng prng(test::seed());
        check_equal(upscale, {1280, 720, 1920, 1080, 3, ResampleFilter::kLanczos}, prng);
        const UpscalePlan plan =
            make_upscale_plan(1280, 720, 1920, 1080, 3, ResampleFilter::kLanczos);
        const std::vector<uint8_t> source(1280 * 720 * 3, 77);
        std::vector<uint8_t> target(1920 * 1080 * 3, 0);
        int asked = 0;
        const Result<Done> stopped =
            upscale.run(plan, source.data(), target.data(), [&] { return ++asked == 2; });
        REQUIRE(!stopped.ok());
        CHECK(stopped.error().status == Status::kCancelled);
        CHECK(asked == 2);
    });
}
