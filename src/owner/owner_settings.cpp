#include "owner/owner_settings.h"

#include <array>
#include <optional>

namespace p2c2r::owner {

namespace {

constexpr uint64_t kMegabyte = 1'000'000;  // as network contracts count
constexpr int64_t kMegabytesMax = 1'000'000'000;
constexpr size_t kHoursMax = 16;
constexpr size_t kPathMax = 4096;
constexpr uint32_t kMinutesOfDay = 24 * 60;
constexpr uint32_t kGpuTemperatureC = 85;
constexpr uint32_t kCpuTemperatureC = 95;

constexpr std::array kKeys = {"mode",         "idle_minutes", "hand_back_ms", "schedule",
                              "gpu_duty_cap", "on_battery",   "on_metered",   "metered",
                              "caps",         "data_file",    "display"};

// "HH:MM" at the start of `text`, which it is taken from. Nothing: it is not.
std::optional<uint32_t> take_time(std::string_view& text) {
    uint32_t parts[2] = {};
    for (int part = 0; part < 2; ++part) {
        size_t digits = 0;
        while (digits < 2 && digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
            parts[part] = parts[part] * 10 + static_cast<uint32_t>(text[digits++] - '0');
        }
        if (digits == 0 || (part == 1 && digits != 2)) return std::nullopt;
        text.remove_prefix(digits);
        if (part == 0) {
            if (!text.starts_with(':')) return std::nullopt;
            text.remove_prefix(1);
        }
    }
    const uint32_t minutes = parts[0] * 60 + parts[1];
    if (parts[1] > 59 || minutes > kMinutesOfDay) return std::nullopt;
    return minutes;
}

Mode mode_of(std::string_view name) {
    for (const Mode mode : {Mode::kIdle, Mode::kWhileGaming, Mode::kSchedule}) {
        if (name == mode_name(mode)) return mode;
    }
    return Mode::kAlways;
}

void read_caps(ParamsReader& reader, Settings& settings) {
    const std::optional<Value> map = reader.map("caps", false);
    if (!map) return;
    ParamsReader caps(*map, reader, "caps");
    const auto count = [&](const char* name, int64_t most, uint32_t fallback) {
        return static_cast<uint32_t>(caps.integer(name, 0, most, fallback));
    };
    settings.data_day_bytes =
        static_cast<uint64_t>(caps.integer("data_day_mb", 0, kMegabytesMax, 0)) * kMegabyte;
    settings.data_month_bytes =
        static_cast<uint64_t>(caps.integer("data_month_mb", 0, kMegabytesMax, 0)) * kMegabyte;
    settings.gpu_temperature_c = count("gpu_temperature", 150, settings.gpu_temperature_c);
    settings.cpu_temperature_c = count("cpu_temperature", 150, settings.cpu_temperature_c);
    settings.power_watts = count("power_watts", 100'000, 0);
    if (settings.data_month_bytes != 0 && settings.data_month_bytes < settings.data_day_bytes) {
        caps.fail("data_month_mb", "data_month_mb of " +
                                       std::to_string(settings.data_month_bytes / kMegabyte) +
                                       " is less than data_day_mb of " +
                                       std::to_string(settings.data_day_bytes / kMegabyte) +
                                       ": the day's cap would never be reached");
    }
    caps.done();
}

void read_schedule(ParamsReader& reader, Settings& settings) {
    const std::optional<Value> map = reader.map("schedule", false);
    if (map) {
        ParamsReader schedule(*map, reader, "schedule");
        settings.hours_text = schedule.text("hours", 256);
        if (schedule.ok()) {
            Result<std::vector<Hours>> hours = parse_hours(settings.hours_text);
            if (hours) {
                settings.hours = std::move(*hours);
            } else {
                schedule.fail("hours", hours.error().text);
            }
        }
        schedule.done();
    } else if (settings.mode == Mode::kSchedule) {
        reader.fail("schedule", "mode schedule needs schedule.hours, as \"22:00-07:00\"");
    }
}

}  // namespace

const char* mode_name(Mode mode) {
    switch (mode) {
        case Mode::kIdle:
            return "idle";
        case Mode::kWhileGaming:
            return "while_gaming";
        case Mode::kSchedule:
            return "schedule";
        default:
            return "always";
    }
}

Result<std::vector<Hours>> parse_hours(std::string_view text) {
    const auto wrong = [whole = std::string(text.substr(0, 64))](const std::string& why) {
        return make_error(Status::kParams, "'" + whole + "' " + why +
                                               "; hours are as 22:00-07:00, several with "
                                               "commas between them");
    };
    std::vector<Hours> all;
    for (;;) {
        while (text.starts_with(' ')) text.remove_prefix(1);
        const std::optional<uint32_t> from = take_time(text);
        if (!from || !text.starts_with('-')) return wrong("is not a list of hours");
        text.remove_prefix(1);
        const std::optional<uint32_t> until = take_time(text);
        if (!until) return wrong("is not a list of hours");
        if (*from == *until) return wrong("begins and ends at the same time");
        if (all.size() == kHoursMax) return wrong("has more than 16 spans");
        // 24:00 is the end of a day, and no minute of it.
        all.push_back({*from % kMinutesOfDay, *until});
        while (text.starts_with(' ')) text.remove_prefix(1);
        if (text.empty()) return all;
        if (!text.starts_with(',')) return wrong("is not a list of hours");
        text.remove_prefix(1);
    }
}

Settings read_settings(ParamsReader& reader) {
    Settings settings;
    for (const char* key : kKeys) settings.owner_first |= reader.has(key);
    if (!settings.owner_first) return settings;
    settings.on_battery = settings.on_metered = false;
    settings.gpu_temperature_c = kGpuTemperatureC;
    settings.cpu_temperature_c = kCpuTemperatureC;

    settings.mode =
        mode_of(reader.choice("mode", {"idle", "while_gaming", "always", "schedule"}, "always"));
    if (reader.has("idle_minutes") && settings.mode != Mode::kIdle &&
        settings.mode != Mode::kWhileGaming) {
        reader.fail("idle_minutes",
                    std::string("idle_minutes means nothing in mode ") + mode_name(settings.mode));
    }
    settings.idle_minutes = static_cast<uint32_t>(reader.integer("idle_minutes", 0, 1440, 5));
    settings.hand_back_ms = static_cast<uint32_t>(reader.integer("hand_back_ms", 0, 60'000, 300));
    settings.duty_percent = static_cast<uint32_t>(
        reader.integer("gpu_duty_cap", 1, 100,
                       settings.mode == Mode::kWhileGaming ? Settings::kGamingDutyPercent : 100));
    settings.on_battery = reader.boolean("on_battery", false);
    settings.on_metered = reader.boolean("on_metered", false);
    settings.metered = reader.boolean("metered", false);
    settings.data_file = reader.text("data_file", kPathMax, "");
    settings.display = reader.text("display", 256, "");
    read_schedule(reader, settings);
    read_caps(reader, settings);
    if (settings.data_file.empty() &&
        (settings.data_day_bytes != 0 || settings.data_month_bytes != 0)) {
        reader.fail("data_file",
                    "caps of data need a data_file: without it a restart would begin anew");
    }
    return settings;
}

}  // namespace p2c2r::owner
