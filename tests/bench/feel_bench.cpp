// feel_bench: what the library costs a game's own thread. One frame: submit a task, poll an earlier
// one, dispatch. The loop runs on the library's thread, coordinator and peer in the same process.
// Prints p50 and p99 of a frame's three calls and the allocations made on the game's thread after
// warm-up.
//
//   feel_bench [--frames 20000] [--json]      exit 0 only if p99 <= 20 us and no allocation was
//   made
#include <p2c2r/p2c2r.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "process_figures.h"

// ---- counting allocations: this program's malloc family stands before the C library's -----------

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t align, size_t size);
}

namespace {
thread_local bool counting = false;
thread_local uint64_t allocations = 0;
void count() {
    if (counting) ++allocations;
}
}  // namespace

extern "C" {
void* malloc(size_t size) {
    count();
    return __libc_malloc(size);
}
void* calloc(size_t amount, size_t size) {
    count();
    return __libc_calloc(amount, size);
}
void* realloc(void* memory, size_t size) {
    count();
    return __libc_realloc(memory, size);
}
void* aligned_alloc(size_t align, size_t size) {
    count();
    return __libc_memalign(align, size);
}
int posix_memalign(void** out, size_t align, size_t size) {
    count();
    *out = __libc_memalign(align, size);
    return *out ? 0 : 12;
}
}

namespace {

[[noreturn]] void fail(const char* what, p2c2r_status status, const p2c2r_error& why) {
    std::fprintf(stderr, "feel_bench: %s: %s %s\n", what, p2c2r_status_name(status), why.text);
    std::exit(2);
}

void check(const char* what, p2c2r_status status, const p2c2r_error& why) {
    if (status != P2C2R_OK) fail(what, status, why);
}

}  // namespace

int main(int argc, char** argv) {
    unsigned frames = 20000;
    bool json = false;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--json") == 0) json = true;
        if (std::strcmp(argv[i], "--frames") == 0 && i + 1 < argc) {
            frames = static_cast<unsigned>(std::atoi(argv[++i]));
        }
    }
    p2c2r_error why = {};
    p2c2r_runtime_config runtime_config = {};
    runtime_config.struct_size = sizeof runtime_config;
    runtime_config.abi_version = P2C2R_ABI_VERSION;
    runtime_config.gpu = P2C2R_GPU_OFF;
    runtime_config.worker_threads = 1;
    p2c2r_runtime* runtime = nullptr;
    check("runtime", p2c2r_runtime_create(&runtime_config, &runtime, &why), why);
    p2c2r_coordinator_config coordinator_config = {};
    coordinator_config.struct_size = sizeof coordinator_config;
    coordinator_config.listen_port = P2C2R_ANY;
    p2c2r_coordinator* coordinator = nullptr;
    check("coordinator", p2c2r_coordinator_create(runtime, &coordinator_config, &coordinator, &why),
          why);
    check("listen", p2c2r_coordinator_start(coordinator, &why), why);
    uint32_t port = 0;
    p2c2r_coordinator_port(coordinator, &port, nullptr);
    const std::string url = "p2c2r+plain://127.0.0.1:" + std::to_string(port);
    p2c2r_peer_config peer_config = {};
    peer_config.struct_size = sizeof peer_config;
    peer_config.coordinator_url = url.c_str();
    p2c2r_peer* peer = nullptr;
    check("peer", p2c2r_peer_create(runtime, &peer_config, &peer, &why), why);
    check("peer start", p2c2r_peer_start(peer, &why), why);
    p2c2r_client_config client_config = {};
    client_config.struct_size = sizeof client_config;
    client_config.coordinator_url = url.c_str();
    client_config.options = R"({"place_by_worth": false})";  // what the way to a helper feels like
    p2c2r_client* client = nullptr;
    check("client", p2c2r_client_create(runtime, &client_config, &client, &why), why);
    check("connect", p2c2r_client_connect(client, 5000, &why), why);

    constexpr unsigned kLag = 4;  // the frame whose answer is polled
    p2c2r_task tasks[kLag] = {};
    const uint8_t payload[64] = {1, 2, 3};
    bench::LatencyHistogram histogram;
    uint64_t answered = 0;
    const unsigned warm = frames / 4;
    for (unsigned frame = 0; frame < frames + warm; ++frame) {
        p2c2r_bytes data = {payload, sizeof payload, nullptr, nullptr};
        p2c2r_task_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.task_type = "echo";
        desc.data = &data;
        counting = frame >= warm;
        const uint64_t before = bench::now_ns();
        p2c2r_task task = 0;
        p2c2r_client_submit(client, &desc, &task, nullptr);
        p2c2r_result* result = nullptr;
        const p2c2r_task earlier = tasks[frame % kLag];
        if (earlier != 0 && p2c2r_client_poll(client, earlier, &result) == P2C2R_OK) {
            ++answered;
            p2c2r_result_release(result);
        } else if (earlier != 0) {
            p2c2r_client_forget(client, earlier);
        }
        p2c2r_runtime_dispatch(runtime, 0, 0, nullptr);
        const uint64_t after = bench::now_ns();
        counting = false;
        if (frame >= warm) histogram.add(after - before);
        tasks[frame % kLag] = task;
        std::this_thread::sleep_for(std::chrono::microseconds(300));  // the game's own work
    }
    const double p50 = histogram.quantile_ns(0.5) / 1e3;
    const double p99 = histogram.quantile_ns(0.99) / 1e3;
    std::printf("%-34s %8s %8s %12s %10s\n", "submit + poll + dispatch", "p50 us", "p99 us",
                "allocations", "answered");
    std::printf("%-34u %8.2f %8.2f %12llu %10llu   must p99 <= 20, goal <= 5\n", frames, p50, p99,
                static_cast<unsigned long long>(allocations),
                static_cast<unsigned long long>(answered));
    const bool good = p99 <= 20 && allocations == 0;
    if (json) {
        std::printf("{\"good\":%s,\"p50_us\":%.3f,\"p99_us\":%.3f,\"allocations\":%llu}\n",
                    good ? "true" : "false", p50, p99,
                    static_cast<unsigned long long>(allocations));
    }
    p2c2r_client_destroy(client);
    p2c2r_peer_destroy(peer);
    p2c2r_coordinator_destroy(coordinator);
    p2c2r_runtime_destroy(runtime);
    return good ? 0 : 1;
}
