// Links that are slow: who gets in over them, and what is said of what they cost. The real roles on
// a fake clock.
#include <doctest/doctest.h>

#include "model/value_json.h"
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
    uint64_t connect_timeout_us = 5'000'000;
    exec::Runner* own = nullptr;  // the client's
    std::shared_ptr<net::TlsContext> tls;
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
        options.coordinator.tls = tls;
        options.reconnect.connect_timeout_us = connect_timeout_us;
        options.place_by_worth = own != nullptr;
        client = std::make_unique<Client>(world.loop, &world.network, own, world.random, Prng(3),
                                          Log(), options, answers);
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

struct Way {
    bool encrypted;
    bool relayed;
};
constexpr Way kWays[] = {{false, false}, {false, true}, {true, false}, {true, true}};

// Who takes calls and says nothing.
struct Silent final : net::ConnectionEvents {
    std::vector<std::unique_ptr<net::Connection>> taken;
    void on_frame(net::Connection&, const wire::Frame&) override {}
    void on_closed(net::Connection&, Status, const std::string&) override {}
    void take(std::unique_ptr<net::Connection> connection) {
        connection->set_events(this);
        taken.push_back(std::move(connection));
    }
};

// The first thing that a client hears of its connection, and how long after calling.
struct FirstWord {
    Status status;
    std::string text;
    uint64_t after_us;
};
FirstWord first_word(SlowLink& link) {
    const uint64_t since_us = link.world.loop.now_us();
    link.call();
    REQUIRE(link.world.loop.run_until([&] { return !link.answers.states.empty(); }, 60'000'000));
    const auto& [status, text] = link.answers.states.front();
    return {status, text, link.world.loop.now_us() - since_us};
}

}  // namespace

TEST_CASE("slow link: a round trip of almost 2 s gets in at once, through a relay as well") {
    for (const Way& way : kWays) {
        for (const uint64_t lag_us :
             {50'000, 390'000, 420'000, 500'000, 650'000, 800'000, 950'000}) {
            CAPTURE(way.encrypted);
            CAPTURE(way.relayed);
            CAPTURE(lag_us);
            SlowLink link(2 * lag_us);
            link.world.network.encrypted = way.encrypted;
            link.world.network.relayed = way.relayed;
            link.call();
            link.help();
            link.world.loop.advance(9'000'000);
            REQUIRE(link.answers.states.size() == 1);
            CHECK(link.answers.states[0].first == Status::kOk);
            REQUIRE(link.quiet.states.size() == 1);
            CHECK(link.quiet.states[0].first == Status::kOk);
            CHECK(link.world.network.made.size() == 2);
        }
    }
}

TEST_CASE("slow link: of a link too long for the handshake is said what the handshake showed") {
    SlowLink link(2'400'000);
    std::string expected =
        "the handshake was given up after 4.4 s: the link's round trip is about 2400 ms";
    SUBCASE("after hello") {}
    SUBCASE("after hello, through a relay") {
        link.world.network.relayed = true;
    }
    SUBCASE("by TLS") {
        link.world.network.encrypted = true;
        link.world.network.relayed = true;
    }
    SUBCASE("nothing but that it was too long") {
        link.world.network.delay_us = 2'100'000;
        link.world.network.relayed = true;
        expected =
            "the handshake was given up after 4.1 s: the other side has not answered for 4.1 s";
    }
    link.call();
    link.help();
    link.world.loop.advance(10'000'000);
    REQUIRE_FALSE(link.answers.states.empty());
    CHECK(link.answers.states[0] == std::pair(Status::kDisconnected, expected));
    REQUIRE_FALSE(link.quiet.states.empty());
    CHECK(link.quiet.states[0] == std::pair(Status::kDisconnected, expected));
}

TEST_CASE("slow link: a try takes as long as it may with a coordinator that says nothing") {
    Silent silent;
    for (const auto& [may_us, takes_us] : {std::pair<uint64_t, uint64_t>{300'000, 2'000'000},
                                           {5'000'000, 5'000'000},
                                           {20'000'000, 20'000'000}}) {
        SlowLink link(0);
        link.world.network.accept = [&](auto connection) { silent.take(std::move(connection)); };
        link.connect_timeout_us = may_us;
        const FirstWord word = first_word(link);
        CHECK(word.status == Status::kDisconnected);
        const std::string secs = std::to_string(takes_us / 1'000'000) + ".0 s";
        CHECK(word.text == "the handshake was given up after " + secs +
                               ": the other side has not answered for " + secs);
        CHECK(word.after_us == takes_us);
        silent.taken.clear();
    }
}

TEST_CASE("slow link: a coordinator that falls silent is left 2 s after its last word at most") {
    // The try may take 1 s, and it is the words that came that make it longer.
    Silent silent;
    SlowLink link(1'000'000);
    link.connect_timeout_us = 1'000'000;
    link.world.network.encrypted = link.world.network.relayed = true;
    link.world.network.accept = [&](auto connection) { silent.take(std::move(connection)); };
    const FirstWord word = first_word(link);
    CHECK(word.text ==
          "the handshake was given up after 4.0 s: the link's round trip is about 1000 ms, and the "
          "other side has not answered for 3.0 s");
    silent.taken.clear();
}

TEST_CASE(
    "slow link: whoever speaks another scheme is given up at once, unless it was right once") {
    SlowLink link(0);
    link.call();
    link.world.loop.settle();
    SUBCASE("at first") {
        SlowLink other(0);
        Silent silent;
        other.world.network.accept = [&](auto connection) { silent.take(std::move(connection)); };
        other.call();
        other.world.loop.settle();
        other.far().cut(Status::kUnsupported);
        REQUIRE(other.answers.states.size() == 1);
        CHECK(other.answers.states[0].first == Status::kProtocol);
        CHECK(
            other.answers.states[0].second ==
            "the coordinator speaks TLS at fake:8765: its URL is p2c2r://fake:8765, and needs its "
            "server pin or an authority");
        silent.taken.clear();
    }
    SUBCASE("TLS where plaintext answers, and from elsewhere nobody is told to go on in that") {
        for (const auto& [address, expected] :
             std::initializer_list<std::pair<const char*, const char*>>{
                 {"fake",
                  "what answers at fake:8765 speaks plaintext: the URL of that is "
                  "p2c2r+plain://fake:8765"},
                 {"192.0.2.9:8765",
                  "what answers at fake:8765 speaks plaintext: it is not the coordinator that was "
                  "asked for, or runs without a certificate"}}) {
            SlowLink other(0);
            Silent silent;
            other.tls = *net::TlsContext::client({Digest256{}, {}});
            other.world.network.address = address;
            other.world.network.accept = [&](auto connection) {
                silent.take(std::move(connection));
            };
            other.call();
            other.world.loop.settle();
            other.far().cut(Status::kUnsupported);
            REQUIRE(other.answers.states.size() == 1);
            CHECK(other.answers.states[0] == std::pair(Status::kProtocol, std::string(expected)));
            silent.taken.clear();
        }
    }
    SUBCASE("later") {
        link.far().cut(Status::kUnsupported);
        link.world.loop.advance(10'000'000);
        REQUIRE(link.answers.states.size() == 3);
        CHECK(link.answers.states[1].first == Status::kDisconnected);
        CHECK(link.answers.states[2].first == Status::kOk);
    }
}

TEST_CASE("slow link: what hello and its answer took is the round trip, over TLS as well") {
    for (const Way& way : kWays) {
        SlowLink link(300'000);
        link.own = &link.runner;
        link.world.network.encrypted = way.encrypted;
        link.world.network.relayed = way.relayed;
        link.call();
        link.world.loop.advance(2'000'000);
        REQUIRE(link.client->stats().connected);
        link.client->call(1, "placement", {}, 1'000'000);
        const auto known = value_to_json(link.answers.calls[1].second.span());
        REQUIRE(known.ok());
        CHECK_MESSAGE(known->find("\"rtt_us\":3e+05") != std::string::npos, *known);
    }
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
