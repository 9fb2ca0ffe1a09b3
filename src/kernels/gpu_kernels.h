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
#include "kernels/path_conformance.h"
#include "kernels/path_gpu.h"
#include "kernels/physics_answers.h"
#include "kernels/raytrace_answers.h"
#include "kernels/raytrace_gpu.h"
#include "kernels/tested_shaders.h"
#include "kernels/upscale_gpu.h"

namespace p2c2r::kernels {

// Any thread.
class GpuKernels {
  public:
    using OpenDevice = std::function<Result<std::shared_ptr<gpu::Device>>()>;
    // How often a lost device is opened again before it is given up.
    static constexpr uint32_t kLossesMax = 3;

    // `name` is what results call the device ("vulkan:0"). `required`: the owner named this device,
    // so nothing else may compute in its place. `reopen` gives a fresh device in place of a lost
    // one; empty: a loss is for good.
    GpuKernels(std::shared_ptr<gpu::Device> device, std::string name, bool required, Log log,
               OpenDevice reopen = {})
        : name_(std::move(name)),
          required_(required),
          log_(log),
          reopen_(std::move(reopen)),
          device_(std::move(device)) {}

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] bool required() const { return required_; }
    // False when the device was given up.
    [[nodiscard]] bool usable() const { return !retired_.load(std::memory_order_acquire); }

    // The shaders of a type. The first call makes them and runs the conformance tests; a device
    // that fails is an error (kDevice, or kUnsupported where it lacks what the type needs) now and
    // at every later call. When the device was lost, the next call opens a fresh one, which has all
    // tests before it. Shaders of the lost one, if somebody holds them still, are errors.
    Result<std::shared_ptr<UpscaleGpu>> upscale() { return ready(upscale_); }
    Result<std::shared_ptr<RaytraceGpu>> raytrace() { return ready(raytrace_); }
    // The flow fields of `ai_pathfinding`.
    Result<std::shared_ptr<PathGpu>> path() { return ready(path_); }
    Result<std::shared_ptr<PhysicsGpu>> physics() { return ready(physics_); }

    // The device failed at a task that began when losses() was `losses_before`. A runtime that
    // chose it by itself goes on without it, unless it was lost and can be opened again.
    void failed(const Error& why, uint32_t losses_before);
    [[nodiscard]] uint32_t losses() const { return losses_.load(std::memory_order_acquire); }

  private:
    // The device, once it has shown that it runs loops to their end.
    Result<std::shared_ptr<gpu::Device>> counting_device();
    Result<Done> reopen();  // with mutex_ held

    template <class Kernel>
    Result<std::shared_ptr<Kernel>> ready(TestedShaders<Kernel>& shaders) {
        const Result<std::shared_ptr<gpu::Device>> device = counting_device();
        if (!device) return device.error();
        return shaders.get(*device);
    }

    std::string name_;
    bool required_;
    Log log_;
    OpenDevice reopen_;
    std::atomic<bool> retired_{false};
    std::atomic<uint32_t> losses_{0};  // after which it was opened again, or tried to be
    TestedShaders<UpscaleGpu> upscale_{check_upscale_answers};
    TestedShaders<RaytraceGpu> raytrace_{check_raytrace_answers};
    TestedShaders<PathGpu> path_{check_path_answers};
    TestedShaders<PhysicsGpu> physics_{check_physics_answers};

    std::mutex mutex_;  // guards what is below; held during the test, so that it runs once
    std::shared_ptr<gpu::Device> device_;
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
