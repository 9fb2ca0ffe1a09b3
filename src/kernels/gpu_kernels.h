// The built-in shaders on the one Vulkan device that this runtime computes on.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/log.h"
#include "gpu/compute.h"
#include "kernels/conformance.h"
#include "kernels/raytrace_answers.h"
#include "kernels/raytrace_gpu.h"
#include "kernels/tested_shaders.h"
#include "kernels/upscale_gpu.h"

namespace p2c2r::kernels {

// Any thread.
class GpuKernels {
  public:
    // `name` is what results call the device ("vulkan:0"). `required`: the owner named this device,
    // so nothing else may compute in its place.
    GpuKernels(std::shared_ptr<gpu::Device> device, std::string name, bool required, Log log)
        : device_(std::move(device)), name_(std::move(name)), required_(required), log_(log) {}

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] bool required() const { return required_; }
    // False after retire().
    [[nodiscard]] bool usable() const { return !retired_.load(std::memory_order_acquire); }

    // The shaders of a type. The first call makes them and runs the conformance tests; a device
    // that fails is an error (kDevice, or kUnsupported where it lacks what the type needs) now and
    // at every later call.
    Result<std::shared_ptr<UpscaleGpu>> upscale() { return ready(upscale_); }

    Result<std::shared_ptr<RaytraceGpu>> raytrace() { return ready(raytrace_); }

    // The device failed: a runtime that chose it by itself goes on without it.
    void retire(const Error& why);

  private:
    // The device, once it has shown that it runs loops to their end.
    Result<std::shared_ptr<gpu::Device>> counting_device();

    template <class Kernel>
    Result<std::shared_ptr<Kernel>> ready(TestedShaders<Kernel>& shaders) {
        const Result<std::shared_ptr<gpu::Device>> device = counting_device();
        if (!device) return device.error();
        return shaders.get(*device);
    }

    std::shared_ptr<gpu::Device> device_;
    std::string name_;
    bool required_;
    Log log_;
    std::atomic<bool> retired_{false};
    TestedShaders<UpscaleGpu> upscale_{check_upscale_answers};
    TestedShaders<RaytraceGpu> raytrace_{check_raytrace_answers};

    std::mutex mutex_;  // guards what is below; held during the test, so that it runs once
    bool counts_ = false;
    std::optional<Error> failure_;
};

// Computes a task where it can be: by `on_gpu` if there is a usable device (`gpu` may be NULL),
// else by `native`. A device that this runtime chose by itself gives way to the processor when it
// fails, for good unless only memory was short or the device lacks what this type needs; one that
// was named does not, its error is the answer. `device` becomes the name of what computed.
Result<Done> compute_on(GpuKernels* gpu, const std::function<Result<Done>(GpuKernels&)>& on_gpu,
                        const std::function<Result<Done>()>& native, std::string& device);

}  // namespace p2c2r::kernels
