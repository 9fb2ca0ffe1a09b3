// What waits for somebody to read: whoever asks for more of it is not read from, and it counts in
// the coordinator's memory. The real role on a fake clock.
#include <doctest/doctest.h>

#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

constexpr uint64_t kMiB = 1024 * 1024;

// Asks until it is not read from any more; how often, at most `most` times.
int call_until_held_back(WireEnd& end, int most) {
    for (int calls = 0; calls < most; ++calls) {
        if (end.far().is_paused()) return calls;
        end.send(Message::kCall, 1000 + static_cast<uint64_t>(calls), wire::Call{"metrics"});
    }
    return most;
}

uint64_t held(WireWorld& world) {
    return world.coordinator->stats().payload_bytes_held;
}

// Asks for more a second than it may, in an account of its own.
CoordinatorOptions ten_tasks_a_second() {
    CoordinatorOptions options;
    options.limit_operator = true;
    options.share.tasks = {10, 10};
    return options;
}

}  // namespace

TEST_CASE("backlog: whoever calls and does not read is not read from above 4 MiB and closed") {
    for (const Role role : {Role::kPeer, Role::kGamer}) {
        CAPTURE(static_cast<int>(role));
        WireWorld world;
        WireEnd end = world.end();
        if (role == Role::kPeer) {
            end.join_peer("p");
        } else {
            end.join_gamer("gamer");
        }
        end.connection().pause_reading(true);
        REQUIRE(call_until_held_back(end, 5000) < 5000);
        CHECK(held(world) >= 4 * kMiB);
        CHECK(held(world) < 4 * kMiB + 100'000);
        // What it has said before that was heard costs a word each.
        for (int i = 0; i < 100; ++i) {
            end.send(Message::kCall, 9000 + static_cast<uint64_t>(i), wire::Call{"metrics"});
            end.far().take_one();
        }
        CHECK(held(world) < 4 * kMiB + 100'000);
        world.loop.advance(4'400'000);
        CHECK(world.coordinator->stats().slow_connections == 0);
        world.loop.advance(1'500'000);
        CHECK(world.coordinator->stats().slow_connections == 1);
        CHECK(held(world) == 0);
    }
}

TEST_CASE("backlog: whoever reads its answers is read from again and asks for as many more") {
    WireWorld world;
    WireEnd peer = world.end();
    peer.join_peer("p");
    for (int round = 0; round < 2; ++round) {
        peer.connection().pause_reading(true);
        REQUIRE(call_until_held_back(peer, 5000) < 5000);
        peer.connection().pause_reading(false);
        world.loop.settle();
        CHECK_FALSE(peer.far().is_paused());
        CHECK(held(world) == 0);
    }
}

TEST_CASE("backlog: a peer that has much to compute still to read is heard, and may ask") {
    WireWorld world;
    WireEnd gamer = world.end();
    WireEnd peer = world.end();
    gamer.join_gamer("gamer");
    peer.join_peer("p", 64);
    gamer.submit(1, "small");
    const WireEnd::Got first = peer.last(Message::kTaskAssign);
    peer.connection().pause_reading(true);
    for (uint64_t id = 2; id <= 30; ++id) gamer.submit(id, std::string(250'000, 'x'));
    REQUIRE(peer.far().queued_bytes() > 4 * kMiB);
    for (uint64_t id = 1; id <= 20; ++id) peer.send(Message::kCall, id, wire::Call{"metrics"});
    world.loop.advance(600'000);
    CHECK_FALSE(peer.far().is_paused());
    peer.answer(first, "done");
    CHECK(gamer.last(Message::kResultDelivery).data == "done");
    peer.connection().pause_reading(false);
    world.loop.settle();
    CHECK(peer.count(Message::kCallResponse) == 20);
}

TEST_CASE("backlog: of a gamer that reads slowly no task is placed, and others have the peers") {
    WireWorld world;
    WireEnd peer = world.end();
    WireEnd slow = world.end();
    WireEnd other = world.end();
    peer.join_peer("p", 20);
    slow.join_gamer("slow");
    other.join_gamer("other");
    const std::string large(250'000, 'r');
    for (uint64_t id = 1; id <= 60; ++id) slow.submit(id, "large", 20'000'000 - id);
    slow.connection().pause_reading(true);
    // A slot that becomes free is his next task's until he is behind; then it is free.
    size_t answered = 0;
    for (size_t i = 0; i < peer.got.size(); ++i) {
        if (peer.got[i].message != Message::kTaskAssign) continue;
        peer.answer(peer.got[i], large);
        ++answered;
    }
    REQUIRE(slow.far().is_paused());
    CHECK(answered >= 36);
    CHECK(answered <= 37);
    CHECK(world.coordinator->stats().pending_tasks == 60 - answered);
    CHECK_FALSE(peer.far().is_paused());
    for (uint64_t frame = 1; frame <= 100; ++frame) {
        other.submit(frame, "frame", 100'000);
        peer.answer(peer.last(Message::kTaskAssign), "done");
        world.loop.advance(5'000);
    }
    CHECK(other.count(Message::kResultDelivery) == 100);
    CHECK(peer.count(Message::kTaskAssign) == answered + 100);
    // He has read: his tasks go on, the one first that is due first.
    slow.connection().pause_reading(false);
    world.loop.settle();
    CHECK_FALSE(slow.far().is_paused());
    REQUIRE(peer.count(Message::kTaskAssign) == answered + 100 + 20);
    while (world.coordinator->stats().pending_tasks > 0) {
        const size_t before = peer.count(Message::kTaskAssign);
        for (const WireEnd::Got& order : peer.all(Message::kTaskAssign)) peer.answer(order, "x");
        if (before == peer.count(Message::kTaskAssign)) break;
    }
    CHECK(world.coordinator->stats().pending_tasks == 0);
    CHECK(slow.count(Message::kResultDelivery) == 60);
    CHECK(world.coordinator->stats().timeouts == 0);
}

TEST_CASE(
    "backlog: who has read down to 2 MiB is read from and served again, by small results too") {
    WireWorld world;
    WireEnd peer = world.end();
    WireEnd gamer = world.end();
    peer.join_peer("p", 1000);
    gamer.join_gamer("gamer");
    gamer.connection().pause_reading(true);
    const std::string small(4'000, 's');
    uint64_t id = 0;
    while (!gamer.far().is_paused() && id < 2'000) {
        gamer.submit(++id, "x");
        peer.answer(peer.got.back(), small);
    }
    REQUIRE(gamer.far().is_paused());
    const auto read_down_to = [&](size_t bytes) {
        while (gamer.far().queued_bytes() > bytes) gamer.connection().take_one();
        world.loop.advance(10'000);
    };
    read_down_to(2 * kMiB + 100'000);
    CHECK(gamer.far().is_paused());
    read_down_to(2 * kMiB);
    CHECK_FALSE(gamer.far().is_paused());
    const size_t before = peer.count(Message::kTaskAssign);
    gamer.submit(++id, "x");
    CHECK(peer.count(Message::kTaskAssign) == before + 1);
}

TEST_CASE("backlog: an account's tasks that wait for its others survive that it reads slowly") {
    CoordinatorOptions options;
    options.limit_operator = true;
    options.share.in_flight = 20;
    WireWorld world(options);
    WireEnd peer = world.end();
    WireEnd slow = world.end();
    peer.join_peer("p", 20);
    slow.join_gamer("slow");
    const std::string large(250'000, 'r');
    for (uint64_t id = 1; id <= 60; ++id) slow.submit(id, "large", 20'000'000 - id);
    const auto answer_all = [&] {
        for (size_t i = 0; i < peer.got.size(); ++i) {
            if (peer.got[i].message == Message::kTaskAssign) peer.answer(peer.got[i], large);
        }
        peer.got.clear();
    };
    for (int round = 0; round < 4; ++round) {
        slow.connection().pause_reading(true);
        answer_all();
        CHECK_FALSE(peer.far().is_paused());
        slow.connection().pause_reading(false);
        world.loop.settle();
    }
    answer_all();
    CHECK(slow.count(Message::kResultDelivery) == 60);
    CHECK(world.coordinator->stats().pending_tasks == 0);
}

namespace {

// Memory for little, a gamer that has much of it to read, and a peer that computes for him.
struct ShortMemory : WireWorld {
    WireEnd peer = end();
    WireEnd slow = end();
    std::vector<WireEnd::Got> orders;
    size_t next = 0;

    static CoordinatorOptions little() {
        CoordinatorOptions options;
        options.memory_max = 8 * kMiB;
        return options;
    }
    ShortMemory() : WireWorld(little()) {
        peer.join_peer("p", 60);
        slow.join_gamer("slow");
        for (uint64_t id = 1; id <= 50; ++id) slow.submit(id, "large", 4'000'000);
        orders = peer.all(Message::kTaskAssign);
        slow.connection().pause_reading(true);
    }
    void fill() {
        const std::string large(250'000, 'r');
        while (next < orders.size() && !peer.far().is_paused()) peer.answer(orders[next++], large);
    }
    void pass(uint64_t us) {
        peer.send(Message::kHeartbeat, 0, wire::Heartbeat{});
        slow.send(Message::kHeartbeat, 0, wire::Heartbeat{});
        loop.advance(us);
    }
};

}  // namespace

TEST_CASE("backlog: a peer is not read from while memory is full, only then and without blame") {
    ShortMemory world;
    REQUIRE(world.orders.size() == 50);
    world.fill();
    CHECK(world.peer.far().is_paused());
    CHECK(held(world) > 7 * kMiB);
    CHECK(held(world) < 8 * kMiB);
    // Its answers lie unread for longer than any attempt lasts; nobody else waits for it.
    world.pass(1'500'000);
    CHECK(world.peer.far().is_paused());
    CHECK_FALSE(world.slow.closed());
    CHECK(world.coordinator->stats().timeouts == 0);
    // One frame that is read makes room for the next one.
    world.slow.connection().take_one();
    world.slow.connection().take_one();
    world.loop.advance(11'000);
    CHECK_FALSE(world.peer.far().is_paused());
    world.fill();
    CHECK(world.peer.far().is_paused());
    world.slow.connection().pause_reading(false);
    world.loop.settle();
    CHECK_FALSE(world.peer.far().is_paused());
    world.fill();
    CHECK(world.slow.count(Message::kResultDelivery) == 50);
    CHECK(world.coordinator->stats().timeouts == 0);
    CHECK(world.coordinator->stats().closed_for_memory == 0);
}

TEST_CASE("backlog: many who do not read take 64 KiB each at most of a memory that is full") {
    constexpr size_t kGamers = 12;
    constexpr size_t kTasks = 20;
    for (const size_t size : {size_t{3'000}, size_t{60'000}}) {
        CAPTURE(size);
        CoordinatorOptions options;
        options.memory_max = 2 * kMiB;
        WireWorld world(options);
        WireEnd peer = world.end();
        peer.join_peer("p", 1000);
        std::vector<std::unique_ptr<WireEnd>> gamers;
        for (size_t i = 0; i < kGamers; ++i) {
            gamers.push_back(std::make_unique<WireEnd>(world.loop, *world.coordinator));
            gamers.back()->join_gamer("gamer-" + std::to_string(i));
            gamers.back()->connection().pause_reading(true);
        }
        // Inputs next to nothing is held for, and results that would be 13 MiB.
        const size_t tasks = kTasks * 60'000 / size;
        const std::string result(size, 'r');
        for (uint64_t id = 1; id <= tasks; ++id) {
            for (auto& gamer : gamers) {
                const size_t before = peer.count(Message::kTaskAssign);
                if (!gamer->far().is_paused()) gamer->submit(id, "x");
                if (peer.far().is_paused() || peer.got.empty()) continue;
                if (before == peer.count(Message::kTaskAssign)) continue;
                peer.answer(peer.got.back(), result);
                peer.got.clear();
            }
        }
        CHECK(held(world) > 2 * kMiB / 10 * 9);
        CHECK(held(world) < 2 * kMiB / 10 * 9 + kGamers * 64 * 1024 + 2 * kMiB / 16);
        // They read, and it is over.
        for (auto& gamer : gamers) gamer->connection().pause_reading(false);
        world.loop.advance(11'000);
        CHECK_FALSE(peer.far().is_paused());
        for (auto& gamer : gamers) CHECK_FALSE(gamer->far().is_paused());
        CHECK(held(world) < 100'000);
    }
}

TEST_CASE("backlog: a gamer that reads is not closed for a moment in which memory is full") {
    ShortMemory world;
    WireEnd other = world.end();
    other.join_gamer("other");
    other.submit(1, "frame", 3'000'000);
    // Whoever is most behind reads on all the time, and asks for more.
    uint64_t id = 50;
    for (int round = 0; round < 5; ++round) {
        world.fill();
        REQUIRE(world.peer.far().is_paused());
        world.pass(400'000);
        world.slow.connection().pause_reading(false);
        world.loop.settle();
        world.slow.connection().pause_reading(true);
        for (const uint64_t until = id + 29; id < until;) {
            world.slow.submit(++id, "large", 4'000'000);
        }
        world.orders = world.peer.all(Message::kTaskAssign);
    }
    CHECK_FALSE(world.slow.closed());
    CHECK(world.coordinator->stats().closed_for_memory == 0);
}

TEST_CASE("backlog: while memory is full and others wait who is most behind is closed") {
    ShortMemory world;
    WireEnd other = world.end();
    other.join_gamer("other");
    other.submit(1, "frame", 3'000'000);
    const WireEnd::Got frame = world.peer.last(Message::kTaskAssign);
    world.fill();
    REQUIRE(world.peer.far().is_paused());
    world.peer.answer(frame, "done");
    CHECK(other.count(Message::kResultDelivery) == 0);
    world.pass(900'000);
    CHECK_FALSE(world.slow.closed());
    world.pass(700'000);
    CHECK(world.slow.closed());
    CHECK(world.coordinator->stats().closed_for_memory == 1);
    CHECK_FALSE(world.peer.far().is_paused());
    REQUIRE(other.count(Message::kResultDelivery) == 1);
    CHECK(other.last(Message::kResultDelivery).data == "done");
    CHECK_FALSE(other.closed());
    CHECK_FALSE(world.peer.closed());
}

TEST_CASE("backlog: errors that a gamer asks for and does not read stop at 4 MiB") {
    WireWorld world;
    WireEnd peer = world.end();
    WireEnd gamer = world.end();
    peer.join_peer("p");
    gamer.join_gamer("gamer");
    gamer.connection().pause_reading(true);
    wire::TaskSubmit message;
    message.task_type = "nobody_knows_this";
    for (uint64_t id = 1; id <= 60'000 && !gamer.far().is_paused(); ++id) {
        gamer.send(Message::kTaskSubmit, id, message);
    }
    CHECK(gamer.far().is_paused());
    CHECK(held(world) < 4 * kMiB + 10'000);
}

TEST_CASE("backlog: small results that pile up stop at 4 MiB before anybody looks at the clock") {
    WireWorld world;
    WireEnd peer = world.end();
    WireEnd gamer = world.end();
    peer.join_peer("p", 1000);
    gamer.join_gamer("gamer");
    gamer.connection().pause_reading(true);
    const std::string small(4'000, 's');
    size_t answered = 0;
    for (uint64_t id = 1; id <= 2'000 && !gamer.far().is_paused(); ++id) {
        gamer.submit(id, "x");
        peer.answer(peer.got.back(), small);
        ++answered;
    }
    CHECK(gamer.far().is_paused());
    CHECK(answered * small.size() < 4 * kMiB + kMiB / 2);
}

TEST_CASE("backlog: what is queued for a peer counts in the memory that all may use") {
    CoordinatorOptions options;
    options.memory_max = 4 * kMiB;
    WireWorld world(options);
    WireEnd gamer = world.end();
    WireEnd peer = world.end();
    gamer.join_gamer("gamer");
    peer.join_peer("p");
    peer.connection().pause_reading(true);
    REQUIRE(call_until_held_back(peer, 5000) < 5000);
    gamer.submit(1, "x");
    const WireEnd::Got refused = gamer.last(Message::kResultDelivery);
    CHECK(refused.as<wire::ResultDelivery>().field == "memory");
    peer.connection().pause_reading(false);
    world.loop.settle();
    gamer.submit(2, "x");
    CHECK(peer.count(Message::kTaskAssign) == 1);
}

TEST_CASE("backlog: a call costs as much as a task, and as much again for each KiB of its answer") {
    WireWorld world(ten_tasks_a_second());
    WireEnd peer = world.end();
    WireEnd gamer = world.end();
    peer.join_peer("p");
    gamer.join_gamer("gamer");
    const auto call = [&](const char* name) {
        gamer.send(Message::kCall, 1, wire::Call{name});
        return gamer.last(Message::kCallResponse);
    };
    for (int i = 0; i < 10; ++i) {
        CHECK(call("tasks").as<wire::CallResponse>().status == Status::kOk);
    }
    const WireEnd::Got got = call("tasks");
    const auto refused = got.as<wire::CallResponse>();
    CHECK(refused.status == Status::kBusy);
    CHECK(refused.field == "gamer_tasks_per_s");
    CHECK(refused.retry_after_ms == 101);
    gamer.submit(7, "x");
    const WireEnd::Got told = gamer.last(Message::kResultDelivery);
    CHECK(told.as<wire::ResultDelivery>().field == "gamer_tasks_per_s");
    world.loop.advance(refused.retry_after_ms * 1000);
    const WireEnd::Got metrics = call("metrics");
    REQUIRE(metrics.as<wire::CallResponse>().status == Status::kOk);
    world.loop.advance(101'000);
    const WireEnd::Got later = call("tasks");
    const uint32_t wait_ms = later.as<wire::CallResponse>().retry_after_ms;
    CHECK(wait_ms / 100 >= metrics.data.size() / 1024 - 1);
    CHECK(metrics.data.size() > 4096);
}

TEST_CASE("backlog: an account has so many clients and peers, also while a client is away") {
    identity::AccessList access{nullptr, nullptr};
    CoordinatorOptions options;
    options.access = &access;
    options.share.connections = 3;
    WireWorld world(options);
    const identity::Roles both{true, true, false};
    const auto mine = access.add_token("mine", "", both, world.random, {1, 1});
    const auto other = access.add_token("other", "", both, world.random, {1, 1});
    REQUIRE(mine.ok());
    REQUIRE(other.ok());
    WireEnd peer = world.outside(*mine);
    WireEnd first = world.outside(*mine);
    WireEnd second = world.outside(*mine);
    REQUIRE(peer.join_peer("p").success);
    REQUIRE(first.join_gamer("first").success);
    const Nonce resume = second.join_gamer("second").resume;
    WireEnd fourth = world.outside(*mine);
    const wire::RegisterResponse refused = fourth.join_gamer("fourth");
    CHECK_FALSE(refused.success);
    CHECK(refused.status == Status::kLimit);
    const WireEnd::Got told = fourth.last(Message::kGamerRegisterResponse);
    CHECK(told.as<wire::RegisterResponse>().error ==
          "'mine' has 3 clients and peers here already, as many as one account may");
    WireEnd fifth = world.outside(*mine);
    CHECK_FALSE(fifth.join_peer("q").success);
    // Nobody else is concerned, the operator least of all.
    WireEnd another = world.outside(*other);
    CHECK(another.join_gamer("another").success);
    for (const char* id : {"a", "b", "c", "d"}) {
        WireEnd end = world.end();
        CHECK(end.join_gamer(id).success);
    }
    // Who comes back takes its own place, and one that has left leaves its place.
    second.cut();
    WireEnd third = world.outside(*mine);
    CHECK_FALSE(third.join_gamer("third").success);
    WireEnd again = world.outside(*mine);
    CHECK(again.join_gamer("second", resume).success);
    peer.send(Message::kGoodbye, 0, wire::Goodbye{});
    WireEnd last = world.outside(*mine);
    CHECK(last.join_peer("q").success);
}
