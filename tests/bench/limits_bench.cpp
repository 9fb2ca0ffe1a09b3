// limits_bench: what connections may cost, and whether they stay below it.
//
//   limits_bench memory     [--connections 5000]   resident memory of the coordinator for each idle
//       connection that has logged in, plain and TLS, and for each of 512 that never get that far
//   limits_bench handshakes [--connections 2000]   TLS handshakes with login a second, callers and
//       coordinator on this machine's cores together
//   limits_bench flood      [--secs 5] [--width 64]   p99 of a gamer's tasks of 5 ms while somebody
//       opens TLS connections as fast as this machine can, beside the same without
//   limits_bench inputs     [--secs 30] [--connections 256]   the coordinator's memory while many
//   gamers
//       without limits of their own offer it more input than it may hold
//   limits_bench all
//
// Separate processes on loopback, through the public C ABI; the crowds that never log in are
// sockets. Each line says what was asked and what was measured; --json adds a line of JSON; exit 0
// only if all hold.
#include <p2c2r/p2c2r.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "dwell.h"
#include "limits_players.h"

namespace {

using bench::fail;
using bench::make_runtime;
using bench::url_of;
using bench::World;

constexpr unsigned kWarm = 100;   // connections before counting begins
constexpr unsigned kCrowd = 512;  // the most that may be unregistered
constexpr unsigned kPeerSlots = 16;
constexpr size_t kLargeInput = 1 << 20;
constexpr unsigned kLargeInFlight = 16;  // of each gamer
constexpr double kMemoryMaxMib = 512;    // a coordinator's own, unless it is told otherwise

struct Options {
    std::string mode;
    std::string folder;
    std::string words;  // a file
    unsigned port = 0;
    unsigned connections = 0;
    unsigned width = 64;
    double secs = 0;
    bool tls = false;
    bool json = false;
};

void wait_for_end() {
    char line[64];
    while (std::fgets(line, sizeof line, stdin)) {
    }
}

// ---- processes ----------------------------------------------------------------------------------

// Answers each line with the number of gamers, until standard input ends.
int run_coordinator(const Options& options) {
    p2c2r_runtime* runtime = make_runtime(P2C2R_RUN_THREAD, P2C2R_NONE);
    p2c2r_coordinator_config config = {};
    config.struct_size = sizeof config;
    config.listen_port = P2C2R_ANY;
    bench::Identities identities(options.folder);
    if (options.tls) {
        identities.make(runtime);
        identities.use(config);
    }
    p2c2r_coordinator* coordinator = nullptr;
    p2c2r_error why = {};
    p2c2r_status status = p2c2r_coordinator_create(runtime, &config, &coordinator, &why);
    if (status != P2C2R_OK) fail("coordinator", status, why);
    if (options.tls) identities.enrol(coordinator);
    status = p2c2r_coordinator_start(coordinator, &why);
    if (status != P2C2R_OK) fail("listen", status, why);
    uint32_t port = 0;
    p2c2r_coordinator_port(coordinator, &port, nullptr);
    std::printf("%u\n", port);
    std::fflush(stdout);
    char line[64];
    while (std::fgets(line, sizeof line, stdin)) {
        p2c2r_coordinator_stats stats = {};
        stats.struct_size = sizeof stats;
        p2c2r_coordinator_stats_get(coordinator, &stats);
        std::printf("%u\n", stats.clients);
        std::fflush(stdout);
    }
    p2c2r_coordinator_destroy(coordinator);
    p2c2r_runtime_destroy(runtime);
    return 0;
}

int run_peer(const Options& options) {
    p2c2r_runtime* runtime = make_runtime(P2C2R_RUN_THREAD, 1);
    {
        bench::Dwell dwell(runtime);
        bench::Identities identities(options.folder);
        const std::string url = url_of(options.port, options.tls);
        p2c2r_capabilities capabilities = {};
        capabilities.struct_size = sizeof capabilities;
        capabilities.task_types = "dwell";
        p2c2r_peer_config config = {};
        config.struct_size = sizeof config;
        config.max_concurrent_tasks = kPeerSlots;
        config.coordinator_url = url.c_str();
        config.capabilities = &capabilities;
        if (options.tls) config.credentials = identities.show("worker");
        p2c2r_peer* peer = nullptr;
        p2c2r_error why = {};
        p2c2r_status status = p2c2r_peer_create(runtime, &config, &peer, &why);
        if (status != P2C2R_OK) fail("peer", status, why);
        status = p2c2r_peer_start(peer, &why);
        if (status != P2C2R_OK) fail("peer start", status, why);
        wait_for_end();
        p2c2r_peer_destroy(peer);
    }
    p2c2r_runtime_destroy(runtime);
    return 0;
}

int run_flood(const Options& options) {
    std::string words(8192, '\0');
    std::FILE* file = std::fopen(options.words.c_str(), "rb");
    words.resize(file ? std::fread(words.data(), 1, words.size(), file) : 0);
    if (file) std::fclose(file);
    const bench::Flooded flooded = bench::flood(options.port, words, options.width);
    std::printf("%llu %llu\n", static_cast<unsigned long long>(flooded.answered),
                static_cast<unsigned long long>(flooded.refused));
    return 0;
}

// ---- lines --------------------------------------------------------------------------------------

bool all_good = true;
std::string summary;

void say(const char* what, const char* name, const char* asked, double measured, const char* unit,
         bool good, const std::string& more = {}) {
    all_good = all_good && good;
    std::printf("%-46s %-12s %10.2f %-8s %-6s %s\n", what, asked, measured, unit,
                good ? "holds" : "SHORT", more.c_str());
    std::fflush(stdout);
    char text[96];
    std::snprintf(text, sizeof text, ",\"%s\":%.3f", name, measured);
    summary += text;
}

void head() {
    std::printf("%-46s %-12s %10s\n", "limit", "asked", "measured");
}

// ---- memory -------------------------------------------------------------------------------------

void measure_idle(const Options& options, bool tls) {
    const unsigned count = options.connections ? options.connections : 5000;
    World world(tls);
    world.connect(kWarm);
    const unsigned long warm = world.gamers();
    const long before = world.resident_kb();
    world.connect(count);
    const unsigned long after = world.gamers();
    const double each = static_cast<double>(world.resident_kb() - before) / count;
    const double bar = tls ? 100 : 16;
    say(tls ? "idle connection over TLS" : "idle connection in plaintext",
        tls ? "idle_tls_kib" : "idle_plain_kib", tls ? "<= 100 KiB" : "<= 16 KiB", each, "KiB",
        each <= bar && after - warm == count, std::to_string(after - warm) + " connections");
}

// Those that never log in, at the point where they cost most.
void measure_crowd(bool said_hello) {
    World world(true);
    world.connect(kWarm);
    const std::string words = said_hello ? world.first_words() : std::string();
    { const bench::SilentCrowd warm(world.port, words, 16); }
    (void)world.gamers();
    const long before = world.resident_kb();
    const bench::SilentCrowd crowd(world.port, words, 2 * kCrowd);
    // All have been seen to, and the 2 s that they have are not over.
    std::this_thread::sleep_for(std::chrono::milliseconds(1400));
    const unsigned open = crowd.open();
    const double each = static_cast<double>(world.resident_kb() - before) / kCrowd;
    if (said_hello) {
        // What OpenSSL holds of a handshake is its own affair: only told.
        say("unregistered, in the middle of the handshake", "crowd_handshake_kib", "(told)", each,
            "KiB", true, std::to_string(open) + " of 1024 kept");
    } else {
        say("unregistered connection, own buffers", "crowd_kib", "<= 16 KiB", each, "KiB",
            each <= 16, std::to_string(open) + " of 1024 kept");
        say("unregistered connections at a time", "crowd", "<= 512", open, "", open <= kCrowd);
    }
}

void run_memory(const Options& options) {
    measure_idle(options, false);
    measure_idle(options, true);
    measure_crowd(false);
    measure_crowd(true);
}

// ---- handshakes ---------------------------------------------------------------------------------

void run_handshakes(const Options& options) {
    const unsigned count = options.connections ? options.connections : 2000;
    World world(true);
    world.connect(kWarm);
    const std::vector<int> pids = {world.coordinator.pid()};
    bench::Snapshot first, last;
    first.take(pids);
    world.connect(count);
    last.take(pids);
    const double secs = static_cast<double>(last.at_ns - first.at_ns) / 1e9;
    const double coordinator_us = static_cast<double>(last.broker_ns - first.broker_ns) / 1e3;
    const double callers_us = static_cast<double>(last.self_ns - first.self_ns) / 1e3;
    char more[96];
    std::snprintf(more, sizeof more, "%.0f us of the coordinator, %.0f us of the caller, each",
                  coordinator_us / count, callers_us / count);
    say("TLS handshakes with login a second", "handshakes", ">= 500 /s", count / secs, "/s",
        count / secs >= 500, more);
}

// ---- flood --------------------------------------------------------------------------------------

void run_flood_mode(const Options& options) {
    World world(true);
    bench::Child peer(
        {"peer", "--port", std::to_string(world.port), "--folder", world.folder.path, "--tls"});
    const std::string words_file = world.folder.path + "/words";
    const std::string words = world.first_words();
    std::FILE* file = std::fopen(words_file.c_str(), "wb");
    if (!file || std::fwrite(words.data(), 1, words.size(), file) != words.size()) std::exit(2);
    std::fclose(file);
    uint64_t errors = 0;
    const double secs_each = options.secs > 0 ? options.secs : 5;
    const double alone = bench::play(world, secs_each, errors);
    double flooded = 0;
    unsigned long long answered = 0, refused = 0;
    double secs = 0;
    {
        bench::Child attacker({"attacker", "--port", std::to_string(world.port), "--words",
                               words_file, "--width", std::to_string(options.width)});
        const uint64_t from = p2c2r_now_us();
        flooded = bench::play(world, secs_each, errors);
        secs = static_cast<double>(p2c2r_now_us() - from) / 1e6;
        attacker.end_input();
        std::sscanf(attacker.read_line().c_str(), "%llu %llu", &answered, &refused);
    }
    char more[160];
    std::snprintf(more, sizeof more,
                  "p99 %.2f ms alone, %.2f flooded by %.0f handshakes a second (%.0f closed), "
                  "%llu errors",
                  alone, flooded, static_cast<double>(answered) / secs,
                  static_cast<double>(refused) / secs, static_cast<unsigned long long>(errors));
    const double ratio = flooded / alone;
    say("p99 of a gamer during a flood of handshakes", "flood_ratio", "<= 1.5 x", ratio, "x",
        ratio <= 1.5 && errors == 0 && answered > 0, more);
}

// ---- inputs -------------------------------------------------------------------------------------

// Plaintext, so that all are the operator's own: what holds is the coordinator's budget alone.
void run_inputs(const Options& options) {
    World world(false);
    bench::Child peer(
        {"peer", "--port", std::to_string(world.port), "--folder", world.folder.path, "--plain"});
    const double secs = options.secs > 0 ? options.secs : 30;
    const unsigned count = options.connections ? options.connections : 256;
    const bench::Offered offered = bench::offer(world, count, kLargeInFlight, kLargeInput, secs);
    const double most =
        static_cast<double>(bench::status_kb(world.coordinator.pid(), "VmHWM")) / 1024;
    char more[160];
    std::snprintf(more, sizeof more,
                  "%u gamers offer %.0f MiB at a time for %.0f s: %llu done, %llu told BUSY, "
                  "%llu late, %llu other errors",
                  count, count * kLargeInFlight * static_cast<double>(kLargeInput) / (1 << 20),
                  secs, static_cast<unsigned long long>(offered.done),
                  static_cast<unsigned long long>(offered.busy),
                  static_cast<unsigned long long>(offered.late),
                  static_cast<unsigned long long>(offered.errors));
    say("the coordinator's memory, more offered than that", "inputs_mib", "<= 512 MiB", most, "MiB",
        most <= kMemoryMaxMib && offered.done > 0 && offered.busy > 0 && offered.errors == 0, more);
}

Options parse(int argc, char** argv) {
    Options options;
    if (argc > 1) options.mode = argv[1];
    for (int i = 2; i < argc; ++i) {
        const std::string key = argv[i];
        if (key == "--json") options.json = true;
        if (key == "--tls") options.tls = true;
        if (key == "--json" || key == "--tls" || key == "--plain") continue;
        const char* value = i + 1 < argc ? argv[++i] : "0";
        if (key == "--folder") options.folder = value;
        if (key == "--words") options.words = value;
        if (key == "--port") options.port = static_cast<unsigned>(std::atoi(value));
        if (key == "--connections") options.connections = static_cast<unsigned>(std::atoi(value));
        if (key == "--width") options.width = static_cast<unsigned>(std::atoi(value));
        if (key == "--secs") options.secs = std::atof(value);
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    bench::allow_descriptors(16384);
    if (options.mode == "coordinator") return run_coordinator(options);
    if (options.mode == "peer") return run_peer(options);
    if (options.mode == "attacker") return run_flood(options);
    const bool all = options.mode == "all";
    if (!all && options.mode != "memory" && options.mode != "handshakes" &&
        options.mode != "flood" && options.mode != "inputs") {
        std::fprintf(stderr,
                     "usage: limits_bench memory|handshakes [--connections N] | flood [--secs S] "
                     "[--width W] | inputs [--secs S] [--connections N] | all [--json]\n");
        return 2;
    }
    head();
    if (all || options.mode == "memory") run_memory(options);
    if (all || options.mode == "handshakes") run_handshakes(options);
    if (all || options.mode == "flood") run_flood_mode(options);
    if (all || options.mode == "inputs") run_inputs(options);
    if (options.json) {
        std::printf("{\"good\":%s%s}\n", all_good ? "true" : "false", summary.c_str());
    }
    return all_good ? 0 : 1;
}
