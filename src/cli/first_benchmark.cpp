#include "cli/first_benchmark.h"

#include <cmath>
#include <cstdio>
#include <ctime>

#include "cli/bench.h"
#include "cli/files.h"
#include "cli/machine.h"
#include "cli/owner_options.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr const char* kFile = "benchmark.json";
constexpr uint64_t kSpeedMilliMost = 1'000'000;

// What was kept of the last benchmark; no object: nothing.
json kept_details() {
    const Result<std::string> folder = machine_folder_if_there();
    if (!folder || folder->empty()) return {};
    const std::string file = join_path(*folder, kFile);
    if (!is_there(file)) return {};
    const Result<std::string> text = read_file(file);
    return text ? json::parse(*text, nullptr, false) : json();
}

}  // namespace

void run_first_benchmark(const std::optional<Contact>& coordinator, const std::string& device,
                         const std::function<bool()>& stops) {
    std::fprintf(stderr,
                 "looking what this machine can serve, some seconds (--no-benchmark: not)\n");
    MachineOptions options;
    options.device = device;
    options.quick = true;
    options.coordinator = coordinator;
    options.stops = stops;
    if (const Outcome failed = bench_machine(options)) {
        std::fprintf(stderr, "not known what it can serve: %s\n", failed->text.c_str());
    }
}

std::string kept_benchmark() {
    const json kept = kept_details();
    return kept.is_object() ? kept.value("text", "") : std::string();
}

uint32_t speed_milli(const Settings& settings) {
    if (const auto said = settings.real("capabilities.speed")) {
        return static_cast<uint32_t>(std::lround(*said * 1000));
    }
    const json kept = kept_details();
    if (!kept.is_object()) return 0;
    const auto on = kept.find("device");
    const auto speed = kept.find("speed_milli");
    if (on == kept.end() || *on != device_text(settings)) return 0;
    if (speed == kept.end() || !speed->is_number_unsigned()) return 0;
    const auto milli = speed->get<uint64_t>();
    return milli <= kSpeedMilliMost ? static_cast<uint32_t>(milli) : 0;  // else it is damaged
}

// A machine that never joined anything is left alone; what cannot be kept is only not shown again.
void keep_benchmark(const std::string& text, const json& details) {
    const Result<std::string> folder = machine_folder_if_there();
    if (!folder || folder->empty()) return;
    json kept = details;
    kept["text"] = text;
    kept["measured_ms"] = static_cast<uint64_t>(std::time(nullptr)) * 1000;
    (void)write_file(join_path(*folder, kFile), kept.dump(2) + "\n");
}

}  // namespace p2c2r::cli
