// Random scenes: a Vulkan device gives the words of the native form, whatever the scene, the mode
// and the slices; so do the known answers and the golden digests.
#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/prng.h"
#include "kernels/raytrace_answers.h"
#include "support/random_inputs.h"
#include "support/rounds.h"
#include "support/seed.h"
#include "vulkan_devices.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

void on_each_raytrace(const std::function<void(RaytraceGpu&)>& body) {
    test::on_each_device([&](const std::shared_ptr<gpu::Device>& device) {
        const Result<std::unique_ptr<RaytraceGpu>> raytrace = RaytraceGpu::create(device);
        REQUIRE_MESSAGE(raytrace.ok(), raytrace.error().text);
        body(**raytrace);
    });
}

Trace native_with(const RtWalk& walk) {
    return [&walk](const RtPass& pass, const std::shared_ptr<const RtScene>&, uint32_t* words) {
        return raytrace_native(pass, words, 1, {}, walk);
    };
}

Trace on(RaytraceGpu& raytrace) {
    return [&raytrace](const RtPass& pass, const std::shared_ptr<const RtScene>& scene,
                       uint32_t* words) { return raytrace.run(pass, scene, words); };
}

// How many words differ.
size_t count_differences(RaytraceGpu& raytrace, RaytraceRequest& request, uint32_t mode) {
    const RtPass pass = test::pass_of(request, mode);
    std::vector<uint32_t> expected(pass.tile.pixels() * kRtWordsPerPixel, 1);
    std::vector<uint32_t> found(expected.size(), 2);
    REQUIRE(raytrace_native(pass, expected.data(), 1).ok());
    const Result<Done> done = raytrace.run(pass, request.scene, found.data());
    REQUIRE_MESSAGE(done.ok(), done.error().text);
    size_t differ = 0;
    for (size_t i = 0; i < found.size(); ++i) differ += expected[i] != found[i] ? 1 : 0;
    return differ;
}

RaytraceRequest read(Result<RaytraceRequest> request) {
    REQUIRE_MESSAGE(request.ok(), request.error().text);
    return *request;
}

// Lines "seed mode sha256"; kRtAnswerGbuffer is added to modes that begin at a G-buffer.
void check_golden(const char* form, const Trace& trace) {
    std::ifstream file(P2C2R_SOURCE_DIR "/tests/kernels/raytrace_golden.txt");
    RtAnswer answer{};
    std::string digest;
    size_t lines = 0;
    while (file >> answer.seed >> answer.mode >> digest) {
        ++lines;
        const Result<std::string> found = raytrace_answer_digest(answer, trace);
        REQUIRE_MESSAGE(found.ok(), found.error().text);
        CHECK_MESSAGE(*found == digest,
                      form << ": " << answer.seed << " " << answer.mode << " " << *found);
    }
    CHECK(lines >= 16);
}

}  // namespace

TEST_CASE(
    "ray tracing gives the known answers and the golden digests in plain code and with avx2") {
    for (const RtWalk* walk : {&rt_walk_plain(), rt_walk_avx2()}) {
        if (!walk) continue;
        for (const RtAnswer& answer : raytrace_answers()) {
            const Result<std::string> digest = raytrace_answer_digest(answer, native_with(*walk));
            REQUIRE_MESSAGE(digest.ok(), digest.error().text);
            CHECK_MESSAGE(*digest == answer.sha256, walk->name << " " << answer.seed);
        }
        check_golden(walk->name, native_with(*walk));
    }
}

TEST_CASE("ray tracing gives the known answers and the golden digests on every Vulkan device") {
    on_each_raytrace([](RaytraceGpu& raytrace) {
        const Result<Done> answers = check_raytrace_answers(raytrace);
        CHECK_MESSAGE(answers.ok(), answers.error().text);
        check_golden("vulkan", on(raytrace));
    });
}

TEST_CASE("random scenes are equal on every Vulkan device and in native code") {
    on_each_raytrace([](RaytraceGpu& raytrace) {
        Prng prng(test::seed());
        for (int round = 0; round < 80; ++round) {
            CAPTURE(round);
            const auto width = 1 + static_cast<uint32_t>(prng.below(50));
            const auto height = 1 + static_cast<uint32_t>(prng.below(40));
            RaytraceRequest request = read(test::random_picture(prng, width, height, 60));
            CHECK(count_differences(raytrace, request, static_cast<uint32_t>(round) % 4) == 0);
        }
    });
}

TEST_CASE("random G-buffers are equal on every Vulkan device and in native code") {
    on_each_raytrace([](RaytraceGpu& raytrace) {
        Prng prng(test::seed());
        for (int round = 0; round < test::rounds(120); ++round) {
            CAPTURE(round);
            const auto width = 1 + static_cast<uint32_t>(prng.below(30));
            const auto height = 1 + static_cast<uint32_t>(prng.below(20));
            RaytraceRequest request = read(test::random_picture(prng, width, height, 40));
            draw_rt_gbuffer(prng, request);
            const uint32_t modes[] = {kRtModeShadows, kRtModeReflections, kRtModeGather};
            CHECK(count_differences(raytrace, request, modes[round % 3]) == 0);
        }
    });
}

TEST_CASE("a thousand tiny pictures of each type are equal on every Vulkan device") {
    on_each_raytrace([](RaytraceGpu& raytrace) {
        Prng prng(test::seed());
        for (int round = 0; round < test::rounds(1000); ++round) {
            CAPTURE(round);
            for (const uint32_t mode :
                 {kRtModeColor, kRtModeReflections, kRtModeLayers, kRtModeShadows}) {
                RaytraceRequest request = read(test::tiny_picture(prng));
                CAPTURE(mode);
                CHECK(count_differences(raytrace, request, mode) == 0);
            }
            RaytraceRequest probes = read(test::tiny_probes(prng));
            CHECK(count_differences(raytrace, probes, kRtModeProbes) == 0);
        }
    });
}

TEST_CASE("scenes of extreme sizes are equal on every Vulkan device and in native code") {
    on_each_raytrace([](RaytraceGpu& raytrace) {
        Prng prng(test::seed());
        for (int round = 0; round < 80; ++round) {
            CAPTURE(round);
            RaytraceRequest request = read(test::extreme_picture(prng));
            CHECK(count_differences(raytrace, request, static_cast<uint32_t>(round) % 4) == 0);
        }
    });
}

TEST_CASE("slices of a few turns and blocks of a few pixels give the same words") {
    on_each_raytrace([](RaytraceGpu& raytrace) {
        Prng prng(test::seed());
        for (const uint32_t turns : {1u, 3u, 17u, 400u}) {
            raytrace.fix_slices(turns, turns < 17 ? 16 : 5);
            RaytraceRequest request = read(test::random_picture(prng, 11, 9, 20));
            CAPTURE(turns);
            CHECK(count_differences(raytrace, request, kRtModeColor) == 0);
        }
    });
}

TEST_CASE("a picture on a Vulkan device stops between slices when asked") {
    on_each_raytrace([](RaytraceGpu& raytrace) {
        Prng prng(test::seed());
        RaytraceRequest request = read(test::random_picture(prng, 64, 64, 20));
        std::vector<uint32_t> words(request.tile.pixels() * kRtWordsPerPixel);
        const RtPass pass{request.scene.get(), &request.frame, request.tile, 0, 8};
        int asked = 0;
        const Result<Done> done =
            raytrace.run(pass, request.scene, words.data(), [&] { return ++asked == 2; });
        REQUIRE(!done.ok());
        CHECK(done.error().status == Status::kCancelled);
        CHECK(asked == 2);
    });
}
