// The arithmetic of the ray tracer stays among normal numbers, whatever the scene: no infinity, no
// NaN, nothing so small that devices treat it differently. The processor's exception flags tell.
#include <doctest/doctest.h>

#include <cfenv>

#include "core/prng.h"
#include "kernels/raytrace_answers.h"
#include "kernels/raytrace_walk.h"
#include "support/extreme_scenes.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

// All paths of a picture; not by raytrace_native(), which puts the flags back as they were.
void trace_all(const RaytraceRequest& request) {
    const RtData data{request.frame.data(), request.scene->prims.data()};
    for (uint32_t i = 0; i < request.width * request.height; ++i) {
        RtPath path;
        rt_start(data, path, i % request.width, i / request.width, i % 7);
        while (path.phase != kRtDone) {
            if (path.phase == kRtNearest) {
                const RtHit hit = rt_walk_plain().nearest(*request.scene, data, path.ray);
                rt_after_nearest(data, path,
                                 hit.prim == kRtNone ? kRtNone : hit.prim * kRtPrimWords,
                                 hit.distance);
            } else if (path.phase == kRtLight) {
                rt_ask_light(data, path);
            } else {
                rt_after_shadow(path, rt_walk_plain().blocked(*request.scene, data, path.ray));
            }
        }
        REQUIRE(rt_result(data, path, 0) <= 65535);
    }
}

// Depths of every size that a request may have.
void draw_any_gbuffer(Prng& prng, RaytraceRequest& request) {
    draw_rt_gbuffer(prng, request);
    uint32_t* const head = request.frame.data() + kRtFrameWords;
    // Moved as far as by a step of 16, the largest, in the widest picture.
    if (head[kRtGbufferAlong] != 0)
        head[kRtGbufferBiasAlong] = float_bits(static_cast<float>(prng.below(1u << 20)));
    for (uint64_t i = 0; i < request.tile.pixels(); ++i) {
        uint32_t& depth = head[kRtGbufferPixels + i * kRtGbufferWords];
        // 2^-20 to 2^20, bits at random.
        if (depth != 0)
            depth = static_cast<uint32_t>((107 + prng.below(40)) << 23 | prng.below(1u << 23));
    }
}

// Clang computes what is not chosen as well, so that its flags are raised for numbers that no
// result comes from. (Results are the same: tests/kernels/digest/matrix.sh.)
bool flags_tell() {
#if defined(__clang__)
    MESSAGE("skipped: built with clang, which raises flags for what is not used");
    return false;
#else
    return true;
#endif
}

void check_range(const Bytes& params, uint32_t mode, Prng* planes = nullptr) {
    RtSceneCache scenes;
    Result<RaytraceRequest> request =
        read_raytrace_request(RaytraceKind::kPicture, params.span(), {}, scenes);
    if (!request) {
        // A normal without length or a box that is too thin was drawn.
        CHECK(request.error().status == Status::kParams);
        return;
    }
    request->frame[kRtFrameMode] = mode;
    if (planes) draw_any_gbuffer(*planes, *request);
    std::feclearexcept(FE_ALL_EXCEPT);
    trace_all(*request);
    const int raised = std::fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW);
    CHECK((raised & FE_INVALID) == 0);
    CHECK((raised & FE_DIVBYZERO) == 0);
    CHECK((raised & FE_OVERFLOW) == 0);
    CHECK((raised & FE_UNDERFLOW) == 0);
}

}  // namespace

TEST_CASE("ray tracing stays among normal numbers in ordinary scenes") {
    if (!flags_tell()) return;
    Prng prng(test::seed());
    for (int round = 0; round < 100; ++round) {
        CAPTURE(round);
        check_range(draw_raytrace_params(prng, 16, 12, 30), kRtModeColor);
    }
}

TEST_CASE("ray tracing stays among normal numbers in scenes of extreme sizes") {
    if (!flags_tell()) return;
    Prng prng(test::seed());
    for (int round = 0; round < 600; ++round) {
        CAPTURE(round);
        check_range(test::draw_extreme_params(prng),
                    round % 2 == 0 ? kRtModeColor : kRtModeShadows);
    }
}

TEST_CASE("rays from G-buffers stay among normal numbers") {
    if (!flags_tell()) return;
    Prng prng(test::seed());
    for (int round = 0; round < 300; ++round) {
        CAPTURE(round);
        constexpr uint32_t kModes[] = {kRtModeShadows, kRtModeReflections, kRtModeGather};
        const Bytes params = round % 2 == 0 ? test::draw_extreme_params(prng)
                                            : draw_raytrace_params(prng, 16, 12, 30);
        check_range(params, kModes[round % 3], &prng);
    }
}
