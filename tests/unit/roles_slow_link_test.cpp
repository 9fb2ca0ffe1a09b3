// Links that are slow: who gets in over them, and what is said of what they cost. The real roles on
// a fake clock.
#include <doctest/doctest.h>

#include "roles_guarded.h"
#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

// A coordinator over the network of a WireWorld, and a client and a peer that call it.
struct SlowLink {
    WireWorld world;
    Answers answers;
    Quiet quiet;
    FakeRunner runner{world.loop, {"echo"}};
    TaskSpec spec;
    std::unique_ptr<Client> client;
    std::unique_ptr<Peer> peer;

    explicit SlowLink(uint64_t round_trip_us) { world.network.delay_us = round_trip_us / 2; }
    ~SlowLink() {
        client.reset();
        peer.reset();
    }
    void call() {
        ClientOptions options;
        options.client_id = "gamer";
        options.coordinator.host = "fake";
        client = std::make_unique<Client>(world.loop, &world.network, nullptr, world.random,
                                          Prng(3), Log(), options, answers);
        client->start();
    }
    void help() {
        PeerOptions options;
        options.peer_id = "p";
        options.coordinator.host = "fake";
        peer = std::make_unique<Peer>(world.loop, world.network, runner, world.random, Prng(2),
                                      Log(), options, quiet);
        peer->start();
    }
    FakeConnection& far() { return *world.network.made.back(); }
    void submit(size_t size, uint64_t deadline_us) {
        spec.task_type = "echo";
        spec.place = Place::kRemote;
        spec.deadline_us = deadline_us;
        spec.data = Bytes::copy(std::string(size, 'x'));
        client->submit(1, spec);
        world.loop.settle();
    }
};

const std::string kSlowHandshake =
    "the handshake took longer than 2 s: the link's round trip is about 2400 ms";

}  // namespace

TEST_CASE("slow link: whoever needs more than 2 s itself but not at the coordinator gets in") {
    SlowLink link(1'100'000);
    link.call();
    link.help();
    link.world.loop.advance(4'000'000);
    REQUIRE(link.answers.states.size() == 1);
    CHECK(link.answers.states[0].first == Status::kOk);
    REQUIRE(link.quiet.states.size() == 1);
    CHECK(link.quiet.states[0].first == Status::kOk);
}

TEST_CASE("slow link: a link too long for the handshake is said to be that at both sides") {
    SlowLink link(2'400'000);
    link.call();
    link.help();
    link.world.loop.advance(10'000'000);
    REQUIRE_FALSE(link.answers.states.empty());
    CHECK(link.answers.states[0] == std::pair(Status::kDisconnected, kSlowHandshake));
    REQUIRE_FALSE(link.quiet.states.empty());
    CHECK(link.quiet.states[0] == std::pair(Status::kDisconnected, kSlowHandshake));
}

TEST_CASE("slow link: a frame that comes too slowly is said to be what the connection ended for") {
    SlowLink link(0);
    link.call();
    link.world.loop.settle();
    REQUIRE(link.client->stats().connected);
    link.far().begin_frame({100, 200'000, link.world.loop.now_us()});
    link.world.loop.advance(4'000'000);
    REQUIRE(link.answers.states.size() >= 2);
    CHECK(link.answers.states[1].second ==
          "the coordinator closed: a frame has begun, and less than 64 KiB a second of it come");
}

TEST_CASE("slow link: a deadline says how much of the input was sent") {
    // So that this end's clock is the first to say that it is over.
    SlowLink link(2'000);
    WireEnd peer = link.world.end();
    peer.join_peer("p");
    link.call();
    link.world.loop.advance(50'000);
    REQUIRE(link.client->stats().connected);
    constexpr size_t kSize = 1'000'000;
    SUBCASE("in chunks, some of them") {
        link.far().pause_reading(true);
        link.submit(kSize, 500'000);
        for (int i = 0; i < 3; ++i) link.far().take_one();
        link.world.loop.advance(600'000);
        const std::string& text = link.answers.errors[1];
        const std::string start = "the deadline passed before an answer came; ";
        REQUIRE(text.substr(0, start.size()) == start);
        CHECK(text.substr(text.find(" of ")) ==
              " of 1000000 bytes of the input were sent when it did");
        const size_t sent = std::stoul(text.substr(start.size()));
        CHECK(sent <= 3 * 128 * 1024);
        CHECK(sent >= 3 * 128 * 1024 - 1000);
    }
    SUBCASE("in one frame") {
        link.far().pause_reading(true);
        link.submit(100'000, 500'000);
        link.world.loop.advance(600'000);
        CHECK(link.answers.errors[1] ==
              "the deadline passed before an answer came; 0 of 100000 bytes of the input were sent "
              "when it did");
    }
    SUBCASE("all of it: then it is not the link") {
        link.submit(kSize, 500'000);
        link.world.loop.advance(10'000);
        CHECK(peer.count(Message::kTaskAssign) > 0);
        link.world.loop.advance(600'000);
        CHECK(link.answers.errors[1] == "the deadline passed before an answer came");
    }
    SUBCASE("the connection was lost, and there is no other") {
        link.submit(kSize, 500'000);
        link.world.network.reachable = false;
        link.far().cut();
        link.world.loop.advance(600'000);
        CHECK(link.answers.errors[1] ==
              "the deadline passed before an answer came; there is no connection: nobody listens");
    }
    CHECK(link.answers.ended[1] == Status::kDeadline);
}

TEST_CASE("slow link: a coordinator says how much of the input had come by the deadline") {
    WireWorld world;
    WireEnd peer = world.end();
    WireEnd gamer = world.end();
    peer.join_peer("p");
    gamer.join_gamer("gamer");
    gamer.submit_first(1, {10, 1'000}, std::string(10, 'p'), std::string(390, 'x'), 500'000);
    world.loop.advance(600'000);
    const WireEnd::Got told = gamer.last(Message::kTaskTimeout);
    CHECK(told.as<wire::TaskTimeout>().error ==
          "the deadline passed before an answer came; 400 of 1010 bytes of the input had come");
}
