// The policy of owner first, in virtual time: who may be helped when, and how fast it is over.
#include <doctest/doctest.h>

#include "owner/owner_policy.h"

using namespace p2c2r::owner;

namespace {

constexpr uint64_t kMs = 1'000;
constexpr uint64_t kSecond = 1'000'000;
constexpr uint64_t kMinute = 60 * kSecond;

Settings settings_for(Mode mode) {
    Settings settings;
    settings.owner_first = true;
    settings.mode = mode;
    settings.on_battery = settings.on_metered = false;
    settings.gpu_temperature_c = 85;
    settings.cpu_temperature_c = 95;
    if (mode == Mode::kWhileGaming) settings.duty_percent = 30;
    return settings;
}

Signals away_for(uint64_t us, uint64_t now) {
    Signals signals;
    signals.sight = Signals::Sight::kSees;
    signals.input_us = now - us;
    return signals;
}

// A desk: somebody uses it when told to, the policy is asked as often as a role would.
struct Desk {
    explicit Desk(Settings settings) : policy(std::move(settings)) {
        signals.sight = Signals::Sight::kSees;
        signals.input_us = 1;
    }
    void input() { signals.input_us = now; }
    Decision after(uint64_t us) {
        const uint64_t end = now + us;
        Decision decision = policy.decide(signals, now);
        while (policy.again_us() < end) {
            REQUIRE(policy.again_us() > now);
            now = policy.again_us();
            decision = policy.decide(signals, now);
        }
        now = end;
        return policy.decide(signals, now);
    }
    OwnerPolicy policy;
    Signals signals;
    uint64_t now = 3'600 * kSecond;
};

}  // namespace

TEST_CASE("policy: a peer that nobody asked to be careful always helps") {
    OwnerPolicy policy{Settings{}};
    Signals signals;
    signals.on_battery = signals.metered = signals.fullscreen = true;
    signals.gpu_temperature_c = 120;
    const Decision decision = policy.decide(signals, 1);
    CHECK(decision.accepts);
    CHECK(decision.work == Work::kRun);
    CHECK(decision.duty_percent == 100);
    CHECK(decision.why.empty());
}

TEST_CASE("policy: idle helps after its minutes without input and never below a full screen") {
    Settings settings = settings_for(Mode::kIdle);
    settings.idle_minutes = 5;
    OwnerPolicy policy(settings);
    const uint64_t now = 100 * kMinute;
    const Decision early = policy.decide(away_for(4 * kMinute, now), now);
    CHECK_FALSE(early.accepts);
    CHECK(early.work == Work::kHandBack);
    CHECK(early.why.find("5 minutes") != std::string::npos);
    CHECK(policy.again_us() <= now + kMinute);
    Signals later = away_for(4 * kMinute, now);
    CHECK_FALSE(policy.decide(later, now + kMinute - 1).accepts);
    CHECK(policy.decide(later, now + kMinute).accepts);
    later.fullscreen = true;
    const Decision film = policy.decide(later, now + 2 * kMinute);
    CHECK_FALSE(film.accepts);
    CHECK(film.work == Work::kHandBack);
    CHECK(film.why.find("screen") != std::string::npos);
}

TEST_CASE("policy: idle on a machine without a display helps and on one that is blind does not") {
    OwnerPolicy policy(settings_for(Mode::kIdle));
    Signals signals;
    CHECK(policy.decide(signals, kMinute).accepts);
    signals.sight = Signals::Sight::kBlind;
    const Decision blind = policy.decide(signals, 2 * kMinute);
    CHECK_FALSE(blind.accepts);
    CHECK(blind.why.find("mode") != std::string::npos);
}

TEST_CASE("policy: activity pauses at once and lasting activity hands back") {
    Desk desk(settings_for(Mode::kIdle));
    CHECK(desk.after(kSecond).accepts);
    desk.input();
    const Decision first = desk.after(0);
    CHECK_FALSE(first.accepts);
    CHECK(first.work == Work::kPause);
    CHECK(first.why == "you are using this machine");
    for (int i = 0; i < 14; ++i) {
        const Decision decision = desk.after(20 * kMs);
        CHECK(decision.work == Work::kPause);
        desk.input();
    }
    CHECK(desk.after(20 * kMs).work == Work::kHandBack);
    // And the minutes begin anew.
    desk.after(4 * kMinute);
    CHECK_FALSE(desk.after(0).accepts);
    CHECK(desk.after(kMinute).accepts);
}

TEST_CASE("policy: one bump of the desk is forgotten and slow typing is not") {
    Desk desk(settings_for(Mode::kIdle));
    CHECK(desk.after(kSecond).accepts);
    desk.input();
    CHECK(desk.after(0).work == Work::kPause);
    CHECK(desk.after(299 * kMs).work == Work::kPause);
    const Decision on = desk.after(kMs);
    CHECK(on.work == Work::kRun);
    CHECK(on.accepts);
    desk.after(2 * kSecond);
    desk.input();  // a second one so soon is somebody
    CHECK(desk.after(0).work == Work::kPause);
    CHECK(desk.after(300 * kMs).work == Work::kHandBack);
    CHECK_FALSE(desk.after(4 * kMinute).accepts);
    CHECK(desk.after(kMinute).accepts);
}

TEST_CASE("policy: what a host says is activity in every mode but while gaming") {
    for (const Mode mode : {Mode::kAlways, Mode::kSchedule, Mode::kIdle}) {
        Desk desk(settings_for(mode));
        CHECK(desk.after(kSecond).accepts);
        desk.signals.said_active = true;
        CHECK(desk.after(0).work == Work::kPause);
        CHECK(desk.after(300 * kMs).work == Work::kHandBack);
        CHECK(desk.after(kMinute).work == Work::kHandBack);
        desk.signals.said_active = false;
        const Decision after = desk.after(kSecond);
        CHECK(after.accepts == (mode != Mode::kIdle));
        CHECK(desk.after(5 * kMinute).accepts);
    }
    Desk desk(settings_for(Mode::kWhileGaming));
    desk.signals.said_active = true;
    const Decision gaming = desk.after(kSecond);
    CHECK(gaming.accepts);
    CHECK(gaming.work == Work::kRun);
    CHECK(gaming.duty_percent == 30);
}

TEST_CASE("policy: while gaming has its duty cap unless nobody is there") {
    OwnerPolicy policy(settings_for(Mode::kWhileGaming));
    const uint64_t now = 100 * kMinute;
    Signals signals = away_for(kSecond, now);
    signals.fullscreen = true;
    Decision decision = policy.decide(signals, now);
    CHECK(decision.accepts);
    CHECK(decision.duty_percent == 30);
    CHECK(decision.why == "at most 30 % of the time");
    signals = away_for(5 * kMinute, now);
    CHECK(policy.decide(signals, now).duty_percent == 100);
    signals.fullscreen = true;  // a film, or a game pad
    CHECK(policy.decide(signals, now).duty_percent == 30);
    signals.sight = Signals::Sight::kBlind;
    signals.fullscreen = false;
    CHECK(policy.decide(signals, now).duty_percent == 30);
}

TEST_CASE("policy: outside its hours a machine does not help in any mode that has some") {
    Settings settings = settings_for(Mode::kSchedule);
    settings.hours = {{22 * 60, 7 * 60}};
    settings.hours_text = "22:00-07:00";
    OwnerPolicy policy(settings);
    Signals signals;
    CHECK_FALSE(policy.decide(signals, 1).accepts);  // the time is not known
    signals.minute_of_day = 21 * 60 + 59;
    const Decision before = policy.decide(signals, 2);
    CHECK_FALSE(before.accepts);
    CHECK(before.work == Work::kHandBack);
    CHECK(before.why == "outside the hours 22:00-07:00");
    for (const uint32_t minute : {22u * 60, 0u, 7u * 60 - 1}) {
        signals.minute_of_day = minute;
        CHECK(policy.decide(signals, 3).accepts);
    }
    signals.minute_of_day = 7 * 60;
    CHECK_FALSE(policy.decide(signals, 4).accepts);
}

TEST_CASE("policy: battery and metered network and spent data and power hand back with a reason") {
    Settings settings = settings_for(Mode::kAlways);
    settings.data_day_bytes = 10'000'000;
    settings.data_month_bytes = 100'000'000;
    settings.power_watts = 200;
    OwnerPolicy policy(settings);
    const auto why_not = [&policy](const Signals& signals) {
        const Decision decision = policy.decide(signals, 1);
        CHECK(decision.accepts == decision.why.empty());
        CHECK((decision.work == Work::kHandBack) == !decision.accepts);
        return decision.why;
    };
    CHECK(why_not({}) == "");
    Signals signals;
    signals.on_battery = true;
    CHECK(why_not(signals) == "on battery");
    signals = {};
    signals.metered = true;
    CHECK(why_not(signals) == "the network is metered");
    signals = {};
    signals.data_day_bytes = 9'999'999;
    CHECK(why_not(signals) == "");
    signals.data_day_bytes = 10'000'000;
    CHECK(why_not(signals) == "the 10 MB of this day are used up");
    signals = {};
    signals.data_month_bytes = 100'000'000;
    CHECK(why_not(signals) == "the 100 MB of this month are used up");
    signals = {};
    signals.power_watts = 201;
    CHECK(why_not(signals) == "the machine draws 201 W, the cap is 200");
    settings.metered = true;
    CHECK_FALSE(OwnerPolicy(settings).decide({}, 1).accepts);
    settings.on_metered = true;
    CHECK(OwnerPolicy(settings).decide({}, 1).accepts);
}

TEST_CASE("policy: a hot machine rests until it is well below the cap") {
    OwnerPolicy policy(settings_for(Mode::kAlways));
    Signals signals;
    signals.gpu_temperature_c = 85;
    CHECK(policy.decide(signals, 1).accepts);
    signals.gpu_temperature_c = 86;
    const Decision hot = policy.decide(signals, 2);
    CHECK(hot.work == Work::kHandBack);
    CHECK(hot.why == "the GPU has 86 degrees, the cap is 85");
    signals.gpu_temperature_c = 81;
    CHECK_FALSE(policy.decide(signals, 3).accepts);
    signals.gpu_temperature_c = 80;
    CHECK(policy.decide(signals, 4).accepts);
    signals.cpu_temperature_c = 96;
    CHECK_FALSE(policy.decide(signals, 5).accepts);
}
