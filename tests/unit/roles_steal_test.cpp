// Tasks that wait at a peer which does not get on: they end at one that has nothing to do. The real
// coordinator on a fake clock, its peers in the test's hands.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "model/value_json.h"
#include "support/wire_world.h"
#include "unit/roles_scripted.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

constexpr uint64_t kTakesUs = 10'000;

wire::PeerRegister narrow_peer(const std::string& peer_id) {
    wire::PeerRegister message;
    message.peer_id = peer_id;
    message.capabilities.task_types = {"echo"};
    message.slots = 1;
    message.window_tasks = 8;
    message.window_bytes = 256u << 20;
    return message;
}

struct StealingWorld : WireWorld {
    WireEnd stalls{loop, network.accept};
    WireEnd fresh{loop, network.accept};
    WireEnd gamer{loop, *coordinator};
    uint64_t next = 1;

    // One peer that takes ten milliseconds for a task, as everybody knows.
    StealingWorld() {
        gamer.join_gamer("gamer");
        stalls.join_peer(narrow_peer("stalls"));
        for (int i = 0; i < 4; ++i) {
            gamer.submit(next, "x" + std::to_string(next), 4'000'000);
            ++next;
            loop.advance(kTakesUs);
            wire::TaskResult result;
            const WireEnd::Got given = stalls.last(Message::kTaskAssign);
            result.attempt = given.as<wire::TaskAssign>().attempt;
            result.processing_us = kTakesUs;
            stalls.send(Message::kTaskResult, given.id, result, {}, "y");
        }
    }
    // So many at once, all of which it gets.
    std::vector<WireEnd::Got> give(size_t count) {
        const size_t before = stalls.all(Message::kTaskAssign).size();
        for (size_t i = 0; i < count; ++i, ++next)
            gamer.submit(next, "x" + std::to_string(next), 4'000'000);
        std::vector<WireEnd::Got> given = stalls.all(Message::kTaskAssign);
        given.erase(given.begin(), given.begin() + static_cast<ptrdiff_t>(before));
        REQUIRE(given.size() == count);
        return given;
    }
    void say_cancelled(const WireEnd::Got& given) {
        wire::TaskResult result;
        result.attempt = given.as<wire::TaskAssign>().attempt;
        result.status = Status::kCancelled;
        stalls.send(Message::kTaskResult, given.id, result);
    }
    std::string call(const char* name) {
        const Result<Bytes> answer = coordinator->call(name, json_to_value("{}")->span(), nullptr);
        REQUIRE(answer.ok());
        return *value_to_json(answer->span());
    }
};

}  // namespace

TEST_CASE("stealing: what a stalled peer holds ends at one that joins, and the first is told") {
    StealingWorld world;
    const std::vector<WireEnd::Got> given = world.give(8);
    world.loop.advance(kTakesUs);
    REQUIRE(world.gamer.count(Message::kResultDelivery) == 4);
    world.fresh.join_peer(narrow_peer("fresh"));
    // It does one after the other; the stalled one says no more than what it gives up.
    size_t done = 0;
    size_t told = 0;
    for (int i = 0; i < 100 && done < 4; ++i) {
        const std::vector<WireEnd::Got> cancels = world.stalls.all(Message::kTaskCancel);
        for (; told < cancels.size(); ++told) {
            for (const WireEnd::Got& one : given) {
                if (one.id == cancels[told].id) world.say_cancelled(one);
            }
        }
        world.loop.advance(kTakesUs);
        const std::vector<WireEnd::Got> orders = world.fresh.all(Message::kTaskAssign);
        if (done < orders.size()) world.fresh.answer(orders[done++], "y");
    }
    REQUIRE(done == 4);
    CHECK(told >= 4);
    CHECK(world.gamer.count(Message::kResultDelivery) == 4 + 4);
    // It had begun none of them, so these were no attempts; and it is not taken for a bad one.
    for (const WireEnd::Got& result : world.gamer.all(Message::kResultDelivery)) {
        CHECK(result.as<wire::ResultDelivery>().attempts == 1);
        CHECK(result.data == "y");
    }
    CHECK_FALSE(world.stalls.closed());
    // The one that it runs is its own.
    world.stalls.answer(given[0], "y");
    CHECK(world.gamer.count(Message::kResultDelivery) == 4 + 5);
    const uint64_t taken_back = world.coordinator->stats().taken_back;
    CHECK(taken_back >= 4);
    CHECK(world.coordinator->stats().timeouts == 0);
    const std::string told_of = "\"taken_back\":" + std::to_string(taken_back);
    CHECK(world.call("status").find(told_of) != std::string::npos);
    std::string metrics;
    REQUIRE(world.coordinator->call("metrics", json_to_value("{}")->span(), &metrics).ok());
    const std::string line = "p2c2r_taken_back_total " + std::to_string(taken_back);
    CHECK(metrics.find(line) != std::string::npos);
}

TEST_CASE(
    "stealing: what a peer that says nothing had was one attempt, and its answer is dropped") {
    StealingWorld world;
    const std::vector<WireEnd::Got> given = world.give(3);
    world.loop.advance(2 * kTakesUs);
    world.fresh.join_peer(narrow_peer("fresh"));
    REQUIRE(world.loop.run_until([&] { return world.stalls.count(Message::kTaskCancel) == 1; },
                                 20 * kTakesUs));
    const WireEnd::Got cancel = world.stalls.last(Message::kTaskCancel);
    CHECK(cancel.id == given.back().id);
    world.stalls.answer(given.back(), "late");
    CHECK(world.gamer.count(Message::kResultDelivery) == 4);
    world.fresh.answer(world.fresh.last(Message::kTaskAssign), "y");
    REQUIRE(world.gamer.count(Message::kResultDelivery) == 5);
    const WireEnd::Got result = world.gamer.last(Message::kResultDelivery);
    CHECK(result.data == "y");
    CHECK(result.as<wire::ResultDelivery>().attempts == 2);
}
