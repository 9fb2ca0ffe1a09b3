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
    // One was placed of an account that had not always something waiting.
    void other_placed(uint64_t now_us) { other_us_ = now_us; }
    [[nodiscard]] bool has_others(uint64_t now_us) const {
        return other_us_ != 0 && now_us - other_us_ < kLatelyUs;
    }
    // There have been both of late.
    [[nodiscard]] bool is_mixed(uint64_t now_us) const {
        return has_others(now_us) && flood_us_ != 0 && now_us - flood_us_ < kLatelyUs;
    }
    // When the next task may be placed of one that has.
    [[nodiscard]] uint64_t next_us(uint64_t now_us) const {
        return has_others(now_us) ? next_us_ : 0;
    }
    // It was, and the slots that there are become free so often where none is ever idle.
    void placed(uint64_t now_us, double every_us) {
        flood_us_ = now_us;
        const auto gap_us = static_cast<uint64_t>(kPart * every_us);
        // Timers are late by a little: where gaps are shorter than that, some go at once.
        const uint64_t missed_us = kMissedUs - std::min(gap_us, kMissedUs);
        next_us_ = std::max(next_us_, now_us - std::min(now_us, missed_us)) + gap_us;
    }

  private:
    // More costs throughput where tasks do not all take the same time.
    static constexpr double kPart = 0.75;
    static constexpr uint64_t kMissedUs = 1'000;
    static constexpr uint64_t kLatelyUs = 200'000;

    uint64_t next_us_ = 0;
    uint64_t other_us_ = 0;
    uint64_t flood_us_ = 0;
};

}  // namespace p2c2r::sched
