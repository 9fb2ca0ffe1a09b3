#include "roles/local_forms.h"

#include <algorithm>

namespace p2c2r::roles {

namespace {

constexpr uint64_t kSlackUs = 500;  // a timer of the loop and the way to the waiting thread

// What is set aside for a run that takes so long.
uint64_t needed_us(uint64_t took_us) {
    return took_us + took_us / 8 + kSlackUs;
}

}  // namespace

const LocalTimes::Times* LocalTimes::find(std::string_view task_type, int32_t quality) const {
    for (const Times& times : times_) {
        if (times.quality == quality && times.task_type == task_type) return &times;
    }
    return nullptr;
}

uint64_t LocalTimes::p95_us(std::string_view task_type, int32_t quality) const {
    const Times* times = find(task_type, quality);
    return times ? times->p95_us : 0;
}

void LocalTimes::learn(std::string_view task_type, int32_t quality, uint64_t took_us) {
    auto* times = const_cast<Times*>(find(task_type, quality));
    if (!times) {
        if (times_.size() >= kKnownMost) return;
        times = &times_.emplace_back();
        times->task_type = task_type;
        times->quality = quality;
    }
    times->took_us[times->count++ % kSamples] =
        static_cast<uint32_t>(std::clamp<uint64_t>(took_us, 1, UINT32_MAX));
    std::array<uint32_t, kSamples> sorted = times->took_us;
    const size_t kept = std::min(times->count, kSamples);
    // The smallest that 95 of 100 do not exceed: of fewer than 20 the largest.
    const size_t rank = (kept * 95 + 99) / 100 - 1;
    std::nth_element(sorted.begin(), sorted.begin() + rank, sorted.begin() + kept);
    times->p95_us = sorted[rank];
}

void LocalTimes::learn_longer_than(std::string_view task_type, int32_t quality, uint64_t us) {
    if (us > p95_us(task_type, quality)) learn(task_type, quality, us);
}

LocalChoice choose_form(const LocalTimes& times, std::string_view task_type,
                        const std::vector<LocalForm>& forms, uint64_t now_us,
                        uint64_t answer_by_us) {
    const uint64_t left = answer_by_us > now_us ? answer_by_us - now_us : 0;
    LocalChoice choice{forms.size() - 1, now_us + left / 2, false};
    uint64_t below_us = 0;  // what the form below is taken for
    bool leaves_time = false;
    for (size_t i = forms.size(); i-- > 0;) {
        const uint64_t known_us = times.p95_us(task_type, forms[i].quality);
        const uint64_t took_us = known_us != 0 ? known_us : 2 * below_us;
        below_us = took_us;
        if (took_us == 0) continue;
        const uint64_t need = needed_us(took_us);
        if (need > left) break;
        const bool late_enough = need <= left - left / 4;
        if (choice.fits && leaves_time && !late_enough) break;
        // The first time it may well take longer than that.
        const uint64_t from = known_us != 0 ? need : std::max(need, left / 2);
        choice = {i, answer_by_us - from, true};
        leaves_time = late_enough;
        if (!late_enough) break;  // so would be those above
    }
    return choice;
}

}  // namespace p2c2r::roles
