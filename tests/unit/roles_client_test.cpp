// The client role against a coordinator that says what the test wants: what becomes of each answer.
#include <doctest/doctest.h>

#include "roles/streams.h"
#include "support/role_cluster.h"
#include "unit/roles_scripted.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

TEST_CASE("client: a failed result keeps what the coordinator told of it") {
    ScriptedWorld world;
    world.start();
    world.submit(1);
    world.loop.settle();
    REQUIRE(world.coordinator.submitted.size() == 1);
    wire::ResultDelivery delivery;
    delivery.status = Status::kBusy;
    delivery.error = "full";
    delivery.field = "memory";
    delivery.retry_after_ms = 250;
    delivery.attempts = 3;
    delivery.queue_us = 400;
    delivery.processing_us = 600;
    delivery.source = Source::kCoordinator;
    encode(delivery, world.coordinator.envelope);
    world.coordinator.send(wire::Message::kResultDelivery, 1);
    world.loop.advance(5'000);
    const TaskResult& result = world.result(1);
    CHECK(result.status == Status::kBusy);
    CHECK(result.error == "full");
    CHECK(result.field == "memory");
    CHECK(result.retry_after_ms == 250);
    CHECK(result.attempts == 3);
    CHECK(result.queue_us == 400);
    CHECK(result.processing_us == 600);
    CHECK(result.source == Source::kCoordinator);
}

TEST_CASE("client: an id that nobody can answer for is an error that names depends_on") {
    ScriptedWorld world;
    world.options.coordinator.host.clear();
    world.client = std::make_unique<Client>(world.loop, nullptr, &world.runner, world.random,
                                            Prng(3), Log(), world.options, world.answers);
    uint64_t next = 1;
    const auto run = [&](std::vector<uint64_t> depends_on, const char* type = "echo") {
        TaskSpec spec;
        spec.task_type = type;
        spec.depends_on = std::move(depends_on);
        world.submit(next, std::move(spec));
        world.loop.settle();
        return next++;
    };
    const uint64_t good = run({});
    const uint64_t bad = run({}, "teleport");
    const auto refused = [&](uint64_t task) {
        CHECK(world.result(task).status == Status::kState);
        CHECK(world.result(task).field == "depends_on");
    };
    CHECK(world.result(run({good})).status == Status::kOk);
    refused(run({bad}));
    refused(run({777}));
    refused(run({0}));
    refused(run({good, 0xFFFFFFFF00000001ull}));
    // Failures and successes are forgotten alike, and what is forgotten counts for nothing.
    for (int i = 0; i < 3000; ++i) run({}, "teleport");
    refused(run({bad}));
    CHECK(world.result(run({good})).status == Status::kOk);
    for (int i = 0; i < 4096; ++i) run({});
    refused(run({bad}));
    refused(run({good}));
    CHECK(world.result(run({next - 3})).status == Status::kOk);
}

TEST_CASE("client: of a task that has ended nothing more is sent") {
    ScriptedWorld world;
    world.start();
    // Refused at its first frame, when most of it is still to go.
    world.coordinator.refuse = Status::kBusy;
    TaskSpec spec;
    spec.task_type = "echo";
    spec.params = Bytes::copy(std::string(8u << 20, 'p'));
    std::vector<uint8_t> lent(2000, 7);
    spec.data = Bytes::borrow(lent);
    world.submit(1, std::move(spec));
    world.loop.settle();
    CHECK(world.result(1).status == Status::kBusy);
    CHECK(world.coordinator.submit_frames >= 1);
    CHECK(world.coordinator.submit_frames < (8u << 20) / kOwnChunkSize / 2);
    // And the next task's bytes are its own.
    world.coordinator.refuse.reset();
    world.submit(2);
    world.loop.settle();
    CHECK(world.coordinator.submitted.back() == 2);
}

TEST_CASE("client: a task tells what is its own whatever the one before told") {
    ScriptedWorld world;
    world.start();
    TaskSpec plain;
    plain.task_type = "echo";
    std::vector<TaskSpec> specs(9, plain);
    specs[1].task_type = "exho";
    specs[2].priority = -3;
    specs[3].circle = Circle::kOwn;
    specs[4].verify = VerifyClass::kA;
    specs[5].price = 7;
    specs[6].flags = task_flag::kNoCache;
    specs[7].deadline_us = 70'000'000;
    uint64_t task = 0;
    for (size_t one = 0; one < specs.size(); ++one) {
        for (size_t other = 0; other < specs.size(); ++other) {
            for (const TaskSpec* spec : {&specs[one], &specs[other]}) {
                CAPTURE(one);
                CAPTURE(other);
                world.submit(++task, TaskSpec(*spec));
                world.loop.settle();
                REQUIRE(world.coordinator.submitted.back() == task);
                wire::TaskSubmit told;
                REQUIRE(decode(world.coordinator.last_submit, told) == nullptr);
                CHECK(told.task_type == spec->task_type);
                CHECK(told.priority == spec->priority);
                CHECK(told.circle == spec->circle);
                CHECK(told.verify == spec->verify);
                CHECK(told.price == spec->price);
                CHECK(told.task_flags == spec->flags);
                CHECK(told.deadline_us.has_value() == (spec->deadline_us != 0));
            }
        }
    }
}

TEST_CASE("client: a chain of tasks may be as long as one likes") {
    // Runs what it is given before start() returns.
    struct AtOnce : FakeRunner {
        using FakeRunner::FakeRunner;
        uint64_t start(const exec::JobSpec& spec, uint64_t tag,
                       exec::RunnerEvents& events) override {
            events.on_job_done(tag, behave(spec));
            return ++started;
        }
    };
    // Sanitized, each step takes forty times as long, and more of the stack.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    constexpr uint64_t kLength = 20'000;
#else
    constexpr uint64_t kLength = 100'000;
#endif
    for (const bool good : {true, false}) {
        CAPTURE(good);
        ScriptedWorld world;
        AtOnce at_once(world.loop, {"echo"});
        world.client = std::make_unique<Client>(world.loop, &world.network, &at_once, world.random,
                                                Prng(3), Log(), world.options, world.answers);
        world.client->start();
        world.loop.settle();
        TaskSpec first;
        first.task_type = "echo";
        first.place = Place::kRemote;
        world.submit(1, std::move(first));
        for (uint64_t task = 2; task <= kLength; ++task) {
            TaskSpec spec;
            spec.task_type = "echo";
            spec.place = Place::kLocal;
            spec.depends_on = {task - 1, task - 1};
            world.submit(task, std::move(spec));
        }
        world.loop.settle();
        REQUIRE(world.coordinator.submitted == std::vector<uint64_t>{1});
        CHECK(world.answers.ended.empty());
        if (good) {
            encode(wire::ResultDelivery{}, world.coordinator.envelope);
            world.coordinator.send(wire::Message::kResultDelivery, 1);
            world.loop.settle();
        } else {
            world.client->cancel(1);
        }
        CHECK(world.result(1).status == (good ? Status::kOk : Status::kCancelled));
        CHECK(world.answers.ended.size() == kLength);
        for (const uint64_t task : {uint64_t{2}, kLength}) {
            CHECK(world.result(task).status == (good ? Status::kOk : Status::kState));
        }
        CHECK(at_once.started == (good ? kLength - 1 : 0));
        world.client.reset();  // before its runner
    }
}

TEST_CASE("client: after the coordinator was given up tasks run here at once or end at once") {
    for (const bool local : {true, false}) {
        CAPTURE(local);
        ScriptedWorld world;
        world.options.reconnect.attempts_max = 0;
        world.runner.takes_us = 1'000;
        world.start(local);
        world.submit(1);
        world.network.reachable = false;
        world.network.made.back()->cut();
        world.loop.advance(5'000);
        CHECK(world.answers.states.back() == Status::kClosed);
        world.submit(2);
        TaskSpec remote;
        remote.task_type = "echo";
        remote.place = Place::kRemote;
        world.submit(3, std::move(remote));
        world.loop.advance(5'000);
        for (const uint64_t task : {1, 2}) {
            CAPTURE(task);
            const TaskResult& result = world.result(task);
            CHECK(result.status == (local ? Status::kOk : Status::kDisconnected));
            CHECK(result.source == (local ? Source::kLocal : Source::kNone));
        }
        CHECK(world.result(3).status == Status::kDisconnected);
        CHECK(world.result(3).error.find("given up") != std::string::npos);
    }
}

TEST_CASE("client: a task that this machine failed says so") {
    ScriptedWorld world;
    world.runner.behave = [](const exec::JobSpec&) {
        exec::Output output;
        output.status = Status::kExecutor;
        output.error = "smoke";
        output.processing_us = 77;
        return output;
    };
    world.start(true);
    TaskSpec spec;
    spec.task_type = "echo";
    spec.place = Place::kLocal;
    world.submit(1, std::move(spec));
    world.loop.settle();
    CHECK(world.result(1).status == Status::kExecutor);
    CHECK(world.result(1).source == Source::kLocal);
    CHECK(world.result(1).attempts == 1);
    CHECK(world.result(1).processing_us == 77);
}

TEST_CASE("client: a deadline of any length is none that has passed") {
    for (const uint64_t deadline_us : {UINT64_MAX, UINT64_MAX - 1'000, UINT64_MAX / 2}) {
        CAPTURE(deadline_us);
        ScriptedWorld world;
        world.start();
        world.submit(1, deadline_us);
        world.loop.advance(2'000'000);
        CHECK(world.answers.ended.empty());
        REQUIRE(world.coordinator.submitted.size() == 1);
        world.client->cancel(1);
        CHECK(world.result(1).status == Status::kCancelled);
    }
}

TEST_CASE("client: a deadline of any length is capped by the coordinator") {
    CoordinatorOptions options;
    options.task_timeout_us = 3'000'000;
    Cluster cluster(false, options);
    PeerNode& peer = cluster.add_peer("p1");
    peer.runner->takes_us = 60'000'000;
    cluster.add_client();
    const uint64_t task = cluster.submit("x", UINT64_MAX);
    cluster.loop.advance(2'900'000);
    CHECK(cluster.answers.ended.empty());
    cluster.loop.advance(200'000);
    CHECK(cluster.result(task).status == Status::kDeadline);
}

TEST_CASE("client: closing ends every task with E_CLOSED, and sends none that waits") {
    ScriptedWorld world;
    world.coordinator.window_bytes = 32 << 20;
    world.start();
    TaskSpec large;
    large.task_type = "echo";
    large.deadline_us = 10'000'000;
    large.data = Bytes::copy(std::string(400 * 1024, 'x'));
    for (uint64_t task = 1; task <= 4; ++task) {
        TaskSpec spec = large;
        if (task == 4) spec.depends_on = {1, 2};
        world.submit(task, std::move(spec));
    }
    world.loop.settle();
    REQUIRE(world.coordinator.submitted == std::vector<uint64_t>{1});
    world.client->close();
    world.loop.settle();
    for (uint64_t task = 1; task <= 4; ++task) {
        CHECK(world.result(task).status == Status::kClosed);
    }
    CHECK(world.coordinator.submitted == std::vector<uint64_t>{1});
    CHECK(world.loop.timers_count() == 0);
}

TEST_CASE("client: how long a coordinator wants to be left alone counts once") {
    ScriptedWorld world;
    world.start();
    wire::Goodbye goodbye;
    goodbye.status = Status::kBusy;
    goodbye.retry_after_ms = 60'000;
    encode(goodbye, world.coordinator.envelope);
    world.coordinator.send(wire::Message::kGoodbye, 0);
    world.loop.settle();
    world.network.reachable = false;
    world.loop.advance(59'000'000);
    const size_t before = world.network.made.size();
    world.loop.advance(2'000'000);  // nobody listens any more
    CHECK(world.network.made.size() == before);
    world.network.reachable = true;
    CHECK(world.loop.run_until([&] { return world.client->stats().connected; },
                               world.options.reconnect.backoff_max_us + 1'000'000));
}
