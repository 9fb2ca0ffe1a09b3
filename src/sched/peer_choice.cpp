// Who would finish a task first: where each peer stands in the heaps, and the choice from these.
#include <algorithm>
#include <cmath>

#include "sched/peer_table.h"

namespace p2c2r::sched {

namespace {

constexpr double kPlaceTolerance = 1.0 / 32;
constexpr double kShortWay = 16;  // no longer than such a part of what a task takes
// Of each heap, where the first one is not safe: its first four rows.
constexpr size_t kLooked = 15;
constexpr uint64_t kTimesFar = 16;
// Chances closer together are alike: nobody knows them so well.
constexpr double kChanceSteps = 32;
// Of a link that no large input has shown yet: 100 Mbit/s.
constexpr double kBytesPerUsUsual = 12.5;
// A mean deviation, as a part of a normal distribution's standard deviation.
constexpr double kDeviationsPerSigma = 1.25;

uint64_t to_key(double us) {
    return us <= 0 ? 0 : static_cast<uint64_t>(us);
}

}  // namespace

// A peer that has just failed several times looks slower, so that others go first.
double PeerTable::fate(const PeerRecord& record, double us) const {
    constexpr uint32_t kDoublingsMax = 10;
    const uint32_t doublings =
        record.is_on_trial && record.held > 0 ? kDoublingsMax : record.failures;
    return us * static_cast<double>(1u << std::min(doublings, kDoublingsMax));
}

// How long a usual task of the type takes there from the moment it is started, with the way there
// and back.
double PeerTable::own_us(const PeerRecord& record, const Learned& learned) const {
    return fate(record, usual_us(record, learned) + record.link_us);
}

uint64_t PeerTable::finish_us(const PeerRecord& record, TypeIndex type, uint64_t now_us) const {
    double wait = record.held < record.slots ? 0 : record.backlog_us / record.slots;
    for (const Learned& learned : record.learned) {
        if (learned.type == type) wait += own_us(record, learned);
    }
    return now_us + to_key(wait);
}

uint32_t PeerTable::way_us(const PeerRecord& record, uint64_t bytes) {
    const double rate = record.bytes_per_us > 0 ? record.bytes_per_us : kBytesPerUsUsual;
    const double us = record.link_us + static_cast<double>(bytes) / rate;
    return static_cast<uint32_t>(std::min<double>(us, UINT32_MAX));
}

PeerTable::DataWay PeerTable::data_way(const PeerRecord& record, uint64_t content,
                                       uint64_t now_us) const {
    if (content == 0) return {};
    for (const ContentStore::Holder& holder : contents_->peers(content)) {
        if (holder.peer != record.id) continue;
        if (holder.has_it()) return {Residence::kThere, 0};
        const uint64_t left_us = holder.there_us - std::min(holder.there_us, now_us);
        return {Residence::kComing, static_cast<uint32_t>(std::min<uint64_t>(left_us, UINT32_MAX))};
    }
    return {Residence::kLacking, way_us(record, contents_->bytes(content).size())};
}

PeerTable::Forecast PeerTable::forecast(const PeerRecord& record, TypeIndex type, uint64_t bytes,
                                        uint64_t now_us, uint32_t data_us) const {
    double wait = 0;
    if (record.held >= record.slots) {
        const auto passed = static_cast<double>(now_us - std::min(now_us, record.changed_us));
        wait = std::max(0.0, record.backlog_us / record.slots - passed);
    }
    // It comes while others are worked off.
    wait = std::max<double>(wait, data_us);
    for (const Learned& learned : record.learned) {
        if (learned.type != type) continue;
        const double compute = estimate_us(record, learned, bytes);
        const double way = bytes >= kBytesTelling && record.bytes_per_us > 0
                               ? static_cast<double>(bytes) / record.bytes_per_us
                               : 0;
        const double own = fate(record, compute + std::max(record.link_us, way));
        // One that has answered nothing yet is not to be avoided for it: it never would.
        const double spread =
            learned.samples > 0 ? std::max(learned.deviation_us, compute / 16) : own / 4;
        return {now_us + to_key(wait + own), spread};
    }
    return {now_us + to_key(wait), wait};
}

double PeerTable::Forecast::chance(uint64_t deadline_us) const {
    const double left = static_cast<double>(deadline_us) - static_cast<double>(finish_us);
    // The logistic curve that is nearest to the normal one.
    const double sigma = std::max(1.0, spread_us * kDeviationsPerSigma);
    return 1 / (1 + std::exp(-1.702 * left / sigma));
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
        touch(*record, record->changed_us);
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
        place(*record);
    }
    touched_.clear();
}

void PeerTable::change_keeping(TypeIndex type, bool keeps) {
    types_[type].keeps_to_slots = keeps;
    peers_.for_each([&](uint64_t, PeerRecord& record) {
        if (record.held >= record.slots && learned(record, type)) touch(record, record.changed_us);
    });
}

// Puts the peer where it belongs in the heaps of all its types.
void PeerTable::place(PeerRecord& record) {
    const uint32_t index = SlotMap<PeerRecord>::index_of(record.id);
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
            PerType& all = types_[learned.type];
            if (shared && all.keeps_to_slots && record.link_us * kShortWay < all.compute_us) {
                all.shared.remove(index);
            }
        }
    }
}

// The best so far, over one or two pairs of heaps.
struct PeerTable::Search {
    const PeerTable& table;
    const Wish& wish;
    const uint64_t now_us;
    Choice choice;

    [[nodiscard]] bool fits(uint64_t peer) const {
        for (size_t i = 0; i < wish.excluded_count; ++i) {
            if (wish.excluded[i] == peer) return false;
        }
        return table.peers_.find(peer)->takes(wish.bytes);
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
    // The one that was found is all but certain to be in time.
    [[nodiscard]] bool is_safe() {
        const PeerRecord& record = *table.peers_.find(choice.peer);
        // So far away that it need not be known exactly.
        const uint64_t takes_us = choice.finish_us - now_us;
        if (wish.bytes < kBytesTelling && record.risk.is_small() &&
            choice.finish_us + kTimesFar * takes_us < wish.deadline_us) {
            return true;
        }
        const Forecast forecast = table.forecast(record, wish.type, wish.bytes, now_us);
        choice.finish_us = forecast.finish_us;
        return record.risk.is_small() && forecast.is_safe(wish.deadline_us);
    }

    // Whoever would be first if all had it, and has it.
    [[nodiscard]] bool has_data() {
        choice.data = table.data_way(*table.peers_.find(choice.peer), wish.content, now_us).data;
        return choice.data == Residence::kThere;
    }

    // ---- where the first is not safe, or its data lies elsewhere
    struct Weighing {
        const Search& search;
        Choice first{0, UINT64_MAX};  // of all that were looked at
        bool first_is_safe = false;
        Choice safest{};
        int safest_step = -1;
        void weigh(uint64_t peer, bool free_slot) {
            if (!search.fits(peer)) return;
            const PeerRecord& record = *search.table.peers_.find(peer);
            const DataWay way = search.table.data_way(record, search.wish.content, search.now_us);
            const Forecast forecast = search.table.forecast(
                record, search.wish.type, search.wish.bytes, search.now_us, way.us);
            const double chance =
                forecast.chance(search.wish.deadline_us) * (1 - record.risk.at(search.now_us));
            const int step = static_cast<int>(chance * kChanceSteps + 0.5);
            const auto is_now = [&](Choice& best) {
                best.peer = peer;
                best.finish_us = forecast.finish_us;
                best.free_slot = free_slot;
                best.data = way.data;
                best.data_us = way.us;
            };
            if (forecast.finish_us < first.finish_us) {
                is_now(first);
                first_is_safe =
                    search.wish.deadline_us == UINT64_MAX ||
                    (record.risk.is_small() && forecast.is_safe(search.wish.deadline_us));
            }
            if (step < safest_step) return;
            if (step == safest_step && forecast.finish_us >= safest.finish_us) return;
            safest_step = step;
            is_now(safest);
            safest.chance = static_cast<float>(chance);
        }
        void weigh_first(const IndexedHeap& heap, const uint64_t* peers, bool free_slot) {
            const std::vector<uint32_t>& members = heap.members();
            const size_t count = std::min(members.size(), kLooked);
            for (size_t i = 0; i < count; ++i) weigh(peers[members[i]], free_slot);
        }
        void weigh_all(const PeerHeaps& heaps, const uint64_t* peers) {
            weigh_first(heaps.free, peers, true);
            weigh_first(heaps.waiting, peers, false);
        }
        // Those that have the data, or will have it, wherever they stand: they are few.
        void weigh_holders() {
            for (const ContentStore::Holder& holder :
                 search.table.contents_->peers(search.wish.content)) {
                const PeerRecord* const record = search.table.peers_.find(holder.peer);
                if (!record || !record->is_within(search.wish.reach)) continue;
                const bool knows = std::any_of(
                    record->learned.begin(), record->learned.end(),
                    [&](const Learned& learned) { return learned.type == search.wish.type; });
                if (knows) weigh(holder.peer, record->held < record->slots);
            }
        }
    };
};

PeerTable::Choice PeerTable::choose(const Wish& wish, uint64_t now_us) {
    const OwnCircle* const circle = own_circle(wish.type, wish.reach);
    settle();
    Search search{*this, wish, now_us, {}};
    if (wish.type >= types_.size()) return search.choice;
    Choice& choice = search.choice;
    choice.finish_us = UINT64_MAX;
    const PerType& of_type = types_[wish.type];
    const bool is_own = wish.reach.circle == Circle::kOwn;
    const bool is_shared = !is_own && of_type.serving > 0;
    const OwnCircle::PerType* const own = circle ? &circle->types[wish.type] : nullptr;
    if (is_shared) {
        search.look(of_type.shared, ids_.data());
        choice.considered = static_cast<uint32_t>(of_type.shared.size());
    }
    if (own) {
        search.look(*own->heaps, circle->peers.data());
        // Of these the others have been counted.
        const auto size = static_cast<uint32_t>(own->heaps->size());
        choice.considered += is_own ? size : std::min(size, own->limited);
    }
    if (choice.peer == 0) return choice;
    if (wish.content == 0 || search.has_data()) {
        if (wish.deadline_us == UINT64_MAX || search.is_safe()) return choice;
    }
    // The first one is among them, or behind a crowd that does not fit.
    Search::Weighing weighing{search};
    weighing.weigh(choice.peer, choice.free_slot);
    if (is_shared) weighing.weigh_all(of_type.shared, ids_.data());
    if (own) weighing.weigh_all(*own->heaps, circle->peers.data());
    if (wish.content != 0) weighing.weigh_holders();
    const uint64_t first_us = weighing.first.finish_us;
    Choice& best = wish.content != 0 && weighing.first_is_safe ? weighing.first : weighing.safest;
    best.considered = choice.considered;
    best.is_safer = best.finish_us > first_us;
    return best;
}

}  // namespace p2c2r::sched
