#include "sched/peer_table.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace p2c2r::sched {

namespace {

constexpr double kUnknownComputeUs = 10'000;  // until anybody has answered a task of the type
constexpr uint64_t kTimeoutFloorUs = 50'000;
constexpr double kGain = 1.0 / 8;  // of the moving averages (Jacobson 1988)
constexpr uint32_t kTimeoutDoublingsMax = 5;
constexpr double kExcessMost = 16;
constexpr double kColdTimes = 2;        // so much longer the first must have taken than the second
constexpr double kBytesPerUsLeast = 1;  // a slower link is waited for no longer than this one
constexpr uint64_t kFailureApartUs = 50'000;
constexpr uint64_t kForgiveLeastUs = 1'000'000;
constexpr uint64_t kForgiveMostUs = 60'000'000;
// Between the slowest machine and the fastest that anybody would lend; others are wrong about it.
constexpr double kSpeedLeast = 1e-3;
constexpr double kSpeedMost = 1e3;
// So far one answer may be from what was known of the type: a peer that is wrong about its speed
// counts as one voice among the others, not as a thousand.
constexpr double kWorkTimesMost = 2;

double sane_speed(double speed) {
    return speed > 0 ? std::clamp(speed, kSpeedLeast, kSpeedMost) : 0;
}

}  // namespace

uint64_t PeerTable::join(PeerRecord&& record, const std::vector<TypeIndex>& types,
                         uint64_t now_us) {
    // Lists up to this length get their memory now; longer ones are a peer's wish.
    constexpr uint32_t kHeldUsual = 64;
    for (TypeIndex type : types) {
        types_.grow(type + 1u);
        record.learned.push_back(Learned{type});
    }
    record.leases.reserve(std::min(record.window_tasks, kHeldUsual));
    record.abandoned.reserve(std::min(record.window_tasks, kHeldUsual));
    const uint64_t peer = peers_.insert();
    if (peer == 0) return 0;
    const uint32_t index = SlotMap<PeerRecord>::index_of(peer);
    try {
        if (index >= ids_.size()) ids_.resize(index + 1);
        if (peers_.size() > touched_.capacity()) touched_.reserve(2 * peers_.size());
        if (peers_.size() > overfull_.capacity()) overfull_.reserve(2 * peers_.size());
        // Those that have left meanwhile may be among them until it is their time.
        const size_t failing_most = failing_.size() + peers_.size();
        if (failing_most > failing_.capacity()) failing_.reserve(2 * failing_most);
        if (!record.is_limited()) {
            for (TypeIndex type : types) types_[type].shared.make_room(index);
        }
        if (record.owner != kNoOwner) {
            OwnCircle& circle = circles_.make_room(record.owner, types);
            for (Learned& learned : record.learned) {
                // There is no other way to one that keeps to its circle.
                if (record.is_limited()) own_heaps(circle, learned.type);
                learned.own = circle.types[learned.type].heaps.get();
            }
        }
    } catch (...) {
        peers_.erase(peer);
        throw;
    }
    // From here on nothing fails.
    ids_[index] = peer;
    PeerRecord& slot = *peers_.find(peer);
    slot = std::move(record);
    slot.id = peer;
    slot.speed = sane_speed(slot.speed);
    slot.joined_us = now_us;
    slot.accounted_us = now_us;
    if (slot.owner != kNoOwner) {
        slot.own_place = circles_.join(slot.owner, peer, slot.is_limited());
    }
    for (const Learned& learned : slot.learned) ++types_[learned.type].peers;
    count_serving(slot, 1);
    touch(slot, now_us);
    return peer;
}

void PeerTable::leave(uint64_t peer, uint64_t now_us) {
    PeerRecord* record = peers_.find(peer);
    if (!record) return;
    gone_connected_us_ += static_cast<double>(now_us - record->joined_us) * record->slots;
    gone_accepted_us_ += record->accepted_slot_us;
    const uint32_t index = SlotMap<PeerRecord>::index_of(peer);
    count_serving(*record, -1);
    slots_busy_ -= std::min(record->held, record->slots);
    if (record->held > record->slots) unlist_overfull(*record);
    for (const Learned& learned : record->learned) {
        --types_[learned.type].peers;
        types_[learned.type].shared.remove(index);
        if (learned.own) learned.own->remove(record->own_place);
    }
    if (record->owner != kNoOwner) {
        circles_.leave(record->owner, record->own_place, record->is_limited());
    }
    if (record->is_touched) std::erase(touched_, peer);
    *record = PeerRecord{};
    peers_.erase(peer);
}

// A paused peer does not count.
void PeerTable::count_serving(const PeerRecord& record, int32_t change) {
    if (!record.serves()) return;
    const auto step = static_cast<uint32_t>(change);
    slots_ += static_cast<uint64_t>(static_cast<int64_t>(change) * record.slots);
    OwnCircle* const circle = circles_.find(record.owner);
    for (const Learned& learned : record.learned) {
        if (!record.is_limited()) types_[learned.type].serving += step;
        if (!circle) continue;
        OwnCircle::PerType& own = circle->types[learned.type];
        own.serving += step;
        if (record.is_limited()) own.limited += step;
    }
}

uint32_t PeerTable::serving(TypeIndex type, const Reach& reach) const {
    if (type >= types_.size()) return 0;
    const OwnCircle* const circle = circles_.find(reach.owner);
    const OwnCircle::PerType* const own = circle ? circle->find(type) : nullptr;
    if (reach.circle == Circle::kOwn) return own ? own->serving : 0;
    return types_[type].serving + (own ? own->limited : 0);
}

uint32_t PeerTable::machines_of(OwnerIndex owner) const {
    const OwnCircle* const circle = circles_.find(owner);
    return circle ? circle->members : 0;
}

Learned* PeerTable::learned(PeerRecord& record, TypeIndex type) {
    for (Learned& learned : record.learned) {
        if (learned.type == type) return &learned;
    }
    return nullptr;
}

// Of a task of the size that is usual there, or of the type where it has had none.
double PeerTable::usual_us(const PeerRecord& record, const Learned& learned) const {
    if (learned.samples > 0) return learned.compute_us;
    const PerType& all = types_[learned.type];
    if (all.samples == 0) return kUnknownComputeUs;
    const bool has_speed = record.speed > 0 && all.work_us > 0;
    return (has_speed ? all.work_us / record.speed : all.compute_us) + all.cold_us;
}

double PeerTable::estimate_us(const PeerRecord& record, const Learned& learned,
                              uint64_t bytes) const {
    const PerType& all = types_[learned.type];
    const double usual = usual_us(record, learned);
    if (all.curve.is_flat() || !all.has_unit) return usual;
    if (learned.has_unit) {
        return learned.excess * std::exp2(learned.unit + all.curve.at(bytes));
    }
    return usual * std::exp2(all.unit + all.curve.at(bytes) - to_log(all.compute_us));
}

double PeerTable::estimate_us(const PeerRecord& record, TypeIndex type, uint64_t bytes) const {
    for (const Learned& learned : record.learned) {
        if (learned.type == type) return estimate_us(record, learned, bytes);
    }
    return kUnknownComputeUs;
}

uint64_t PeerTable::timeout_us(const PeerRecord& record, TypeIndex type, uint64_t bytes,
                               uint64_t start_value_us) const {
    const double rate = std::max(kBytesPerUsLeast, record.bytes_per_us);
    const uint64_t transfer = static_cast<uint64_t>(static_cast<double>(bytes) / rate);
    for (const Learned& learned : record.learned) {
        if (learned.type != type || learned.samples == 0) continue;
        // What is held already is worked off first.
        const double ahead = record.backlog_us / std::max(1u, record.slots);
        const double usual = std::max(learned.round_us, ahead + learned.compute_us);
        const double wait = 2 * usual + 4 * learned.deviation_us;
        const uint32_t doublings = std::min(learned.timeouts, kTimeoutDoublingsMax);
        const double scaled = wait * static_cast<double>(1u << doublings);
        return transfer + std::max(kTimeoutFloorUs << doublings, static_cast<uint64_t>(scaled));
    }
    return transfer + start_value_us;
}

void PeerTable::account(PeerRecord& record, uint64_t now_us) {
    const double passed = static_cast<double>(now_us - record.accounted_us);
    record.share_us += record.held <= record.slots ? passed : passed * record.slots / record.held;
    record.accounted_us = now_us;
}

void PeerTable::held_more(PeerRecord& peer, uint64_t bytes, double estimate_us, uint64_t now_us) {
    account(peer, now_us);
    slots_busy_ += peer.held++ < peer.slots;
    if (peer.held == peer.slots + 1) list_overfull(peer);
    peer.held_bytes += bytes;
    peer.backlog_us += estimate_us;
    touch(peer, now_us);
}

void PeerTable::list_overfull(PeerRecord& record) {
    record.overfull_at = static_cast<uint32_t>(overfull_.size());
    overfull_.push_back(record.id);  // join() has made room
}

void PeerTable::unlist_overfull(const PeerRecord& record) {
    const uint64_t last = overfull_.back();
    overfull_[record.overfull_at] = last;
    peers_.find(last)->overfull_at = record.overfull_at;
    overfull_.pop_back();
}

void PeerTable::let_go(PeerRecord& record, uint64_t bytes, double estimate_us, uint64_t now_us) {
    account(record, now_us);
    P2C2R_CHECK(record.held > 0 && record.held_bytes >= bytes);
    slots_busy_ -= --record.held < record.slots;
    if (record.held == record.slots) unlist_overfull(record);
    record.held_bytes -= bytes;
    record.backlog_us = record.held == 0 ? 0 : std::max(0.0, record.backlog_us - estimate_us);
}

void PeerTable::held_less(PeerRecord& peer, uint64_t bytes, double estimate_us, uint64_t now_us) {
    let_go(peer, bytes, estimate_us, now_us);
    touch(peer, now_us);
}

void PeerTable::answered(PeerRecord& peer, TypeIndex type, uint64_t bytes, double estimate_us,
                         uint64_t compute_us, uint64_t round_us, uint64_t now_us) {
    let_go(peer, bytes, estimate_us, now_us);
    note(peer, type, bytes, compute_us, round_us);
    touch(peer, now_us);
}

void PeerTable::set_window(uint64_t peer, uint32_t window_tasks, uint64_t now_us) {
    PeerRecord* record = peers_.find(peer);
    if (!record || record->window_tasks == window_tasks) return;
    count_serving(*record, -1);
    record->window_tasks = window_tasks;
    count_serving(*record, 1);
    touch(*record, now_us);
}

void PeerTable::set_speed(uint64_t peer, double speed, uint64_t now_us) {
    PeerRecord* record = peers_.find(peer);
    if (!record || record->speed == sane_speed(speed)) return;
    record->speed = sane_speed(speed);
    touch(*record, now_us);
}

void PeerTable::set_silence(uint64_t peer, Silence silence, uint64_t now_us) {
    PeerRecord* record = peers_.find(peer);
    if (!record || record->silence == silence) return;
    count_serving(*record, -1);
    record->silence = silence;
    if (silence == Silence::kDead) record->risk.stalled(now_us);
    count_serving(*record, 1);
    touch(*record, now_us);
}

void PeerTable::failed(uint64_t peer, uint64_t now_us) {
    PeerRecord* record = peers_.find(peer);
    if (!record) return;
    const bool is_on_trial = std::exchange(record->is_on_trial, false);
    // What fails at the same moment has failed for one reason.
    if (record->failures > 0 && now_us - record->failed_us < kFailureApartUs) return;
    record->failed_us = now_us;
    record->risk.failed(now_us);
    touch(*record, now_us);
    if (++record->failures > 1) return;
    record->forgive_us = is_on_trial ? std::min(2 * record->forgive_us, kForgiveMostUs)
                                     : std::max(record->forgive_us, kForgiveLeastUs);
    record->forgive_at_us = now_us + record->forgive_us;
    if (!std::exchange(record->is_listed, true)) list_failing(peer, record->forgive_at_us);
}

void PeerTable::list_failing(uint64_t peer, uint64_t at_us) {
    failing_.emplace_back(at_us, peer);  // join() has made room
    std::push_heap(failing_.begin(), failing_.end(), std::greater<>());
}

void PeerTable::forgive(uint64_t now_us) {
    while (!failing_.empty() && failing_.front().first <= now_us) {
        const uint64_t peer = failing_.front().second;
        std::pop_heap(failing_.begin(), failing_.end(), std::greater<>());
        failing_.pop_back();
        PeerRecord* record = peers_.find(peer);
        if (!record) continue;
        if (record->failures > 0 && record->forgive_at_us > now_us) {
            // It has done well meanwhile, and failed again.
            list_failing(peer, record->forgive_at_us);
            continue;
        }
        record->is_listed = false;
        if (record->failures == 0) continue;
        record->failures = 0;
        record->risk = {};
        record->is_on_trial = true;
        touch(*record, now_us);
    }
}

void PeerTable::kept_too_long(uint64_t peer, uint64_t had_us, uint64_t now_us) {
    PeerRecord* record = peers_.find(peer);
    if (!record) return;
    failed(peer, now_us);
    // Of one that has never answered this is all that is known of its line.
    if (record->link_us == 0) record->link_us = static_cast<double>(had_us);
    touch(*record, now_us);
}

void PeerTable::learn(uint64_t peer, TypeIndex type, uint64_t bytes, uint64_t compute_us,
                      uint64_t round_us, uint64_t now_us) {
    PeerRecord* record = peers_.find(peer);
    if (!record) return;
    note(*record, type, bytes, compute_us, round_us);
    touch(*record, now_us);
}

double PeerTable::late_us(const PeerRecord& record, TypeIndex type, double ahead_us) const {
    for (const Learned& learned : record.learned) {
        if (learned.type != type || learned.samples == 0) continue;
        return std::max(learned.round_us, ahead_us + learned.compute_us + record.link_us) +
               kLateDeviations * learned.deviation_us;
    }
    return 0;
}

// What it would have taken is not known, only that it is more. Who is never waited for to the end
// would look as fast as in its best days otherwise.
void PeerTable::outrun(uint64_t peer, TypeIndex type, uint64_t had_us, uint64_t now_us) {
    PeerRecord* record = peers_.find(peer);
    Learned* entry = record ? learned(*record, type) : nullptr;
    const double had = static_cast<double>(had_us);
    if (!entry) return;
    if (entry->samples == 0) {
        // Of one that has never answered this is all that is known of its line.
        if (record->link_us == 0) record->link_us = had;
        return touch(*record, now_us);
    }
    if (had <= entry->round_us) return;
    const double compute = std::max(entry->compute_us, had - record->link_us);
    entry->round_us += kGain * (had - entry->round_us);
    entry->compute_us += kGain * (compute - entry->compute_us);
    touch(*record, now_us);
}

// The second answer tells what of the first was getting ready: compiling, loading.
void PeerTable::perhaps_cold(Learned& entry, PerType& all, double compute) {
    const double first = entry.compute_us;
    const bool was_cold = first > kColdTimes * compute;
    const double cold = was_cold ? first - compute : 0;
    all.cold_us = all.cold_samples++ == 0 ? cold : all.cold_us + kGain * (cold - all.cold_us);
    if (!was_cold) return;
    // It will never be so again.
    entry.round_us = std::max(compute, entry.round_us - cold);
    entry.deviation_us = entry.round_us / 2;
    entry.compute_us = compute;
    entry.has_unit = false;
}

void PeerTable::learn_size(Learned& entry, PerType& all, uint64_t bytes, double compute) {
    if (!all.curve.differs(bytes)) return;
    const double took = to_log(compute);
    // Until now all had the first size, which is 0 on the curve.
    if (!std::exchange(all.has_unit, true)) {
        all.unit = all.samples > 0 ? to_log(all.compute_us) : took - all.curve.at(bytes);
    }
    if (!std::exchange(entry.has_unit, true)) {
        const bool is_known = all.curve.knows(bytes);
        entry.unit = entry.samples > 0 ? to_log(entry.compute_us)
                     : is_known        ? took - all.curve.at(bytes)
                                       : all.unit;
    }
    if (!all.curve.knows(bytes)) all.curve.begin(bytes, took - entry.unit);
    const double error = took - entry.unit - all.curve.at(bytes);
    entry.unit += kGain * error;
    entry.excess += kGain * (std::min(std::exp2(error), kExcessMost) - entry.excess);
    all.unit += kGain * (took - all.curve.at(bytes) - all.unit);
    all.curve.learn(bytes, error);
}

void PeerTable::learn_rate(PeerRecord& record, uint64_t bytes, double took_us) {
    if (bytes < kBytesTelling) return;
    const double rate = static_cast<double>(bytes) / std::max(1.0, took_us);
    record.bytes_per_us = record.bytes_per_us == 0
                              ? rate
                              : record.bytes_per_us + kGain * (rate - record.bytes_per_us);
}

void PeerTable::note(PeerRecord& record, TypeIndex type, uint64_t bytes, uint64_t compute_us,
                     uint64_t round_us) {
    Learned* entry = learned(record, type);
    if (!entry) return;
    // Nobody can have computed for longer than the answer took.
    const double compute = static_cast<double>(std::min(compute_us, round_us));
    const double round = static_cast<double>(round_us);
    PerType& all = types_[type];
    if (entry->samples == 1) perhaps_cold(*entry, all, compute);
    learn_size(*entry, all, bytes, compute);
    if (entry->samples == 0) {
        entry->compute_us = compute;
        entry->round_us = round;
        entry->deviation_us = round / 2;
    } else {
        entry->deviation_us +=
            kGain * 2 * (std::fabs(round - entry->round_us) - entry->deviation_us);
        entry->round_us += kGain * (round - entry->round_us);
        entry->compute_us += kGain * (compute - entry->compute_us);
    }
    if (entry->samples < UINT32_MAX) ++entry->samples;
    entry->timeouts = 0;
    record.failures = 0;
    record.risk.answered();
    record.is_on_trial = false;
    record.forgive_us = 0;
    // The link shows when nothing else waited: the smallest rest of a round, forgotten slowly.
    const double rest = round - compute;
    record.link_us = record.link_us == 0 ? rest : std::min(record.link_us * 1.001 + 0.01, rest);
    learn_rate(record, bytes, rest);
    if (record.speed > 0 && entry->samples > 1) {
        const double said = entry->compute_us * record.speed;
        const double work =
            std::clamp(said, all.work_us / kWorkTimesMost, all.work_us * kWorkTimesMost);
        all.work_us = all.work_us == 0 ? said : all.work_us + kGain * (work - all.work_us);
    }
    if (all.samples++ == 0) {
        all.compute_us = compute;
        all.round_us = round;
    } else {
        all.compute_us += kGain * (compute - all.compute_us);
        all.round_us += kGain * (round - all.round_us);
    }
}

void PeerTable::slot_time(uint64_t now_us, double& connected_us, double& accepted_us) {
    connected_us = gone_connected_us_;
    accepted_us = gone_accepted_us_;
    peers_.for_each([&](uint64_t, PeerRecord& record) {
        connected_us += static_cast<double>(now_us - record.joined_us) * record.slots;
        accepted_us += record.accepted_slot_us;
    });
}

}  // namespace p2c2r::sched
