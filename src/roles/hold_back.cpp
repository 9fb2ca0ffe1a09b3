#include "roles/hold_back.h"

#include <algorithm>
#include <cmath>

#include "core/bytes.h"

namespace p2c2r::roles {

namespace {

// What something counts that was counted so long ago.
double worth_after(uint64_t us) {
    return std::exp(-static_cast<double>(us) / static_cast<double>(HoldBack::kFadeUs));
}

}  // namespace

void HoldBack::Bounds::widen(const Bounds& other) {
    priority_most = std::max(priority_most, other.priority_most);
    time_most_us = std::max(time_most_us, other.time_most_us);
    bytes_least = std::min(bytes_least, other.bytes_least);
}

void HoldBack::Kind::fade(uint64_t now_us) {
    const double worth = worth_after(now_us - counted_us);
    asked *= worth;
    taken *= worth;
    counted_us = now_us;
    if (now_us - bounds_since_us < kForgetUs) return;
    before = now;
    now = {};
    bounds_since_us = now_us;
}

void HoldBack::Kind::begin(uint64_t now_us) {
    since_us = counted_us = bounds_since_us = sent_us = now_us;
    asked = taken = kTrusted;
    now = before = {};
}

HoldBack::Kind* HoldBack::find(const Wish& wish) {
    for (Kind& kind : kinds_) {
        if (kind.circle == wish.circle && same_text(kind.task_type, wish.task_type)) return &kind;
    }
    return nullptr;
}

// The place of one of which nothing was refused for long is another one's.
HoldBack::Kind& HoldBack::find_or_add(const Wish& wish, uint64_t now_us) {
    if (Kind* const known = find(wish)) {
        if (known->is_over(now_us)) known->begin(now_us);
        return *known;
    }
    if (kinds_.size() >= kKindsMax) {
        const auto oldest = std::min_element(
            kinds_.begin(), kinds_.end(),
            [](const Kind& a, const Kind& b) { return a.refused_us < b.refused_us; });
        kinds_.erase(oldest);
    }
    Kind fresh;
    fresh.task_type = wish.task_type;
    fresh.circle = wish.circle;
    fresh.begin(now_us);
    kinds_.push_back(std::move(fresh));
    return kinds_.back();
}

const HoldBack::Refusal* HoldBack::why_not(const Wish& wish, uint64_t now_us, Prng& chance) {
    Kind* const kind = is_idle(now_us) ? nullptr : find(wish);
    if (!kind || kind->is_over(now_us)) return nullptr;
    kind->fade(now_us);
    Bounds bounds = kind->now;
    bounds.widen(kind->before);
    if (bounds.is_beyond(wish)) return nullptr;
    kind->asked += 1;
    const double share = kMore * std::max(0.0, kind->taken) / kind->asked;
    if (now_us < kind->sent_us + kProbeUs && !chance.chance(share)) return &kind->last;
    kind->taken += 1;
    kind->sent_us = now_us;
    return nullptr;
}

void HoldBack::refused(const Wish& wish, uint64_t sent_us, std::string_view field,
                       std::string_view text, uint32_t retry_after_ms, uint64_t now_us) {
    Kind& kind = find_or_add(wish, now_us);
    kind.fade(now_us);
    if (sent_us > kind.since_us) {
        kind.taken -= worth_after(now_us - sent_us);
    } else {
        kind.asked += 1;  // it was not counted when it was sent
    }
    kind.refused_us = now_us;
    idle_from_us_ = std::max(idle_from_us_, now_us + kForgetUs);
    kind.now.widen({wish.priority, wish.time_us, wish.bytes});
    kind.last.field = field;
    kind.last.text = text;
    if (retry_after_ms > 0) kind.last.ask_again_us = now_us + retry_after_ms * uint64_t{1000};
}

}  // namespace p2c2r::roles
