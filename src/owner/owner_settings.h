// What the owner of a helping machine allows: a mode, hours, and caps. Read from the keys of the
// configuration file; a key that nobody knows, a value out of its range, or two that contradict
// each other are refused by name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/status.h"
#include "model/params_reader.h"

namespace p2c2r::owner {

enum class Mode : uint8_t {
    kAlways,       // whenever the caps allow
    kIdle,         // once nobody has used the machine for a while, and nothing fills the screen
    kWhileGaming,  // always; with a duty cap while somebody uses it
    kSchedule,     // within hours of the day
};
const char* mode_name(Mode mode);

// Minutes of the day, local time; `until` may lie before `from`, over midnight.
struct Hours {
    uint32_t from = 0;
    uint32_t until = 0;
    [[nodiscard]] bool contains(uint32_t minute) const {
        return from < until ? minute >= from && minute < until : minute >= from || minute < until;
    }
};

struct Settings {
    static constexpr uint32_t kGamingDutyPercent = 30;

    // False: nothing was asked for. Such a peer helps as long as it is not told otherwise, looks at
    // no sensor and writes no file.
    bool owner_first = false;
    Mode mode = Mode::kAlways;
    uint32_t idle_minutes = 5;    // without input, before it helps
    uint32_t hand_back_ms = 300;  // of activity, before held tasks are handed back
    std::vector<Hours> hours;     // none: all day
    std::string hours_text;
    uint32_t duty_percent = 100;  // of the time; in kWhileGaming only while somebody is there
    bool on_battery = true;       // helps there, too
    bool on_metered = true;
    bool metered = false;            // the network is, whatever the system says
    uint64_t data_day_bytes = 0;     // both ways; 0: no cap
    uint64_t data_month_bytes = 0;   // of the calendar
    uint32_t gpu_temperature_c = 0;  // 0: no cap
    uint32_t cpu_temperature_c = 0;
    uint32_t power_watts = 0;
    std::string data_file;  // where the counts survive a restart; "": nowhere
    std::string display;    // an X display as ":0"; "": there is none

    [[nodiscard]] bool looks_at_sensors() const { return owner_first; }
};

// Takes mode, idle_minutes, hand_back_ms, schedule {hours}, gpu_duty_cap, on_battery, on_metered,
// metered, caps {data_day_mb, data_month_mb, gpu_temperature, cpu_temperature, power_watts},
// data_file and display out of `reader`; what is wrong is reported there, and said by its finish().
// With any of them the defaults are those of a helper: not on battery, not on a metered network,
// 85 and 95 degrees.
Settings read_settings(ParamsReader& reader);

// "22:00-07:00" or several with commas between them.
Result<std::vector<Hours>> parse_hours(std::string_view text);

}  // namespace p2c2r::owner
