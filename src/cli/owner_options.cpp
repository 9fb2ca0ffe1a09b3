#include "cli/owner_options.h"

#include "cli/files.h"
#include "cli/machine.h"
#include "cli/process_posix.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr const char* kDataFile = "data";

std::string value_in(const std::vector<std::string>& environment, std::string_view name) {
    for (const std::string& entry : environment) {
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
            return entry.substr(name.size() + 1);
        }
    }
    return {};
}

json caps_of(const Settings& settings) {
    json caps = json::object();
    for (const char* name :
         {"data_day_mb", "data_month_mb", "gpu_temperature", "cpu_temperature", "power_watts"}) {
        if (const auto value = settings.integer(std::string("caps.") + name)) caps[name] = *value;
    }
    return caps;
}

// Where the counts lie if nobody said: a machine that never joined anything is left alone.
Result<std::string> data_file_of(const Settings& settings, bool needed) {
    if (const auto file = settings.text("data_file")) return *file;
    const Result<std::string> folder = machine_folder_if_there();
    if (folder && !folder->empty()) return join_path(*folder, kDataFile);
    if (!needed) return std::string();
    const Result<std::string> made = machine_folder();
    if (!made) return made.failure();
    return join_path(*made, kDataFile);
}

}  // namespace

Result<DeviceChoice> device_of(const Settings& settings) {
    Result<DeviceChoice> device = parse_device(settings.text("device").value_or("auto"));
    if (!device || settings.boolean("use_gpu").value_or(true)) return device;
    if (device->kind == DeviceChoice::Kind::kVulkan) {
        return usage_failure("--use-gpu is false, but --device is " + *settings.text("device"));
    }
    device->kind = DeviceChoice::Kind::kNative;
    return device;
}

std::string device_text(const Settings& settings) {
    const bool may_be_gpu = settings.boolean("use_gpu").value_or(true);
    return may_be_gpu ? settings.text("device").value_or("auto") : "native";
}

// Below Wayland the X display that programs are given sees no input but theirs.
std::string display_in(const std::vector<std::string>& environment) {
    if (!value_in(environment, "WAYLAND_DISPLAY").empty()) return "wayland";
    return value_in(environment, "DISPLAY");
}

Result<std::string> owner_options(const Settings& settings,
                                  const std::vector<std::string>& environment,
                                  bool allow_plaintext) {
    json options = json::parse(role_options(settings, Daemon::kPeer, allow_plaintext));
    options["mode"] = settings.text("mode").value_or("idle");
    for (const char* name : {"idle_minutes", "hand_back_ms", "gpu_duty_cap"}) {
        if (const auto value = settings.integer(name)) options[name] = *value;
    }
    for (const char* name : {"on_battery", "on_metered", "metered"}) {
        if (const auto value = settings.boolean(name)) options[name] = *value;
    }
    if (const auto hours = settings.text("schedule.hours")) options["schedule"]["hours"] = *hours;
    const json caps = caps_of(settings);
    if (!caps.empty()) options["caps"] = caps;
    const bool capped = caps.contains("data_day_mb") || caps.contains("data_month_mb");
    const Result<std::string> data_file = data_file_of(settings, capped);
    if (!data_file) return data_file.failure();
    if (!data_file->empty()) options["data_file"] = *data_file;
    const std::string display = settings.text("display").value_or(display_in(environment));
    if (!display.empty()) options["display"] = display;
    return options.dump();
}

std::string owner_runtime_options(const Settings& settings) {
    const auto vram = settings.integer("caps.vram_mb");
    return vram ? json({{"vram_mb", *vram}}).dump() : std::string();
}

p2c2r_status create_helper(p2c2r_runtime* runtime, p2c2r_peer_config config,
                           const std::string& options, PeerHandle& out, p2c2r_error& why) {
    p2c2r_peer* peer = nullptr;
    config.options = options.c_str();
    p2c2r_status status = p2c2r_peer_create(runtime, &config, &peer, &why);
    json fewer = json::parse(options);
    const bool capped = fewer.contains("caps") && (fewer["caps"].contains("data_day_mb") ||
                                                   fewer["caps"].contains("data_month_mb"));
    if (status == P2C2R_E_BUSY && std::string(why.field) == "data_file" && !capped) {
        fewer.erase("data_file");
        const std::string without = fewer.dump();
        config.options = without.c_str();
        status = p2c2r_peer_create(runtime, &config, &peer, &why);
    }
    out.reset(peer);
    return status;
}

Outcome check_helper(const Settings& settings) {
    const Result<DeviceChoice> device = device_of(settings);
    if (!device) return device.failure();
    RuntimeOptions runtime_options;
    runtime_options.device.kind = DeviceChoice::Kind::kNative;
    runtime_options.worker_threads = 1;
    const Result<OpenedRuntime> runtime =
        open_runtime(runtime_options, owner_runtime_options(settings));
    if (!runtime) return runtime.failure();
    const Result<std::string> wishes = owner_options(settings, process_environment(), true);
    if (!wishes) return wishes.failure();
    const std::string name = settings.text("peer_id").value_or("");
    p2c2r_peer_config config = {};
    config.struct_size = sizeof config;
    config.max_concurrent_tasks = settings.integer("max_concurrent_tasks").value_or(0);
    config.peer_id = name.empty() ? nullptr : name.c_str();
    config.coordinator_url = "p2c2r+plain://127.0.0.1";  // it never connects
    PeerHandle helper;
    p2c2r_error why = {};
    if (create_helper(runtime->handle.get(), config, *wishes, helper, why) == P2C2R_OK) {
        return std::nullopt;
    }
    // In use is what it will not be any more when the service begins.
    if (why.status == P2C2R_E_BUSY) return std::nullopt;
    return library_failure(kExitUsage, "cannot make the peer", why);
}

std::string willing_text(const p2c2r_event& event) {
    const std::string why = event.text ? event.text : "";
    return std::string(event.status == P2C2R_OK ? "helps" : "does not help") +
           (why.empty() ? "" : ": " + why);
}

}  // namespace p2c2r::cli
