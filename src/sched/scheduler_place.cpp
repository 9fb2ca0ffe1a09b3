// Placing: which of the waiting tasks is given to which peer, and why.
#include <algorithm>
#include <functional>
#include <iterator>

#include "core/fault.h"
#include "core/plant.h"
#include "sched/attempt_id.h"
#include "sched/scheduler.h"

namespace p2c2r::sched {

namespace {

// Tasks that may go to one peer on one choice, and how much later than the first the last of them
// may be done.
constexpr uint32_t kRunTasksMax = 8;
constexpr uint64_t kRunSlackUs = 20;

// Below that a task is not worth beginning: at all, and while another one waits that has more time.
constexpr float kHopeless = 0.05F;
constexpr float kDoubtful = 0.5F;
constexpr const char* kWhyHopeless =
    "peers are so busy that it cannot be done by its deadline any more";

// What a task counts in the turns of its account: no task is for nothing.
uint64_t cost_of(double estimate_us) {
    return static_cast<uint64_t>(static_cast<int64_t>(estimate_us)) + 1;
}

}  // namespace

// What can fail comes before the task leaves its queue.
void Scheduler::room_for_lease(PeerRecord& peer, std::vector<Action>& actions) {
    const auto grow = [](auto& list) {
        if (list.size() == list.capacity()) list.reserve(2 * list.size() + 16);
    };
    grow(peer.leases);
    grow(actions);
}

void Scheduler::note_tried(TaskRecord& record, uint64_t peer) {
    if (record.tried_count == std::size(record.tried)) {
        std::copy(record.tried + 1, std::end(record.tried), record.tried);
        --record.tried_count;
        if (record.doubted > 0) --record.doubted;
    }
    record.tried[record.tried_count++] = peer;
}

void Scheduler::give(uint64_t task, TaskRecord& record, Attempt& run, PeerRecord& peer,
                     const PeerTable::Choice& choice, CopyCause copy, uint64_t now_us,
                     std::vector<Action>& actions) {
    random_.fill(run.nonce);
    peer.leases.push_back(task);
    run.lease_position = static_cast<uint32_t>(peer.leases.size() - 1) & 0x0FFFFFFF;
    run.is_copy = copy != CopyCause::kNone;
    run.is_answering = 0;
    run.lacked_data = choice.data_us != 0;
    run.asked_data = 0;
    note_tried(record, choice.peer);
    run.peer = choice.peer;
    run.placed_us = now_us;
    run.attempt_id = attempt_id_of(task, ++record.placements);
    if (P2C2R_PLANT("attempt_id_reused")) run.attempt_id = attempt_id_of(task, 1);
    run.estimate_us = static_cast<float>(peers_.estimate_us(peer, record.type, record.bytes));
    run.ahead_us = static_cast<float>(peer.backlog_us / std::max(1u, peer.slots));
    run.given_us = now_us;
    run.lease_until_us = lease_end_us(record, run, peer, now_us);
    Placement& placement = placements_[placements_next_++ % kPlacementsKept];
    placement = {task,
                 choice.peer,
                 now_us,
                 choice.finish_us,
                 choice.considered,
                 peer.held,
                 record.attempts,
                 choice.free_slot,
                 copy,
                 choice.is_safer,
                 choice.chance,
                 choice.data_us,
                 choice.data};
    if (choice.data == Residence::kLacking) bring_content(record, peer, now_us + choice.data_us);
    run.copy_after_us = run.is_copy || credit_.is_off() ? 0 : first_look_us(record, run);
    peers_.held_more(peer, record.bytes, run.estimate_us, now_us);
    run.share_us = peer.share_us;
    actions.push_back({Action::Kind::kAssign, Status::kOk, task, choice.peer, run.attempt_id});
}

void Scheduler::lease(uint64_t task, TaskRecord& record, PeerRecord& peer,
                      const PeerTable::Choice& choice, uint64_t now_us,
                      std::vector<Action>& actions) {
    ++record.attempts;
    record.state = TaskRecord::State::kLeased;
    give(task, record, record.run, peer, choice, CopyCause::kNone, now_us, actions);
    // Once, whoever fails it or hands it back.
    if (record.placements == 1) {
        queues_.charge(record.flow, cost_of(record.run.estimate_us));
    }
    arm(task, record);
    credit_.earn();
    ++stats_.assigned;
    if (record.attempts > 1) ++stats_.retries;
}

Status Scheduler::assign_to(uint64_t task, uint64_t peer, uint64_t now_us,
                            std::vector<Action>& actions) {
    TaskRecord* record = tasks_.find(task);
    PeerRecord* target = peers_.find(peer);
    if (!record || !target) return Status::kStale;
    if (record->state != TaskRecord::State::kQueued) return Status::kState;
    if (!peers_.learned(*target, record->type)) return Status::kTaskType;
    if (!target->is_within(record->reach)) return Status::kDenied;
    if (!target->takes(record->bytes)) return Status::kBusy;
    room_for_lease(*target, actions);
    unqueue(task, *record);
    PeerTable::Choice choice;
    choice.peer = peer;
    const PeerTable::DataWay way = peers_.data_way(*target, record->content, now_us);
    choice.data = way.data;
    choice.data_us = way.us;
    choice.finish_us =
        now_us + way.us +
        static_cast<uint64_t>(peers_.estimate_us(*target, record->type, record->bytes));
    choice.free_slot = target->held < target->slots;
    choice.considered = 1;
    lease(task, *record, *target, choice, now_us, actions);
    return Status::kOk;
}

// The coordinator computes the head of a queue itself.
void Scheduler::place_here(const TaskQueues::Head& head, TaskRecord& record, uint64_t now_us,
                           std::vector<Action>& actions) {
    const uint64_t task = head.entry->task;
    actions.reserve(actions.size() + 1);
    queues_.pop(head, now_us);
    if (record.placements == 0) {
        queues_.charge(record.flow, cost_of(mean_compute_us(record.type)));
    }
    start_local(task, record, now_us, actions);
}

// Whoever got it would be working in vain, while others wait. A peer that has nothing else to do
// may try: perhaps it has become faster than is known of it.
bool Scheduler::is_hopeless(const TaskRecord& record, const PeerTable::Choice& choice,
                            uint64_t now_us) {
    if (choice.chance >= kDoubtful || !queues_.is_overloaded(record.flow, now_us)) return false;
    if (record.attempts > 0 || record.input_open) return false;
    if (choice.chance >= kHopeless && !queues_.has_more(record.flow)) return false;
    const PeerRecord& peer = *peers_.find(choice.peer);
    return peer.held > 0 && mean_compute_us(record.type) > 0 && now_us < record.deadline_us;
}

uint64_t Scheduler::late_by_us(const Admission& admission, size_t before, uint64_t now_us) {
    if (queues_.is_empty()) return 0;
    const bool own = admission.reach.circle == Circle::kOwn;
    const uint32_t flow = own ? queues_.flow_of(admission.account, admission.type, admission.reach)
                              : queues_.flow_of(admission.account, admission.type);
    if (!queues_.is_overloaded(flow, now_us)) return 0;
    const uint64_t wait_us =
        queues_.wait_us(flow, TaskQueue::key_of(admission.priority, admission.deadline_us), before);
    if (wait_us == 0) return 0;
    // Both are means: who counts on these is late every other time.
    const auto round_us = static_cast<uint64_t>(peers_.mean_round_us(admission.type));
    const uint64_t end_us = now_us + wait_us + wait_us / 3 + round_us + round_us / 4;
    return end_us - std::min(end_us, admission.deadline_us);
}

// Places the next tasks of the queue, at most so many: one after the other on one peer, as long as
// it would be done with the next as soon as the best one for the first, but for a moment. False:
// nothing waits, or no peer has room.
bool Scheduler::place_some(uint32_t queue, uint32_t tasks_max, uint64_t now_us,
                           std::vector<Action>& actions) {
    const TaskQueues::Head head = front(queue);
    if (!head.entry) return false;
    const uint64_t task = head.entry->task;
    TaskRecord& record = *tasks_.find(task);
    if (record.input_open && is_distrusted(record, now_us)) {
        queues_.pop(head, now_us);
        record.state = TaskRecord::State::kStalled;
        return true;
    }
    const TypeIndex type = record.type;
    Reach reach = record.reach;
    if (P2C2R_PLANT("circle_ignored_on_failover") && record.attempts > 0) {
        reach.circle = Circle::kInvited;
    }
    // Another peer first; one that has tried already only when it is alone.
    PeerTable::Choice choice = peers_.choose({type, record.bytes, reach, record.deadline_us,
                                              record.tried, record.tried_count, record.content},
                                             now_us);
    if (choice.peer == 0 && record.tried_count > 0) {
        if (record.can_run_local && record.attempts > 0) {
            place_here(head, record, now_us, actions);
            return true;
        }
        choice = peers_.choose(
            {type, record.bytes, reach, record.deadline_us, nullptr, 0, record.content}, now_us);
    }
    if (choice.peer == 0) {
        if (!record.can_run_local || peers_.serving(type, record.reach) > 0) return false;
        place_here(head, record, now_us, actions);
        return true;
    }
    if (is_hopeless(record, choice, now_us)) {
        actions.reserve(actions.size() + 1);
        queues_.pop(head, now_us);
        ++stats_.hopeless;
        end(task, record, Status::kBusy, kWhyHopeless, actions);
        return true;
    }
    PeerRecord& peer = *peers_.find(choice.peer);
    room_for_lease(peer, actions);
    queues_.pop(head, now_us);
    lease(task, record, peer, choice, now_us, actions);
    if (is_short(record, now_us)) copy_at_once(task, record, now_us, actions);
    // Where every moment counts, or the data has to come first, each is looked at by itself.
    if (choice.chance < 1 || choice.data_us > 0) return true;
    for (uint32_t placed = 1; placed < tasks_max && !P2C2R_FAULT("run_ends"); ++placed) {
        const TaskQueues::Head behind = front(queue);
        if (!behind.entry) return true;
        const uint64_t next_task = behind.entry->task;
        TaskRecord& next = *tasks_.find(next_task);
        // It is within reach, but for a task that memory was short to give a queue of its own.
        if (next.attempts > 0 || next.input_open || !peer.is_within(next.reach)) return true;
        // Another content may lie elsewhere.
        if (next.content != record.content || !peer.takes(next.bytes)) return true;
        PeerTable::Choice again = choice;
        again.finish_us = peers_.finish_us(peer, type, now_us);
        again.free_slot = peer.held < peer.slots;
        if (again.finish_us > choice.finish_us + kRunSlackUs) return true;
        room_for_lease(peer, actions);
        queues_.pop(behind, now_us);
        lease(next_task, next, peer, again, now_us, actions);
        if (is_short(next, now_us)) copy_at_once(next_task, next, now_us, actions);
    }
    return true;
}

inline void Scheduler::place_waiting(const std::vector<uint32_t>& waiting, uint64_t now_us,
                                     std::vector<Action>& actions) {
    if (waiting.size() == 1) {
        const uint32_t queue = waiting.front();
        while (place_some(queue, kRunTasksMax, now_us, actions)) {
        }
        return;
    }
    // Queues share peers, so the head goes first whose account's turn it is; a queue whose head
    // finds no peer stands aside for this round.
    const auto later = std::greater<>();
    TaskQueues::Heads& heads = queues_.heads();
    heads.clear();
    const auto add = [&](uint32_t queue) {
        const TaskQueues::Head head = front(queue);
        if (!head.entry) return;
        heads.emplace_back(head.mark, queue);
        std::push_heap(heads.begin(), heads.end(), later);
    };
    for (const uint32_t queue : waiting) add(queue);
    while (!heads.empty()) {
        std::pop_heap(heads.begin(), heads.end(), later);
        const uint32_t queue = heads.back().second;
        heads.pop_back();
        if (place_some(queue, 1, now_us, actions)) add(queue);
    }
}

void Scheduler::dispatch(uint64_t now_us, std::vector<Action>& actions) {
    if (!wanting_.empty()) place_wanting(now_us, actions);
    const std::vector<uint32_t>& waiting = queues_.waiting();
    if (!waiting.empty()) place_waiting(waiting, now_us, actions);
    // A slot that is idle now is of no use to anything that waits here.
    if (!peers_.is_lopsided()) return;
    if (now_us >= look_from_us_) return take_back(now_us, actions);
    look_us_ = look_from_us_;
}

const Placement* Scheduler::explain(uint64_t task, bool copy) const {
    for (size_t back = 1; back <= kPlacementsKept && back <= placements_next_; ++back) {
        const Placement& placement = placements_[(placements_next_ - back) % kPlacementsKept];
        const bool is_copy = placement.copy != CopyCause::kNone;
        if (placement.task == task && is_copy == copy) return &placement;
    }
    return nullptr;
}

}  // namespace p2c2r::sched
