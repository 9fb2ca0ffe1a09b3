// A rate that may be exceeded for a moment: a token bucket, kept as the time at which it would be
// full again. Decides, never acts: the time comes in.
#pragma once

#include <algorithm>
#include <cstdint>

namespace p2c2r::identity {

struct Rate {
    uint64_t per_second = 0;  // 0: no limit
    uint64_t burst = 0;       // at once, after a rest
};

class RateLimit {
  public:
    // Takes `amount` and returns 0, or returns the microseconds until that may be taken. More than
    // the burst is let through after a rest, so that nothing waits for ever.
    uint64_t take(const Rate& rate, uint64_t amount, uint64_t now_us) {
        if (rate.per_second == 0) return 0;
        const uint64_t now = now_us * kNs;
        const uint64_t debt = std::max(full_ns_, now) - now;
        const uint64_t cost = cost_ns(rate, amount);
        const uint64_t room = std::max(cost_ns(rate, rate.burst), cost);
        if (debt + cost > room) return (debt + cost - room + kNs - 1) / kNs;
        full_ns_ = now + debt + cost;
        return 0;
    }
    // Takes it whatever is there: what follows waits the longer.
    void charge(const Rate& rate, uint64_t amount, uint64_t now_us) {
        if (rate.per_second == 0) return;
        full_ns_ = std::max(full_ns_, now_us * kNs) + cost_ns(rate, amount);
    }

  private:
    static constexpr uint64_t kNs = 1000;             // in a microsecond
    static constexpr uint64_t kAmountMax = 1u << 30;  // its nanoseconds fit

    static uint64_t cost_ns(const Rate& rate, uint64_t amount) {
        return std::min(amount, kAmountMax) * 1'000'000'000 / rate.per_second;
    }

    uint64_t full_ns_ = 0;
};

}  // namespace p2c2r::identity
