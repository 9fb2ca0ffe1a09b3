// The three real roles together, on a fake loop and network: the life of a task, and what each kind
// of loss does to it.
#include <doctest/doctest.h>

#include <map>

#include "model/value_json.h"
#include "support/role_cluster.h"
#include "support/wire_end.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

TEST_CASE("roles: a task crosses all three roles and its answer says who computed it") {
    Cluster cluster;
    cluster.add_peer("p1");
    cluster.add_client();
    const uint64_t task = cluster.submit("hello");
    cluster.loop.settle();
    CHECK_FALSE(cluster.answers.times.count(task) == 0);
    const TaskResult& result = cluster.result(task);
    CHECK(result.status == Status::kOk);
    CHECK(result.data.text() == "hello");
    CHECK(result.source == Source::kPeer);
    CHECK(result.attempts == 1);
    CHECK(cluster.coordinator->stats().completed_tasks == 1);
    CHECK(cluster.coordinator->stats().payload_bytes_held == 0);
}

TEST_CASE("roles: an unknown type is refused with the names of what runs here") {
    struct Row {
        bool local;
        std::vector<std::string> peer;
        const char* named;
    };
    for (const Row& row : {Row{false, {}, "there is: nothing yet"}, Row{true, {}, "there is: echo"},
                           Row{true, {"hash", "echo"}, "there is: echo, hash"}}) {
        CAPTURE(row.named);
        Cluster cluster(row.local);
        if (!row.peer.empty()) cluster.add_peer("p1", row.peer);
        cluster.add_client();
        const TaskResult& result = [&]() -> const TaskResult& {
            const uint64_t task = cluster.submit("x", 0, "teleport");
            cluster.loop.settle();
            return cluster.result(task);
        }();
        CHECK(result.status == Status::kTaskType);
        CHECK(result.error.find(row.named) != std::string::npos);
    }
}

TEST_CASE("roles: an answer made here of the input waits whole for a gamer who is away") {
    // An executor that lends its input out again before start() returns.
    struct Borrows : FakeRunner {
        using FakeRunner::FakeRunner;
        uint64_t start(const exec::JobSpec& spec, uint64_t tag,
                       exec::RunnerEvents& events) override {
            exec::Output output;
            output.status = Status::kOk;
            output.data = Bytes::borrow(spec.data.span());
            events.on_job_done(tag, std::move(output));
            return ++started;
        }
    };
    for (const size_t size : {size_t{10}, size_t{200}, size_t{1000}, size_t{5000}}) {
        CAPTURE(size);
        Cluster cluster;
        Borrows runner(cluster.loop, {"echo"});
        cluster.coordinator =
            std::make_unique<Coordinator>(cluster.loop, cluster.network, &runner, cluster.random,
                                          Prng(1), Log(), cluster.options, cluster.quiet);
        REQUIRE(cluster.coordinator->start().ok());
        cluster.reconnect.backoff_first_us = 50'000;
        cluster.add_peer("p1").runner->takes_us = 10'000'000;
        cluster.add_client();
        const uint64_t task = cluster.submit(std::string(size, 'A'), 4'000'000);
        cluster.loop.settle();
        REQUIRE(cluster.peers[0].runner->running() == 1);
        // The gamer's line goes, then the only peer: the coordinator computes it by itself.
        cluster.network.reachable = false;
        cluster.network.made.back()->cut();
        cluster.loop.settle();
        cluster.peers.clear();
        cluster.loop.settle();
        CHECK(runner.started == 1);
        // Others use the slot and the memory meanwhile.
        {
            WireEnd other(cluster.loop, *cluster.coordinator);
            other.join_gamer("other");
            wire::TaskSubmit message;
            message.task_type = "echo";
            for (uint64_t i = 1; i < 50; ++i) {
                other.send(wire::Message::kTaskSubmit, i, message, {}, std::string(size, 'B'));
            }
            cluster.loop.settle();
        }
        cluster.network.reachable = true;
        cluster.loop.advance(1'000'000);
        CHECK(cluster.result(task).status == Status::kOk);
        CHECK(cluster.result(task).data.text() == std::string(size, 'A'));
        CHECK(cluster.coordinator->stats().payload_bytes_held == 0);
        cluster.coordinator.reset();  // before its runner
    }
}

TEST_CASE("roles: large payloads cross in chunks and come back whole") {
    Cluster cluster;
    cluster.add_peer("p1");
    cluster.add_client(false, true);
    std::string text(3'000'000, 'x');
    for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 131 >> 7);
    const uint64_t task = cluster.submit(text);
    cluster.loop.advance(100'000);
    CHECK(cluster.result(task).status == Status::kOk);
    CHECK(cluster.result(task).data.text() == text);
    CHECK(cluster.coordinator->stats().payload_bytes_held == 0);
}

TEST_CASE("roles: bytes that do not match their checksum cost their task and no connection") {
    Cluster cluster;
    cluster.add_peer("p1");
    cluster.add_client(false, true);
    WireEnd gamer(cluster.loop, *cluster.coordinator);
    gamer.join_gamer("careless");
    wire::TaskSubmit message;
    message.task_type = "echo";
    message.checksum = 12345;
    gamer.send(wire::Message::kTaskSubmit, 3, message, {}, "hello", wire::kFlagChecksum);
    CHECK(gamer.last(wire::Message::kResultDelivery).as<wire::ResultDelivery>().status ==
          Status::kContent);
    CHECK(cluster.peers[0].peer->stats().reconnects == 0);
    CHECK(cluster.peers[0].runner->started == 0);

    // The other way: a peer that states a wrong checksum.
    cluster.peers[0].peer->close();
    cluster.loop.settle();
    WireEnd peer(cluster.loop, *cluster.coordinator);
    peer.join_peer("careless");
    const uint64_t task = cluster.submit("hello");
    cluster.loop.settle();
    const WireEnd::Got assigned = peer.last(wire::Message::kTaskAssign);
    wire::TaskResult result;
    result.attempt = assigned.as<wire::TaskAssign>().attempt;
    result.checksum = 54321;
    peer.send(wire::Message::kTaskResult, assigned.id, result, {}, "hello", wire::kFlagChecksum);
    CHECK(cluster.result(task).status == Status::kContent);
    CHECK(cluster.client->stats().reconnects == 0);
}

TEST_CASE("roles: the tasks of a lost peer go to another without waiting for a timeout") {
    Cluster cluster;
    PeerNode& first = cluster.add_peer("p1");
    first.runner->takes_us = 200'000;
    cluster.add_client();
    std::vector<uint64_t> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(cluster.submit("t" + std::to_string(i)));
    cluster.loop.advance(10'000);
    CHECK(cluster.peers[0].runner->running() == 4);
    cluster.add_peer("p2");
    cluster.peers[0].transport->reachable = false;
    cluster.peers[0].transport->made.back()->cut();
    cluster.loop.settle();
    for (uint64_t task : tasks) {
        CHECK(cluster.result(task).status == Status::kOk);
        CHECK(cluster.result(task).attempts == 2);
    }
    CHECK(cluster.quiet.failed == std::vector<std::string>{"p1"});
}

TEST_CASE("roles: without any peer the coordinator computes and without a coordinator the client") {
    Cluster cluster(true);
    cluster.add_client(true);
    const uint64_t here = cluster.submit("a");
    cluster.loop.settle();
    CHECK(cluster.result(here).source == Source::kCoordinator);
    cluster.network.reachable = false;
    cluster.network.made.back()->cut();
    cluster.loop.settle();
    const uint64_t local = cluster.submit("b", 400'000);
    cluster.loop.advance(400'000);
    CHECK(cluster.result(local).status == Status::kOk);
    CHECK(cluster.result(local).source == Source::kLocal);
}

TEST_CASE(
    "roles: of a task that the coordinator computes it says how the attempt at a peer ended") {
    Cluster cluster(true);
    cluster.coordinator_runner.takes_us = 10'000'000;
    const auto tasks = [&] {
        return *value_to_json(cluster.coordinator->call("tasks", {}, nullptr)->span());
    };
    const auto says = [&](const char* what) { return tasks().find(what) != std::string::npos; };
    std::string expected = "its attempt at a peer was lost with the peer";
    bool is_alone = false;
    SUBCASE("lost") {}
    SUBCASE("too late") {
        expected = "its attempt at a peer ran out of time";
    }
    SUBCASE("none") {
        is_alone = true;
    }
    if (!is_alone) cluster.add_peer("p1");
    cluster.add_client();
    if (!is_alone) {
        // So that it is known how long one takes.
        for (int i = 0; i < 8; ++i) {
            (void)cluster.submit("before");
            cluster.loop.advance(10'000);
        }
        cluster.peers[0].runner->takes_us = 100'000'000;
    }
    (void)cluster.submit("a", 30'000'000);
    cluster.loop.settle();
    if (is_alone) {
        CHECK(says("computed by the coordinator: no peer of circle "));
        return;
    }
    CHECK(cluster.coordinator_runner.running() == 0);
    if (expected.ends_with("peer")) {
        cluster.peers[0].transport->reachable = false;
        cluster.peers[0].transport->made.back()->cut();
    }
    for (int i = 0; i < 300 && cluster.coordinator_runner.running() == 0; ++i) {
        cluster.loop.advance(100'000);
    }
    REQUIRE(cluster.coordinator_runner.running() == 1);
    CHECK_MESSAGE(says(("computed by the coordinator: " + expected).c_str()), tasks());
}

TEST_CASE("roles: a task that nobody can run ends with an error that names the field") {
    Cluster cluster;
    cluster.add_peer("p1");
    cluster.add_client();
    const uint64_t unknown = cluster.submit("x", 0, "teleport");
    const uint64_t declared = cluster.submit("x", 0, "raytracing");
    cluster.loop.settle();
    CHECK(cluster.result(unknown).status == Status::kTaskType);
    CHECK(cluster.result(unknown).field == "task_type");
    CHECK(cluster.result(unknown).error.find("echo") != std::string::npos);
    CHECK(cluster.result(declared).status == Status::kUnsupported);
}

TEST_CASE("roles: a coordinator listens in plaintext on this machine only unless it is forced") {
    FakeLoop loop;
    FakeRandom random{3};
    FakeTransport network{loop};
    ClusterEvents quiet;
    const auto listens = [&](const char* address, bool forced = false) {
        CoordinatorOptions options;
        options.listen_address = address;
        options.plaintext_anywhere = forced;
        Coordinator coordinator(loop, network, nullptr, random, Prng(1), Log(), options, quiet);
        return coordinator.start().ok();
    };
    CHECK(listens("127.0.0.2"));
    CHECK_FALSE(listens("127.example.org"));
    CHECK_FALSE(listens("0.0.0.0"));
    CHECK(listens("0.0.0.0", true));
}

TEST_CASE("roles: aliases of task types are made canonical at admission") {
    Cluster cluster;
    cluster.add_peer("p1", {"upscale"});
    cluster.add_client();
    const uint64_t task = cluster.submit("x", 0, "frame_upscale");
    cluster.loop.settle();
    CHECK(cluster.result(task).status == Status::kOk);
}

TEST_CASE("roles: a client keeps to the window of payload bytes that it is told") {
    CoordinatorOptions options;
    options.gamer_window_bytes = 256 * 1024;
    Cluster cluster(false, options);
    cluster.add_peer("p1").runner->takes_us = 1'000;
    cluster.add_client();
    std::vector<uint64_t> tasks;
    for (int i = 0; i < 40; ++i) {
        tasks.push_back(cluster.submit(std::string(60'000, 'x'), 5'000'000));
        tasks.push_back(cluster.submit("small", 5'000'000));
    }
    tasks.push_back(cluster.submit(std::string(1'000'000, 'x'), 5'000'000));  // more than all of it
    cluster.loop.advance(2'000'000);
    for (uint64_t task : tasks) CHECK(cluster.result(task).status == Status::kOk);
}

TEST_CASE("roles: cancel reaches the executor and the task ends as cancelled") {
    Cluster cluster;
    cluster.add_peer("p1").runner->takes_us = 1'000'000;
    cluster.add_client();
    const uint64_t task = cluster.submit("x");
    cluster.loop.advance(10'000);
    cluster.client->cancel(task);
    CHECK(cluster.result(task).status == Status::kCancelled);
    cluster.loop.advance(10'000);
    CHECK(cluster.peers[0].runner->cancelled == 1);
    CHECK(cluster.peers[0].runner->running() == 0);
    CHECK(cluster.coordinator->stats().pending_tasks == 0);
}

TEST_CASE("roles: a task ends at its deadline on the client's own clock") {
    Cluster cluster;
    cluster.add_peer("p1").runner->takes_us = 10'000'000;
    cluster.add_client();
    const uint64_t task = cluster.submit("x", 50'000);
    cluster.loop.advance(49'000);
    CHECK(cluster.answers.times.count(task) == 0);
    cluster.loop.advance(3'000);
    CHECK(cluster.result(task).status == Status::kDeadline);
    cluster.loop.advance(1'000'000);
    CHECK(cluster.coordinator->stats().pending_tasks == 0);
    CHECK(cluster.peers[0].runner->running() == 0);
}

TEST_CASE("roles: pending tasks survive a reconnect and are answered once") {
    Cluster cluster;
    cluster.add_peer("p1").runner->takes_us = 100'000;
    cluster.add_client();
    std::vector<uint64_t> tasks;
    for (int i = 0; i < 6; ++i) tasks.push_back(cluster.submit("r" + std::to_string(i), 3'000'000));
    cluster.loop.advance(5'000);
    cluster.network.made.back()->cut();
    cluster.loop.advance(2'000'000);
    for (uint64_t task : tasks) {
        CHECK(cluster.result(task).status == Status::kOk);
        CHECK(cluster.result(task).data.text() == "r" + std::to_string(task - 1));
    }
    CHECK(cluster.client->stats().reconnects == 1);
    // They went on while the gamer was away: nothing was computed twice.
    CHECK(cluster.peers[0].runner->started == 6);
}

TEST_CASE("roles: pending tasks survive a restart of the coordinator") {
    Cluster cluster;
    cluster.add_peer("p1").runner->takes_us = 100'000;
    cluster.add_client();
    std::vector<uint64_t> tasks;
    for (int i = 0; i < 6; ++i) tasks.push_back(cluster.submit("r" + std::to_string(i), 4'000'000));
    cluster.loop.advance(5'000);
    cluster.network.accept = nullptr;
    cluster.coordinator.reset();
    cluster.loop.advance(300'000);
    cluster.start_coordinator(false);
    cluster.loop.advance(3'500'000);
    for (uint64_t task : tasks) CHECK(cluster.result(task).status == Status::kOk);
}

TEST_CASE("roles: the same peer id is refused while the first one lives") {
    Cluster cluster;
    cluster.add_peer("twin");
    PeerNode& second = cluster.add_peer("twin");
    cluster.loop.advance(200'000);
    CHECK_FALSE(second.peer->stats().connected);
    // The first one may go: the second tries on.
    CHECK(second.events->peer_states.front() == Status::kDisconnected);
    CHECK_FALSE(second.peer->stats().given_up);
    CHECK(cluster.peers[0].peer->stats().connected);
    cluster.peers[0].peer->close();
    cluster.loop.advance(10'000'000);
    CHECK(second.peer->stats().connected);
    CHECK(second.events->peer_states.back() == Status::kOk);
}

TEST_CASE("roles: disconnected means trying again for whatever reason a connection was lost") {
    Cluster cluster;
    PeerNode& node = cluster.add_peer("p1");
    cluster.add_client();
    // An orderly stop, and nobody at all for a while.
    cluster.coordinator->close();
    cluster.loop.advance(1'000);
    cluster.coordinator.reset();
    cluster.network.accept = nullptr;
    node.transport->reachable = false;
    cluster.loop.advance(1'000'000);
    for (const std::vector<Status>& states : {node.events->peer_states, cluster.answers.states}) {
        REQUIRE(states.size() > 2);
        CHECK(states.front() == Status::kOk);
        for (size_t i = 1; i < states.size(); ++i) CHECK(states[i] == Status::kDisconnected);
    }
    node.transport->reachable = true;
    cluster.start_coordinator(false);
    cluster.loop.advance(10'000'000);
    CHECK(node.peer->stats().connected);
    CHECK(cluster.client->stats().connected);
}

TEST_CASE("roles: the last try that fails is told as given up and not as disconnected") {
    Cluster cluster;
    cluster.reconnect.attempts_max = 2;
    PeerNode& node = cluster.add_peer("p1");
    cluster.add_client();
    node.transport->reachable = cluster.network.reachable = false;
    node.transport->made.back()->cut();
    cluster.network.made.front()->cut();
    cluster.loop.advance(10'000'000);
    const std::vector<Status> expected = {Status::kOk, Status::kDisconnected, Status::kDisconnected,
                                          Status::kClosed};
    CHECK(node.events->peer_states == expected);
    CHECK(cluster.answers.states == expected);
    CHECK(node.peer->stats().given_up);
    CHECK(cluster.client->stats().given_up);
}

TEST_CASE("roles: a paused peer hands back what it has not started") {
    Cluster cluster;
    PeerNode& first = cluster.add_peer("p1");
    first.runner->takes_us = 50'000;
    cluster.add_client();
    std::vector<uint64_t> tasks;
    for (int i = 0; i < 8; ++i) tasks.push_back(cluster.submit("x"));
    cluster.loop.advance(1'000);
    CHECK(cluster.peers[0].peer->stats().waiting == 4);
    cluster.add_peer("p2");
    bool drained = false;
    cluster.peers[0].peer->drain([&] { drained = true; });
    cluster.loop.advance(1'000);
    CHECK(cluster.peers[0].peer->stats().waiting == 0);
    CHECK_FALSE(drained);
    cluster.loop.advance(100'000);
    CHECK(drained);
    for (uint64_t task : tasks) CHECK(cluster.result(task).status == Status::kOk);
    const uint64_t later = cluster.submit("y");
    cluster.loop.advance(10'000);
    CHECK(cluster.result(later).status == Status::kOk);
    CHECK(cluster.peers[1].peer->stats().completed == 5);
}

TEST_CASE("roles: a task waits for those it depends on and fails with them") {
    Cluster cluster;
    cluster.add_peer("p1").runner->takes_us = 20'000;
    cluster.add_client();
    const uint64_t first = cluster.submit("first");
    TaskSpec spec;
    spec.task_type = "echo";
    spec.depends_on = {first};
    cluster.client->submit(100, std::move(spec));
    TaskSpec doomed;
    doomed.task_type = "echo";
    const uint64_t bad = cluster.submit("bad", 0, "teleport");
    doomed.depends_on = {bad};
    cluster.client->submit(101, std::move(doomed));
    cluster.loop.advance(10'000);
    CHECK(cluster.answers.times.count(100) == 0);
    CHECK(cluster.result(101).status == Status::kState);
    cluster.loop.advance(100'000);
    CHECK(cluster.result(100).status == Status::kOk);
}

TEST_CASE("roles: an executor that fails is tried on three peers and then the error is definite") {
    Cluster cluster;
    for (const char* id : {"p1", "p2", "p3", "p4"}) {
        cluster.add_peer(id).runner->behave = [](const exec::JobSpec&) {
            exec::Output output;
            output.status = Status::kExecutor;
            output.error = "smoke";
            return output;
        };
    }
    cluster.add_client();
    const uint64_t task = cluster.submit("x");
    cluster.loop.advance(100'000);
    CHECK(cluster.result(task).status == Status::kExecutor);
    uint64_t started = 0;
    for (const PeerNode& node : cluster.peers) started += node.runner->started;
    CHECK(started == 3);
}

TEST_CASE("roles: closing the coordinator ends every task with a definite error") {
    Cluster cluster;
    cluster.add_peer("p1").runner->takes_us = 1'000'000;
    cluster.add_client();
    const uint64_t task = cluster.submit("x");
    cluster.loop.advance(1'000);
    cluster.coordinator->close();
    cluster.loop.advance(1'000);
    CHECK(cluster.result(task).status == Status::kClosed);
}

TEST_CASE("roles: a gamer can ask for the status and not for commands") {
    Cluster cluster;
    cluster.add_peer("p1");
    cluster.add_client();
    cluster.client->call(900, "status", {}, 1'000'000);
    cluster.client->call(901, "peer.fail", {}, 1'000'000);
    cluster.client->call(902, "sing", {}, 1'000'000);
    cluster.loop.settle();
    CHECK(cluster.answers.calls[900].first == Status::kOk);
    CHECK_FALSE(cluster.answers.calls[900].second.empty());
    CHECK(cluster.answers.calls[901].first == Status::kDenied);
    CHECK(cluster.answers.calls[902].first == Status::kUnsupported);
}

TEST_CASE("roles: an answer to a call may be larger than a frame") {
    Cluster cluster;
    for (int i = 0; i < 1300; ++i) cluster.add_peer(std::string(120, 'p') + std::to_string(i));
    cluster.add_client();
    cluster.client->call(900, "peers", {}, 1'000'000);
    cluster.client->call(901, "status", {}, 1'000'000);
    const uint64_t task = cluster.submit("x");
    cluster.loop.settle();
    CHECK(cluster.answers.calls[900].first == Status::kOk);
    CHECK(cluster.answers.calls[900].second.size() > limits::kChunkSizeMax);
    CHECK(cluster.answers.calls[901].first == Status::kOk);
    CHECK(cluster.result(task).status == Status::kOk);
    CHECK(cluster.client->stats().reconnects == 0);
}

TEST_CASE("roles: a probe is told how many bytes came, and has to bring some") {
    Cluster cluster;
    cluster.add_client();
    const auto probe = [&](uint64_t id, const char* arguments) {
        cluster.client->call(id, "probe", *json_to_value(arguments), 1'000'000);
    };
    probe(900, R"({"data":{"$bytes":"QUJDRA=="}})");
    probe(901, R"({"data":{"$bytes":""}})");
    probe(902, "{}");
    cluster.loop.settle();
    CHECK(*value_to_json(cluster.answers.calls[900].second.span()) == R"({"bytes":4})");
    CHECK(*value_to_json(cluster.answers.calls[901].second.span()) == R"({"bytes":0})");
    CHECK(cluster.answers.calls[902].first != Status::kOk);
}

TEST_CASE("roles: a call that would not fit into its frame is refused on the spot") {
    Cluster cluster;
    cluster.add_client();
    const Buffer zeros = Buffer::allocate(limits::kChunkSizeMax + 1);
    cluster.client->call(900, "status", Bytes::copy({zeros.data(), limits::kChunkSizeMax + 1}),
                         1'000'000);
    cluster.client->call(901, std::string(65, 'n'), {}, 1'000'000);
    cluster.client->call(902, "", {}, 1'000'000);
    CHECK(cluster.answers.calls[900].first == Status::kSize);
    CHECK(cluster.answers.calls[901].first == Status::kArgument);
    CHECK(cluster.answers.calls[902].first == Status::kArgument);
    cluster.loop.settle();
    CHECK(cluster.client->stats().connected);
}

TEST_CASE("roles: peers that come and go are counted and said to clients") {
    Cluster cluster;
    cluster.add_client();
    cluster.add_peer("p1");
    cluster.add_peer("p2");
    cluster.loop.advance(300'000);
    CHECK(cluster.answers.peers == 2);
    cluster.peers[1].peer->close();
    cluster.loop.advance(300'000);
    CHECK(cluster.answers.peers == 1);
    CHECK(cluster.quiet.left == std::vector<std::string>{"p2"});
}
