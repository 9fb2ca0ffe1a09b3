// Names of task types at a coordinator: none that peers bring closes the door to others for good.
#include <doctest/doctest.h>

#include <algorithm>

#include "model/task_type.h"
#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

constexpr size_t kNames = 60;  // of one peer

wire::PeerRegister peer_of(const std::string& id, std::vector<std::string> types) {
    wire::PeerRegister message;
    message.peer_id = id;
    message.capabilities.task_types = std::move(types);
    message.slots = message.window_tasks = 4;
    message.window_bytes = 1 << 20;
    return message;
}

std::vector<std::string> names(const std::string& prefix, size_t count = kNames) {
    std::vector<std::string> all;
    for (size_t i = 0; i < count; ++i) all.push_back(prefix + std::to_string(i));
    return all;
}

// Peers that each bring names of their own and leave.
void come_and_go(WireWorld& world) {
    for (int i = 0; i < 10; ++i) {
        const std::string id = "fleeting" + std::to_string(i) + "-";
        WireEnd end = world.end();
        CHECK(end.join_peer(peer_of(id, names(id))).success);
        end.send(Message::kGoodbye, 0, wire::Goodbye{});
    }
}

void submit(WireEnd& gamer, uint64_t id, const char* type) {
    wire::TaskSubmit message;
    message.task_type = type;
    message.deadline_us = 1'000'000;
    gamer.send(Message::kTaskSubmit, id, message, {}, "x");
}

Status last_status(const WireEnd& gamer) {
    const WireEnd::Got got = gamer.last(Message::kResultDelivery);
    return got.as<wire::ResultDelivery>().status;
}

}  // namespace

TEST_CASE("types: names of peers that are gone leave others their places") {
    WireWorld world;
    come_and_go(world);
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    uint64_t id = 1;
    for (const char* type : {"echo", "my_game"}) {
        CAPTURE(type);
        WireEnd peer = world.end();
        REQUIRE(peer.join_peer(peer_of("peer", {type})).success);
        submit(gamer, id++, type);
        peer.answer(peer.last(Message::kTaskAssign), "good");
        CHECK(last_status(gamer) == Status::kOk);
        peer.send(Message::kGoodbye, 0, wire::Goodbye{});
    }
}

TEST_CASE("types: a number that got another name is that one's for everybody") {
    WireWorld world;
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    {
        WireEnd peer = world.end();
        REQUIRE(peer.join_peer(peer_of("peer", {"my_game"})).success);
        submit(gamer, 1, "my_game");
        peer.answer(peer.last(Message::kTaskAssign), "good");
        peer.send(Message::kGoodbye, 0, wire::Goodbye{});
    }
    come_and_go(world);
    std::vector<std::unique_ptr<WireEnd>> others;
    for (int i = 0; i < 4; ++i) {
        const std::string peer_id = "other" + std::to_string(i) + "-";
        others.push_back(std::make_unique<WireEnd>(world.loop, *world.coordinator));
        REQUIRE(others.back()->join_peer(peer_of(peer_id, names(peer_id))).success);
    }
    submit(gamer, 2, "my_game");
    CHECK(last_status(gamer) == Status::kTaskType);
    for (const auto& other : others) CHECK(other->count(Message::kTaskAssign) == 0);
    for (const TypeStats& type : world.coordinator->stats().types) {
        CHECK(type.task_type != "my_game");
        CHECK(type.completed == 0);
    }
}

TEST_CASE("types: a peer one of whose names finds no place is told so, and the limit") {
    WireWorld world;
    const size_t kept = contract_task_types().size();
    std::vector<std::unique_ptr<WireEnd>> peers;
    size_t left = limits::kTaskTypesMax - kept;
    while (left > 0) {
        const std::string id = "peer" + std::to_string(peers.size()) + "-";
        const size_t count = std::min(left, kNames);
        peers.push_back(std::make_unique<WireEnd>(world.loop, *world.coordinator));
        REQUIRE(peers.back()->join_peer(peer_of(id, names(id, count))).success);
        left -= count;
    }
    WireEnd refused = world.end();
    refused.hello(Role::kPeer);
    refused.send(Message::kPeerRegister, 0, peer_of("late", {"echo", "peer0-0", "my_game"}));
    const WireEnd::Got got = refused.last(Message::kPeerRegisterResponse);
    const auto response = got.as<wire::RegisterResponse>();
    CHECK_FALSE(response.success);
    CHECK(response.status == Status::kLimit);
    CHECK(response.error.find("256") != std::string_view::npos);
    CHECK(response.error.find("'my_game'") != std::string_view::npos);
    // Those of the contract always have one.
    std::vector<std::string> all;
    for (const TaskType& type : contract_task_types()) all.push_back(type.name);
    CHECK(world.end().join_peer(peer_of("builtin", all)).success);
    peers.front()->send(Message::kGoodbye, 0, wire::Goodbye{});
    CHECK(world.end().join_peer(peer_of("late", {"echo", "my_game"})).success);
}

TEST_CASE("types: a task that was not looked at says nothing of the one after it") {
    WireWorld world;
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    WireEnd peer = world.end();
    REQUIRE(peer.join_peer(peer_of("peer", {"echo", "my_game"})).success);
    submit(gamer, 1, "echo");
    CHECK(peer.last(Message::kTaskAssign).as<wire::TaskAssign>().task_type == "echo");
    submit(gamer, 1, "my_game");  // the same name again: it is on its way
    submit(gamer, 2, "my_game");
    CHECK(peer.last(Message::kTaskAssign).as<wire::TaskAssign>().task_type == "my_game");
    submit(gamer, 3, "my_game");
    CHECK(peer.last(Message::kTaskAssign).as<wire::TaskAssign>().task_type == "my_game");
    submit(gamer, 4, "echo");
    CHECK(peer.last(Message::kTaskAssign).as<wire::TaskAssign>().task_type == "echo");
}
