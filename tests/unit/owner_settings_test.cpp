// What an owner allows, as read from configuration keys: defaults, values, and what is refused.
#include <doctest/doctest.h>

#include "model/value_json.h"
#include "owner/owner_settings.h"

using namespace p2c2r;
using namespace p2c2r::owner;

namespace {

Result<Settings> read(const std::string& json) {
    const Result<Bytes> bytes = json_to_value(json);
    REQUIRE(bytes.ok());
    ParamsReader reader(bytes->span());
    Settings settings = read_settings(reader);
    if (const Result<Done> good = reader.finish(); !good) return good.error();
    return settings;
}

// The field that is blamed.
std::string blamed(const std::string& json) {
    const Result<Settings> settings = read(json);
    if (settings) return "nothing";
    CHECK(settings.error().text.size() > 10);
    return settings.error().field;
}

}  // namespace

TEST_CASE("settings: without a key nothing is asked for and with any the defaults protect") {
    const Result<Settings> nothing = read("{}");
    REQUIRE(nothing.ok());
    CHECK_FALSE(nothing->owner_first);
    CHECK(nothing->on_battery);
    CHECK(nothing->duty_percent == 100);
    const Result<Settings> idle = read(R"({"mode": "idle"})");
    REQUIRE(idle.ok());
    CHECK(idle->owner_first);
    CHECK(idle->mode == Mode::kIdle);
    CHECK(idle->idle_minutes == 5);
    CHECK_FALSE(idle->on_battery);
    CHECK_FALSE(idle->on_metered);
    CHECK(idle->gpu_temperature_c == 85);
    const Result<Settings> gaming = read(R"({"mode": "while_gaming"})");
    REQUIRE(gaming.ok());
    CHECK(gaming->duty_percent == 30);
}

TEST_CASE("settings: every key is read") {
    const Result<Settings> settings = read(
        R"({"mode": "idle", "idle_minutes": 2, "hand_back_ms": 100, "gpu_duty_cap": 40,
            "on_battery": true, "on_metered": true, "metered": true, "data_file": "counts",
            "display": ":7", "schedule": {"hours": "22:00-07:00, 12:30-13:00"},
            "caps": {"data_day_mb": 10, "data_month_mb": 100, "gpu_temperature": 70,
                     "cpu_temperature": 80, "power_watts": 150}})");
    REQUIRE(settings.ok());
    CHECK(settings->idle_minutes == 2);
    CHECK(settings->hand_back_ms == 100);
    CHECK(settings->duty_percent == 40);
    CHECK(settings->on_battery);
    CHECK(settings->on_metered);
    CHECK(settings->metered);
    CHECK(settings->data_file == "counts");
    CHECK(settings->display == ":7");
    CHECK(settings->hours.size() == 2);
    CHECK(settings->data_day_bytes == 10'000'000);
    CHECK(settings->data_month_bytes == 100'000'000);
    CHECK(settings->gpu_temperature_c == 70);
    CHECK(settings->cpu_temperature_c == 80);
    CHECK(settings->power_watts == 150);
}

TEST_CASE("settings: what is wrong or contradicts itself is refused by its name") {
    CHECK(blamed(R"({"mode": "sometimes"})") == "mode");
    CHECK(blamed(R"({"mode": "idle", "idle_minutes": -1})") == "idle_minutes");
    CHECK(blamed(R"({"mode": "always", "idle_minutes": 5})") == "idle_minutes");
    CHECK(blamed(R"({"mode": "idle", "gpu_duty_cap": 0})") == "gpu_duty_cap");
    CHECK(blamed(R"({"mode": "idle", "gpu_duty_cap": 101})") == "gpu_duty_cap");
    CHECK(blamed(R"({"mode": "schedule"})") == "schedule");
    CHECK(blamed(R"({"schedule": {"hours": "22-07"}})") == "schedule.hours");
    CHECK(blamed(R"({"schedule": {"hour": "22:00-07:00"}})") == "schedule.hours");
    CHECK(blamed(R"({"schedule": {"hours": "22:00-07:00", "days": "Mon"}})") == "schedule.days");
    CHECK(blamed(R"({"caps": {"vram": 1}})") == "caps.vram");
    CHECK(blamed(R"({"data_file": "f", "caps": {"data_day_mb": 10, "data_month_mb": 5}})") ==
          "caps.data_month_mb");
    CHECK(blamed(R"({"caps": {"data_day_mb": 10}})") == "data_file");
    CHECK(blamed(R"({"mode": "idle", "modes": "idle"})") == "modes");
}

TEST_CASE("hours: spans within a day and over midnight") {
    const Result<std::vector<Hours>> hours = parse_hours("22:00-07:00,12:00-12:30,0:00-24:00");
    REQUIRE(hours.ok());
    const Hours night = (*hours)[0];
    CHECK(night.contains(22 * 60));
    CHECK(night.contains(0));
    CHECK(night.contains(7 * 60 - 1));
    CHECK_FALSE(night.contains(7 * 60));
    CHECK_FALSE(night.contains(22 * 60 - 1));
    const Hours noon = (*hours)[1];
    CHECK(noon.contains(12 * 60));
    CHECK_FALSE(noon.contains(12 * 60 + 30));
    CHECK_FALSE(noon.contains(12 * 60 - 1));
    for (uint32_t minute = 0; minute < 24 * 60; ++minute) CHECK((*hours)[2].contains(minute));
    for (const char* wrong : {"", "22:00", "22:00-", "-7:00", "25:00-26:00", "22:60-23:00",
                              "22:0-23:00", "7:00-7:00", "22:00-07:00;", "22:00-07:00,"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_hours(wrong).ok());
    }
}
