#include "kernels/kernels.h"

#include <algorithm>
#include <memory>

#include "exec/thread.h"
#include "exec/worker_pool.h"
#include "kernels/echo.h"
#include "kernels/gpu_kernels.h"
#include "kernels/path_task.h"
#include "kernels/physics_task.h"
#include "kernels/raytrace_task.h"
#include "kernels/upscale_task.h"

namespace p2c2r::kernels {

namespace {

Error no_gpu_form(const std::string& task_type, const std::string& device) {
    return make_error(Status::kUnsupported,
                      "task type '" + task_type + "' has no GPU form, and the device is " + device);
}

// In place of a type that has no GPU form, where the owner named a Vulkan device: an answer that
// says so, instead of quietly computing somewhere else.
class NoGpuForm final : public exec::Executor {
  public:
    explicit NoGpuForm(std::string device) : device_(std::move(device)) {}
    [[nodiscard]] Traits traits() const override { return {true, false, true, 0}; }
    Status run(exec::Job& job) override { return job.fail(no_gpu_form(job.task_type, device_)); }

  private:
    std::string device_;
};

Result<size_t> named_device(const std::vector<gpu::DeviceInfo>& list,
                            const KernelOptions& options) {
    if (options.vulkan_uuid) {
        const auto found = std::find_if(list.begin(), list.end(), [&](const auto& info) {
            return info.uuid == *options.vulkan_uuid;
        });
        if (found != list.end()) return static_cast<size_t>(found - list.begin());
        return make_error(Status::kNoDevice, "none of the " + std::to_string(list.size()) +
                                                 " Vulkan devices has the uuid asked for");
    }
    if (options.vulkan_index < list.size()) return size_t{options.vulkan_index};
    return make_error(Status::kNoDevice, "there is no Vulkan device " +
                                             std::to_string(options.vulkan_index) +
                                             "; this machine has " + std::to_string(list.size()));
}

std::optional<size_t> first_real_device(const std::vector<gpu::DeviceInfo>& list) {
    const auto found =
        std::find_if(list.begin(), list.end(), [](const auto& info) { return !info.software; });
    if (found == list.end()) return std::nullopt;
    return static_cast<size_t>(found - list.begin());
}

// Fills `devices`; NULL when the processor computes.
Result<std::shared_ptr<GpuKernels>> choose_device(const KernelOptions& options,
                                                  BuiltinDevices& devices) {
    const std::shared_ptr<GpuKernels> processor;
    if (options.device == DeviceChoice::kNative) {
        devices.none_because = "Vulkan was not asked for";
        return processor;
    }
    const bool required = options.device == DeviceChoice::kVulkan;
    Result<std::unique_ptr<gpu::Devices>> opened =
        options.host_device ? gpu::Devices::adopt(*options.host_device, options.vulkan)
                            : gpu::Devices::open(options.vulkan);
    if (!opened) {
        if (required) return opened.error();
        devices.none_because = opened.error().text;
        return processor;
    }
    devices.list = (*opened)->list();
    std::optional<size_t> index = first_real_device(devices.list);
    if (required) {
        const Result<size_t> named = named_device(devices.list, options);
        if (!named) return named.error();
        index = *named;
    }
    if (!index) return processor;
    const std::shared_ptr<gpu::Devices> all = std::move(*opened);
    const auto open = [all, index] { return all->device(*index); };
    Result<std::shared_ptr<gpu::Device>> device = open();
    if (!device) {
        if (required) return device.error();
        options.vulkan.log.write(LogLevel::kWarn, "kernels", device.error().text);
        return processor;
    }
    devices.used = index;
    devices.name = "vulkan:" + std::to_string(*index);
    return std::make_shared<GpuKernels>(std::move(*device), devices.name, required,
                                        options.vulkan.log, open);
}

}  // namespace

Result<BuiltinDevices> add_builtin_executors(exec::Registry& registry,
                                             const KernelOptions& options) {
    BuiltinDevices devices;
    devices.threads = std::min<uint32_t>(exec::threads_meant(options.threads), exec::processors());
    const Result<std::shared_ptr<GpuKernels>> gpu = choose_device(options, devices);
    if (!gpu) return gpu.error();
    std::shared_ptr<exec::Executor> echo = std::make_shared<EchoExecutor>();
    if (options.device == DeviceChoice::kVulkan) {
        echo = std::make_shared<NoGpuForm>(devices.name);
        devices.named = *gpu;
    }
    if (Result<Done> added = registry.add("echo", std::move(echo)); !added) return added.error();
    Result<Done> added =
        registry.add("upscale", std::make_shared<UpscaleExecutor>(*gpu, options.memory));
    if (!added) return added.error();
    added = add_raytrace_executors(registry, *gpu, options.memory, devices.threads);
    if (!added) return added.error();
    added = registry.add("ai_pathfinding", std::make_shared<PathExecutor>(*gpu, options.memory));
    if (!added) return added.error();
    added = registry.add("physics",
                         std::make_shared<PhysicsExecutor>(*gpu, options.memory, devices.threads));
    if (!added) return added.error();
    return devices;
}

std::vector<RefusedType> refused_types(const BuiltinDevices& devices) {
    std::vector<RefusedType> refused;
    if (!devices.named) return refused;
    refused.push_back({"echo", no_gpu_form("echo", devices.named->name())});
    const auto refuse_unless = [&](const char* task_type, const auto& ready) {
        if (!ready) refused.push_back({task_type, ready.error()});
    };
    refuse_unless("upscale", devices.named->upscale());
    for (const char* type :
         {"raytracing", "rt_shadows", "rt_reflections", "rt_global_illumination"}) {
        refuse_unless(type, devices.named->raytrace());
    }
    refuse_unless("ai_pathfinding", devices.named->path());
    refuse_unless("physics", devices.named->physics());
    return refused;
}

}  // namespace p2c2r::kernels
