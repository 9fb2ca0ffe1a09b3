#include "cli/device_choice.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint32_t kQuestionTimeoutMs = 30'000;  // the first look at a GPU may compile and probe

Result<OpenedRuntime> create_runtime(const RuntimeOptions& options, const std::string& more,
                                     int32_t gpu, uint32_t index) {
    OpenedRuntime opened;
    opened.host = std::make_unique<RuntimeHost>(RuntimeHost{options.log, options.waker});
    p2c2r_runtime_config config = {};
    config.struct_size = sizeof config;
    config.abi_version = P2C2R_ABI_VERSION;
    config.gpu = gpu;
    config.gpu_index = index;
    config.worker_threads = options.worker_threads;
    if (!more.empty()) config.options = more.c_str();
    config.log_level = options.log ? options.log->level() : P2C2R_LOG_ERROR;
    config.user = opened.host.get();
    if (options.log) {
        config.log = [](void* user, int32_t level, const char* room, const char* text,
                        size_t size) {
            LogWriter::from_library(static_cast<RuntimeHost*>(user)->log, level, room, text, size);
        };
    }
    if (options.waker) {
        config.notify = [](void* user) { static_cast<RuntimeHost*>(user)->waker->wake(); };
    }
    p2c2r_runtime* runtime = nullptr;
    p2c2r_error why = {};
    if (p2c2r_runtime_create(&config, &runtime, &why) != P2C2R_OK) {
        const bool no_device = why.status == P2C2R_E_NO_DEVICE || why.status == P2C2R_E_DEVICE;
        const bool is_usage = why.status == P2C2R_E_ARGUMENT;
        return library_failure(no_device  ? kExitUnreachable
                               : is_usage ? kExitUsage
                                          : kExitSomeFailed,
                               "cannot start the runtime", why);
    }
    opened.handle.reset(runtime);
    return opened;
}

}  // namespace

Result<DeviceChoice> parse_device(const std::string& text) {
    if (text == "auto") return DeviceChoice{};
    if (text == "native") return DeviceChoice{DeviceChoice::Kind::kNative, {}};
    if (text == "vulkan") return DeviceChoice{DeviceChoice::Kind::kVulkan, {}};
    if (text.starts_with("vulkan:")) {
        const json index = json::parse(text.substr(7), nullptr, false);
        if (index.is_number_unsigned() && index.get<uint64_t>() < 256) {
            return DeviceChoice{DeviceChoice::Kind::kVulkan, index.get<uint32_t>()};
        }
    }
    return usage_failure("device '" + text + "' is not auto, native, vulkan or vulkan:N");
}

json fields_of(const p2c2r_result* result) {
    size_t size = 0;
    const void* text = p2c2r_result_fields(result, P2C2R_FORMAT_JSON, &size);
    if (!text) return nullptr;
    const auto* begin = static_cast<const char*>(text);
    return json::parse(begin, begin + size, nullptr, false);
}

Result<json> ask_runtime(p2c2r_runtime* runtime, const char* name, const json& arguments) {
    p2c2r_result* answer = nullptr;
    p2c2r_error why = {};
    const p2c2r_status status = p2c2r_runtime_call(runtime, name, arguments.dump().c_str(), nullptr,
                                                   kQuestionTimeoutMs, &answer, &why);
    const ResultHandle owned(answer);
    if (status != P2C2R_OK) return call_failure(kExitSomeFailed, name, why);
    return fields_of(owned.get());
}

Result<OpenedRuntime> open_runtime(const RuntimeOptions& options) {
    return open_runtime(options, "");
}

Result<OpenedRuntime> open_runtime(const RuntimeOptions& options, const std::string& more) {
    if (options.device.kind == DeviceChoice::Kind::kNative) {
        Result<OpenedRuntime> opened = create_runtime(options, more, P2C2R_GPU_OFF, 0);
        if (opened) opened->device_name = "native";
        return opened;
    }
    if (options.device.kind == DeviceChoice::Kind::kVulkan) {
        // Real GPUs are listed before software drivers, so the first one is the best.
        const uint32_t index = options.device.index.value_or(0);
        Result<OpenedRuntime> opened = create_runtime(options, more, P2C2R_GPU_INDEX, index);
        if (opened) opened->device_name = "vulkan:" + std::to_string(index);
        return opened;
    }
    // Which one that is stands in each result; asking for it here would open the GPU for tasks that
    // have no use for one.
    Result<OpenedRuntime> opened = create_runtime(options, more, P2C2R_GPU_AUTO, 0);
    if (opened) opened->device_name = "native";
    return opened;
}

std::string device_in_use(const OpenedRuntime& runtime) {
    const Result<json> answer = ask_runtime(runtime.handle.get(), "devices");
    if (!answer || !answer->is_object()) return runtime.device_name;
    for (const json& device : answer->value("devices", json::array())) {
        if (device.value("used", false)) {
            return "vulkan:" + std::to_string(device.value("index", 0));
        }
    }
    return runtime.device_name;
}

}  // namespace p2c2r::cli
