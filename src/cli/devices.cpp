// `p2c2r devices`: what this machine could compute on.
#include <cstdio>

#include "cli/commands.h"
#include "cli/device_choice.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

int run_devices(bool as_json) {
    Result<OpenedRuntime> runtime = open_runtime({});
    if (!runtime) return report("devices", runtime.failure());
    Result<json> answer = ask_runtime(runtime->handle.get(), "devices");
    if (!answer) return report("devices", answer.failure());
    if (as_json) {
        std::printf("%s\n", answer->dump().c_str());
        return kExitOk;
    }
    TextTable table({"device", "name", "driver", "kind", "memory"});
    table.add({"native", "the processor of this machine", "", "", ""});
    for (const json& device : answer->value("devices", json::array())) {
        table.add({"vulkan:" + std::to_string(device.value("index", 0)),
                   device.value("name", std::string()), device.value("driver", std::string()),
                   device.value("software", false) ? "software" : "gpu",
                   std::to_string(device.value("memory_mb", uint64_t{0})) + " MiB"});
    }
    std::printf("%s", table.text().c_str());
    const std::string why = answer->value("why", std::string());
    if (!why.empty()) std::printf("no Vulkan device: %s\n", why.c_str());
    return kExitOk;
}

}  // namespace

void add_devices_command(Command& root) {
    static bool as_json = false;
    Command command = root.add_command("devices", "List the devices of this machine",
                                       [] { return run_devices(as_json); });
    command.add_flag("--json", as_json, "JSON");
}

}  // namespace p2c2r::cli
