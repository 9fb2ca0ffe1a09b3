// The rows of `bench failover`, one function each.
#pragma once

#include "cli/bench.h"
#include "cli/bench_rows.h"
#include "cli/wait_posix.h"

namespace p2c2r::cli {

// What the options say, with defaults in place of what they do not.
struct FailoverPlan {
    uint64_t killed_rounds = 50;
    uint64_t silent_rounds = 30;
    uint64_t coordinator_rounds = 20;
    size_t peers = 4;
    uint64_t in_flight = 12;
    uint64_t hold_us = 20'000;
    uint64_t seconds = 60;
};

// How a peer is broken: it is killed, or nothing it sends gets anywhere any more.
enum class Breakage : uint8_t { kKilled, kSilent };

// From the fault to its tasks running on others.
Result<BenchRow> failover_rounds(const FailoverPlan& plan, Breakage how, StopSignals& signals);
// Tasks whose coordinator is killed: how each of them ends.
Result<BenchRow> failover_coordinator(const FailoverPlan& plan, StopSignals& signals);
// Deadlines of 100 ms that tasks of 10 ms miss while every two seconds one peer breaks.
Result<BenchRow> failover_deadlines(const FailoverPlan& plan, Breakage how, StopSignals& signals);
// Peers that are taken for dead and are not, over lines that jitter.
Result<BenchRow> failover_jitter(const FailoverPlan& plan, StopSignals& signals);

}  // namespace p2c2r::cli
