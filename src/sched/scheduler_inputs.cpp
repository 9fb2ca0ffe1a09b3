// Inputs that are still coming. A task is given to a peer with the first bytes of its input, so
// that the rest passes through while it comes. A slot at a peer is dear: while nobody else wants it
// the rest may take its time, but whoever lets others wait for it keeps a pace, or waits himself
// until his input is whole. That is nobody's failure: no attempt counts, and no peer is to blame.
#include <algorithm>

#include "sched/scheduler.h"

namespace p2c2r::sched {

namespace {

// Of an input that somebody waits behind, 1 MB/s. What came faster saves nothing up, so a pause is
// never longer than kInputPauseUs.
constexpr uint64_t kInputBytesPerUs = 1;
// How often it is looked whether the slot of one that stalls is wanted meanwhile.
constexpr uint64_t kLookAgainUs = 10'000;
// So long after one the inputs of its account are whole before they are placed: who begins one
// after the other would have a slot for each pause.
constexpr uint64_t kStallKnownUs = 1'000'000;

}  // namespace

void Scheduler::input_continues(uint64_t task, uint64_t bytes, uint64_t now_us) {
    TaskRecord* record = tasks_.find(task);
    if (!record || record->state != TaskRecord::State::kLeased || !record->input_open) return;
    record->run.given_us = std::min(now_us, record->run.given_us + bytes / kInputBytesPerUs);
    renew_lease(task, *record, record->run, now_us);
}

bool Scheduler::input_complete(uint64_t task, uint64_t now_us) noexcept {
    TaskRecord* record = tasks_.find(task);
    if (!record || !record->input_open) return true;
    const bool leased = record->state == TaskRecord::State::kLeased;
    if (leased) pay_for_input(*record, now_us);
    record->input_open = false;
    if (leased) {
        Attempt& run = record->run;
        run.given_us = now_us;
        run.copy_after_us = first_look_us(*record, run);
        renew_lease(task, *record, run, now_us);
    } else if (record->state == TaskRecord::State::kStalled) {
        record->asked_early = false;
        return enqueue(task, *record, now_us);
    }
    return true;
}

// Does anybody else wait for what this task has at its peer? Its own account's tasks do when they
// are whole.
bool Scheduler::is_slot_wanted(const TaskRecord& record) {
    PeerRecord& peer = *peers_.find(record.run.peer);
    const AccountIndex account = queues_.account_of(record.flow);
    const auto waits = [&](uint32_t flow, uint64_t task) {
        const TaskRecord& other = *tasks_.find(task);
        return (queues_.account_of(flow) != account || !other.input_open) &&
               !peer.has_room(other.bytes) && peer.is_within(other.reach) &&
               peers_.learned(peer, other.type);
    };
    const std::vector<uint32_t>& waiting = queues_.waiting();
    return std::any_of(waiting.begin(), waiting.end(), [&](uint32_t queue) {
        return queues_.any_next(
            queue, [this](const auto& entry) { return is_live(entry); }, waits);
    });
}

// Its input is behind its pace.
void Scheduler::look_at_input(uint64_t task, TaskRecord& record, uint64_t now_us,
                              std::vector<Action>& actions) {
    if (is_slot_wanted(record)) {
        abandon(task, record, record.run, now_us, actions);
        --record.attempts;
        --record.tried_count;
        queues_.stalled(record.flow, now_us + kStallKnownUs);
        record.state = TaskRecord::State::kStalled;
        record.run.peer = 0;
        ++stats_.stalled_inputs;
    } else {
        record.run.lease_until_us = now_us + kLookAgainUs;
    }
    arm(task, record);
}

}  // namespace p2c2r::sched
