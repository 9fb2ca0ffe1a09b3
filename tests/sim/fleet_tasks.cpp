// The tasks of a fleet: asked for, placed, answered.
#include <algorithm>

#include "sim/fleet.h"
#include "sim/fleet_world.h"

namespace p2c2r::sim {

namespace {

constexpr uint64_t kDeadlineFirstUs = 600'000'000;  // nothing is late while machines are filled
constexpr uint64_t kDeadlineLeastUs = 100'000;
constexpr double kDeadlineTimes = 6;  // as long as a task takes on a usual machine, beside that
constexpr uint64_t kStartTimeoutUs = 5'000'000;

}  // namespace

void Fleet::ask(uint32_t index) {
    const double rate = stage_->load * tasks_per_us_;
    if (--stage_->left > 0) {
        send(now_us_ + static_cast<uint64_t>(fleet_wait(prng_) / rate), Kind::kAsk, 0);
    }
    (void)index;
    Asked asked;
    double chosen = prng_.unit();
    while (asked.type + 1u < kTypes && chosen >= kFleetTypes[asked.type].share) {
        chosen -= kFleetTypes[asked.type++].share;
    }
    const double usual_us = kFleetTypes[asked.type].work_us;
    asked.work_us = static_cast<uint64_t>(usual_us * fleet_even(prng_, 0.7, 1.4));
    asked.asked_us = now_us_;
    sched::Admission admission;
    admission.type = types_[asked.type];
    admission.account = accounts_[prng_.below(accounts_.size())];
    admission.deadline_us =
        now_us_ + (stage_->load > 1
                       ? kDeadlineFirstUs
                       : kDeadlineLeastUs + static_cast<uint64_t>(kDeadlineTimes * usual_us));
    admission.start_timeout_us = kStartTimeoutUs;
    admission.bytes = 100;
    timed([&] { asked.task = scheduler_.admit(admission, now_us_); });
    if (asked.task == 0) return fail("a task was not admitted", asked_.size());
    const uint32_t slot = SlotMap<sched::TaskRecord>::index_of(asked.task);
    if (slot >= asked_of_slot_.size()) asked_of_slot_.resize(slot + 1);
    asked_of_slot_[slot] = static_cast<uint32_t>(asked_.size());
    asked_.push_back(asked);
    ++stage_->report.tasks;
    ++stage_->open;
    policy_.waits(asked.task);
}

void Fleet::place() {
    timed([&] { policy_.place(scheduler_, peers_, now_us_, actions_); });
    perform();
}

void Fleet::perform() {
    for (size_t i = 0; i < actions_.size(); ++i) {
        const sched::Action action = actions_[i];
        switch (action.kind) {
            case sched::Action::Kind::kAssign:
                assign(action);
                break;
            case sched::Action::Kind::kCancelAttempt: {
                const uint32_t slot = SlotMap<sched::PeerRecord>::index_of(action.peer);
                Machine& machine = machines_[machine_of_slot_[slot]];
                if (machine.peer != action.peer) break;
                for (const uint32_t held : machine.held) {
                    Attempt& attempt = attempts_[held];
                    if (attempt.id != action.attempt_id || attempt.cancelled) continue;
                    attempt.cancelled = true;
                    send(now_us_ + machine.one_way_us, Kind::kCancelAtPeer, held);
                    break;
                }
                const sched::TaskRecord* const task = scheduler_.find(action.task);
                if (task && task->state == sched::TaskRecord::State::kQueued) {
                    policy_.waits(action.task);
                }
                break;
            }
            case sched::Action::Kind::kEnd:
                end(asked_of_slot_[SlotMap<sched::TaskRecord>::index_of(action.task)],
                    action.status, nullptr);
                break;
            default:
                fail("an action that no fleet asks for", i);
        }
    }
    actions_.clear();
}

void Fleet::assign(const sched::Action& action) {
    const sched::Attempt* const run = scheduler_.attempt_at(action.task, action.peer);
    if (!run || run->attempt_id != action.attempt_id) return;  // it has ended in the same turn
    const uint32_t slot = SlotMap<sched::PeerRecord>::index_of(action.peer);
    const uint32_t at = slot < machine_of_slot_.size() ? machine_of_slot_[slot] : 0;
    Machine& machine = machines_[at];
    if (machine.peer != action.peer) return fail("a task is given to a machine that is gone", at);
    const uint32_t which = asked_of_slot_[SlotMap<sched::TaskRecord>::index_of(action.task)];
    const Asked& asked = asked_[which];
    if (asked.ended) return fail("a task that has ended is placed", which);
    if (machine.slow[asked.type] <= 0) return fail("a machine is given what it does not run", at);
    if (options_.in_hindsight) stage_->regret_ms.push_back(regret_ms(machine, asked));
    const auto index = static_cast<uint32_t>(attempts_.size());
    Attempt attempt;
    attempt.task = action.task;
    attempt.id = action.attempt_id;
    attempt.nonce = run->nonce;
    attempt.peer = at;
    attempt.asked = which;
    attempt.placed_us = now_us_;
    attempt.compute_us =
        static_cast<uint64_t>(static_cast<double>(asked.work_us) * machine.slow[asked.type]);
    attempts_.push_back(attempt);
    machine.held.push_back(index);
    if (machine.held.size() > machine.window) fail("a machine is given more than its window", at);
    ++stage_->placed;
    ++stage_->report.attempts;
    send(now_us_ + machine.one_way_us, Kind::kAtPeer, index);
}

void Fleet::let_go(Machine& machine, uint32_t attempt) {
    std::erase(machine.held, attempt);
}

void Fleet::answer(uint32_t index) {
    const Attempt attempt = attempts_[index];
    if (attempt.state != Attempt::State::kStopped) return;
    Machine& machine = machines_[attempt.peer];
    attempts_[index].state = Attempt::State::kGone;
    let_go(machine, index);
    const bool counts = !attempt.cancelled && !asked_[attempt.asked].ended;
    sched::Verdict verdict{};
    timed([&] {
        verdict = scheduler_.answered(machine.peer, attempt.id, attempt.nonce,
                                      attempt.cancelled ? Status::kCancelled : Status::kOk,
                                      attempt.compute_us, now_us_, actions_);
    });
    const bool was_accepted = verdict == sched::Verdict::kAccepted;
    if (was_accepted != counts) fail("an answer counts that may not, or the other way", index);
    if (was_accepted) return end(attempt.asked, Status::kOk, &attempt);
    if (is_measured_) stage_->wasted_us += static_cast<double>(attempt.compute_us);
}

void Fleet::end(uint32_t which, Status status, const Attempt* by) {
    Asked& asked = asked_[which];
    if (asked.ended) return fail("a task ended twice", which);
    asked.ended = true;
    --stage_->open;
    mix(static_cast<uint64_t>(which) << 8 ^ static_cast<uint64_t>(status));
    StageReport& report = stage_->report;
    if (!by) {
        const bool is_late = status == Status::kDeadline || status == Status::kBusy;
        ++(is_late ? report.late : report.failed);
        if (stage_->load > 1) fail("a task was not done that had all the time there is", which);
        return;
    }
    ++report.done;
    const Machine& machine = machines_[by->peer];
    const uint64_t took = now_us_ - asked.asked_us;
    stage_->latency_ms.push_back(fleet_ms(took));
    stage_->overhead_ms.push_back(fleet_ms(took - by->compute_us - 2 * machine.one_way_us));
}

}  // namespace p2c2r::sim
