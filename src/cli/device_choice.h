// --device auto | native | vulkan[:N]: what it says, and a runtime that does just that.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/failure.h"
#include "cli/handles.h"
#include "cli/log_writer.h"
#include "cli/wait_posix.h"

namespace p2c2r::cli {

struct DeviceChoice {
    enum class Kind { kAuto, kNative, kVulkan };
    Kind kind = Kind::kAuto;
    std::optional<uint32_t> index;  // of vulkan:N
};

Result<DeviceChoice> parse_device(const std::string& text);

struct RuntimeOptions {
    DeviceChoice device;
    uint32_t worker_threads = 0;  // 0: one per core
    LogWriter* log = nullptr;     // NULL: silence
    Waker* waker = nullptr;       // woken when functions wait for dispatch
};

// What the library calls back with; must live as long as the runtime.
struct RuntimeHost {
    LogWriter* log = nullptr;
    Waker* waker = nullptr;
};

struct OpenedRuntime {
    std::unique_ptr<RuntimeHost> host;
    RuntimeHandle handle;  // after the host: destroyed before it
    // "native" or "vulkan:N": what was asked for; with auto "native", the device of types without a
    // GPU form.
    std::string device_name;
};

// Exit code kExitUnreachable when the device that was asked for is not there.
Result<OpenedRuntime> open_runtime(const RuntimeOptions& options);
// The same with options of the library, as JSON; "": none.
Result<OpenedRuntime> open_runtime(const RuntimeOptions& options, const std::string& more);

// The device that auto has chosen; opens the GPU to know.
std::string device_in_use(const OpenedRuntime& runtime);

// A named question to the runtime as JSON.
Result<nlohmann::json> ask_runtime(p2c2r_runtime* runtime, const char* name,
                                   const nlohmann::json& arguments = nlohmann::json::object());

// The fields of a result as JSON; null when it has none.
nlohmann::json fields_of(const p2c2r_result* result);

}  // namespace p2c2r::cli
