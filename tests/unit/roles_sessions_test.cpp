// Connections of the coordinator: who may stay how long, what is said to whom.
#include <doctest/doctest.h>

#include "roles/coordinator.h"
#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

TEST_CASE("sessions: whoever has not registered after 2 s is closed whatever the heartbeats") {
    for (const uint64_t interval_us : {100'000u, 1'000'000u, 60'000'000u}) {
        CAPTURE(interval_us);
        CoordinatorOptions options;
        options.heartbeat_interval_us = interval_us;
        WireWorld world(options);
        world.loop.advance(300'000);
        WireEnd silent = world.end();
        world.loop.advance(1'000'000);
        WireEnd half = world.end();
        half.hello(Role::kGamer);
        world.loop.advance(990'000);
        CHECK_FALSE(silent.closed());
        world.loop.advance(20'000);
        CHECK(silent.closed());
        CHECK(silent.last(Message::kGoodbye).as<wire::Goodbye>().status == Status::kTimeout);
        world.loop.advance(970'000);
        CHECK_FALSE(half.closed());
        world.loop.advance(40'000);
        CHECK(half.closed());
    }
}

TEST_CASE("sessions: the coordinator says a heartbeat once an interval") {
    for (const uint64_t interval_us : {100'000u, 1'000'000u, 3'000'000u}) {
        CAPTURE(interval_us);
        CoordinatorOptions options;
        options.heartbeat_interval_us = interval_us;
        WireWorld world(options);
        WireEnd gamer = world.end();
        gamer.join_gamer("gamer");
        world.loop.advance(interval_us / 4);
        for (int i = 0; i < 20; ++i) {
            const size_t before = gamer.count(Message::kHeartbeat);
            world.loop.advance(interval_us);
            gamer.send(Message::kHeartbeat, 0, wire::Heartbeat{});
            CHECK(gamer.count(Message::kHeartbeat) == before + 1);
        }
    }
}

TEST_CASE("sessions: the figures say what the transport has copied") {
    WireWorld world;
    CHECK(world.coordinator->stats().payload_bytes_copied == 0);
    world.network.copied = 4096;
    CHECK(world.coordinator->stats().payload_bytes_copied == 4096);
}
