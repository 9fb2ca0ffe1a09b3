// `p2c2r_sim frames`: a game's frames in virtual time, and what share of them had a good answer.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "sim/frame_world.h"

namespace p2c2r::sim {

namespace {

constexpr double kBarFresh = 0.95;

struct FrameArguments {
    FrameOptions options;
    bool json = false;
    bool help = false;
};

void print_frames_help() {
    std::puts(
        "p2c2r_sim frames: a game's frames over the real roles in virtual time, while some of the\n"
        "peers are killed, frozen, unreachable without a word, or ten times as slow\n"
        "\n"
        "  --frames N        how many (default 100000)\n"
        "  --seed S          (default 1)\n"
        "  --fps N           frames a second (default 60)\n"
        "  --lag N           frames between a push and its pull (default 0)\n"
        "  --peers N         (default 10)\n"
        "  --bad-percent N   of the peers, at any time (default 20)\n"
        "  --latency-us N    of each line, one way (default 1000)\n"
        "  --takes-us N      a frame's task at a peer, on average (default 3000)\n"
        "  --fault NAME      kill, freeze, blackhole or slow alone\n"
        "  --local           the gamer's machine computes as well\n"
        "  --json            end with one line of JSON\n"
        "  --help            this text\n"
        "\n"
        "Exit: 0 when 95 % of the frames used a remote answer of their own or one of the two\n"
        "frames before (with --local: or one of this machine), 1 when not, 2 wrong arguments.");
}

bool parse_frames(int argc, char** argv, FrameArguments& arguments) {
    FrameOptions& options = arguments.options;
    for (int i = 0; i < argc; ++i) {
        const std::string name = argv[i];
        const auto number = [&](uint64_t low, uint64_t high) {
            if (i + 1 >= argc) return UINT64_MAX;
            char* end = nullptr;
            const uint64_t value = std::strtoull(argv[++i], &end, 0);
            return end == argv[i] || *end != 0 || value < low || value > high ? UINT64_MAX : value;
        };
        uint64_t value = 0;
        if (name == "--frames") {
            options.frames = value = number(1, 100'000'000);
        } else if (name == "--seed") {
            options.seed = value = number(0, UINT64_MAX - 1);
        } else if (name == "--fps") {
            value = number(1, 1000);
            if (value <= 1000) options.budget_us = static_cast<uint32_t>(1'000'000 / value);
        } else if (name == "--lag") {
            options.lag = static_cast<uint32_t>(value = number(0, 60));
        } else if (name == "--peers") {
            options.peers = static_cast<uint32_t>(value = number(1, 100));
        } else if (name == "--bad-percent") {
            options.share = static_cast<double>(value = number(0, 100)) / 100;
        } else if (name == "--latency-us") {
            options.latency_us = value = number(1, 10'000'000);
        } else if (name == "--takes-us") {
            options.takes_us = value = number(2, 10'000'000);
        } else if (name == "--fault" && i + 1 < argc) {
            const std::string fault = argv[++i];
            value = UINT64_MAX;
            for (uint32_t kind = 0; kind < 4; ++kind) {
                if (fault != kFrameFaultNames[kind]) continue;
                options.kinds = 1u << kind;
                value = 0;
            }
        } else if (name == "--local") {
            options.local = true;
        } else if (name == "--json") {
            arguments.json = true;
        } else if (name == "--help") {
            arguments.help = true;
        } else {
            value = UINT64_MAX;
        }
        if (value == UINT64_MAX) {
            std::fprintf(stderr,
                         "p2c2r_sim frames: '%s' is not an option with its value; see --help\n",
                         name.c_str());
            return false;
        }
    }
    return true;
}

double percent(uint64_t part, uint64_t whole) {
    return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

int frames_main(int argc, char** argv) {
    FrameArguments arguments;
    if (!parse_frames(argc, argv, arguments)) return 2;
    if (arguments.help) {
        print_frames_help();
        return 0;
    }
    Coverage unused;
    const FrameReport report = run_frames(arguments.options, unused);
    const auto count = [](uint64_t number) { return static_cast<unsigned long long>(number); };
    const uint64_t good = report.fresh + (arguments.options.local ? report.local : 0);
    const bool pass = percent(good, report.frames) >= 100 * kBarFresh;
    std::printf(
        "%llu frames in %.0f virtual s: own remote %.2f %%, local %.2f %%, earlier frame's "
        "%.2f %%, none %.2f %%; %llu came late\n",
        count(report.frames), static_cast<double>(report.simulated_us) / 1e6,
        percent(report.own, report.frames), percent(report.local, report.frames),
        percent(report.previous, report.frames), percent(report.none, report.frames),
        count(report.late));
    std::printf("oldest answer used: %llu frames, %.1f ms\n", count(report.age_max),
                static_cast<double>(report.age_us_max) / 1000);
    for (size_t kind = 0; kind < 4; ++kind) {
        std::printf("%-10s %llu times; %llu frames without a remote answer of 2 frames meanwhile\n",
                    kFrameFaultNames[kind], count(report.faults_by_kind[kind]),
                    count(report.missed_by_kind[kind]));
    }
    std::printf("remote, of the frame or the two before: %.2f %%; bar %.0f %%: %s\n",
                percent(report.fresh, report.frames), 100 * kBarFresh, pass ? "holds" : "missed");
    if (arguments.json) {
        std::printf(
            "{\"mode\":\"frames\",\"seed\":%llu,\"frames\":%llu,\"own\":%llu,\"local\":%llu,"
            "\"previous\":%llu,\"none\":%llu,\"fresh\":%llu,\"late\":%llu,\"age_max\":%llu,"
            "\"age_us_max\":%llu,\"faults\":%llu,\"events\":%llu,\"hash\":\"%016llx\","
            "\"pass\":%s}\n",
            count(arguments.options.seed), count(report.frames), count(report.own),
            count(report.local), count(report.previous), count(report.none), count(report.fresh),
            count(report.late), count(report.age_max), count(report.age_us_max),
            count(report.faults), count(report.events), count(report.hash),
            pass ? "true" : "false");
    }
    return pass ? 0 : 1;
}

}  // namespace p2c2r::sim
