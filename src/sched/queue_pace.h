// How long a task waits that comes to a queue now, by how quickly those before it have left of
// late: what its account's turns are worth, whoever else asks for what. Decides nothing, and costs
// two additions a task.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace p2c2r::sched {

class QueuePace {
  public:
    // One has left, and so many still wait.
    void left(uint64_t now_us, size_t waiting) {
        if (is_backlogged_) {
            const uint64_t interval = std::min(now_us - left_us_, kIntervalMostUs);
            // Mostly both are 0, and the arithmetic is spared.
            if (interval > 0 || interval_us_ > 0) {
                interval_us_ += kGain * (static_cast<double>(interval) - interval_us_);
            }
        } else {
            // Nobody had to wait for it: whatever was slow is over, or it will show again.
            interval_us_ -= interval_us_ / 8;
        }
        left_us_ = now_us;
        if (waiting > 0 && !is_backlogged_) backlog_us_ = now_us;
        is_backlogged_ = waiting > 0;
    }
    // Nobody waits, however the last ones went.
    void empty() { is_backlogged_ = false; }
    // Somebody has waited at every moment of the last 100 ms: this is no burst that passes.
    [[nodiscard]] bool is_overloaded(uint64_t now_us) const {
        return is_backlogged_ && now_us - backlog_us_ >= kStandingUs;
    }
    // Behind so many.
    [[nodiscard]] uint64_t wait_us(size_t waiting) const {
        return static_cast<uint64_t>(static_cast<double>(waiting) * interval_us_);
    }

  private:
    static constexpr uint64_t kStandingUs = 100'000;
    // A machine that all wait for may be gone for longer: that says nothing of the next ones.
    static constexpr uint64_t kIntervalMostUs = 100'000;
    static constexpr double kGain = 1.0 / 32;

    double interval_us_ = 0;
    uint64_t left_us_ = 0;
    uint64_t backlog_us_ = 0;     // since when something waits, where it does
    bool is_backlogged_ = false;  // since then something waits
};

}  // namespace p2c2r::sched
