#include "sched/scheduler.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "core/plant.h"

namespace p2c2r::sched {

namespace {

constexpr size_t kPlacementsKept = 1024;
constexpr uint8_t kRefusalsMax = 8;
// Tasks that may go to one peer on one choice, and how much later than the first the last of them
// may be done.
constexpr uint32_t kRunTasksMax = 8;
constexpr uint64_t kRunSlackUs = 20;

// The number of the placement stands in bits 28..31 of the id on the peer's hop, so that two
// attempts of one task never share an id, even on the same peer. kTasksPendingMax leaves these bits
// free.
constexpr int kAttemptShift = 28;
static_assert(limits::kTasksPendingMax < (1u << kAttemptShift));
static_assert(limits::kAttemptsMax + kRefusalsMax + 1 < 16);

uint64_t attempt_id_of(uint64_t task, uint32_t attempt) {
    return task | static_cast<uint64_t>(attempt) << kAttemptShift;
}
uint64_t task_of(uint64_t attempt_id) {
    return attempt_id & ~(0xFull << kAttemptShift);
}

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

Scheduler::Scheduler(uint32_t peers_max, RandomSource& random)
    : peers_(peers_max), random_(random), placements_(kPlacementsKept) {}

// ---- types -------------------------------------------------------------------------------------

TypeIndex Scheduler::find_type(std::string_view task_type) const {
    for (size_t i = 0; i < type_names_.size(); ++i) {
        if (type_names_[i] == task_type) return static_cast<TypeIndex>(i);
    }
    return kNoType;
}

TypeIndex Scheduler::type_index(std::string_view task_type) {
    if (const TypeIndex known = find_type(task_type); known != kNoType) return known;
    if (type_names_.size() >= limits::kTaskTypesMax) return kNoType;
    // The name comes last: what fails before it leaves spare places and no type without them.
    queues_.resize((type_names_.size() + 1) * kCirclesCount);
    ever_served_.resize(type_names_.size() + 1);
    open_.reserve(queues_.size());
    type_names_.emplace_back(task_type);
    return static_cast<TypeIndex>(type_names_.size() - 1);
}

size_t Scheduler::queued() const {
    size_t count = 0;
    for (const TaskQueue& queue : queues_) count += queue.live();
    return count;
}

// ---- peers -------------------------------------------------------------------------------------

uint64_t Scheduler::peer_joined(PeerRecord&& record, const std::vector<std::string>& task_types,
                                uint64_t now_us) {
    std::vector<TypeIndex> types;
    for (const std::string& name : task_types) {
        const TypeIndex type = type_index(name);
        if (type == kNoType || std::find(types.begin(), types.end(), type) != types.end()) continue;
        types.push_back(type);
        ever_served_[type] = true;
    }
    return peers_.join(std::move(record), types, now_us);
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
        if (P2C2R_PLANT("lost_peer_tasks_forgotten")) break;
        TaskRecord* lost = tasks_.find(task);
        if (!lost || lost->state != TaskRecord::State::kLeased || lost->peer != peer) continue;
        lost->peer = 0;
        try_again(task, *lost, Status::kDisconnected, now_us, actions);
    }
}

void Scheduler::peer_window(uint64_t peer, uint32_t window_tasks, uint64_t now_us) {
    peers_.set_window(peer, window_tasks, now_us);
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
    record.circle = admission.circle;
    record.deadline_us = admission.deadline_us;
    record.start_timeout_us = admission.start_timeout_us;
    record.bytes = admission.bytes;
    record.can_run_local = admission.can_run_local;
    record.input_open = admission.input_open;
    record.admitted_us = now_us;
    if (admission.held) {
        record.state = TaskRecord::State::kHeld;
        arm(task, record);
    } else if (!enqueue(task, record, now_us)) {
        drop(task, record);
        throw std::bad_alloc();
    }
    return task;
}

void Scheduler::release(uint64_t task, uint64_t now_us) {
    TaskRecord* record = tasks_.find(task);
    if (record && record->state == TaskRecord::State::kHeld) (void)enqueue(task, *record, now_us);
}

void Scheduler::input_complete(uint64_t task, uint64_t now_us) {
    TaskRecord* record = tasks_.find(task);
    if (!record) return;
    record->input_open = false;
    if (record->state != TaskRecord::State::kLeased) return;
    record->given_us = now_us;
    renew_lease(task, *record, now_us);
}

void Scheduler::answer_continues(uint64_t task, uint64_t now_us) {
    TaskRecord* record = tasks_.find(task);
    if (record && record->state == TaskRecord::State::kLeased) renew_lease(task, *record, now_us);
}

void Scheduler::renew_lease(uint64_t task, TaskRecord& record, uint64_t now_us) {
    const PeerRecord& peer = *peers_.find(record.peer);
    record.lease_until_us =
        now_us + peers_.timeout_us(peer, record.type, record.bytes, record.start_timeout_us);
    arm(task, record);
}

// What giving up an attempt could gain: an answer from somebody else.
bool Scheduler::could_go_elsewhere(const TaskRecord& record, const PeerRecord& peer) const {
    if (record.can_run_local) return true;
    if (record.attempts >= limits::kAttemptsMax) return false;
    const uint32_t serving = peers_.serving(record.type, record.circle);
    return serving > (peer.window_tasks > 0 ? 1u : 0u);
}

void Scheduler::arm(uint64_t task, const TaskRecord& record) {
    uint64_t at = record.deadline_us;
    // While its input is still coming the gamer is to blame for the time that passes.
    if (record.state == TaskRecord::State::kLeased && !record.input_open) {
        at = std::min(at, record.lease_until_us);
    }
    wheel_.set(SlotMap<TaskRecord>::index_of(task), at);
}

// False: memory is short for its place in the queue. It is held then, until its deadline.
bool Scheduler::enqueue(uint64_t task, TaskRecord& record, uint64_t) noexcept {
    record.state = TaskRecord::State::kHeld;
    record.peer = 0;
    ++record.queue_stamp;
    arm(task, record);
    try {
        queue_of(record).push(
            {TaskQueue::key_of(record.priority, record.deadline_us), task, record.queue_stamp});
    } catch (const std::bad_alloc&) {
        return false;
    }
    record.state = TaskRecord::State::kQueued;
    return true;
}

void Scheduler::unqueue(uint64_t, TaskRecord& record) {
    // The entry dies with its stamp.
    ++record.queue_stamp;
    queue_of(record).removed([this](const TaskQueue::Entry& entry) {
        const TaskRecord* other = tasks_.find(entry.task);
        return other && other->state == TaskRecord::State::kQueued &&
               other->queue_stamp == entry.stamp;
    });
}

void Scheduler::lease(uint64_t task, TaskRecord& record, const PeerTable::Choice& choice,
                      uint64_t now_us, std::vector<Action>& actions) {
    PeerRecord& peer = *peers_.find(choice.peer);
    // What can fail comes first.
    random_.fill(record.nonce);
    peer.leases.push_back(task);
    record.lease_position = static_cast<uint32_t>(peer.leases.size() - 1);
    record.tried[std::min<size_t>(record.attempts, limits::kAttemptsMax - 1)] = choice.peer;
    ++record.attempts;
    record.state = TaskRecord::State::kLeased;
    record.peer = choice.peer;
    record.placed_us = now_us;
    record.attempt_id = attempt_id_of(task, ++record.placements);
    record.estimate_us = peers_.estimate_us(peer, record.type);
    record.given_us = now_us;
    record.lease_until_us =
        now_us + peers_.timeout_us(peer, record.type, record.bytes, record.start_timeout_us);
    Placement& placement = placements_[placements_next_++ % kPlacementsKept];
    placement = {task,      choice.peer,     now_us,          choice.finish_us, choice.considered,
                 peer.held, record.attempts, choice.free_slot};
    peers_.held_more(choice.peer, record.type, record.bytes, record.estimate_us, now_us);
    record.share_us = peer.share_us;
    arm(task, record);
    ++stats_.assigned;
    if (record.attempts > 1) ++stats_.retries;
    actions.push_back({Action::Kind::kAssign, Status::kOk, task, choice.peer, record.attempt_id});
}

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

void Scheduler::try_again(uint64_t task, TaskRecord& record, Status why, uint64_t now_us,
                          std::vector<Action>& actions) {
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
    record.peer = 0;
    record.placed_us = now_us;
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
    record.state = TaskRecord::State::kFree;
    tasks_.erase(task);
}

void Scheduler::withdraw(uint64_t task, uint64_t now_us, std::vector<Action>& actions) {
    TaskRecord* record = tasks_.find(task);
    if (!record) return;
    (void)now_us;
    switch (record->state) {
        case TaskRecord::State::kQueued:
            unqueue(task, *record);
            break;
        case TaskRecord::State::kLeased:
            abandon(*record, task, actions);
            if (P2C2R_PLANT("slot_freed_on_cancel")) {
                answer_ended(record->peer, record->attempt_id, now_us);
            }
            break;
        case TaskRecord::State::kLocal:
            actions.push_back({Action::Kind::kCancelLocal, Status::kCancelled, task});
            break;
        case TaskRecord::State::kHeld:
            break;
        case TaskRecord::State::kFree:
            return;
    }
    drop(task, *record);
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
        ++holder->completed;
        unlist_lease(*holder, record);
        peers_.answered(peer, record.type, record.bytes, record.estimate_us, compute_us,
                        now_us - record.given_us, now_us);
        holder->accepted_slot_us += holder->share_us - record.share_us;
        drop(task, record);
        return Verdict::kAccepted;
    }
    end_lease(record, now_us);
    if (is_final(status)) {
        drop(task, record);
        return Verdict::kAccepted;
    }
    // A payload that does not match its checksum may have been spoiled on the way here: it is tried
    // elsewhere, and says nothing about the peer.
    if (status != Status::kContent) {
        ++holder->failed;
        ++holder->failures;
    }
    try_again(task, record, status, now_us, actions);
    return Verdict::kRetried;
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
    // It never started, so it does not count as an attempt; refusals have a bound of their own.
    if (++record.refusals <= kRefusalsMax && record.attempts > 0) --record.attempts;
    try_again(task, record, Status::kBusy, now_us, actions);
    return Verdict::kRetried;
}

void Scheduler::local_ended(uint64_t task) {
    TaskRecord* record = tasks_.find(task);
    if (record && record->state == TaskRecord::State::kLocal) drop(task, *record);
}

Status Scheduler::assign_to(uint64_t task, uint64_t peer, uint64_t now_us,
                            std::vector<Action>& actions) {
    TaskRecord* record = tasks_.find(task);
    PeerRecord* target = peers_.find(peer);
    if (!record || !target) return Status::kStale;
    if (record->state != TaskRecord::State::kQueued) return Status::kState;
    if (!peers_.learned(*target, record->type)) return Status::kTaskType;
    if (target->circle > record->circle) return Status::kDenied;
    if (!target->takes(record->bytes)) return Status::kBusy;
    unqueue(task, *record);
    PeerTable::Choice choice;
    choice.peer = peer;
    choice.finish_us = now_us + static_cast<uint64_t>(peers_.estimate_us(*target, record->type));
    choice.free_slot = target->held < target->slots;
    choice.considered = 1;
    lease(task, *record, choice, now_us, actions);
    return Status::kOk;
}

// ---- placing -----------------------------------------------------------------------------------

// Places the most urgent tasks of the queue, at most so many: one after the other on one peer, as
// long as it would be done with the next as soon as the best one for the first, but for a moment.
// False: nothing waits, or no peer has room.
bool Scheduler::place_some(size_t queue, uint32_t tasks_max, uint64_t now_us,
                           std::vector<Action>& actions) {
    const auto is_live = [this](const TaskQueue::Entry& entry) {
        const TaskRecord* record = tasks_.find(entry.task);
        return record && record->state == TaskRecord::State::kQueued &&
               record->queue_stamp == entry.stamp;
    };
    const TaskQueue::Entry* entry = queues_[queue].front(is_live);
    if (!entry) return false;
    uint64_t task = entry->task;
    TaskRecord& record = *tasks_.find(task);
    const TypeIndex type = record.type;
    // Another peer first; one that has tried already only when it is alone.
    PeerTable::Choice choice =
        peers_.choose(type, record.bytes, record.circle, record.tried, record.attempts, now_us);
    if (choice.peer == 0 && record.attempts > 0) {
        if (record.can_run_local) {
            queues_[queue].pop(entry);
            start_local(task, record, now_us, actions);
            return true;
        }
        choice = peers_.choose(type, record.bytes, record.circle, nullptr, 0, now_us);
    }
    if (choice.peer == 0) {
        if (!record.can_run_local || peers_.serving(type, record.circle) > 0) return false;
        queues_[queue].pop(entry);
        start_local(task, record, now_us, actions);
        return true;
    }
    queues_[queue].pop(entry);
    lease(task, record, choice, now_us, actions);
    const PeerRecord& peer = *peers_.find(choice.peer);
    for (uint32_t placed = 1; placed < tasks_max; ++placed) {
        entry = queues_[queue].front(is_live);
        if (!entry) return true;
        task = entry->task;
        TaskRecord& next = *tasks_.find(task);
        if (next.attempts > 0 || !peer.takes(next.bytes)) return true;
        PeerTable::Choice again = choice;
        again.finish_us = peers_.finish_us(peer, type, now_us);
        again.free_slot = peer.held < peer.slots;
        if (again.finish_us > choice.finish_us + kRunSlackUs) return true;
        queues_[queue].pop(entry);
        lease(task, next, again, now_us, actions);
    }
    return true;
}

void Scheduler::dispatch(uint64_t now_us, std::vector<Action>& actions) {
    // Queues share peers, so the most urgent head of all goes first; a queue whose head finds no
    // peer stands aside for this round.
    std::vector<size_t>& open = open_;
    open.clear();
    for (size_t queue = 0; queue < queues_.size(); ++queue) {
        if (queues_[queue].live() > 0) open.push_back(queue);
    }
    if (open.size() == 1) {
        while (place_some(open[0], kRunTasksMax, now_us, actions)) {
        }
        return;
    }
    const auto is_live = [this](const TaskQueue::Entry& entry) {
        const TaskRecord* record = tasks_.find(entry.task);
        return record && record->state == TaskRecord::State::kQueued &&
               record->queue_stamp == entry.stamp;
    };
    while (!open.empty()) {
        size_t best = open.size();
        uint64_t best_key = 0;
        for (size_t i = 0; i < open.size(); ++i) {
            const TaskQueue::Entry* entry = queues_[open[i]].front(is_live);
            if (entry && (best == open.size() || entry->key < best_key)) {
                best = i;
                best_key = entry->key;
            }
        }
        if (best == open.size()) return;
        if (!place_some(open[best], 1, now_us, actions)) {
            open.erase(open.begin() + static_cast<ptrdiff_t>(best));
        }
    }
}

void Scheduler::expire(uint64_t now_us, std::vector<Action>& actions) {
    wheel_.expire(now_us, [&](uint32_t index) {
        const uint64_t task = task_ids_[index];
        TaskRecord* record = tasks_.find(task);
        if (!record) return;
        if (now_us >= record->deadline_us) {
            ++stats_.deadlines;
            if (record->state == TaskRecord::State::kQueued) unqueue(task, *record);
            if (record->state == TaskRecord::State::kLeased) abandon(*record, task, actions);
            if (record->state == TaskRecord::State::kLocal) {
                actions.push_back({Action::Kind::kCancelLocal, Status::kDeadline, task});
            }
            end(task, *record, Status::kDeadline, "the deadline passed before an answer came",
                actions);
            return;
        }
        if (record->state == TaskRecord::State::kLeased && !record->input_open &&
            now_us >= record->lease_until_us) {
            PeerRecord& peer = *peers_.find(record->peer);
            if (!could_go_elsewhere(*record, peer)) {
                // A late answer is better than none. Somebody else may join meanwhile.
                renew_lease(task, *record, now_us);
                return;
            }
            ++stats_.timeouts;
            ++peer.failures;
            if (Learned* learned = peers_.learned(peer, record->type)) ++learned->timeouts;
            abandon(*record, task, actions);
            if (P2C2R_PLANT("attempts_not_counted")) --record->attempts;
            try_again(task, *record, Status::kTimeout, now_us, actions);
            return;
        }
        arm(task, *record);
    });
}

const Placement* Scheduler::explain(uint64_t task) const {
    for (size_t back = 1; back <= kPlacementsKept && back <= placements_next_; ++back) {
        const Placement& placement = placements_[(placements_next_ - back) % kPlacementsKept];
        if (placement.task == task) return &placement;
    }
    return nullptr;
}

}  // namespace p2c2r::sched
