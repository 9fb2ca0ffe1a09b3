// What a client computes itself while its coordinator is away, and when it begins with that.
#include <doctest/doctest.h>

#include "support/role_cluster.h"
#include "unit/roles_scripted.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

constexpr uint64_t kTakesUs = 20'000;
constexpr uint64_t kTickUs = 2'000;  // timers of tasks go off a little later

// A client that can compute "echo" itself, and says what that took.
struct LocalWorld : ScriptedWorld {
    explicit LocalWorld(uint64_t takes_us = kTakesUs) {
        runner.takes_us = takes_us;
        runner.behave = [this](const exec::JobSpec&) {
            exec::Output output;
            output.status = Status::kOk;
            output.processing_us = runner.takes_us;
            return output;
        };
    }
    void know_speed() {
        submit(kFirst, placed(Place::kLocal, 10'000'000));
        loop.advance(runner.takes_us + 1);
        REQUIRE(result(kFirst).source == Source::kLocal);
    }
    static TaskSpec placed(Place place, uint64_t deadline_us, uint32_t flags = 0) {
        TaskSpec spec;
        spec.task_type = "echo";
        spec.place = place;
        spec.deadline_us = deadline_us;
        spec.flags = flags;
        return spec;
    }
    void lose_coordinator() {
        network.reachable = false;
        network.made.back()->cut();
        loop.settle();
    }
    [[nodiscard]] uint64_t good() const {
        uint64_t count = 0;
        for (const auto& [task, result] : answers.ended) count += result.status == Status::kOk;
        return count;
    }
    static constexpr uint64_t kFirst = 1'000'000;
};

}  // namespace

TEST_CASE("local: once no coordinator has been in reach for 100 ms a task is computed at once") {
    LocalWorld world;
    world.start(true);
    world.know_speed();
    world.submit(1);
    world.loop.advance(300'000);  // however long it has waited before
    world.lose_coordinator();
    world.loop.advance(50'000);
    world.submit(2);
    world.loop.advance(kLinkGraceUs - 50'000 - 1);
    CHECK(world.runner.started == 1);
    world.loop.advance(kTakesUs + kTickUs);
    CHECK(world.result(1).source == Source::kLocal);
    CHECK(world.result(2).source == Source::kLocal);
    world.submit(3);
    world.loop.advance(kTakesUs);
    CHECK(world.result(3).total_us == kTakesUs);
    // However often it has been tried meanwhile to reach it.
    world.loop.advance(20'000'000);
    world.submit(4);
    world.loop.advance(kTakesUs);
    CHECK(world.result(4).total_us == kTakesUs);
}

TEST_CASE("local: a coordinator that is back within 100 ms leaves this machine nothing to do") {
    LocalWorld world;
    world.start(true);
    world.know_speed();
    world.submit(1, 10'000'000);
    world.loop.settle();
    world.network.made.back()->cut();
    world.loop.advance(300'000);
    CHECK(world.client->stats().connected);
    CHECK(world.client->stats().reconnects == 1);
    CHECK(world.coordinator.submitted.size() == 2);  // before, and again
    CHECK(world.runner.started == 1);
    CHECK(world.answers.ended.count(1) == 0);
}

TEST_CASE("local: a coordinator that was never there is not waited for either") {
    LocalWorld world;
    world.network.reachable = false;
    world.start(true);
    world.submit(1, 10'000'000);
    world.loop.advance(kLinkGraceUs + kTakesUs + kTickUs);
    CHECK(world.result(1).source == Source::kLocal);
}

TEST_CASE("local: when the coordinator is back, tasks leave again") {
    LocalWorld world;
    world.start(true);
    world.lose_coordinator();
    world.loop.advance(1'000'000);
    world.network.reachable = true;
    for (int i = 0; i < 100 && !world.client->stats().connected; ++i) world.loop.advance(100'000);
    REQUIRE(world.client->stats().connected);
    const uint64_t before = world.runner.started;
    world.submit(1, 10'000'000);
    world.loop.advance(500'000);
    CHECK(world.coordinator.submitted == std::vector<uint64_t>{1});
    CHECK(world.runner.started == before);
}

TEST_CASE("local: several that are to be computed before one deadline begin early enough") {
    LocalWorld world(50'000);
    world.runner.at_once = 1;
    world.start(true);
    world.know_speed();
    for (uint64_t task = 1; task <= 6; ++task) {
        world.submit(task,
                     LocalWorld::placed(Place::kAuto, 1'000'000, task_flag::kLocalAtDeadline));
    }
    world.loop.advance(499'000);
    CHECK(world.runner.started == 1);  // none before half of its time is over
    world.loop.advance(501'000);
    for (uint64_t task = 1; task <= 6; ++task) {
        CAPTURE(task);
        CHECK(world.result(task).status == Status::kOk);
        CHECK(world.result(task).source == Source::kLocal);
    }
    // Nothing of those is counted any more: a later one begins as if it were the first.
    const uint64_t before = world.runner.started;
    world.submit(7, LocalWorld::placed(Place::kAuto, 1'000'000, task_flag::kLocalAtDeadline));
    world.loop.advance(900'000);
    CHECK(world.runner.started == before);
    world.loop.advance(100'000);
    CHECK(world.result(7).status == Status::kOk);
}

TEST_CASE("local: asked for more than this machine can do, it answers what it can in time") {
    // 60 a second, where 25 a second can be done.
    LocalWorld world(40'000);
    world.runner.at_once = 1;
    world.start(true);
    world.know_speed();
    world.lose_coordinator();
    world.loop.advance(kLinkGraceUs);
    constexpr uint64_t kFrames = 300;
    for (uint64_t task = 1; task <= kFrames; ++task) {
        world.submit(task, LocalWorld::placed(Place::kAuto, 250'000));
        world.loop.advance(16'667);
    }
    world.loop.advance(1'000'000);
    CHECK(world.answers.ended.size() == kFrames + 1);
    const uint64_t can = kFrames * 16'667 / 40'000;
    CHECK(world.good() >= can - 1);
    CHECK(world.good() <= can + 8);
}

TEST_CASE("local: what this machine could not do in time may still be answered from elsewhere") {
    LocalWorld world(200'000);
    world.runner.at_once = 1;
    world.start(true);
    world.know_speed();
    for (uint64_t task = 1; task <= 2; ++task) {
        world.submit(task, LocalWorld::placed(Place::kAuto, 310'000, task_flag::kLocalAtDeadline));
    }
    world.loop.advance(300'000);
    const uint64_t here = world.answers.ended.count(1) == 1 ? 1 : 2;
    const uint64_t late = 3 - here;
    CHECK(world.result(here).source == Source::kLocal);
    CHECK(world.answers.ended.count(late) == 0);
    wire::ResultDelivery delivery;
    delivery.source = Source::kPeer;
    delivery.attempts = 1;
    encode(delivery, world.coordinator.envelope);
    world.coordinator.send(wire::Message::kResultDelivery, late);
    world.loop.advance(5'000);
    CHECK(world.result(late).status == Status::kOk);
    CHECK(world.result(late).source == Source::kPeer);
}

TEST_CASE("local: what is slower than its deadline here is tried all the same, and told as late") {
    LocalWorld world(400'000);
    world.start(true);
    world.know_speed();
    world.lose_coordinator();
    world.loop.advance(kLinkGraceUs);
    const uint64_t before = world.runner.started;
    world.submit(1, 100'000);
    world.loop.advance(1'000'000);
    CHECK(world.runner.started == before + 1);
    CHECK(world.result(1).status == Status::kDeadline);
}

TEST_CASE("local: who computes is told when the answer is due, here and at a helper") {
    constexpr uint64_t kDeadlineUs = 700'000;
    uint64_t told_us = 0;
    const auto listen = [&](FakeRunner& runner) {
        runner.behave = [&](const exec::JobSpec& spec) {
            told_us = spec.deadline_us;
            exec::Output output;
            output.status = Status::kOk;
            return output;
        };
    };
    SUBCASE("here") {
        LocalWorld world;
        listen(world.runner);
        world.start(true);
        world.loop.advance(123'456);
        const uint64_t due_us = world.loop.now_us() + kDeadlineUs;
        world.submit(1, LocalWorld::placed(Place::kLocal, kDeadlineUs));
        world.loop.advance(kTakesUs);
        CHECK(told_us == due_us);
    }
    SUBCASE("at a helper: what is left of the time when the coordinator sends it out") {
        Cluster cluster;
        listen(*cluster.add_peer("p1").runner);
        cluster.add_client();
        cluster.loop.advance(123'456);
        const uint64_t due_us = cluster.loop.now_us() + kDeadlineUs;
        cluster.submit("x", kDeadlineUs);
        cluster.loop.advance(kTakesUs);
        CHECK(told_us <= due_us);
        CHECK(told_us + kTickUs >= due_us);
    }
}

namespace {

// This machine cannot compute it, in this way.
void fail_here(LocalWorld& world, Status status) {
    world.runner.behave = [status](const exec::JobSpec&) {
        if (status == Status::kMemory) throw std::bad_alloc();
        exec::Output output;
        output.status = status;
        return output;
    };
}

void answer(LocalWorld& world, uint64_t task, Status status) {
    wire::ResultDelivery delivery;
    delivery.status = status;
    delivery.source = Source::kPeer;
    delivery.attempts = 1;
    encode(delivery, world.coordinator.envelope);
    world.coordinator.send(wire::Message::kResultDelivery, task);
    world.loop.settle();
}

}  // namespace

TEST_CASE("local: what fails here leaves a helper the rest of its time") {
    for (const Status status : {Status::kDevice, Status::kInternal, Status::kMemory}) {
        CAPTURE(static_cast<int>(status));
        LocalWorld world;
        fail_here(world, status);
        world.start(true);
        for (uint64_t task = 1; task <= 2; ++task) {
            world.submit(task,
                         LocalWorld::placed(Place::kAuto, 200'000, task_flag::kLocalAtDeadline));
        }
        world.loop.advance(150'000);  // it begins when half of the time is over
        REQUIRE(world.runner.started == 2);
        CHECK(world.answers.ended.empty());
        answer(world, 1, Status::kOk);
        CHECK(world.result(1).status == Status::kOk);
        CHECK(world.result(1).source == Source::kPeer);
        world.loop.advance(50'000 + kTickUs);
        CHECK(world.result(2).status == Status::kDeadline);
    }
}

TEST_CASE("local: what fails here ends where nothing better can come from elsewhere") {
    LocalWorld world;
    SUBCASE("any machine would say the same") {
        fail_here(world, Status::kParams);
        world.start(true);
        world.submit(1, LocalWorld::placed(Place::kAuto, 200'000, task_flag::kLocalAtDeadline));
        world.loop.advance(150'000);
        CHECK(world.result(1).status == Status::kParams);
    }
    SUBCASE("the helpers have failed before") {
        fail_here(world, Status::kDevice);
        world.start(true);
        world.submit(1, LocalWorld::placed(Place::kAuto, 200'000, task_flag::kLocalAtDeadline));
        world.loop.advance(110'000);
        REQUIRE(world.runner.started == 1);
        answer(world, 1, Status::kInternal);  // while it is computed here
        world.loop.advance(kTakesUs);
        CHECK(world.result(1).status == Status::kDevice);
    }
    SUBCASE("they fail after it") {
        fail_here(world, Status::kDevice);
        world.start(true);
        world.submit(1, LocalWorld::placed(Place::kAuto, 200'000, task_flag::kLocalAtDeadline));
        world.loop.advance(150'000);
        CHECK(world.answers.ended.empty());
        answer(world, 1, Status::kInternal);  // this machine is the last resort, once more
        world.loop.advance(kTakesUs);
        CHECK(world.runner.started == 2);
        CHECK(world.result(1).status == Status::kDevice);
    }
}

TEST_CASE("local: memory that is short for one task's start ends that one, and no other's time") {
    LocalWorld world;
    fail_here(world, Status::kMemory);
    world.network.reachable = false;
    world.start(true);
    world.submit(1, 10'000'000);
    world.submit(2, LocalWorld::placed(Place::kRemote, 300'000));
    world.loop.advance(kLinkGraceUs + kTickUs);
    CHECK(world.result(1).status == Status::kMemory);
    world.loop.advance(300'000);
    CHECK(world.result(2).status == Status::kDeadline);
}
