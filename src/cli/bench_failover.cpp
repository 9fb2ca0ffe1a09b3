// `p2c2r bench failover`: what the tasks of a peer that breaks feel of it.
//
// One coordinator and four peers run as processes of their own; this process is the gamer. Rows:
//   killed            SIGKILL of a peer to its tasks running on others
//   silent            the same of one whose packets all vanish (a namespace, root)
//   coordinator       SIGKILL of the coordinator itself: how every task ends
//   deadlines-killed  deadlines missed while every 2 s one of four peers dies
//   deadlines-silent  or falls silent
//   jitter            peers taken for dead over lines that jitter
#include <cstdio>
#include <functional>

#include "cli/failover_rows.h"

namespace p2c2r::cli {

namespace {

struct RowMaker {
    const char* name;
    std::function<Result<BenchRow>(const FailoverPlan&, StopSignals&)> make;
};

const std::vector<RowMaker>& row_makers() {
    static const std::vector<RowMaker> makers = {
        {"killed",
         [](const FailoverPlan& plan, StopSignals& signals) {
             return failover_rounds(plan, Breakage::kKilled, signals);
         }},
        {"silent",
         [](const FailoverPlan& plan, StopSignals& signals) {
             return failover_rounds(plan, Breakage::kSilent, signals);
         }},
        {"coordinator", failover_coordinator},
        {"deadlines-killed",
         [](const FailoverPlan& plan, StopSignals& signals) {
             return failover_deadlines(plan, Breakage::kKilled, signals);
         }},
        {"deadlines-silent",
         [](const FailoverPlan& plan, StopSignals& signals) {
             return failover_deadlines(plan, Breakage::kSilent, signals);
         }},
        {"jitter", failover_jitter},
    };
    return makers;
}

Result<FailoverPlan> failover_plan(const FailoverOptions& options) {
    FailoverPlan plan;
    plan.killed_rounds = options.rounds.value_or(plan.killed_rounds);
    plan.silent_rounds = options.rounds.value_or(plan.silent_rounds);
    plan.coordinator_rounds = options.rounds.value_or(plan.coordinator_rounds);
    plan.peers = options.peers.value_or(plan.peers);
    plan.in_flight = options.in_flight.value_or(plan.in_flight);
    const uint64_t hold_ms = options.hold_ms.value_or(plan.hold_us / 1000);
    plan.hold_us = hold_ms * 1000;
    plan.seconds = options.seconds.value_or(plan.seconds);
    if (plan.killed_rounds < 1 || plan.killed_rounds > 100000 || plan.peers < 2 ||
        plan.peers > 64 || plan.in_flight < 1 || plan.in_flight > 1000 || hold_ms < 1 ||
        hold_ms > 1000 || plan.seconds < 2 || plan.seconds > 3600) {
        return usage_failure(
            "--rounds is 1 to 100000, --peers 2 to 64, --in-flight 1 to 1000, --hold-ms 1 to "
            "1000, --seconds 2 to 3600");
    }
    return plan;
}

}  // namespace

int run_bench_failover(const FailoverOptions& options) {
    const Result<FailoverPlan> plan = failover_plan(options);
    if (!plan) return report("bench failover", plan.failure());
    StopSignals signals;
    std::vector<BenchRow> rows;
    std::string names;
    for (const RowMaker& maker : row_makers()) {
        names += (names.empty() ? "" : ", ") + std::string(maker.name);
        if (options.row && *options.row != maker.name) continue;
        Result<BenchRow> row = maker.make(*plan, signals);
        if (!row) return report("bench failover", row.failure());
        rows.push_back(std::move(*row));
        const BenchRow& made = rows.back();
        std::fprintf(stderr, "%s: %s\n", maker.name,
                     made.measured.empty() ? "skipped" : made.measured.c_str());
    }
    if (rows.empty()) {
        return report("bench failover",
                      usage_failure("--row '" + *options.row + "' is none of " + names));
    }
    return finish_rows("failover", rows, options.json);
}

}  // namespace p2c2r::cli
