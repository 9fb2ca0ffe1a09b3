#include "owner/owner_policy.h"

#include <algorithm>
#include <cmath>

namespace p2c2r::owner {

namespace {

// A cap of temperature is left only so far below it: no work in seconds-long bursts at the cap.
constexpr double kCoolByC = 5;

std::string number(double value) {
    return std::to_string(std::lround(value));
}

std::string megabytes(uint64_t bytes) {
    return std::to_string(bytes / 1'000'000) + " MB";
}

std::string minutes(uint64_t us) {
    const uint64_t count = (us + 59'999'999) / 60'000'000;
    return std::to_string(count) + (count == 1 ? " minute" : " minutes");
}

}  // namespace

std::string OwnerPolicy::too_hot(const Signals& signals) {
    const double slack = cools_ ? kCoolByC : 0;
    const auto over = [slack](double value, uint32_t cap) {
        return cap != 0 && value != 0 && value > cap - slack;
    };
    std::string why;
    if (over(signals.gpu_temperature_c, settings_.gpu_temperature_c)) {
        why = "the GPU has " + number(signals.gpu_temperature_c) + " degrees, the cap is " +
              std::to_string(settings_.gpu_temperature_c);
    } else if (over(signals.cpu_temperature_c, settings_.cpu_temperature_c)) {
        why = "the processor has " + number(signals.cpu_temperature_c) + " degrees, the cap is " +
              std::to_string(settings_.cpu_temperature_c);
    }
    cools_ = !why.empty();
    return why;
}

std::string OwnerPolicy::forbidden_by(const Signals& signals) {
    if (!settings_.hours.empty()) {
        if (!signals.minute_of_day) return "the time of day is not known";
        const bool within =
            std::any_of(settings_.hours.begin(), settings_.hours.end(),
                        [&](const Hours& hours) { return hours.contains(*signals.minute_of_day); });
        if (!within) return "outside the hours " + settings_.hours_text;
    }
    if (signals.on_battery && !settings_.on_battery) return "on battery";
    if ((signals.metered || settings_.metered) && !settings_.on_metered) {
        return "the network is metered";
    }
    if (settings_.data_day_bytes != 0 && signals.data_day_bytes >= settings_.data_day_bytes) {
        return "the " + megabytes(settings_.data_day_bytes) + " of this day are used up";
    }
    if (settings_.data_month_bytes != 0 && signals.data_month_bytes >= settings_.data_month_bytes) {
        return "the " + megabytes(settings_.data_month_bytes) + " of this month are used up";
    }
    if (std::string hot = too_hot(signals); !hot.empty()) return hot;
    if (settings_.power_watts != 0 && signals.power_watts > settings_.power_watts) {
        return "the machine draws " + number(signals.power_watts) + " W, the cap is " +
               std::to_string(settings_.power_watts);
    }
    return {};
}

Work OwnerPolicy::activity(const Signals& signals, uint64_t now_us) {
    const bool sees = settings_.mode == Mode::kIdle && signals.sight == Signals::Sight::kSees;
    std::optional<uint64_t> input;
    if (sees && signals.input_us && *signals.input_us > heeded_us_) input = signals.input_us;
    if (signals.said_active) input = now_us;
    if (input) {
        heeded_us_ = std::min(*input, now_us);
        if (!away_since_us_ && !signals.said_active) {
            // The first look: when the owner was last there, not that he comes now.
            away_since_us_ = heeded_us_;
        } else if (episode_) {
            episode_->last_us = heeded_us_;
        } else {
            episode_ = Episode{heeded_us_, heeded_us_};
        }
    }
    if (!episode_) return Work::kRun;
    const uint64_t patience = settings_.hand_back_ms * 1000ull;
    const uint64_t decided_us = episode_->first_us + patience;
    if (now_us < decided_us) {
        look_again_at(decided_us);
        return Work::kPause;
    }
    const bool again = bumped_us_ != 0 && episode_->first_us - bumped_us_ < kBumpsApartUs;
    const bool bump = !again && episode_->last_us - episode_->first_us < (patience + 2) / 3;
    if (!bump) away_since_us_ = episode_->last_us;
    // It lasts while there was a sign of it within hand_back_ms.
    if (!bump && (signals.said_active || now_us - episode_->last_us < patience)) {
        look_again_at(episode_->last_us + patience);
        return Work::kHandBack;
    }
    if (bump) bumped_us_ = episode_->first_us;
    episode_.reset();
    return Work::kRun;
}

Decision OwnerPolicy::decide(const Signals& signals, uint64_t now_us) {
    again_us_ = now_us + kAgainUs;
    const auto no = [](Work work, std::string why) {
        return Decision{false, work, 100, std::move(why)};
    };
    if (std::string why = forbidden_by(signals); !why.empty()) return no(Work::kHandBack, why);

    Decision yes;
    yes.duty_percent = settings_.duty_percent;
    if (settings_.mode == Mode::kWhileGaming) {
        const bool away = !signals.said_active && !signals.fullscreen &&
                          signals.sight == Signals::Sight::kSees && signals.input_us &&
                          now_us - std::min(now_us, *signals.input_us) >= idle_us_needed();
        if (away) yes.duty_percent = 100;
    } else {
        const Work work = activity(signals, now_us);
        if (work != Work::kRun) return no(work, "you are using this machine");
    }
    if (settings_.mode == Mode::kIdle) {
        if (signals.sight == Signals::Sight::kBlind) {
            return no(Work::kHandBack,
                      "this display does not tell whether you use the machine; choose mode "
                      "schedule, always or while_gaming, or let a program say it");
        }
        if (signals.fullscreen) return no(Work::kHandBack, "a program fills the screen");
        if (away_since_us_ && now_us - *away_since_us_ < idle_us_needed()) {
            const uint64_t left = idle_us_needed() - (now_us - *away_since_us_);
            look_again_at(now_us + left);
            return no(Work::kHandBack, "helps after " + minutes(idle_us_needed()) +
                                           " without input; you were here a moment ago");
        }
    }
    if (yes.duty_percent < 100) {
        yes.why = "at most " + std::to_string(yes.duty_percent) + " % of the time";
    }
    return yes;
}

}  // namespace p2c2r::owner
