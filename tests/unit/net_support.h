// What the network tests share: a loop that is turned until something is true, and a connection end
// that writes down what it is told.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "identity/keys.h"
#include "net/tls.h"
#include "net/transport.h"
#include "net/uv_loop.h"
#include "net/uv_transport.h"

namespace p2c2r::test {

inline std::unique_ptr<net::UvLoop> new_loop(
    net::UvLoop::Waits waits = net::UvLoop::Waits::kExact) {
    auto loop = net::UvLoop::create(waits);
    REQUIRE(loop.ok());
    return std::move(*loop);
}

// Turns until `done`, which must come within 20 s; looks at least every wait_us.
inline bool turn_until(net::UvLoop& loop, const std::function<bool()>& done,
                       uint64_t wait_us = 20'000) {
    const uint64_t limit = loop.now_us() + 20'000'000;
    while (!done()) {
        if (loop.now_us() > limit) return false;
        loop.turn(wait_us);
    }
    return true;
}

// Bytes that look like chance and are the same for the same size and salt.
inline std::vector<uint8_t> pattern(size_t size, uint64_t salt) {
    std::vector<uint8_t> bytes((size + 7) / 8 * 8);
    uint64_t state = salt * 0x9E3779B97F4A7C15ull + 1;
    for (size_t at = 0; at < bytes.size(); at += 8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        std::memcpy(bytes.data() + at, &state, 8);
    }
    bytes.resize(size);
    return bytes;
}

struct SeenFrame {
    wire::Message message{};
    uint8_t flags = 0;
    uint64_t id = 0;
    std::vector<uint8_t> envelope;
    std::vector<uint8_t> params;
    std::vector<uint8_t> data;
};

class End : public net::ConnectionEvents {
  public:
    std::unique_ptr<net::Connection> connection;
    std::vector<SeenFrame> frames;
    int closed = 0;
    int writable = 0;
    Status status = Status::kOk;
    std::string why;
    std::function<void(net::Connection&, const wire::Frame&)> frame_hook;
    std::function<uint8_t*(wire::Message, uint64_t, size_t)> place_hook;
    std::function<void()> closed_hook;
    std::function<void()> writable_hook;
    bool record = true;

    void take(std::unique_ptr<net::Connection> fresh) {
        connection = std::move(fresh);
        connection->set_events(this);
        connection->set_limits(wire::kLimitsAfterLogin);
    }
    void on_frame(net::Connection& from, const wire::Frame& frame) override {
        if (record) {
            frames.push_back({frame.message,
                              frame.flags,
                              frame.id,
                              {frame.envelope.begin(), frame.envelope.end()},
                              {frame.params.begin(), frame.params.end()},
                              {frame.data.begin(), frame.data.end()}});
        }
        if (frame_hook) frame_hook(from, frame);
    }
    uint8_t* place_data(net::Connection&, wire::Message message, uint64_t id,
                        size_t size) override {
        return place_hook ? place_hook(message, id, size) : nullptr;
    }
    void on_closed(net::Connection&, Status with, const std::string& text) override {
        ++closed;
        status = with;
        why = text;
        if (closed_hook) closed_hook();
    }
    void on_writable(net::Connection&) override {
        ++writable;
        if (writable_hook) writable_hook();
    }
};

// Both sides' settings of encrypted connections, made once.
struct TlsPair {
    std::shared_ptr<net::TlsContext> server;
    std::shared_ptr<net::TlsContext> client;

    static const TlsPair& get() {
        static const TlsPair pair = [] {
            const identity::SigningKey key = identity::SigningKey::generate();
            const uint64_t now = static_cast<uint64_t>(std::time(nullptr));
            TlsPair made;
            made.server = *net::TlsContext::server(*key.certificate("test", now), key.to_pem());
            made.client = *net::TlsContext::client({made.server->pin(), {}});
            return made;
        }();
        return pair;
    }
};

// What a test case runs over (TEST_CASE_TEMPLATE).
struct Plain {
    static constexpr bool kEncrypted = false;
};
struct Encrypted {
    static constexpr bool kEncrypted = true;
};

// Two ends connected over loopback TCP; encrypted ones have shaken hands.
struct TcpPair {
    net::UvLoop& loop;
    std::unique_ptr<net::Transport> transport;
    End server;
    End client;
    std::unique_ptr<net::Listener> listener;
    std::unique_ptr<net::Transport::Attempt> attempt;

    explicit TcpPair(net::UvLoop& on, bool encrypted = false)
        : loop(on), transport(net::make_uv_transport(on, nullptr)) {
        const TlsPair tls = encrypted ? TlsPair::get() : TlsPair{};
        auto listening = transport->listen(
            "127.0.0.1", 0, [this](auto c) { server.take(std::move(c)); }, tls.server);
        REQUIRE(listening.ok());
        listener = std::move(*listening);
        attempt = transport->connect(
            "127.0.0.1", listener->port(), 5'000'000,
            [this](auto result) {
                REQUIRE(result.ok());
                client.take(std::move(*result));
            },
            tls.client);
        REQUIRE(turn_until(loop, [this] { return server.connection && client.connection; }));
        const auto shook = [](const End& end) {
            return !end.connection->channel_binding().empty();
        };
        if (encrypted) REQUIRE(turn_until(loop, [&] { return shook(server) && shook(client); }));
    }
};

}  // namespace p2c2r::test
