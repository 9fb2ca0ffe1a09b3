// Tasks that are taken back. A peer gets more than it has slots for, so that it never waits for the
// next one; when it turns out slower than was thought, these wait there while others have nothing
// to do. Then the last one that it was given goes to one of the others: peers begin tasks in the
// order in which they come, so of all that it has this one is begun last.
//
// That is no second attempt at the same time, as a copy is (scheduler_copies.cpp): the first order
// is cancelled before the second one goes out, and what its peer answers all the same is dropped.
// Nobody is blamed: the peer was given too much. The task keeps its place in the turns of its
// account, for which it has paid, and its circle.
//
// Whether the peer had begun it nevertheless, only the peer knows. So the order that was taken back
// counts as an attempt like any other, of three in all, until the peer says that it had not begun
// it: by an answer E_CANCELLED in which no time was spent. (An order that never left counts for
// nothing either.) What counts for nothing has a bound of its own, kUncountedMax.
//
// Looked at only while a slot is idle and a peer holds more than its slots.
#include <algorithm>

#include "core/check.h"
#include "core/plant.h"
#include "sched/attempt_id.h"
#include "sched/scheduler.h"

namespace p2c2r::sched {

namespace {

// It must be over so much sooner: what is known of both is not exact, and moving costs two
// messages and the input once more.
constexpr uint64_t kSoonerTimes = 2;
constexpr uint64_t kSoonerUs = 1'000;
// At one time, and of peers with more than their slots.
constexpr size_t kTakenMost = 8;
constexpr size_t kLookedMost = 16;
// From one look to the next: at first, and while there is nothing to be moved.
constexpr uint64_t kLookSoonUs = 1'000;
constexpr uint64_t kLookRarelyUs = 4'000;
// An input that is in its own way when it is sent twice gains nothing by it.
constexpr uint64_t kMoveBytesMax = 1 << 20;

// How long the last one of those that a peer has will still take there.
struct Outlook {
    uint64_t worked_off_us = 0;  // absolute: when all of it should be back
    uint64_t waits_us = 0;       // at least, before and while the last one runs

    explicit Outlook(const PeerRecord& peer) {
        double work_us = peer.backlog_us;
        for (const Abandoned& abandoned : peer.abandoned) work_us -= abandoned.estimate_us;
        work_us = std::max(work_us, 0.0);
        const auto leases = static_cast<double>(peer.leases.size());
        // What waits there has its whole time before it, whatever is said of the rest.
        const auto rounds = static_cast<double>((peer.leases.size() - 1) / peer.slots);
        worked_off_us = peer.changed_us + static_cast<uint64_t>(work_us / peer.slots);
        waits_us = static_cast<uint64_t>(rounds * work_us / leases + peer.link_us);
    }
    // Where it is late already, it is taken to be as late once more.
    [[nodiscard]] uint64_t left_us(uint64_t now_us) const {
        if (now_us >= worked_off_us) return waits_us + (now_us - worked_off_us);
        return std::max(waits_us, worked_off_us - now_us);
    }
    // When, if it says nothing until then, it will look as if it took so long.
    [[nodiscard]] uint64_t late_by_us(uint64_t left_us) const {
        return worked_off_us + left_us - std::min(left_us, waits_us);
    }
};

// Of two that a peer has: which one it got after the other. Of one turn the one with more before
// it.
bool is_later(const Attempt& one, const Attempt& other) {
    return one.placed_us != other.placed_us ? one.placed_us > other.placed_us
                                            : one.ahead_us > other.ahead_us;
}

// The order of this turn may not have been sent yet. The rest of an open input goes where it is,
// and an answer that has begun comes from there.
bool may_leave(const TaskRecord& record, const Attempt& run, uint64_t now_us) {
    return run.placed_us < now_us && !record.has_copy && !record.input_open && !run.is_answering &&
           record.bytes <= kMoveBytesMax && record.attempts < limits::kAttemptsMax;
}

}  // namespace

void Scheduler::take_back(uint64_t now_us, std::vector<Action>& actions) {
    look_us_ = UINT64_MAX;
    if (!takes_back_) return;
    size_t taken = 0;
    const std::vector<uint64_t>& overfull = peers_.overfull();
    const size_t looks = std::min(kLookedMost, overfull.size());
    for (size_t i = 0; i < looks && taken < kTakenMost; ++i) {
        PeerRecord& from = *peers_.find(overfull[next_overfull_++ % overfull.size()]);
        while (taken < kTakenMost && peers_.is_lopsided() && take_last(from, now_us, actions)) {
            ++taken;
        }
    }
    // There may be more of them.
    if (taken == kTakenMost || looks < overfull.size()) look_us_ = now_us;
    look_pause_us_ =
        taken > 0 ? kLookSoonUs : std::clamp(2 * look_pause_us_, kLookSoonUs, kLookRarelyUs);
    look_from_us_ = now_us + look_pause_us_;
    look_us_ = std::max(look_us_, look_from_us_);
}

// Of those that this peer has got beyond its slots, the last one that may leave; 0: none.
uint64_t Scheduler::last_waiting(const PeerRecord& peer, uint64_t now_us) {
    const bool planted = P2C2R_PLANT("begun_taken_back");
    uint64_t last = 0;
    const Attempt* last_run = nullptr;
    for (const uint64_t task : peer.leases) {
        TaskRecord& record = *tasks_.find(task);
        const Attempt& run = *attempt_at(task, record, peer.id);
        if (!may_leave(record, run, now_us)) continue;
        if (last_run && is_later(run, *last_run) == planted) continue;
        last = task;
        last_run = &run;
    }
    if (last == 0) return 0;
    // It waits behind as many as the peer can run at a time. Those that were given up do not count:
    // where they wait they will not be begun.
    const auto before = std::count_if(peer.leases.begin(), peer.leases.end(), [&](uint64_t task) {
        return is_later(*last_run, *attempt_at(task, *tasks_.find(task), peer.id));
    });
    return static_cast<size_t>(before) >= peer.slots || planted ? last : 0;
}

bool Scheduler::take_last(PeerRecord& from, uint64_t now_us,
                          std::vector<Action>& actions) noexcept {
    // Where nobody listens to it now, its answers may be there.
    if (from.leases.size() <= from.slots || from.unread) return false;
    const Outlook outlook(from);
    if (outlook.left_us(now_us) < kSoonerUs) {
        look_us_ = std::min(look_us_, outlook.late_by_us(kSoonerUs));
        return false;
    }
    const uint64_t task = last_waiting(from, now_us);
    if (task == 0) return false;
    TaskRecord& record = *tasks_.find(task);
    try {
        const PeerTable::Choice choice = choose_second(task, record, now_us);
        if (choice.peer == 0 || !choice.free_slot || choice.finish_us > record.deadline_us) {
            return false;
        }
        const uint64_t needed_us = kSoonerTimes * (choice.finish_us - now_us) + kSoonerUs;
        if (outlook.left_us(now_us) < needed_us) {
            look_us_ = std::min(look_us_, outlook.late_by_us(needed_us));
            return false;
        }
        PeerRecord& to = *peers_.find(choice.peer);
        room_for_lease(to, actions);
        if (actions.capacity() < actions.size() + 2) actions.reserve(2 * actions.size() + 2);
        abandon(task, record, record.run, now_us, actions);
        // From here on nothing fails.
        // What was placed beside another order counted for nothing from the beginning.
        from.abandoned.back().taken_back = !record.run.is_copy;
        ++record.attempts;
        ++stats_.taken_back;
        give(task, record, record.run, to, choice, CopyCause::kNone, now_us, actions);
        arm(task, record);
    } catch (const std::bad_alloc&) {
        return false;
    }
    return true;
}

void Scheduler::was_not_begun(uint64_t attempt_id) noexcept {
    TaskRecord* const record = tasks_.find(task_of(attempt_id));
    if (!record) return;
    P2C2R_CHECK(record->attempts > 0);
    --record->attempts;
    ++record->uncounted;
}

}  // namespace p2c2r::sched
