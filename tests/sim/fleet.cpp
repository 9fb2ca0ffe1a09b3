// Stages of a fleet's time, and what they add up to.
#include "sim/fleet.h"

#include <algorithm>
#include <cmath>

#include "sim/fleet_world.h"

namespace p2c2r::sim {

namespace {

constexpr uint64_t kFillingUs = 150'000;  // until what was given to idle machines has reached them
constexpr uint64_t kForgiveUs = 500'000;
constexpr uint64_t kTasksForSlot = 24;

double quantile(std::vector<float>& values, double share) {
    if (values.empty()) return 0;
    const auto at = static_cast<ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + at, values.end());
    return values[static_cast<size_t>(at)];
}

}  // namespace

Fleet::Fleet(const FleetOptions& options, Policy& policy, FleetClock clock)
    : options_(options),
      policy_(policy),
      clock_(clock),
      prng_(options.seed ^ 0xF1EE'7000),
      random_(prng_.fork(1)),
      scheduler_(2 * options.peers + 1000, random_) {
    for (size_t i = 0; i < kTypes; ++i) types_[i] = scheduler_.type_index(kFleetTypes[i].name);
    for (uint32_t i = 0; i < std::max(1u, options.accounts); ++i) {
        accounts_.push_back(scheduler_.open_account());
    }
    asked_.reserve(2 * static_cast<size_t>(options.tasks));
    machines_.reserve(options.peers);
    for (uint32_t i = 0; i < options.peers; ++i) add_machine();
    scheduler_.set_take_back(options.takes_back);
}

FleetReport Fleet::run() {
    Stage saturated;
    Stage loaded;
    stage_ = &saturated;
    plan_leave();
    plan_stall();
    run_stage(saturated, options_.first_load);
    run_stage(loaded, options_.load);
    check_at_rest();
    FleetReport report;
    close_stage(saturated);
    close_stage(loaded);
    report.saturated = saturated.report;
    report.loaded = loaded.report;
    report.taken_back = scheduler_.stats().taken_back;
    report.decision_us = (saturated.report.decision_us + loaded.report.decision_us) / 2;
    report.hash = hash_;
    report.broken = broken_;
    return report;
}

// ---- time --------------------------------------------------------------------------------------

void Fleet::send(uint64_t at_us, Kind kind, uint32_t index) {
    const auto later = [](const Event& a, const Event& b) {
        return a.at_us != b.at_us ? a.at_us > b.at_us : a.sequence > b.sequence;
    };
    heap_.push_back({at_us, sequence_++, kind, index});
    std::push_heap(heap_.begin(), heap_.end(), later);
}

void Fleet::arm() {
    const uint64_t next = scheduler_.next_us();
    if (next >= armed_us_) return;
    armed_us_ = next;
    send(std::max(next, now_us_), Kind::kExpire, 0);
}

// Slot time until now.
void Fleet::account() {
    const double passed = static_cast<double>(now_us_ - std::exchange(accounted_us_, now_us_));
    if (!is_measured_) return;
    stage_->slot_us += passed * static_cast<double>(slots_);
    stage_->busy_us += passed * static_cast<double>(running_);
}

void Fleet::happen(const Event& event) {
    now_us_ = event.at_us;
    account();
    mix(event.at_us);
    mix(static_cast<uint64_t>(event.kind) << 32 | event.index);
    switch (event.kind) {
        case Kind::kAsk:
            ask(event.index);
            break;
        case Kind::kAtPeer:
            return at_peer(event.index);
        case Kind::kDone:
            return done(event.index);
        case Kind::kCancelAtPeer:
            return cancel_at_peer(event.index);
        case Kind::kAnswer:
            answer(event.index);
            break;
        case Kind::kLeave:
            leave(event.index);
            break;
        case Kind::kStall:
            return stall(event.index);
        case Kind::kExpire:
            armed_us_ = UINT64_MAX;
            timed([&] { scheduler_.expire(now_us_, actions_); });
            break;
    }
    if (now_us_ >= forgive_at_us_) {
        forgive_at_us_ = now_us_ + kForgiveUs;
        scheduler_.forgive(now_us_);
    }
    perform();
    place();
    arm();
}

void Fleet::run_stage(Stage& stage, double load) {
    stage_ = &stage;
    stage.load = load;
    // To keep all of them busy takes many for each slot, beside those that fill the windows.
    stage.left =
        load > 1 ? std::max<uint64_t>(options_.tasks, kTasksForSlot * slots_) : options_.tasks;
    stage.begun_us = now_us_;
    stage.latency_ms.reserve(stage.left);
    stage.overhead_ms.reserve(stage.left);
    send(now_us_ + 1, Kind::kAsk, 0);
    const auto later = [](const Event& a, const Event& b) {
        return a.at_us != b.at_us ? a.at_us > b.at_us : a.sequence > b.sequence;
    };
    while ((stage.left > 0 || stage.open > 0) && !heap_.empty() && broken_.empty()) {
        const Event event = heap_.front();
        std::pop_heap(heap_.begin(), heap_.end(), later);
        heap_.pop_back();
        happen(event);
        if (load <= 1) {
            is_measured_ = stage.left > 0;
            continue;
        }
        const bool waits = scheduler_.queued() > 0;
        if (!waits) {
            stage.full_us = 0;
        } else if (stage.full_us == 0) {
            stage.full_us = now_us_;
        }
        is_measured_ = waits && now_us_ >= stage.full_us + kFillingUs;
    }
    is_measured_ = false;
    if (broken_.empty() && stage.open > 0) fail("tasks never ended", stage.open);
    stage.report.simulated_us = now_us_ - stage.begun_us;
}

void Fleet::check_at_rest() {
    if (!broken_.empty()) return;
    if (scheduler_.pending() > 0) fail("tasks are pending that have ended", scheduler_.pending());
    for (const Machine& machine : machines_) {
        const sched::PeerRecord* const record =
            machine.peer == 0 ? nullptr : scheduler_.peers().find(machine.peer);
        if (!record || record->held == machine.held.size()) continue;
        fail("the scheduler counts another number of tasks at a machine", machine.peer);
    }
}

void Fleet::close_stage(Stage& stage) {
    StageReport& report = stage.report;
    if (stage.slot_us > 0) {
        report.busy = stage.busy_us / stage.slot_us;
        report.utilisation = (stage.busy_us - stage.wasted_us) / stage.slot_us;
    }
    report.p50_ms = quantile(stage.latency_ms, 0.5);
    report.p99_ms = quantile(stage.latency_ms, 0.99);
    report.p999_ms = quantile(stage.latency_ms, 0.999);
    report.overhead_p50_ms = quantile(stage.overhead_ms, 0.5);
    report.overhead_p99_ms = quantile(stage.overhead_ms, 0.99);
    report.regret_p99_ms = quantile(stage.regret_ms, 0.99);
    double sum = 0;
    for (const float regret : stage.regret_ms) sum += regret;
    if (!stage.regret_ms.empty()) {
        report.regret_mean_ms = sum / static_cast<double>(stage.regret_ms.size());
    }
    if (stage.placed > 0) {
        report.decision_us =
            static_cast<double>(stage.spent_ns) / 1000 / static_cast<double>(stage.placed);
    }
}

void Fleet::fail(const char* what, uint64_t number) {
    if (broken_.empty()) {
        broken_ = std::string(what) + " (" + std::to_string(number) + ", at " +
                  std::to_string(now_us_) + " us)";
    }
}

}  // namespace p2c2r::sim
