// `p2c2r bench tail`: what one task in a thousand waits for while one of twenty peers is slow: what
// it begins takes 60 ms instead of 1.5, and each is so for 60 ms only, one after the other, so that
// nobody can know it in time. Measured twice, with a coordinator that gives tasks which are late to
// a second peer, and with one that does not (copies_percent 0). That one still gives up an attempt
// which takes far too long, after 50 ms at least: what longer tasks gain by copies is less than
// what is measured here.
#include <cstdio>

#include "cli/bench.h"
#include "cli/bench_rows.h"
#include "cli/hold_cluster.h"
#include "cli/statistics.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr size_t kTailPeers = 20;
constexpr uint32_t kTailSlots = 1;
constexpr uint64_t kTailHoldUs = 1500;
constexpr double kTailSlowTimes = 40;
constexpr uint64_t kTailSlowMs = 60;             // a turn; as long as what begins in it takes
constexpr double kTailRate = 3000;               // tasks a second: two cores play all of this
constexpr uint64_t kTailDeadlineUs = 5'000'000;  // it is not about these
// What takes usually how long, and a credit for copies as it is after some time.
constexpr uint64_t kTailSettleUs = 3'000'000;
constexpr uint64_t kTailDrainUs = 10'000'000;
constexpr double kTailFactorMin = 10;
constexpr double kTailExtraMax = 0.05;

struct TailRun {
    uint64_t tasks = 0;
    uint64_t lost = 0;
    uint64_t p50_us = 0;
    uint64_t p99_us = 0;
    uint64_t p999_us = 0;
    uint64_t copies = 0;
    double rate = 0;
    std::string last_error;

    [[nodiscard]] double extra() const {
        return tasks > 0 ? static_cast<double>(copies) / static_cast<double>(tasks) : 1;
    }
};

// Copies of any kind so far: all that it costs.
Result<uint64_t> copies_of(HoldCluster& cluster) {
    const Result<json> status = cluster.session().ask("status");
    if (!status) return status.failure();
    return status->value("copies", uint64_t{0});
}

Result<TailRun> run_tail(const char* copies_percent, uint64_t seconds, StopSignals& signals) {
    HoldShape shape;
    shape.peers = kTailPeers;
    shape.slots = kTailSlots;
    shape.slow_times = kTailSlowTimes;
    shape.slow_ms = kTailSlowMs;
    shape.coordinator = {"--copies-percent", copies_percent};
    Result<std::unique_ptr<HoldCluster>> cluster = HoldCluster::start(shape, signals);
    if (!cluster) return cluster.failure();
    HoldAsk ask;
    ask.hold_us = kTailHoldUs;
    ask.deadline_us = kTailDeadlineUs;
    ask.window = UINT32_MAX;
    ask.rate = kTailRate;
    HoldLoad load((*cluster)->client(), ask);
    const auto never = [] { return false; };
    Result<bool> turned = (*cluster)->turn_until(load, kTailSettleUs, never);
    if (!turned) return turned.failure();
    const Result<uint64_t> before = copies_of(**cluster);
    if (!before) return before.failure();
    load.ended.clear();
    load.lost = 0;
    turned = (*cluster)->turn_until(load, seconds * 1'000'000, never);
    if (!turned) return turned.failure();
    load.stop();
    turned = (*cluster)->turn_until(load, kTailDrainUs, [&] { return load.empty(); });
    if (!turned) return turned.failure();
    const Result<uint64_t> after = copies_of(**cluster);
    if (!after) return after.failure();
    const std::vector<uint64_t> times = times_of(load.ended);
    TailRun run;
    run.tasks = load.ended.size();
    run.lost = load.lost;
    run.p50_us = percentile(times, 0.5);
    run.p99_us = percentile(times, 0.99);
    run.p999_us = percentile(times, 0.999);
    run.copies = *after - *before;
    run.rate = ask.rate;
    run.last_error = load.last_error;
    return run;
}

json figures_of(const TailRun& run) {
    return {{"tasks", run.tasks},   {"lost", run.lost},       {"p50_us", run.p50_us},
            {"p99_us", run.p99_us}, {"p999_us", run.p999_us}, {"copies", run.copies},
            {"extra", run.extra()}};
}

BenchRow tail_row(const TailRun& with, const TailRun& without, uint64_t seconds) {
    const double factor =
        with.p999_us > 0 ? static_cast<double>(without.p999_us) / static_cast<double>(with.p999_us)
                         : 0;
    BenchRow row;
    row.name = "p99.9";
    row.measured = number_text(ms(with.p999_us), 1) + " ms, without copies " +
                   number_text(ms(without.p999_us), 1) + ": " + number_text(factor, 1) +
                   " times lower; " + count_text(with.lost + without.lost, "task") + " lost";
    row.bar = ">= 10 times lower, none lost";
    row.verdict = verdict_of(factor >= kTailFactorMin && with.lost + without.lost == 0);
    row.why = number_text(with.rate, 0) + " tasks a second of 1.5 ms at " +
              count_text(kTailPeers, "peer") + " with " + count_text(kTailSlots, "slot") +
              ", for " + duration_text(static_cast<double>(seconds)) +
              " each way; one peer after the other takes 60 ms, for 60 ms; p99 " +
              number_text(ms(with.p99_us), 1) + " ms, without copies " +
              number_text(ms(without.p99_us), 1);
    if (with.lost + without.lost > 0) {
        row.why += "; last error: " + (with.lost > 0 ? with.last_error : without.last_error);
    }
    row.figures = {{"with", figures_of(with)},
                   {"without", figures_of(without)},
                   {"factor", factor},
                   {"bar_factor", kTailFactorMin}};
    return row;
}

BenchRow extra_row(const TailRun& with) {
    BenchRow row;
    row.name = "extra work";
    row.measured = number_text(100 * with.extra(), 2) +
                   " %: " + count_text(with.copies, "second attempt") + " of " +
                   count_text(with.tasks, "task");
    row.bar = "<= 5 %";
    row.verdict = verdict_of(with.extra() <= kTailExtraMax);
    row.figures = {{"copies", with.copies},
                   {"tasks", with.tasks},
                   {"extra", with.extra()},
                   {"bar_extra", kTailExtraMax}};
    return row;
}

Result<std::vector<BenchRow>> measure_tail(uint64_t seconds) {
    StopSignals signals;
    const Result<TailRun> with = run_tail("5", seconds, signals);
    if (!with) return with.failure();
    const Result<TailRun> without = run_tail("0", seconds, signals);
    if (!without) return without.failure();
    return std::vector<BenchRow>{tail_row(*with, *without, seconds), extra_row(*with)};
}

}  // namespace

int run_bench_tail(const LoadBenchOptions& options) {
    const Result<std::vector<BenchRow>> rows = measure_tail(options.seconds.value_or(20));
    if (!rows) return report("bench tail", rows.failure());
    return finish_rows("tail", *rows, options.json);
}

}  // namespace p2c2r::cli
