// The TCP transport over real loopback sockets: frames, order, back-pressure, copies, descriptors.
#include <algorithm>
#include <thread>

#include "core/prng.h"
#include "support/seed.h"
#include "unit/net_sockets.h"
#include "unit/net_support.h"

using namespace p2c2r;
using namespace p2c2r::test;
using wire::Message;

TEST_CASE_TEMPLATE("two ends exchange frames of every size over loopback", Form, Plain, Encrypted) {
    auto loop = new_loop();
    TcpPair pair(*loop, Form::kEncrypted);
    const auto envelope = pattern(20, 1);
    const auto params = pattern(33, 2);
    for (const size_t size : {0u, 1u, 64u, 255u, 256u, 4095u, 4096u, 65535u, 65536u, 262000u}) {
        CAPTURE(size);
        pair.server.frames.clear();
        const auto data = pattern(size, size);
        pair.client.connection->send(Message::kTaskSubmit, 2, 77, envelope, Bytes::copy(params),
                                     Bytes::copy(data));
        REQUIRE(turn_until(*loop, [&] { return !pair.server.frames.empty(); }));
        const SeenFrame& seen = pair.server.frames.front();
        CHECK(seen.message == Message::kTaskSubmit);
        CHECK(seen.flags == 2);
        CHECK(seen.id == 77);
        CHECK(seen.envelope == envelope);
        CHECK(seen.params == params);
        CHECK(seen.data == data);
    }
}

TEST_CASE("random frames from a raw socket in random pieces arrive intact and are echoed intact") {
    auto loop = new_loop();
    Prng prng(test::seed());
    auto transport = net::make_uv_transport(*loop, nullptr);
    End server;
    server.record = false;
    server.frame_hook = [&](net::Connection& from, const wire::Frame& frame) {
        from.send(frame.message, frame.flags, frame.id, frame.envelope, frame.hold(frame.params),
                  frame.hold(frame.data));
    };
    auto listener = transport->listen("127.0.0.1", 0, [&](auto c) { server.take(std::move(c)); });
    REQUIRE(listener.ok());
    std::vector<uint8_t> stream;
    for (int i = 0; i < 120; ++i) {
        const size_t data = prng.chance(0.5) ? prng.below(300) : prng.below(250'000);
        const auto frame =
            raw_frame(static_cast<Message>(prng.below(50)), 1, prng.next(),
                      pattern(prng.below(200), prng.next()), pattern(prng.below(2000), prng.next()),
                      pattern(data, prng.next()));
        stream.insert(stream.end(), frame.begin(), frame.end());
    }
    RawSocket raw = RawSocket::connect((*listener)->port());
    bool sent = false;
    std::thread sender([&, cuts = prng.fork(1)]() mutable {
        std::span<const uint8_t> rest(stream);
        while (!rest.empty()) {
            const bool tiny = cuts.chance(0.5);
            const size_t size = std::min<size_t>(rest.size(), 1 + cuts.below(tiny ? 5 : 200'000));
            if (!raw.send(rest.first(size))) return;
            rest = rest.subspan(size);
        }
        sent = true;
    });
    std::vector<uint8_t> echoed;
    bool end = false;
    const auto take_echo = [&] {
        const auto more = raw.take(1 << 20, end);
        echoed.insert(echoed.end(), more.begin(), more.end());
        return end || echoed.size() >= stream.size();
    };
    CHECK(turn_until(*loop, take_echo, 200));
    sender.join();
    CHECK(sent);
    CHECK(echoed == stream);
    CHECK(server.connection->bytes_in() == stream.size());
    CHECK(server.connection->bytes_out() == stream.size());
}

TEST_CASE("a sender of one byte at a time is understood") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    End server;
    auto listener = transport->listen("127.0.0.1", 0, [&](auto c) { server.take(std::move(c)); });
    RawSocket raw = RawSocket::connect((*listener)->port());
    const auto small =
        raw_frame(Message::kTaskSubmit, 0, 5, pattern(30, 1), pattern(20, 2), pattern(200, 3));
    const auto large = raw_frame(Message::kTaskSubmit, 0, 6, pattern(30, 1), {}, pattern(9000, 4));
    std::vector<uint8_t> stream(small);
    stream.insert(stream.end(), large.begin(), large.end());
    for (size_t i = 0; i < stream.size(); ++i) {
        REQUIRE(raw.send(std::span(stream).subspan(i, 1)));
        loop->turn(i % 3 == 0 ? 1000 : 0);
    }
    REQUIRE(turn_until(*loop, [&] { return server.frames.size() == 2; }));
    CHECK(server.frames[0].data == pattern(200, 3));
    CHECK(server.frames[1].data == pattern(9000, 4));
}

TEST_CASE_TEMPLATE("frames sent in one turn leave in order and in one piece", Form, Plain,
                   Encrypted) {
    auto loop = new_loop();
    TcpPair pair(*loop, Form::kEncrypted);
    const Bytes large = Bytes::copy(pattern(100'000, 9));
    for (uint64_t i = 0; i < 500; ++i) {
        if (i % 50 == 7) {
            pair.client.connection->send(Message::kTaskSubmit, 0, i, {}, {}, large);
        } else {
            pair.client.connection->send_copy(Message::kTaskSubmit, 0, i, pattern(20, i), {}, {});
        }
    }
    REQUIRE(turn_until(*loop, [&] { return pair.server.frames.size() == 500; }));
    for (uint64_t i = 0; i < 500; ++i) CHECK(pair.server.frames[i].id == i);
    CHECK(pair.client.connection->queued_bytes() == 0);
    CHECK(large.is_unique());
}

TEST_CASE("relayed payloads of 4 KiB and more are not copied") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    End server;
    server.record = false;
    uint64_t echoed = 0;
    server.frame_hook = [&](net::Connection& from, const wire::Frame& frame) {
        ++echoed;
        from.send(frame.message, frame.flags, frame.id, frame.envelope, {}, frame.hold(frame.data));
    };
    auto listener = transport->listen("127.0.0.1", 0, [&](auto c) { server.take(std::move(c)); });
    // Whole frames in each write: a cut inside a frame's head is carried with what follows it.
    RawSocket raw = RawSocket::connect((*listener)->port());
    const auto frame = raw_frame(Message::kTaskSubmit, 0, 6, pattern(30, 1), {}, pattern(65536, 4));
    for (int i = 0; i < 50; ++i) {
        REQUIRE(raw.send(frame));
        size_t got = 0;
        bool end = false;
        const auto take_echo = [&] {
            got += raw.take(1 << 20, end).size();
            return end || got >= frame.size();
        };
        REQUIRE(turn_until(*loop, take_echo, 200));
    }
    CHECK(echoed == 50);
    CHECK(transport->payload_bytes_copied() == 0);
}

TEST_CASE("a slow reader holds the sender back and on_writable comes when it has read on") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    End server;
    const Bytes chunk = Bytes::copy(pattern(128 * 1024, 3));
    size_t queued_max = 0;
    uint64_t sent = 0;
    constexpr uint64_t kChunks = 400;
    const auto pump = [&] {
        net::Connection& connection = *server.connection;
        while (sent < kChunks && connection.queued_bytes() < net::kSendHighMark) {
            connection.send(Message::kTaskResult, 0, sent++, {}, {}, chunk);
            queued_max = std::max(queued_max, connection.queued_bytes());
        }
    };
    server.writable_hook = pump;
    auto listener = transport->listen("127.0.0.1", 0, [&](auto c) { server.take(std::move(c)); });
    RawSocket raw = RawSocket::connect((*listener)->port(), 64 * 1024);
    REQUIRE(turn_until(*loop, [&] { return server.connection != nullptr; }));
    uint64_t counted = 0;
    server.connection->count_queue_in(&counted);
    pump();
    // Nobody reads: it stops with the mark passed by one chunk at most.
    for (int i = 0; i < 50; ++i) loop->turn(1000);
    CHECK(server.connection->queued_bytes() > 0);
    CHECK(counted == server.connection->queued_bytes());
    CHECK(server.connection->unsent_bytes() > server.connection->queued_bytes());
    CHECK(sent < kChunks);
    const uint64_t stopped_at = sent;
    uint64_t got = 0;
    bool end = false;
    const uint64_t expected = kChunks * (chunk.size() + 23);
    const auto take_all = [&] {
        got += raw.take(1 << 20, end).size();
        return end || got == expected;
    };
    REQUIRE(turn_until(*loop, take_all, 200));
    CHECK(sent == kChunks);
    CHECK(sent > stopped_at);
    CHECK(server.writable > 1);
    CHECK(queued_max < net::kSendHighMark + chunk.size() + 64);
    CHECK(turn_until(*loop, [&] { return server.connection->unsent_bytes() == 0; }));
    CHECK(counted == 0);
    // What a connection that goes had counted goes with it.
    sent = 0;
    pump();
    for (int i = 0; i < 50; ++i) loop->turn(1000);
    CHECK(counted > 0);
    server.connection.reset();
    CHECK(counted == 0);
}

TEST_CASE("a reader that never reads is closed at the limit and only once") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    End server;
    auto listener = transport->listen("127.0.0.1", 0, [&](auto c) { server.take(std::move(c)); });
    RawSocket raw = RawSocket::connect((*listener)->port(), 4096);
    REQUIRE(turn_until(*loop, [&] { return server.connection != nullptr; }));
    const Bytes chunk = Bytes::copy(pattern(256 * 1024 - 64, 3));
    uint64_t calls = 0;
    while (server.closed == 0 && calls < 5000) {
        server.connection->send(Message::kTaskResult, 0, ++calls, {}, {}, chunk);
        CHECK(server.connection->queued_bytes() <= net::kSendLimit + chunk.size() + 64);
        if (calls % 16 == 0) loop->turn(0);
    }
    CHECK(server.closed == 1);
    CHECK(server.status == Status::kLimit);
    CHECK(calls * chunk.size() > net::kSendLimit);
    CHECK(chunk.is_unique());
    server.connection->send(Message::kTaskResult, 0, 1, {}, {}, chunk);
    loop->turn(0);
    CHECK(server.closed == 1);
    CHECK(chunk.is_unique());
}

TEST_CASE_TEMPLATE("paused reading stops frames and resuming brings all of them", Form, Plain,
                   Encrypted) {
    auto loop = new_loop();
    TcpPair pair(*loop, Form::kEncrypted);
    pair.server.connection->pause_reading(true);
    const Bytes chunk = Bytes::copy(pattern(200'000, 3));
    for (uint64_t i = 0; i < 100; ++i) {
        pair.client.connection->send(Message::kTaskSubmit, 0, i, {}, {}, chunk);
    }
    for (int i = 0; i < 50; ++i) loop->turn(500);
    CHECK(pair.server.frames.empty());
    CHECK(pair.client.connection->queued_bytes() > 0);
    pair.server.connection->pause_reading(false);
    REQUIRE(turn_until(*loop, [&] { return pair.server.frames.size() == 100; }));
    for (uint64_t i = 0; i < 100; ++i) CHECK(pair.server.frames[i].id == i);
}

TEST_CASE_TEMPLATE("a continuation is placed where the receiver wants it over a socket as well",
                   Form, Plain, Encrypted) {
    auto loop = new_loop();
    TcpPair pair(*loop, Form::kEncrypted);
    std::vector<uint8_t> place;
    int placed = 0;
    int in_place = 0;
    pair.server.record = false;
    std::vector<uint8_t> whole;
    pair.server.place_hook = [&](Message, uint64_t, size_t size) {
        ++placed;
        place.assign(size, 0);
        return place.data();
    };
    pair.server.frame_hook = [&](net::Connection&, const wire::Frame& frame) {
        in_place += frame.data.data() == place.data();
        whole.insert(whole.end(), frame.data.begin(), frame.data.end());
    };
    const auto data = pattern(20 * 250'000, 1);
    const Bytes bytes = Bytes::copy(data);
    for (size_t i = 0; i < 20; ++i) {
        pair.client.connection->send(Message::kTaskResult, wire::kFlagMore, 9, {}, {},
                                     bytes.slice(i * 250'000, 250'000));
    }
    REQUIRE(turn_until(*loop, [&] { return whole.size() == data.size(); }));
    CHECK(whole == data);
    CHECK(placed > 0);
    CHECK(in_place == placed);
}

TEST_CASE("an unfinished frame can be seen with its age") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    End server;
    auto listener = transport->listen("127.0.0.1", 0, [&](auto c) { server.take(std::move(c)); });
    RawSocket raw = RawSocket::connect((*listener)->port());
    const auto frame = raw_frame(Message::kTaskSubmit, 0, 6, pattern(30, 1), {}, pattern(9000, 4));
    const uint64_t before = loop->now_us();
    REQUIRE(raw.send(std::span(frame).first(5000)));
    REQUIRE(turn_until(*loop, [&] {
        return server.connection && server.connection->partial_frame().received == 5000;
    }));
    const net::PartialFrame partial = server.connection->partial_frame();
    CHECK(partial.size == frame.size());
    CHECK(partial.since_us >= before);
    CHECK(partial.since_us <= loop->now_us());
    REQUIRE(raw.send(std::span(frame).subspan(5000)));
    REQUIRE(turn_until(*loop, [&] { return server.frames.size() == 1; }));
    CHECK(server.connection->partial_frame().size == 0);
}

TEST_CASE_TEMPLATE("a hundred rounds leave no descriptor and no thread behind", Form, Plain,
                   Encrypted) {
    {
        auto warm_up = new_loop();  // libuv keeps a pair of its own from its first loop on
    }
    const size_t descriptors = open_descriptors();
    const size_t threads = threads_to_begin_with();
    for (int round = 0; round < 100; ++round) {
        auto loop = new_loop();
        {
            TcpPair pair(*loop, Form::kEncrypted);
            pair.client.connection->send_copy(Message::kHello, 0, 1, pattern(9, 1), {}, {});
            if (round % 2 == 0) {
                REQUIRE(turn_until(*loop, [&] { return !pair.server.frames.empty(); }));
            }
            if (round % 3 == 0) {
                pair.client.connection.reset();
                REQUIRE(turn_until(*loop, [&] { return pair.server.closed == 1; }));
            }
            if (round % 10 == 0) {
                bool answered = false;
                auto attempt = pair.transport->connect("does-not-exist.invalid", 9, 10'000'000,
                                                       [&](auto) { answered = true; });
                if (round % 20 == 0) CHECK(turn_until(*loop, [&] { return answered; }));
            }
        }
    }
    CHECK(open_descriptors() == descriptors);
    CHECK(threads_become(threads));
}
