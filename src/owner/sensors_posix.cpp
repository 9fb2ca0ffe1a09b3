// /sys as Linux has it: a value a file.
#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

#include "owner/sensors.h"

namespace p2c2r::owner {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kGpuChips[] = {"amdgpu", "radeon", "nouveau", "nvidia", "i915", "xe"};
constexpr std::string_view kCpuChips[] = {"coretemp", "k10temp", "zenpower", "cpu_thermal"};
constexpr std::string_view kCpuZones[] = {"x86_pkg_temp", "cpu-thermal", "cpu_thermal", "TCPU"};

template <size_t kCount>
bool is_one_of(std::string_view text, const std::string_view (&names)[kCount]) {
    return std::find(std::begin(names), std::end(names), text) != std::end(names);
}

// The first line; empty when there is none.
std::string line_of(const fs::path& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    return line;
}

std::optional<double> number_of(const fs::path& file) {
    const std::string line = line_of(file);
    int64_t value = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (line.empty() || error != std::errc()) return std::nullopt;
    return static_cast<double>(value);
}

// Sorted, so that what is read does not hang on the order of a directory.
std::vector<fs::path> entries_of(const fs::path& folder) {
    std::vector<fs::path> entries;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        entries.push_back(it->path());
    }
    std::sort(entries.begin(), entries.end());
    return entries;
}

void read_power(const fs::path& folder, MachineReading& reading) {
    bool plugged = false;
    bool discharges = false;
    for (const fs::path& supply : entries_of(folder)) {
        const std::string type = line_of(supply / "type");
        if (type != "Battery") {
            plugged |= number_of(supply / "online").value_or(0) > 0;
            continue;
        }
        // The battery of a mouse says nothing about the machine.
        if (line_of(supply / "scope") == "Device") continue;
        if (line_of(supply / "status") != "Discharging") continue;
        discharges = true;
        reading.power_watts += number_of(supply / "power_now").value_or(0) / 1e6;
    }
    reading.on_battery = discharges && !plugged;
}

void read_chip(const fs::path& chip, MachineReading& reading) {
    const std::string name = line_of(chip / "name");
    const bool gpu = is_one_of(name, kGpuChips);
    if (!gpu && !is_one_of(name, kCpuChips)) return;
    double& hottest = gpu ? reading.gpu_temperature_c : reading.cpu_temperature_c;
    double watts = 0;
    for (const fs::path& file : entries_of(chip)) {
        const std::string what = file.filename().string();
        if (what.starts_with("temp") && what.ends_with("_input")) {
            hottest = std::max(hottest, number_of(file).value_or(0) / 1000);
        } else if (gpu && (what == "power1_average" || what == "power1_input")) {
            watts = std::max(watts, number_of(file).value_or(0) / 1e6);
        }
    }
    reading.power_watts = std::max(reading.power_watts, watts);
}

}  // namespace

MachineReading read_machine(const SensorPaths& paths) {
    MachineReading reading;
    read_power(paths.power_supply, reading);
    for (const fs::path& chip : entries_of(paths.hwmon)) read_chip(chip, reading);
    for (const fs::path& zone : entries_of(paths.thermal)) {
        if (!is_one_of(line_of(zone / "type"), kCpuZones)) continue;
        reading.cpu_temperature_c =
            std::max(reading.cpu_temperature_c, number_of(zone / "temp").value_or(0) / 1000);
    }
    return reading;
}

LocalTime local_time(int64_t unix_seconds) {
    const auto seconds = static_cast<time_t>(unix_seconds);
    tm local{};
    if (!localtime_r(&seconds, &local)) return {};
    return {static_cast<uint32_t>(local.tm_hour * 60 + local.tm_min),
            static_cast<uint32_t>((local.tm_year + 1900) * 10000 + (local.tm_mon + 1) * 100 +
                                  local.tm_mday)};
}

}  // namespace p2c2r::owner
