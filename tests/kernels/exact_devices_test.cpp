// Division and square root of shaders/exact.h: every Vulkan device gives the bits of C++'s,
// whatever the estimate it starts from.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "gpu/compute.h"
#include "spirv/exact_steps.h"
#include "support/exact_inputs.h"
#include "support/seed.h"
#include "tests/kernels/exact_steps.h"
#include "vulkan_devices.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

// A buffer takes 128 MiB on every device: 32 words an input, far below.
constexpr size_t kInputsPerRun = 1u << 18;

void check_part(gpu::Device& device, const gpu::Pipeline& pipeline,
                std::span<const test::ExactInput> inputs, size_t& wrong) {
    auto source = device.make_buffer(inputs.size() * kExactInputWords * 4, gpu::BufferUse::kUpload);
    auto target =
        device.make_buffer(inputs.size() * kExactOutputWords * 4, gpu::BufferUse::kDownload);
    REQUIRE(source.ok());
    REQUIRE(target.ok());
    std::memcpy((*source)->map(), inputs.data(), inputs.size_bytes());
    const auto count = static_cast<uint32_t>(inputs.size());
    gpu::Buffer* const buffers[] = {source->get(), target->get()};
    gpu::Dispatch dispatch;
    dispatch.pipeline = &pipeline;
    dispatch.buffers = buffers;
    dispatch.push_constants = {reinterpret_cast<const uint8_t*>(&count), sizeof count};
    dispatch.groups = {(count + kExactGroupSize - 1) / kExactGroupSize, 1, 1};
    gpu::Work work;
    work.dispatches = {&dispatch, 1};
    work.read_back = {&buffers[1], 1};
    work.timeout_us = 20'000'000;
    const Result<gpu::RunTime> done = device.run(work);
    REQUIRE_MESSAGE(done.ok(), done.error().text);
    const auto* words = reinterpret_cast<const uint32_t*>((*target)->map());
    for (const test::ExactInput& input : inputs) {
        const float root = exact_sqrt(test::radicand_of(input));
        const bool right = words[0] == float_bits(exact_div(input.a, input.b)) &&
                           words[1] == float_bits(root) && words[2] == 0 &&
                           words[3] == helpers_word(input.a, input.b);
        if (!right && ++wrong <= 5) {
            MESSAGE(input.a << " / " << input.b << ": quotient " << bits_float(words[0])
                            << ", root " << bits_float(words[1]) << ", shifts " << words[2]);
        }
        words += kExactOutputWords;
    }
}

}  // namespace

TEST_CASE(
    "exact_div and exact_sqrt on every Vulkan device are C++'s for any estimate 3 units off") {
    const std::vector<test::ExactInput> inputs = test::make_exact_inputs(test::seed());
    REQUIRE(inputs.size() >= 1'000'000);
    test::on_each_device([&](const std::shared_ptr<gpu::Device>& device) {
        const Result<std::shared_ptr<gpu::Pipeline>> pipeline =
            device->make_pipeline(kExactStepsSpirv, 2, sizeof(uint32_t));
        if (!pipeline && pipeline.error().status == Status::kUnsupported) {
            MESSAGE("skipped: " << pipeline.error().text);
            return;
        }
        REQUIRE_MESSAGE(pipeline.ok(), pipeline.error().text);
        size_t wrong = 0;
        for (size_t at = 0; at < inputs.size(); at += kInputsPerRun) {
            const size_t count = std::min(kInputsPerRun, inputs.size() - at);
            check_part(*device, **pipeline, std::span(inputs).subspan(at, count), wrong);
        }
        CHECK(wrong == 0);
    });
}
