// The ray tracer on the processor: hits are the nearest of all, whatever the boxes; parts of a
// picture are the bytes of the whole.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <vector>

#include "core/prng.h"
#include "kernels/raytrace_answers.h"
#include "kernels/raytrace_native.h"
#include "kernels/raytrace_output.h"
#include "kernels/srgb_table.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

RaytraceRequest draw_request(Prng& prng, uint32_t width, uint32_t height, uint32_t objects) {
    const Bytes params = draw_raytrace_params(prng, width, height, objects);
    RtSceneCache scenes;
    Result<RaytraceRequest> request =
        read_raytrace_request(RaytraceKind::kPicture, params.span(), {}, scenes);
    REQUIRE_MESSAGE(request.ok(), request.error().text);
    return *request;
}

std::vector<uint32_t> trace(const RaytraceRequest& request, const RtTile& tile, uint32_t first,
                            uint32_t count, uint32_t threads = 1, const RtWalk& walk = rt_walk()) {
    const RtPass pass{request.scene.get(), &request.frame, tile, first, count};
    std::vector<uint32_t> words(tile.pixels() * kRtWordsPerPixel, 0x77777777);
    REQUIRE(raytrace_native(pass, words.data(), threads, {}, walk).ok());
    return words;
}

// The distance of one primitive by itself: its own box, nothing else, as raytrace.h says what a hit
// is.
float meet_alone(const RtScene& scene, const RtData& data, const RtRay& ray, uint32_t prim) {
    RtSpan span{0, kRtFar};
    if ((scene.prims[prim * kRtPrimWords] & kRtKindMask) != kRtPlane) {
        const RtBounds& box = scene.bounds[prim];
        span = rt_slab(ray, {box.low[0], box.low[1], box.low[2]},
                       {box.high[0], box.high[1], box.high[2]});
        if (!(span.first <= span.last)) return 0;
    }
    return rt_meet(data, ray, prim * kRtPrimWords, span);
}

RtHit nearest_of_all(const RtScene& scene, const RtData& data, const RtRay& ray) {
    RtHit hit;
    hit.distance = ray.limit;
    for (uint32_t prim = 0; prim < scene.prims_count; ++prim) {
        const float distance = meet_alone(scene, data, ray, prim);
        if (rt_nearer(distance, prim, hit.distance, hit.prim)) hit = {prim, distance};
    }
    return hit;
}

bool blocked_by_any(const RtScene& scene, const RtData& data, const RtRay& ray) {
    for (uint32_t prim = 0; prim < scene.prims_count; ++prim) {
        const float distance = meet_alone(scene, data, ray, prim);
        if (rt_blocks(data, ray, prim * kRtPrimWords, distance)) return true;
    }
    return false;
}

void add_tile(std::vector<uint32_t>& whole, const RaytraceRequest& request, const RtTile& tile,
              const std::vector<uint32_t>& part) {
    for (uint32_t y = 0; y < tile.height; ++y) {
        for (uint32_t i = 0; i < tile.width * kRtWordsPerPixel; ++i) {
            whole[(size_t{tile.y + y} * request.width + tile.x) * kRtWordsPerPixel + i] +=
                part[size_t{y} * tile.width * kRtWordsPerPixel + i];
        }
    }
}

}  // namespace

TEST_CASE("the walk through the boxes finds the nearest of all primitives and any that blocks") {
    Prng prng(test::seed());
    for (int round = 0; round < 40; ++round) {
        const RaytraceRequest request = draw_request(prng, 32, 32, 60);
        const RtScene& scene = *request.scene;
        const RtData data{request.frame.data(), scene.prims.data()};
        for (int i = 0; i < 300; ++i) {
            RtPath path;
            rt_begin(data, path, static_cast<uint32_t>(prng.below(32)),
                     static_cast<uint32_t>(prng.below(32)), static_cast<uint32_t>(i));
            for (const RtWalk* walk : {&rt_walk_plain(), rt_walk_avx2()}) {
                if (!walk) continue;
                CAPTURE(std::string(walk->name));
                path.ray.limit = kRtFar;
                const RtHit expected = nearest_of_all(scene, data, path.ray);
                const RtHit found = walk->nearest(scene, data, path.ray);
                REQUIRE(found.prim == expected.prim);
                if (found.prim != kRtNone) {
                    REQUIRE(float_bits(found.distance) == float_bits(expected.distance));
                }
                path.ray.limit = static_cast<float>(prng.unit() * 12);
                REQUIRE(walk->blocked(scene, data, path.ray) ==
                        blocked_by_any(scene, data, path.ray));
            }
        }
    }
}

TEST_CASE("tiles of 1 and 7 and 64 pixels and any number of threads give the bytes of the whole") {
    Prng prng(test::seed());
    for (int round = 0; round < 6; ++round) {
        const RaytraceRequest request = draw_request(prng, 90, 70, 30);
        const std::vector<uint32_t> whole =
            trace(request, request.tile, 0, request.sample_count, 1, rt_walk_plain());
        CHECK(trace(request, request.tile, 0, request.sample_count, 3) == whole);
        for (const uint32_t side : {1u, 7u, 64u}) {
            std::vector<uint32_t> pieces(whole.size(), 0);
            for (uint32_t y = 0; y < request.height; y += side) {
                for (uint32_t x = 0; x < request.width; x += side) {
                    const RtTile tile{x, y, std::min(side, request.width - x),
                                      std::min(side, request.height - y)};
                    add_tile(pieces, request, tile, trace(request, tile, 0, request.sample_count));
                }
            }
            CAPTURE(side);
            CHECK(pieces == whole);
        }
    }
}

TEST_CASE("four times four samples are sixteen samples") {
    Prng prng(test::seed());
    const RaytraceRequest request = draw_request(prng, 40, 30, 30);
    const std::vector<uint32_t> whole = trace(request, request.tile, 0, 16);
    std::vector<uint32_t> sum(whole.size(), 0);
    for (uint32_t first = 0; first < 16; first += 4) {
        add_tile(sum, request, request.tile, trace(request, request.tile, first, 4));
    }
    CHECK(sum == whole);
}

TEST_CASE("a thousand random splits into tiles and sample ranges equal the whole") {
    Prng prng(test::seed());
    constexpr uint32_t kSamples = 6;
    RaytraceRequest request = draw_request(prng, 12, 9, 20);
    std::vector<uint32_t> whole = trace(request, request.tile, 0, kSamples);
    for (int round = 0; round < 1000; ++round) {
        if (round % 50 == 0) {
            request = draw_request(prng, 12, 9, 20);
            whole = trace(request, request.tile, 0, kSamples);
        }
        // Cut at random places in x, y and the samples.
        const auto cut = [&prng](uint32_t size) {
            return static_cast<uint32_t>(prng.below(size + 1));
        };
        const uint32_t xs[] = {0, cut(12), 12};
        const uint32_t ys[] = {0, cut(9), 9};
        const uint32_t samples[] = {0, cut(kSamples), kSamples};
        std::vector<uint32_t> sum(whole.size(), 0);
        for (int part = 0; part < 8; ++part) {
            const int x = part & 1, y = part >> 1 & 1, s = part >> 2;
            const RtTile tile{xs[x], ys[y], xs[x + 1] - xs[x], ys[y + 1] - ys[y]};
            const uint32_t count = samples[s + 1] - samples[s];
            if (tile.pixels() == 0 || count == 0) continue;
            add_tile(sum, request, tile, trace(request, tile, samples[s], count));
        }
        REQUIRE(sum == whole);
    }
}

TEST_CASE("a picture stops when asked") {
    Prng prng(test::seed());
    const RaytraceRequest request = draw_request(prng, 200, 200, 30);
    std::vector<uint32_t> words(request.tile.pixels() * kRtWordsPerPixel);
    const RtPass pass{request.scene.get(), &request.frame, request.tile, 0, 4};
    std::atomic<int> asked{0};
    const Result<Done> done =
        raytrace_native(pass, words.data(), 2, [&asked] { return ++asked >= 3; });
    REQUIRE(!done.ok());
    CHECK(done.error().status == Status::kCancelled);
}

TEST_CASE("the sRGB byte is the nearest to the curve and never falls") {
    const auto curve = [](double x) {
        return 255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055);
    };
    int before = 0;
    for (uint32_t value = 0; value < 65536; ++value) {
        const int byte = srgb_byte(value, 1);
        REQUIRE(std::fabs(byte - curve(value / 65535.0)) < 0.501);
        REQUIRE(byte >= before);
        REQUIRE(srgb_byte(value * 9, 9) == byte);
        before = byte;
    }
    CHECK(srgb_byte(65535u * 4096u, 4096) == 255);
}

TEST_CASE("means of samples are rounded to nearest") {
    CHECK(rt_mean_byte(0, 1) == 0);
    CHECK(rt_mean_byte(65535, 1) == 255);
    CHECK(rt_mean_byte(128, 1) == 0);
    CHECK(rt_mean_byte(129, 1) == 1);
    CHECK(rt_mean_byte(65535u * 4096u, 4096) == 255);
    for (uint32_t value = 0; value < 65536; ++value) {
        const auto expected = static_cast<int>(value * 255.0 / 65535.0 + 0.5);
        REQUIRE(rt_mean_byte(value, 1) == expected);
        REQUIRE(rt_mean_byte(value * 7, 7) == expected);
    }
}

TEST_CASE("a device that is wrong in one mode alone fails the self-test of that type") {
    // Those that begin at a G-buffer as kRtAnswerGbuffer more.
    const std::pair<uint32_t, const char*> modes[] = {
        {kRtModeColor, "the self-test of raytracing failed"},
        {kRtModeLayers, "the self-test of raytracing failed"},
        {kRtModeReflections, "the self-test of rt_reflections failed"},
        {kRtModeShadows, "the self-test of rt_shadows failed"},
        {kRtModeProbes, "the self-test of rt_global_illumination failed"},
        {kRtAnswerGbuffer + kRtModeReflections, "the self-test of rt_reflections failed"},
        {kRtAnswerGbuffer + kRtModeShadows, "the self-test of rt_shadows failed"},
        {kRtAnswerGbuffer + kRtModeGather, "the self-test of rt_global_illumination failed"}};
    const auto with = [](uint32_t wrong_mode) {
        return check_raytrace_answers([&](const RtPass& pass, const auto&, uint32_t* words) {
            const Result<Done> done = raytrace_native(pass, words, 1);
            const RtFrame& frame = *pass.frame;
            const bool wrong =
                frame[kRtFrameMode] + frame[kRtFrameGbuffer] * kRtAnswerGbuffer == wrong_mode;
            words[pass.tile.pixels() * kRtWordsPerPixel / 2] ^= wrong ? 1 : 0;
            return done;
        });
    };
    const Result<Done> right = with(kRtNone);
    CHECK_MESSAGE(right.ok(), right.error().text);
    for (const auto& [mode, expected] : modes) {
        const Result<Done> answers = with(mode);
        REQUIRE(!answers.ok());
        CHECK(answers.error().status == Status::kDevice);
        CHECK(answers.error().text.find(expected) == 0);
        CHECK(answers.error().text.find("in mode " + std::to_string(mode) + " ") !=
              std::string::npos);
    }
}

TEST_CASE("a device that reads one word of a G-buffer wrongly fails the self-test") {
    const auto without = [](uint32_t word) {
        return check_raytrace_answers([&](const RtPass& pass, const auto&, uint32_t* words) {
            RtFrame frame = *pass.frame;
            if (frame[kRtFrameGbuffer] != 0) frame[kRtFrameWords + word] = 0;
            RtPass wrong = pass;
            wrong.frame = &frame;
            return raytrace_native(wrong, words, 1);
        });
    };
    for (const uint32_t word :
         {kRtGbufferJitterX, kRtGbufferJitterY, kRtGbufferFormat, kRtGbufferAlong, kRtGbufferBias,
          kRtGbufferBiasShare, kRtGbufferBiasAlong}) {
        CAPTURE(word);
        const Result<Done> answers = without(word);
        REQUIRE(!answers.ok());
        CHECK(answers.error().status == Status::kDevice);
    }
    // And of normals each format, where the others are right.
    for (const uint32_t format : {kRtNormalS8x3, kRtNormalOct16, kRtNormalOct32}) {
        CAPTURE(format);
        const Result<Done> answers =
            check_raytrace_answers([&](const RtPass& pass, const auto&, uint32_t* words) {
                const RtFrame& frame = *pass.frame;
                const Result<Done> done = raytrace_native(pass, words, 1);
                const bool wrong = frame[kRtFrameGbuffer] != 0 &&
                                   frame[kRtFrameWords + kRtGbufferFormat] == format;
                words[pass.tile.pixels() * kRtWordsPerPixel / 2] ^= wrong ? 1 : 0;
                return done;
            });
        CHECK_FALSE(answers.ok());
    }
}
