// Vulkan compute as kernels see it: bind, dispatch, read back. Vulkan words stay in gpu/.
//
// A Device is one logical GPU. Its functions are for any thread, one submission at a time (an inner
// lock); a machine without a loader or driver has no devices, which is a Status and never a crash.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/status.h"

namespace p2c2r::gpu {

struct DeviceInfo {
    std::string name;
    std::string driver;
    uint32_t vendor_id = 0;
    uint32_t device_id = 0;
    uint32_t api_version = 0;
    std::array<uint8_t, 16> uuid{};
    bool software = false;            // a CPU driver such as lavapipe
    uint64_t memory_bytes = 0;        // device-local
    uint64_t buffer_size_max = 0;     // of one storage buffer binding
    uint32_t group_invocations_max = 0;
    bool rounding_mode_rte32 = false;
    bool signed_zero_inf_nan_preserve32 = false;
};

// Device memory, zeroed when handed out, host-visible for upload and readback.
class Buffer {
  public:
    virtual ~Buffer() = default;
    [[nodiscard]] virtual uint64_t size() const = 0;
    // Host view of the whole buffer; valid while the buffer lives and no dispatch runs on it.
    virtual uint8_t* map() = 0;
};

class Pipeline {
  public:
    virtual ~Pipeline() = default;
};

// One dispatch of a pipeline: buffers at bindings 0..n-1 of set 0, push constants, group counts.
struct Dispatch {
    const Pipeline* pipeline = nullptr;
    std::span<Buffer* const> buffers;
    std::span<const uint8_t> push_constants;
    std::array<uint32_t, 3> groups{1, 1, 1};
};

class Device {
  public:
    virtual ~Device() = default;
    [[nodiscard]] virtual const DeviceInfo& info() const = 0;
    virtual Result<std::unique_ptr<Buffer>> make_buffer(uint64_t size) = 0;
    virtual Result<std::shared_ptr<Pipeline>> make_pipeline(std::span<const uint32_t> spirv,
                                                            uint32_t buffers_count,
                                                            uint32_t push_constants_size) = 0;
    // Runs the dispatches in order, each seeing the writes of those before it, and waits for the end
    // (at most timeout_us: E_DEVICE names the time, and the device is lost from then on).
    virtual Result<Done> run(std::span<const Dispatch> dispatches, uint64_t timeout_us) = 0;
};

// The devices of this machine, real GPUs before software ones; empty without loader or driver, and
// `why` (optional) then says what is missing. The loader is opened at the first call of open().
class Devices {
  public:
    static Result<std::unique_ptr<Devices>> open(const std::string& pipeline_cache_dir);
    virtual ~Devices() = default;
    [[nodiscard]] virtual const std::vector<DeviceInfo>& list() const = 0;
    // The logical device; created at the first call, shared by later ones.
    virtual Result<std::shared_ptr<Device>> device(uint32_t index) = 0;
};

}  // namespace p2c2r::gpu
