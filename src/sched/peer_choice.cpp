// Who would finish a task first: where each peer stands in the heaps, and the choice from these.
#include <algorithm>
#include <cmath>

#include "sched/peer_table.h"

namespace p2c2r::sched {

namespace {

constexpr double kPlaceTolerance = 1.0 / 32;

uint64_t to_key(double us) {
    return us <= 0 ? 0 : static_cast<uint64_t>(us);
}

}  // namespace

// How long a task takes there from the moment it is started, with the way there and back.
double PeerTable::own_us(const PeerRecord& record, const Learned& learned) const {
    const double compute =
        learned.samples > 0 ? learned.compute_us : estimate_us(record, learned.type);
    // A peer that has just failed several times looks slower, so that others go first.
    constexpr uint32_t kDoublingsMax = 10;
    const uint32_t doublings =
        record.is_on_trial && record.held > 0 ? kDoublingsMax : record.failures;
    return (compute + record.link_us) *
           static_cast<double>(1u << std::min(doublings, kDoublingsMax));
}

uint64_t PeerTable::finish_us(const PeerRecord& record, TypeIndex type, uint64_t now_us) const {
    double wait = record.held < record.slots ? 0 : record.backlog_us / record.slots;
    for (const Learned& learned : record.learned) {
        if (learned.type == type) wait += own_us(record, learned);
    }
    return now_us + to_key(wait);
}

// Kept from the first time that somebody asks for them until the circle's last machine is gone.
PeerHeaps& PeerTable::own_heaps(OwnCircle& circle, TypeIndex type) {
    if (type >= circle.types.size()) circle.types.resize(type + 1u);
    std::unique_ptr<PeerHeaps>& heaps = circle.types[type].heaps;
    if (heaps) return *heaps;
    auto fresh = std::make_unique<PeerHeaps>();
    fresh->make_room(static_cast<uint32_t>(circle.peers.size()));
    heaps = std::move(fresh);
    for (const uint64_t peer : circle.peers) {
        PeerRecord* const record = peer != 0 ? peers_.find(peer) : nullptr;
        Learned* const entry = record ? learned(*record, type) : nullptr;
        if (!entry) continue;
        entry->own = heaps.get();
        entry->placed_us = -1;
        touch(peer, *record, record->changed_us);
    }
    return *heaps;
}

OwnCircle* PeerTable::own_circle(TypeIndex type, const Reach& reach) {
    const bool is_own = reach.circle == Circle::kOwn;
    if (!is_own && circles_.limited() == 0) return nullptr;
    OwnCircle* const circle = circles_.find(reach.owner);
    const OwnCircle::PerType* const own = circle ? circle->find(type) : nullptr;
    if (!own || (is_own ? own->serving : own->limited) == 0) return nullptr;
    own_heaps(*circle, type);
    return circle;
}

void PeerTable::settle() {
    for (const uint64_t peer : touched_) {
        PeerRecord* record = peers_.find(peer);
        if (!record) continue;
        record->is_touched = false;
        place(peer, *record);
    }
    touched_.clear();
}

// Puts the peer where it belongs in the heaps of all its types.
void PeerTable::place(uint64_t peer, PeerRecord& record) {
    const uint32_t index = SlotMap<PeerRecord>::index_of(peer);
    const bool open = record.takes(1);
    const bool free_slot = open && record.held < record.slots;
    const bool shared = !record.is_limited();
    for (Learned& learned : record.learned) {
        const auto in_each = [&](auto&& change) {
            if (shared) change(types_[learned.type].shared, index);
            if (learned.own) change(*learned.own, record.own_place);
        };
        if (!open) {
            in_each([](PeerHeaps& heaps, uint32_t at) { heaps.remove(at); });
            learned.placed_us = -1;
            continue;
        }
        const double own = own_us(record, learned);
        if (free_slot) {
            // An average moves a little with every answer; its place is worth a move only by more
            // than that.
            if (std::fabs(own - learned.placed_us) <= kPlaceTolerance * learned.placed_us) continue;
            in_each([key = to_key(own)](PeerHeaps& heaps, uint32_t at) {
                heaps.waiting.remove(at);
                heaps.free.set(at, key);
            });
            learned.placed_us = own;
        } else {
            learned.placed_us = -1;
            const double start =
                static_cast<double>(record.changed_us) + record.backlog_us / record.slots;
            in_each([key = to_key(start + own)](PeerHeaps& heaps, uint32_t at) {
                heaps.free.remove(at);
                heaps.waiting.set(at, key);
            });
        }
    }
}

// The best so far, over one or two pairs of heaps.
struct PeerTable::Search {
    const PeerTable& table;
    const uint64_t bytes;
    const uint64_t* const excluded;
    const size_t excluded_count;
    const uint64_t now_us;
    Choice choice;

    [[nodiscard]] bool fits(uint64_t peer) const {
        for (size_t i = 0; i < excluded_count; ++i) {
            if (excluded[i] == peer) return false;
        }
        return table.peers_.find(peer)->takes(bytes);
    }
    // The top nearly always fits. If not (a tried peer, a byte window), the rest is looked through,
    // each heap once.
    [[nodiscard]] uint32_t best_of(const IndexedHeap& heap, const uint64_t* peers) const {
        if (heap.empty()) return UINT32_MAX;
        if (fits(peers[heap.top()])) return heap.top();
        uint32_t best = UINT32_MAX;
        for (uint32_t index : heap.members()) {
            if ((best == UINT32_MAX || heap.key(index) < heap.key(best) ||
                 (heap.key(index) == heap.key(best) && index < best)) &&
                fits(peers[index])) {
                best = index;
            }
        }
        return best;
    }
    void consider(uint64_t peer, uint64_t finish_us, bool free_slot) {
        if (finish_us >= choice.finish_us) return;
        choice.peer = peer;
        choice.finish_us = finish_us;
        choice.free_slot = free_slot;
    }
    // `peers` by the index that they have in these heaps.
    void look(const PeerHeaps& heaps, const uint64_t* peers) {
        const uint32_t free = best_of(heaps.free, peers);
        if (free != UINT32_MAX) consider(peers[free], now_us + heaps.free.key(free), true);
        const uint32_t waiting = best_of(heaps.waiting, peers);
        if (waiting != UINT32_MAX) {
            consider(peers[waiting], std::max(now_us, heaps.waiting.key(waiting)), false);
        }
    }
};

PeerTable::Choice PeerTable::choose(TypeIndex type, uint64_t bytes, const Reach& reach,
                                    const uint64_t* excluded, size_t excluded_count,
                                    uint64_t now_us) {
    const OwnCircle* const circle = own_circle(type, reach);
    settle();
    Search search{*this, bytes, excluded, excluded_count, now_us, {}};
    if (type >= types_.size()) return search.choice;
    Choice& choice = search.choice;
    choice.finish_us = UINT64_MAX;
    const PerType& of_type = types_[type];
    const bool is_own = reach.circle == Circle::kOwn;
    if (!is_own && of_type.serving > 0) {
        search.look(of_type.shared, ids_.data());
        choice.considered = static_cast<uint32_t>(of_type.shared.size());
    }
    if (circle) {
        const OwnCircle::PerType& own = circle->types[type];
        search.look(*own.heaps, circle->peers.data());
        // Of these the others have been counted.
        const auto size = static_cast<uint32_t>(own.heaps->size());
        choice.considered += is_own ? size : std::min(size, own.limited);
    }
    return choice;
}

}  // namespace p2c2r::sched
