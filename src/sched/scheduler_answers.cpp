// What becomes of a lease: how long it lasts, the answers and refusals of peers, attempts that are
// given up, and the slots that these hold until the peer has answered.
#include <algorithm>
#include <cstring>

#include "core/plant.h"
#include "sched/attempt_id.h"
#include "sched/scheduler.h"

namespace p2c2r::sched {

namespace {

constexpr uint64_t kRescueUs = 20'000;  // what another peer needs beside computing
constexpr double kLongEnough = 4;       // times as long as a task usually takes

// Errors that say more about the task than about the peer: any other peer would answer the same.
bool is_final(Status status) {
    switch (status) {
        case Status::kOk:
        case Status::kParams:
        case Status::kArgument:
        case Status::kSize:
        case Status::kLimit:
            return true;
        default:
            return false;
    }
}

// How long its peer has had a task and was listened to.
uint64_t had_since_us(const Attempt& run, const PeerRecord& peer, uint64_t now_us) {
    return now_us - std::min(now_us, std::max(run.given_us, peer.read_since_us));
}

}  // namespace

void Scheduler::answer_begins(uint64_t task, uint64_t peer, uint64_t now_us,
                              std::vector<Action>& actions) {
    TaskRecord* record = tasks_.find(task);
    if (!record || record->state != TaskRecord::State::kLeased) return;
    Attempt* const run = attempt_at(task, *record, peer);
    if (!run) return;
    if (record->has_copy) abandon_others(task, *record, *run, now_us, actions);
    record->run.copy_after_us = 0;
    record->run.is_answering = true;
    renew_lease(task, *record, record->run, now_us);
}

void Scheduler::answer_continues(uint64_t task, uint64_t peer, uint64_t now_us) {
    TaskRecord* record = tasks_.find(task);
    if (!record || record->state != TaskRecord::State::kLeased) return;
    if (Attempt* run = attempt_at(task, *record, peer)) renew_lease(task, *record, *run, now_us);
}

void Scheduler::renew_lease(uint64_t task, TaskRecord& record, Attempt& run, uint64_t now_us) {
    run.lease_until_us = lease_end_us(record, run, *peers_.find(run.peer), now_us);
    arm(task, record);
}

// So early that somebody else has the time to answer it, where that has any sense.
uint64_t Scheduler::lease_end_us(const TaskRecord& record, const Attempt& run,
                                 const PeerRecord& peer, uint64_t now_us) const {
    if (record.input_open) return run.given_us + kInputPauseUs;
    const uint64_t usual = now_us + peers_.timeout_us(peer, record.type, bytes_to(record, run.peer),
                                                      record.start_timeout_us);
    if (usual < record.deadline_us && record.deadline_us - usual > kRescueUs) return usual;
    const double compute = mean_compute_us(record.type);
    const uint64_t left = record.deadline_us - std::min(record.deadline_us, now_us);
    const uint64_t other = 2 * static_cast<uint64_t>(compute) + kRescueUs;
    if (compute <= 0 || other > left / 2 || !could_go_elsewhere(record, peer)) return usual;
    return std::min(usual, record.deadline_us - other);
}

// The attempt has had its time.
void Scheduler::lease_over(uint64_t task, TaskRecord& record, Attempt& run, uint64_t now_us,
                           std::vector<Action>& actions) {
    if (record.input_open) return look_at_input(task, record, now_us, actions);
    PeerRecord& peer = *peers_.find(run.peer);
    if (peer.unread || (!record.has_copy && !could_go_elsewhere(record, peer))) {
        // A late answer is better than none. Somebody else may join meanwhile.
        return renew_lease(task, record, run, now_us);
    }
    ++stats_.timeouts;
    peers_.kept_too_long(run.peer, had_since_us(run, peer, now_us), now_us);
    if (Learned* learned = peers_.learned(peer, record.type)) ++learned->timeouts;
    abandon(task, record, run, now_us, actions);
    if (lives_without(task, record, run)) return arm(task, record);
    if (P2C2R_PLANT("attempts_not_counted")) --record.attempts;
    try_again(task, record, Status::kTimeout, now_us, actions);
}

void Scheduler::blame(const TaskRecord& record, const Attempt& run, uint64_t now_us) {
    PeerRecord* const peer = peers_.find(run.peer);
    if (!peer || record.input_open || peer->unread) return;
    const uint64_t had_us = had_since_us(run, *peer, now_us);
    const uint64_t whole_us = record.deadline_us - std::min(record.deadline_us, run.given_us);
    // A gamer who changes his mind says nothing of the peer: before the end of the task's time it
    // has as long as any attempt.
    const bool is_over = had_us >= whole_us - whole_us / 8;
    if (!is_over && now_us < run.lease_until_us) return;
    const double usual = static_cast<double>(run.ahead_us) + run.estimate_us + peer->link_us;
    double enough = kLongEnough * usual + kRescueUs;
    const Learned* const learned = peers_.learned(*peer, record.type);
    // Of one that has never answered nothing else will ever tell; but what it got as a copy, it got
    // late.
    if ((!learned || learned->samples == 0) && !run.is_copy) {
        enough = std::min(enough, static_cast<double>(whole_us) / 2);
    }
    if (static_cast<double>(had_us) > enough) peers_.kept_too_long(run.peer, had_us, now_us);
}

// What giving up an attempt could gain: an answer from somebody else.
bool Scheduler::could_go_elsewhere(const TaskRecord& record, const PeerRecord& peer) const {
    if (record.can_run_local) return true;
    if (record.attempts >= limits::kAttemptsMax) return false;
    const uint32_t serving = peers_.serving(record.type, record.reach);
    return serving > (peer.serves() ? 1u : 0u);
}

// Takes the task out of the peer's list of leases; the last one moves to its place.
void Scheduler::unlist_lease(PeerRecord& peer, const Attempt& run) {
    const uint64_t last = peer.leases.back();
    peer.leases[run.lease_position] = last;
    attempt_at(last, *tasks_.find(last), run.peer)->lease_position = run.lease_position;
    peer.leases.pop_back();
}

// Takes the lease out of the peer's books. The slot at the peer is free again.
void Scheduler::end_lease(const TaskRecord& record, Attempt& run, uint64_t now_us) {
    PeerRecord* peer = peers_.find(run.peer);
    if (!peer) return;
    pay_for_input(record, now_us);
    unlist_lease(*peer, run);
    peers_.held_less(*peer, record.bytes, run.estimate_us, now_us);
}

// Gives up this attempt: its slot stays held until the peer has answered.
void Scheduler::abandon(uint64_t task, const TaskRecord& record, const Attempt& run,
                        uint64_t now_us, std::vector<Action>& actions) {
    PeerRecord* peer = peers_.find(run.peer);
    if (!peer) return;
    const auto grow = [](auto& list) {
        if (list.size() == list.capacity()) list.reserve(2 * list.size() + 16);
    };
    grow(peer->abandoned);
    grow(actions);
    // From here on nothing fails.
    pay_for_input(record, now_us);
    unlist_lease(*peer, run);
    // Bounded by the peer's window: an abandoned attempt still counts as held.
    peer->abandoned.push_back(
        {run.attempt_id, run.nonce, record.bytes, run.estimate_us, run.placed_us});
    actions.push_back(
        {Action::Kind::kCancelAttempt, Status::kCancelled, task, run.peer, run.attempt_id});
}

Abandoned* Scheduler::find_abandoned(PeerRecord& record, uint64_t attempt_id, const Nonce& nonce) {
    for (Abandoned& abandoned : record.abandoned) {
        if (abandoned.attempt_id == attempt_id && abandoned.nonce == nonce) return &abandoned;
    }
    return nullptr;
}

void Scheduler::free_abandoned(PeerRecord& record, Abandoned& abandoned, uint64_t now_us) {
    const Abandoned answered = abandoned;
    abandoned = record.abandoned.back();
    record.abandoned.pop_back();
    ++stats_.abandoned_answers;
    peers_.held_less(record, answered.bytes, answered.estimate_us, now_us);
}

void Scheduler::answer_ended(uint64_t peer, uint64_t attempt_id, uint64_t now_us,
                             bool never_heard) {
    PeerRecord* record = peers_.find(peer);
    if (!record) return;
    for (Abandoned& abandoned : record->abandoned) {
        if (abandoned.attempt_id == attempt_id) {
            if (never_heard && abandoned.taken_back) was_not_begun(attempt_id);
            return free_abandoned(*record, abandoned, now_us);
        }
    }
}

uint64_t Scheduler::task_of_attempt(uint64_t peer, uint64_t attempt_id) const {
    const uint64_t task = task_of(attempt_id);
    const TaskRecord* record = tasks_.find(task);
    if (!record || record->state != TaskRecord::State::kLeased) return 0;
    const Attempt* const run = attempt_at(task, peer);
    return run && run->attempt_id == attempt_id ? task : 0;
}

uint32_t Scheduler::fetch_ahead(uint64_t attempt_id) const {
    const uint64_t task = task_of(attempt_id);
    tasks_.fetch_ahead(task);
    return SlotMap<TaskRecord>::index_of(task);
}

const TaskRecord* Scheduler::current(uint64_t peer, uint64_t attempt_id, const Nonce& nonce) const {
    const TaskRecord* record = tasks_.find(task_of(attempt_id));
    if (!record || record->state != TaskRecord::State::kLeased) return nullptr;
    const Attempt* run = &record->run;
    if (run->peer != peer) run = record->has_copy ? copies_.find(task_of(attempt_id)) : nullptr;
    if (!run || run->peer != peer || run->attempt_id != attempt_id) return nullptr;
    if (P2C2R_PLANT("nonce_not_compared")) return record;
    return std::memcmp(run->nonce.data(), nonce.data(), sizeof nonce) == 0 ? record : nullptr;
}

Verdict Scheduler::answered(uint64_t peer, uint64_t attempt_id, const Nonce& nonce, Status status,
                            uint64_t compute_us, uint64_t now_us, std::vector<Action>& actions) {
    PeerRecord* holder = peers_.find(peer);
    if (!holder) return Verdict::kUnknown;
    const TaskRecord* const found = current(peer, attempt_id, nonce);
    if (!found) {
        Abandoned* abandoned = find_abandoned(*holder, attempt_id, nonce);
        if (!abandoned) {
            ++stats_.unknown_answers;
            return Verdict::kUnknown;
        }
        heard_from(*holder, abandoned->placed_us);
        if (abandoned->taken_back && status == Status::kCancelled && compute_us == 0) {
            was_not_begun(attempt_id);
        }
        free_abandoned(*holder, *abandoned, now_us);
        return Verdict::kAbandoned;
    }
    return current_answered(task_of(attempt_id), const_cast<TaskRecord&>(*found), *holder, status,
                            compute_us, now_us, actions);
}

Verdict Scheduler::current_answered(uint64_t task, TaskRecord& record, PeerRecord& holder,
                                    Status status, uint64_t compute_us, uint64_t now_us,
                                    std::vector<Action>& actions) {
    const uint64_t peer = holder.id;
    Attempt* run = attempt_at(task, record, peer);
    heard_from(holder, run->placed_us);
    if (status == Status::kOk) {
        if (record.has_copy && !P2C2R_PLANT("answer_of_both_counted")) {
            abandon_others(task, record, *run, now_us, actions);
            run = &record.run;
        }
        if (run->is_copy) ++stats_.copies.won;
        const uint64_t doubted = record.doubted > 0 ? record.tried[record.doubted - 1] : 0;
        if (doubted != 0 && doubted != peer) peers_.failed(doubted, now_us);
        ++holder.completed;
        pay_for_input(record, now_us);
        unlist_lease(holder, *run);
        uint64_t round_us = now_us - run->given_us;
        if (run->lacked_data) {
            round_us = round_without_data(record, *run, holder, compute_us, round_us);
        }
        peers_.answered(holder, record.type, record.bytes, run->estimate_us, compute_us, round_us,
                        now_us);
        holder.accepted_slot_us += holder.share_us - run->share_us;
        if (P2C2R_PLANT("answer_of_both_counted") && lives_without(task, record, *run)) {
            return Verdict::kAccepted;
        }
        drop(task, record);
        return Verdict::kAccepted;
    }
    if (is_final(status) && !doubt(record, holder, peer)) {
        if (record.has_copy) {
            abandon_others(task, record, *run, now_us, actions);
            run = &record.run;
        }
        end_lease(record, *run, now_us);
        drop(task, record);
        return Verdict::kAccepted;
    }
    end_lease(record, *run, now_us);
    if (is_its_failure(record, *run, holder, status, now_us)) {
        ++holder.failed;
        peers_.failed(peer, now_us);
    }
    if (lives_without(task, record, *run)) return Verdict::kRetried;
    try_again(task, record, status, now_us, actions);
    return Verdict::kRetried;
}

bool Scheduler::is_its_failure(const TaskRecord& record, const Attempt& run, const PeerRecord& peer,
                               Status status, uint64_t now_us) const {
    // A payload that does not match its checksum may have been spoiled on the way here: it is tried
    // elsewhere.
    if (status == Status::kContent || is_final(status)) return false;
    if (status != Status::kDeadline) return true;
    // Who is busy gets tasks, too, that can hardly be in time, and rightly does not begin them.
    const auto left_us = [&](uint64_t at_us) {
        return static_cast<double>(record.deadline_us - std::min(record.deadline_us, at_us));
    };
    const double alone_us = run.estimate_us + peer.link_us;
    if (left_us(now_us) > alone_us) return true;  // it could have been begun even now
    const double ahead_us = run.ahead_us;
    const double enough_us =
        std::max(ahead_us + alone_us, peers_.late_us(peer, record.type, ahead_us));
    return left_us(std::min(now_us, run.given_us)) > enough_us;
}

bool Scheduler::doubt(TaskRecord& record, const PeerRecord& peer, uint64_t id) {
    if (record.doubted != 0) return false;
    if (!record.has_copy && record.attempts >= limits::kAttemptsMax) return false;
    const auto knows = [&](const Learned& learned) {
        return learned.type == record.type && learned.samples > 0;
    };
    if (std::any_of(peer.learned.begin(), peer.learned.end(), knows)) return false;
    if (!record.has_copy && !could_go_elsewhere(record, peer)) return false;
    const uint64_t* const begin = record.tried;
    const uint64_t* const end = begin + record.tried_count;
    const uint64_t* const tried = std::find(begin, end, id);
    if (tried == end) return false;
    record.doubted = static_cast<uint8_t>(tried - begin + 1);
    return true;
}

void Scheduler::give_up(uint64_t task, uint64_t now_us, std::vector<Action>& actions) {
    TaskRecord* record = tasks_.find(task);
    if (!record || record->state != TaskRecord::State::kLeased) return;
    abandon_all(task, *record, false, now_us, actions);
    try_again(task, *record, Status::kAgain, now_us, actions);
}

Verdict Scheduler::refused(uint64_t peer, uint64_t attempt_id, const Nonce& nonce, uint64_t now_us,
                           std::vector<Action>& actions) {
    if (!is_current(peer, attempt_id, nonce)) {
        // It had been given up meanwhile: the refusal frees the slot like any answer.
        return answered(peer, attempt_id, nonce, Status::kBusy, 0, now_us, actions);
    }
    const uint64_t task = task_of(attempt_id);
    TaskRecord& record = *tasks_.find(task);
    Attempt& run = *attempt_at(task, record, peer);
    const bool is_copy = run.is_copy;
    heard_from(*peers_.find(peer), run.placed_us);
    end_lease(record, run, now_us);
    // Who takes nothing for now says so before.
    const PeerRecord& refuser = *peers_.find(peer);
    if (refuser.window_tasks > 0) peers_.failed(peer, now_us);
    if (lives_without(task, record, run)) return Verdict::kRetried;
    // It never started, so it does not count as an attempt; refusals have a bound of their own. A
    // copy never did.
    if (++record.refusals <= kRefusalsMax && record.attempts > 0 && !is_copy) --record.attempts;
    try_again(task, record, Status::kBusy, now_us, actions);
    return Verdict::kRetried;
}

void Scheduler::local_ended(uint64_t task) {
    TaskRecord* record = tasks_.find(task);
    if (record && record->state == TaskRecord::State::kLocal) drop(task, *record);
}

}  // namespace p2c2r::sched
