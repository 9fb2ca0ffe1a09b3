// Connections of the coordinator: who may stay how long, what is said to whom.
#include <doctest/doctest.h>
#include <algorithm>
#include <deque>

#include "model/value_json.h"
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

TEST_CASE("sessions: whoever goes on with its handshake has 2 s for each word, and 6 s in all") {
    WireWorld world;
    world.loop.advance(100'000);
    const uint64_t began_us = world.loop.now_us();
    WireEnd slow = world.end();
    const auto closed_after = [&] {
        REQUIRE(world.loop.run_until([&] { return slow.closed(); }, 20'000'000));
        return world.loop.now_us() - began_us;
    };
    const auto hello_at = [&](uint64_t us) {
        world.loop.advance(began_us + us - world.loop.now_us());
        slow.hello(Role::kGamer);
    };
    uint64_t expected_us = 0;
    SUBCASE("one that says nothing has 2 s") {
        expected_us = 2'000'000;
    }
    SUBCASE("hello at once makes it no longer") {
        hello_at(0);
        expected_us = 2'000'000;
    }
    SUBCASE("from hello on it is 2 s") {
        hello_at(1'900'000);
        expected_us = 3'900'000;
    }
    SUBCASE("hello that drips has begun with its first byte") {
        world.loop.advance(100'000);
        slow.far().begin_frame({3, 20, world.loop.now_us()});
        hello_at(1'900'000);
        expected_us = 2'100'000;
    }
    SUBCASE("hello that has begun and does not end makes it no longer") {
        world.loop.advance(1'900'000);
        slow.far().begin_frame({3, 20, world.loop.now_us()});
        expected_us = 2'000'000;
    }
    SUBCASE("whatever words of TLS come before, it is 6 s in all") {
        world.loop.advance(1'900'000);
        slow.far().heard_words();
        world.loop.advance(1'900'000);
        slow.far().heard_words();
        hello_at(5'700'000);
        expected_us = 6'000'000;
    }
    // The clock is looked at each millisecond.
    CHECK(closed_after() <= expected_us + 1'000);
    CHECK(closed_after() >= expected_us);
    const WireEnd::Got goodbye = slow.last(Message::kGoodbye);
    const auto told = goodbye.as<wire::Goodbye>();
    CHECK(told.status == Status::kTimeout);
    CHECK(told.error == "no registration within " + std::to_string(expected_us / 1'000'000) + "." +
                            std::to_string(expected_us / 100'000 % 10) + " s");
}

TEST_CASE("sessions: 2 s is all there is where many wait, so that places run out no sooner") {
    WireWorld world;
    std::deque<WireEnd> ends;
    const auto from = [&](const char* address) -> net::Transport::Accept {
        return [&world, address](std::unique_ptr<net::Connection> far) {
            static_cast<FakeConnection&>(*far).pretend(address, "");
            world.network.accept(std::move(far));
        };
    };
    const net::Transport::Accept near = from("192.0.2.7:1000");
    const net::Transport::Accept other = from("192.0.3.7:1000");
    size_t more = 0;  // than half of the places
    SUBCASE("of all places") {
        more = 44;
        for (size_t i = 0; i < limits::kConnectionsUnauthenticatedMax / 2 + more; ++i) {
            ends.emplace_back(world.loop, *world.coordinator);
        }
    }
    SUBCASE("of the places of one address") {
        more = 4;
        for (size_t i = 0; i < 8; ++i) ends.emplace_back(world.loop, near);
        // Others are not held to it.
        for (size_t i = 0; i < 4; ++i) ends.emplace_back(world.loop, other);
    }
    const auto closed = [&] {
        return static_cast<size_t>(std::count_if(ends.begin(), ends.end(),
                                                 [](const WireEnd& end) { return end.closed(); }));
    };
    world.loop.advance(1'000'000);
    for (WireEnd& end : ends) end.hello(Role::kGamer);
    world.loop.advance(990'000);
    CHECK(closed() == 0);
    world.loop.advance(20'000);
    CHECK(closed() == more);
    world.loop.advance(980'000);
    CHECK(closed() == more);
    world.loop.advance(20'000);
    CHECK(closed() == ends.size());
}

TEST_CASE("sessions: who has used up 2 s has no more as soon as many wait, and no later") {
    WireWorld world;
    std::deque<WireEnd> first;
    std::deque<WireEnd> next;
    const auto from = [&](const char* address) -> net::Transport::Accept {
        return [&world, address](std::unique_ptr<net::Connection> far) {
            static_cast<FakeConnection&>(*far).pretend(address, "");
            world.network.accept(std::move(far));
        };
    };
    const net::Transport::Accept near = from("192.0.2.7:1000");
    const net::Transport::Accept other = from("192.0.3.7:1000");
    const auto closed = [](const std::deque<WireEnd>& ends) {
        return std::count_if(ends.begin(), ends.end(),
                             [](const WireEnd& end) { return end.closed(); });
    };
    const auto say_hello = [&] {
        world.loop.advance(1'900'000);
        for (WireEnd& end : first) end.hello(Role::kGamer);
        world.loop.advance(200'000);
        CHECK(closed(first) == 0);
    };
    SUBCASE("of all places") {
        for (int i = 0; i < 200; ++i) first.emplace_back(world.loop, *world.coordinator);
        say_hello();
        for (int i = 0; i < 56; ++i) next.emplace_back(world.loop, *world.coordinator);
        world.loop.advance(1'000);
        CHECK(closed(first) == 0);  // half of the places
        for (int i = 0; i < 44; ++i) next.emplace_back(world.loop, *world.coordinator);
        world.loop.advance(1'000);
        CHECK(closed(first) == 44);
        for (size_t i = 0; i < 44; ++i) CHECK(first[i].closed());
        for (int i = 0; i < 150; ++i) {
            next.emplace_back(world.loop, *world.coordinator);
            world.loop.advance(1'000);
            CHECK(closed(first) == 45 + i);
        }
    }
    SUBCASE("of the places of one address") {
        for (int i = 0; i < 4; ++i) first.emplace_back(world.loop, near);
        for (int i = 0; i < 4; ++i) first.emplace_back(world.loop, other);
        say_hello();
        for (int i = 0; i < 3; ++i) next.emplace_back(world.loop, near);
        world.loop.advance(1'000);
        CHECK(closed(first) == 3);
        CHECK_FALSE(first[3].closed());
    }
    CHECK(closed(next) == 0);
    world.loop.advance(1'700'000);
    CHECK(closed(next) == 0);
    // What is left has the time that it was given before.
    world.loop.advance(200'000);
    CHECK(closed(first) == static_cast<std::ptrdiff_t>(first.size()));
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
    // Each is logged once when it came and once when it went.
    for (const char* id : {"orderly", "leaving", "failing", "broken"}) {
        CAPTURE(id);
        const auto names = [&](const std::string& line) {
            return line.find(std::string("peer ") + id) != std::string::npos;
        };
        CHECK(std::count_if(world.log_lines.begin(), world.log_lines.end(), names) == 2);
    }
}

TEST_CASE("sessions: names that would steer a terminal are refused with their field") {
    WireWorld world;
    const auto error_of = [](const WireEnd& end, Message message) {
        const WireEnd::Got got = end.last(message);
        const auto response = got.as<wire::RegisterResponse>();
        CHECK(response.status == Status::kArgument);
        return std::string(response.error);
    };
    const std::string bad[] = {"a\x1b[2J", "a\n", "a\x7f",
                               "a\xc2\x9b"
                               "31m"};
    for (const std::string& name : bad) {
        WireEnd gamer = world.end();
        gamer.join_gamer(name);
        CHECK(error_of(gamer, Message::kGamerRegisterResponse) ==
              "client_id holds a control character");
        WireEnd peer = world.end();
        peer.join_peer(name);
        CHECK(error_of(peer, Message::kPeerRegisterResponse) ==
              "peer_id holds a control character");
        wire::PeerRegister offer;
        offer.peer_id = "p";
        offer.slots = 1;
        offer.capabilities.task_types = {"echo", name};
        WireEnd other = world.end();
        other.join_peer(std::move(offer));
        CHECK(error_of(other, Message::kPeerRegisterResponse) ==
              "task_types holds a control character");
    }
    CHECK(world.events.empty());
    WireEnd fine = world.end();
    CHECK(fine.join_peer("caf\xc3\xa9 1").success);
    // What a peer says of its owner stands in the same lists.
    for (const std::string& word : bad) {
        for (const bool is_mode : {true, false}) {
            WireEnd peer = world.end();
            REQUIRE(peer.join_peer("p").success);
            wire::Heartbeat beat;
            (is_mode ? beat.mode : beat.why) = word;
            peer.send(Message::kHeartbeat, 0, beat);
            const WireEnd::Got got = peer.last(Message::kGoodbye);
            CHECK(got.as<wire::Goodbye>().status == Status::kProtocol);
            CHECK(got.as<wire::Goodbye>().error == std::string(is_mode ? "mode" : "why") +
                                                       " of a heartbeat holds a control character");
        }
    }
    // A type that nobody runs is remembered for who submits again, but not by such a name.
    WireEnd gamer = world.end();
    REQUIRE(gamer.join_gamer("g").success);
    wire::TaskSubmit again;
    again.task_type = bad[0];
    again.task_flags = task_flag::kResubmitted;
    gamer.send(Message::kTaskSubmit, 1, again);
    const WireEnd::Got answer = gamer.last(Message::kResultDelivery);
    CHECK(answer.as<wire::ResultDelivery>().status == Status::kTaskType);
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

namespace {

// The answer to a call, as JSON text.
std::string ask(WireEnd& end, const char* name, const std::string& arguments = {}) {
    end.send(Message::kCall, 900, wire::Call{name}, arguments);
    const WireEnd::Got answer = end.last(Message::kCallResponse);
    if (answer.as<wire::CallResponse>().status != Status::kOk) return "refused";
    const auto* bytes = reinterpret_cast<const uint8_t*>(answer.params.data());
    return *value_to_json(std::span(bytes, answer.params.size()));
}

}  // namespace

TEST_CASE("sessions: a gamer sees its own tasks and nobody sees who or where the others are") {
    WireWorld world;
    WireEnd peer = world.end();
    WireEnd mine = world.end();
    WireEnd other = world.end();
    peer.join_peer("helper", 1);
    mine.join_gamer("me-myself");
    other.join_gamer("somebody-else");
    mine.submit(0xabc, "hello");
    other.submit(0xdef, "hello");

    const std::string own = ask(mine, "tasks");
    CHECK(own.find("0000000000000abc") != std::string::npos);
    CHECK(own.find("0000000000000def") == std::string::npos);
    CHECK(own.find("somebody-else") == std::string::npos);
    CHECK(own.find("\"pending\":1") != std::string::npos);

    // A peer is told what it holds, under the id that it knows.
    const std::string held = ask(peer, "tasks");
    char id[17];
    std::snprintf(id, sizeof id, "%016llx",
                  static_cast<unsigned long long>(peer.last(Message::kTaskAssign).id));
    CHECK(held.find(id) != std::string::npos);
    CHECK(held.find("\"pending\":1") != std::string::npos);
    for (const char* secret : {"me-myself", "somebody-else", "client_id", "abc", "def"}) {
        CHECK(held.find(secret) == std::string::npos);
    }

    for (WireEnd* end : {&mine, &peer}) {
        const std::string peers = ask(*end, "peers");
        CHECK(peers.find("helper") != std::string::npos);
        CHECK(peers.find("address") == std::string::npos);
        CHECK(peers.find("fake") == std::string::npos);
    }

    // Nor by the way of an explanation: {"task": "def"} and {"client_id": ...} of somebody else.
    CHECK(ask(mine, "explain",
              "\x81\xa4task\xa3"
              "abc") != "refused");
    CHECK(ask(mine, "explain",
              "\x81\xa4task\xa3"
              "def") == "refused");
    CHECK(ask(mine, "explain",
              "\x82\xa4task\xa3"
              "def\xa9"
              "client_id\xad"
              "somebody-else") == "refused");

    // The operator, in the coordinator's process, sees everything.
    const auto operators = [&](const char* name) {
        return *value_to_json(world.coordinator->call(name, {}, nullptr)->span());
    };
    const std::string all = operators("tasks");
    CHECK(all.find("me-myself") != std::string::npos);
    CHECK(all.find("somebody-else") != std::string::npos);
    CHECK(operators("peers").find("address") != std::string::npos);
}
