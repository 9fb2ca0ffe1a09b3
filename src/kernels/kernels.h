// The built-in task types of this library, and the choice of the device they run on.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/log.h"
#include "exec/executor.h"
#include "gpu/compute.h"

namespace p2c2r::kernels {

enum class DeviceChoice : uint8_t {
    kAuto,    // the first real GPU, else the processor; software Vulkan never by itself
    kNative,  // the processor; the Vulkan loader is not even opened
    kVulkan,  // the Vulkan device with this index or uuid, and nothing else
};

struct KernelOptions {
    DeviceChoice device = DeviceChoice::kAuto;
    uint32_t vulkan_index = 0;                           // in BuiltinDevices::list
    std::optional<std::array<uint8_t, 16>> vulkan_uuid;  // goes before the index
    gpu::DevicesOptions vulkan;                          // loader, pipeline cache, log
    std::optional<gpu::HostDevice> host_device;          // the only one then, in place of all
    const MemoryHook* memory = nullptr;                  // of pictures; MUST outlive all of them
    // That a task may compute on, the one that runs it included: as exec::WorkerPoolOptions has
    // them, so that who gives this process one thread gets one. Never more than processors.
    uint32_t threads = 0;
};

class GpuKernels;

// A type that a peer on a named device must not offer, and what its tasks would be answered.
struct RefusedType {
    std::string task_type;
    Error why;
};

// What was found and chosen.
struct BuiltinDevices {
    std::vector<gpu::DeviceInfo> list;  // empty where Vulkan was not asked for or is not there
    std::string none_because;           // why the list is empty
    std::optional<size_t> used;         // in the list; nothing: the processor
    std::string name = "native";        // or "vulkan:N", as results say it
    std::shared_ptr<GpuKernels> named;  // on the device that was named, if one was
    uint32_t threads = 1;               // that a task may compute on
};

// Nothing where no device was named. The first call runs the conformance tests of the one that was,
// which compiles shaders and takes a while.
std::vector<RefusedType> refused_types(const BuiltinDevices& devices);

// Adds `echo`, `upscale` and `ai_pathfinding`. Errors: kNoDevice when a Vulkan device was named
// that is not there, with what is missing; kDevice when it cannot be opened; kExists when a type is
// taken.
Result<BuiltinDevices> add_builtin_executors(exec::Registry& registry,
                                             const KernelOptions& options);

}  // namespace p2c2r::kernels
