// Peers that fall silent while they have work: their tasks are answered elsewhere within 50 ms, and
// nobody is taken for dead who is only far away, on an uneven line, or not being listened to. The
// real roles on a fake clock.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <memory>

#include "model/params_reader.h"
#include "model/value_json.h"
#include "roles/peer.h"
#include "support/wire_world.h"
#include "unit/roles_scripted.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

wire::PeerRegister beating_peer(const std::string& peer_id, uint32_t beat_interval_ms = 10) {
    wire::PeerRegister message;
    message.peer_id = peer_id;
    message.capabilities.task_types = {"echo"};
    message.slots = 2;
    message.window_tasks = 4;
    message.window_bytes = 256u << 20;
    message.beat_interval_ms = beat_interval_ms;
    return message;
}

// Peers that come over the network, in the test's hands, and a gamer.
struct SilentWorld : WireWorld {
    WireEnd a{loop, network.accept};
    WireEnd b{loop, network.accept};
    WireEnd gamer{loop, *coordinator};

    SilentWorld() { gamer.join_gamer("gamer"); }
    void join_both(uint32_t beat_interval_ms = 10) {
        a.join_peer(beating_peer("a", beat_interval_ms));
        b.join_peer(beating_peer("b", beat_interval_ms));
    }
    void beat(WireEnd& end) { end.send(Message::kHeartbeat, 0, wire::Heartbeat{}); }
    // Both beat, or one does; for so long.
    void work(uint64_t us, std::initializer_list<WireEnd*> beating) {
        for (uint64_t at = 0; at < us; at += 10'000) {
            loop.advance(10'000);
            for (WireEnd* end : beating) beat(*end);
        }
    }
    // Submits a task, which the first peer gets.
    WireEnd::Got begin(uint64_t id, uint64_t deadline_us = 4'000'000) {
        gamer.submit(id, "x", deadline_us);
        return a.last(Message::kTaskAssign);
    }
    [[nodiscard]] const sched::CopyStats& copies() { return coordinator->stats().copies; }
    std::string call(const char* name, const char* arguments = "{}") {
        const Result<Bytes> answer =
            coordinator->call(name, json_to_value(arguments)->span(), nullptr);
        REQUIRE(answer.ok());
        return *value_to_json(answer->span());
    }
};

struct NoEvents final : PeerEvents {
    void on_peer_state(Status, const std::string&) override {}
};

// The peer role, connected to `network`.
struct RealPeer {
    NoEvents events;
    FakeRunner runner;
    FakeRandom random{9};
    std::unique_ptr<Peer> peer;

    RealPeer(FakeLoop& loop, FakeTransport& network, const std::string& id, uint64_t takes_us)
        : runner(loop, {"echo"}) {
        runner.takes_us = takes_us;
        PeerOptions options;
        options.peer_id = id;
        options.coordinator.host = "fake";
        peer =
            std::make_unique<Peer>(loop, network, runner, random, Prng(4), Log(), options, events);
        peer->start();
        loop.advance(1'000'000);
    }
};

double normal(Prng& prng) {
    const double radius = std::sqrt(-2 * std::log(1 - prng.unit()));
    return radius * std::cos(2 * 3.14159265358979 * prng.unit());
}

}  // namespace

// ---- who is silent -----------------------------------------------------------------------------

TEST_CASE("silence: a silent peer's task is answered elsewhere within 50 ms") {
    SilentWorld world;
    world.join_both();
    const WireEnd::Got given = world.begin(1);
    world.work(200'000, {&world.a});
    REQUIRE(world.b.count(Message::kTaskAssign) == 0);
    CHECK(world.loop.run_until([&] { return world.b.count(Message::kTaskAssign) == 1; }, 50'000));
    CHECK(world.copies().deaths == 1);
    CHECK(world.copies().silence == 1);
    world.b.answer(world.b.last(Message::kTaskAssign), "y");
    CHECK(world.gamer.last(Message::kResultDelivery).data == "y");
    CHECK(world.gamer.last(Message::kResultDelivery).as<wire::ResultDelivery>().attempts == 1);
    CHECK(world.a.last(Message::kTaskCancel).id == given.id);
    CHECK_FALSE(world.a.closed());
    CHECK(world.events.size() == 2);  // both have joined, and nobody has failed
}

TEST_CASE("silence: a peer that is silent from its order on is noticed as soon") {
    SilentWorld world;
    world.join_both();
    world.begin(1);
    CHECK(world.loop.run_until([&] { return world.b.count(Message::kTaskAssign) == 1; }, 50'000));
}

TEST_CASE("silence: what comes back is as before, and its answer counts") {
    SilentWorld world;
    world.join_both();
    const WireEnd::Got given = world.begin(1);
    world.loop.advance(60'000);
    REQUIRE(world.copies().deaths == 1);
    world.gamer.submit(2, "x");
    CHECK(world.a.count(Message::kTaskAssign) == 1);
    world.a.answer(given, "first");
    CHECK(world.gamer.last(Message::kResultDelivery).data == "first");
    CHECK(world.gamer.count(Message::kResultDelivery) == 1);
    CHECK(world.copies().false_deaths == 1);
    // The other one is told, and what it says then is dropped.
    const WireEnd::Got copy = world.b.all(Message::kTaskAssign)[0];
    CHECK(world.b.all(Message::kTaskCancel)[0].id == copy.id);
    world.b.answer(copy, "second");
    CHECK(world.gamer.count(Message::kResultDelivery) == 1);
    CHECK(world.coordinator->stats().completed_tasks == 1);
    for (uint64_t task = 3; task < 9; ++task) world.gamer.submit(task, "x");
    CHECK(world.a.count(Message::kTaskAssign) > 1);
}

TEST_CASE("silence: suspects get nothing new, and dead ones neither, until they say something") {
    SilentWorld world;
    world.join_both();
    world.begin(1);
    world.work(300'000, {&world.a});  // so that it is known for even beats
    world.loop.advance(20'000);
    CHECK(world.copies().suspects == 1);
    CHECK(world.copies().deaths == 0);
    world.gamer.submit(2, "x");
    CHECK(world.a.count(Message::kTaskAssign) == 1);
    CHECK(world.b.count(Message::kTaskAssign) == 1);
    world.beat(world.a);
    world.gamer.submit(3, "x");
    CHECK(world.a.count(Message::kTaskAssign) == 2);
}

TEST_CASE(
    "silence: an answer in parts goes on when its peer is back, or another one's begins anew") {
    for (const bool comes_back : {false, true}) {
        CAPTURE(comes_back);
        SilentWorld world;
        world.join_both();
        const WireEnd::Got given = world.begin(1);
        world.a.answer_first(given, {0, 300'000}, {}, std::string(200'000, 'a'));
        world.loop.advance(60'000);
        REQUIRE(world.b.count(Message::kTaskAssign) == 1);
        if (comes_back) {
            world.a.chunk(Message::kTaskResult, given.id, {}, std::string(100'000, 'a'), true);
            CHECK(world.b.count(Message::kTaskCancel) == 1);
        } else {
            const WireEnd::Got copy = world.b.last(Message::kTaskAssign);
            world.b.answer_first(copy, {0, 300'000}, {}, std::string(250'000, 'b'));
            CHECK(world.a.last(Message::kTaskCancel).id == given.id);
            // What the first one still sends is of no use.
            world.a.chunk(Message::kTaskResult, given.id, {}, std::string(100'000, 'a'), true);
            world.b.chunk(Message::kTaskResult, copy.id, {}, std::string(50'000, 'b'), true);
        }
        std::string last;
        for (const WireEnd::Got& part : world.gamer.all(Message::kResultDelivery)) {
            last = part.envelope.empty() ? last + part.data : part.data;
        }
        CHECK(last == std::string(300'000, comes_back ? 'a' : 'b'));
        CHECK(world.coordinator->stats().completed_tasks == 1);
    }
}

// ---- who is not --------------------------------------------------------------------------------

TEST_CASE(
    "silence: beats whose way there and back takes 30 ms and 5 more or less are never missed") {
    SilentWorld world;
    world.a.join_peer(beating_peer("a"));
    Prng prng(20);
    WireEnd::Got given = world.begin(1, 5'000'000);
    const uint64_t begin_us = world.loop.now_us();
    uint64_t arrival_us = begin_us;
    uint64_t task = 1;
    constexpr uint64_t kMinutes = 20;
    for (uint64_t beat = 1; beat < kMinutes * 60 * 100; ++beat) {
        // One way's share of what both ways together spread.
        const double way_us = 15'000 + 5'000 / std::sqrt(2.0) * normal(prng);
        const uint64_t sent_us = begin_us + beat * 10'000;
        arrival_us = std::max(arrival_us, sent_us + static_cast<uint64_t>(std::max(0.0, way_us)));
        if (arrival_us > world.loop.now_us()) world.loop.advance(arrival_us - world.loop.now_us());
        world.beat(world.a);
        if (beat % 200 != 0) continue;
        // It always has a task: the next one comes before this one is answered.
        world.beat(world.gamer);
        world.gamer.submit(++task, "x", 5'000'000);
        const WireEnd::Got next = world.a.last(Message::kTaskAssign);
        REQUIRE(next.id != given.id);
        world.a.answer(given, "y");
        given = next;
        world.a.got.clear();
        world.gamer.got.clear();
    }
    CHECK(world.coordinator->stats().completed_tasks == task - 1);
    CHECK(world.copies().deaths == 0);
    CHECK(world.coordinator->stats().peer_failures == 0);
}

TEST_CASE("silence: a peer that is 80 ms away is not suspected for it") {
    WireWorld world;
    world.network.delay_us = 80'000;
    RealPeer far(world.loop, world.network, "far", 30'000);
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    for (uint64_t task = 1; task <= 50; ++task) {
        gamer.submit(task, "x", 2'000'000);
        // The next one is on its way before the last one's answer is here, or long after.
        world.loop.advance(task % 2 == 0 ? 100'000 : 350'000);
        gamer.send(Message::kHeartbeat, 0, wire::Heartbeat{});
    }
    CHECK(gamer.count(Message::kResultDelivery) >= 49);
    CHECK(world.coordinator->stats().copies.suspects == 0);
    CHECK(world.coordinator->stats().copies.deaths == 0);
}

TEST_CASE("silence: while the coordinator itself does not turn, nobody is to blame") {
    SilentWorld world;
    world.join_both();
    world.begin(1);
    world.work(200'000, {&world.a});
    for (int i = 0; i < 10; ++i) {
        world.loop.stall(200'000);
        world.loop.advance(0);  // its timers are first
        world.beat(world.a);
        world.work(50'000, {&world.a});
    }
    CHECK(world.copies().suspects == 0);
    CHECK(world.b.count(Message::kTaskAssign) == 0);
    // And then it is noticed as ever.
    world.loop.stall(200'000);
    CHECK(world.loop.run_until([&] { return world.b.count(Message::kTaskAssign) == 1; }, 54'000));
}

TEST_CASE("silence: a peer that does not say it beats is never judged by it") {
    for (const uint32_t interval_ms : {0u, 50u}) {
        CAPTURE(interval_ms);
        SilentWorld world;
        CHECK(world.a.join_peer(beating_peer("a", interval_ms)).beat_interval_ms == 0);
        world.b.join_peer(beating_peer("b", interval_ms));
        world.begin(1);
        world.loop.advance(400'000);
        CHECK(world.copies().suspects == 0);
        CHECK(world.b.count(Message::kTaskAssign) == 0);
    }
}

TEST_CASE("silence: any byte is a sign of life, and who has nothing to do owes none") {
    SilentWorld world;
    world.join_both();
    const WireEnd::Got given = world.begin(1);
    for (int i = 0; i < 50; ++i) {
        world.loop.advance(8'000);
        world.a.far().some_bytes(1448);
    }
    CHECK(world.copies().suspects == 0);
    world.a.answer(given, "y");
    world.loop.advance(900'000);
    CHECK(world.copies().suspects == 0);
}

TEST_CASE("silence: where the coordinator does not wish for beats nobody is judged") {
    CoordinatorOptions options;
    options.beat_interval_us = 0;
    WireWorld world(options);
    WireEnd peer(world.loop, world.network.accept);
    CHECK(peer.join_peer(beating_peer("a")).beat_interval_ms == 0);
}

// ---- the peer ----------------------------------------------------------------------------------

TEST_CASE(
    "silence: a peer says something every 10 ms while it has work, and no more when it has none") {
    for (const uint32_t wished_ms : {10u, 0u}) {
        CAPTURE(wished_ms);
        FakeLoop loop;
        FakeTransport network(loop);
        struct Door : ScriptedDoor {
            uint32_t beat_ms = 0;
            size_t beats = 0;
            size_t results = 0;
            void on_frame(net::Connection&, const wire::Frame& frame) override {
                if (frame.message == Message::kPeerRegister) {
                    wire::PeerRegister message;
                    REQUIRE(decode(frame.envelope, message) == nullptr);
                    CHECK(message.beat_interval_ms == 10);
                    wire::RegisterResponse response;
                    response.success = true;
                    response.heartbeat_interval_ms = 10'000;
                    response.beat_interval_ms = beat_ms;
                    encode_peer_response(response, envelope);
                    return send(Message::kPeerRegisterResponse, 0);
                }
                if (answer(frame)) return;
                if (frame.message == Message::kHeartbeat) {
                    ++beats;
                    CHECK(frame.envelope.size() == 1);
                }
                results += frame.message == Message::kTaskResult;
            }
            void give(uint64_t id) {
                wire::TaskAssign message;
                message.task_type = "echo";
                message.attempt[0] = static_cast<uint8_t>(id);
                encode(message, envelope);
                send(Message::kTaskAssign, id);
            }
        } door;
        door.beat_ms = wished_ms;
        network.accept = [&](std::unique_ptr<net::Connection> connection) {
            door.connection = std::move(connection);
            door.connection->set_events(&door);
        };
        {
            RealPeer peer(loop, network, "p", 105'000);
            CHECK(door.beats == 0);
            door.give(1);
            loop.advance(104'000);
            CHECK(door.beats == (wished_ms ? 10 : 0));
            loop.advance(500'000);
            CHECK(door.results == 1);
            CHECK(door.beats == (wished_ms ? 10 : 0));
            // Results say as much.
            peer.runner.takes_us = 8'000;
            door.beats = 0;
            for (uint64_t id = 2; id < 20; ++id) {
                door.give(id);
                loop.advance(8'000);
            }
            CHECK(door.results == 19);
            CHECK(door.beats == 0);
        }
        door.connection.reset();
        loop.settle();
    }
}

// ---- what is said of it ------------------------------------------------------------------------

TEST_CASE("silence: counters and the explanation of a task tell of copies") {
    SilentWorld world;
    world.join_both();
    world.begin(1);
    CHECK(world.call("explain", R"({"task": "1"})").find("copy_peer_id") == std::string::npos);
    world.loop.advance(60'000);
    const std::string told = world.call("explain", R"({"task": "1"})");
    CHECK(told.find(R"("copy_peer_id":"b")") != std::string::npos);
    CHECK(told.find("at a second peer as well: the first peer has said nothing") !=
          std::string::npos);
    const std::string status = world.call("status");
    CHECK(status.find(R"("copies":1)") != std::string::npos);
    CHECK(status.find(R"("copies_for_silence":1)") != std::string::npos);
    CHECK(status.find(R"("peers_silent":1)") != std::string::npos);
    std::string metrics;
    REQUIRE(world.coordinator->call("metrics", json_to_value("{}")->span(), &metrics).ok());
    for (const char* line :
         {"p2c2r_copies_total{why=\"silence\"} 1", "p2c2r_copies_total{why=\"late\"} 0",
          "p2c2r_peers_suspected_total 1", "p2c2r_peers_silent_total 1",
          "p2c2r_false_deaths_total 0", "p2c2r_copies_won_total 0"}) {
        CHECK_MESSAGE(metrics.find(line) != std::string::npos, line);
    }
}
