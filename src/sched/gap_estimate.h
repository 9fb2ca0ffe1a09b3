// GapEstimate: how long a peer at work is usually silent between two signs of life, and from when
// on its silence says something. Peers send something every 10 ms while they have work.
//
// The average follows quickly, and is bounded on both sides: no line is so even that 15 ms mean
// anything, and none so uneven that failing over may take longer than 50 ms.
#pragma once

#include <algorithm>
#include <cstdint>

namespace p2c2r::sched {

class GapEstimate {
  public:
    static constexpr uint64_t kLeastUs = 5'000;
    static constexpr uint64_t kMostUs = 20'000;
    static constexpr uint64_t kSuspectLeastUs = 15'000;
    static constexpr uint64_t kDeadLeastUs = 30'000;
    static constexpr uint64_t kDeadMostUs = 45'000;

    void add(uint64_t gap_us) {
        gap_us_ = std::clamp((4 * gap_us_ + std::min(gap_us, kDeadMostUs)) / 5, kLeastUs, kMostUs);
    }
    [[nodiscard]] uint64_t gap_us() const { return gap_us_; }
    [[nodiscard]] uint64_t suspect_us() const {
        return std::max(kSuspectLeastUs, gap_us_ + gap_us_ / 2);
    }
    [[nodiscard]] uint64_t dead_us() const {
        return std::clamp(3 * gap_us_, kDeadLeastUs, kDeadMostUs);
    }

  private:
    uint64_t gap_us_ = kMostUs;  // of one that is not known nothing is expected
};

}  // namespace p2c2r::sched
