// The tests that a device must pass before a task type is used there.
#include "kernels/conformance.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "vulkan_devices.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

TEST_CASE("native forms give the known answers") {
    for (const UpscaleAnswer& answer : upscale_answers()) {
        for (const UpscalePasses* passes : {&upscale_passes_plain(), upscale_passes_avx2()}) {
            if (!passes) continue;
            CAPTURE(passes->name);
            const Result<std::string> digest =
                answer_digest(answer,
                              [&](const UpscalePlan& plan, const uint8_t* source,
                                  uint8_t* target) -> Result<Done> {
                                  upscale_native(plan, source, target, {}, *passes);
                                  return Done{};
                              });
            REQUIRE(digest.ok());
            CHECK(*digest == answer.sha256);
        }
    }
}

TEST_CASE("every Vulkan device counts far enough and gives the known answers") {
    for (const bool separate_memory : {false, true}) {
        test::on_each_device(
            [](const std::shared_ptr<gpu::Device>& device) {
                const Result<Done> counts = check_loop_count(*device);
                CHECK_MESSAGE(counts.ok(), counts.error().text);
                const Result<std::unique_ptr<UpscaleGpu>> upscale = UpscaleGpu::create(device);
                REQUIRE_MESSAGE(upscale.ok(), upscale.error().text);
                const Result<Done> answers = check_upscale_answers(**upscale);
                CHECK_MESSAGE(answers.ok(), answers.error().text);
            },
            separate_memory);
    }
}

TEST_CASE("software devices have the size of subgroups that this run is for") {
    const char* const wanted = std::getenv("P2C2R_TEST_SUBGROUP");
    if (!wanted) return;
    test::on_each_device([&](const std::shared_ptr<gpu::Device>& device) {
        if (device->info().software)
            CHECK(std::to_string(device->info().subgroup_size) == std::string(wanted));
    });
}

TEST_CASE("an answer that is off by one in one sample fails the digest") {
    const UpscaleAnswer& answer = upscale_answers()[0];
    const Result<std::string> digest = answer_digest(
        answer,
        [&](const UpscalePlan& plan, const uint8_t* source, uint8_t* target) -> Result<Done> {
            upscale_native(plan, source, target);
            target[1000] ^= 1;
            return Done{};
        });
    REQUIRE(digest.ok());
    CHECK(*digest != answer.sha256);
}
