#include "model/flow_rate.h"

namespace p2c2r {

namespace {

constexpr double kTimeLeastUs = 1'000;
constexpr double kDisproved = 1.05;  // of what it carried when it was full

double rate_of(uint64_t bytes, double time_us) {
    return 8e6 * static_cast<double>(bytes) / std::max(time_us, kTimeLeastUs);
}

}  // namespace

void FlowRate::Direction::full(double moved) {
    rate = full_rate = moved;
}

void FlowRate::Direction::grow() {
    rate *= kGrowth;
    if (rate > kUnknownFrom) rate = full_rate = 0;
}

void FlowRate::look(uint64_t now_us, double round_us) {
    if (window_since_us_ == 0) window_since_us_ = now_us - std::min(now_us, kWindowUs);
    if (answers_ < kAnswersLeast && now_us < window_since_us_ + kWindowMostUs) return;
    double busy_us = static_cast<double>(busy_us_);
    if (away_ > 0) busy_us += static_cast<double>(now_us - std::min(now_us, busy_since_us_));
    const double wait_us = luckiest_.wait_us;
    const double up = rate_of(up_.bytes, busy_us);
    const double down = rate_of(down_.bytes, busy_us);
    const bool is_full = wait_us > std::max(kWaitLeastUs, round_us * kWaitShareLeast) &&
                         down_.bytes > 0 && up_.bytes + down_.bytes >= kBytesLeast;
    if (is_full && was_full_) {
        line_is_full(now_us, std::max(up, rate_of(luckiest_.up, wait_us)),
                     std::max(down, rate_of(luckiest_.down, wait_us)));
    } else if (!is_full) {
        line_is_free(now_us, up, down);
    }
    was_full_ = is_full;
    window_since_us_ = busy_since_us_ = now_us;
    look_at_us_ = now_us + kWindowUs;
    up_.bytes = down_.bytes = busy_us_ = 0;
    answers_ = 0;
}

// The window before may have been full only at its end; this one was from its beginning.
void FlowRate::line_is_full(uint64_t now_us, double up, double down) {
    if (has_grown_) grow_after_us_ = std::min(grow_after_us_ * 2, kGrowAfterMostUs);
    has_grown_ = false;
    grow_at_us_ = now_us + grow_after_us_;
    if (up >= down * kDirectionShareLeast) up_.full(up);
    if (down >= up * kDirectionShareLeast) down_.full(down);
}

void FlowRate::line_is_free(uint64_t now_us, double up, double down) {
    if (up_.rate == 0 && down_.rate == 0) return;
    for (const auto& [direction, moved] : {std::pair{&up_, up}, std::pair{&down_, down}}) {
        if (direction->rate == 0 || moved < direction->full_rate * kDisproved) continue;
        direction->full_rate = moved;
        direction->rate = std::max(direction->rate, moved);
        grow_after_us_ = kGrowAfterUs;
        grow_at_us_ = std::min(grow_at_us_, now_us + kGrowAfterUs);
    }
    if (now_us < grow_at_us_) return;
    up_.grow();
    down_.grow();
    has_grown_ = true;
    grow_at_us_ = now_us + grow_after_us_;
}

}  // namespace p2c2r
