// Some rows of a resize are those of the whole, made from no more of the input than they need.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "core/prng.h"
#include "kernels/upscale_native.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

using Pixels = std::vector<uint8_t>;

Pixels noise(size_t size, Prng& prng) {
    Pixels pixels(size);
    for (uint8_t& value : pixels) value = static_cast<uint8_t>(prng.next());
    return pixels;
}

uint32_t draw_side(Prng& prng) {
    return 1 + static_cast<uint32_t>(prng.below(60));
}

}  // namespace

TEST_CASE("any rows of an upscale are those of the whole in every form") {
    Prng prng(test::seed());
    for (int round = 0; round < 300; ++round) {
        const uint32_t channels = 3 + round % 2;
        constexpr ResampleFilter kFilters[] = {ResampleFilter::kBicubic, ResampleFilter::kLanczos,
                                               ResampleFilter::kEdge, ResampleFilter::kEdge};
        const uint32_t width = draw_side(prng);
        const uint32_t height = draw_side(prng);
        const bool larger = round % 4 == 3;
        const uint32_t new_width = draw_side(prng) + (larger ? width : 0);
        const uint32_t new_height = draw_side(prng) + (larger ? height : 0);
        const UpscalePlan plan =
            make_upscale_plan(width, height, new_width, new_height, channels, kFilters[round % 4]);
        Pixels source = noise(size_t{width} * height * channels, prng);
        const size_t row_size = size_t{new_width} * channels;
        Pixels whole(row_size * new_height);
        REQUIRE(upscale_native(plan, source.data(), whole.data(), {}, upscale_passes_plain(),
                               edge_rows_plain()));
        const auto first = static_cast<uint32_t>(prng.below(new_height));
        const auto end = first + 1 + static_cast<uint32_t>(prng.below(new_height - first));

        // Nothing else of the input has a say: 2 rows more are what edge looks at around a row.
        const RowRange needed = input_rows(plan, {first, end});
        const uint32_t around = plan.edge ? 2 : 0;
        for (uint32_t y = 0; y < height; ++y) {
            if (y + around >= needed.first && y < needed.end + around) continue;
            const auto row = source.begin() + static_cast<ptrdiff_t>(size_t{y} * width * channels);
            std::fill_n(row, size_t{width} * channels, static_cast<uint8_t>(prng.next()));
        }
        CAPTURE(round);
        const auto check = [&](const UpscalePasses& passes, const EdgeRows& edge) {
            // Nor is anything written beside them.
            Pixels part((end - first + 2) * row_size, 0x5A);
            REQUIRE(upscale_native(plan, {first, end}, source.data(), part.data() + row_size, {},
                                   passes, edge));
            REQUIRE(std::equal(part.begin() + static_cast<ptrdiff_t>(row_size),
                               part.end() - static_cast<ptrdiff_t>(row_size),
                               whole.begin() + static_cast<ptrdiff_t>(first * row_size)));
            for (size_t i = 0; i < row_size; ++i) {
                REQUIRE(part[i] == 0x5A);
                REQUIRE(part[part.size() - 1 - i] == 0x5A);
            }
        };
        check(upscale_passes_plain(), edge_rows_plain());
        if (upscale_passes_avx2() && edge_rows_avx2()) {
            check(*upscale_passes_avx2(), *edge_rows_avx2());
        }
    }
}
