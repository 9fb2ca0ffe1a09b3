// How many large payloads a client has on the line at a time.
#include <doctest/doctest.h>

#include "unit/roles_scripted.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

constexpr size_t kSize = 300 * 1024;  // two of them are more than a fresh client's window

struct Asked {
    size_t size = kSize;
    uint64_t deadline_us = 10'000'000;
    int8_t priority = 0;
};

void submit_large(ScriptedWorld& world, uint64_t task, const Asked& asked = {}) {
    TaskSpec spec;
    spec.task_type = "echo";
    spec.deadline_us = asked.deadline_us;
    spec.priority = asked.priority;
    spec.data = Bytes::copy(std::string(asked.size, 'x'));
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

TEST_CASE("window: a payload larger than it gets in, however many small ones come") {
    for (const size_t size : {400u * 1024, 600u * 1024, 4u << 20}) {
        for (const uint64_t deadline_us : {30'000'000u, 100'000u}) {  // of the small ones
            CAPTURE(size);
            CAPTURE(deadline_us);
            ScriptedWorld world;
            world.coordinator.window_bytes = 32 << 20;
            world.network.delay_us = 10'000;
            world.start();
            world.loop.advance(500'000);
            constexpr uint64_t kLarge = 1'000;
            size_t answered = 0;
            uint64_t next = 1;
            bool arrived = false;
            for (int frame = 0; frame < 60 && !arrived; ++frame) {
                submit_large(world, next++, {20 * 1024, deadline_us});
                if (frame == 10) submit_large(world, kLarge, {size, 20'000'000});
                for (int step = 0; step < 16; ++step) {
                    world.loop.advance(1'042);
                    for (; answered < world.coordinator.submitted.size(); ++answered) {
                        const uint64_t id = world.coordinator.submitted[answered];
                        arrived = arrived || id == kLarge;
                        world.loop.later(10'000, [&world, id] {
                            encode(wire::ResultDelivery{}, world.coordinator.envelope);
                            world.coordinator.send(wire::Message::kResultDelivery, id);
                        });
                    }
                }
            }
            CHECK(arrived);
        }
    }
}

TEST_CASE("window: who comes later goes before those that wait only if it is more urgent") {
    ScriptedWorld world;
    world.coordinator.window_bytes = 32 << 20;
    world.start();
    world.coordinator.connection->pause_reading(true);
    submit_large(world, 1);
    submit_large(world, 2);                             // waits
    submit_large(world, 3, {20 * 1024});                // would fit
    submit_large(world, 4, {20 * 1024, 9'000'000});     // is due earlier, and fits
    submit_large(world, 5, {kSize, 20'000'000, 1});     // is more urgent, and waits
    submit_large(world, 6, {20 * 1024, 9'000'000});     // is not
    submit_large(world, 7, {kSize, 1'000'000, -1});     // is the least
    submit_large(world, 8, {kSize, 19'000'000, 1});     // like 5, and due earlier
    submit_large(world, 9, {20 * 1024, 1'000'000, 2});  // is the most, and fits
    world.coordinator.connection->pause_reading(false);
    world.loop.settle();
    CHECK(world.coordinator.submitted == std::vector<uint64_t>{1, 4, 9});
    world.loop.advance(400'000);
    CHECK(world.coordinator.submitted == std::vector<uint64_t>{1, 4, 9, 8, 5, 6, 2, 3, 7});
}

TEST_CASE("window: those that wait on the next connection are sent again as well") {
    ScriptedWorld world;
    world.coordinator.window_bytes = 32 << 20;
    world.start();
    for (uint64_t task = 1; task <= 3; ++task) submit_large(world, task);
    world.loop.advance(200'000);
    REQUIRE(world.coordinator.submitted == std::vector<uint64_t>{1, 2, 3});
    world.coordinator.submitted.clear();
    world.network.made.back()->cut();
    world.loop.advance(2'000'000);
    CHECK(world.coordinator.submitted == std::vector<uint64_t>{1, 2, 3});
}
