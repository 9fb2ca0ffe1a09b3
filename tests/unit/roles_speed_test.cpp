// How fast a peer says it is: with its registration, and as soon as it has been measured.
#include <doctest/doctest.h>

#include "model/value_json.h"
#include "roles/peer.h"
#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

wire::PeerRegister peer_of_speed(const std::string& peer_id, float speed) {
    wire::PeerRegister message;
    message.peer_id = peer_id;
    message.capabilities.task_types = {"echo"};
    message.slots = 2;
    message.window_tasks = 4;
    message.window_bytes = 256u << 20;
    message.speed = speed;
    return message;
}

std::string told_speeds(WireWorld& world) {
    const Result<Bytes> answer =
        world.coordinator->call("peers", json_to_value("{}")->span(), nullptr);
    REQUIRE(answer.ok());
    std::string speeds;
    const std::string json = *value_to_json(answer->span());
    const std::string key = R"("speed":)";
    for (size_t at = json.find(key); at != std::string::npos; at = json.find(key, at + 1)) {
        const size_t from = at + key.size();
        speeds += (speeds.empty() ? "" : " ") + json.substr(from, json.find(',', from) - from);
    }
    return speeds;
}

struct SpeedEvents final : PeerEvents {
    void on_peer_state(Status, const std::string&) override {}
};

}  // namespace

TEST_CASE("speed: a coordinator takes what a peer says within bounds, and nothing for not known") {
    WireWorld world;
    const auto told = [&](float speed) {
        WireEnd peer = world.end();
        peer.join_peer(peer_of_speed("p", speed));
        const std::string now = told_speeds(world);
        peer.send(Message::kPeerDisconnect, 0, wire::PeerDisconnect{});
        world.loop.settle();
        return now;
    };
    CHECK(told(0) == "0.0");
    CHECK(told(2.5f) == "2.5");
    CHECK(told(1e30f) == "1000.0");
    CHECK(told(1e-30f) == "0.001");
}

TEST_CASE("speed: one that is measured says it at once, and in every registration from then on") {
    WireWorld world;
    FakeTransport transport(world.loop);
    transport.accept = [&world](std::unique_ptr<net::Connection> connection) {
        world.coordinator->accept(std::move(connection));
    };
    FakeRunner runner(world.loop, {"echo"});
    SpeedEvents events;
    PeerOptions options;
    options.peer_id = "p";
    Peer peer(world.loop, transport, runner, world.random, Prng(2), Log(), options, events);
    peer.set_speed(4);  // before there is anybody to tell
    peer.start();
    world.loop.settle();
    CHECK(told_speeds(world) == "4.0");
    peer.set_speed(0.5);
    world.loop.settle();
    CHECK(told_speeds(world) == "0.5");
    transport.made.back()->cut();
    world.loop.advance(3'000'000);
    REQUIRE(world.events.size() == 3);  // joined, failed, joined
    CHECK(told_speeds(world) == "0.5");
    CHECK(peer.options().speed == 0.5);
    peer.set_speed(0);
    world.loop.settle();
    CHECK(told_speeds(world) == "0.0");
}

TEST_CASE("speed: a beat without a word of it leaves it as it is") {
    WireWorld world;
    WireEnd peer = world.end();
    peer.join_peer(peer_of_speed("p", 3));
    peer.send(Message::kHeartbeat, 0, wire::Heartbeat{});
    world.loop.settle();
    CHECK(told_speeds(world) == "3.0");
    wire::Heartbeat beat;
    beat.speed = 7.0f;
    peer.send(Message::kHeartbeat, 0, beat);
    world.loop.settle();
    CHECK(told_speeds(world) == "7.0");
}
