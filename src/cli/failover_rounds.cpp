// A round breaks one peer. Each of its tasks is sampled: from just before the fault to the moment
// another peer's executor begins to run it, which that executor states in its result on the clock
// that all processes of a machine share. A sample therefore holds the fault itself (of a silent one
// a run of `ip`, some 2 ms), the coordinator noticing, the decision, the way to the other peer, and
// its start there. A task that ends in any other way than with a result is lost.
#include <algorithm>
#include <cstdio>

#include "cli/failover_rows.h"
#include "cli/hold_cluster.h"
#include "cli/progress.h"
#include "cli/statistics.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kRoundDeadlineUs = 5'000'000;
constexpr uint64_t kTriesPerRound = 5;  // a peer that has just ended what it held is no sample
constexpr uint64_t kRowLimitUs = 120'000'000;
// What was submitted so long before the fault has been at a peer: there are slots for all.
constexpr uint64_t kPlacedUs = 3000;

struct RoundBars {
    uint64_t p99_us;
    uint64_t max_us;
};

RoundBars bars_of(Breakage how) {
    return how == Breakage::kKilled ? RoundBars{5000, 10'000} : RoundBars{50'000, UINT64_MAX};
}

struct Samples {
    std::vector<uint64_t> us;
    uint64_t rounds = 0;
    uint64_t fault_us_max = 0;
};

// One round; true: it gave samples.
Result<bool> play_round(HoldCluster& cluster, HoldLoad& load, const FailoverPlan& plan,
                        size_t& victim, Samples& samples) {
    // A few full turns of the load, so that it is spread as usual when the fault comes.
    const uint64_t before = load.succeeded + load.lost;
    Result<bool> turned = cluster.turn_until(load, kRoundDeadlineUs, [&] {
        return load.succeeded + load.lost >= before + 3 * plan.in_flight;
    });
    if (!turned) return turned.failure();
    load.ended.clear();
    Result<size_t> chosen = cluster.next_busy(victim);
    if (!chosen) return chosen.failure();
    victim = *chosen;
    const std::string broken = cluster.peer_id(victim);
    const uint64_t fault_us = p2c2r_now_us();
    if (Outcome failure = cluster.break_peer(victim)) return *failure;
    samples.fault_us_max = std::max(samples.fault_us_max, p2c2r_now_us() - fault_us);
    turned =
        cluster.turn_until(load, 2 * kRoundDeadlineUs, [&] { return load.oldest_us() > fault_us; });
    if (!turned) return turned.failure();
    if (!*turned) return Failure{kExitSomeFailed, "tasks do not end in time"};
    bool sampled = false;
    for (const HoldEnded& task : load.ended) {
        const bool again = task.attempts > 1 || task.submitted_us + kPlacedUs < fault_us;
        if (task.submitted_us >= fault_us || !again || task.started_us <= fault_us) continue;
        if (task.peer_id == broken) continue;
        samples.us.push_back(task.started_us - fault_us);
        sampled = true;
    }
    if (Outcome failure = cluster.mend_peer(victim)) return *failure;
    if (Outcome failure = cluster.wait_for_all(load)) return *failure;
    return sampled;
}

BenchRow round_row(const FailoverPlan& plan, Breakage how, const Samples& samples,
                   const HoldLoad& load, uint64_t rounds) {
    const RoundBars bars = bars_of(how);
    const bool killed = how == Breakage::kKilled;
    const uint64_t p50_us = percentile(samples.us, 0.50);
    const uint64_t p99_us = percentile(samples.us, 0.99);
    const uint64_t max_us = percentile(samples.us, 1.0);
    const bool holds = p99_us <= bars.p99_us && max_us <= bars.max_us && load.lost == 0 &&
                       samples.rounds == rounds;
    char text[160];
    std::snprintf(text, sizeof text, "p50 %.2f p99 %.2f max %.2f ms, %zu tasks, %llu lost",
                  ms(p50_us), ms(p99_us), ms(max_us), samples.us.size(),
                  static_cast<unsigned long long>(load.lost));
    BenchRow row;
    row.name = killed ? "killed" : "silent";
    row.measured = text;
    row.bar = killed ? "p99 <= 5, max <= 10 ms, none lost" : "p99 <= 50 ms, none lost";
    row.verdict = verdict_of(holds);
    row.why = count_text(samples.rounds, "round") + ", " + count_text(plan.peers, "peer") + ", " +
              count_text(plan.in_flight, "task") + " in flight";
    if (samples.rounds < rounds) row.why += "; no time for the others";
    if (load.lost > 0) row.why += "; last error: " + load.last_error;
    row.figures = {{"rounds", samples.rounds},
                   {"samples", samples.us.size()},
                   {"p50_us", p50_us},
                   {"p99_us", p99_us},
                   {"max_us", max_us},
                   {"succeeded", load.succeeded},
                   {"lost", load.lost},
                   {"bar_p99_us", bars.p99_us},
                   {"fault_us_max", samples.fault_us_max}};
    if (killed) row.figures["bar_max_us"] = bars.max_us;
    return row;
}

Result<BenchRow> measure_rounds(const FailoverPlan& plan, Breakage how, const NetworkStar* star,
                                StopSignals& signals) {
    const uint64_t rounds = how == Breakage::kKilled ? plan.killed_rounds : plan.silent_rounds;
    HoldShape shape;
    shape.peers = plan.peers;
    shape.slots = slots_for(plan.in_flight, plan.peers);
    shape.star = star;
    Result<std::unique_ptr<HoldCluster>> cluster = HoldCluster::start(shape, signals);
    if (!cluster) return cluster.failure();
    HoldAsk ask;
    ask.hold_us = plan.hold_us;
    ask.deadline_us = kRoundDeadlineUs;
    ask.window = static_cast<uint32_t>(plan.in_flight);
    HoldLoad load((*cluster)->client(), ask);
    Samples samples;
    Progress progress(rounds, "rounds", !error_is_terminal());
    size_t victim = 0;
    const uint64_t until_us = p2c2r_now_us() + kRowLimitUs;
    for (uint64_t tries = 0; samples.rounds < rounds && p2c2r_now_us() < until_us;) {
        if (++tries > rounds * kTriesPerRound) {
            return Failure{kExitSomeFailed, "broken peers hold no tasks; raise --in-flight"};
        }
        const Result<bool> sampled = play_round(**cluster, load, plan, victim, samples);
        if (!sampled) return sampled.failure();
        if (*sampled) ++samples.rounds;
        progress.update({samples.rounds, load.lost}, count_text(samples.us.size(), "sample"));
    }
    load.stop();
    const Result<bool> over =
        (*cluster)->turn_until(load, 2 * kRoundDeadlineUs, [&] { return load.empty(); });
    if (!over) return over.failure();
    progress.finish({samples.rounds, load.lost}, count_text(samples.us.size(), "sample"));
    return round_row(plan, how, samples, load, rounds);
}

}  // namespace

Result<BenchRow> failover_rounds(const FailoverPlan& plan, Breakage how, StopSignals& signals) {
    if (how == Breakage::kKilled) return measure_rounds(plan, how, nullptr, signals);
    const Result<std::unique_ptr<NetworkStar>> star = NetworkStar::make(plan.peers);
    if (!star) return skipped_row("silent", star.failure().text);
    const NetworkSpace::Visit inside((*star)->hub());
    return measure_rounds(plan, how, star->get(), signals);
}

}  // namespace p2c2r::cli
