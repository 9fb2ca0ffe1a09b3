// Connections inside one process: the same behaviour as over a socket, without copies.
#include "net/local_transport.h"

#include "unit/net_support.h"

using namespace p2c2r;
using namespace p2c2r::test;
using wire::Message;

namespace {

struct LocalPair {
    End first;
    End second;
    explicit LocalPair(net::UvLoop& loop) {
        auto pair = net::make_local_pair(loop);
        first.take(std::move(pair.first));
        second.take(std::move(pair.second));
    }
};

}  // namespace

TEST_CASE("frames inside one process arrive in a later turn in order and both ways") {
    auto loop = new_loop();
    LocalPair pair(*loop);
    uint64_t counted = 0;
    pair.first.connection->count_queue_in(&counted);
    for (uint64_t i = 0; i < 50; ++i) {
        const auto params = pattern(i * 200, i + 1);
        const auto data = pattern(i * 300, i + 2);
        pair.first.connection->send(Message::kTaskSubmit, 1, i, pattern(i, i), Bytes::copy(params),
                                    Bytes::copy(data));
        pair.second.connection->send_copy(Message::kTaskResult, 2, i, pattern(i, i), params, data);
    }
    CHECK(pair.second.frames.empty());
    CHECK(pair.first.connection->queued_bytes() > 0);
    CHECK(counted == pair.first.connection->queued_bytes());
    REQUIRE(turn_until(
        *loop, [&] { return pair.first.frames.size() == 50 && pair.second.frames.size() == 50; }));
    for (uint64_t i = 0; i < 50; ++i) {
        for (const SeenFrame* seen : {&pair.first.frames[i], &pair.second.frames[i]}) {
            CHECK(seen->id == i);
            CHECK(seen->envelope == pattern(i, i));
            CHECK(seen->params == pattern(i * 200, i + 1));
            CHECK(seen->data == pattern(i * 300, i + 2));
        }
        CHECK(pair.second.frames[i].message == Message::kTaskSubmit);
        CHECK(pair.second.frames[i].flags == 1);
    }
    CHECK(pair.first.connection->queued_bytes() == 0);
    CHECK(counted == 0);
    CHECK(pair.first.connection->bytes_in() == pair.second.connection->bytes_out());
    CHECK(pair.first.connection->is_loopback());
}

TEST_CASE("large parts keep their memory and small ones can be held as well") {
    auto loop = new_loop();
    LocalPair pair(*loop);
    const Bytes params = Bytes::copy(pattern(5000, 1));
    const Bytes data = Bytes::copy(pattern(100'000, 2));
    std::vector<Bytes> held;
    pair.second.frame_hook = [&](net::Connection&, const wire::Frame& frame) {
        held.push_back(frame.hold(frame.params));
        held.push_back(frame.hold(frame.data));
        held.push_back(frame.hold(frame.data.subspan(10, 20)));
    };
    pair.first.connection->send(Message::kTaskSubmit, 0, 1, pattern(9, 9), params, data);
    pair.first.connection->send(Message::kTaskSubmit, 0, 2, pattern(9, 9), params,
                                Bytes::copy(pattern(70, 5)));
    REQUIRE(turn_until(*loop, [&] { return held.size() == 6; }));
    CHECK(held[0].data() == params.data());
    CHECK(held[1].data() == data.data());
    CHECK(held[1].size() == data.size());
    CHECK(held[2].data() == data.data() + 10);
    CHECK(held[3].data() == params.data());
    const auto small = pattern(70, 5);
    CHECK(std::equal(small.begin(), small.end(), held[4].data(), held[4].data() + held[4].size()));
    held.clear();
    CHECK(data.is_unique());
    CHECK(params.is_unique());
}

TEST_CASE("either end may be destroyed in each event and the other hears of it once") {
    for (const std::string event : {"frame", "closed", "writable"}) {
        for (const bool own : {true, false}) {
            CAPTURE(event);
            CAPTURE(own);
            auto loop = new_loop();
            LocalPair pair(*loop);
            int events = 0;
            End& here = pair.second;
            End& there = pair.first;
            const auto destroy = [&] {
                ++events;
                (own ? here : there).connection.reset();
            };
            if (event == "frame") {
                here.frame_hook = [&](net::Connection&, const wire::Frame&) { destroy(); };
                there.connection->send_copy(Message::kHello, 0, 1, {}, {}, {});
                there.connection->send_copy(Message::kHello, 0, 2, {}, {}, {});
            } else if (event == "closed") {
                here.closed_hook = destroy;
                there.connection->close();
            } else {
                here.writable_hook = destroy;
                const Bytes chunk = Bytes::copy(pattern(200'000, 1));
                for (int i = 0; i < 4; ++i) {
                    here.connection->send(Message::kTaskResult, 0, 1, {}, {}, chunk);
                }
            }
            REQUIRE(turn_until(*loop, [&] { return events > 0; }));
            for (int i = 0; i < 5; ++i) loop->turn(100);
            if (event == "closed") {
                CHECK(here.closed == 1);
                CHECK(there.closed == 0);
            } else {
                CHECK((own ? there : here).closed == 1);
                CHECK((own ? here : there).closed == 0);
            }
        }
    }
}

TEST_CASE("what was sent before close arrives before the end is told") {
    auto loop = new_loop();
    LocalPair pair(*loop);
    const Bytes data = Bytes::copy(pattern(100'000, 2));
    for (uint64_t i = 0; i < 20; ++i) {
        pair.first.connection->send(Message::kTaskSubmit, 0, i, {}, {}, data);
    }
    pair.second.connection->send_copy(Message::kHello, 0, 1, {}, {}, {});
    pair.first.connection->close();
    pair.first.connection->send_copy(Message::kHello, 0, 1, {}, {}, {});
    size_t at_close = 0;
    pair.second.closed_hook = [&] { at_close = pair.second.frames.size(); };
    REQUIRE(turn_until(*loop, [&] { return pair.second.closed == 1; }));
    CHECK(at_close == 20);
    CHECK(pair.second.status == Status::kDisconnected);
    CHECK(pair.first.frames.empty());
    CHECK(pair.first.closed == 0);
    pair.second.connection->send(Message::kTaskSubmit, 0, 1, {}, {}, data);
    CHECK(pair.second.connection->queued_bytes() == 0);
}

TEST_CASE("a paused end fills its inbox up to the limit and no further") {
    auto loop = new_loop();
    LocalPair pair(*loop);
    pair.second.connection->pause_reading(true);
    const Bytes chunk = Bytes::copy(pattern(250'000, 1));
    uint64_t sent = 0;
    while (pair.first.closed == 0 && sent < 5000) {
        pair.first.connection->send(Message::kTaskSubmit, 0, ++sent, {}, {}, chunk);
        CHECK(pair.first.connection->queued_bytes() <= net::kSendLimit + chunk.size() + 64);
        if (sent % 32 == 0) loop->turn(0);
    }
    CHECK(pair.first.closed == 1);
    CHECK(pair.first.status == Status::kLimit);
    CHECK(pair.second.frames.empty());
}

TEST_CASE("a resumed end gets everything and its sender hears that it may go on") {
    auto loop = new_loop();
    LocalPair pair(*loop);
    pair.second.connection->pause_reading(true);
    const Bytes chunk = Bytes::copy(pattern(250'000, 1));
    for (uint64_t i = 0; i < 10; ++i) {
        pair.first.connection->send(Message::kTaskSubmit, 0, i, {}, {}, chunk);
    }
    for (int i = 0; i < 5; ++i) loop->turn(100);
    CHECK(pair.second.frames.empty());
    CHECK(pair.first.writable == 0);
    pair.second.connection->pause_reading(false);
    REQUIRE(turn_until(*loop, [&] { return pair.second.frames.size() == 10; }));
    REQUIRE(turn_until(*loop, [&] { return pair.first.writable == 1; }));
}

TEST_CASE("the limits of a wire hold inside a process too") {
    struct Case {
        size_t envelope;
        size_t data;
        bool logged_in;
    };
    for (const Case& one : {Case{10, 5000, false}, Case{3500, 0, false}, Case{70'000, 0, true},
                            Case{10, 300'000, true}}) {
        auto loop = new_loop();
        LocalPair pair(*loop);
        if (!one.logged_in) pair.second.connection->set_limits({});
        pair.first.connection->send(Message::kTaskSubmit, 0, 1, pattern(one.envelope, 1), {},
                                    Bytes::copy(pattern(one.data, 2)));
        REQUIRE(turn_until(*loop, [&] { return pair.second.closed == 1; }));
        CHECK(pair.second.status == Status::kProtocol);
        REQUIRE(turn_until(*loop, [&] { return pair.first.closed == 1; }));
    }
}

TEST_CASE("an exception in an event of a local end costs that connection") {
    auto loop = new_loop();
    LocalPair pair(*loop);
    pair.second.frame_hook = [](net::Connection&, const wire::Frame&) { throw std::bad_alloc(); };
    pair.first.connection->send_copy(Message::kHello, 0, 1, {}, {}, {});
    REQUIRE(turn_until(*loop, [&] { return pair.first.closed == 1; }));
    CHECK(pair.second.closed == 1);
    CHECK(pair.second.status == Status::kMemory);
}

TEST_CASE("the local transport hands the far end to whoever accepts") {
    auto loop = new_loop();
    End server;
    End client;
    net::LocalTransport transport(*loop, [&](auto fresh) { server.take(std::move(fresh)); });
    CHECK(transport.listen("127.0.0.1", 0, [](auto) {}, {}).error().status == Status::kUnsupported);
    std::unique_ptr<net::Transport::Attempt> attempt;
    attempt = transport.connect("", 0, 1'000'000,
                                [&](auto result) {
                                    REQUIRE(result.ok());
                                    client.take(std::move(*result));
                                    attempt.reset();
                                },
                                {});
    CHECK_FALSE(client.connection);
    REQUIRE(turn_until(*loop, [&] { return client.connection && server.connection; }));
    client.connection->send_copy(Message::kHello, 0, 7, {}, {}, {});
    REQUIRE(turn_until(*loop, [&] { return server.frames.size() == 1; }));
    int calls = 0;
    transport.connect("", 0, 1, [&](auto) { ++calls; }, {}).reset();
    loop->turn(0);
    CHECK(calls == 0);
}
