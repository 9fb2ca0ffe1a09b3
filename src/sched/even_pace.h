// Spreads over time what is placed for accounts that always have something waiting, where others
// come and go beside them. In a lull of the others such an account would take every slot at the
// same moment; these would be free again at the same moment, too, a task later, and whoever came
// meanwhile would wait for nearly the whole of it. With three quarters of an even gap between its
// tasks slots become free one after the other, and it gets as many of them as before.
#pragma once

#include <algorithm>
#include <cstdint>

namespace p2c2r::sched {

class EvenPace {
  public:
    static constexpr uint64_t kLatelyUs = 200'000;

    // One was placed of an account that had not always something waiting.
    void other_placed(uint32_t account, uint64_t now_us) {
        other_ = account;
        other_us_ = now_us;
        look_who_is_there();
    }
    // There have been both of late. An account that has just begun to flood is not beside itself.
    [[nodiscard]] bool is_mixed(uint64_t now_us) const { return is_recent(mixed_us_, now_us); }
    // Where both are there: how long it stays so if nothing more is placed.
    [[nodiscard]] uint64_t mixed_until_us() const { return mixed_us_ + kLatelyUs; }
    // When the next task may be placed of an account that has always something waiting.
    [[nodiscard]] uint64_t next_us(uint64_t now_us) const {
        return is_mixed(now_us) ? std::min(next_us_, mixed_until_us()) : 0;
    }
    // It was, and the slots that there are become free so often where none is ever idle.
    void flood_placed(uint32_t account, double every_us, uint64_t now_us) {
        flood_ = account;
        flood_us_ = now_us;
        look_who_is_there();
        const auto gap_us = static_cast<uint64_t>(kPart * every_us);
        // Timers are late by a little: where gaps are shorter than that, some go at once.
        const uint64_t missed_us = kMissedUs - std::min(gap_us, kMissedUs);
        next_us_ = std::max(next_us_, now_us - std::min(now_us, missed_us)) + gap_us;
    }

  private:
    // More costs throughput where tasks do not all take the same time.
    static constexpr double kPart = 0.75;
    static constexpr uint64_t kMissedUs = 1'000;

    void look_who_is_there() {
        if (other_ != flood_) mixed_us_ = std::min(other_us_, flood_us_);
    }
    static bool is_recent(uint64_t at_us, uint64_t now_us) {
        return at_us != 0 && now_us - at_us < kLatelyUs;
    }

    uint64_t next_us_ = 0;
    uint64_t other_us_ = 0;
    uint64_t flood_us_ = 0;
    uint64_t mixed_us_ = 0;  // the last time that both were there
    uint32_t other_ = 0;
    uint32_t flood_ = 0;
};

}  // namespace p2c2r::sched
