// How many large payloads a client has on the line at a time.
#include <doctest/doctest.h>

#include "unit/roles_scripted.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

constexpr size_t kSize = 300 * 1024;  // two of them are more than a fresh client's window

void submit_large(ScriptedWorld& world, uint64_t task) {
    TaskSpec spec;
    spec.task_type = "echo";
    spec.deadline_us = 10'000'000;
    spec.data = Bytes::copy(std::string(kSize, 'x'));
    world.submit(task, std::move(spec));
    world.loop.settle();
}

}  // namespace

TEST_CASE("window: a task that is stuck at its helper keeps back none that come after it") {
    ScriptedWorld world;
    world.coordinator.window_bytes = 32 << 20;
    world.start();
    for (uint64_t task = 1; task <= 5; ++task) submit_large(world, task);
    CHECK(world.coordinator.submitted.size() == 1);
    // One has arrived each time that is looked, however long none is answered.
    world.loop.advance(200'000);
    CHECK(world.coordinator.submitted == std::vector<uint64_t>{1, 2, 3, 4, 5});
}

TEST_CASE("window: what has not arrived keeps back others, and goes on when it has") {
    ScriptedWorld world;
    world.coordinator.window_bytes = 32 << 20;
    world.start();
    world.coordinator.connection->pause_reading(true);
    for (uint64_t task = 1; task <= 3; ++task) submit_large(world, task);
    world.loop.advance(200'000);
    CHECK(world.client->stats().submitted == 3);
    CHECK(world.coordinator.submitted.empty());
    world.coordinator.connection->pause_reading(false);
    world.loop.settle();
    CHECK(world.coordinator.submitted == std::vector<uint64_t>{1});
    world.loop.advance(200'000);
    CHECK(world.coordinator.submitted == std::vector<uint64_t>{1, 2, 3});
}

TEST_CASE("window: all that is not answered is bounded by what the coordinator takes") {
    ScriptedWorld world;
    world.coordinator.window_bytes = 1 << 20;  // of which an eighth is for small ones
    world.start();
    for (uint64_t task = 1; task <= 6; ++task) submit_large(world, task);
    world.loop.advance(500'000);
    CHECK(world.coordinator.submitted == std::vector<uint64_t>{1, 2});
    world.client->cancel(1);
    world.loop.advance(100'000);
    CHECK(world.coordinator.submitted == std::vector<uint64_t>{1, 2, 3});
}

TEST_CASE("window: what has ended is not looked for any more, though none ever waits") {
    ScriptedWorld world;
    world.coordinator.window_bytes = 32 << 20;
    world.coordinator.refuse = Status::kBusy;
    world.start();
    for (uint64_t task = 1; task <= 100; ++task) {
        submit_large(world, task);
        CHECK(world.answers.ended.size() == task);
        CHECK(world.client->stats().looked_for <= 1);
    }
}
