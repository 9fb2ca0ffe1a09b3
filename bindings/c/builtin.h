// What this machine brings along: the built-in executors, its devices, and what a peer says of it.
//
// The Vulkan loader and its drivers are large and slow to start, and a client that only submits
// never needs them. With P2C2R_GPU_AUTO they are opened when something first asks: a peer that
// registers, a task that might use the GPU, the question "devices". A device that was named is
// opened at once.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/log.h"
#include "core/status.h"
#include "exec/executor.h"
#include "kernels/kernels.h"
#include "model/task.h"

namespace p2c2r::capi {

class Builtin {
  public:
    // `gpu` is P2C2R_GPU_, `worker_threads` as the runtime's configuration has it, `lent` the
    // host's device for P2C2R_GPU_LENT, `vram_max` the bytes that tasks may hold of a device's
    // memory (0: no cap). All must outlive it, and it the executors. kNoDevice when
    // the named device is not there.
    static Result<std::unique_ptr<Builtin>> create(int32_t gpu, uint32_t gpu_index,
                                                   std::optional<gpu::HostDevice> lent,
                                                   const char* cache_dir, uint32_t worker_threads,
                                                   uint64_t vram_max, exec::Registry& registry,
                                                   const MemoryHook* hook, const Log& log);
    ~Builtin();

    // {"devices": [{"index", "name", "driver", "software", "used", "memory_mb", "uuid"}],
    //  "threads", "why"}.
    Bytes devices();
    // This machine as a peer would describe it; task_types is left empty.
    Capabilities detect();
    // Types that a peer must not offer here: see kernels::refused_types.
    std::vector<kernels::RefusedType> refused_types();
    // The class of this machine's codecs (32 bytes), or empty when they do not work.
    const std::string& codec_class();

    // The device is the host's: nothing may be computed here for others.
    [[nodiscard]] bool is_lent() const { return options_.host_device.has_value(); }
    // The executor of this type on the chosen device; opens the devices. Any thread.
    std::shared_ptr<exec::Executor> on_device(const std::string& task_type);

  private:
    Builtin(int32_t gpu, uint32_t gpu_index, std::optional<gpu::HostDevice> lent,
            const char* cache_dir, uint32_t worker_threads, uint64_t vram_max,
            const MemoryHook* hook, const Log& log);
    Result<Done> open();

    kernels::KernelOptions options_;
    const Log log_;
    exec::Registry native_;  // as the processor has them; AUTO only

    std::mutex mutex_;  // guards what follows
    bool opened_ = false;
    exec::Registry chosen_;  // as the chosen device has them; AUTO only
    kernels::BuiltinDevices found_;
    std::optional<std::string> codec_class_;
};

}  // namespace p2c2r::capi
