// Sweeps cases: runs them, some of them twice, and tells of the first that fails whatever somebody
// needs who has to understand it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "sim/sim_case.h"

namespace p2c2r::sim {

// Seconds from somewhere.
using SweepClock = double (*)();

struct SweepOptions {
    unsigned jobs = 1;
    std::string plant;      // what is planted, for the words
    bool is_whole = false;  // the cases are a batch that the "sometimes" list is about
    uint64_t events = 200;  // of the last ones, that are printed
    bool verbose = false;
    bool json = false;
    bool coverage = false;
    const char* commit = "";
};

class Sweep {
  public:
    Sweep(std::vector<SimCase> cases, const SweepOptions& options, SweepClock clock)
        : cases_(std::move(cases)), options_(options), clock_(clock) {}
    // The exit status.
    int run();

  private:
    struct Totals {
        uint64_t seeds = 0;
        uint64_t events = 0;
        uint64_t tasks = 0;
        uint64_t good = 0;
        uint64_t twice = 0;
        double simulated_s = 0;
        uint64_t payload_held_max = 0;
        uint64_t queued_max = 0;
        uint64_t hash = 0;  // of all traces, in whatever order they came
    };

    void work();
    static void check_again(const SimCase& one, RunReport& run);
    void add(const SimCase& one, const RunReport& run, bool twice);
    void print_run(const SimCase& one, const RunReport& run, const Trace& trace);
    void print_failure(const SimCase& one, const RunReport& run);
    [[nodiscard]] double per_minute() const;
    bool judge_coverage();
    int report();

    const std::vector<SimCase> cases_;
    const SweepOptions options_;
    const SweepClock clock_;
    double began_s_ = 0;
    std::atomic<uint64_t> next_{0};
    std::atomic<bool> failed_{false};
    std::mutex mutex_;
    Coverage coverage_;
    Totals totals_;
};

// The lowest of the seeds from `first` on, `count` of them, that fails; 0: none does.
uint64_t first_failing(uint64_t first, uint64_t count, unsigned jobs);
// From now on a failed check or a fault of memory says which seed it was.
void tell_of_crashes();

}  // namespace p2c2r::sim
