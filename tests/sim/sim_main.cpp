// p2c2r_sim: sweeps seeds through the simulator. A seed that fails is run once more with a trace,
// and its options and last events are printed.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sim/cluster.h"
#include "sim/frame_world.h"
#include "sim/plants.h"

using namespace p2c2r;
using namespace p2c2r::sim;

namespace {

constexpr size_t kTraceLines = 200;
// From this many seeds on, everything on the "sometimes" list must have been hit.
constexpr uint64_t kSeedsForCoverage = 300;
constexpr uint64_t kTwiceEvery = 50;

struct Arguments {
    uint64_t seeds = 100;
    uint64_t first = 1;
    unsigned jobs = 1;
    std::string plant;
    bool list_plants = false;
    bool verbose = false;
    bool json = false;
    bool coverage = false;
    bool help = false;
};

void print_help() {
    std::puts(
        "p2c2r_sim: the real roles over a simulated clock, network and machine\n"
        "\n"
        "  p2c2r_sim frames: a game's frames; see its --help\n"
        "\n"
        "  --seeds N      how many seeds to run (default 100)\n"
        "  --seed S       the first one (default 1)\n"
        "  --jobs N       threads (default 1)\n"
        "  --plant NAME   run with this planted bug; succeeds when a seed finds it\n"
        "  --list-plants  the bugs that can be planted\n"
        "  --coverage     print how often each fault, status and transition was hit\n"
        "  --verbose      print options and last events of every seed\n"
        "  --json         end with one line of JSON\n"
        "  --help         this text\n"
        "\n"
        "Exit: 0 all seeds hold (with --plant: it was found), 1 not, 2 wrong arguments.");
}

bool parse(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        const auto number = [&](auto& value) {
            if (i + 1 >= argc) return false;
            char* end = nullptr;
            const char* text = argv[++i];
            value =
                static_cast<std::remove_reference_t<decltype(value)>>(std::strtoull(text, &end, 0));
            return end != text && *end == 0;
        };
        bool good = true;
        if (name == "--seeds") {
            good = number(arguments.seeds);
        } else if (name == "--seed") {
            good = number(arguments.first);
        } else if (name == "--jobs") {
            good = number(arguments.jobs) && arguments.jobs > 0;
        } else if (name == "--plant" && i + 1 < argc) {
            arguments.plant = argv[++i];
        } else if (name == "--list-plants") {
            arguments.list_plants = true;
        } else if (name == "--coverage") {
            arguments.coverage = true;
        } else if (name == "--verbose") {
            arguments.verbose = true;
        } else if (name == "--json") {
            arguments.json = true;
        } else if (name == "--help") {
            arguments.help = true;
        } else {
            good = false;
        }
        if (!good) {
            std::fprintf(stderr, "p2c2r_sim: '%s' is not an option with its value; see --help\n",
                         name.c_str());
            return false;
        }
    }
    return true;
}

// A failed CHECK ends the process: say which seed it was, and what led to it.
thread_local uint64_t running_seed = 0;
thread_local const Trace* running_trace = nullptr;

extern "C" void on_abort(int) {
    std::fprintf(stderr, "seed %llu: a CHECK failed, or memory was misused\n",
                 static_cast<unsigned long long>(running_seed));
    if (running_trace && running_trace->on()) {
        running_trace->print(stderr);
    } else {
        std::fprintf(stderr, "  see: p2c2r_sim --seeds 1 --seed %llu --verbose\n",
                     static_cast<unsigned long long>(running_seed));
    }
    std::fflush(stderr);
    std::_Exit(1);
}

struct Totals {
    uint64_t seeds = 0;
    uint64_t events = 0;
    uint64_t tasks = 0;
    uint64_t good = 0;
    uint64_t twice = 0;
    double simulated_s = 0;
    uint64_t payload_held_max = 0;
    uint64_t queued_max = 0;
};

class Sweep {
  public:
    explicit Sweep(const Arguments& arguments) : arguments_(arguments) {}

    int run() {
        began_ = std::chrono::steady_clock::now();
        std::vector<std::thread> threads;
        for (unsigned i = 1; i < arguments_.jobs; ++i) threads.emplace_back([this] { work(); });
        work();
        for (std::thread& thread : threads) thread.join();
        return report();
    }

  private:
    void work() {
        Coverage coverage;
        while (!failed_) {
            const uint64_t index = next_++;
            if (index >= arguments_.seeds) break;
            const uint64_t seed = arguments_.first + index;
            running_seed = seed;
            Trace trace(arguments_.verbose ? kTraceLines : 0);
            running_trace = &trace;
            RunReport run = run_seed(seed, coverage, trace);
            bool twice = false;
            if (!run.failure && seed % kTwiceEvery == 0) {
                twice = true;
                check_again(seed, run);
            }
            if (arguments_.verbose) print_run(seed, run, trace);
            if (run.failure) print_failure(seed, run);
            running_trace = nullptr;
            add(run, twice);
        }
        const std::lock_guard lock(mutex_);
        coverage_.add(coverage);
    }

    // I13: the same seed gives the same events.
    static void check_again(uint64_t seed, RunReport& run) {
        Coverage unused;
        Trace off;
        const RunReport again = run_seed(seed, unused, off);
        if (again.hash != run.hash) {
            run.failure = Failure{"I13", "the same seed gave another trace", 0, 0};
        }
    }

    void add(const RunReport& run, bool twice) {
        const std::lock_guard lock(mutex_);
        ++totals_.seeds;
        totals_.events += run.events;
        totals_.tasks += run.tasks_ended;
        totals_.good += run.tasks_good;
        totals_.twice += twice;
        totals_.simulated_s += static_cast<double>(run.simulated_us) / 1e6;
        totals_.payload_held_max = std::max(totals_.payload_held_max, run.payload_held_max);
        totals_.queued_max = std::max(totals_.queued_max, run.queued_max);
        if (arguments_.json || arguments_.verbose) return;
        if (totals_.seeds % 100 == 0 || totals_.seeds == arguments_.seeds) {
            std::fprintf(stderr, "\r%llu of %llu seeds, %.0f a minute ",
                         static_cast<unsigned long long>(totals_.seeds),
                         static_cast<unsigned long long>(arguments_.seeds), per_minute());
        }
    }

    void print_run(uint64_t seed, const RunReport& run, const Trace& trace) {
        const std::lock_guard lock(mutex_);
        std::printf(
            "seed %llu: hash %016llx, %llu events, %llu tasks ended, %llu of them good\n%s",
            static_cast<unsigned long long>(seed), static_cast<unsigned long long>(run.hash),
            static_cast<unsigned long long>(run.events),
            static_cast<unsigned long long>(run.tasks_ended),
            static_cast<unsigned long long>(run.tasks_good), describe(draw_options(seed)).c_str());
        if (!run.failure) trace.print(stdout);
    }

    void print_failure(uint64_t seed, const RunReport& run) {
        failed_ = true;
        const std::lock_guard lock(mutex_);
        const Failure& failure = *run.failure;
        std::printf("\nseed %llu violates %s at %.6f s, event %llu: %s\n",
                    static_cast<unsigned long long>(seed), failure.invariant.c_str(),
                    static_cast<double>(failure.at_us) / 1e6,
                    static_cast<unsigned long long>(failure.event), failure.text.c_str());
        if (!arguments_.plant.empty()) return;
        std::printf("drawn options:\n%slast events:\n", describe(draw_options(seed)).c_str());
        Coverage unused;
        Trace trace(kTraceLines);
        const RunReport again = run_seed(seed, unused, trace);
        trace.print(stdout);
        if (!again.failure || again.hash != run.hash) {
            std::printf("  and the second run of this seed differs: I13 is violated as well\n");
        }
    }

    [[nodiscard]] double per_minute() const {
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began_;
        return static_cast<double>(totals_.seeds) * 60 / std::max(took.count(), 1e-9);
    }

    int report() {
        if (!arguments_.json && !arguments_.verbose) std::fputc('\n', stderr);
        bool good = !failed_;
        if (!arguments_.plant.empty()) {
            good = failed_;
            std::printf("plant %s: %s after %llu seeds\n", arguments_.plant.c_str(),
                        failed_ ? "found" : "not found",
                        static_cast<unsigned long long>(totals_.seeds));
        }
        const bool judged = arguments_.plant.empty() && totals_.seeds >= kSeedsForCoverage;
        for (size_t i = 0; i < Coverage::kSize; ++i) {
            if (arguments_.coverage) {
                std::printf("%10llu  %s\n", static_cast<unsigned long long>(coverage_.count(i)),
                            Coverage::text(i));
            }
            if (!judged || coverage_.count(i) > 0) continue;
            std::printf("I14: never hit: %s\n", Coverage::text(i));
            good = false;
        }
        if (arguments_.json) {
            std::printf(
                "{\"seeds\":%llu,\"events\":%llu,\"tasks\":%llu,\"good\":%llu,"
                "\"seeds_per_minute\":%.0f,\"simulated_s\":%.0f,\"twice\":%llu,"
                "\"payload_held_max\":%llu,\"queued_max\":%llu,\"ok\":%s}\n",
                static_cast<unsigned long long>(totals_.seeds),
                static_cast<unsigned long long>(totals_.events),
                static_cast<unsigned long long>(totals_.tasks),
                static_cast<unsigned long long>(totals_.good), per_minute(), totals_.simulated_s,
                static_cast<unsigned long long>(totals_.twice),
                static_cast<unsigned long long>(totals_.payload_held_max),
                static_cast<unsigned long long>(totals_.queued_max), good ? "true" : "false");
        } else {
            std::printf(
                "%llu seeds (%llu run twice), %.1f million events, %llu tasks ended, %.1f %% "
                "of them good, %.0f simulated hours, %.0f seeds a minute\n",
                static_cast<unsigned long long>(totals_.seeds),
                static_cast<unsigned long long>(totals_.twice),
                static_cast<double>(totals_.events) / 1e6,
                static_cast<unsigned long long>(totals_.tasks),
                100.0 * static_cast<double>(totals_.good) /
                    static_cast<double>(std::max<uint64_t>(1, totals_.tasks)),
                totals_.simulated_s / 3600, per_minute());
        }
        return good ? 0 : 1;
    }

    const Arguments& arguments_;
    std::chrono::steady_clock::time_point began_;
    std::atomic<uint64_t> next_{0};
    std::atomic<bool> failed_{false};
    std::mutex mutex_;
    Coverage coverage_;
    Totals totals_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::strcmp(argv[1], "frames") == 0) return frames_main(argc - 2, argv + 2);
    Arguments arguments;
    if (!parse(argc, argv, arguments)) return 2;
    if (arguments.help) {
        print_help();
        return 0;
    }
    if (arguments.list_plants) {
        for (const Plant& plant : kPlants) std::printf("%-26s %s\n", plant.name, plant.text);
        return 0;
    }
    if (!arguments.plant.empty() && !choose_plant(arguments.plant.c_str())) {
        std::fprintf(stderr, "p2c2r_sim: no plant '%s'; see --list-plants\n",
                     arguments.plant.c_str());
        return 2;
    }
    std::signal(SIGABRT, on_abort);
    std::signal(SIGSEGV, on_abort);
    return Sweep(arguments).run();
}
