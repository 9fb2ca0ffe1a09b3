// The coordinator's figures and commands, and its monitoring port.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "world.h"

using namespace capi_test;

namespace {

Result ask(p2c2r_coordinator* coordinator, const char* name, const std::string& args,
           p2c2r_status expected = P2C2R_OK) {
    p2c2r_result* result = nullptr;
    p2c2r_error why = {};
    const p2c2r_status status =
        p2c2r_coordinator_call(coordinator, name, args.c_str(), 1000, &result, &why);
    INFO(why.field, ": ", why.text);
    CHECK(status == expected);
    return Result(result);
}

std::string http_get(uint32_t port, const std::string& path) {
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(connection >= 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    REQUIRE(connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    REQUIRE(send(connection, request.data(), request.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(request.size()));
    std::string answer;
    char part[4096];
    for (ssize_t size; (size = recv(connection, part, sizeof part, 0)) > 0;) {
        answer.append(part, static_cast<size_t>(size));
    }
    close(connection);
    return answer;
}

Peer named_peer(p2c2r_runtime* runtime, p2c2r_coordinator* coordinator, const char* id,
                uint32_t slots) {
    auto config = sized<p2c2r_peer_config>();
    config.local = coordinator;
    config.peer_id = id;
    config.max_concurrent_tasks = slots;
    config.prefetch_tasks = P2C2R_NONE;
    p2c2r_peer* peer = nullptr;
    REQUIRE(p2c2r_peer_create(runtime, &config, &peer, nullptr) == P2C2R_OK);
    REQUIRE(p2c2r_peer_start(peer, nullptr) == P2C2R_OK);
    return Peer(peer);
}

std::string hex_id(p2c2r_task task) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(task));
    return text;
}

}  // namespace

TEST_CASE("the coordinator's figures agree in every form") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    const Peer peer = make_peer(runtime.get(), coordinator.get());
    const Client client = make_client(runtime.get(), coordinator.get());
    connect_with_peers(runtime.get(), client.get(), 1);
    Task task("echo", "x", 1);
    task.desc.place = P2C2R_PLACE_REMOTE;
    for (int i = 0; i < 7; ++i) fetch(client.get(), submit(client.get(), task.desc));
    auto stats = sized<p2c2r_coordinator_stats>();
    REQUIRE(p2c2r_coordinator_stats_get(coordinator.get(), &stats) == P2C2R_OK);
    CHECK(stats.active_peers == 1);
    CHECK(stats.clients == 1);
    CHECK(stats.completed_tasks == 7);
    CHECK(stats.pending_tasks == 0);
    const Result status = ask(coordinator.get(), "status", "{}");
    CHECK(json_of(status.get()).find("\"completed_tasks\":7") != std::string::npos);
    p2c2r_result* remote = nullptr;
    REQUIRE(p2c2r_client_call(client.get(), "status", nullptr, 10'000, &remote, nullptr) ==
            P2C2R_OK);
    const Result by_client(remote);
    CHECK(json_of(remote).find("\"completed_tasks\":7") != std::string::npos);
    const Result metrics = ask(coordinator.get(), "metrics", "{}");
    CHECK(data_of(metrics.get()).find("# TYPE p2c2r_") != std::string::npos);
    // A client may look, and not command.
    p2c2r_error why = {};
    CHECK(p2c2r_client_call(client.get(), "peer.fail", "{\"peer_id\":\"x\"}", 10'000, &remote,
                            &why) == P2C2R_E_DENIED);
    CHECK(p2c2r_client_call(client.get(), "nonsense", nullptr, 10'000, &remote, &why) ==
          P2C2R_E_UNSUPPORTED);
    CHECK(remote == nullptr);
}

TEST_CASE("payloads of 4 KiB and more pass through a coordinator without being copied") {
    const Runtime hub = make_runtime(P2C2R_RUN_THREAD);
    const Runtime others = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(hub.get(), P2C2R_ANY);
    uint32_t port = 0;
    REQUIRE(p2c2r_coordinator_port(coordinator.get(), &port, nullptr) == P2C2R_OK);
    const std::string url = "p2c2r+plain://127.0.0.1:" + std::to_string(port);
    const Peer peer = make_peer(others.get(), nullptr, url.c_str());
    const Client client = make_client(others.get(), nullptr, url.c_str());
    connect_with_peers(others.get(), client.get(), 1);
    const auto copied = [&] {
        auto stats = sized<p2c2r_coordinator_stats>();
        REQUIRE(p2c2r_coordinator_stats_get(coordinator.get(), &stats) == P2C2R_OK);
        return stats.payload_bytes_copied;
    };
    const auto run = [&](size_t size) {
        const std::string bytes(size, 'x');
        Task task("echo", bytes.data(), bytes.size());
        task.desc.place = P2C2R_PLACE_REMOTE;
        task.desc.deadline_us = kLongUs;
        CHECK(data_of(fetch(client.get(), submit(client.get(), task.desc)).get()) == bytes);
    };
    for (int i = 0; i < 100; ++i) run(64);
    CHECK(copied() == 0);
    // A connection on which little has come yet does not get much memory on somebody's word.
    for (int i = 0; i < 4; ++i) run(1 << 20);
    const uint64_t before = copied();
    for (int i = 0; i < 20; ++i) {
        run(4096);
        run(64 << 10);
        run(1 << 20);
    }
    CHECK(copied() == before);
}

TEST_CASE("inputs of every size wait at a coordinator and stay what they were") {
    std::atomic<bool> go_on{false};
    HostExecutor executor;  // an echo that waits
    executor.run = [&](p2c2r_job* job) -> p2c2r_status {
        while (!(p2c2r_job_state(job) & P2C2R_JOB_CANCELLED) && !go_on) std::this_thread::yield();
        size_t size = 0;
        const void* const data = p2c2r_job_input(job, 0, &size);
        void* out = nullptr;
        const p2c2r_status status = p2c2r_job_output_alloc(job, size, &out);
        if (status == P2C2R_OK && size > 0) std::memcpy(out, data, size);
        return status;
    };
    const Runtime hub = make_runtime(P2C2R_RUN_THREAD);
    const Runtime others = make_runtime(P2C2R_RUN_THREAD);
    executor.add(others.get(), "wait");
    const Coordinator coordinator = make_coordinator(hub.get(), P2C2R_ANY);
    uint32_t port = 0;
    REQUIRE(p2c2r_coordinator_port(coordinator.get(), &port, nullptr) == P2C2R_OK);
    const std::string url = "p2c2r+plain://127.0.0.1:" + std::to_string(port);
    const Peer peer = make_peer(others.get(), nullptr, url.c_str());
    // More than the blocks hold in which small inputs may stay; a connection's window is 512 KiB.
    constexpr size_t kClients = 6;
    constexpr size_t kEach = 400;
    std::vector<Client> clients;
    std::vector<p2c2r_task> tasks;
    const auto input = [](size_t i) {
        return std::string(200 + i * 7 % 4500, static_cast<char>('a' + i % 26)) + std::to_string(i);
    };
    const auto submit_one = [&](size_t i) {
        const std::string bytes = input(i);
        Task task("wait", bytes.data(), bytes.size());
        task.desc.place = P2C2R_PLACE_REMOTE;
        task.desc.deadline_us = kLongUs;
        return submit(clients[i / kEach % kClients].get(), task.desc);
    };
    for (size_t i = 0; i < kClients; ++i) {
        clients.push_back(make_client(others.get(), nullptr, url.c_str()));
        connect_with_peers(others.get(), clients.back().get(), 1);
    }
    for (size_t i = 0; i < kClients * kEach; ++i) tasks.push_back(submit_one(i));
    const auto pending = [&] {
        auto stats = sized<p2c2r_coordinator_stats>();
        REQUIRE(p2c2r_coordinator_stats_get(coordinator.get(), &stats) == P2C2R_OK);
        return stats.pending_tasks;
    };
    while (pending() < 1000) std::this_thread::yield();
    // Then they come through together with new ones, which are received into the same blocks.
    go_on = true;
    const size_t count = tasks.size();
    for (size_t i = 0; i < count; ++i) {
        REQUIRE(data_of(fetch(clients[i / kEach].get(), tasks[i]).get()) == input(i));
        tasks.push_back(submit_one(count + i));
    }
    for (size_t i = count; i < tasks.size(); ++i) {
        REQUIRE(data_of(fetch(clients[i / kEach % kClients].get(), tasks[i]).get()) == input(i));
    }
    CHECK(pending() == 0);
}

TEST_CASE("the coordinator assigns and explains and fails peers when it is told to") {
    std::atomic<bool> go_on{false};
    std::atomic<int> started{0};
    HostExecutor executor;
    executor.run = [&](p2c2r_job* job) -> p2c2r_status {
        ++started;
        while (!go_on && !(p2c2r_job_state(job) & P2C2R_JOB_CANCELLED)) std::this_thread::yield();
        void* out = nullptr;
        return p2c2r_job_output_alloc(job, 1, &out);
    };
    auto config = runtime_config(P2C2R_RUN_THREAD);
    config.worker_threads = 4;
    const Runtime runtime = make_runtime(config);
    executor.add(runtime.get(), "held");
    const Coordinator coordinator = make_coordinator(runtime.get());
    const Peer one = named_peer(runtime.get(), coordinator.get(), "one", 1);
    const Client client = make_client(runtime.get(), coordinator.get());
    connect_with_peers(runtime.get(), client.get(), 1);
    Task task("held");
    task.desc.place = P2C2R_PLACE_REMOTE;
    task.desc.deadline_us = kLongUs;
    const p2c2r_task first = submit(client.get(), task.desc);
    CHECK(turn_until(runtime.get(), [&] { return started == 1; }));
    const Result why = ask(coordinator.get(), "explain", "{\"task\":\"" + hex_id(first) + "\"}");
    CHECK(json_of(why.get()).find("\"peer_id\":\"one\"") != std::string::npos);
    // The only slot is taken, so the next one waits, and is given to a peer by hand.
    const p2c2r_task second = submit(client.get(), task.desc);
    const auto listed = [&] {
        return json_of(ask(coordinator.get(), "tasks", "{}").get()).find(hex_id(second)) !=
               std::string::npos;
    };
    CHECK(turn_until(runtime.get(), listed));
    ask(coordinator.get(), "task.assign",
        "{\"task\":\"" + hex_id(second) + "\",\"peer_id\":\"nobody\"}", P2C2R_E_STALE);
    const Peer two = named_peer(runtime.get(), coordinator.get(), "two", 1);
    connect_with_peers(runtime.get(), client.get(), 2);
    CHECK(turn_until(runtime.get(), [&] { return started == 2; }));
    // A peer that is told to have failed loses its task to another.
    ask(coordinator.get(), "peer.fail", "{\"peer_id\":\"one\"}");
    go_on = true;
    CHECK(p2c2r_result_status(fetch(client.get(), first).get()) == P2C2R_OK);
    CHECK(p2c2r_result_status(fetch(client.get(), second).get()) == P2C2R_OK);
    auto stats = sized<p2c2r_coordinator_stats>();
    REQUIRE(p2c2r_coordinator_stats_get(coordinator.get(), &stats) == P2C2R_OK);
    CHECK(stats.peer_failures >= 1);
    CHECK(stats.completed_tasks == 2);
    ask(coordinator.get(), "task.assign", "{\"task\":\"1\",\"peer_id\":\"two\"}", P2C2R_E_STALE);
}

TEST_CASE("metrics and health answer over HTTP") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get(), P2C2R_ANY, P2C2R_ANY);
    uint32_t port = 0;
    uint32_t monitoring = 0;
    REQUIRE(p2c2r_coordinator_port(coordinator.get(), &port, &monitoring) == P2C2R_OK);
    REQUIRE(monitoring > 0);
    CHECK(monitoring != port);
    const std::string health = http_get(monitoring, "/healthz");
    CHECK(health.rfind("HTTP/1.1 200", 0) == 0);
    CHECK(health.find("ok") != std::string::npos);
    const std::string metrics = http_get(monitoring, "/metrics");
    CHECK(metrics.rfind("HTTP/1.1 200", 0) == 0);
    CHECK(metrics.find("p2c2r_") != std::string::npos);
    CHECK(http_get(monitoring, "/other").rfind("HTTP/1.1 404", 0) == 0);
}

TEST_CASE("a monitoring port that is taken is named") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator first = make_coordinator(runtime.get(), P2C2R_ANY, P2C2R_ANY);
    uint32_t monitoring = 0;
    REQUIRE(p2c2r_coordinator_port(first.get(), nullptr, &monitoring) == P2C2R_OK);
    auto config = sized<p2c2r_coordinator_config>();
    config.listen_port = P2C2R_ANY;
    config.prometheus_port = monitoring;
    p2c2r_coordinator* made = nullptr;
    REQUIRE(p2c2r_coordinator_create(runtime.get(), &config, &made, nullptr) == P2C2R_OK);
    const Coordinator second(made);
    p2c2r_error why = {};
    CHECK(p2c2r_coordinator_start(made, &why) < 0);
    CHECK(std::string(why.field) == "prometheus_port");
    CHECK(std::string(why.text).find(std::to_string(monitoring)) != std::string::npos);
}

TEST_CASE(
    "how many second attempts a coordinator makes is its operator's to say, 0 to 100 percent") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const auto create = [&](const char* options) {
        auto config = sized<p2c2r_coordinator_config>();
        config.listen_port = P2C2R_NONE;
        config.options = options;
        p2c2r_coordinator* made = nullptr;
        p2c2r_error why = {};
        const p2c2r_status status = p2c2r_coordinator_create(runtime.get(), &config, &made, &why);
        const Coordinator owned(made);
        return std::make_pair(status, std::string(why.field));
    };
    CHECK(create(R"({"copies_percent": 0})").first == P2C2R_OK);
    CHECK(create(R"({"copies_percent": 100})").first == P2C2R_OK);
    for (const char* wrong : {R"({"copies_percent": 101})", R"({"copies_percent": -1})",
                              R"({"copies_percent": "many"})"}) {
        const auto [status, field] = create(wrong);
        CHECK(status == P2C2R_E_ARGUMENT);
        CHECK(field == "copies_percent");
    }
}
