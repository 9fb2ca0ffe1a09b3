// The end of TCP connections: destroyed in their own events, reset, half closed, broken, full.
#include <csignal>
#include <new>
#include <stdexcept>

#include "unit/net_sockets.h"
#include "unit/net_support.h"

using namespace p2c2r;
using namespace p2c2r::test;
using wire::Message;

namespace {

// A server end for a raw socket.
struct Served {
    net::UvLoop& loop;
    std::unique_ptr<net::Transport> transport;
    End end;
    std::unique_ptr<net::Listener> listener;

    explicit Served(net::UvLoop& on) : loop(on), transport(net::make_uv_transport(on, nullptr)) {
        auto listening =
            transport->listen("127.0.0.1", 0, [this](auto c) { end.take(std::move(c)); });
        REQUIRE(listening.ok());
        listener = std::move(*listening);
    }
    RawSocket connect(int receive_buffer = 0) {
        RawSocket raw = RawSocket::connect(listener->port(), receive_buffer);
        REQUIRE(turn_until(loop, [this] { return end.connection != nullptr; }));
        return raw;
    }
};

// Everything until the other side closes.
std::vector<uint8_t> drain(net::UvLoop& loop, RawSocket& raw) {
    std::vector<uint8_t> all;
    bool end = false;
    CHECK(turn_until(loop, [&] {
        const auto more = raw.take(1 << 20, end);
        all.insert(all.end(), more.begin(), more.end());
        return end;
    }));
    return all;
}

const std::vector<uint8_t> kBeat = raw_frame(Message::kHeartbeat, 0, 0, {}, {}, {});

}  // namespace

TEST_CASE_TEMPLATE("a connection may be destroyed in each of its own events", Form, Plain,
                   Encrypted) {
    for (const std::string event : {"frame", "place", "closed", "writable"}) {
        for (const bool close_first : {false, true}) {
            CAPTURE(event);
            auto loop = new_loop();
            TcpPair pair(*loop, Form::kEncrypted);
            int events = 0;
            End& server = pair.server;
            const auto destroy = [&] {
                ++events;
                if (close_first) server.connection->close();
                server.connection.reset();
            };
            if (event == "frame") {
                server.frame_hook = [&](net::Connection&, const wire::Frame&) { destroy(); };
            } else if (event == "place") {
                server.place_hook = [&](Message, uint64_t, size_t) -> uint8_t* {
                    destroy();
                    return nullptr;
                };
            } else if (event == "closed") {
                server.closed_hook = destroy;
            } else {
                server.writable_hook = destroy;
            }
            if (event == "writable") {
                const Bytes chunk = Bytes::copy(pattern(200'000, 1));
                for (int i = 0; i < 4; ++i) {
                    server.connection->send(Message::kTaskResult, 0, 1, {}, {}, chunk);
                }
                pair.client.record = false;
            } else if (event == "closed") {
                pair.client.connection.reset();
            } else {
                const Bytes chunk = Bytes::copy(pattern(200'000, 1));
                for (int i = 0; i < 4; ++i) {
                    pair.client.connection->send(Message::kTaskResult, 1, 1, {}, {}, chunk);
                }
            }
            REQUIRE(turn_until(*loop, [&] { return events > 0; }));
            if (event != "closed") {
                // The other end hears of it, and what was sent before is not lost.
                REQUIRE(turn_until(*loop, [&] { return pair.client.closed == 1; }));
                CHECK(pair.client.status == Status::kDisconnected);
            }
            for (int i = 0; i < 5; ++i) loop->turn(100);
            CHECK(events == 1);
            CHECK(server.closed == (event == "closed" ? 1 : 0));
        }
    }
}

TEST_CASE_TEMPLATE("the other end of a pair may be destroyed in an event", Form, Plain, Encrypted) {
    auto loop = new_loop();
    TcpPair pair(*loop, Form::kEncrypted);
    pair.server.frame_hook = [&](net::Connection&, const wire::Frame&) {
        pair.client.connection.reset();
    };
    for (uint64_t i = 0; i < 10; ++i) {
        pair.client.connection->send_copy(Message::kHello, 0, i, {}, {}, {});
    }
    REQUIRE(turn_until(*loop, [&] { return pair.server.closed == 1; }));
    CHECK(pair.server.frames.size() == 10);
    CHECK(pair.client.closed == 0);
}

TEST_CASE_TEMPLATE("no event comes after close and what was sent before it arrives", Form, Plain,
                   Encrypted) {
    auto loop = new_loop();
    TcpPair pair(*loop, Form::kEncrypted);
    const auto data = pattern(3'000'000, 4);
    const Bytes bytes = Bytes::copy(data);
    for (uint64_t i = 0; i < 12; ++i) {
        pair.server.connection->send(Message::kTaskResult, 0, i, {}, {},
                                     bytes.slice(i * 250'000, 250'000));
    }
    pair.client.connection->send_copy(Message::kHello, 0, 1, {}, {}, {});
    pair.server.connection->close();
    pair.server.connection->send_copy(Message::kHello, 0, 99, {}, {}, {});
    REQUIRE(turn_until(*loop, [&] { return pair.client.closed == 1; }));
    REQUIRE(pair.client.frames.size() == 12);
    std::vector<uint8_t> whole;
    for (const auto& frame : pair.client.frames) {
        whole.insert(whole.end(), frame.data.begin(), frame.data.end());
    }
    CHECK(whole == data);
    CHECK(pair.server.frames.empty());
    CHECK(pair.server.closed == 0);
    CHECK(pair.client.why == "closed by the other side");
}

TEST_CASE("last words reach an other side that is still sending") {
    auto loop = new_loop();
    Served served(*loop);
    RawSocket raw = served.connect();
    // Unread input at close would reset the connection and destroy the words.
    served.end.connection->pause_reading(true);
    for (int i = 0; i < 1000; ++i) REQUIRE(raw.send(kBeat));
    served.end.connection->send_copy(Message::kGoodbye, 0, 0, pattern(50, 1), {}, {});
    served.end.connection.reset();
    bool end = false;
    std::vector<uint8_t> all;
    REQUIRE(turn_until(*loop, [&] {
        (void)raw.send(kBeat);
        const auto more = raw.take(1000, end);
        all.insert(all.end(), more.begin(), more.end());
        return end;
    }));
    CHECK(all == raw_frame(Message::kGoodbye, 0, 0, pattern(50, 1), {}, {}));
}

TEST_CASE("a closed connection that nobody reads from is given up after its time") {
    auto loop = new_loop();
    const size_t before = open_descriptors();
    Served served(*loop);
    RawSocket raw = served.connect(4096);
    const Bytes chunk = Bytes::copy(pattern(250'000, 1));
    for (int i = 0; i < 60; ++i) {
        served.end.connection->send(Message::kTaskResult, 0, 1, {}, {}, chunk);
    }
    served.end.connection.reset();
    const uint64_t closed_us = loop->now_us();
    CHECK_FALSE(chunk.is_unique());
    REQUIRE(turn_until(*loop, [&] { return chunk.is_unique(); }));
    CHECK(loop->now_us() - closed_us >= 900'000);
    CHECK(open_descriptors() == before + 2);  // the listener and the end of the test
}

TEST_CASE("writing to a reset connection raises no signal and closes it once") {
    // The default disposition of SIGPIPE would end this process.
    struct sigaction now {};
    REQUIRE(::sigaction(SIGPIPE, nullptr, &now) == 0);
    REQUIRE((now.sa_handler == SIG_DFL));
    for (const bool many : {false, true}) {
        auto loop = new_loop();
        Served served(*loop);
        RawSocket raw = served.connect();
        raw.reset();
        const Bytes chunk = Bytes::copy(pattern(200'000, 1));
        for (int i = 0; i < 100 && served.end.closed == 0; ++i) {
            for (int k = 0; k < (many ? 5 : 1); ++k) {
                served.end.connection->send(Message::kTaskResult, 0, 1, {}, {}, chunk);
            }
            // The socket is written to before its reset is noticed by reading.
            served.end.connection->pause_reading(i == 0);
            loop->turn(0);
        }
        REQUIRE(turn_until(*loop, [&] { return served.end.closed == 1; }));
        CHECK(served.end.status == Status::kDisconnected);
        CHECK_FALSE(served.end.why.empty());
        loop->turn(0);
        CHECK(served.end.closed == 1);
        CHECK(chunk.is_unique());
    }
}

TEST_CASE("what a lost peer said last is heard before its end although writing to it failed") {
    auto loop = new_loop();
    Served served(*loop);
    RawSocket raw = served.connect();
    REQUIRE(raw.send(kBeat));
    raw.close();
    // The first write draws a reset, the second fails; only then is reading allowed to look.
    served.end.connection->pause_reading(true);
    for (int i = 0; i < 3; ++i) {
        served.end.connection->send_copy(Message::kTaskAssign, 0, 1, {}, {}, {});
        loop->turn(2000);
        if (i == 0) served.end.connection->pause_reading(false);
    }
    REQUIRE(turn_until(*loop, [&] { return served.end.closed == 1; }));
    CHECK(served.end.frames.size() == 1);
}

TEST_CASE("the end of a half closed connection is told after its last frames") {
    auto loop = new_loop();
    Served served(*loop);
    RawSocket raw = served.connect();
    for (int i = 0; i < 10; ++i) REQUIRE(raw.send(kBeat));
    raw.shut_down_sending();
    REQUIRE(turn_until(*loop, [&] { return served.end.closed == 1; }));
    CHECK(served.end.frames.size() == 10);
    CHECK(served.end.status == Status::kDisconnected);
    CHECK(served.end.why == "closed by the other side");
    CHECK(drain(*loop, raw).empty());
}

TEST_CASE("an end inside a frame is named as such") {
    auto loop = new_loop();
    Served served(*loop);
    RawSocket raw = served.connect();
    const auto frame = raw_frame(Message::kTaskSubmit, 0, 1, {}, {}, pattern(9000, 1));
    REQUIRE(raw.send(std::span(frame).first(8000)));
    raw.close();
    REQUIRE(turn_until(*loop, [&] { return served.end.closed == 1; }));
    CHECK(served.end.frames.empty());
    CHECK(served.end.why == "closed by the other side inside a frame");
}

TEST_CASE("a broken frame ends the connection with its reason and one last word can be sent") {
    auto loop = new_loop();
    Served served(*loop);
    RawSocket raw = served.connect();
    served.end.closed_hook = [&] {
        served.end.connection->send_copy(Message::kGoodbye, 0, 0, pattern(9, 9), {}, {});
        served.end.connection.reset();
    };
    REQUIRE(raw.send(kBeat));
    REQUIRE(raw.send(std::string("GET / HTTP/1.1\r\n\r\n")));
    REQUIRE(turn_until(*loop, [&] { return served.end.closed == 1; }));
    CHECK(served.end.frames.size() == 1);
    CHECK(served.end.status == Status::kProtocol);
    CHECK(served.end.why.find("0x96") != std::string::npos);
    CHECK(drain(*loop, raw) == raw_frame(Message::kGoodbye, 0, 0, pattern(9, 9), {}, {}));
}

TEST_CASE("limits before login hold until they are raised") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    for (const bool raised : {false, true}) {
        End end;
        auto listener = transport->listen("127.0.0.1", 0, [&](auto c) {
            end.connection = std::move(c);
            end.connection->set_events(&end);
        });
        end.frame_hook = [&](net::Connection& connection, const wire::Frame& frame) {
            if (raised && frame.message == Message::kHello) {
                connection.set_limits(wire::kLimitsAfterLogin);
            }
        };
        RawSocket raw = RawSocket::connect((*listener)->port());
        // Both in one piece: the new limits hold from the next frame on.
        auto both = raw_frame(Message::kHello, 0, 1, {}, {}, {});
        const auto large = raw_frame(Message::kTaskSubmit, 0, 2, {}, {}, pattern(9000, 1));
        both.insert(both.end(), large.begin(), large.end());
        REQUIRE(raw.send(both));
        REQUIRE(turn_until(*loop, [&] { return end.closed == 1 || end.frames.size() == 2; }));
        CHECK(end.closed == (raised ? 0 : 1));
        if (!raised) CHECK(end.status == Status::kProtocol);
    }
}

TEST_CASE("an exception in an event costs the connection and nothing else") {
    auto loop = new_loop();
    for (const std::string what : {"memory", "other"}) {
        Served served(*loop);
        RawSocket raw = served.connect();
        served.end.frame_hook = [&](net::Connection&, const wire::Frame&) {
            if (what == "memory") throw std::bad_alloc();
            throw std::runtime_error("a mistake of ours");
        };
        REQUIRE(raw.send(kBeat));
        REQUIRE(raw.send(kBeat));
        REQUIRE(turn_until(*loop, [&] { return served.end.closed == 1; }));
        CHECK(served.end.status == (what == "memory" ? Status::kMemory : Status::kInternal));
        CHECK(served.end.frames.size() == 1);
        // Also when the last event fails as well.
        served.end.connection.reset();
        served.end.closed_hook = [] { throw std::bad_alloc(); };
        RawSocket second = served.connect();
        REQUIRE(second.send(kBeat));
        REQUIRE(turn_until(*loop, [&] { return served.end.closed == 2; }));
        served.end.connection.reset();
    }
}

TEST_CASE("memory that is short for what came costs that connection only") {
    struct Short {
        int left = 0;
        net::UvLoop* loop = nullptr;
    } state;
    MemoryHook hook;
    hook.user = &state;
    hook.allocate = [](void* user, size_t size, size_t align) -> void* {
        auto* short_of = static_cast<Short*>(user);
        if (short_of->left <= 0) return nullptr;
        --short_of->left;
        return std::aligned_alloc(align, (size + align - 1) / align * align);
    };
    hook.deallocate = [](void*, void* data, size_t, size_t) { std::free(data); };
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, &hook);
    End end;
    auto listener = transport->listen("127.0.0.1", 0, [&](auto c) { end.take(std::move(c)); });
    RawSocket first = RawSocket::connect((*listener)->port());
    REQUIRE(first.send(kBeat));
    REQUIRE(turn_until(*loop, [&] { return end.closed == 1; }));
    CHECK(end.status == Status::kMemory);
    state.left = 10;
    end.connection.reset();
    RawSocket second = RawSocket::connect((*listener)->port());
    REQUIRE(second.send(kBeat));
    REQUIRE(turn_until(*loop, [&] { return end.frames.size() == 1; }));
    CHECK(end.closed == 1);
}

TEST_CASE("a transport that goes writes out what was sent before") {
    auto loop = new_loop();
    auto served = std::make_unique<Served>(*loop);
    RawSocket raw = served->connect();
    served->end.connection->send_copy(Message::kGoodbye, 0, 0, pattern(40, 2), {}, {});
    served->end.connection.reset();
    served.reset();
    CHECK(drain(*loop, raw) == raw_frame(Message::kGoodbye, 0, 0, pattern(40, 2), {}, {}));
}
