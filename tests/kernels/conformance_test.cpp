// The tests that a device must pass before a task type is used there.
#include "kernels/conformance.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "kernels/gpu_kernels.h"
#include "kernels/kernels.h"
#include "shaders/raytrace_layout.h"
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

namespace {

// A device that computes as `device` does, but for what passes of one mode give, with or without a
// G-buffer: that is wrong by one bit.
class WrongMode final : public gpu::Device {
  public:
    WrongMode(std::shared_ptr<gpu::Device> device, uint32_t mode, bool gbuffer)
        : device_(std::move(device)), wrong_{mode, gbuffer ? 1u : 0u} {}
    [[nodiscard]] const gpu::DeviceInfo& info() const override { return device_->info(); }
    Result<std::unique_ptr<gpu::Buffer>> make_buffer(uint64_t size, gpu::BufferUse use) override {
        return device_->make_buffer(size, use);
    }
    Result<std::shared_ptr<gpu::Pipeline>> make_pipeline(std::span<const uint32_t> spirv,
                                                         uint32_t buffers,
                                                         uint32_t push_constants) override {
        return device_->make_pipeline(spirv, buffers, push_constants);
    }
    Result<gpu::RunTime> run(const gpu::Work& work) override { return device_->run(work); }
    Result<gpu::Ticket> submit(const gpu::Work& work) override {
        Result<gpu::Ticket> ticket = device_->submit(work);
        // Copies alone belong to what was dispatched before them.
        if (!work.dispatches.empty()) {
            Frame frame{kRtModeColor, 0};
            const auto& buffers = work.dispatches[0].buffers;
            if (buffers.size() == kRaytraceBuffers) {
                std::memcpy(&frame.mode, buffers[0]->map() + kRtFrameMode * 4, 4);
                std::memcpy(&frame.gbuffer, buffers[0]->map() + kRtFrameGbuffer * 4, 4);
            }
            in_wrong_ = frame == wrong_;
        }
        // The sums of a finished block are the larger copy; counters are two words.
        for (const gpu::Snapshot& each : work.snapshots) {
            if (ticket && in_wrong_ && each.into->size() > kRtCounters * 4) {
                sums_[*ticket] = each.into;
            }
        }
        return ticket;
    }
    Result<gpu::RunTime> wait(gpu::Ticket ticket) override {
        Result<gpu::RunTime> time = device_->wait(ticket);
        if (const auto found = sums_.find(ticket); found != sums_.end()) {
            found->second->map()[0] ^= 1;
            sums_.erase(found);
        }
        return time;
    }

  private:
    static constexpr size_t kRaytraceBuffers = 6;
    struct Frame {
        uint32_t mode, gbuffer;
        bool operator==(const Frame&) const = default;
    };
    std::shared_ptr<gpu::Device> device_;
    Frame wrong_;
    bool in_wrong_ = false;
    std::map<gpu::Ticket, gpu::Buffer*> sums_;
};

}  // namespace

TEST_CASE("a device that is wrong in probes alone is refused for rt_global_illumination") {
    test::on_each_device([](const std::shared_ptr<gpu::Device>& device) {
        const auto refused_on = [](const std::shared_ptr<gpu::Device>& named) {
            BuiltinDevices devices;
            devices.named = std::make_shared<GpuKernels>(named, "vulkan:0", true, Log());
            std::string why;
            for (const RefusedType& refused : refused_types(devices)) {
                if (refused.task_type != "rt_global_illumination") continue;
                CHECK(refused.why.status == Status::kDevice);
                why = refused.why.text;
            }
            return why;
        };
        CHECK(refused_on(std::make_shared<WrongMode>(device, kRtModeProbes, false))
                  .find("the self-test of rt_global_illumination failed") == 0);
    });
}

TEST_CASE("a device that is wrong from G-buffers alone is refused for the type that shows it") {
    test::on_each_device([](const std::shared_ptr<gpu::Device>& device) {
        const std::pair<uint32_t, const char*> modes[] = {
            {kRtModeShadows, "the self-test of rt_shadows failed"},
            {kRtModeReflections, "the self-test of rt_reflections failed"},
            {kRtModeGather, "the self-test of rt_global_illumination failed"}};
        for (const auto& [mode, expected] : modes) {
            GpuKernels kernels(std::make_shared<WrongMode>(device, mode, true), "vulkan:0", true,
                               Log());
            const Result<std::shared_ptr<RaytraceGpu>> shaders = kernels.raytrace();
            REQUIRE(!shaders.ok());
            CHECK(shaders.error().status == Status::kDevice);
            CHECK_MESSAGE(shaders.error().text.find(expected) == 0, shaders.error().text);
        }
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
