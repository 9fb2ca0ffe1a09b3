// The life of a task, from its admission to its end, and the peers that come and go meanwhile.
#include "sched/scheduler.h"

#include <algorithm>
#include <new>

#include "core/plant.h"

namespace p2c2r::sched {

namespace {

constexpr uint64_t kEarlyUsMax = 50'000;

// When a task that waits for its owner's machines is told that there are none: so early that its
// gamer hears of it before its own clock says no more than that it is late.
uint64_t ask_at_us(const TaskRecord& record) {
    const uint64_t time = record.deadline_us - std::min(record.deadline_us, record.admitted_us);
    return record.deadline_us - std::min(kEarlyUsMax, time / 8);
}

}  // namespace

Scheduler::Scheduler(uint32_t peers_max, RandomSource& random, ContentStore* contents)
    : peers_(peers_max, contents),
      random_(random),
      contents_(contents),
      placements_(kPlacementsKept) {}

size_t Scheduler::queued() const {
    return queues_.live();
}

// ---- peers -------------------------------------------------------------------------------------

uint64_t Scheduler::peer_joined(PeerRecord&& record, const std::vector<std::string>& task_types,
                                uint64_t now_us) {
    const std::vector<TypeIndex> types = types_of(task_types);
    for (const TypeIndex type : types) ever_served_[type] = true;
    const OwnerIndex owner = record.owner;
    const bool had_limited = peers_.has_limited(owner);
    const uint64_t peer = peers_.join(std::move(record), types, now_us);
    if (!had_limited && peers_.has_limited(owner)) move_invited(owner);
    look_from_us_ = 0;  // it has nothing to do
    return peer;
}

void Scheduler::peer_left(uint64_t peer, bool failed, uint64_t now_us,
                          std::vector<Action>& actions) {
    PeerRecord* record = peers_.find(peer);
    if (!record) return;
    if (failed) ++stats_.peer_failures;
    const std::vector<uint64_t> leases = std::move(record->leases);
    record->leases.clear();
    peers_.leave(peer, now_us);
    for (uint64_t task : leases) {
        TaskRecord* lost = tasks_.find(task);
        if (!lost || lost->state != TaskRecord::State::kLeased) continue;
        Attempt* const run = attempt_at(task, *lost, peer);
        if (!run) continue;
        if (P2C2R_PLANT("lost_peer_tasks_forgotten")) {
            // It stays with who is gone, whom nobody must look for.
            run->lease_until_us = UINT64_MAX;
            run->copy_after_us = 0;
            continue;
        }
        pay_for_input(*lost, now_us);
        if (lives_without(task, *lost, *run)) continue;
        lost->run.peer = 0;
        try_again(task, *lost, Status::kDisconnected, now_us, actions);
    }
}

void Scheduler::peer_window(uint64_t peer, uint32_t window_tasks, uint64_t now_us) {
    peers_.set_window(peer, window_tasks, now_us);
}

void Scheduler::peer_speed(uint64_t peer, double speed, uint64_t now_us) {
    peers_.set_speed(peer, speed, now_us);
}

void Scheduler::peer_unread(uint64_t peer, bool unread, uint64_t now_us) {
    PeerRecord* record = peers_.find(peer);
    if (!record) return;
    record->unread = unread;
    record->read_since_us = now_us;
    for (const uint64_t task : record->leases) {
        TaskRecord& leased = *tasks_.find(task);
        renew_lease(task, leased, *attempt_at(task, leased, peer), now_us);
    }
}

// ---- the life of a task ------------------------------------------------------------------------

uint64_t Scheduler::admit(const Admission& admission, uint64_t now_us) {
    const uint64_t task = tasks_.insert();
    if (task == 0) return 0;
    const uint32_t index = SlotMap<TaskRecord>::index_of(task);
    // What a task needs until its end is taken now: a task that was admitted ends.
    try {
        if (index >= task_ids_.size()) task_ids_.resize(index + 64);
        wheel_.make_room(index);
    } catch (...) {
        tasks_.erase(task);
        throw;
    }
    task_ids_[index] = task;
    TaskRecord& record = *tasks_.find(task);
    const uint32_t stamp = record.queue_stamp;
    record = TaskRecord{};
    record.queue_stamp = stamp;
    record.type = admission.type;
    record.priority = admission.priority;
    record.reach = admission.reach;
    record.deadline_us = admission.deadline_us;
    record.start_timeout_us = admission.start_timeout_us;
    record.bytes = admission.bytes;
    record.can_run_local = admission.can_run_local;
    record.input_open = admission.input_open;
    record.admitted_us = now_us;
    const bool own = record.reach.circle == Circle::kOwn;
    if (own) P2C2R_CHECK(record.reach.owner != kNoOwner);
    try {
        record.flow = own ? queues_.flow_of(admission.account, record.type, record.reach)
                          : queues_.flow_of(admission.account, record.type);
    } catch (...) {
        tasks_.erase(task);
        throw;
    }
    ++tasks_of_[record.type];
    if (admission.held) {
        record.state = TaskRecord::State::kHeld;
        arm(task, record);
    } else if (!enqueue(task, record, now_us)) {
        drop(task, record);
        throw std::bad_alloc();
    }
    return task;
}

bool Scheduler::release(uint64_t task, uint64_t now_us) noexcept {
    TaskRecord* record = tasks_.find(task);
    if (!record || record->state != TaskRecord::State::kHeld) return true;
    // While it was held nobody could say whether there is anybody for it.
    record->asked_early = false;
    return enqueue(task, *record, now_us);
}

bool Scheduler::hold(uint64_t task) noexcept {
    TaskRecord* record = tasks_.find(task);
    if (!record || record->state != TaskRecord::State::kQueued) return false;
    unqueue(task, *record);
    record->state = TaskRecord::State::kHeld;
    return true;
}

void Scheduler::fail_held(uint64_t task, Status status, const char* text,
                          std::vector<Action>& actions) {
    TaskRecord* record = tasks_.find(task);
    if (record && record->state == TaskRecord::State::kHeld) {
        end(task, *record, status, text, actions);
    }
}

void Scheduler::arm(uint64_t task, const TaskRecord& record) {
    uint64_t at = record.deadline_us;
    if (record.state == TaskRecord::State::kLeased) {
        const Attempt& run = record.run;
        at = std::min(at, run.lease_until_us);
        if (run.copy_after_us != 0) at = std::min(at, run.placed_us + run.copy_after_us);
        if (record.has_copy) at = std::min(at, copies_.find(task)->lease_until_us);
    } else if (record.reach.circle == Circle::kOwn && !record.asked_early) {
        at = ask_at_us(record);
    }
    wheel_.set(SlotMap<TaskRecord>::index_of(task), at);
}

// False: memory is short for its place in the queue. It is held then, until its deadline.
bool Scheduler::enqueue(uint64_t task, TaskRecord& record, uint64_t now_us) noexcept {
    record.state = TaskRecord::State::kHeld;
    record.run.peer = 0;
    ++record.queue_stamp;
    arm(task, record);
    if (record.input_open && is_distrusted(record, now_us)) {
        record.state = TaskRecord::State::kStalled;
        return true;
    }
    if (peers_.has_limited(record.reach.owner)) perhaps_to_own_queue(record);
    try {
        queues_.push(record.flow, {TaskQueue::key_of(record.priority, record.deadline_us), task,
                                   record.queue_stamp});
    } catch (const std::bad_alloc&) {
        return false;
    }
    record.state = TaskRecord::State::kQueued;
    return true;
}

void Scheduler::perhaps_to_own_queue(TaskRecord& record) noexcept {
    if (!queues_.is_shared(record.flow)) return;
    try {
        record.flow = queues_.flow_of(queues_.account_of(record.flow), record.type, record.reach);
    } catch (const std::bad_alloc&) {
        // Then it waits for those that take anybody's.
    }
}

// The first machine of this owner that keeps to its circle is here: what waits for the owner need
// not stand behind others any more. Such machines are few and stay, so walking over all tasks is
// cheaper than keeping them by owner.
void Scheduler::move_invited(OwnerIndex owner) noexcept {
    tasks_.for_each([&](uint64_t task, TaskRecord& record) {
        if (record.state != TaskRecord::State::kQueued || record.reach.owner != owner ||
            !queues_.is_shared(record.flow)) {
            return;
        }
        unqueue(task, record);
        (void)enqueue(task, record, UINT64_MAX);  // nobody's input stalls by it
    });
}

const char* Scheduler::why_nobody(const TaskRecord& record) const {
    const bool waits = record.state == TaskRecord::State::kQueued && !record.can_run_local;
    if (!waits || peers_.serving(record.type, record.reach) > 0) return nullptr;
    if (record.reach.circle != Circle::kOwn) return "no peer of circle invited takes such tasks";
    return peers_.machines_of(record.reach.owner) == 0
               ? "no peer of circle own of this owner is connected"
               : "no peer of circle own of this owner takes tasks of this type";
}

void Scheduler::unqueue(uint64_t, TaskRecord& record) noexcept {
    // The entry dies with its stamp.
    ++record.queue_stamp;
    queues_.removed(record.flow, [this](const auto& entry) { return is_live(entry); });
}

void Scheduler::try_again(uint64_t task, TaskRecord& record, Status why, uint64_t now_us,
                          std::vector<Action>& actions) {
    using Trouble = TaskRecord::Trouble;
    if (why != Status::kBusy) {  // which is no attempt
        record.trouble = why == Status::kTimeout        ? Trouble::kTimeout
                         : why == Status::kDisconnected ? Trouble::kLost
                         : why == Status::kAgain        ? Trouble::kGivenUp
                                                        : Trouble::kFailed;
    }
    if (now_us >= record.deadline_us) {
        ++stats_.deadlines;
        end(task, record, Status::kDeadline, "the deadline passed before an answer came", actions);
        return;
    }
    if (record.attempts < limits::kAttemptsMax) {
        (void)enqueue(task, record, now_us);
        return;
    }
    if (record.can_run_local) {
        start_local(task, record, now_us, actions);
        return;
    }
    switch (why) {
        case Status::kDisconnected:
            end(task, record, why, "each of the peers that tried it was lost", actions);
            return;
        case Status::kTimeout:
            end(task, record, why, "none of the peers that tried it answered in time", actions);
            return;
        case Status::kAgain:
            end(task, record, Status::kDisconnected,
                "the gamer's connection was lost in the middle of its answers", actions);
            return;
        case Status::kContent:
            end(task, record, why, "the checksum of the task does not match its bytes", actions);
            return;
        default:
            end(task, record, why, "each of the peers that tried it failed", actions);
            return;
    }
}

void Scheduler::start_local(uint64_t task, TaskRecord& record, uint64_t now_us,
                            std::vector<Action>& actions) {
    record.state = TaskRecord::State::kLocal;
    record.run.peer = 0;
    record.run.placed_us = now_us;
    ++stats_.local;
    arm(task, record);
    actions.push_back({Action::Kind::kRunLocal, Status::kOk, task});
}

void Scheduler::end(uint64_t task, TaskRecord& record, Status status, const char* text,
                    std::vector<Action>& actions) {
    actions.push_back({Action::Kind::kEnd, status, task, 0, 0, text});
    drop(task, record);
}

void Scheduler::drop(uint64_t task, TaskRecord& record) {
    wheel_.clear(SlotMap<TaskRecord>::index_of(task));
    P2C2R_CHECK(!record.has_copy);
    record.state = TaskRecord::State::kFree;
    --tasks_of_[record.type];
    tasks_.erase(task);
}

void Scheduler::withdraw(uint64_t task, uint64_t now_us, std::vector<Action>& actions) {
    TaskRecord* record = tasks_.find(task);
    if (!record) return;
    switch (record->state) {
        case TaskRecord::State::kQueued:
            unqueue(task, *record);
            break;
        case TaskRecord::State::kLeased:
            abandon_all(task, *record, true, now_us, actions);
            if (P2C2R_PLANT("slot_freed_on_cancel")) {
                answer_ended(record->run.peer, record->run.attempt_id, now_us);
            }
            break;
        case TaskRecord::State::kLocal:
            actions.push_back({Action::Kind::kCancelLocal, Status::kCancelled, task});
            break;
        case TaskRecord::State::kHeld:
        case TaskRecord::State::kStalled:
            break;
        case TaskRecord::State::kFree:
            return;
    }
    drop(task, *record);
}

void Scheduler::withdraw_unheard(uint64_t task, uint64_t attempt_id, uint64_t now_us,
                                 std::vector<Action>& actions) {
    TaskRecord* record = tasks_.find(task);
    if (!record || record->state != TaskRecord::State::kLeased) return;
    // `run` was placed first: where that one has not left, the other one has not either.
    if (record->has_copy) {
        end_lease(*record, *copies_.find(task), now_us);
        copies_.erase(task);
        record->has_copy = false;
    }
    if (record->run.attempt_id == attempt_id) {
        end_lease(*record, record->run, now_us);
    } else {
        abandon(task, *record, record->run, now_us, actions);
    }
    drop(task, *record);
}

void Scheduler::expire(uint64_t now_us, std::vector<Action>& actions) {
    wheel_.expire(now_us, [&](uint32_t index) {
        const uint64_t task = task_ids_[index];
        TaskRecord* record = tasks_.find(task);
        if (!record) return;
        if (now_us >= record->deadline_us) {
            ++stats_.deadlines;
            const char* const nobody = why_nobody(*record);
            if (record->state == TaskRecord::State::kQueued) unqueue(task, *record);
            if (record->state == TaskRecord::State::kLeased) {
                abandon_all(task, *record, true, now_us, actions);
            }
            if (record->state == TaskRecord::State::kLocal) {
                actions.push_back({Action::Kind::kCancelLocal, Status::kDeadline, task});
            }
            end(task, *record, Status::kDeadline,
                nobody ? nobody : "the deadline passed before an answer came", actions);
            return;
        }
        if (record->reach.circle == Circle::kOwn && now_us >= ask_at_us(*record)) {
            record->asked_early = true;
            if (const char* const nobody = why_nobody(*record)) {
                unqueue(task, *record);
                end(task, *record, Status::kDisconnected, nobody, actions);
                return;
            }
        }
        if (record->state == TaskRecord::State::kLeased) {
            Attempt* const second = record->has_copy ? copies_.find(task) : nullptr;
            if (second && now_us >= second->lease_until_us) {
                return lease_over(task, *record, *second, now_us, actions);
            }
            if (now_us >= record->run.lease_until_us) {
                return lease_over(task, *record, record->run, now_us, actions);
            }
            const uint32_t after_us = record->run.copy_after_us;
            if (after_us != 0 && now_us >= record->run.placed_us + after_us) {
                copy_late(task, *record, now_us, actions);
            }
        }
        arm(task, *record);
    });
}

}  // namespace p2c2r::sched
