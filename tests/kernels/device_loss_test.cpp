// A device that is lost in the middle of its work is opened again for the next task, and gives the
// known answers there.
#include <doctest/doctest.h>

#include "kernels/gpu_kernels.h"
#include "shaders/loop_probe.h"
#include "spirv/loop_probe.h"
#include "vulkan_devices.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

// Work that cannot end in a microsecond.
void lose(gpu::Device& device) {
    const auto pipeline = device.make_pipeline(kLoopProbeSpirv, 1, sizeof(uint32_t));
    REQUIRE(pipeline.ok());
    const auto states =
        device.make_buffer(4096 * kLoopProbeGroupSize * 4, gpu::BufferUse::kScratch);
    REQUIRE(states.ok());
    const uint32_t turns = kLoopTurnsMax;
    gpu::Buffer* const buffers[] = {states->get()};
    gpu::Dispatch dispatch;
    dispatch.pipeline = pipeline->get();
    dispatch.buffers = buffers;
    dispatch.push_constants = {reinterpret_cast<const uint8_t*>(&turns), sizeof turns};
    dispatch.groups = {64, 1, 1};
    gpu::Work work;
    work.dispatches = {&dispatch, 1};
    work.timeout_us = 1;
    REQUIRE(!device.run(work).ok());
    REQUIRE(device.is_lost());
}

}  // namespace

TEST_CASE("a lost device is opened again for the next task and computes rightly") {
    const Result<std::unique_ptr<gpu::Devices>> devices = gpu::Devices::open({});
    if (!devices) {
        MESSAGE("skipped: " << devices.error().text);
        return;
    }
    for (size_t i = 0; i < (*devices)->list().size(); ++i) {
        CAPTURE((*devices)->list()[i].name);
        const auto open = [&] { return (*devices)->device(i); };
        GpuKernels gpu(*open(), "vulkan:0", false, Log(), open);
        const auto on_gpu = [](GpuKernels& kernels) -> Result<Done> {
            const Result<std::shared_ptr<UpscaleGpu>> upscale = kernels.upscale();
            if (!upscale) return upscale.error();
            return check_upscale_answers(**upscale);
        };
        bool native = false;
        const auto on_processor = [&]() -> Result<Done> {
            native = true;
            return Done{};
        };
        std::string name;
        for (uint32_t loss = 0; loss < 2; ++loss) {
            CHECK(compute_on(&gpu, on_gpu, on_processor, name).ok());
            CHECK(name == "vulkan:0");
            CHECK(gpu.losses() == loss);
            // A task that holds its shaders when the device goes is computed by the processor.
            const auto interrupted = [&](GpuKernels& kernels) -> Result<Done> {
                const Result<std::shared_ptr<UpscaleGpu>> upscale = kernels.upscale();
                REQUIRE(upscale.ok());
                lose(**open());
                return check_upscale_answers(**upscale);
            };
            native = false;
            CHECK(compute_on(&gpu, interrupted, on_processor, name).ok());
            CHECK(native);
            CHECK(name == "native");
            CHECK(gpu.usable());
        }
    }
}
