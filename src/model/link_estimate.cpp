#include "model/link_estimate.h"

#include <algorithm>

namespace p2c2r {

namespace {

// Less waiting than that may be anything: a timer, a busy core.
constexpr double kWaitLeastUs = 1'000;
constexpr double kWaitShareLeast = 1.0 / 8;  // of the shortest round

}  // namespace

void LinkEstimate::Window::add(double sample, uint64_t now_us) {
    if (now_us >= until_us_) {
        before_ = now_;
        now_ = 0;
        until_us_ = now_us + kWindowUs;
    }
    now_ = std::max(now_, sample);
}

void LinkEstimate::greeted(double round_us) {
    *this = {};
    greeting_us_ = std::max(round_us, 1.0);
}

void LinkEstimate::add(const LinkSample& sample) {
    if (sample.bytes_up + sample.bytes_down <= kRoundBytesMost) {
        round_.add(1 / std::max(sample.network_us, 1.0), sample.now_us);
        return;
    }
    add_rate(up_, sample, sample.bytes_up, sample.moved_up);
    add_rate(down_, sample, sample.bytes_down, sample.moved_down);
}

void LinkEstimate::add_rate(Window& window, const LinkSample& sample, uint64_t bytes,
                            uint64_t moved) const {
    if (bytes < kRateBytesLeast) return;
    const double waited_us = sample.network_us - rtt_us();
    const double least_us = std::max(kWaitLeastUs, rtt_us() * kWaitShareLeast);
    // Alone on the line its own bytes took the wait; behind others they all took the time of all.
    const double alone = 8e6 * static_cast<double>(bytes) / std::max(waited_us, least_us);
    const double together =
        8e6 * static_cast<double>(moved) / std::max(sample.moved_us, kWaitLeastUs);
    const double rate = std::max(alone, together);
    const bool has_waited = rtt_us() > 0 && waited_us >= least_us;
    if (has_waited || (window.value() > 0 && rate > window.value())) {
        window.add(rate, sample.now_us);
    }
}

double LinkEstimate::rtt_us() const {
    return round_.value() > 0 ? 1 / round_.value() : greeting_us_;
}

LinkEstimate::RoundFrom LinkEstimate::rtt_from() const {
    if (round_.value() > 0) return RoundFrom::kTasks;
    return greeting_us_ > 0 ? RoundFrom::kGreeting : RoundFrom::kNothing;
}

const char* round_from_name(LinkEstimate::RoundFrom from) {
    switch (from) {
        case LinkEstimate::RoundFrom::kGreeting:
            return "greeting";
        case LinkEstimate::RoundFrom::kTasks:
            return "tasks";
        case LinkEstimate::RoundFrom::kNothing:
            break;
    }
    return "nothing";
}

}  // namespace p2c2r
