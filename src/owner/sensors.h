// What the system tells about this machine and who uses it. Reading may block for a moment, so it
// is done on a thread of its own; where the system does not tell, the reading says so.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace p2c2r::owner {

// Where the files are: another place in tests.
struct SensorPaths {
    std::string power_supply = "/sys/class/power_supply";
    std::string hwmon = "/sys/class/hwmon";
    std::string thermal = "/sys/class/thermal";
};

struct MachineReading {
    bool on_battery = false;
    // The hottest; 0: the system does not tell. Drivers that do are those of hwmon (amdgpu, radeon,
    // nouveau, i915, xe; coretemp, k10temp, zenpower) and thermal zones of processors.
    double gpu_temperature_c = 0;
    double cpu_temperature_c = 0;
    // Of the GPU, or what the battery gives where that is more; 0: not told.
    double power_watts = 0;
};
MachineReading read_machine(const SensorPaths& paths);

// Local time, as the C library has it.
struct LocalTime {
    uint32_t minute_of_day = 0;
    uint32_t date = 0;  // as 20261231
};
LocalTime local_time(int64_t unix_seconds);

// Whether traffic is paid for by the byte. Not told: nobody knows, and it counts as free.
class Network {
  public:
    enum class Metered { kNotTold, kNo, kYes };
    virtual ~Network() = default;
    virtual Metered read() = 0;
};

// NetworkManager's word, and its guess where it has no better, over the bus at this address (empty:
// the system's), through libdbus, which is opened at run time, so that neither linking nor a
// machine without it needs it. Never NULL. A bus or service that does not answer within a tenth of
// a second has not told.
std::unique_ptr<Network> open_network_manager(const std::string& bus);

// The display that the owner sits at.
class Display {
  public:
    struct Reading {
        bool sees = false;  // false: it does not tell, or is gone
        uint64_t idle_us = 0;
        bool fullscreen = false;
    };
    virtual ~Display() = default;
    // `look_at_windows`: fullscreen too, which costs a few messages; else it is as it was.
    virtual Reading read(bool look_at_windows) = 0;
};

// An X display, by its name as ":0": through libxcb, which is opened at run time, so that neither
// linking nor a machine without X needs it. Never NULL. Input is what the screen saver extension
// counts: keyboard, mouse and touch; a game pad is none to X. A compositor of Wayland tells X only
// of input to X programs, so such a display must not be asked.
std::unique_ptr<Display> open_x11_display(const std::string& name);

}  // namespace p2c2r::owner
