// Vulkan compute as kernels see it: bind, dispatch, read back. Vulkan words stay in gpu/.
//
// A Device is one logical GPU. Its functions are for any thread; submissions run one behind the
// other. A machine without a loader or driver has no devices, which is an error value (kNoDevice)
// that says what is missing, and never a crash: the loader is opened at run time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/log.h"
#include "core/status.h"

namespace p2c2r::gpu {

struct DeviceInfo {
    std::string name;
    std::string driver;  // name and version as the driver tells them; may be empty
    uint32_t vendor_id = 0;
    uint32_t device_id = 0;
    uint32_t driver_version = 0;
    uint32_t api_version = 0;        // major << 22 | minor << 12 | patch
    std::array<uint8_t, 16> uuid{};  // stays the same over restarts, names the device in settings
    bool software = false;           // a CPU driver such as lavapipe
    uint64_t memory_bytes = 0;       // device-local
    uint64_t buffer_size_max = 0;    // of one buffer
    uint32_t group_invocations_max = 0;
    std::array<uint32_t, 3> groups_max{};
    uint32_t subgroup_size = 0;  // for reports: no result depends on it
    // What float32 work of the deterministic subset needs; integer work needs neither.
    bool rounding_mode_rte32 = false;
    bool signed_zero_inf_nan_preserve32 = false;
};

enum class BufferUse : uint8_t {
    kUpload,    // the host writes it, shaders read it
    kScratch,   // shaders only
    kDownload,  // shaders write it, the host reads it
};

// Device memory, zeroed when handed out: nothing of an earlier owner shows. May outlive the Device
// object it came from (it keeps what it needs).
class Buffer {
  public:
    virtual ~Buffer() = default;
    [[nodiscard]] virtual uint64_t size() const = 0;
    // The host's view of the whole buffer, NULL for kScratch; valid while the buffer lives, not to
    // be touched during a run() that uses it, nor between its submit() and wait(). kUpload: what is
    // written there is seen by the next run(). kDownload: shows what a run() with this buffer in
    // read_back, or as the target of a snapshot, left.
    virtual uint8_t* map() = 0;
};

class Pipeline {
  public:
    virtual ~Pipeline() = default;
};

// One dispatch: buffers at bindings 0..n-1 of set 0, push constants, group counts.
struct Dispatch {
    const Pipeline* pipeline = nullptr;
    std::span<Buffer* const> buffers;
    std::span<const uint8_t> push_constants;
    std::array<uint32_t, 3> groups{1, 1, 1};
};

// A copy that the device makes behind the first `after` dispatches (those before it in the queue
// included): the beginning of `from`, as much as `into` (kDownload) has room for. The host reads it
// after wait(), while later work writes `from` again.
struct Snapshot {
    Buffer* from = nullptr;
    Buffer* into = nullptr;
    uint32_t after = kAllDispatches;

    static constexpr uint32_t kAllDispatches = 0xFFFFFFFF;
};

// Dispatches that run in order, each seeing the writes of those before it. None is fine where there
// are snapshots.
struct Work {
    std::span<const Dispatch> dispatches;  // at most kDispatchesMax
    std::span<Buffer* const> read_back;    // kDownload buffers that the host will look at
    uint64_t timeout_us = 2'000'000;
    std::span<const Snapshot> snapshots;  // in the order of `after`
};

struct RunTime {
    uint64_t device_ns =
        0;  // between the first dispatch and the last; 0 if the device has no clock
};

// A submission of one Device; numbers grow.
using Ticket = uint64_t;

inline constexpr uint32_t kDispatchesMax = 256;
inline constexpr uint32_t kSubmissionsMax = 2;  // under way at once
inline constexpr uint32_t kBuffersPerPipelineMax = 16;
inline constexpr uint32_t kPushConstantsSizeMax = 128;  // every device has that much

class Device {
  public:
    virtual ~Device() = default;
    [[nodiscard]] virtual const DeviceInfo& info() const = 0;
    // `size` 1..info().buffer_size_max; kLimit above. kMemory when the device has no more.
    virtual Result<std::unique_ptr<Buffer>> make_buffer(uint64_t size, BufferUse use) = 0;
    // `spirv` has one entry point "main" and MUST be a module that check_module() accepts: drivers
    // do not check. `push_constants_size` a multiple of 4. kUnsupported when the module declares a
    // float mode that the device lacks.
    virtual Result<std::shared_ptr<Pipeline>> make_pipeline(std::span<const uint32_t> spirv,
                                                            uint32_t buffers_count,
                                                            uint32_t push_constants_size) = 0;
    // Waits for the end. After a timeout or a failure of the driver the device is lost: this call
    // and all later ones are kDevice errors that tell why. Devices::device() gives a fresh one.
    virtual Result<RunTime> run(const Work& work) = 0;

    // run() in halves, for a kernel whose slices each need new data: while one computes, the host
    // fills other buffers for the next and submits that, so its upload does not wait. When
    // kSubmissionsMax are under way, submit() waits for the oldest. Buffers may be destroyed at any
    // time: that waits too.
    virtual Result<Ticket> submit(const Work& work) = 0;
    // The end of a submission; once for each ticket. The time limit is that of its work, and of
    // those under way before it.
    virtual Result<RunTime> wait(Ticket ticket) = 0;

    [[nodiscard]] virtual bool is_lost() const { return false; }
};

struct DevicesOptions {
    // Where compiled pipelines are kept between runs; empty: nowhere.
    std::string pipeline_cache_dir;
    // The Vulkan loader; empty: the system's.
    std::string loader;
    // The Khronos validation layer, for tests; its messages go to `log`.
    bool validation = false;
    // For tests on machines without a graphics card: buffers are staged and copied as if host and
    // device had memory of their own each.
    bool separate_memory = false;
    uint64_t memory_max = 0;  // bytes that all buffers of a device may have; 0: what there is
    Log log;
};

// A device that a host has opened for itself and lends: its Vulkan handles as they are. All of it
// MUST outlive every Device, Buffer and Pipeline that is made from it.
struct HostDevice {
    void* get_instance_proc_addr = nullptr;  // PFN_vkGetInstanceProcAddr
    void* instance = nullptr;                // made for Vulkan 1.2 or later
    void* physical_device = nullptr;
    void* device = nullptr;  // with the feature timelineSemaphore
    void* queue = nullptr;   // of a family that computes
    uint32_t queue_family = 0;
    // Around every use of the queue, which Vulkan allows to one thread at a time; empty where the
    // host itself does not use it.
    std::function<void()> lock_queue;
    std::function<void()> unlock_queue;
};

// The devices of this machine that can compute (Vulkan 1.2), real GPUs before software ones.
class Devices {
  public:
    // kNoDevice, with what is missing: loader, driver, a device with a compute queue.
    static Result<std::unique_ptr<Devices>> open(const DevicesOptions& options);
    // One device, the host's; of the options the cache directory and the log count. kNoDevice when
    // it cannot compute, with the reason.
    static Result<std::unique_ptr<Devices>> adopt(const HostDevice& host,
                                                  const DevicesOptions& options);
    virtual ~Devices() = default;
    [[nodiscard]] virtual const std::vector<DeviceInfo>& list() const = 0;
    // The logical device; created at the first call, shared by later ones. It may outlive Devices.
    // When it is lost, the next call opens a fresh one, beside which the old one stays lost; a
    // host's device cannot be opened again and stays lost.
    virtual Result<std::shared_ptr<Device>> device(size_t index) = 0;
    // Warnings and errors of the validation layer so far.
    [[nodiscard]] virtual uint64_t validation_messages() const = 0;
};

}  // namespace p2c2r::gpu
