// What the system tells: files of a folder made up for the test, and an X display that is not
// there.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "owner/sensors.h"

using namespace p2c2r::owner;
namespace fs = std::filesystem;

namespace {

// A folder like /sys/class, gone with the object.
class FakeSystem {
  public:
    FakeSystem() {
        std::string name = (fs::temp_directory_path() / "p2c2r-sensors-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()));
        root_ = name;
    }
    ~FakeSystem() { fs::remove_all(root_); }

    void put(const std::string& place, const std::string& text) const {
        const fs::path file = root_ / place;
        fs::create_directories(file.parent_path());
        std::ofstream(file) << text << "\n";
    }
    [[nodiscard]] MachineReading read() const {
        SensorPaths paths;
        paths.power_supply = (root_ / "power_supply").string();
        paths.hwmon = (root_ / "hwmon").string();
        paths.thermal = (root_ / "thermal").string();
        return read_machine(paths);
    }

  private:
    fs::path root_;
};

}  // namespace

TEST_CASE("sensors: a system that tells nothing is a machine on mains") {
    const FakeSystem system;
    const MachineReading reading = system.read();
    CHECK_FALSE(reading.on_battery);
    CHECK(reading.gpu_temperature_c == 0);
    CHECK(reading.cpu_temperature_c == 0);
    CHECK(reading.power_watts == 0);
}

TEST_CASE(
    "sensors: a battery that discharges without mains is battery and that of a mouse is not") {
    const FakeSystem system;
    system.put("power_supply/hidpp_battery_0/type", "Battery");
    system.put("power_supply/hidpp_battery_0/scope", "Device");
    system.put("power_supply/hidpp_battery_0/status", "Discharging");
    CHECK_FALSE(system.read().on_battery);
    system.put("power_supply/BAT0/type", "Battery");
    system.put("power_supply/BAT0/status", "Full");
    CHECK_FALSE(system.read().on_battery);
    system.put("power_supply/BAT0/status", "Discharging");
    system.put("power_supply/BAT0/power_now", "23500000");
    CHECK(system.read().on_battery);
    CHECK(system.read().power_watts == doctest::Approx(23.5));
    system.put("power_supply/AC/type", "Mains");
    system.put("power_supply/AC/online", "0");
    CHECK(system.read().on_battery);
    system.put("power_supply/AC/online", "1");
    CHECK_FALSE(system.read().on_battery);
}

TEST_CASE("sensors: the hottest of each kind counts and other chips and broken files do not") {
    const FakeSystem system;
    system.put("hwmon/hwmon0/name", "amdgpu");
    system.put("hwmon/hwmon0/temp1_input", "61000");
    system.put("hwmon/hwmon0/temp2_input", "74000");
    system.put("hwmon/hwmon0/temp2_crit", "110000");
    system.put("hwmon/hwmon0/power1_average", "142000000");
    system.put("hwmon/hwmon1/name", "k10temp");
    system.put("hwmon/hwmon1/temp1_input", "55125");
    system.put("hwmon/hwmon2/name", "nvme");
    system.put("hwmon/hwmon2/temp1_input", "99000");
    system.put("hwmon/hwmon3/name", "coretemp");
    system.put("hwmon/hwmon3/temp1_input", "hot");
    system.put("thermal/thermal_zone0/type", "x86_pkg_temp");
    system.put("thermal/thermal_zone0/temp", "58000");
    system.put("thermal/thermal_zone1/type", "iwlwifi_1");
    system.put("thermal/thermal_zone1/temp", "90000");
    const MachineReading reading = system.read();
    CHECK(reading.gpu_temperature_c == doctest::Approx(74));
    CHECK(reading.cpu_temperature_c == doctest::Approx(58));
    CHECK(reading.power_watts == doctest::Approx(142));
}

TEST_CASE("sensors: a display that is not there tells nothing") {
    const std::unique_ptr<Display> display = open_x11_display(":4711");
    CHECK_FALSE(display->read(true).sees);
    CHECK_FALSE(display->read(false).sees);
}
