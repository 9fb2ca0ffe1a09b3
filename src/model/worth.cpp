#include "model/worth.h"

#include <algorithm>
#include <cstdio>

namespace p2c2r {

namespace {

constexpr double kMega = 1e6;

template <class... Numbers>
std::string sentence(const char* format, Numbers... numbers) {
    char text[200];
    std::snprintf(text, sizeof text, format, numbers...);
    return text;
}

// How many a second get through; a direction without bytes lets all through.
double rate_over(double bits_per_s, uint64_t bytes, double most) {
    if (bytes == 0) return most;
    return std::min(most, bits_per_s / (8.0 * static_cast<double>(bytes)));
}

bool is_late(const WorthCase& task, double us) {
    return task.deadline_us > 0 && us > task.deadline_us;
}

std::string keep_text(const WorthCase& task, const Worth& worth) {
    if (is_late(task, worth.remote_us) && !is_late(task, worth.local_us)) {
        return sentence("keep here: done in %.3g ms, %.3g by way of the helper, %.3g are there",
                        worth.local_us / 1e3, worth.remote_us / 1e3, task.deadline_us / 1e3);
    }
    const double wanted_up = task.wanted_per_s * 8 * static_cast<double>(task.bytes_up) / kMega;
    const double wanted_down = task.wanted_per_s * 8 * static_cast<double>(task.bytes_down) / kMega;
    switch (worth.limit) {
        case WorthLimit::kUplink:
            return sentence("keep here: %.3g a second take %.3g Mbit/s up, the link has %.3g",
                            task.wanted_per_s, wanted_up, task.up_bits_per_s / kMega);
        case WorthLimit::kDownlink:
            return sentence("keep here: %.3g a second take %.3g Mbit/s down, the link has %.3g",
                            task.wanted_per_s, wanted_down, task.down_bits_per_s / kMega);
        case WorthLimit::kHelper:
            return sentence("keep here: the helper takes %.3g ms for one, this machine %.3g",
                            task.remote_us / 1e3, task.local_us / 1e3);
        case WorthLimit::kWanted:
            break;
    }
    return sentence("keep here: done in %.3g ms, %.3g by way of the helper", worth.local_us / 1e3,
                    worth.remote_us / 1e3);
}

}  // namespace

Worth weigh_worth(const WorthCase& task) {
    Worth worth;
    const double up_us = 8e6 * static_cast<double>(task.bytes_up) / task.up_bits_per_s;
    const double down_us = 8e6 * static_cast<double>(task.bytes_down) / task.down_bits_per_s;
    worth.local_us = task.local_wait_us + task.local_us;
    worth.remote_us = task.rtt_us + up_us + task.queue_us + task.remote_us + down_us;
    worth.local_per_s = std::min(task.wanted_per_s, 1e6 / task.local_us);

    // The narrowest, and of equals the first on the way.
    worth.remote_per_s = task.wanted_per_s;
    const auto narrow = [&](double rate, WorthLimit limit) {
        if (rate >= worth.remote_per_s) return;
        worth.remote_per_s = rate;
        worth.limit = limit;
    };
    narrow(rate_over(task.up_bits_per_s, task.bytes_up, task.wanted_per_s), WorthLimit::kUplink);
    narrow(1e6 / task.remote_us, WorthLimit::kHelper);
    narrow(rate_over(task.down_bits_per_s, task.bytes_down, task.wanted_per_s),
           WorthLimit::kDownlink);

    worth.up_bits_per_s = worth.remote_per_s * 8 * static_cast<double>(task.bytes_up);
    worth.down_bits_per_s = worth.remote_per_s * 8 * static_cast<double>(task.bytes_down);
    const double compute_s_per_hour = worth.remote_per_s * task.remote_us / 1e6 * 3600;
    worth.price_per_hour = compute_s_per_hour * task.price_per_compute_s / (1 - task.fee);

    const bool is_late_here = is_late(task, worth.local_us);
    if (is_late_here != is_late(task, worth.remote_us)) {
        worth.send = is_late_here;
        return worth;
    }
    const bool more = worth.remote_per_s >= worth.local_per_s * kWorthGainLeast;
    const bool as_many = worth.remote_per_s >= worth.local_per_s;
    const bool sooner = worth.remote_us < worth.local_us;
    worth.send = more || (as_many && sooner);
    return worth;
}

Worth judge_worth(const WorthCase& task) {
    Worth worth = weigh_worth(task);
    if (!worth.send) {
        worth.text = keep_text(task, worth);
    } else if (is_late(task, worth.local_us) && !is_late(task, worth.remote_us)) {
        worth.text = sentence("send: done in %.3g ms, %.3g here, %.3g are there",
                              worth.remote_us / 1e3, worth.local_us / 1e3, task.deadline_us / 1e3);
    } else if (worth.remote_per_s >= worth.local_per_s * kWorthGainLeast) {
        worth.text =
            sentence("send: %.3g a second, %.3g here", worth.remote_per_s, worth.local_per_s);
    } else {
        worth.text = sentence("send: done in %.3g ms, %.3g here", worth.remote_us / 1e3,
                              worth.local_us / 1e3);
    }
    return worth;
}

bool goes_there(const WorthCase& task, bool is_there) {
    // The side that it is on may be so much worse than it was measured.
    WorthCase other = task;
    if (is_there) {
        other.local_us *= kWorthMoveLeast;
        other.local_wait_us *= kWorthMoveLeast;
    } else {
        other.remote_us *= kWorthMoveLeast;
        other.queue_us *= kWorthMoveLeast;
        other.rtt_us *= kWorthMoveLeast;
        other.up_bits_per_s /= kWorthMoveLeast;
        other.down_bits_per_s /= kWorthMoveLeast;
    }
    return weigh_worth(other).send;
}

const char* worth_limit_name(WorthLimit limit) {
    switch (limit) {
        case WorthLimit::kHelper:
            return "helper";
        case WorthLimit::kUplink:
            return "uplink";
        case WorthLimit::kDownlink:
            return "downlink";
        case WorthLimit::kWanted:
            break;
    }
    return "wanted";
}

}  // namespace p2c2r
