// limits_bench: what connections may cost, and whether they stay below it.
//
//   limits_bench memory     [--connections 5000]   resident memory of the coordinator for each idle
//       connection that has logged in, plain and TLS, and for each of 512 that never get that far
//   limits_bench handshakes [--connections 2000]   TLS handshakes with login a second, callers and
//       coordinator on this machine's cores together
//   limits_bench flood      [--secs 5] [--width 64]   p99 of a gamer's tasks of 5 ms while somebody
//       opens TLS connections as fast as this machine can, beside the same without
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
#include "limits_world.h"

namespace {

using bench::fail;
using bench::make_runtime;
using bench::url_of;
using bench::World;

constexpr unsigned kWarm = 100;   // connections before counting begins
constexpr unsigned kCrowd = 512;  // the most that may be unregistered
constexpr uint32_t kDwellUs = 5000;
constexpr unsigned kInFlight = 8;

struct Options {
    std::string mode;
    std::string folder;
    std::string words;  // a file
    unsigned port = 0;
    unsigned connections = 0;
    unsigned width = 64;
    double secs = 5;
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
        const std::string url = url_of(options.port, true);
        p2c2r_capabilities capabilities = {};
        capabilities.struct_size = sizeof capabilities;
        capabilities.task_types = "dwell";
        p2c2r_peer_config config = {};
        config.struct_size = sizeof config;
        config.max_concurrent_tasks = 2 * kInFlight;
        config.coordinator_url = url.c_str();
        config.capabilities = &capabilities;
        config.credentials = identities.show("worker");
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

struct Gamer {
    p2c2r_client* client = nullptr;
    uint32_t dwell = kDwellUs;
    bench::LatencyHistogram latencies;
    uint64_t until_us = 0;
    uint64_t errors = 0;
    unsigned pending = 0;
    uint64_t started_ns[kInFlight] = {};
};
struct GamerTask {
    Gamer* gamer;
    unsigned index;
};

void P2C2R_CALL gamer_ended(void* user, p2c2r_task, p2c2r_result* result);

void gamer_submit(GamerTask& task) {
    Gamer& gamer = *task.gamer;
    const p2c2r_bytes data = {&gamer.dwell, sizeof gamer.dwell, nullptr, nullptr};
    p2c2r_task_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.task_type = "dwell";
    desc.data = &data;
    desc.place = P2C2R_PLACE_REMOTE;
    desc.done = gamer_ended;
    desc.user = &task;
    gamer.started_ns[task.index] = bench::now_ns();
    p2c2r_task id = 0;
    if (p2c2r_client_submit(gamer.client, &desc, &id, nullptr) == P2C2R_OK) {
        ++gamer.pending;
    } else {
        ++gamer.errors;
    }
}

void P2C2R_CALL gamer_ended(void* user, p2c2r_task, p2c2r_result* result) {
    GamerTask& task = *static_cast<GamerTask*>(user);
    Gamer& gamer = *task.gamer;
    --gamer.pending;
    if (p2c2r_result_status(result) != P2C2R_OK) ++gamer.errors;
    p2c2r_result_release(result);
    gamer.latencies.add(bench::now_ns() - gamer.started_ns[task.index]);
    if (p2c2r_now_us() < gamer.until_us) gamer_submit(task);
}

// p99 in ms of tasks that take 5 ms, in a runtime of its own.
double play(World& world, double secs, uint64_t& errors) {
    p2c2r_runtime* runtime = make_runtime(P2C2R_RUN_MANUAL, P2C2R_NONE);
    p2c2r_client_config config = {};
    config.struct_size = sizeof config;
    config.coordinator_url = world.url.c_str();
    config.credentials = world.credentials;
    Gamer gamer;
    p2c2r_error why = {};
    p2c2r_status status = p2c2r_client_create(runtime, &config, &gamer.client, &why);
    if (status != P2C2R_OK) fail("client", status, why);
    status = p2c2r_client_connect(gamer.client, 10000, &why);
    if (status != P2C2R_OK) fail("connect", status, why);
    p2c2r_client_stats stats = {};
    for (int turns = 0; stats.peers_available < 1 && turns < 500; ++turns) {
        p2c2r_runtime_poll(runtime, 10);
        stats.struct_size = sizeof stats;
        p2c2r_client_stats_get(gamer.client, &stats);
    }
    std::vector<GamerTask> tasks;
    for (unsigned i = 0; i < kInFlight; ++i) tasks.push_back({&gamer, i});
    // A little first, for what is learned.
    for (const double part : {0.5, secs}) {
        gamer.latencies = {};
        gamer.until_us = p2c2r_now_us() + static_cast<uint64_t>(part * 1e6);
        for (GamerTask& task : tasks) gamer_submit(task);
        while (gamer.pending > 0) p2c2r_runtime_poll(runtime, 20);
    }
    errors += gamer.errors;
    p2c2r_client_destroy(gamer.client);
    p2c2r_runtime_destroy(runtime);
    return gamer.latencies.quantile_ns(0.99) / 1e6;
}

void run_flood_mode(const Options& options) {
    World world(true);
    bench::Child peer(
        {"peer", "--port", std::to_string(world.port), "--folder", world.folder.path});
    const std::string words_file = world.folder.path + "/words";
    const std::string words = world.first_words();
    std::FILE* file = std::fopen(words_file.c_str(), "wb");
    if (!file || std::fwrite(words.data(), 1, words.size(), file) != words.size()) std::exit(2);
    std::fclose(file);
    uint64_t errors = 0;
    const double alone = play(world, options.secs, errors);
    double flooded = 0;
    unsigned long long answered = 0, refused = 0;
    double secs = 0;
    {
        bench::Child attacker({"attacker", "--port", std::to_string(world.port), "--words",
                               words_file, "--width", std::to_string(options.width)});
        const uint64_t from = p2c2r_now_us();
        flooded = play(world, options.secs, errors);
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
        options.mode != "flood") {
        std::fprintf(stderr,
                     "usage: limits_bench memory|handshakes [--connections N] | flood [--secs S] "
                     "[--width W] | all [--json]\n");
        return 2;
    }
    head();
    if (all || options.mode == "memory") run_memory(options);
    if (all || options.mode == "handshakes") run_handshakes(options);
    if (all || options.mode == "flood") run_flood_mode(options);
    if (options.json) {
        std::printf("{\"good\":%s%s}\n", all_good ? "true" : "false", summary.c_str());
    }
    return all_good ? 0 : 1;
}
