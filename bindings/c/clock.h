// The clock of the machine. Roles read none: they are told what time it is.
// Implemented in clock_posix.cpp.
#pragma once

#include <cstdint>

namespace p2c2r::capi {

// Microseconds on the monotonic clock; the same clock as the loop's. Any thread.
uint64_t now_us() noexcept;
// The same, at most one behind: before what now_us() said a moment ago, it may be, on this thread
// as well. To be compared with it, and never subtracted from. Cheap where it is asked again at once
// and the processor has a counter that runs evenly. Any thread.
uint64_t recent_us() noexcept;

// A reading of the clock, and of a counter just before it.
class ClockReading {
  public:
    // Counters that run evenly do so at 1 GHz or more, so that these are less than a microsecond.
    static constexpr uint64_t kTicksGood = 1'000;

    [[nodiscard]] uint64_t us() const { return us_; }
    // False as well when the counter runs back, as from one core to another it may.
    [[nodiscard]] bool is_good(uint64_t ticks) const {
        return is_taken_ && ticks - ticks_ < kTicksGood;
    }
    // Of the clock between two of the counter. False: since the last one the counter has run slower
    // than it should, and no reading may be used again.
    bool take(uint64_t ticks_before, uint64_t us, uint64_t ticks_after) {
        const bool is_slow = is_taken_ && us > us_ + 1 + (ticks_after - ticks_) / kTicksGood;
        ticks_ = ticks_before;
        us_ = us;
        is_taken_ = !is_slow;
        return is_taken_;
    }

  private:
    uint64_t ticks_ = 0;
    uint64_t us_ = 0;
    bool is_taken_ = false;
};

}  // namespace p2c2r::capi
