// The passes of `upscale` on the processor: equal in every form, right where the answer is known.
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

struct Size {
    uint32_t width = 0;
    uint32_t height = 0;
};

Pixels random_pixels(Size size, uint32_t channels, Prng& prng) {
    Pixels pixels(size_t{size.width} * size.height * channels);
    // Blocks of the extremes among noise: overshoot and clamping are where forms could differ.
    const uint64_t style = prng.below(3);
    for (uint8_t& value : pixels) {
        const uint64_t draw = prng.next();
        value = static_cast<uint8_t>(style == 0 ? draw : (draw & 1 ? 255 : 0));
    }
    return pixels;
}

Pixels resize(const Pixels& source, Size from, Size to, uint32_t channels, ResampleFilter filter,
              const UpscalePasses& passes = upscale_passes()) {
    const UpscalePlan plan =
        make_upscale_plan(from.width, from.height, to.width, to.height, channels, filter);
    Pixels target(size_t{to.width} * to.height * channels, 0x5A);
    REQUIRE(upscale_native(plan, source.data(), target.data(), {}, passes));
    return target;
}

uint32_t draw_side(Prng& prng) {
    return 1 + static_cast<uint32_t>(prng.below(90));
}

}  // namespace

TEST_CASE("the avx2 form gives the bytes of the plain form") {
    const UpscalePasses* avx2 = upscale_passes_avx2();
    if (!avx2) {
        MESSAGE("skipped: this processor has no AVX2");
        return;
    }
    Prng prng(test::seed());
    for (int round = 0; round < 600; ++round) {
        const Size from{draw_side(prng), draw_side(prng)};
        const Size to{draw_side(prng), draw_side(prng)};
        const uint32_t channels = 3 + round % 2;
        const ResampleFilter filter =
            prng.chance(0.5) ? ResampleFilter::kBicubic : ResampleFilter::kLanczos;
        const Pixels source = random_pixels(from, channels, prng);
        CAPTURE(round);
        REQUIRE(resize(source, from, to, channels, filter, *avx2) ==
                resize(source, from, to, channels, filter, upscale_passes_plain()));
    }
}

TEST_CASE("strips of columns give the bytes of a wide picture for strong reductions") {
    // 1500 rows to 2 need a ring of more than 1500 rows, so the 700 columns fall into strips.
    Prng prng(test::seed());
    const Size from{700, 1500};
    const Pixels source = random_pixels(from, 3, prng);
    for (const ResampleFilter filter : {ResampleFilter::kBicubic, ResampleFilter::kLanczos}) {
        const Pixels whole = resize(source, from, {700, 2}, 3, filter);
        CHECK(whole == resize(source, from, {700, 2}, 3, filter, upscale_passes_plain()));
        // With equal widths a column depends on itself alone: one column done by itself agrees.
        for (const uint32_t x : {0u, 57u, 58u, 350u, 699u}) {
            Pixels column;
            for (uint32_t y = 0; y < from.height; ++y) {
                const uint8_t* pixel = &source[(size_t{y} * from.width + x) * 3];
                column.insert(column.end(), pixel, pixel + 3);
            }
            const Pixels alone = resize(column, {1, from.height}, {1, 2}, 3, filter);
            for (uint32_t y = 0; y < 2; ++y) {
                CHECK(std::equal(&alone[size_t{y} * 3], &alone[size_t{y} * 3] + 3,
                                 &whole[(size_t{y} * 700 + x) * 3]));
            }
        }
    }
}

TEST_CASE("a picture of one colour keeps it at every ratio") {
    Prng prng(test::seed());
    for (int round = 0; round < 200; ++round) {
        const Size from{draw_side(prng), draw_side(prng)};
        const Size to{draw_side(prng), draw_side(prng)};
        const uint8_t color[4] = {static_cast<uint8_t>(prng.next()), 255, 0,
                                  static_cast<uint8_t>(prng.next())};
        const uint32_t channels = 3 + round % 2;
        Pixels source;
        for (size_t i = 0; i < size_t{from.width} * from.height; ++i) {
            source.insert(source.end(), color, color + channels);
        }
        const Pixels target = resize(source, from, to, channels, ResampleFilter::kLanczos);
        bool kept = true;
        for (size_t i = 0; i < target.size(); ++i) kept = kept && target[i] == color[i % channels];
        CHECK(kept);
    }
}

TEST_CASE("the same size gives the same picture") {
    Prng prng(test::seed());
    for (const uint32_t channels : {3u, 4u}) {
        const Size size{61, 47};
        const Pixels source = random_pixels(size, channels, prng);
        CHECK(resize(source, size, size, channels, ResampleFilter::kBicubic) == source);
        CHECK(resize(source, size, size, channels, ResampleFilter::kLanczos) == source);
    }
}

TEST_CASE("channels do not mix and alpha is filtered like a colour") {
    Prng prng(test::seed());
    const Size from{31, 23};
    const Size to{50, 37};
    const Pixels rgba = random_pixels(from, 4, prng);
    Pixels rgb;
    Pixels alpha_thrice;
    for (size_t i = 0; i < rgba.size(); i += 4) {
        rgb.insert(rgb.end(), &rgba[i], &rgba[i] + 3);
        alpha_thrice.insert(alpha_thrice.end(), 3, rgba[i + 3]);
    }
    const Pixels four = resize(rgba, from, to, 4, ResampleFilter::kLanczos);
    const Pixels three = resize(rgb, from, to, 3, ResampleFilter::kLanczos);
    const Pixels alpha = resize(alpha_thrice, from, to, 3, ResampleFilter::kLanczos);
    for (size_t i = 0; i < three.size() / 3; ++i) {
        REQUIRE(std::equal(&three[i * 3], &three[i * 3] + 3, &four[i * 4]));
        REQUIRE(four[i * 4 + 3] == alpha[i * 3]);
    }
}

TEST_CASE("stop ends the work early and says so") {
    const UpscalePlan plan = make_upscale_plan(640, 64, 640, 2000, 3, ResampleFilter::kBicubic);
    const Pixels source(640 * 64 * 3, 9);
    Pixels target(640 * 2000 * 3, 0x5A);
    int asked = 0;
    CHECK(!upscale_native(plan, source.data(), target.data(), [&] { return ++asked == 3; }));
    CHECK(asked == 3);
    CHECK(target.front() == 9);
    CHECK(target.back() == 0x5A);

    // Also within a row, where it takes much of the input.
    const UpscalePlan smaller = make_upscale_plan(640, 2000, 640, 1, 3, ResampleFilter::kLanczos);
    Pixels row(640 * 3, 0x5A);
    asked = 0;
    CHECK(!upscale_native(smaller, target.data(), row.data(), [&] { return ++asked == 2; }));
    CHECK(asked == 2);
    CHECK(row.back() == 0x5A);
}

// ---- edge -------------------------------------------------------------------------------------

namespace {

Pixels resize_edge(const Pixels& source, const Size& from, const Size& to, uint32_t channels,
                   const EdgeRows& rows) {
    const UpscalePlan plan = make_upscale_plan(from.width, from.height, to.width, to.height,
                                               channels, ResampleFilter::kEdge);
    Pixels target(size_t{to.width} * to.height * channels);
    REQUIRE(upscale_native(plan, source.data(), target.data(), {}, upscale_passes_plain(), rows));
    return target;
}

}  // namespace

TEST_CASE("edge: the avx2 form gives the bytes of the plain form") {
    const EdgeRows* avx2 = edge_rows_avx2();
    if (!avx2) {
        MESSAGE("skipped: this processor has no AVX2");
        return;
    }
    Prng prng(test::seed());
    for (int round = 0; round < 300; ++round) {
        const Size from{draw_side(prng), draw_side(prng)};
        const Size to{from.width + draw_side(prng) - 1, from.height + draw_side(prng) - 1};
        const uint32_t channels = 3 + round % 2;
        const Pixels source = random_pixels(from, channels, prng);
        CAPTURE(round);
        REQUIRE(resize_edge(source, from, to, channels, *avx2) ==
                resize_edge(source, from, to, channels, edge_rows_plain()));
    }
}

TEST_CASE("edge: a soft edge becomes steeper and a hard one stays, and neither gets a halo") {
    // One row of grey steps, wide enough that the borders do not matter.
    const auto grey = [](const std::vector<int>& values) {
        Pixels pixels;
        for (int y = 0; y < 16; ++y) {
            for (const int value : values)
                pixels.insert(pixels.end(), 3, static_cast<uint8_t>(value));
        }
        return pixels;
    };
    const std::vector<int> soft = {40, 40, 40, 40, 40, 80, 120, 160, 200, 200, 200, 200, 200};
    const std::vector<int> hard = {40, 40, 40, 40, 40, 40, 200, 200, 200, 200, 200, 200, 200};
    const Size size{13, 16};
    const auto steepest = [&](const std::vector<int>& values, ResampleFilter filter) {
        const UpscalePlan plan = make_upscale_plan(13, 16, 39, 48, 3, filter);
        Pixels target(39 * 48 * 3);
        REQUIRE(upscale_native(plan, grey(values).data(), target.data()));
        int most = 0;
        for (int x = 1; x < 39; ++x) {
            const int step = target[(24 * 39 + x) * 3] - target[(24 * 39 + x - 1) * 3];
            most = std::max(most, step);
        }
        const auto [low, high] = std::minmax_element(target.begin(), target.end());
        if (filter == ResampleFilter::kEdge) {
            CHECK(*low >= 36);
            CHECK(*high <= 204);
        }
        return most;
    };
    CHECK(steepest(soft, ResampleFilter::kEdge) > steepest(soft, ResampleFilter::kLanczos));
    CHECK(std::abs(steepest(hard, ResampleFilter::kEdge) -
                   steepest(hard, ResampleFilter::kLanczos)) <= 2);
    CHECK(resize_edge(grey(hard), size, size, 3, edge_rows()) == grey(hard));
}

TEST_CASE("edge: one colour keeps it and where a side becomes smaller it is lanczos") {
    const Size from{40, 30};
    const Pixels flat(size_t{40} * 30 * 4, 77);
    CHECK(resize_edge(flat, from, {81, 47}, 4, edge_rows()) == Pixels(size_t{81} * 47 * 4, 77));
    Prng prng(test::seed());
    const Pixels noise = random_pixels(from, 3, prng);
    for (const Size to : {Size{39, 60}, Size{80, 29}, Size{20, 15}}) {
        CHECK(resize_edge(noise, from, to, 3, edge_rows()) ==
              resize(noise, from, to, 3, ResampleFilter::kLanczos, upscale_passes_plain()));
    }
}

TEST_CASE("edge: stop ends the work in each of its parts") {
    const UpscalePlan plan = make_upscale_plan(64, 64, 64, 640, 3, ResampleFilter::kEdge);
    const Pixels source(64 * 64 * 3, 9);
    Pixels target(64 * 640 * 3);
    int looks = 0;
    REQUIRE(upscale_native(plan, source.data(), target.data(), [&] { return ++looks < 0; }));
    for (int at = 1; at <= looks; ++at) {
        int asked = 0;
        CHECK(!upscale_native(plan, source.data(), target.data(), [&] { return ++asked == at; }));
        CHECK(asked == at);
    }
}
