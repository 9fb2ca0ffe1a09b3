// A small world for the tests of the C interface: owning handles, and a runtime with a coordinator,
// a peer and a client in it. Public header only.
#pragma once

#include <doctest/doctest.h>
#include <p2c2r/p2c2r.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace capi_test {

template <class T>
T sized() {
    T value;
    std::memset(&value, 0, sizeof value);
    value.struct_size = sizeof value;
    return value;
}

struct Ender {
    void operator()(p2c2r_runtime* it) const { CHECK(p2c2r_runtime_destroy(it) == P2C2R_OK); }
    void operator()(p2c2r_client* it) const { CHECK(p2c2r_client_destroy(it) == P2C2R_OK); }
    void operator()(p2c2r_peer* it) const { CHECK(p2c2r_peer_destroy(it) == P2C2R_OK); }
    void operator()(p2c2r_coordinator* it) const {
        CHECK(p2c2r_coordinator_destroy(it) == P2C2R_OK);
    }
    void operator()(p2c2r_frames* it) const { CHECK(p2c2r_frames_destroy(it) == P2C2R_OK); }
    void operator()(p2c2r_result* it) const { p2c2r_result_release(it); }
};
using Runtime = std::unique_ptr<p2c2r_runtime, Ender>;
using Client = std::unique_ptr<p2c2r_client, Ender>;
using Peer = std::unique_ptr<p2c2r_peer, Ender>;
using Coordinator = std::unique_ptr<p2c2r_coordinator, Ender>;
using Frames = std::unique_ptr<p2c2r_frames, Ender>;
using Result = std::unique_ptr<p2c2r_result, Ender>;

inline p2c2r_runtime_config runtime_config(int32_t run_mode) {
    auto config = sized<p2c2r_runtime_config>();
    config.abi_version = P2C2R_ABI_VERSION;
    config.run_mode = run_mode;
    config.gpu = P2C2R_GPU_OFF;
    config.worker_threads = 2;
    return config;
}

inline Runtime make_runtime(const p2c2r_runtime_config& config) {
    p2c2r_runtime* runtime = nullptr;
    p2c2r_error why = {};
    const p2c2r_status status = p2c2r_runtime_create(&config, &runtime, &why);
    INFO(why.field, ": ", why.text);
    REQUIRE(status == P2C2R_OK);
    return Runtime(runtime);
}
inline Runtime make_runtime(int32_t run_mode) {
    return make_runtime(runtime_config(run_mode));
}

inline Coordinator make_coordinator(p2c2r_runtime* runtime, uint32_t port = P2C2R_NONE,
                                    uint32_t monitoring = 0) {
    auto config = sized<p2c2r_coordinator_config>();
    config.listen_port = port;
    config.prometheus_port = monitoring;
    p2c2r_coordinator* coordinator = nullptr;
    p2c2r_error why = {};
    REQUIRE_MESSAGE(p2c2r_coordinator_create(runtime, &config, &coordinator, &why) == P2C2R_OK,
                    why.text);
    REQUIRE_MESSAGE(p2c2r_coordinator_start(coordinator, &why) == P2C2R_OK, why.text);
    return Coordinator(coordinator);
}

inline Peer make_peer(p2c2r_runtime* runtime, p2c2r_coordinator* local, const char* url = nullptr,
                      uint32_t slots = 0) {
    auto config = sized<p2c2r_peer_config>();
    config.local = local;
    config.coordinator_url = url;
    config.max_concurrent_tasks = slots;
    p2c2r_peer* peer = nullptr;
    p2c2r_error why = {};
    REQUIRE_MESSAGE(p2c2r_peer_create(runtime, &config, &peer, &why) == P2C2R_OK, why.text);
    REQUIRE_MESSAGE(p2c2r_peer_start(peer, &why) == P2C2R_OK, why.text);
    return Peer(peer);
}

inline Client make_client(p2c2r_runtime* runtime, p2c2r_coordinator* local = nullptr,
                          const char* url = nullptr, int32_t deliver = 0) {
    auto config = sized<p2c2r_client_config>();
    config.local = local;
    config.coordinator_url = url;
    config.deliver = deliver;
    p2c2r_client* client = nullptr;
    p2c2r_error why = {};
    REQUIRE_MESSAGE(p2c2r_client_create(runtime, &config, &client, &why) == P2C2R_OK, why.text);
    return Client(client);
}

// A task of this type with these bytes, copied.
struct Task {
    p2c2r_bytes data = {};
    p2c2r_task_desc desc = sized<p2c2r_task_desc>();

    explicit Task(const char* type, const void* bytes = nullptr, size_t size = 0) {
        data.data = bytes;
        data.size = size;
        desc.task_type = type;
        desc.data = &data;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
};

inline p2c2r_task submit(p2c2r_client* client, const p2c2r_task_desc& desc) {
    p2c2r_task task = 0;
    p2c2r_error why = {};
    REQUIRE_MESSAGE(p2c2r_client_submit(client, &desc, &task, &why) == P2C2R_OK, why.text);
    CHECK(task != 0);
    return task;
}

// Long enough that only a hang reaches it.
inline constexpr uint64_t kLongUs = 30'000'000;

inline Result fetch(p2c2r_client* client, p2c2r_task task) {
    p2c2r_result* result = nullptr;
    REQUIRE(p2c2r_client_get_result(client, task, kLongUs, &result) == P2C2R_OK);
    return Result(result);
}

inline std::string data_of(const p2c2r_result* result) {
    size_t size = 0;
    const void* data = p2c2r_result_data(result, &size);
    return std::string(static_cast<const char*>(data), size);
}

inline std::string json_of(const p2c2r_result* result) {
    size_t size = 0;
    const void* text = p2c2r_result_fields(result, P2C2R_FORMAT_JSON, &size);
    return text ? std::string(static_cast<const char*>(text), size) : std::string();
}

// Polls and dispatches until `ready` says true; false after a time that only a hang reaches.
inline bool turn_until(p2c2r_runtime* runtime, const std::function<bool()>& ready) {
    const uint64_t until = p2c2r_now_us() + kLongUs;
    while (!ready()) {
        if (p2c2r_now_us() > until) return false;
        const p2c2r_status status = p2c2r_runtime_poll(runtime, 10);
        if (status == P2C2R_E_STATE) {  // the library has a thread of its own
            uint32_t run = 0;
            p2c2r_runtime_dispatch(runtime, 0, 0, &run);
        }
    }
    return true;
}

// Connected, and the coordinator has told of so many peers.
inline void connect_with_peers(p2c2r_runtime* runtime, p2c2r_client* client, uint32_t peers) {
    REQUIRE(p2c2r_client_connect(client, 10'000, nullptr) == P2C2R_OK);
    REQUIRE(turn_until(runtime, [&] {
        auto stats = sized<p2c2r_client_stats>();
        p2c2r_client_stats_get(client, &stats);
        return stats.peers_available >= peers;
    }));
}

// An executor made of a function.
struct HostExecutor {
    std::function<p2c2r_status(p2c2r_job*)> run;
    std::function<void(p2c2r_job*)> cancel = [](p2c2r_job*) {};
    std::atomic<int> destroyed{0};

    p2c2r_executor_desc desc(const char* task_type, uint32_t flags = 0) {
        auto desc = sized<p2c2r_executor_desc>();
        desc.flags = flags;
        desc.task_type = task_type;
        desc.run = [](void* user, p2c2r_job* job) {
            return static_cast<HostExecutor*>(user)->run(job);
        };
        desc.cancel = [](void* user, p2c2r_job* job) {
            static_cast<HostExecutor*>(user)->cancel(job);
        };
        desc.destroy = [](void* user) { ++static_cast<HostExecutor*>(user)->destroyed; };
        desc.user = this;
        return desc;
    }
    void add(p2c2r_runtime* runtime, const char* task_type, uint32_t flags = 0) {
        const p2c2r_executor_desc wanted = desc(task_type, flags);
        p2c2r_error why = {};
        REQUIRE_MESSAGE(p2c2r_runtime_add_executor(runtime, &wanted, &why) == P2C2R_OK, why.text);
    }
};

}  // namespace capi_test
