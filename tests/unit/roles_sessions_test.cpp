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

TEST_CASE("sessions: a goodbye with a status is a failure and its text is told") {
    WireWorld world;
    WireEnd orderly = world.end();
    WireEnd leaving = world.end();
    WireEnd failing = world.end();
    WireEnd broken = world.end();
    orderly.join_peer("orderly");
    leaving.join_peer("leaving");
    failing.join_peer("failing");
    broken.join_peer("broken");
    world.events.clear();
    orderly.send(Message::kPeerDisconnect, 0, wire::PeerDisconnect{"orderly", "the owner plays"});
    wire::Goodbye goodbye;
    goodbye.error = "see you";
    leaving.send(Message::kGoodbye, 0, goodbye);
    goodbye.status = Status::kDevice;
    goodbye.error = "the device is lost";
    failing.send(Message::kGoodbye, 0, goodbye);
    // An envelope that is none.
    broken.chunk(Message::kGoodbye, 0, {}, {}, true);
    REQUIRE(world.events.size() == 4);
    CHECK(world.events[0] == "left orderly: the owner plays");
    CHECK(world.events[1] == "left leaving: see you");
    CHECK(world.events[2] == "failed failing: E_DEVICE: the device is lost");
    CHECK(world.events[3].rfind("failed broken: ", 0) == 0);
    CHECK(world.coordinator->stats().peer_failures == 2);
    // Events are logged by the host, with the peer's id as a field: not here as well.
    for (const std::string& line : world.log_lines) {
        CAPTURE(line);
        for (const char* id : {"orderly", "leaving", "failing", "broken"}) {
            CHECK(line.find(id) == std::string::npos);
        }
    }
}

TEST_CASE("sessions: the tasks of a gamer whose goodbye has a status go on") {
    for (const bool failed : {true, false}) {
        CAPTURE(failed);
        WireWorld world;
        WireEnd peer = world.end();
        WireEnd gamer = world.end();
        peer.join_peer("p");
        const Nonce secret = gamer.join_gamer("gamer").resume;
        gamer.submit(1, "hello");
        wire::Goodbye goodbye;
        if (failed) goodbye.status = Status::kProtocol;
        gamer.send(Message::kGoodbye, 0, goodbye);
        CHECK(world.coordinator->stats().pending_tasks == (failed ? 1 : 0));
        if (!failed) continue;
        peer.answer(peer.last(Message::kTaskAssign), "hello");
        WireEnd again = world.end();
        again.join_gamer("gamer", secret);
        CHECK(again.last(Message::kResultDelivery).data == "hello");
    }
}
