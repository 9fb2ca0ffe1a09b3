// The built-in shaders on the one Vulkan device that this runtime computes on.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/log.h"
#include "gpu/compute.h"
#include "kernels/path_gpu.h"
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

    // The shaders of `upscale`. The first call makes them and runs the conformance tests; a device
    // that fails is an error (kDevice) now and at every later call.
    Result<UpscaleGpu*> upscale();
    // The same for the flow fields of `ai_pathfinding`.
    Result<PathGpu*> path();

    // The device failed: a runtime that chose it by itself goes on without it.
    void retire(const Error& why);

  private:
    Result<Done> prepare_upscale();
    Result<Done> prepare_path();

    std::shared_ptr<gpu::Device> device_;
    std::string name_;
    bool required_;
    Log log_;
    std::atomic<bool> retired_{false};
    std::mutex mutex_;  // guards what is below; held while the tests run, so that they run once
    std::unique_ptr<UpscaleGpu> upscale_;
    std::optional<Error> failure_;
    std::unique_ptr<PathGpu> path_;
    std::optional<Error> path_failure_;
};

}  // namespace p2c2r::kernels
