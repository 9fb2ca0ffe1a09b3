// chain_bench: what it saves that results stay (P2C2R_TASK_RESIDENT). A chain of stages, each of
// which works on the 4 MiB that the one before it made, once with these going to the gamer and back
// between the stages and once where they were made. The gamer's line is a relay that counts what
// goes through, both ways; coordinator and peer are of this process, and the stages echo.
//
//   chain_bench [--stages 4] [--chains 5] [--mbit 100]
#include <p2c2r/p2c2r.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "cli/counting_relay_posix.h"

namespace {

constexpr size_t kSize = 4 << 20;

void check(const char* what, p2c2r_status status, const p2c2r_error& why) {
    if (status == P2C2R_OK) return;
    std::fprintf(stderr, "chain_bench: %s: %s %s\n", what, p2c2r_status_name(status), why.text);
    std::exit(2);
}

// One config or description of the library's, all zero but its size.
template <class T>
T sized() {
    T made = {};
    made.struct_size = sizeof(T);
    return made;
}

struct Figures {
    std::vector<double> ms;
    uint64_t bytes = 0;
    [[nodiscard]] double median_ms() {
        std::sort(ms.begin(), ms.end());
        return ms[ms.size() / 2];
    }
    [[nodiscard]] double mb() const {
        return static_cast<double>(bytes) / static_cast<double>(ms.size()) / 1e6;
    }
};

p2c2r_result* run(p2c2r_client* client, const p2c2r_task_desc& desc) {
    p2c2r_error why = {};
    p2c2r_task task = 0;
    check("submit", p2c2r_client_submit(client, &desc, &task, &why), why);
    p2c2r_result* result = nullptr;
    check("wait", p2c2r_client_get_result(client, task, 60'000'000, &result), why);
    if (p2c2r_result_status(result) != P2C2R_OK) {
        const char* text = p2c2r_result_text(result, P2C2R_TEXT_MESSAGE, nullptr);
        std::fprintf(stderr, "chain_bench: a stage ended with %s: %s\n",
                     p2c2r_status_name(p2c2r_result_status(result)), text);
        std::exit(2);
    }
    return result;
}

// The bytes of the last stage come, the others' where `stays` is false.
void run_chain(p2c2r_client* client, const std::vector<uint8_t>& input, unsigned stages,
               bool stays) {
    p2c2r_result* before = nullptr;
    p2c2r_content content = 0;
    for (unsigned stage = 0; stage < stages; ++stage) {
        auto desc = sized<p2c2r_task_desc>();
        desc.task_type = "echo";
        desc.place = P2C2R_PLACE_REMOTE;
        desc.deadline_us = 60'000'000;
        const bool is_last = stage + 1 == stages;
        desc.flags = P2C2R_TASK_NO_CACHE | (stays && !is_last ? P2C2R_TASK_RESIDENT : 0);
        p2c2r_bytes data = {input.data(), input.size(), nullptr, nullptr};
        if (before && !stays) {
            size_t size = 0;
            data.data = p2c2r_result_data(before, &size);
            data.size = size;
        }
        if (content != 0) {
            desc.content = content;
        } else {
            desc.data = &data;
        }
        p2c2r_result* const result = run(client, desc);
        p2c2r_result_release(before);
        before = result;
        // First: what a stage echoes is the same content, to be dropped as often as it was put.
        const p2c2r_content used = std::exchange(content, 0);
        if (stays && !is_last) {
            p2c2r_error why = {};
            check("put", p2c2r_client_put_result(client, result, &content, &why), why);
        }
        if (used != 0) p2c2r_client_drop(client, used);
    }
    size_t size = 0;
    const uint8_t* const data = static_cast<const uint8_t*>(p2c2r_result_data(before, &size));
    if (size != input.size() || std::memcmp(data, input.data(), size) != 0) {
        std::fprintf(stderr, "chain_bench: a chain's result is not its input\n");
        std::exit(2);
    }
    p2c2r_result_release(before);
}

unsigned option(int argc, char** argv, const char* name, unsigned value) {
    for (int i = 1; i + 1 < argc; ++i) {
        if (std::strcmp(argv[i], name) == 0) value = static_cast<unsigned>(std::atoi(argv[i + 1]));
    }
    return std::max(1u, value);
}

}  // namespace

int main(int argc, char** argv) {
    const unsigned stages = option(argc, argv, "--stages", 4);
    const unsigned chains = option(argc, argv, "--chains", 5);
    const unsigned mbit = option(argc, argv, "--mbit", 100);
    p2c2r_error why = {};
    auto runtime_config = sized<p2c2r_runtime_config>();
    runtime_config.abi_version = P2C2R_ABI_VERSION;
    runtime_config.gpu = P2C2R_GPU_OFF;
    runtime_config.worker_threads = 1;
    p2c2r_runtime* runtime = nullptr;
    check("runtime", p2c2r_runtime_create(&runtime_config, &runtime, &why), why);
    auto coordinator_config = sized<p2c2r_coordinator_config>();
    coordinator_config.listen_port = P2C2R_ANY;
    coordinator_config.task_timeout_ms = 60'000;
    coordinator_config.options = R"({"local_execution": false})";
    p2c2r_coordinator* coordinator = nullptr;
    check("coordinator", p2c2r_coordinator_create(runtime, &coordinator_config, &coordinator, &why),
          why);
    check("listen", p2c2r_coordinator_start(coordinator, &why), why);
    uint32_t port = 0;
    p2c2r_coordinator_port(coordinator, &port, nullptr);
    const std::string url = "p2c2r+plain://127.0.0.1:";
    const std::string near = url + std::to_string(port);
    auto peer_config = sized<p2c2r_peer_config>();
    peer_config.coordinator_url = near.c_str();
    p2c2r_peer* peer = nullptr;
    check("peer", p2c2r_peer_create(runtime, &peer_config, &peer, &why), why);
    check("peer start", p2c2r_peer_start(peer, &why), why);
    auto relay = p2c2r::cli::CountingRelay::start(static_cast<uint16_t>(port),
                                                  uint64_t{mbit} * 1'000'000 / 8);
    if (!relay) {
        std::fprintf(stderr, "chain_bench: %s\n", relay.failure().text.c_str());
        return 2;
    }
    const std::string over_line = url + std::to_string((*relay)->port());
    auto client_config = sized<p2c2r_client_config>();
    client_config.coordinator_url = over_line.c_str();
    client_config.options = R"({"place_by_worth": false})";
    p2c2r_client* client = nullptr;
    check("client", p2c2r_client_create(runtime, &client_config, &client, &why), why);
    check("connect", p2c2r_client_connect(client, 5000, &why), why);

    std::vector<uint8_t> input(kSize);
    uint32_t random = 1;
    Figures figures[2];
    for (unsigned chain = 0; chain < chains; ++chain) {
        for (const bool stays : {false, true}) {
            for (uint8_t& byte : input) {
                random = random * 1664525 + 1013904223;
                byte = static_cast<uint8_t>(random >> 24);
            }
            const uint64_t before = (*relay)->bytes();
            const auto began = std::chrono::steady_clock::now();
            run_chain(client, input, stages, stays);
            const std::chrono::duration<double, std::milli> took =
                std::chrono::steady_clock::now() - began;
            figures[stays].ms.push_back(took.count());
            figures[stays].bytes += (*relay)->bytes() - before;
        }
    }
    std::printf("%u stages of 4 MiB, %u chains each, a line of %u Mbit/s\n", stages, chains, mbit);
    for (const bool stays : {false, true}) {
        std::printf("%-22s %8.2f MB %10.1f ms a chain\n",
                    stays ? "results stay" : "results come and go", figures[stays].mb(),
                    figures[stays].median_ms());
    }
    std::printf("ratio: bytes %.2f, time %.2f\n", figures[1].mb() / figures[0].mb(),
                figures[1].median_ms() / figures[0].median_ms());
    p2c2r_client_destroy(client);
    p2c2r_peer_destroy(peer);
    p2c2r_coordinator_destroy(coordinator);
    p2c2r_runtime_destroy(runtime);
    return 0;
}
