// Handles, threads and descriptors come and go, and nothing of the library is left behind.
#include <dirent.h>

#include <mutex>
#include <thread>

#include "world.h"

using namespace capi_test;

namespace {

int entries_of(const char* folder) {
    DIR* dir = opendir(folder);
    REQUIRE(dir != nullptr);
    int count = 0;
    while (const dirent* entry = readdir(dir)) count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}
int threads_now() {
    return entries_of("/proc/self/task");
}
int descriptors_now() {
    return entries_of("/proc/self/fd");
}

void use_and_leave(int32_t mode, bool sockets) {
    const Runtime runtime = make_runtime(mode);
    const Coordinator coordinator =
        make_coordinator(runtime.get(), sockets ? P2C2R_ANY : P2C2R_NONE, sockets ? P2C2R_ANY : 0);
    uint32_t port = 0;
    p2c2r_coordinator_port(coordinator.get(), &port, nullptr);
    const std::string url = "p2c2r+plain://127.0.0.1:" + std::to_string(port);
    p2c2r_coordinator* local = sockets ? nullptr : coordinator.get();
    const char* address = sockets ? url.c_str() : nullptr;
    const Peer peer = make_peer(runtime.get(), local, address);
    const Client client = make_client(runtime.get(), local, address);
    connect_with_peers(runtime.get(), client.get(), 1);
    const Task task("echo", "payload", 7);
    CHECK(data_of(fetch(client.get(), submit(client.get(), task.desc)).get()) == "payload");
    // Left in flight.
    for (int i = 0; i < 5; ++i) submit(client.get(), task.desc);
}

}  // namespace

TEST_CASE("after a hundred rounds no thread and no descriptor is left") {
    use_and_leave(P2C2R_RUN_THREAD, true);  // what the system keeps after a first use
    const int threads = threads_now();
    const int descriptors = descriptors_now();
    for (int round = 0; round < 25; ++round) {
        for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
            use_and_leave(mode, true);
            use_and_leave(mode, false);
        }
    }
    CHECK(threads_now() == threads);
    CHECK(descriptors_now() == descriptors);
}

TEST_CASE("roles may be destroyed in any order while tasks are in flight") {
    for (int order = 0; order < 6; ++order) {
        CAPTURE(order);
        for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
            const Runtime runtime = make_runtime(mode);
            Coordinator coordinator = make_coordinator(runtime.get());
            Peer peer = make_peer(runtime.get(), coordinator.get());
            Client client = make_client(runtime.get(), coordinator.get());
            connect_with_peers(runtime.get(), client.get(), 1);
            struct Count {
                int told = 0;
            } count;
            for (int i = 0; i < 20; ++i) {
                Task task("echo", "payload", 7);
                task.desc.user = &count;
                task.desc.deadline_us = 200'000;
                task.desc.done = [](void* user, p2c2r_task, p2c2r_result* result) {
                    ++static_cast<Count*>(user)->told;
                    p2c2r_result_release(result);
                };
                submit(client.get(), task.desc);
            }
            const auto end = [&](int which) {
                if (which == 0) client.reset();
                if (which == 1) peer.reset();
                if (which == 2) coordinator.reset();
            };
            const int first = order / 2;
            const int second = (first + 1 + order % 2) % 3;
            end(first);
            end(second);
            end(3 - first - second);
            CHECK(count.told == 20);
        }
    }
}

TEST_CASE("a coordinator that goes and comes back under load finds its clients again") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    Coordinator coordinator = make_coordinator(runtime.get(), P2C2R_ANY);
    uint32_t port = 0;
    REQUIRE(p2c2r_coordinator_port(coordinator.get(), &port, nullptr) == P2C2R_OK);
    const std::string url = "p2c2r+plain://127.0.0.1:" + std::to_string(port);
    const Peer peer = make_peer(runtime.get(), nullptr, url.c_str());
    const Client client = make_client(runtime.get(), nullptr, url.c_str());
    connect_with_peers(runtime.get(), client.get(), 1);
    Task task("echo", "payload", 7);
    task.desc.place = P2C2R_PLACE_REMOTE;
    task.desc.deadline_us = kLongUs;
    std::vector<p2c2r_task> tasks;
    for (int i = 0; i < 10; ++i) tasks.push_back(submit(client.get(), task.desc));
    coordinator.reset();
    for (int i = 0; i < 10; ++i) tasks.push_back(submit(client.get(), task.desc));
    coordinator = make_coordinator(runtime.get(), port);
    for (const p2c2r_task id : tasks) {
        const Result result = fetch(client.get(), id);
        CHECK(p2c2r_result_status(result.get()) == P2C2R_OK);
    }
    auto stats = sized<p2c2r_client_stats>();
    REQUIRE(p2c2r_client_stats_get(client.get(), &stats) == P2C2R_OK);
    CHECK(stats.reconnects >= 1);
}

TEST_CASE("the thread function is called at both ends of each thread of the library") {
    struct Seen {
        std::atomic<int> started{0};
        std::atomic<int> ended{0};
    } seen;
    auto config = runtime_config(P2C2R_RUN_THREAD);
    config.worker_threads = 3;
    config.thread = [](void* user, const char* name, int32_t starts) {
        CHECK(std::string(name).rfind("p2c2r-", 0) == 0);
        Seen& of = *static_cast<Seen*>(user);
        starts ? ++of.started : ++of.ended;
    };
    config.user = &seen;
    Runtime runtime = make_runtime(config);
    CHECK(turn_until(runtime.get(), [&] { return seen.started == 4; }));
    CHECK(seen.ended == 0);
    runtime.reset();
    CHECK(seen.started == 4);
    CHECK(seen.ended == 4);
}

TEST_CASE("payload memory comes from the host's allocator and all of it goes back") {
    struct Memory {
        std::atomic<int64_t> bytes{0};
        std::atomic<int64_t> blocks{0};
        std::atomic<int> asked{0};
        std::atomic<bool> refuse{false};
    } memory;
    p2c2r_allocator allocator = {};
    allocator.user = &memory;
    allocator.allocate = [](void* user, size_t size, size_t align) -> void* {
        Memory& of = *static_cast<Memory*>(user);
        ++of.asked;
        if (of.refuse) return nullptr;
        void* data = nullptr;
        if (posix_memalign(&data, align, size) != 0) return nullptr;
        of.bytes += static_cast<int64_t>(size);
        ++of.blocks;
        return data;
    };
    allocator.deallocate = [](void* user, void* data, size_t size, size_t) {
        Memory& of = *static_cast<Memory*>(user);
        of.bytes -= static_cast<int64_t>(size);
        --of.blocks;
        free(data);
    };
    {
        auto config = runtime_config(P2C2R_RUN_THREAD);
        config.allocator = &allocator;
        const Runtime runtime = make_runtime(config);
        const Client client = make_client(runtime.get());
        const std::string payload(1'000'000, 'p');
        // Each larger than those before, so that no block that was kept will do.
        size_t size = 50'000;
        for (int i = 0; i < 10; ++i, size += size / 3) {
            const Task task("echo", payload.data(), size);
            fetch(client.get(), submit(client.get(), task.desc));
        }
        CHECK(memory.asked >= 10);
        const Task task("echo", payload.data(), size);
        // A refusal is an error and never a crash.
        memory.refuse = true;
        p2c2r_task id = 0;
        CHECK(p2c2r_client_submit(client.get(), &task.desc, &id, nullptr) == P2C2R_E_MEMORY);
        memory.refuse = false;
        fetch(client.get(), submit(client.get(), task.desc));
    }
    CHECK(memory.bytes == 0);
    CHECK(memory.blocks == 0);
}

TEST_CASE("events say who comes and goes") {
    struct Log {
        std::mutex mutex;
        std::vector<std::pair<int32_t, std::string>> events;
        static void P2C2R_CALL event(void* user, const p2c2r_event* event) {
            Log& log = *static_cast<Log*>(user);
            const std::lock_guard lock(log.mutex);
            log.events.emplace_back(event->type, event->subject);
        }
        bool has(int32_t type, const std::string& subject) {
            const std::lock_guard lock(mutex);
            for (const auto& [seen, whom] : events) {
                if (seen == type && whom == subject) return true;
            }
            return false;
        }
    } coordinators, clients;
    for (const int32_t deliver : {P2C2R_DELIVER_ON_DISPATCH, P2C2R_DELIVER_ON_LOOP}) {
        coordinators.events.clear();
        clients.events.clear();
        const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
        auto coordinator_config = sized<p2c2r_coordinator_config>();
        coordinator_config.listen_port = P2C2R_NONE;
        coordinator_config.event = Log::event;
        coordinator_config.user = &coordinators;
        coordinator_config.deliver = deliver;
        p2c2r_coordinator* made = nullptr;
        REQUIRE(p2c2r_coordinator_create(runtime.get(), &coordinator_config, &made, nullptr) ==
                P2C2R_OK);
        const Coordinator coordinator(made);
        REQUIRE(p2c2r_coordinator_start(made, nullptr) == P2C2R_OK);
        auto client_config = sized<p2c2r_client_config>();
        client_config.local = made;
        client_config.event = Log::event;
        client_config.user = &clients;
        client_config.deliver = deliver;
        p2c2r_client* made_client = nullptr;
        REQUIRE(p2c2r_client_create(runtime.get(), &client_config, &made_client, nullptr) ==
                P2C2R_OK);
        const Client client(made_client);
        auto peer_config = sized<p2c2r_peer_config>();
        peer_config.local = made;
        peer_config.peer_id = "helper-1";
        p2c2r_peer* made_peer = nullptr;
        REQUIRE(p2c2r_peer_create(runtime.get(), &peer_config, &made_peer, nullptr) == P2C2R_OK);
        Peer peer(made_peer);
        REQUIRE(p2c2r_peer_start(made_peer, nullptr) == P2C2R_OK);
        CHECK(turn_until(runtime.get(), [&] {
            return coordinators.has(P2C2R_EVENT_PEER_JOINED, "helper-1") &&
                   clients.has(P2C2R_EVENT_STATE, "") && clients.has(P2C2R_EVENT_PEERS, "");
        }));
        peer.reset();
        CHECK(turn_until(runtime.get(), [&] {
            return coordinators.has(P2C2R_EVENT_PEER_LEFT, "helper-1") ||
                   coordinators.has(P2C2R_EVENT_PEER_FAILED, "helper-1");
        }));
    }
}

TEST_CASE("a drained peer and a drained coordinator hold nothing any more") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        const Runtime runtime = make_runtime(mode);
        const Coordinator coordinator = make_coordinator(runtime.get());
        const Peer peer = make_peer(runtime.get(), coordinator.get());
        const Client client = make_client(runtime.get(), coordinator.get());
        connect_with_peers(runtime.get(), client.get(), 1);
        const Task task("echo", "x", 1);
        for (int i = 0; i < 10; ++i) submit(client.get(), task.desc);
        CHECK(p2c2r_peer_drain(peer.get(), 10'000) == P2C2R_OK);
        auto peer_stats = sized<p2c2r_peer_stats>();
        REQUIRE(p2c2r_peer_stats_get(peer.get(), &peer_stats) == P2C2R_OK);
        CHECK(peer_stats.paused == 1);
        CHECK(peer_stats.running == 0);
        CHECK(p2c2r_peer_resume(peer.get()) == P2C2R_OK);
        CHECK(p2c2r_coordinator_drain(coordinator.get(), 10'000) == P2C2R_OK);
        auto stats = sized<p2c2r_coordinator_stats>();
        REQUIRE(p2c2r_coordinator_stats_get(coordinator.get(), &stats) == P2C2R_OK);
        CHECK(stats.pending_tasks == 0);
    }
}

TEST_CASE("a peer says what it can and what its owner overrides") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    auto wish = sized<p2c2r_capabilities>();
    wish.task_types = "frame_upscale, echo";
    wish.network_kbps = 20'000;
    wish.location = "attic";
    auto config = sized<p2c2r_peer_config>();
    config.local = coordinator.get();
    config.peer_id = "helper";
    config.capabilities = &wish;
    p2c2r_peer* made = nullptr;
    REQUIRE(p2c2r_peer_create(runtime.get(), &config, &made, nullptr) == P2C2R_OK);
    const Peer peer(made);
    auto out = sized<p2c2r_capabilities>();
    REQUIRE(p2c2r_peer_capabilities(made, &out) == P2C2R_OK);
    CHECK(out.cpu_cores >= 1);
    CHECK(out.ram_mb > 0);
    CHECK(out.gpu == 0);
    CHECK(out.network_kbps == 20'000);
    CHECK(std::string(out.location) == "attic");
    CHECK(std::string(out.task_types) == "upscale,echo");
    CHECK(std::string(out.gpu_model) == "");
    const char* const before = out.task_types;
    REQUIRE(p2c2r_peer_capabilities(made, &out) == P2C2R_OK);
    CHECK(out.task_types == before);
    size_t size = 0;
    CHECK(p2c2r_peer_id(made, nullptr, &size) == P2C2R_E_SIZE);
    CHECK(size == 7);
    char id[7];
    CHECK(p2c2r_peer_id(made, id, &size) == P2C2R_OK);
    CHECK(std::string(id) == "helper");
    wish.task_types = "echo,,upscale";
    CHECK(p2c2r_peer_create(runtime.get(), &config, &made, nullptr) == P2C2R_E_ARGUMENT);
}

TEST_CASE("a coordinator is told how fast a peer is, when it is made and when it is measured") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    auto wish = sized<p2c2r_capabilities>();
    auto config = sized<p2c2r_peer_config>();
    config.local = coordinator.get();
    config.capabilities = &wish;
    p2c2r_peer* made = nullptr;
    p2c2r_error why = {};
    wish.speed_milli = 1'000'001;
    CHECK(p2c2r_peer_create(runtime.get(), &config, &made, &why) == P2C2R_E_ARGUMENT);
    CHECK(std::string(why.field) == "speed_milli");
    // As a program that knows nothing of it passes it.
    wish.speed_milli = 2500;
    wish.struct_size = offsetof(p2c2r_capabilities, speed_milli);
    REQUIRE(p2c2r_peer_create(runtime.get(), &config, &made, nullptr) == P2C2R_OK);
    const auto known = [&] {
        auto out = sized<p2c2r_capabilities>();
        REQUIRE(p2c2r_peer_capabilities(made, &out) == P2C2R_OK);
        return out.speed_milli;
    };
    {
        const Peer older(made);
        CHECK(known() == 0);
    }
    wish.struct_size = sizeof wish;
    REQUIRE(p2c2r_peer_create(runtime.get(), &config, &made, nullptr) == P2C2R_OK);
    const Peer peer(made);
    CHECK(known() == 2500);
    REQUIRE(p2c2r_peer_start(made, nullptr) == P2C2R_OK);
    const auto told = [&](const char* speed) {
        const auto is_told = [&] {
            p2c2r_result* answer = nullptr;
            if (p2c2r_coordinator_call(coordinator.get(), "peers", nullptr, 0, &answer, nullptr)) {
                return false;
            }
            const Result owned(answer);
            size_t size = 0;
            const auto* text =
                static_cast<const char*>(p2c2r_result_fields(answer, P2C2R_FORMAT_JSON, &size));
            return text && std::string(text, size).find(speed) != std::string::npos;
        };
        const uint64_t until_us = p2c2r_now_us() + 10'000'000;
        while (!is_told() && p2c2r_now_us() < until_us) std::this_thread::yield();
        return is_told();
    };
    CHECK(told(R"("speed":2.5)"));
    CHECK(p2c2r_peer_set_speed(made, 1'000'001) == P2C2R_E_ARGUMENT);
    CHECK(p2c2r_peer_set_speed(made, 500) == P2C2R_OK);
    CHECK(told(R"("speed":0.5)"));
    CHECK(known() == 500);
}
