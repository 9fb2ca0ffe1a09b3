// How likely it is that a peer does not answer the next task at all, by what it did of late.
#pragma once

#include <cmath>
#include <cstdint>

namespace p2c2r::sched {

class Risk {
  public:
    // What failed counts one in 32, what stalled one in 8, and is half forgotten after 10 s: who
    // gets no tasks could not show that it is well again.
    void failed(uint64_t now_us) { add(1.0 / 32, now_us); }
    void stalled(uint64_t now_us) { add(1.0 / 8, now_us); }
    void answered() {
        if (share_ > 0) share_ -= share_ / 32;
    }

    // Below that nobody asks how long it is ago.
    [[nodiscard]] bool is_small() const { return share_ < kSmall; }
    [[nodiscard]] double at(uint64_t now_us) const {
        const uint64_t passed = now_us - (now_us < at_us_ ? now_us : at_us_);
        return share_ * std::exp2(-static_cast<double>(passed) / kHalfUs);
    }

  private:
    static constexpr double kSmall = 1.0 / 64;
    static constexpr double kHalfUs = 10'000'000;

    void add(double weight, uint64_t now_us) {
        share_ = at(now_us);
        share_ += weight * (1 - share_);
        at_us_ = now_us;
    }

    double share_ = 0;
    uint64_t at_us_ = 0;  // of the last addition
};

}  // namespace p2c2r::sched
