// `p2c2r_sim jitter`: hours at uneven lines in virtual time, and how often a peer that is well was
// taken for dead.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sim/frame_world.h"

namespace p2c2r::sim {

namespace {

// 30 ms there and back, with a deviation of 5 ms each way. An exponential delay deviates by its
// mean, and is six and more deviations late so often that nothing tells it from silence in time.
constexpr uint64_t kDeviationUs = 5'000;
constexpr uint64_t kOneWayUs = 15'000;
// Two peers of two slots each that are seldom idle: only who has work is listened for.
constexpr uint32_t kPeers = 2;
constexpr uint64_t kTakesUs = 50'000;
constexpr uint64_t kBarPer5Minutes = 1;
constexpr uint64_t kHoursMost = 10'000;

void print_jitter_help() {
    std::puts(
        "p2c2r_sim jitter: two peers that always have work, at lines of 30 ms there and back with\n"
        "a deviation of 5 ms each way, over the real roles in virtual time\n"
        "\n"
        "  --hours N         simulated (default 10)\n"
        "  --seed S          (default 1)\n"
        "  --exponential     delays are; else they are normal. Told without a bar: among these\n"
        "                    are so late ones that 50 ms are not enough to tell them from silence\n"
        "  --json            end with one line of JSON\n"
        "  --help            this text\n"
        "\n"
        "Exit: 0 when each peer was taken for dead at most once in 5 minutes and none was left\n"
        "out for it, 1 when not, 2 wrong arguments.");
}

}  // namespace

int jitter_main(int argc, char** argv) {
    uint64_t hours = 10;
    FrameOptions options;
    bool json = false;
    bool exponential = false;
    for (int i = 0; i < argc; ++i) {
        char* end = nullptr;
        const bool has_value = i + 1 < argc;
        if (std::strcmp(argv[i], "--help") == 0) {
            print_jitter_help();
            return 0;
        }
        if (std::strcmp(argv[i], "--json") == 0) {
            json = true;
            continue;
        }
        if (std::strcmp(argv[i], "--exponential") == 0) {
            exponential = true;
            continue;
        }
        const bool is_hours = std::strcmp(argv[i], "--hours") == 0;
        const bool is_known = is_hours || std::strcmp(argv[i], "--seed") == 0;
        const uint64_t value = is_known && has_value ? std::strtoull(argv[i + 1], &end, 10) : 0;
        if (!end || end == argv[i + 1] || *end != 0 ||
            (is_hours && (value < 1 || value > kHoursMost))) {
            std::fprintf(stderr,
                         "p2c2r_sim jitter: '%s' is not an option with its value; see --help\n",
                         argv[i]);
            return 2;
        }
        (is_hours ? hours : options.seed) = value;
        ++i;
    }
    options.frames = hours * 3600 * 60;
    options.peers = kPeers;
    options.share = 0;
    options.latency_us = exponential ? kOneWayUs - kDeviationUs : kOneWayUs;
    options.jitter_us = exponential ? kDeviationUs : 0;
    options.deviation_us = exponential ? 0 : kDeviationUs;
    options.takes_us = kTakesUs;
    options.lag = 6;
    Coverage unused;
    const FrameReport report = run_frames(options, unused);
    const auto count = [](uint64_t number) { return static_cast<unsigned long long>(number); };
    const double per_peer = static_cast<double>(report.silent + report.peer_failures) /
                            (kPeers * 12.0 * static_cast<double>(hours));
    const bool in_bar = per_peer <= kBarPer5Minutes && report.peer_failures == 0;
    const bool pass = exponential || in_bar;
    std::printf(
        "%llu virtual hours, %u peers: %llu of %llu frames with their own answer; a peer was "
        "suspected %llu times, taken for dead %llu times, and left out %llu times\n",
        count(hours), kPeers, count(report.own), count(report.frames), count(report.suspected),
        count(report.silent), count(report.peer_failures));
    std::printf("false deaths for each peer and 5 minutes: %.3f; bar %llu: %s\n", per_peer,
                count(kBarPer5Minutes),
                exponential ? "not for exponential delays"
                : in_bar    ? "holds"
                            : "missed");
    if (json) {
        std::printf(
            "{\"mode\":\"jitter\",\"seed\":%llu,\"hours\":%llu,\"peers\":%u,\"suspected\":%llu,"
            "\"false_deaths\":%llu,\"peer_failures\":%llu,\"per_peer_and_5_min\":%.4f,"
            "\"events\":%llu,\"hash\":\"%016llx\",\"pass\":%s}\n",
            count(options.seed), count(hours), kPeers, count(report.suspected),
            count(report.silent), count(report.peer_failures), per_peer, count(report.events),
            count(report.hash), pass ? "true" : "false");
    }
    return pass ? 0 : 1;
}

}  // namespace p2c2r::sim
