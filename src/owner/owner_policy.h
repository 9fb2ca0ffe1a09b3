// OwnerPolicy: may this machine help now? A function of what the owner allows, what the sensors say
// and the time; it reads neither clock nor sensor, and does nothing.
//
// Activity of the owner comes in episodes. At its first sign all work stops between slices. An
// episode that was a bump of the desk (shorter than a third of hand_back_ms) is forgotten when
// hand_back_ms are over, and work goes on; else what is held is handed back then, for others to
// compute while its deadline allows. A second bump within seconds is none: somebody types slowly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "owner/owner_settings.h"

namespace p2c2r::owner {

// What is known of the machine. Times are on the caller's clock, in microseconds.
struct Signals {
    enum class Sight : uint8_t {
        kNobodyThere,  // no display: nobody sits at this machine
        kSees,         // input_us and fullscreen are known
        kBlind,        // there is a display that does not tell
    };
    Sight sight = Sight::kNobodyThere;
    std::optional<uint64_t> input_us;  // the last input of the owner
    bool fullscreen = false;
    bool said_active = false;  // by the host program
    bool on_battery = false;
    bool metered = false;
    double gpu_temperature_c = 0;  // the hottest; 0: not known
    double cpu_temperature_c = 0;
    double power_watts = 0;
    std::optional<uint32_t> minute_of_day;  // local time
    uint64_t data_day_bytes = 0;
    uint64_t data_month_bytes = 0;
};

enum class Work : uint8_t {
    kRun,
    kPause,     // nothing runs, what is held is kept
    kHandBack,  // nothing is held
};

struct Decision {
    bool accepts = true;  // new tasks
    Work work = Work::kRun;
    uint32_t duty_percent = 100;
    std::string why;  // plain words; "" when it helps without limits

    bool operator==(const Decision&) const = default;
};

// One thread.
class OwnerPolicy {
  public:
    explicit OwnerPolicy(Settings settings) : settings_(std::move(settings)) {}

    // `now_us` never goes back.
    Decision decide(const Signals& signals, uint64_t now_us);
    // When to decide again even if no signal changes; after now_us of the last decide().
    [[nodiscard]] uint64_t again_us() const { return again_us_; }
    [[nodiscard]] const Settings& settings() const { return settings_; }

  private:
    static constexpr uint64_t kAgainUs = 1'000'000;
    static constexpr uint64_t kBumpsApartUs = 10'000'000;

    struct Episode {
        uint64_t first_us;
        uint64_t last_us;
    };
    // What has nothing to do with who is there; "" when all is fine.
    std::string forbidden_by(const Signals& signals);
    std::string too_hot(const Signals& signals);
    // Follows the owner's activity: none, begun, lasting.
    Work activity(const Signals& signals, uint64_t now_us);
    [[nodiscard]] uint64_t idle_us_needed() const { return settings_.idle_minutes * 60'000'000ull; }
    void look_again_at(uint64_t at_us) { again_us_ = std::min(again_us_, at_us); }

    const Settings settings_;
    uint64_t again_us_ = 0;
    bool cools_ = false;                     // over a temperature, and not yet well below it
    uint64_t heeded_us_ = 0;                 // the last input that an episode counted
    std::optional<Episode> episode_;         // under way
    uint64_t bumped_us_ = 0;                 // the last bump began; 0: none has
    std::optional<uint64_t> away_since_us_;  // since the last one that was no bump
};

}  // namespace p2c2r::owner
