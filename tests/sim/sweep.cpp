#include "sim/sweep.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "sim/option_kinds.h"

namespace p2c2r::sim {

namespace {

constexpr uint64_t kTwiceEvery = 50;

// A failed CHECK ends the process: say which case it was, and what led to it.
thread_local const SimCase* running_case = nullptr;
thread_local const Trace* running_trace = nullptr;

extern "C" void on_abort(int) {
    if (running_case) {
        std::fprintf(stderr, "seed %llu: a CHECK failed, or memory was misused\n",
                     number(running_case->seed));
        if (running_trace && running_trace->on()) {
            running_trace->print(stderr);
        } else {
            std::fprintf(stderr, "  see: %s --verbose\n", command_of(*running_case).c_str());
        }
    }
    std::fflush(stderr);
    std::_Exit(1);
}

}  // namespace

void tell_of_crashes() {
    std::signal(SIGABRT, on_abort);
    std::signal(SIGSEGV, on_abort);
}

int Sweep::run() {
    began_s_ = clock_();
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < options_.jobs; ++i) threads.emplace_back([this] { work(); });
    work();
    for (std::thread& thread : threads) thread.join();
    return report();
}

void Sweep::work() {
    Coverage coverage;
    while (!failed_) {
        const uint64_t index = next_++;
        if (index >= cases_.size()) break;
        const SimCase& one = cases_[index];
        running_case = &one;
        Trace trace(options_.verbose ? options_.events : 0);
        running_trace = &trace;
        RunReport run = run_case(one, coverage, trace);
        const bool twice = !run.failure && one.seed % kTwiceEvery == 0;
        if (twice) check_again(one, run);
        if (options_.verbose) print_run(one, run, trace);
        if (run.failure) print_failure(one, run);
        running_trace = nullptr;
        running_case = nullptr;
        add(one, run, twice);
    }
    const std::lock_guard lock(mutex_);
    coverage_.add(coverage);
}

// I13: the same seed gives the same events.
void Sweep::check_again(const SimCase& one, RunReport& run) {
    Coverage unused;
    Trace off;
    const RunReport again = run_case(one, unused, off);
    if (again.hash != run.hash) {
        run.failure = Failure{"I13", "the same seed gave another trace", 0, 0};
    }
}

void Sweep::add(const SimCase& one, const RunReport& run, bool twice) {
    const std::lock_guard lock(mutex_);
    ++totals_.seeds;
    totals_.events += run.events;
    totals_.tasks += run.tasks_ended;
    totals_.good += run.tasks_good;
    totals_.twice += twice;
    totals_.hash += (run.hash ^ one.seed) * 0x9E3779B97F4A7C15ull;
    totals_.simulated_s += static_cast<double>(run.simulated_us) / 1e6;
    totals_.payload_held_max = std::max(totals_.payload_held_max, run.payload_held_max);
    totals_.queued_max = std::max(totals_.queued_max, run.queued_max);
    if (options_.json || options_.verbose) return;
    if (totals_.seeds % 100 == 0 || totals_.seeds == cases_.size()) {
        std::fprintf(stderr, "\r%llu of %zu seeds, %.0f a minute ", number(totals_.seeds),
                     cases_.size(), per_minute());
    }
}

void Sweep::print_run(const SimCase& one, const RunReport& run, const Trace& trace) {
    const std::lock_guard lock(mutex_);
    std::printf("seed %llu%s%s: hash %016llx, %llu events, %llu tasks ended, %llu of them good\n%s",
                number(one.seed), one.scenario.empty() ? "" : " of ", one.scenario.c_str(),
                number(run.hash), number(run.events), number(run.tasks_ended),
                number(run.tasks_good), describe(options_of(one)).c_str());
    if (!run.failure) trace.print(stdout);
}

void Sweep::print_failure(const SimCase& one, const RunReport& run) {
    failed_ = true;
    const std::lock_guard lock(mutex_);
    const Failure& failure = *run.failure;
    std::printf("\nseed %llu%s%s violates %s at %.6f s, event %llu: %s\n", number(one.seed),
                one.scenario.empty() ? "" : " of ", one.scenario.c_str(), failure.invariant.c_str(),
                static_cast<double>(failure.at_us) / 1e6, number(failure.event),
                failure.text.c_str());
    if (!options_.plant.empty()) return;
    std::printf("commit %s\nreplay: %s --verbose\nsmaller: %s --shrink\n", options_.commit,
                command_of(one).c_str(), command_of(one).c_str());
    std::printf("options:\n%slast events:\n", describe(options_of(one)).c_str());
    Coverage unused;
    Trace trace(options_.events);
    const RunReport again = run_case(one, unused, trace);
    trace.print(stdout);
    if (!again.failure || again.hash != run.hash) {
        std::printf("  and the second run of this seed differs: I13 is violated as well\n");
    }
}

double Sweep::per_minute() const {
    return static_cast<double>(totals_.seeds) * 60 / std::max(clock_() - began_s_, 1e-9);
}

// I14: each of these happened in the batch.
bool Sweep::judge_coverage() {
    bool good = true;
    for (size_t i = 0; i < Coverage::kSize; ++i) {
        if (options_.coverage) {
            std::printf("%10llu  %s\n", number(coverage_.count(i)), Coverage::text(i));
        }
        if (!options_.is_whole || coverage_.count(i) > 0) continue;
        std::printf("I14: never hit: %s\n", Coverage::text(i));
        good = false;
    }
    return good;
}

int Sweep::report() {
    if (!options_.json && !options_.verbose) std::fputc('\n', stderr);
    bool good = !failed_;
    if (!options_.plant.empty()) {
        good = failed_;
        std::printf("plant %s: %s after %llu seeds\n", options_.plant.c_str(),
                    failed_ ? "found" : "not found", number(totals_.seeds));
    }
    good &= judge_coverage();
    if (options_.json) {
        std::printf(
            "{\"seeds\":%llu,\"events\":%llu,\"tasks\":%llu,\"good\":%llu,"
            "\"seeds_per_minute\":%.0f,\"simulated_s\":%.0f,\"twice\":%llu,"
            "\"payload_held_max\":%llu,\"queued_max\":%llu,\"hash\":\"%016llx\",\"ok\":%s}\n",
            number(totals_.seeds), number(totals_.events), number(totals_.tasks),
            number(totals_.good), per_minute(), totals_.simulated_s, number(totals_.twice),
            number(totals_.payload_held_max), number(totals_.queued_max), number(totals_.hash),
            good ? "true" : "false");
        return good ? 0 : 1;
    }
    std::printf(
        "%llu seeds (%llu run twice), %.1f million events, %llu tasks ended, %.1f %% "
        "of them good, %.0f simulated hours, %.0f seeds a minute\n",
        number(totals_.seeds), number(totals_.twice), static_cast<double>(totals_.events) / 1e6,
        number(totals_.tasks),
        100.0 * static_cast<double>(totals_.good) /
            static_cast<double>(std::max<uint64_t>(1, totals_.tasks)),
        totals_.simulated_s / 3600, per_minute());
    return good ? 0 : 1;
}

uint64_t first_failing(uint64_t first, uint64_t count, unsigned jobs) {
    std::atomic<uint64_t> next{first};
    std::atomic<uint64_t> lowest{UINT64_MAX};
    const auto work = [&] {
        Coverage unused;
        for (;;) {
            const uint64_t seed = next++;
            if (seed >= first + count || seed > lowest) return;
            Trace off;
            if (!run_seed(seed, unused, off).failure) continue;
            uint64_t known = lowest;
            while (seed < known && !lowest.compare_exchange_weak(known, seed)) {
            }
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < jobs; ++i) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
    return lowest == UINT64_MAX ? 0 : lowest.load();
}

}  // namespace p2c2r::sim
