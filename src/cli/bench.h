// The benches of the program and their options.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/contact.h"

namespace p2c2r::cli {

struct FailoverOptions {
    std::optional<std::string> row;
    std::optional<uint64_t> rounds;
    std::optional<uint64_t> peers;
    std::optional<uint64_t> in_flight;
    std::optional<uint64_t> hold_ms;
    std::optional<uint64_t> seconds;
    bool json = false;
};
int run_bench_failover(const FailoverOptions& options);

struct FramesBenchOptions {
    std::optional<uint64_t> fps;
    std::optional<uint64_t> peers;
    std::optional<uint64_t> seconds;
    std::optional<uint64_t> calm_seconds;
    std::optional<uint64_t> seed;
    bool json = false;
};
int run_bench_frames(const FramesBenchOptions& options);

struct LoadBenchOptions {
    std::optional<uint64_t> seconds;
    bool json = false;
};
int run_bench_overload(const LoadBenchOptions& options);
int run_bench_fairness(const LoadBenchOptions& options);
int run_bench_tail(const LoadBenchOptions& options);

// Becomes the simulator that stands beside this program; `words` are what it is asked with.
int run_bench_placement(const std::vector<std::string>& words);

struct SplitBenchOptions {
    std::optional<uint64_t> rounds;
    bool json = false;
};
int run_bench_split(const SplitBenchOptions& options);

struct RoundtripOptions {
    std::optional<std::string> data;
    std::optional<uint64_t> frames;
    bool json = false;
};
int run_bench_roundtrip(const RoundtripOptions& options);

struct MachineOptions {
    std::optional<std::string> device;
    std::optional<std::string> type;
    std::optional<uint64_t> fps;
    std::optional<uint64_t> duty_percent;
    std::optional<double> uplink_mbps;
    bool small = false;
    bool json = false;
    bool quick = false;  // a frame of each kind that travels well; the verdict without a table
    // Asked between two kinds of frames; true: somebody wants the machine, and nothing is kept.
    std::function<bool()> stops;
    // Where the uplink leads, if uplink_mbps does not say what it carries; none: it is not known.
    std::optional<Contact> coordinator;
};
int run_bench_machine(const MachineOptions& options);
// Prints the verdict, and keeps it on a machine that has joined.
Outcome bench_machine(const MachineOptions& options);

struct OwnerBenchOptions {
    std::optional<std::string> device;
    std::optional<std::string> type;
    std::optional<uint64_t> rounds;
    std::optional<uint64_t> duty_seconds;
    bool json = false;
};
int run_bench_owner(const OwnerBenchOptions& options);

struct KernelsOptions {
    std::optional<std::string> device;
    std::optional<std::string> type;
    std::optional<std::string> data;
    bool small = false;
    bool json = false;
};
int run_bench_kernels(const KernelsOptions& options);

struct GainOptions {
    std::optional<std::string> link;
    std::optional<double> seconds;
    std::optional<uint64_t> window;
    std::optional<double> share;
    std::optional<std::string> type;
    bool small = false;
    bool json = false;
};
int run_bench_gain(const GainOptions& options);

}  // namespace p2c2r::cli
