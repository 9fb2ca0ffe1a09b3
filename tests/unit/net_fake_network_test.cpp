// A bad network at will: what is late is late by what was asked for, in order, and complete.
#include "net/fake_network.h"

#include "support/fake_net.h"
#include "unit/net_support.h"

using namespace p2c2r;
using namespace p2c2r::test;
using wire::Message;

namespace {

// Two ends over the tests' own connection, of which the first sits behind a fake network.
class PairTransport : public net::Transport {
  public:
    explicit PairTransport(std::unique_ptr<net::Connection> end) : end_(std::move(end)) {}
    Result<std::unique_ptr<net::Listener>> listen(const std::string&, uint32_t, Accept,
                                                  std::shared_ptr<net::TlsContext>) override {
        return make_error(Status::kUnsupported, "not here");
    }
    std::unique_ptr<Attempt> connect(const std::string&, uint32_t, uint64_t, Connected connected,
                                     std::shared_ptr<net::TlsContext>) override {
        connected(std::move(end_));
        return nullptr;
    }

  private:
    std::unique_ptr<net::Connection> end_;
};

struct Delayed {
    FakeLoop loop;
    std::unique_ptr<PairTransport> inner;
    std::unique_ptr<net::Transport> transport;
    std::unique_ptr<FakeConnection> far_connection;
    FakeConnection* far = nullptr;
    End here;
    End there;

    explicit Delayed(const net::FakeNetwork& network, uint64_t seed = 1) {
        auto pair = FakeConnection::pair(loop);
        far = pair.second.get();
        there.take(std::move(pair.second));
        inner = std::make_unique<PairTransport>(std::move(pair.first));
        transport = net::make_fake_transport(loop, *inner, network, Prng(seed));
        (void)transport->connect("", 0, 0, [&](auto result) { here.take(std::move(*result)); }, {});
    }
};

}  // namespace

TEST_CASE("fake network: a frame is late by the lag both ways, and whole") {
    net::FakeNetwork network;
    network.lag_us = 20'000;
    Delayed pair(network);
    const auto data = pattern(100'000, 3);
    std::vector<Bytes> held;
    pair.here.frame_hook = [&](net::Connection&, const wire::Frame& frame) {
        held.push_back(frame.hold(frame.data));
        pair.here.connection->send_copy(Message::kTaskResult, 2, frame.id, pattern(7, 1),
                                        pattern(8, 1), pattern(9, 1));
    };
    uint64_t counted = 0;
    pair.here.connection->count_queue_in(&counted);
    pair.there.connection->send_copy(Message::kTaskSubmit, 1, 5, pattern(30, 1), pattern(40, 2),
                                     data);
    pair.loop.advance(19'999);
    CHECK(pair.here.frames.empty());
    pair.loop.advance(1);
    REQUIRE(pair.here.frames.size() == 1);
    CHECK(pair.here.frames[0].message == Message::kTaskSubmit);
    CHECK(pair.here.frames[0].flags == 1);
    CHECK(pair.here.frames[0].envelope == pattern(30, 1));
    CHECK(pair.here.frames[0].params == pattern(40, 2));
    CHECK(pair.here.frames[0].data == data);
    CHECK(std::equal(data.begin(), data.end(), held[0].data(), held[0].data() + held[0].size()));
    pair.loop.advance(19'999);
    CHECK(pair.there.frames.empty());
    CHECK(pair.here.connection->queued_bytes() > 0);
    CHECK(counted == pair.here.connection->queued_bytes());
    pair.loop.advance(1);
    REQUIRE(pair.there.frames.size() == 1);
    CHECK(pair.there.frames[0].data == pattern(9, 1));
    CHECK(pair.here.connection->queued_bytes() == 0);
    CHECK(counted == 0);
}

TEST_CASE(
    "fake network: jitter and loss change the times, never the order, and nothing is missing") {
    net::FakeNetwork network;
    network.lag_us = 1'000;
    network.jitter_us = 30'000;
    network.loss = 0.05;
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        Delayed pair(network, seed);
        for (uint64_t i = 0; i < 200; ++i) {
            pair.here.connection->send_copy(Message::kTaskSubmit, 0, i, {}, {}, pattern(i * 10, i));
            pair.there.connection->send_copy(Message::kTaskResult, 0, i, {}, {}, pattern(i, i));
            pair.loop.advance(500);
        }
        pair.loop.advance(60'000'000);
        REQUIRE(pair.here.frames.size() == 200);
        REQUIRE(pair.there.frames.size() == 200);
        for (uint64_t i = 0; i < 200; ++i) {
            CHECK(pair.here.frames[i].id == i);
            CHECK(pair.there.frames[i].id == i);
            CHECK(pair.there.frames[i].data == pattern(i * 10, i));
        }
    }
}

TEST_CASE("fake network: a line takes so many bytes a second") {
    net::FakeNetwork network;
    network.up_bytes_s = 1'000'000;
    Delayed pair(network);
    const auto data = pattern(100'000, 1);
    for (uint64_t i = 0; i < 10; ++i) {
        pair.here.connection->send_copy(Message::kTaskSubmit, 0, i, {}, {}, data);
    }
    CHECK(pair.here.connection->queued_bytes() > net::kSendHighMark);
    pair.loop.advance(505'000);
    CHECK(pair.there.frames.size() == 5);
    CHECK(pair.here.writable == 0);
    pair.loop.advance(505'000);
    CHECK(pair.there.frames.size() == 10);
    CHECK(pair.here.writable == 1);
    // The other direction has no limit.
    pair.there.connection->send_copy(Message::kTaskResult, 0, 1, {}, {}, data);
    pair.loop.settle();
    CHECK(pair.here.frames.size() == 1);
}

TEST_CASE("fake network: chance comes from the seed, and losses are as frequent as asked for") {
    net::FakeNetwork network;
    network.loss = 0.02;
    size_t late = 0;
    for (int run = 0; run < 2; ++run) {
        net::FakeLine line(std::make_shared<net::FakeNetwork>(network),
                           &net::FakeNetwork::up_bytes_s, Prng(7));
        size_t now_late = 0;
        uint64_t now = 0;
        for (int i = 0; i < 10'000; ++i) {
            now += 10'000'000;  // one frame at a time
            now_late += line.arrival_us(now, 100) > now ? 1 : 0;
        }
        if (run == 1) CHECK(now_late == late);
        late = now_late;
    }
    CHECK(late > 150);
    CHECK(late < 250);
    network.loss = 0;
    network.jitter_us = 1000;
    net::FakeLine even(std::make_shared<net::FakeNetwork>(network), &net::FakeNetwork::up_bytes_s,
                       Prng(7));
    uint64_t sum = 0;
    for (uint64_t i = 1; i <= 10'000; ++i) sum += even.arrival_us(i * 10'000, 100) - i * 10'000;
    CHECK(sum > 4'800'000);
    CHECK(sum < 5'200'000);
}

TEST_CASE("fake network: an end is told after what came before it, a close sends what waits") {
    net::FakeNetwork network;
    network.lag_us = 50'000;
    SUBCASE("lost") {
        Delayed pair(network);
        pair.there.connection->send_copy(Message::kTaskResult, 0, 1, {}, {}, {});
        pair.loop.settle();
        pair.far->cut();
        pair.loop.advance(40'000);
        CHECK(pair.here.closed == 0);
        pair.loop.advance(20'000);
        CHECK(pair.here.frames.size() == 1);
        CHECK(pair.here.closed == 1);
    }
    SUBCASE("closed here") {
        Delayed pair(network);
        pair.here.connection->send_copy(Message::kGoodbye, 0, 1, {}, {}, {});
        pair.here.connection->close();
        pair.loop.settle();
        CHECK(pair.there.frames.size() == 1);
        CHECK(pair.there.closed == 1);
        CHECK(pair.here.closed == 0);
    }
    SUBCASE("destroyed in its own event") {
        Delayed pair(network);
        pair.here.frame_hook = [&](net::Connection&, const wire::Frame&) {
            pair.here.connection.reset();
        };
        pair.there.connection->send_copy(Message::kTaskResult, 0, 1, {}, {}, {});
        pair.there.connection->send_copy(Message::kTaskResult, 0, 2, {}, {}, {});
        pair.loop.advance(100'000);
        CHECK(pair.here.frames.size() == 1);
        CHECK(pair.there.closed == 1);
    }
}

TEST_CASE("fake network: paused reading holds what has arrived") {
    net::FakeNetwork network;
    network.lag_us = 1'000;
    Delayed pair(network);
    pair.there.connection->send_copy(Message::kTaskResult, 0, 1, {}, {}, {});
    pair.loop.settle();
    pair.here.connection->pause_reading(true);
    pair.loop.advance(10'000);
    CHECK(pair.here.frames.empty());
    pair.here.connection->pause_reading(false);
    pair.loop.settle();
    CHECK(pair.here.frames.size() == 1);
}

namespace {

// As a role does: lets the connection go first, and then says what it heard.
class LetsGo final : public net::ConnectionEvents {
  public:
    std::unique_ptr<net::Connection> connection;
    std::string heard;
    void on_frame(net::Connection&, const wire::Frame&) override {}
    void on_closed(net::Connection&, Status, const std::string& why) override {
        connection.reset();
        heard = why;
    }
};

}  // namespace

TEST_CASE("fake network: why a connection ended can be read after it was destroyed") {
    net::FakeNetwork network;
    network.lag_us = 50'000;
    Delayed pair(network);
    LetsGo role;
    role.connection = std::move(pair.here.connection);
    role.connection->set_events(&role);
    pair.there.connection->send_copy(Message::kTaskResult, 0, 1, {}, {}, {});
    pair.loop.settle();
    pair.far->cut();
    pair.loop.advance(60'000);
    CHECK_FALSE(role.connection);
    CHECK_FALSE(role.heard.empty());
}
