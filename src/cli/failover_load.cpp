// What a steady load at half of what the peers can do feels of peers that break, and of lines that
// jitter: the two rows of `bench failover` that are counts over a minute.
#include <algorithm>
#include <cstdio>

#include "cli/failover_rows.h"
#include "cli/hold_cluster.h"
#include "cli/statistics.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kLoadHoldUs = 10'000;
constexpr uint64_t kLoadDeadlineUs = 100'000;
constexpr uint64_t kBreakEveryUs = 2'000'000;
constexpr uint64_t kMendAfterUs = 1'000'000;
constexpr uint64_t kLoadSettleUs = 1'000'000;  // before counting: what is learned of the peers
constexpr uint64_t kLoadDrainUs = 10'000'000;
constexpr uint32_t kLoadSlots = 4;
constexpr double kMissesMax = 0.001;  // of all tasks
// A jitter of deviation 5 ms on a round trip of 30: evenly over +- sqrt(3) times that, on both
// ways.
constexpr double kJitterMs = 17.32;
constexpr uint64_t kRoundTripUs = 30'000;
constexpr double kLagMs = 15 - kJitterMs / 2;
constexpr double kFalseDeathsPerPeerS = 1.0 / 300;

// `busy_us`: so long a task has its slot, the way there and back included.
HoldAsk half_load(const FailoverPlan& plan, uint64_t busy_us) {
    HoldAsk ask;
    ask.hold_us = kLoadHoldUs;
    ask.deadline_us = kLoadDeadlineUs;
    ask.window = UINT32_MAX;
    ask.rate =
        0.5 * static_cast<double>(plan.peers * kLoadSlots) * 1e6 / static_cast<double>(busy_us);
    return ask;
}

// Breaks one peer after the other, each for a while.
Outcome break_in_turn(HoldCluster& cluster, HoldLoad& load, uint64_t for_us, uint64_t& broken) {
    const uint64_t until_us = p2c2r_now_us() + for_us;
    for (size_t victim = 0; p2c2r_now_us() < until_us; victim = (victim + 1) % cluster.size()) {
        if (Outcome failure = cluster.break_peer(victim)) return failure;
        ++broken;
        const auto never = [] { return false; };
        Result<bool> turned = cluster.turn_until(load, kMendAfterUs, never);
        if (!turned) return turned.failure();
        if (Outcome failure = cluster.mend_peer(victim)) return failure;
        turned = cluster.turn_until(load, kBreakEveryUs - kMendAfterUs, never);
        if (!turned) return turned.failure();
    }
    return std::nullopt;
}

Result<BenchRow> measure_deadlines(const FailoverPlan& plan, Breakage how, const NetworkStar* star,
                                   StopSignals& signals) {
    HoldShape shape;
    shape.peers = plan.peers;
    shape.slots = kLoadSlots;
    shape.star = star;
    Result<std::unique_ptr<HoldCluster>> cluster = HoldCluster::start(shape, signals);
    if (!cluster) return cluster.failure();
    const HoldAsk ask = half_load(plan, kLoadHoldUs);
    HoldLoad load((*cluster)->client(), ask);
    Result<bool> turned = (*cluster)->turn_until(load, kLoadSettleUs, [] { return false; });
    if (!turned) return turned.failure();
    load.ended.clear();
    uint64_t broken = 0;
    if (Outcome failure = break_in_turn(**cluster, load, plan.seconds * 1'000'000, broken)) {
        return *failure;
    }
    load.stop();
    turned = (*cluster)->turn_until(load, kLoadDrainUs, [&] { return load.empty(); });
    if (!turned) return turned.failure();
    const auto tasks = static_cast<uint64_t>(load.ended.size());
    const uint64_t misses = tasks - in_time(load.ended, kLoadDeadlineUs);
    const double share = tasks > 0 ? static_cast<double>(misses) / static_cast<double>(tasks) : 1;
    const uint64_t p99_us = percentile(times_of(load.ended), 0.99);
    BenchRow row;
    row.name = how == Breakage::kKilled ? "deadlines-killed" : "deadlines-silent";
    char text[160];
    std::snprintf(text, sizeof text, "%.3f %% missed (%llu of %llu), p99 %.2f ms", 100 * share,
                  static_cast<unsigned long long>(misses), static_cast<unsigned long long>(tasks),
                  ms(p99_us));
    row.measured = text;
    row.bar = "<= 0.1 % missed";
    row.verdict = verdict_of(share <= kMissesMax);
    row.why = count_text(broken, "peer") + " broken in " +
              duration_text(static_cast<double>(plan.seconds)) + ", " + number_text(ask.rate, 0) +
              " tasks a second of 10 ms, each with a deadline of 100";
    if (load.lost > 0) row.why += "; last error: " + load.last_error;
    row.figures = {{"tasks", tasks},         {"missed", misses}, {"missed_share", share},
                   {"p99_us", p99_us},       {"broken", broken}, {"rate", ask.rate},
                   {"bar_share", kMissesMax}};
    return row;
}

}  // namespace

Result<BenchRow> failover_deadlines(const FailoverPlan& plan, Breakage how, StopSignals& signals) {
    if (how == Breakage::kKilled) return measure_deadlines(plan, how, nullptr, signals);
    const Result<std::unique_ptr<NetworkStar>> star = NetworkStar::make(plan.peers);
    if (!star) return skipped_row("deadlines-silent", star.failure().text);
    const NetworkSpace::Visit inside((*star)->hub());
    return measure_deadlines(plan, how, star->get(), signals);
}

Result<BenchRow> failover_jitter(const FailoverPlan& plan, StopSignals& signals) {
    HoldShape shape;
    shape.peers = plan.peers;
    shape.slots = kLoadSlots;
    shape.lag_ms = kLagMs;
    shape.jitter_ms = kJitterMs;
    Result<std::unique_ptr<HoldCluster>> cluster = HoldCluster::start(shape, signals);
    if (!cluster) return cluster.failure();
    HoldAsk ask = half_load(plan, kLoadHoldUs + kRoundTripUs);
    ask.deadline_us = 1'000'000;  // it is not about these
    HoldLoad load((*cluster)->client(), ask);
    Result<bool> turned =
        (*cluster)->turn_until(load, plan.seconds * 1'000'000, [] { return false; });
    if (!turned) return turned.failure();
    load.stop();
    turned = (*cluster)->turn_until(load, kLoadDrainUs, [&] { return load.empty(); });
    if (!turned) return turned.failure();
    // Nothing is broken: whoever was taken for dead was not.
    Result<json> status = (*cluster)->session().ask("status");
    if (!status) return status.failure();
    const uint64_t lost_peers = status->value("peer_failures", uint64_t{0});
    const uint64_t silent = status->value("peers_silent", uint64_t{0});
    const uint64_t suspected = status->value("peers_suspected", uint64_t{0});
    const double allowed = kFalseDeathsPerPeerS * static_cast<double>(plan.peers * plan.seconds);
    BenchRow row;
    row.name = "jitter";
    char text[160];
    std::snprintf(text, sizeof text, "%llu false deaths, %llu suspicions, %llu tasks lost",
                  static_cast<unsigned long long>(lost_peers + silent),
                  static_cast<unsigned long long>(suspected),
                  static_cast<unsigned long long>(load.lost));
    row.measured = text;
    row.bar = "<= 1 death per peer and 5 min, no task lost";
    row.verdict = verdict_of(static_cast<double>(lost_peers + silent) <= allowed && load.lost == 0);
    row.why = count_text(plan.peers, "peer") + " for " +
              duration_text(static_cast<double>(plan.seconds)) +
              ", 30 ms there and back, deviation 5 ms each way (even, by the library's "
              "fake_jitter_ms at the peers): " +
              number_text(allowed, 1) + " deaths are allowed";
    row.figures = {{"false_deaths", lost_peers + silent},
                   {"peers_failed", lost_peers},
                   {"suspected", suspected},
                   {"tasks", load.succeeded + load.lost},
                   {"lost", load.lost},
                   {"allowed", allowed}};
    return row;
}

}  // namespace p2c2r::cli
