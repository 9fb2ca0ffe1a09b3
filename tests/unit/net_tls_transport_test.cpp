// Encrypted connections over real sockets: what goes wrong before the first frame.
#include <doctest/doctest.h>

#include "net/tls_session.h"
#include "unit/net_sockets.h"
#include "unit/net_support.h"

using namespace p2c2r;
using test::End;
using test::new_loop;
using test::RawSocket;
using test::TlsPair;
using test::turn_until;
using wire::Message;

namespace {

// A listener and whoever is accepted.
struct Served {
    net::UvLoop& loop;
    std::unique_ptr<net::Transport> transport;
    End end;
    std::unique_ptr<net::Listener> listener;

    Served(net::UvLoop& on, std::shared_ptr<net::TlsContext> tls)
        : loop(on), transport(net::make_uv_transport(on, nullptr)) {
        auto listening = transport->listen(
            "127.0.0.1", 0, [this](auto c) { end.take(std::move(c)); }, std::move(tls));
        REQUIRE(listening.ok());
        listener = std::move(*listening);
    }
    std::unique_ptr<net::Transport::Attempt> call(End& caller,
                                                  std::shared_ptr<net::TlsContext> tls) const {
        return transport->connect(
            "127.0.0.1", listener->port(), 5'000'000,
            [&caller](auto result) {
                REQUIRE(result.ok());
                caller.take(std::move(*result));
                // Waits for the handshake; nobody else will ever see it.
                caller.connection->send_copy(Message::kHello, 0, 1, {}, {}, {});
            },
            std::move(tls));
    }
};

}  // namespace

TEST_CASE("tls: what is sent at once goes out when the handshake is over") {
    auto loop = new_loop();
    Served served(*loop, TlsPair::get().server);
    End caller;
    const auto attempt = served.call(caller, TlsPair::get().client);
    REQUIRE(turn_until(*loop, [&] { return served.end.frames.size() == 1; }));
    const std::string pin = caller.connection->peer_identity();
    CHECK(to_hex({reinterpret_cast<const uint8_t*>(pin.data()), pin.size()}) ==
          to_hex(TlsPair::get().server->pin()));
    CHECK(caller.connection->channel_binding() == served.end.connection->channel_binding());
    CHECK(served.end.connection->peer_identity().empty());
}

TEST_CASE("tls: a plain connection binds no login") {
    auto loop = new_loop();
    test::TcpPair pair(*loop);
    CHECK(pair.client.connection->channel_binding().empty());
    CHECK(pair.client.connection->peer_identity().empty());
}

TEST_CASE("tls: a coordinator with another key gets no frame, and both sides hear of it") {
    auto loop = new_loop();
    Served served(*loop, TlsPair::get().server);
    Digest256 other = TlsPair::get().server->pin();
    other[0] ^= 1;
    End caller;
    const auto attempt = served.call(caller, *net::TlsContext::client({other, {}}));
    REQUIRE(turn_until(*loop, [&] { return caller.closed == 1 && served.end.closed == 1; }));
    CHECK(caller.status == Status::kAuth);
    CHECK(caller.why.find("is not the one that is expected") != std::string::npos);
    // Both begin in a text that is no longer than an error's.
    for (const Digest256& pin : {other, TlsPair::get().server->pin()}) {
        CHECK(caller.why.find(to_hex(pin).substr(0, 16) + "...") < 192);
    }
    CHECK(served.end.frames.empty());
}

TEST_CASE("tls: a caller that speaks plainly is told off, and the other way round") {
    auto loop = new_loop();
    SUBCASE("plain caller") {
        Served served(*loop, TlsPair::get().server);
        End caller;
        const auto attempt = served.call(caller, nullptr);
        REQUIRE(turn_until(*loop, [&] { return caller.closed == 1 && served.end.closed == 1; }));
        CHECK(served.end.status == Status::kUnsupported);
        CHECK(served.end.why == "the other side speaks plaintext, and this one TLS");
        CHECK(served.end.frames.empty());
        CHECK(caller.status == Status::kUnsupported);
        CHECK(caller.why == "the other side speaks TLS, and this one does not");
    }
    SUBCASE("plain coordinator") {
        Served served(*loop, nullptr);
        // As a coordinator says goodbye.
        served.end.closed_hook = [&] {
            served.end.connection->send_copy(Message::kGoodbye, 0, 0, {}, {}, {});
        };
        End caller;
        const auto attempt = served.call(caller, TlsPair::get().client);
        REQUIRE(turn_until(*loop, [&] { return caller.closed == 1 && served.end.closed == 1; }));
        CHECK(served.end.status == Status::kUnsupported);
        CHECK(served.end.why == "the other side speaks TLS, and this one does not");
        CHECK(served.end.frames.empty());
        CHECK(caller.status == Status::kUnsupported);
        CHECK(caller.why == "the other side speaks plaintext, and this one TLS");
        CHECK(caller.frames.empty());
    }
    SUBCASE("neither: words of another protocol") {
        Served served(*loop, TlsPair::get().server);
        RawSocket raw = RawSocket::connect(served.listener->port());
        REQUIRE(raw.send("GET / HTTP/1.1\r\n\r\n"));
        std::vector<uint8_t> answer;
        bool end = false;
        REQUIRE(turn_until(*loop, [&] {
            const std::vector<uint8_t> more = raw.take(100, end);
            answer.insert(answer.end(), more.begin(), more.end());
            return end;
        }));
        CHECK(served.end.status == Status::kProtocol);
        CHECK(served.end.why == "the other side does not speak TLS here");
        // An alert, as any server of TLS gives: fatal, unexpected_message.
        CHECK(answer == std::vector<uint8_t>{0x15, 3, 3, 0, 2, 2, 10});
    }
}

TEST_CASE("transport: words that drip count from their first byte, and only when they are whole") {
    auto loop = new_loop();
    std::vector<uint8_t> words;
    SUBCASE("a frame") {
        words = test::raw_frame(Message::kHello, 0, 0, {}, {}, {});
    }
    SUBCASE("what begins the handshake of TLS") {
        auto session = net::TlsSession::create(TlsPair::get().client, "127.0.0.1");
        REQUIRE(session);
        session->begin(words);
    }
    Served served(*loop, words.front() == 0x96 ? nullptr : TlsPair::get().server);
    RawSocket raw = RawSocket::connect(served.listener->port());
    REQUIRE(turn_until(*loop, [&] { return served.end.connection != nullptr; }));
    const net::Connection& connection = *served.end.connection;
    CHECK(connection.last_words_us() == 0);
    const uint64_t before_us = loop->now_us();
    const std::span<const uint8_t> all(words);
    REQUIRE(raw.send(all.first(5)));
    REQUIRE(turn_until(*loop, [&] { return connection.bytes_in() == 5; }));
    const uint64_t begun_us = loop->now_us();
    CHECK(connection.last_words_us() == 0);
    REQUIRE(turn_until(
        *loop, [&] { return loop->now_us() > begun_us + 2'000; }, 1'000));
    REQUIRE(raw.send(all.subspan(5)));
    REQUIRE(turn_until(*loop, [&] { return connection.last_words_us() != 0; }));
    CHECK(connection.last_words_us() >= before_us);
    CHECK(connection.last_words_us() <= begun_us);
}

TEST_CASE("tls: a connection may be closed and destroyed in the middle of the handshake") {
    auto loop = new_loop();
    for (int turns = 0; turns < 8; ++turns) {
        for (const bool of_server : {false, true}) {
            CAPTURE(turns);
            CAPTURE(of_server);
            Served served(*loop, TlsPair::get().server);
            End caller;
            const auto attempt = served.call(caller, TlsPair::get().client);
            REQUIRE(turn_until(*loop, [&] { return served.end.connection && caller.connection; }));
            for (int i = 0; i < turns; ++i) loop->turn(0);
            End& leaving = of_server ? served.end : caller;
            End& staying = of_server ? caller : served.end;
            leaving.connection.reset();
            REQUIRE(turn_until(*loop, [&] { return staying.closed == 1; }));
        }
    }
}

TEST_CASE("tls: bytes in and out are those on the wire") {
    auto loop = new_loop();
    test::TcpPair pair(*loop, true);
    const Bytes data = Bytes::copy(test::pattern(500'000, 5));
    for (uint64_t i = 0; i < 4; ++i) {
        pair.client.connection->send(Message::kTaskSubmit, 0, i, {}, {}, data.slice(0, 200'000));
    }
    REQUIRE(turn_until(*loop, [&] { return pair.server.frames.size() == 4; }));
    CHECK(pair.server.connection->bytes_in() == pair.client.connection->bytes_out());
    CHECK(pair.server.connection->bytes_out() == pair.client.connection->bytes_in());
    // Full records of 16 KiB have 22 bytes more, so an eightieth of a percent.
    CHECK(pair.client.connection->bytes_out() > 800'000);
    CHECK(pair.client.connection->bytes_out() < 803'000);
}

TEST_CASE("tls: a reader that never reads is held back, then served in full") {
    auto loop = new_loop();
    test::TcpPair pair(*loop, true);
    const auto data = test::pattern(256 * 1024, 9);
    const Bytes bytes = Bytes::copy(data);
    pair.client.connection->pause_reading(true);
    constexpr size_t kFrames = 60;
    size_t sent = 0;
    const auto pump = [&] {
        while (sent < kFrames && pair.server.connection->queued_bytes() < net::kSendHighMark) {
            pair.server.connection->send(Message::kTaskResult, 0, sent++, {}, {}, bytes);
        }
    };
    pair.server.writable_hook = pump;
    pump();
    for (int i = 0; i < 100; ++i) loop->turn(1000);
    CHECK(sent < kFrames);
    pair.client.connection->pause_reading(false);
    REQUIRE(turn_until(
        *loop, [&] { return pair.client.frames.size() == kFrames; }, 200));
    for (const auto& frame : pair.client.frames) CHECK(frame.data == data);
}

TEST_CASE("tls: a login is bound to the connection also when the other side ends at once") {
    auto loop = new_loop();
    Served served(*loop, TlsPair::get().server);
    std::string binding;
    served.end.frame_hook = [&](net::Connection& connection, const wire::Frame&) {
        binding = connection.channel_binding();
    };
    End caller;
    const auto attempt = served.call(caller, TlsPair::get().client);
    REQUIRE(turn_until(*loop, [&] { return served.end.frames.size() == 1; }));
    const std::string expected = binding;
    CHECK(expected.size() == 32);
    // A frame and the end of the connection in one piece.
    binding.clear();
    caller.connection->send_copy(Message::kHello, 0, 2, {}, {}, {});
    caller.connection->close();
    REQUIRE(turn_until(*loop, [&] { return served.end.closed == 1; }));
    CHECK(served.end.frames.size() == 2);
    CHECK(binding == expected);
}

TEST_CASE("tls: who is turned away before saying a word costs no handshake") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    int turned_away = 0;
    auto listener = transport->listen(
        "127.0.0.1", 0,
        [&](auto connection) {
            ++turned_away;
            connection->close();
        },
        TlsPair::get().server);
    REQUIRE(listener.ok());
    RawSocket raw = RawSocket::connect((*listener)->port());
    bool end = false;
    REQUIRE(turn_until(*loop, [&] { return raw.take(100, end).empty() && end; }));
    CHECK(turned_away == 1);
}
