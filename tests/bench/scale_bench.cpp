// scale_bench: many of everything, on loopback, in separate processes.
//
//   scale_bench idle [--connections 10000]   resident memory a registered idle connection costs
//   scale_bench mix  [--peers 100] [--secs 5] [--dwell-us 16000] [--inflight N]
//       80 % tasks that hold a timer ("dwell"), 20 % upscales of raw 64 x 64 tiles: tasks a second,
//       utilisation (share of slot time with a task that ended accepted), overhead
//       ((end to end - execution) / end to end)
//
// Through the public C ABI only. --json adds a line of JSON; exit 0 only if the bars hold: at most
// 16 KiB a connection; more than 20 000 tasks/s, utilisation over 90 %, overhead under 5 %.
#include <p2c2r/p2c2r.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench_roles.h"
#include "child_process.h"
#include "dwell.h"
#include "process_figures.h"

namespace {

using bench::fail;
using bench::make_runtime;

struct Options {
    std::string mode;
    unsigned port = 0;
    unsigned connections = 10000;
    unsigned peers = 100;
    unsigned slots = 4;
    unsigned inflight = 0;
    unsigned dwell_us = 16000;
    double secs = 5;
    bool json = false;
};

// ---- the coordinator's process: serves until its standard input ends --------------------------

int run_coordinator(const Options&) {
    p2c2r_runtime* runtime = make_runtime(P2C2R_RUN_THREAD, P2C2R_NONE);
    p2c2r_coordinator_config config = {};
    config.struct_size = sizeof config;
    config.listen_port = P2C2R_ANY;
    p2c2r_coordinator* coordinator = nullptr;
    p2c2r_error why = {};
    p2c2r_status status = p2c2r_coordinator_create(runtime, &config, &coordinator, &why);
    if (status != P2C2R_OK) fail("coordinator", status, why);
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
        std::printf("%u %u %u %llu\n", stats.clients, stats.active_peers,
                    stats.utilisation_permille,
                    static_cast<unsigned long long>(stats.completed_tasks));
        std::fflush(stdout);
    }
    p2c2r_coordinator_destroy(coordinator);
    p2c2r_runtime_destroy(runtime);
    return 0;
}

// ---- peers whose tasks hold a timer -------------------------------------------------------------

int run_peers(const Options& options) {
    p2c2r_runtime* runtime = make_runtime(P2C2R_RUN_THREAD, 1);
    {
        bench::Dwell dwell(runtime);
        p2c2r_error why = {};
        const std::string url = "p2c2r+plain://127.0.0.1:" + std::to_string(options.port);
        p2c2r_capabilities capabilities = {};
        capabilities.struct_size = sizeof capabilities;
        capabilities.task_types = "dwell,upscale";
        std::vector<p2c2r_peer*> peers(options.peers);
        for (p2c2r_peer*& peer : peers) {
            p2c2r_peer_config config = {};
            config.struct_size = sizeof config;
            config.max_concurrent_tasks = options.slots;
            config.prefetch_tasks = P2C2R_NONE;
            config.coordinator_url = url.c_str();
            config.capabilities = &capabilities;
            p2c2r_status status = p2c2r_peer_create(runtime, &config, &peer, &why);
            if (status != P2C2R_OK) fail("peer", status, why);
            status = p2c2r_peer_start(peer, &why);
            if (status != P2C2R_OK) fail("peer start", status, why);
        }
        std::puts("ready");
        std::fflush(stdout);
        char line[64];
        while (std::fgets(line, sizeof line, stdin)) {
        }
        for (p2c2r_peer* peer : peers) p2c2r_peer_destroy(peer);
    }
    p2c2r_runtime_destroy(runtime);
    return 0;
}

// ---- idle ---------------------------------------------------------------------------------------

std::vector<unsigned long long> ask(bench::Child& coordinator) {
    const std::string line = coordinator.ask("stats");
    std::vector<unsigned long long> values;
    for (const char* at = line.c_str(); *at;) {
        char* end = nullptr;
        values.push_back(std::strtoull(at, &end, 10));
        if (end == at) break;
        at = end;
    }
    values.resize(4);
    return values;
}

int run_idle(const Options& options) {
    bench::allow_descriptors(options.connections + 256);
    bench::Child coordinator({"coordinator"});
    const unsigned port = static_cast<unsigned>(std::atoi(coordinator.read_line().c_str()));
    const std::string url = "p2c2r+plain://127.0.0.1:" + std::to_string(port);
    p2c2r_runtime* runtime = make_runtime(P2C2R_RUN_THREAD, P2C2R_NONE);
    std::vector<p2c2r_client*> clients;
    const auto connect = [&](unsigned count) {
        const size_t first = clients.size();
        for (unsigned i = 0; i < count; ++i) {
            p2c2r_client_config config = {};
            config.struct_size = sizeof config;
            config.coordinator_url = url.c_str();
            p2c2r_client* client = nullptr;
            p2c2r_error why = {};
            p2c2r_status status = p2c2r_client_create(runtime, &config, &client, &why);
            if (status != P2C2R_OK) fail("client", status, why);
            clients.push_back(client);
        }
        for (size_t i = first; i < clients.size(); ++i) {
            p2c2r_error why = {};
            const p2c2r_status status = p2c2r_client_connect(clients[i], 20000, &why);
            if (status != P2C2R_OK) fail("connect", status, why);
        }
    };
    connect(100);  // warm: what is there once does not count for each
    ask(coordinator);
    const long before = bench::status_kb(coordinator.pid(), "VmRSS");
    while (clients.size() < options.connections + 100u) {
        connect(std::min<unsigned>(
            200, static_cast<unsigned>(options.connections + 100 - clients.size())));
        if (clients.size() % 2000 < 200) std::fprintf(stderr, "%zu connections\r", clients.size());
    }
    const unsigned long long counted = ask(coordinator)[0];
    const long after = bench::status_kb(coordinator.pid(), "VmRSS");
    const double each = static_cast<double>(after - before) / options.connections;
    std::printf("%-28s %12s %12s %12s\n", "idle connections", "RSS before", "RSS after",
                "KiB each");
    std::printf("%-28llu %9ld KiB %9ld KiB %12.2f   must <= 16, goal <= 8\n", counted, before,
                after, each);
    const bool good = counted == options.connections + 100u && each <= 16;
    if (options.json) {
        std::printf("{\"good\":%s,\"connections\":%u,\"kib_each\":%.3f}\n", good ? "true" : "false",
                    options.connections, each);
    }
    std::fflush(stdout);
    for (p2c2r_client* client : clients) p2c2r_client_destroy(client);
    p2c2r_runtime_destroy(runtime);
    return good ? 0 : 1;
}

// ---- mix ----------------------------------------------------------------------------------------

struct Mix {
    const Options* options;
    p2c2r_client* client;
    std::vector<uint8_t> tile;
    std::vector<uint8_t> params;  // MessagePack
    bench::LatencyHistogram total;
    double end_to_end_us = 0;
    double execution_us = 0;
    double held_us = 0;
    uint64_t measure_from_us = 0;
    uint64_t end_us = 0;
    uint64_t done = 0;
    uint64_t errors = 0;
    uint64_t sequence = 0;
    unsigned pending = 0;
};

void P2C2R_CALL keep(void*, const void*, size_t) {}
void P2C2R_CALL mix_ended(void* user, p2c2r_task, p2c2r_result* result);

void submit_mix(Mix& mix) {
    const uint32_t dwell = mix.options->dwell_us;
    p2c2r_task_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.place = P2C2R_PLACE_REMOTE;
    desc.done = mix_ended;
    desc.user = &mix;
    p2c2r_bytes data = {&dwell, sizeof dwell, nullptr, nullptr};
    desc.task_type = "dwell";
    if (mix.sequence++ % 5 == 0) {
        data = {mix.tile.data(), mix.tile.size(), keep, nullptr};
        desc.task_type = "upscale";
        desc.params = mix.params.data();
        desc.params_size = mix.params.size();
    }
    desc.data = &data;
    p2c2r_task task = 0;
    if (p2c2r_client_submit(mix.client, &desc, &task, nullptr) == P2C2R_OK) {
        ++mix.pending;
    } else {
        ++mix.errors;
    }
}

void P2C2R_CALL mix_ended(void* user, p2c2r_task, p2c2r_result* result) {
    Mix& mix = *static_cast<Mix*>(user);
    --mix.pending;
    p2c2r_result_info info = {};
    info.struct_size = sizeof info;
    p2c2r_result_info_get(result, &info);
    const uint64_t now = p2c2r_now_us();
    if (info.status != P2C2R_OK) ++mix.errors;
    if (now >= mix.measure_from_us && now < mix.end_us) {
        ++mix.done;
        mix.total.add(info.total_us * 1000);
        mix.end_to_end_us += static_cast<double>(info.total_us);
        mix.execution_us += static_cast<double>(info.processing_us);
        mix.held_us += static_cast<double>(info.total_us - std::min(info.total_us, info.queue_us));
    }
    p2c2r_result_release(result);
    if (now < mix.end_us) submit_mix(mix);
}

int run_mix(const Options& options) {
    bench::allow_descriptors(4096);
    bench::Child coordinator({"coordinator"});
    const std::string port = coordinator.read_line();
    bench::Child peers({"peers", "--port", port, "--peers", std::to_string(options.peers),
                        "--slots", std::to_string(options.slots)});
    peers.read_line();
    p2c2r_runtime* runtime = make_runtime(P2C2R_RUN_MANUAL, P2C2R_NONE);
    const std::string url = "p2c2r+plain://127.0.0.1:" + port;
    const unsigned slots = options.peers * options.slots;
    p2c2r_client_config config = {};
    config.struct_size = sizeof config;
    config.tasks_max = slots * 4;
    config.coordinator_url = url.c_str();
    Mix mix;
    mix.options = &options;
    p2c2r_error why = {};
    p2c2r_status status = p2c2r_client_create(runtime, &config, &mix.client, &why);
    if (status != P2C2R_OK) fail("client", status, why);
    status = p2c2r_client_connect(mix.client, 10000, &why);
    if (status != P2C2R_OK) fail("connect", status, why);
    p2c2r_client_stats stats = {};
    const uint64_t started = p2c2r_now_us();
    do {
        p2c2r_runtime_poll(runtime, 20);
        stats.struct_size = sizeof stats;
        p2c2r_client_stats_get(mix.client, &stats);
    } while (stats.peers_available < options.peers && p2c2r_now_us() - started < 20000000);
    mix.tile.resize(64 * 64 * 3);
    for (size_t i = 0; i < mix.tile.size(); ++i) mix.tile[i] = static_cast<uint8_t>(i * 7);
    const char json[] =
        "{\"input_res\":[64,64],\"output_res\":[96,96],\"channels\":3,\"output_format\":\"raw\","
        "\"algorithm\":\"bicubic\"}";
    mix.params.resize(256);
    size_t size = mix.params.size();
    status = p2c2r_params_from_json(json, sizeof json - 1, mix.params.data(), &size, &why);
    if (status != P2C2R_OK) fail("params", status, why);
    mix.params.resize(size);

    mix.measure_from_us = p2c2r_now_us() + 1000000;
    mix.end_us = mix.measure_from_us + static_cast<uint64_t>(options.secs * 1e6);
    const unsigned inflight = options.inflight ? options.inflight : slots;
    for (unsigned i = 0; i < inflight; ++i) submit_mix(mix);
    while (p2c2r_now_us() < mix.end_us) p2c2r_runtime_poll(runtime, 20);
    for (int i = 0; i < 200 && mix.pending > 0; ++i) p2c2r_runtime_poll(runtime, 20);

    const double rate = static_cast<double>(mix.done) / options.secs;
    const double utilisation = mix.held_us / (options.secs * 1e6 * slots);
    const double overhead = 1 - mix.execution_us / std::max(1.0, mix.end_to_end_us);
    std::printf("%-10s %12s %12s %12s %10s %10s %8s\n", "peers", "tasks/s", "utilisation",
                "overhead", "p50 ms", "p99 ms", "errors");
    std::printf("%-10u %12.0f %11.1f%% %11.1f%% %10.2f %10.2f %8llu\n", stats.peers_available, rate,
                utilisation * 100, overhead * 100, mix.total.quantile_ns(0.5) / 1e6,
                mix.total.quantile_ns(0.99) / 1e6, static_cast<unsigned long long>(mix.errors));
    const bool good = rate > 20000 && utilisation > 0.9 && overhead < 0.05 && mix.errors == 0;
    if (options.json) {
        std::printf("{\"good\":%s,\"tasks_per_s\":%.0f,\"utilisation\":%.4f,\"overhead\":%.4f}\n",
                    good ? "true" : "false", rate, utilisation, overhead);
    }
    std::fflush(stdout);
    p2c2r_client_destroy(mix.client);
    p2c2r_runtime_destroy(runtime);
    return good ? 0 : 1;
}

Options parse(int argc, char** argv) {
    Options options;
    if (argc > 1) options.mode = argv[1];
    for (int i = 2; i < argc; ++i) {
        const std::string key = argv[i];
        if (key == "--json") {
            options.json = true;
            continue;
        }
        const char* value = i + 1 < argc ? argv[++i] : "0";
        if (key == "--port") options.port = static_cast<unsigned>(std::atoi(value));
        if (key == "--connections") options.connections = static_cast<unsigned>(std::atoi(value));
        if (key == "--peers") options.peers = static_cast<unsigned>(std::atoi(value));
        if (key == "--slots") options.slots = static_cast<unsigned>(std::atoi(value));
        if (key == "--inflight") options.inflight = static_cast<unsigned>(std::atoi(value));
        if (key == "--dwell-us") options.dwell_us = static_cast<unsigned>(std::atoi(value));
        if (key == "--secs") options.secs = std::atof(value);
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    if (options.mode == "coordinator") return run_coordinator(options);
    if (options.mode == "peers") return run_peers(options);
    if (options.mode == "idle") return run_idle(options);
    if (options.mode == "mix") return run_mix(options);
    std::fprintf(stderr,
                 "usage: scale_bench idle [--connections N] | mix [--peers N] [--secs S] "
                 "[--dwell-us U] [--inflight N] [--json]\n");
    return 2;
}
