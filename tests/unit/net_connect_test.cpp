// Listening and connecting: addresses, refusals, names, time limits, cancelling.
#include <netdb.h>

#include <atomic>

#include "unit/net_sockets.h"
#include "unit/net_support.h"

using namespace p2c2r;
using namespace p2c2r::test;

namespace {

struct Outcome {
    int calls = 0;
    std::unique_ptr<net::Connection> connection;
    Error error;
};

Outcome connect(net::UvLoop& loop, net::Transport& transport, const std::string& host,
                uint32_t port, uint64_t timeout_us) {
    Outcome outcome;
    auto attempt = transport.connect(host, port, timeout_us, [&](auto result) {
        ++outcome.calls;
        if (result.ok()) {
            outcome.connection = std::move(*result);
        } else {
            outcome.error = result.error();
        }
    });
    CHECK(outcome.calls == 0);  // always in a later turn
    CHECK(turn_until(loop, [&] { return outcome.calls > 0; }));
    attempt.reset();
    loop.turn(0);
    CHECK(outcome.calls == 1);
    return outcome;
}

// A port of this machine where nobody listens.
uint32_t closed_port() {
    uint32_t port = 0;
    RawSocket::listen(port, 1).close();
    return port;
}

}  // namespace

TEST_CASE("a port in use and a wrong address are named") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    auto first = transport->listen("127.0.0.1", 0, [](auto) {});
    REQUIRE(first.ok());
    const uint32_t port = (*first)->port();
    CHECK(port > 0);
    auto second = transport->listen("127.0.0.1", port, [](auto) {});
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().status == Status::kIo);
    CHECK(second.error().text == "127.0.0.1:" + std::to_string(port) + " is in use");
    for (const std::string address : {"", "not an address", "256.0.0.1", "example.org"}) {
        auto wrong = transport->listen(address, 0, [](auto) {});
        REQUIRE_FALSE(wrong.ok());
        CHECK(wrong.error().status == Status::kArgument);
        CHECK(wrong.error().text.find(address) != std::string::npos);
    }
    auto port_too_large = transport->listen("127.0.0.1", 65536, [](auto) {});
    REQUIRE_FALSE(port_too_large.ok());
    CHECK(port_too_large.error().text.find("65536") != std::string::npos);
    auto elsewhere = transport->listen("192.0.2.1", 0, [](auto) {});
    REQUIRE_FALSE(elsewhere.ok());
    CHECK(elsewhere.error().status == Status::kIo);
    CHECK(elsewhere.error().text.find("192.0.2.1:0") != std::string::npos);
    // A listener that is gone frees its port.
    first->reset();
    CHECK(transport->listen("127.0.0.1", port, [](auto) {}).ok());
}

TEST_CASE("a refused connection is named with host and port") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    const uint32_t port = closed_port();
    const Outcome outcome = connect(*loop, *transport, "127.0.0.1", port, 5'000'000);
    CHECK(outcome.error.status == Status::kIo);
    CHECK(outcome.error.text ==
          "cannot connect to 127.0.0.1:" + std::to_string(port) + ": connection refused");
    const Outcome local = connect(*loop, *transport, "localhost", port, 5'000'000);
    CHECK(local.error.status == Status::kIo);
}

TEST_CASE("arguments that cannot be right are refused in a later turn") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    CHECK(connect(*loop, *transport, "127.0.0.1", 0, 1'000'000).error.status == Status::kArgument);
    CHECK(connect(*loop, *transport, "127.0.0.1", 70'000, 1'000'000).error.status ==
          Status::kArgument);
    CHECK(connect(*loop, *transport, "", 80, 1'000'000).error.status == Status::kArgument);
    CHECK(connect(*loop, *transport, std::string(254, 'a'), 80, 1'000'000).error.status ==
          Status::kArgument);
}

TEST_CASE("an unknown host is named and its look-up runs on a thread that is gone afterwards") {
    auto loop = new_loop();
    const size_t threads = threads_to_begin_with();
    std::atomic<int> starts{0};
    std::atomic<int> ends{0};
    net::UvTransportOptions options;
    options.thread_hook = [&](const char*, bool begins) { begins ? ++starts : ++ends; };
    auto transport = net::make_uv_transport(*loop, std::move(options));
    CHECK(starts == 0);
    const Outcome outcome = connect(*loop, *transport, "no-such-host.invalid", 4433, 15'000'000);
    CHECK(outcome.error.status == Status::kIo);
    CHECK(outcome.error.text.find("no-such-host.invalid:4433") != std::string::npos);
    CHECK(running_threads() == threads + 1);
    transport.reset();
    CHECK(starts == 1);
    CHECK(ends == 1);
    CHECK(threads_become(threads));
}

TEST_CASE("localhost is this machine without a look-up") {
    auto loop = new_loop();
    const size_t threads = threads_to_begin_with();
    auto transport = net::make_uv_transport(*loop, nullptr);
    std::unique_ptr<net::Connection> accepted;
    auto listener =
        transport->listen("localhost", 0, [&](auto fresh) { accepted = std::move(fresh); });
    REQUIRE(listener.ok());
    Outcome outcome = connect(*loop, *transport, "localhost", (*listener)->port(), 5'000'000);
    REQUIRE(outcome.connection);
    CHECK(turn_until(*loop, [&] { return accepted != nullptr; }));
    CHECK(outcome.connection->is_loopback());
    CHECK(outcome.connection->peer_address() == "127.0.0.1:" + std::to_string((*listener)->port()));
    CHECK(running_threads() == threads);
}

TEST_CASE("IPv6 works where the machine has it") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    std::unique_ptr<net::Connection> accepted;
    auto listener = transport->listen("::1", 0, [&](auto fresh) { accepted = std::move(fresh); });
    if (!listener.ok()) {
        MESSAGE("skipped: " << listener.error().text);
        return;
    }
    Outcome outcome = connect(*loop, *transport, "::1", (*listener)->port(), 5'000'000);
    REQUIRE(outcome.connection);
    CHECK(outcome.connection->is_loopback());
    CHECK(outcome.connection->peer_address() == "[::1]:" + std::to_string((*listener)->port()));
}

TEST_CASE("an address that does not answer ends in its time") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    // A queue of waiting connections that is full: further ones are neither taken nor refused.
    uint32_t port = 0;
    RawSocket full = RawSocket::listen(port, 0);
    std::vector<std::unique_ptr<net::Transport::Attempt>> fillers;
    std::vector<std::unique_ptr<net::Connection>> waiting;
    for (int i = 0; i < 8; ++i) {
        fillers.push_back(transport->connect("127.0.0.1", port, 60'000'000, [&](auto result) {
            if (result.ok()) waiting.push_back(std::move(*result));
        }));
    }
    for (int i = 0; i < 50; ++i) loop->turn(2000);
    const uint64_t before = loop->now_us();
    const Outcome outcome = connect(*loop, *transport, "127.0.0.1", port, 50'000);
    CHECK(outcome.error.status == Status::kTimeout);
    CHECK(outcome.error.text.find("no answer in time") != std::string::npos);
    CHECK(loop->now_us() - before >= 50'000);
}

TEST_CASE("a cancelled attempt never answers") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    int calls = 0;
    int accepted = 0;
    auto listener = transport->listen("127.0.0.1", 0, [&](auto) { ++accepted; });
    const auto count = [&](auto) { ++calls; };
    transport->connect("127.0.0.1", (*listener)->port(), 1'000'000, count).reset();
    auto in_flight = transport->connect("127.0.0.1", (*listener)->port(), 1'000'000, count);
    loop->turn(0);
    in_flight.reset();
    transport->connect("name-that-is-looked-up.invalid", 80, 1'000'000, count).reset();
    transport->connect("127.0.0.1", closed_port(), 1'000'000, count).reset();
    CHECK(turn_until(*loop, [&] { return accepted == 1; }));
    for (int i = 0; i < 20; ++i) loop->turn(1000);
    CHECK(calls == 0);
}

TEST_CASE("an attempt may be destroyed in its own answer") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    auto listener = transport->listen("127.0.0.1", 0, [](auto) {});
    for (const uint32_t port : {(*listener)->port(), closed_port(), 0u}) {
        std::unique_ptr<net::Transport::Attempt> attempt;
        int calls = 0;
        attempt = transport->connect("127.0.0.1", port, 1'000'000, [&](auto) {
            ++calls;
            attempt.reset();
        });
        CHECK(turn_until(*loop, [&] { return calls == 1; }));
    }
}

TEST_CASE("a listener may be destroyed while it hands a connection over") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    std::unique_ptr<net::Listener> listener;
    std::unique_ptr<net::Connection> accepted;
    auto listening = transport->listen("127.0.0.1", 0, [&](auto fresh) {
        accepted = std::move(fresh);
        listener.reset();
    });
    REQUIRE(listening.ok());
    listener = std::move(*listening);
    RawSocket first = RawSocket::connect(listener->port());
    RawSocket second = RawSocket::connect(listener->port());
    CHECK(turn_until(*loop, [&] { return accepted != nullptr; }));
    CHECK_FALSE(listener);
}

TEST_CASE("a connection that is refused by its owner at once is closed on the other side") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    auto listener = transport->listen("127.0.0.1", 0, [](auto fresh) { fresh->close(); });
    RawSocket raw = RawSocket::connect((*listener)->port());
    bool end = false;
    CHECK(turn_until(*loop, [&] {
        raw.take(10, end);
        return end;
    }));
}

TEST_CASE("two hundred connections at once are all taken") {
    auto loop = new_loop();
    auto transport = net::make_uv_transport(*loop, nullptr);
    std::vector<std::unique_ptr<net::Connection>> accepted;
    std::vector<std::unique_ptr<net::Connection>> connected;
    std::vector<std::unique_ptr<net::Transport::Attempt>> attempts;
    auto listener = transport->listen("127.0.0.1", 0,
                                      [&](auto fresh) { accepted.push_back(std::move(fresh)); });
    int failed = 0;
    constexpr size_t kCount = 200;
    for (size_t i = 0; i < kCount; ++i) {
        attempts.push_back(
            transport->connect("127.0.0.1", (*listener)->port(), 10'000'000, [&](auto result) {
                result.ok() ? connected.push_back(std::move(*result)) : void(++failed);
            }));
    }
    CHECK(
        turn_until(*loop, [&] { return accepted.size() == kCount && connected.size() == kCount; }));
    CHECK(failed == 0);
}
