// What becomes of a lease: the answers and refusals of peers, attempts that are given up, and the
// slots that these hold until the peer has answered.
#include <algorithm>
#include <cstring>

#include "core/plant.h"
#include "sched/attempt_id.h"
#include "sched/scheduler.h"

namespace p2c2r::sched {

namespace {

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

}  // namespace

// Takes the task out of the peer's list of leases; the last one moves to its place.
void Scheduler::unlist_lease(PeerRecord& peer, TaskRecord& record) {
    const uint64_t last = peer.leases.back();
    peer.leases[record.lease_position] = last;
    tasks_.find(last)->lease_position = record.lease_position;
    peer.leases.pop_back();
}

// Takes the lease out of the peer's books. The slot at the peer is free again.
void Scheduler::end_lease(TaskRecord& record, uint64_t now_us) {
    PeerRecord* peer = peers_.find(record.peer);
    if (!peer) return;
    unlist_lease(*peer, record);
    peers_.held_less(record.peer, record.bytes, record.estimate_us, now_us);
}

// Gives up the running attempt: its slot stays held until the peer has answered.
void Scheduler::abandon(TaskRecord& record, uint64_t task, std::vector<Action>& actions) {
    PeerRecord* peer = peers_.find(record.peer);
    if (!peer) return;
    unlist_lease(*peer, record);
    // Bounded by the peer's window: an abandoned attempt still counts as held.
    peer->abandoned.push_back({record.attempt_id, record.nonce, record.bytes, record.estimate_us});
    actions.push_back(
        {Action::Kind::kCancelAttempt, Status::kCancelled, task, record.peer, record.attempt_id});
}

Abandoned* Scheduler::find_abandoned(PeerRecord& record, uint64_t attempt_id, const Nonce& nonce) {
    for (Abandoned& abandoned : record.abandoned) {
        if (abandoned.attempt_id == attempt_id && abandoned.nonce == nonce) return &abandoned;
    }
    return nullptr;
}

void Scheduler::free_abandoned(uint64_t peer, PeerRecord& record, Abandoned& abandoned,
                               uint64_t now_us) {
    const Abandoned answered = abandoned;
    abandoned = record.abandoned.back();
    record.abandoned.pop_back();
    ++stats_.abandoned_answers;
    peers_.held_less(peer, answered.bytes, answered.estimate_us, now_us);
}

void Scheduler::answer_ended(uint64_t peer, uint64_t attempt_id, uint64_t now_us) {
    PeerRecord* record = peers_.find(peer);
    if (!record) return;
    for (Abandoned& abandoned : record->abandoned) {
        if (abandoned.attempt_id == attempt_id) {
            return free_abandoned(peer, *record, abandoned, now_us);
        }
    }
}

uint64_t Scheduler::task_of_attempt(uint64_t peer, uint64_t attempt_id) const {
    const uint64_t task = task_of(attempt_id);
    const TaskRecord* record = tasks_.find(task);
    return record && record->state == TaskRecord::State::kLeased && record->peer == peer &&
                   record->attempt_id == attempt_id
               ? task
               : 0;
}

uint32_t Scheduler::fetch_ahead(uint64_t attempt_id) const {
    const uint64_t task = task_of(attempt_id);
    tasks_.fetch_ahead(task);
    return SlotMap<TaskRecord>::index_of(task);
}

const TaskRecord* Scheduler::current(uint64_t peer, uint64_t attempt_id, const Nonce& nonce) const {
    const TaskRecord* record = tasks_.find(task_of(attempt_id));
    if (!record || record->state != TaskRecord::State::kLeased || record->peer != peer ||
        record->attempt_id != attempt_id) {
        return nullptr;
    }
    if (P2C2R_PLANT("nonce_not_compared")) return record;
    return std::memcmp(record->nonce.data(), nonce.data(), sizeof nonce) == 0 ? record : nullptr;
}

Verdict Scheduler::answered(uint64_t peer, uint64_t attempt_id, const Nonce& nonce, Status status,
                            uint64_t compute_us, uint64_t now_us, std::vector<Action>& actions) {
    PeerRecord* holder = peers_.find(peer);
    if (!holder) return Verdict::kUnknown;
    if (!is_current(peer, attempt_id, nonce)) {
        Abandoned* abandoned = find_abandoned(*holder, attempt_id, nonce);
        if (!abandoned) {
            ++stats_.unknown_answers;
            return Verdict::kUnknown;
        }
        free_abandoned(peer, *holder, *abandoned, now_us);
        return Verdict::kAbandoned;
    }
    const uint64_t task = task_of(attempt_id);
    TaskRecord& record = *tasks_.find(task);
    if (status == Status::kOk) {
        if (record.doubted != 0 && record.doubted != peer) peers_.failed(record.doubted, now_us);
        ++holder->completed;
        unlist_lease(*holder, record);
        peers_.answered(peer, record.type, record.bytes, record.estimate_us, compute_us,
                        now_us - record.given_us, now_us);
        holder->accepted_slot_us += holder->share_us - record.share_us;
        drop(task, record);
        return Verdict::kAccepted;
    }
    end_lease(record, now_us);
    if (is_final(status) && !doubt(record, *holder, peer)) {
        drop(task, record);
        return Verdict::kAccepted;
    }
    // A payload that does not match its checksum may have been spoiled on the way here: it is tried
    // elsewhere, and says nothing about the peer.
    if (status != Status::kContent && !is_final(status)) {
        ++holder->failed;
        peers_.failed(peer, now_us);
    }
    try_again(task, record, status, now_us, actions);
    return Verdict::kRetried;
}

bool Scheduler::doubt(TaskRecord& record, const PeerRecord& peer, uint64_t id) {
    if (record.doubted != 0 || record.attempts >= limits::kAttemptsMax) return false;
    const auto knows = [&](const Learned& learned) {
        return learned.type == record.type && learned.samples > 0;
    };
    if (std::any_of(peer.learned.begin(), peer.learned.end(), knows)) return false;
    if (!could_go_elsewhere(record, peer)) return false;
    record.doubted = id;
    return true;
}

void Scheduler::give_up(uint64_t task, uint64_t now_us, std::vector<Action>& actions) {
    TaskRecord* record = tasks_.find(task);
    if (!record || record->state != TaskRecord::State::kLeased) return;
    abandon(*record, task, actions);
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
    end_lease(record, now_us);
    // Who takes nothing for now says so before.
    const PeerRecord& refuser = *peers_.find(peer);
    if (refuser.window_tasks > 0) peers_.failed(peer, now_us);
    // It never started, so it does not count as an attempt; refusals have a bound of their own.
    if (++record.refusals <= kRefusalsMax && record.attempts > 0) --record.attempts;
    try_again(task, record, Status::kBusy, now_us, actions);
    return Verdict::kRetried;
}

void Scheduler::local_ended(uint64_t task) {
    TaskRecord* record = tasks_.find(task);
    if (record && record->state == TaskRecord::State::kLocal) drop(task, *record);
}

}  // namespace p2c2r::sched
