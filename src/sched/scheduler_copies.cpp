// Second attempts beside the first. A peer that dies is noticed at once and its tasks are placed
// again; one that is slow, or says nothing, is not: so that a task does not wait for it in vain, it
// is given to another peer as well. The first answer wins, and the loser is given up like any other
// attempt: told so, and holding its slot until it has answered. What it says then counts for
// nothing.
//
//   late       it takes longer than nineteen of twenty tasks did there, or than leaves anybody else
//              the time to answer: paid from a credit of 5 % (copy_credit.h)
//   short      so little time that no silence could be noticed in it: at once, while most slots
//              are idle, so that nobody waits for it
//   silent     its peer says nothing although it has work: what is urgent once that is suspect,
//              and everything once it counts as dead
//
// A copy is no attempt of its own: three of these are made as ever. It never goes to a peer that
// has had the task, nor outside the task's circle.
#include <algorithm>
#include <iterator>

#include "core/plant.h"
#include "sched/attempt_id.h"
#include "sched/gap_estimate.h"
#include "sched/scheduler.h"

namespace p2c2r::sched {

namespace {

constexpr uint64_t kSpareUs = 2'000;  // between the last answer and the deadline
// A content that has to be brought to the other peer first takes longer than waiting.
constexpr uint64_t kContentBytesMax = 64 * 1024;
// In a row, and nothing answered in between: a peer that only ever comes back.
constexpr uint8_t kDeathsInVain = 3;

uint32_t bounded(uint64_t us) {
    return static_cast<uint32_t>(std::min<uint64_t>(us, UINT32_MAX));
}

}  // namespace

const Attempt* Scheduler::attempt_at(uint64_t task, uint64_t peer) const {
    const TaskRecord* record = tasks_.find(task);
    if (!record || record->state != TaskRecord::State::kLeased) return nullptr;
    return const_cast<Scheduler*>(this)->attempt_at(task, const_cast<TaskRecord&>(*record), peer);
}

Attempt* Scheduler::second_at(uint64_t task, uint64_t peer) {
    Attempt* const second = copies_.find(task);
    return second->peer == peer ? second : nullptr;
}

// ---- when --------------------------------------------------------------------------------------

// What another peer that could have it now would need; 0: there is none.
uint64_t Scheduler::other_us(const TaskRecord& record, const Attempt& run, uint64_t now_us) {
    const PeerTable::Choice choice = peers_.choose(
        {record.type, record.bytes, record.reach, UINT64_MAX, &run.peer, 1, record.content},
        now_us);
    if (choice.peer == 0) return 0;
    const double late_us = peers_.late_us(*peers_.find(choice.peer), record.type, 0);
    return std::max(choice.finish_us - now_us, static_cast<uint64_t>(late_us));
}

// The latest moment at which somebody else could still answer in time, so long after its placing;
// 0: nobody could.
uint32_t Scheduler::last_moment_us(const TaskRecord& record, const Attempt& run, uint64_t now_us) {
    const uint64_t others_us = other_us(record, run, now_us);
    const uint64_t left_us = record.deadline_us - std::min(record.deadline_us, run.placed_us);
    const uint64_t needed_us = others_us + kSpareUs;
    return others_us != 0 && left_us > needed_us ? bounded(left_us - needed_us) : 0;
}

// So long after its placing a copy is made of it, paid from the credit: once nineteen of twenty are
// back, or at the last moment.
uint32_t Scheduler::copy_after_us(const TaskRecord& record, const Attempt& run, uint64_t now_us) {
    const uint32_t last_us = last_moment_us(record, run, now_us);
    const double late_us = peers_.late_us(*peers_.find(run.peer), record.type, run.ahead_us);
    if (late_us <= 0) return last_us;
    const uint64_t usual_us = std::max<uint64_t>(kCopyLeastUs, static_cast<uint64_t>(late_us));
    const uint32_t after_us = bounded(run.given_us - run.placed_us + usual_us);
    return last_us != 0 ? std::min(last_us, after_us) : after_us;
}

void Scheduler::copy_late(uint64_t task, TaskRecord& record, uint64_t now_us,
                          std::vector<Action>& actions) {
    Attempt& run = record.run;
    uint32_t after_us = std::exchange(run.copy_after_us, 0);
    // Nobody listens to it now: whether it is late is not known.
    if (record.has_copy || peers_.find(run.peer)->unread) return;
    if (after_us == first_look_us(record, run)) {
        after_us = copy_after_us(record, run, now_us);
        if (after_us == 0) return;
        if (now_us < run.placed_us + after_us) {
            run.copy_after_us = after_us;
            return;
        }
    }
    const uint32_t last_us = last_moment_us(record, run, now_us);
    const bool is_last = last_us != 0 && after_us >= last_us;
    if (credit_.has_one() &&
        copy(task, record, is_last ? CopyCause::kLastMoment : CopyCause::kLate, now_us, actions)) {
        return credit_.pay();
    }
    if (last_us > after_us) run.copy_after_us = last_us;
}

void Scheduler::copy_at_once(uint64_t task, TaskRecord& record, uint64_t now_us,
                             std::vector<Action>& actions) {
    if (credit_.is_off() || record.bytes > kCopyBytesMax || !peers_.is_half_idle()) return;
    (void)copy(task, record, CopyCause::kShort, now_us, actions);
}

// If it waited until its peer looks dead, nobody could answer it any more.
bool Scheduler::is_urgent(const TaskRecord& record, const Attempt& run, uint64_t now_us) {
    return record.deadline_us <
           now_us + other_us(record, run, now_us) + kSpareUs + GapEstimate::kDeadMostUs;
}

// ---- where -------------------------------------------------------------------------------------

PeerTable::Choice Scheduler::choose_second(uint64_t task, const TaskRecord& record,
                                           uint64_t now_us) {
    if (record.input_open || record.uncounted >= kUncountedMax) return {};
    uint64_t excluded[limits::kAttemptsMax + kCopiesMax];
    uint64_t* end = std::copy(record.tried, record.tried + record.tried_count, excluded);
    *end++ = record.run.peer;
    if (record.has_copy) *end++ = copies_.find(task)->peer;
    const PeerTable::Choice choice =
        peers_.choose({record.type, record.bytes, record.reach, record.deadline_us, excluded,
                       static_cast<size_t>(end - excluded), record.content},
                      now_us);
    if (choice.peer == 0 || record.content == 0) return choice;
    return lacking(record, choice.peer) > kContentBytesMax ? PeerTable::Choice{} : choice;
}

bool Scheduler::copy(uint64_t task, TaskRecord& record, CopyCause cause, uint64_t now_us,
                     std::vector<Action>& actions) noexcept {
    try {
        const PeerTable::Choice choice = choose_second(task, record, now_us);
        if (choice.peer == 0) return false;
        // Where it is certain that nothing comes from the first one, prediction decides nothing.
        const bool is_needed = cause == CopyCause::kDead || cause == CopyCause::kSuspect;
        const bool may_wait = is_needed || cause == CopyCause::kLastMoment;
        if (!is_needed && choice.finish_us > record.deadline_us) return false;
        if (!may_wait && !choice.free_slot) return false;
        PeerRecord& peer = *peers_.find(choice.peer);
        room_for_lease(peer, actions);
        give(task, record, copies_[task], peer, choice, cause, now_us, actions);
    } catch (const std::bad_alloc&) {
        return false;
    }
    record.has_copy = true;
    ++record.uncounted;
    CopyStats& stats = stats_.copies;
    switch (cause) {
        case CopyCause::kShort:
            ++stats.at_once;
            break;
        case CopyCause::kSuspect:
        case CopyCause::kDead:
            ++stats.silence;
            break;
        default:
            ++stats.late;
    }
    arm(task, record);
    return true;
}

// ---- how it ends -------------------------------------------------------------------------------

bool Scheduler::lives_without(uint64_t task, TaskRecord& record, const Attempt& gone) {
    if (!record.has_copy) return false;
    if (&gone == &record.run) record.run = *copies_.find(task);
    copies_.erase(task);
    record.has_copy = false;
    if (is_dead(record.run)) want_elsewhere(task);
    arm(task, record);
    return true;
}

void Scheduler::abandon_others(uint64_t task, TaskRecord& record, const Attempt& winner,
                               uint64_t now_us, std::vector<Action>& actions) {
    const Attempt& second = *copies_.find(task);
    const bool second_wins = &winner == &second;
    const Attempt& loser = second_wins ? record.run : second;
    abandon(task, record, loser, now_us, actions);
    if (P2C2R_PLANT("copy_not_cancelled")) actions.pop_back();
    peers_.outrun(loser.peer, record.type, now_us - loser.given_us, now_us);
    if (loser.is_copy) ++stats_.copies.wasted;
    if (second_wins) record.run = second;
    copies_.erase(task);
    record.has_copy = false;
}

void Scheduler::abandon_all(uint64_t task, TaskRecord& record, bool blames, uint64_t now_us,
                            std::vector<Action>& actions) {
    if (record.has_copy) {
        const Attempt& second = *copies_.find(task);
        if (blames) blame(record, second, now_us);
        abandon(task, record, second, now_us, actions);
        copies_.erase(task);
        record.has_copy = false;
    }
    if (blames) blame(record, record.run, now_us);
    abandon(task, record, record.run, now_us, actions);
}

// ---- silence -----------------------------------------------------------------------------------

bool Scheduler::is_dead(const Attempt& run) {
    const PeerRecord* const peer = peers_.find(run.peer);
    return peer && peer->silence == Silence::kDead;
}

void Scheduler::peer_silent(uint64_t peer, Silence silence, uint64_t now_us,
                            std::vector<Action>& actions) {
    PeerRecord* const record = peers_.find(peer);
    if (!record || record->silence == silence) return;
    peers_.set_silence(peer, silence, now_us);
    if (silence == Silence::kHeard) return;
    if (silence == Silence::kSuspect) {
        ++stats_.copies.suspects;
    } else {
        ++stats_.copies.deaths;
        record->died_us = now_us;
        if (record->deaths < UINT8_MAX) ++record->deaths;
        if (record->deaths >= kDeathsInVain) peers_.failed(peer, now_us);
    }
    const std::vector<uint64_t> leases = record->leases;
    for (const uint64_t task : leases) {
        TaskRecord& leased = *tasks_.find(task);
        if (silence == Silence::kDead) {
            rescue(task, leased, now_us, actions);
        } else if (!leased.has_copy && is_urgent(leased, leased.run, now_us)) {
            (void)copy(task, leased, CopyCause::kSuspect, now_us, actions);
        }
    }
}

void Scheduler::rescue(uint64_t task, TaskRecord& record, uint64_t now_us,
                       std::vector<Action>& actions) {
    if (record.input_open) {
        // It cannot be at two peers: the rest of it goes where it is.
        if (record.uncounted >= kUncountedMax) return;
        abandon(task, record, record.run, now_us, actions);
        ++record.uncounted;
        --record.attempts;
        (void)enqueue(task, record, now_us);
    } else if (runs_at_dead_alone(task, record) && !place_beside(task, record, now_us, actions)) {
        want_elsewhere(task);
    }
}

bool Scheduler::runs_at_dead_alone(uint64_t task, const TaskRecord& record) {
    return is_dead(record.run) && (!record.has_copy || is_dead(*copies_.find(task)));
}

// Of two at dead peers the first one gives its place.
bool Scheduler::place_beside(uint64_t task, TaskRecord& record, uint64_t now_us,
                             std::vector<Action>& actions) {
    if (record.has_copy) {
        if (choose_second(task, record, now_us).peer == 0) return false;
        abandon(task, record, record.run, now_us, actions);
        record.run = *copies_.find(task);
        copies_.erase(task);
        record.has_copy = false;
    }
    return copy(task, record, CopyCause::kDead, now_us, actions);
}

void Scheduler::want_elsewhere(uint64_t task) noexcept {
    if (std::find(wanting_.begin(), wanting_.end(), task) != wanting_.end()) return;
    try {
        wanting_.push_back(task);
    } catch (const std::bad_alloc&) {
        // Then its attempt there runs out of time.
    }
}

void Scheduler::place_wanting(uint64_t now_us, std::vector<Action>& actions) {
    std::erase_if(wanting_, [&](uint64_t task) {
        TaskRecord* const record = tasks_.find(task);
        return !record || record->state != TaskRecord::State::kLeased || record->input_open ||
               !runs_at_dead_alone(task, *record) || place_beside(task, *record, now_us, actions);
    });
}

}  // namespace p2c2r::sched
