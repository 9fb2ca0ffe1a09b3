// Accounts at one coordinator: who floods it waits for himself, and gives way first. The real role
// on a fake clock.
#include <doctest/doctest.h>

#include <deque>

#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

// Each client_id is an account of its own, and none is unlimited.
CoordinatorOptions accounts() {
    CoordinatorOptions options;
    options.limit_operator = true;
    options.local_execution = false;
    return options;
}

void submit(WireEnd& gamer, uint64_t id, int priority, std::string_view data,
            uint64_t deadline_us = 4'000'000) {
    wire::TaskSubmit message;
    message.task_type = "echo";
    message.deadline_us = deadline_us;
    message.priority = priority;
    gamer.send(Message::kTaskSubmit, id, message, {}, data);
}

// A peer of two slots that takes ten milliseconds for each task.
struct SlowPeer {
    WireWorld& world;
    WireEnd end;
    std::deque<std::pair<uint64_t, WireEnd::Got>> held;  // until when, and what
    size_t seen = 0;

    explicit SlowPeer(WireWorld& of) : world(of), end(of.end()) { end.join_peer("slow", 2); }
    void work(uint64_t us) {
        for (uint64_t left = us; left > 0; left -= 1'000) {
            const std::vector<WireEnd::Got> given = end.all(Message::kTaskAssign);
            for (; seen < given.size(); ++seen) {
                held.emplace_back(world.loop.now_us() + 10'000, given[seen]);
            }
            while (!held.empty() && held.front().first <= world.loop.now_us()) {
                const WireEnd::Got order = held.front().second;
                held.pop_front();
                wire::TaskResult result;
                result.attempt = order.as<wire::TaskAssign>().attempt;
                result.processing_us = 10'000;
                end.send(Message::kTaskResult, order.id, result, {}, order.data);
            }
            end.send(Message::kHeartbeat, 0, wire::Heartbeat{});
            world.loop.advance(1'000);
        }
    }
};

}  // namespace

TEST_CASE("turns: an account that calls everything urgent does not starve another one") {
    WireWorld world(accounts());
    SlowPeer peer(world);
    WireEnd flood = world.end();
    WireEnd quiet = world.end();
    flood.join_gamer("flood");
    quiet.join_gamer("quiet");
    uint64_t flooded = 0;
    uint64_t asked = 0;
    for (int round = 0; round < 40; ++round) {
        // As many as it may have, at the highest priority and due before all others.
        for (int i = 0; i < 20; ++i) submit(flood, ++flooded, 127, "flood", 2'000'000);
        submit(quiet, ++asked, 0, "quiet", 100'000);
        peer.work(25'000);
        flood.send(Message::kHeartbeat, 0, wire::Heartbeat{});
        quiet.send(Message::kHeartbeat, 0, wire::Heartbeat{});
    }
    peer.work(100'000);
    size_t good = 0;
    for (const WireEnd::Got& got : quiet.all(Message::kResultDelivery)) {
        good += got.as<wire::ResultDelivery>().status == Status::kOk;
    }
    CHECK(good == asked);
    CHECK(quiet.count(Message::kTaskTimeout) == 0);
    // The other one has all the rest: nothing is lost by that.
    size_t flood_good = 0;
    for (const WireEnd::Got& got : flood.all(Message::kResultDelivery)) {
        flood_good += got.as<wire::ResultDelivery>().status == Status::kOk;
    }
    CHECK(flood_good + good >= 190);
}

TEST_CASE("turns: two that flood get half each though one calls its tasks urgent") {
    WireWorld world(accounts());
    SlowPeer peer(world);
    WireEnd urgent = world.end();
    WireEnd plain = world.end();
    urgent.join_gamer("urgent");
    plain.join_gamer("plain");
    for (uint64_t id = 1; id <= 200; ++id) {
        submit(urgent, id, 127, "urgent");
        submit(plain, id, -128, "plain");
    }
    peer.work(500'000);
    size_t of_urgent = 0;
    size_t of_plain = 0;
    for (const WireEnd::Got& got : peer.end.all(Message::kTaskAssign)) {
        ++(got.data == "urgent" ? of_urgent : of_plain);
    }
    CHECK(of_urgent + of_plain >= 90);
    CHECK(of_urgent <= of_plain + 3);
    CHECK(of_plain <= of_urgent + 3);
}

TEST_CASE("turns: while memory is short those of the account that has most give way") {
    CoordinatorOptions options = accounts();
    options.memory_max = 1'000'000;
    options.gamer_window_bytes = 1ull << 40;
    WireWorld world(options);
    WireEnd flood = world.end();
    WireEnd quiet = world.end();
    WireEnd peer = world.end();
    flood.join_gamer("flood");
    quiet.join_gamer("quiet");
    peer.join_peer("p", 1);
    for (uint64_t id = 1; id <= 7; ++id) submit(flood, id, 127, std::string(100'000, 'f'));
    submit(quiet, 1, -128, std::string(90'000, 'q'));
    CHECK(quiet.count(Message::kResultDelivery) == 0);
    // Less urgent by far, and yet it is the other one that has too much here.
    world.loop.advance(200'000);
    submit(quiet, 2, -128, std::string(100'000, 'q'));
    CHECK(quiet.count(Message::kResultDelivery) == 0);
    REQUIRE(flood.count(Message::kResultDelivery) >= 1);
    const WireEnd::Got told = flood.last(Message::kResultDelivery);
    CHECK(told.as<wire::ResultDelivery>().status == Status::kBusy);
    CHECK(told.as<wire::ResultDelivery>().field == "memory");
    // Nor does the one that has more make room for itself at the cost of the other.
    world.loop.advance(200'000);
    for (uint64_t id = 11; id <= 20; ++id) submit(flood, id, 127, std::string(100'000, 'f'));
    CHECK(quiet.count(Message::kResultDelivery) == 0);
    CHECK(world.coordinator->stats().payload_bytes_held <= 900'000);
}

TEST_CASE("turns: the window of payload bytes is an account's however many clients it has") {
    identity::AccessList access{nullptr, nullptr};
    CoordinatorOptions options;
    options.access = &access;
    options.gamer_window_bytes = 1'000'000;
    options.local_execution = false;
    WireWorld world(options);
    const identity::Roles gamer{true, false, false};
    const auto mine = access.add_token("mine", "", gamer, world.random, {1, 1});
    const auto other = access.add_token("other", "", gamer, world.random, {1, 1});
    WireEnd peer = world.end();
    peer.join_peer("p", 1);
    std::deque<WireEnd> ends;
    for (const char* id : {"a", "b", "c"}) {
        ends.emplace_back(world.loop, world.network.accept, *mine);
        REQUIRE(ends.back().join_gamer(id).success);
    }
    uint64_t id = 0;
    for (int i = 0; i < 4; ++i) {
        for (WireEnd& end : ends) submit(end, ++id, 0, std::string(120'000, 'm'));
    }
    size_t refused = 0;
    for (WireEnd& end : ends) {
        for (const WireEnd::Got& got : end.all(Message::kResultDelivery)) {
            const auto answer = got.as<wire::ResultDelivery>();
            CHECK(answer.status == Status::kBusy);
            CHECK(answer.field == "gamer_window_bytes");
            ++refused;
        }
    }
    CHECK(refused == 12 - 8);
    WireEnd theirs = world.outside(*other);
    REQUIRE(theirs.join_gamer("theirs").success);
    submit(theirs, 1, 0, std::string(120'000, 't'));
    CHECK(theirs.count(Message::kResultDelivery) == 0);
}
