// dispatch_bench: the path of a task through real roles, beside other brokers.
//
//   dispatch_bench broker --port P
//   dispatch_bench worker --port P [--id I] [--inflight K]
//   dispatch_bench client --port P --size BYTES --inflight K --secs S --warm S --pids
//   BROKER,WORKER,...
//
// With --tls connections are encrypted and everybody logs in, with keys that the broker writes into
// its working folder, which is the others' as well; tls.py sets both beside each other.
//
// Everything goes through the public C ABI, with every feature on: one process a role, each turning
// its own loop (RUN_MANUAL), and echo tasks that run on the worker's loop thread. The client keeps
// K tasks in flight, warms up, measures, checks size and id of each result, and prints one JSON
// line. Figures of processes come from the scheduler's accounting of each pid.
#include <p2c2r/p2c2r.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench_identities.h"
#include "bench_roles.h"
#include "process_figures.h"

namespace {

using bench::fail;

volatile std::sig_atomic_t stop_requested = 0;
void request_stop(int) {
    stop_requested = 1;
}

struct Options {
    std::string role;
    unsigned port = 0;
    unsigned id = 0;
    unsigned inflight = 1;
    unsigned workers = 1;
    unsigned life_s = 60;
    size_t size = 64;
    double secs = 1;
    double warm = 0.3;
    bool tls = false;
    std::vector<int> pids;  // the broker's first
};

Options parse(int argc, char** argv) {
    Options options;
    if (argc < 2) {
        std::fprintf(stderr, "usage: dispatch_bench broker|worker|client --port P [...]\n");
        std::exit(2);
    }
    options.role = argv[1];
    for (int i = 2; i < argc; ++i) {
        const std::string key = argv[i];
        if (key == "--tls") {
            options.tls = true;
            continue;
        }
        if (i + 1 >= argc) {
            std::fprintf(stderr, "dispatch_bench: %s needs a value\n", key.c_str());
            std::exit(2);
        }
        const char* value = argv[++i];
        if (key == "--port") options.port = static_cast<unsigned>(std::atoi(value));
        if (key == "--id") options.id = static_cast<unsigned>(std::atoi(value));
        if (key == "--inflight") options.inflight = static_cast<unsigned>(std::atoi(value));
        if (key == "--workers") options.workers = static_cast<unsigned>(std::atoi(value));
        if (key == "--life") options.life_s = static_cast<unsigned>(std::atoi(value));
        if (key == "--size") options.size = std::strtoull(value, nullptr, 10);
        if (key == "--secs") options.secs = std::atof(value);
        if (key == "--warm") options.warm = std::atof(value);
        if (key == "--pids") {
            for (const char* at = value; at && *at; at = std::strchr(at, ',')) {
                if (*at == ',') ++at;
                options.pids.push_back(std::atoi(at));
            }
        }
    }
    options.size = std::max<size_t>(options.size, 16);
    options.inflight = std::max(options.inflight, 1u);
    return options;
}

// Turned by its role: every benchmark of the broker measures one thread.
p2c2r_runtime* make_runtime() {
    return bench::make_runtime(P2C2R_RUN_MANUAL, P2C2R_NONE);
}

// The whole life is bounded, so that a forgotten process ends by itself.
bool alive(uint64_t started_us, const Options& options) {
    return !stop_requested && p2c2r_now_us() - started_us < options.life_s * 1000000ull;
}

int run_broker(const Options& options) {
    p2c2r_runtime* runtime = make_runtime();
    p2c2r_coordinator_config config = {};
    config.struct_size = sizeof config;
    config.listen_port = options.port;
    bench::Identities identities;
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
    const uint64_t started = p2c2r_now_us();
    while (alive(started, options)) p2c2r_runtime_poll(runtime, 500);
    p2c2r_coordinator_stats stats = {};
    stats.struct_size = sizeof stats;
    p2c2r_coordinator_stats_get(coordinator, &stats);
    std::fprintf(stderr, "{\"completed\":%llu,\"payload_bytes_copied\":%llu}\n",
                 static_cast<unsigned long long>(stats.completed_tasks),
                 static_cast<unsigned long long>(stats.payload_bytes_copied));
    p2c2r_coordinator_destroy(coordinator);
    p2c2r_runtime_destroy(runtime);
    return 0;
}

std::string url_of(const Options& options) {
    return (options.tls ? "p2c2r://127.0.0.1:" : "p2c2r+plain://127.0.0.1:") +
           std::to_string(options.port);
}

int run_worker(const Options& options) {
    p2c2r_runtime* runtime = make_runtime();
    const std::string url = url_of(options);
    const std::string name = "bench-worker-" + std::to_string(options.id);
    p2c2r_capabilities capabilities = {};
    capabilities.struct_size = sizeof capabilities;
    capabilities.task_types = "echo";
    p2c2r_peer_config config = {};
    config.struct_size = sizeof config;
    config.max_concurrent_tasks = 64;
    config.prefetch_tasks = 64;
    config.coordinator_url = url.c_str();
    config.peer_id = name.c_str();
    config.capabilities = &capabilities;
    bench::Identities identities;
    if (options.tls) config.credentials = identities.show("worker");
    p2c2r_peer* peer = nullptr;
    p2c2r_error why = {};
    p2c2r_status status = p2c2r_peer_create(runtime, &config, &peer, &why);
    if (status != P2C2R_OK) fail("peer", status, why);
    status = p2c2r_peer_start(peer, &why);
    if (status != P2C2R_OK) fail("peer start", status, why);
    const uint64_t started = p2c2r_now_us();
    while (alive(started, options)) p2c2r_runtime_poll(runtime, 500);
    p2c2r_peer_destroy(peer);
    p2c2r_runtime_destroy(runtime);
    return 0;
}

// ---- the client --------------------------------------------------------------------------------

struct Slot {
    struct Load* load;
    uint32_t index;
    uint64_t started_ns;
    std::vector<uint8_t> payload;
};

struct Load {
    const Options* options;
    p2c2r_client* client;
    std::vector<Slot> slots;
    bench::LatencyHistogram latencies;
    bench::Snapshot first, last;
    uint64_t measure_at_ns = 0;
    uint64_t end_at_ns = 0;
    uint64_t measured = 0;
    uint64_t errors = 0;
    uint32_t pending = 0;
    bool measuring = false;
    bool done = false;
};

// The payload is the slot's own memory, which outlives the task: nothing is copied or freed.
void P2C2R_CALL keep(void*, const void*, size_t) {}
void P2C2R_CALL ended(void* user, p2c2r_task task, p2c2r_result* result);

void submit(Slot& slot, uint64_t now_ns) {
    p2c2r_bytes data = {slot.payload.data(), slot.payload.size(), keep, nullptr};
    p2c2r_task_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.task_type = "echo";
    desc.data = &data;
    desc.place = P2C2R_PLACE_REMOTE;
    desc.done = ended;
    desc.user = &slot;
    p2c2r_task task = 0;
    slot.started_ns = now_ns;
    if (p2c2r_client_submit(slot.load->client, &desc, &task, nullptr) == P2C2R_OK) {
        ++slot.load->pending;
    } else {
        ++slot.load->errors;
        slot.load->done = true;
    }
}

void P2C2R_CALL ended(void* user, p2c2r_task, p2c2r_result* result) {
    Slot& slot = *static_cast<Slot*>(user);
    Load& load = *slot.load;
    const uint64_t now = bench::now_ns();
    --load.pending;
    size_t size = 0;
    const void* data = p2c2r_result_data(result, &size);
    uint32_t id = 0;
    if (size == slot.payload.size()) std::memcpy(&id, data, sizeof id);
    if (p2c2r_result_status(result) != P2C2R_OK || size != slot.payload.size() ||
        id != slot.index) {
        ++load.errors;
    }
    p2c2r_result_release(result);
    if (load.measuring && !load.done) {
        ++load.measured;
        if (slot.started_ns >= load.first.at_ns) load.latencies.add(now - slot.started_ns);
    }
    if (!load.measuring && now >= load.measure_at_ns) {
        load.measuring = true;
        load.first.take(load.options->pids);
        load.end_at_ns = load.first.at_ns + static_cast<uint64_t>(load.options->secs * 1e9);
    } else if (load.measuring && !load.done && now >= load.end_at_ns) {
        load.last.take(load.options->pids);
        load.done = true;
    }
    if (!load.done) submit(slot, now);
}

void report(const Load& load) {
    const Options& options = *load.options;
    const bench::Snapshot& a = load.first;
    const bench::Snapshot& b = load.last;
    const double secs = static_cast<double>(b.at_ns - a.at_ns) / 1e9;
    const double tasks = load.measured > 0 ? static_cast<double>(load.measured) : 1;
    const auto us_each = [&](uint64_t from, uint64_t to) {
        return static_cast<double>(to - from) / tasks / 1e3;
    };
    const double own = static_cast<double>(b.broker_ns - a.broker_ns) +
                       static_cast<double>(b.workers_ns - a.workers_ns) +
                       static_cast<double>(b.self_ns - a.self_ns);
    const double busy = static_cast<double>(b.busy_ns - a.busy_ns);
    const auto us = [&](double share) { return load.latencies.quantile_ns(share) / 1e3; };
    const int broker = options.pids.empty() ? 0 : options.pids[0];
    std::printf(
        "{\"tasks\":%llu,\"secs\":%.3f,\"tps\":%.1f,\"mbps\":%.2f,\"min_us\":%.2f,\"p50_us\":%.2f,"
        "\"p90_us\":%.2f,\"p99_us\":%.2f,\"p999_us\":%.2f,\"max_us\":%.1f,\"broker_us\":%.3f,"
        "\"workers_us\":%.3f,\"client_us\":%.3f,\"rss_kb\":%ld,\"hwm_kb\":%ld,\"busy\":%.3f,"
        "\"foreign\":%.3f,\"steal\":%.3f,\"errors\":%llu}\n",
        static_cast<unsigned long long>(load.measured), secs, tasks / secs,
        tasks / secs * static_cast<double>(options.size) / 1e6, us(0), us(0.5), us(0.9), us(0.99),
        us(0.999), us(1), us_each(a.broker_ns, b.broker_ns), us_each(a.workers_ns, b.workers_ns),
        us_each(a.self_ns, b.self_ns), bench::status_kb(broker, "VmRSS"),
        bench::status_kb(broker, "VmHWM"), busy / 1e9 / secs, (busy - own) / 1e9 / secs,
        static_cast<double>(b.steal_ns - a.steal_ns) / 1e9 / secs,
        static_cast<unsigned long long>(load.errors));
}

int run_client(const Options& options) {
    p2c2r_runtime* runtime = make_runtime();
    const std::string url = url_of(options);
    p2c2r_client_config config = {};
    config.struct_size = sizeof config;
    config.tasks_max = options.inflight + 16;
    config.bytes_max = (options.inflight + 16) * (options.size + 1024ull) + (64ull << 20);
    config.coordinator_url = url.c_str();
    bench::Identities identities;
    if (options.tls) config.credentials = identities.show("client");
    Load load;
    load.options = &options;
    p2c2r_error why = {};
    p2c2r_status status = p2c2r_client_create(runtime, &config, &load.client, &why);
    if (status != P2C2R_OK) fail("client", status, why);
    status = p2c2r_client_connect(load.client, 5000, &why);
    if (status != P2C2R_OK) fail("connect", status, why);
    const uint64_t started = p2c2r_now_us();
    p2c2r_client_stats stats = {};
    do {  // until the workers have joined
        p2c2r_runtime_poll(runtime, 10);
        stats.struct_size = sizeof stats;
        p2c2r_client_stats_get(load.client, &stats);
    } while (stats.peers_available < options.workers && p2c2r_now_us() - started < 5000000);

    load.slots.resize(options.inflight);
    load.measure_at_ns = bench::now_ns() + static_cast<uint64_t>(options.warm * 1e9);
    for (uint32_t i = 0; i < options.inflight; ++i) {
        Slot& slot = load.slots[i];
        slot.load = &load;
        slot.index = i;
        slot.payload.resize(options.size);
        for (size_t at = 0; at < options.size; ++at) {
            slot.payload[at] = static_cast<uint8_t>('a' + at % 26);
        }
        std::memcpy(slot.payload.data(), &i, sizeof i);
    }
    for (Slot& slot : load.slots) submit(slot, bench::now_ns());
    while (!load.done && alive(started, options)) p2c2r_runtime_poll(runtime, 100);
    if (load.last.at_ns == 0) load.last.take(options.pids);
    report(load);
    for (int turns = 0; load.pending > 0 && turns < 100; ++turns) p2c2r_runtime_poll(runtime, 20);
    p2c2r_client_destroy(load.client);
    p2c2r_runtime_destroy(runtime);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    std::signal(SIGTERM, request_stop);
    std::signal(SIGINT, request_stop);
    if (options.role == "broker") return run_broker(options);
    if (options.role == "worker") return run_worker(options);
    if (options.role == "client") return run_client(options);
    std::fprintf(stderr, "dispatch_bench: no role '%s'; there are broker, worker, client\n",
                 options.role.c_str());
    return 2;
}
