#include "roles/part_plan.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "model/task.h"

namespace p2c2r::roles {

PartTimes::Known* PartTimes::find(std::string_view task_type, uint64_t input_bytes,
                                  uint64_t pixels) {
    const auto size = static_cast<size_t>(std::bit_width(input_bytes));
    const auto pixels_size = static_cast<size_t>(std::bit_width(pixels));
    for (Known& known : known_) {
        if (known.size == size && known.pixels == pixels_size && known.task_type == task_type) {
            return &known;
        }
    }
    if (known_.size() >= kKnownMost) return nullptr;
    Known known;
    known.task_type = task_type;
    known.size = size;
    known.pixels = pixels_size;
    return &known_.emplace_back(std::move(known));
}

namespace {

// Of those that are there, who seem to run the type: twice as many as last time at most.
uint64_t sharers(const PartWish& wish) {
    if (wish.at_once <= 0) return wish.peers;
    const auto likely = static_cast<uint64_t>(std::ceil(std::min(2 * wish.at_once, 1e6)));
    return std::min<uint64_t>(wish.peers, std::max<uint64_t>(2, likely));
}

}  // namespace

bool stays_whole(const PartWish& wish, double whole_us) {
    if (wish.split != kSplitAuto) return wish.split <= 1;
    if (wish.at_once > 0 && wish.at_once < kPartsGainLeast) return true;
    return wish.peers < 2 || (whole_us > 0 && whole_us < 2 * kPartLeastUs);
}

uint64_t parts_for(const PartWish& wish, uint64_t units) {
    if (wish.split != kSplitAuto) {
        return std::min<uint64_t>(units, static_cast<uint64_t>(std::max(wish.split, 1)));
    }
    const double whole_us = wish.unit_us * static_cast<double>(units);
    if (stays_whole(wish, whole_us)) return 1;
    const uint64_t most = std::min<uint64_t>(units, limits::kPartsMax);
    const uint64_t peers = sharers(wish);
    if (wish.unit_us <= 0) return std::min(most, peers * kPartsPerPeer);
    const auto worth = static_cast<uint64_t>(std::min(whole_us / kPartLeastUs, 1e9));
    const uint64_t parts = std::max<uint64_t>(1, std::min({most, peers * kPartsPerPeer, worth}));
    // The one that is over last has computed so many, one after the other.
    const double rounds = std::ceil(static_cast<double>(parts) / static_cast<double>(peers));
    const double parts_us = whole_us * rounds / static_cast<double>(parts) + wish.handle_us;
    return parts_us * kPartsGainLeast < whole_us ? parts : 1;
}

}  // namespace p2c2r::roles
