// TLS without sockets: two sessions whose bytes a test carries, delays and spoils.
#include <doctest/doctest.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "core/prng.h"
#include "identity/keys.h"
#include "net/tls_session.h"

using namespace p2c2r;
using net::TlsContext;
using net::TlsSession;
using State = TlsSession::State;

namespace {

struct Machine {
    identity::SigningKey key = identity::SigningKey::generate();
    std::string certificate;

    explicit Machine(uint64_t unix_seconds = static_cast<uint64_t>(std::time(nullptr))) {
        certificate = *key.certificate("machine", unix_seconds);
    }
    [[nodiscard]] Digest256 pin() const { return identity::pin_of(key.public_key()); }
    [[nodiscard]] std::shared_ptr<TlsContext> serve() const {
        return *TlsContext::server(certificate, key.to_pem());
    }
};

std::shared_ptr<TlsContext> trusting(const Digest256& pin) {
    return *TlsContext::client({pin, {}});
}

using Wire = std::vector<uint8_t>;

struct Two {
    std::unique_ptr<TlsSession> client;
    std::unique_ptr<TlsSession> server;
    Wire to_server;
    Wire to_client;
    std::string at_server;
    std::string at_client;
    std::function<void(Wire&)> spoil;  // bytes on their way to the server

    Two(const std::shared_ptr<TlsContext>& caller, const std::shared_ptr<TlsContext>& called)
        : client(TlsSession::create(caller, "127.0.0.1")), server(TlsSession::create(called, {})) {
        client->begin(to_server);
    }

    // In two pieces of odd sizes, so that records end anywhere in them.
    static size_t read(TlsSession& to, Wire& answers, std::string& text) {
        uint8_t first[700];
        uint8_t second[301];
        const net::IoPiece pieces[] = {{first, sizeof first}, {second, sizeof second}};
        const size_t size = to.read(pieces, answers);
        const size_t in_first = std::min(size, sizeof first);
        text.append(reinterpret_cast<const char*>(first), in_first);
        text.append(reinterpret_cast<const char*>(second), size - in_first);
        return size;
    }
    static void carry(Wire& wire, size_t piece, TlsSession& to, Wire& answers, std::string& text) {
        const Wire moving = std::exchange(wire, {});
        for (size_t at = 0; at < moving.size(); at += piece) {
            to.feed(std::span(moving).subspan(at, std::min(piece, moving.size() - at)));
            while (const size_t size = read(to, answers, text)) (void)size;
        }
        to.feed({});
    }
    // Until nothing moves any more.
    void run(size_t piece = 100'000) {
        while (!to_server.empty() || !to_client.empty()) {
            if (spoil) spoil(to_server);
            carry(to_server, piece, *server, to_client, at_server);
            carry(to_client, piece, *client, to_server, at_client);
        }
    }
    static bool say(TlsSession& from, std::string_view text, Wire& wire) {
        std::string bytes(text);
        const net::IoPiece piece{reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()};
        Wire sealed(text.size() + TlsSession::kWriteExtra);
        sealed.resize(from.write({&piece, 1}, sealed.data()));
        wire.insert(wire.end(), sealed.begin(), sealed.end());
        return !sealed.empty();
    }
    void say(std::string_view text) { REQUIRE(say(*client, text, to_server)); }
};

std::string hex_of(const std::string& bytes) {
    return to_hex({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

bool contains(const Wire& wire, std::string_view text) {
    return std::search(wire.begin(), wire.end(), text.begin(), text.end()) != wire.end();
}

}  // namespace

TEST_CASE("tls: both sides read what the other wrote, and the wire shows none of it") {
    const Machine machine;
    Two two(trusting(machine.pin()), machine.serve());
    two.run();
    REQUIRE(two.client->state() == State::kOpen);
    REQUIRE(two.server->state() == State::kOpen);
    const std::string secret = "a secret that must not be seen on the wire";
    two.say(secret);
    CHECK(two.to_server.size() > secret.size());
    CHECK_FALSE(contains(two.to_server, secret.substr(0, 8)));
    two.run();
    CHECK(two.at_server == secret);
    CHECK(Two::say(*two.server, "yes", two.to_client));
    two.run();
    CHECK(two.at_client == "yes");
}

TEST_CASE("tls: bytes may arrive one at a time") {
    const Machine machine;
    Two two(trusting(machine.pin()), machine.serve());
    two.run(1);
    REQUIRE(two.client->state() == State::kOpen);
    std::string text(40'000, 'x');
    for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
    for (size_t at = 0; at < text.size(); at += TlsSession::kRecordSize) {
        two.say(std::string_view(text).substr(at, TlsSession::kRecordSize));
    }
    two.run(1);
    CHECK(two.at_server == text);
}

TEST_CASE("tls: a login is bound to the very connection") {
    const Machine machine;
    Two one(trusting(machine.pin()), machine.serve());
    Two other(trusting(machine.pin()), machine.serve());
    one.run();
    other.run();
    CHECK(one.client->channel_binding().size() == 32);
    CHECK(one.client->channel_binding() == one.server->channel_binding());
    CHECK(one.client->channel_binding() != other.client->channel_binding());
    const std::string pin = one.client->peer_pin();
    CHECK(hex_of(pin) == to_hex(machine.pin()));
    CHECK(one.server->peer_pin().empty());
}

TEST_CASE("tls: another key than the pinned one is refused, and both pins are named") {
    const Machine machine;
    const Machine expected;
    Two two(trusting(expected.pin()), machine.serve());
    two.run();
    CHECK(two.client->state() == State::kFailed);
    CHECK(two.client->failure() == Status::kAuth);
    const std::string words = two.client->failure_text();
    CHECK(words.find(to_hex(machine.pin()).substr(0, 16)) != std::string::npos);
    CHECK(words.find(to_hex(expected.pin()).substr(0, 16)) != std::string::npos);
    CHECK(two.server->state() == State::kFailed);
    CHECK_FALSE(Two::say(*two.client, "x", two.to_server));
}

TEST_CASE("tls: a certificate whose time is over or has not come is refused with both times") {
    const uint64_t now = static_cast<uint64_t>(std::time(nullptr));
    constexpr uint64_t kDay = 86'400;
    SUBCASE("over") {
        const Machine old(now - 3653 * kDay);
        Two two(trusting(old.pin()), old.serve());
        two.run();
        CHECK(two.client->failure() == Status::kAuth);
        const std::string words = two.client->failure_text();
        CHECK(words.find("expired on ") != std::string::npos);
        CHECK(words.find("this machine's clock says ") != std::string::npos);
    }
    SUBCASE("not yet") {
        const Machine early(now + 3 * kDay);
        Two two(trusting(early.pin()), early.serve());
        two.run();
        // A clock may be set right later.
        CHECK(two.client->failure() == Status::kAgain);
        CHECK(std::string(two.client->failure_text()).find("valid from ") != std::string::npos);
    }
    SUBCASE("a clock that is a day behind is no obstacle") {
        const Machine ahead(now + kDay);
        Two two(trusting(ahead.pin()), ahead.serve());
        two.run();
        CHECK(two.client->state() == State::kOpen);
    }
}

TEST_CASE("tls: without a pin the certificate must come from an authority and name the host") {
    const Machine machine;
    const Machine stranger;
    // A self-signed certificate is its own authority, but names no host.
    const auto by_authority = *TlsContext::client({{}, machine.certificate});
    Two named(by_authority, machine.serve());
    named.run();
    CHECK(named.client->failure() == Status::kAuth);
    CHECK(std::string(named.client->failure_text()).find("IP address mismatch") !=
          std::string::npos);
    Two strange(*TlsContext::client({{}, stranger.certificate}), machine.serve());
    strange.run();
    CHECK(strange.client->failure() == Status::kAuth);
}

TEST_CASE("tls: a changed byte anywhere ends the connection, and nothing of it is read") {
    const Machine machine;
    const auto caller = trusting(machine.pin());
    const auto called = machine.serve();
    Prng prng(7);
    for (int round = 0; round < 200; ++round) {
        CAPTURE(round);
        Two two(caller, called);
        two.run();
        two.say("the first record");
        two.say("the second record");
        const size_t first = two.to_server.size() / 2;
        const size_t at = first + prng.below(two.to_server.size() - first);
        two.to_server[at] ^= static_cast<uint8_t>(1 + prng.below(255));
        two.run();
        CHECK(two.server->state() != State::kEnded);
        CHECK((two.at_server == "the first record" || two.at_server.empty()));
    }
}

TEST_CASE("tls: a handshake with a changed byte never ends in both sides being open") {
    const Machine machine;
    const auto caller = trusting(machine.pin());
    const auto called = machine.serve();
    Prng prng(11);
    for (int round = 0; round < 300; ++round) {
        CAPTURE(round);
        Two two(caller, called);
        // The head of the first record is the one thing that the handshake does not cover.
        const size_t at = 5 + prng.below(two.to_server.size() - 5);
        two.to_server[at] ^= static_cast<uint8_t>(1 + prng.below(255));
        two.run();
        const bool both =
            two.client->state() == State::kOpen && two.server->state() == State::kOpen;
        CHECK_FALSE(both);
    }
}

TEST_CASE("tls: recorded bytes of one connection open no other") {
    const Machine machine;
    Wire recorded;
    Two first(trusting(machine.pin()), machine.serve());
    first.spoil = [&](Wire& wire) { recorded.insert(recorded.end(), wire.begin(), wire.end()); };
    first.run();
    first.say("please");
    first.run();
    REQUIRE(first.at_server == "please");
    const auto again = TlsSession::create(machine.serve(), {});
    Wire answers;
    again->feed(recorded);
    std::string text;
    while (const size_t part = Two::read(*again, answers, text)) (void)part;
    CHECK(text.empty());
    CHECK(again->state() != State::kOpen);
}

TEST_CASE("tls: what is no TLS is told in words") {
    const Machine machine;
    for (const std::string& text :
         {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("\x96\xcc\x01\xcc\x00", 5),
          std::string(200, '\xff')}) {
        const auto server = TlsSession::create(machine.serve(), {});
        Wire answers;
        const Wire wire(text.begin(), text.end());
        server->feed(wire);
        std::string read;
        CHECK(Two::read(*server, answers, read) == 0);
        CHECK(server->state() == State::kFailed);
        const bool is_frame = text.front() == '\x96';
        CHECK(server->failure() == (is_frame ? Status::kUnsupported : Status::kProtocol));
        CHECK(std::string(server->failure_text()) ==
              (is_frame ? "the other side speaks plaintext, and this one TLS"
                        : "the other side does not speak TLS here"));
        CHECK(answers == Wire{0x15, 3, 3, 0, 2, 2, 10});
        // To a caller it is no TLS either, but a caller says no more.
        const auto client = TlsSession::create(trusting(machine.pin()), "127.0.0.1");
        Wire hello;
        client->begin(hello);
        answers.clear();
        client->feed(wire);
        CHECK(Two::read(*client, answers, read) == 0);
        CHECK(client->failure() == server->failure());
        CHECK(std::string(client->failure_text()) == server->failure_text());
        CHECK(answers.empty());
    }
}

TEST_CASE("tls: the end is said and heard") {
    const Machine machine;
    Two two(trusting(machine.pin()), machine.serve());
    two.run();
    two.say("last words");
    uint8_t end[TlsSession::kEndSize];
    REQUIRE(two.client->end(end) == sizeof end);
    two.to_server.insert(two.to_server.end(), end, end + sizeof end);
    two.run();
    CHECK(two.at_server == "last words");
    CHECK(two.server->state() == State::kEnded);
}

TEST_CASE("tls: a renewed certificate counts from the next connection on") {
    const Machine old;
    const Machine fresh;
    const auto called = old.serve();
    Two before(trusting(old.pin()), called);
    before.run();
    const Result<Done> wrong = called->renew(fresh.certificate, old.key.to_pem());
    REQUIRE_FALSE(wrong.ok());
    CHECK(wrong.error().field == "key_file");
    CHECK(called->pin() == old.pin());
    REQUIRE(called->renew(fresh.certificate, fresh.key.to_pem()).ok());
    CHECK(called->pin() == fresh.pin());
    before.say("still here");
    before.run();
    CHECK(before.at_server == "still here");
    Two after(trusting(fresh.pin()), called);
    after.run();
    CHECK(after.client->state() == State::kOpen);
}

TEST_CASE("tls: settings that cannot work are refused with their field") {
    const Machine machine;
    const std::string key = machine.key.to_pem();
    CHECK(TlsContext::server("", key).error().field == "certificate_file");
    CHECK(TlsContext::server("no certificate", key).error().field == "certificate_file");
    CHECK(TlsContext::server(machine.certificate, "").error().field == "key_file");
    CHECK(TlsContext::client({{}, {}}).error().field == "server_pin");
    CHECK(TlsContext::client({{}, "nothing"}).error().field == "ca_file");
}

TEST_CASE("tls: a certificate says whose it is and when it counts") {
    constexpr uint64_t kMade = 1'700'000'000;
    constexpr uint64_t kDay = 86'400;
    const Machine machine(kMade);
    const Result<net::CertificateFacts> facts = net::certificate_facts(machine.certificate);
    REQUIRE(facts.ok());
    CHECK(facts->pin == machine.pin());
    CHECK(facts->name == "machine");
    CHECK(facts->is_self_signed);
    CHECK(facts->validity.from_s == kMade - 2 * kDay);
    CHECK(facts->validity.until_s == kMade + 3652 * kDay);
    CHECK(machine.serve()->validity().until_s == facts->validity.until_s);
    CHECK_FALSE(net::certificate_facts("nothing").ok());
    // Its last bytes are the signature.
    std::string changed = machine.certificate;
    const size_t end = changed.find("-----END");
    changed[end - 10] = changed[end - 10] == 'A' ? 'B' : 'A';
    const Result<net::CertificateFacts> forged = net::certificate_facts(changed);
    CHECK((!forged.ok() || !forged->is_self_signed));
}

TEST_CASE("tls: an error that the host left behind is none of this connection") {
    const Machine machine;
    Two two(trusting(machine.pin()), machine.serve());
    ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
    two.run(100);
    REQUIRE(two.client->state() == State::kOpen);
    two.say("words");
    ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
    two.run(7);
    CHECK(two.server->state() == State::kOpen);
    CHECK(two.at_server == "words");
    CHECK(ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_USER);
    ERR_clear_error();
}
