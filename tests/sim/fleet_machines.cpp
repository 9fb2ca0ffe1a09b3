// The machines of a fleet: they come and go, and work off what they are given.
#include <algorithm>
#include <cmath>

#include "sim/fleet.h"
#include "sim/fleet_world.h"

namespace p2c2r::sim {

namespace {

constexpr double kSpeedRange = 30;    // between the slowest machine and the fastest
constexpr uint64_t kSliceUs = 5'000;  // how often a job looks whether it was cancelled

}  // namespace

void Fleet::add_machine() {
    Machine machine;
    const double root = std::sqrt(kSpeedRange);
    const double slow = fleet_even(prng_, 1 / root, root);
    double mean_us = 0;
    double share = 0;
    std::vector<std::string> names;
    for (size_t i = 0; i < kTypes; ++i) {
        // Each is better at some types than at others; and every one runs the first.
        const double own = slow * fleet_even(prng_, 0.7, 1.4);
        if (i > 0 && prng_.chance(0.1)) continue;
        machine.slow[i] = own;
        mean_us += own * kFleetTypes[i].work_us * kFleetTypes[i].share;
        share += kFleetTypes[i].share;
        names.emplace_back(kFleetTypes[i].name);
    }
    machine.one_way_us = static_cast<uint64_t>(fleet_even(prng_, 500, 40'000));
    machine.slots = static_cast<uint32_t>(prng_.between(1, 4));
    // So many ahead of need that the next one is there when a slot is free.
    const double ahead = 1 + 2 * static_cast<double>(machine.one_way_us) / mean_us;
    const auto fitting = static_cast<uint32_t>(std::ceil(ahead * machine.slots));
    machine.window = machine.slots + (options_.prefetch > 0 ? options_.prefetch : fitting);
    sched::PeerRecord record;
    record.peer_id = "m" + std::to_string(machines_.size());
    record.slots = machine.slots;
    record.window_tasks = machine.window;
    record.window_bytes = 256ull << 20;
    if (options_.speeds_told) record.speed = fleet_even(prng_, 0.5, 2) / slow;
    machine.peer = scheduler_.peer_joined(std::move(record), names, now_us_);
    if (machine.peer == 0) return fail("the table of peers is full", peers_.size());
    const uint32_t slot = SlotMap<sched::PeerRecord>::index_of(machine.peer);
    if (slot >= machine_of_slot_.size()) machine_of_slot_.resize(slot + 1);
    machine_of_slot_[slot] = static_cast<uint32_t>(machines_.size());
    peers_.push_back(machine.peer);
    machine.tasks_per_us = machine.slots * share / mean_us;
    tasks_per_us_ += machine.tasks_per_us;
    slots_ += machine.slots;
    machines_.push_back(std::move(machine));
}

void Fleet::plan_leave() {
    if (options_.churn_per_minute <= 0) return;
    const double rate = options_.churn_per_minute * options_.peers / 60e6;
    send(now_us_ + 1 + static_cast<uint64_t>(fleet_wait(prng_) / rate), Kind::kLeave, 0);
}

// One goes without a word, and another one comes.
void Fleet::leave(uint32_t) {
    const size_t at = prng_.below(peers_.size());
    const uint64_t peer = peers_[at];
    peers_[at] = peers_.back();
    peers_.pop_back();
    Machine& gone = machines_[machine_of_slot_[SlotMap<sched::PeerRecord>::index_of(peer)]];
    tasks_per_us_ -= gone.tasks_per_us;
    slots_ -= gone.slots;
    running_ -= gone.running;
    gone.peer = 0;
    gone.running = 0;
    gone.waiting.clear();
    const std::vector<uint32_t> held = std::exchange(gone.held, {});
    for (const uint32_t attempt : held) attempts_[attempt].state = Attempt::State::kGone;
    timed([&] { scheduler_.peer_left(peer, true, now_us_, actions_); });
    for (const uint32_t attempt : held) {
        if (!asked_[attempts_[attempt].asked].ended) policy_.waits(attempts_[attempt].task);
    }
    add_machine();
    plan_leave();
}

void Fleet::plan_stall() {
    if (options_.stalls_per_minute <= 0) return;
    const double rate = options_.stalls_per_minute * options_.peers / 60e6;
    send(now_us_ + 1 + static_cast<uint64_t>(fleet_wait(prng_) / rate), Kind::kStall, 0);
}

// Its owner wants it for something else, and its loop goes on.
void Fleet::stall(uint32_t) {
    const uint64_t peer = peers_[prng_.below(peers_.size())];
    Machine& machine = machines_[machine_of_slot_[SlotMap<sched::PeerRecord>::index_of(peer)]];
    machine.stalled_until_us =
        now_us_ + static_cast<uint64_t>(fleet_wait(prng_) * options_.stall_us);
    plan_stall();
}

void Fleet::begin(Machine& machine, uint32_t index) {
    Attempt& attempt = attempts_[index];
    attempt.state = Attempt::State::kRuns;
    attempt.begun_us = now_us_;
    attempt.compute_us += machine.stalled_until_us - std::min(machine.stalled_until_us, now_us_);
    if (++machine.running > machine.slots) fail("a machine runs more than its slots", index);
    ++running_;
    send(now_us_ + attempt.compute_us, Kind::kDone, index);
}

void Fleet::begin_next(Machine& machine) {
    while (!machine.waiting.empty() && machine.running < machine.slots) {
        const uint32_t next = machine.waiting.front();
        machine.waiting.erase(machine.waiting.begin());  // few
        if (attempts_[next].state == Attempt::State::kWaits) begin(machine, next);
    }
}

void Fleet::at_peer(uint32_t index) {
    Attempt& attempt = attempts_[index];
    if (attempt.state != Attempt::State::kUnderWay) return;
    Machine& machine = machines_[attempt.peer];
    attempt.state = Attempt::State::kWaits;
    machine.waiting.push_back(index);
    begin_next(machine);
}

void Fleet::done(uint32_t index) {
    Attempt& attempt = attempts_[index];
    if (attempt.state != Attempt::State::kRuns) return;
    Machine& machine = machines_[attempt.peer];
    attempt.state = Attempt::State::kStopped;
    --machine.running;
    --running_;
    send(now_us_ + machine.one_way_us, Kind::kAnswer, index);
    begin_next(machine);
}

void Fleet::cancel_at_peer(uint32_t index) {
    Attempt& attempt = attempts_[index];
    Machine& machine = machines_[attempt.peer];
    if (attempt.state == Attempt::State::kWaits) {
        attempt.compute_us = 0;
        attempt.state = Attempt::State::kStopped;
        std::erase(machine.waiting, index);
        send(now_us_ + machine.one_way_us, Kind::kAnswer, index);
    } else if (attempt.state == Attempt::State::kRuns) {
        // At the end of its slice; the end that was planned then finds it stopped.
        const uint64_t ran = now_us_ - attempt.begun_us;
        const uint64_t stops = (ran / kSliceUs + 1) * kSliceUs;
        if (stops >= attempt.compute_us) return;
        attempt.compute_us = stops;
        send(attempt.begun_us + stops, Kind::kDone, index);
    }
}

// ---- in hindsight ------------------------------------------------------------------------------

uint64_t Fleet::back_us(const Machine& machine, const Asked& task) const {
    uint64_t free_us[8] = {};
    const auto give = [&](uint64_t from_us, uint64_t takes_us) {
        uint64_t* const slot = std::min_element(free_us, free_us + machine.slots);
        *slot = std::max(*slot, from_us) + takes_us;
        return *slot;
    };
    for (const uint32_t held : machine.held) {
        const Attempt& attempt = attempts_[held];
        if (attempt.state == Attempt::State::kRuns) give(attempt.begun_us, attempt.compute_us);
    }
    for (const uint32_t held : machine.held) {
        const Attempt& attempt = attempts_[held];
        if (attempt.state == Attempt::State::kUnderWay || attempt.state == Attempt::State::kWaits) {
            give(attempt.placed_us + machine.one_way_us, attempt.compute_us);
        }
    }
    const auto takes =
        static_cast<uint64_t>(static_cast<double>(task.work_us) * machine.slow[task.type]);
    return give(now_us_ + machine.one_way_us, takes) + machine.one_way_us;
}

float Fleet::regret_ms(const Machine& chosen, const Asked& task) const {
    const uint64_t back = back_us(chosen, task);
    uint64_t best = back;
    for (const Machine& machine : machines_) {
        if (machine.peer == 0 || machine.slow[task.type] <= 0) continue;
        if (machine.held.size() >= machine.window) continue;
        // Nothing that waits there already makes it faster than this.
        const double takes = static_cast<double>(task.work_us) * machine.slow[task.type];
        if (now_us_ + 2 * machine.one_way_us + static_cast<uint64_t>(takes) >= best) continue;
        best = std::min(best, back_us(machine, task));
    }
    return fleet_ms(back - best);
}

}  // namespace p2c2r::sim
