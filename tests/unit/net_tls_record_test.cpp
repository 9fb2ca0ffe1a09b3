// Records after the handshake: beside the published example of RFC 8448, and with OpenSSL's own
// connections on the other side.
#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "core/prng.h"
#include "identity/keys.h"
#include "net/tls_session.h"
#include "support/seed.h"

using namespace p2c2r;
using net::IoPiece;
using net::RecordKey;
using net::RecordType;
using net::TlsContext;
using net::TlsSession;
using net::TrafficSecret;
using State = TlsSession::State;

namespace {

using Wire = std::vector<uint8_t>;

Wire bytes_of(const std::string& hex) {
    Wire bytes(hex.size() / 2);
    REQUIRE(from_hex(hex, bytes));
    return bytes;
}

TrafficSecret secret_of(const Wire& bytes) {
    TrafficSecret secret;
    secret.size = bytes.size();
    std::copy(bytes.begin(), bytes.end(), secret.bytes.begin());
    return secret;
}

constexpr uint32_t kSuites[] = {0x1301, 0x1302, 0x1303};
size_t secret_size(uint32_t suite) {
    return suite == 0x1302 ? 48 : 32;
}

// Both ends of one direction.
struct Direction {
    RecordKey seals;
    RecordKey opens;
    explicit Direction(uint32_t suite)
        : seals(suite, true, secret_of(Wire(secret_size(suite), 7))),
          opens(suite, false, secret_of(Wire(secret_size(suite), 7))) {}

    Wire seal(const std::string& text, RecordType type = RecordType::kData) {
        std::string bytes = text;
        Wire record(text.size() + RecordKey::kOverhead);
        const IoPiece piece{reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()};
        REQUIRE(seals.seal(type, {&piece, 1}, record.data()));
        return record;
    }
    bool open(const Wire& record, std::string& text, RecordType& type) {
        Wire into(record.size());
        const IoPiece piece{into.data(), into.size()};
        size_t size = 0;
        if (!opens.open(record, {&piece, 1}, type, size)) return false;
        text.assign(into.begin(), into.begin() + static_cast<ptrdiff_t>(size));
        return true;
    }
};

// OpenSSL's own end of a connection, over memory.
struct Other {
    SSL_CTX* settings = nullptr;
    SSL* ssl = nullptr;
    BIO* in = nullptr;
    BIO* out = nullptr;
    std::string heard;

    Other(bool is_server, const identity::SigningKey& key, const char* suites) {
        settings = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
        REQUIRE(SSL_CTX_set_ciphersuites(settings, suites) == 1);
        SSL_CTX_set_verify(settings, SSL_VERIFY_NONE, nullptr);
        if (is_server) {
            const std::string certificate =
                *key.certificate("other", static_cast<uint64_t>(std::time(nullptr)));
            const std::string secret = key.to_pem();
            BIO* text = BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size()));
            X509* parsed = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
            REQUIRE(SSL_CTX_use_certificate(settings, parsed) == 1);
            X509_free(parsed);
            BIO_free(text);
            text = BIO_new_mem_buf(secret.data(), static_cast<int>(secret.size()));
            EVP_PKEY* pair = PEM_read_bio_PrivateKey(text, nullptr, nullptr, nullptr);
            REQUIRE(SSL_CTX_use_PrivateKey(settings, pair) == 1);
            EVP_PKEY_free(pair);
            BIO_free(text);
        }
        ssl = SSL_new(settings);
        in = BIO_new(BIO_s_mem());
        out = BIO_new(BIO_s_mem());
        SSL_set_bio(ssl, in, out);
        is_server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
    }
    ~Other() {
        SSL_free(ssl);
        SSL_CTX_free(settings);
        ERR_clear_error();
    }
    // What arrived, and then what is to be sent.
    void turn(Wire& arrived, Wire& sent) {
        BIO_write(in, arrived.data(), static_cast<int>(arrived.size()));
        arrived.clear();
        char text[20'000];
        int size = 0;
        while ((size = SSL_read(ssl, text, sizeof text)) > 0) {
            heard.append(text, static_cast<size_t>(size));
        }
        take(sent);
    }
    void take(Wire& sent) {
        uint8_t bytes[4096];
        int size = 0;
        while ((size = BIO_read(out, bytes, sizeof bytes)) > 0) {
            sent.insert(sent.end(), bytes, bytes + size);
        }
    }
    void say(const std::string& text) {
        REQUIRE(SSL_write(ssl, text.data(), static_cast<int>(text.size())) ==
                static_cast<int>(text.size()));
    }
};

// Ours on one side, OpenSSL's on the other.
struct Mixed {
    identity::SigningKey key = identity::SigningKey::generate();
    Other other;
    std::unique_ptr<TlsSession> ours;
    Wire to_other;
    Wire to_us;
    std::string heard;
    Prng chance{test::seed()};

    Mixed(bool we_serve, const char* suites) : other(!we_serve, key, suites) {
        if (we_serve) {
            const std::string certificate =
                *key.certificate("ours", static_cast<uint64_t>(std::time(nullptr)));
            ours = TlsSession::create(*TlsContext::server(certificate, key.to_pem()), {});
        } else {
            ours = TlsSession::create(*TlsContext::client({identity::pin_of(key.public_key()), {}}),
                                      "127.0.0.1");
            ours->begin(to_other);
        }
        run();
        REQUIRE(ours->state() == State::kOpen);
        REQUIRE(SSL_is_init_finished(other.ssl));
    }
    // Until nothing moves any more; what comes to us comes in pieces of any size.
    void run() {
        do {
            other.turn(to_other, to_us);
            const Wire arrived = std::exchange(to_us, {});
            for (size_t at = 0; at < arrived.size();) {
                const size_t part = std::min<size_t>(arrived.size() - at, 1 + chance.below(9000));
                ours->feed(std::span(arrived).subspan(at, part));
                at += part;
                listen();
            }
        } while (!to_other.empty() || !to_us.empty());
    }
    void listen() {
        Wire into(1 + chance.below(30'000));
        const size_t cut = chance.below(into.size() + 1);
        const IoPiece pieces[] = {{into.data(), cut}, {into.data() + cut, into.size() - cut}};
        while (const size_t size = ours->read(pieces, to_other)) {
            heard.append(into.begin(), into.begin() + static_cast<ptrdiff_t>(size));
        }
    }
    bool say(const std::string& text) {
        std::string bytes = text;
        for (size_t at = 0; at < bytes.size();) {
            const size_t size = std::min(bytes.size() - at, TlsSession::kRecordSize);
            const size_t cut = chance.below(size + 1);
            auto* const from = reinterpret_cast<uint8_t*>(bytes.data() + at);
            const IoPiece pieces[] = {{from, cut}, {from + cut, size - cut}};
            Wire record(size + TlsSession::kWriteExtra);
            const size_t sealed = ours->write(pieces, record.data());
            if (sealed == 0) return false;
            to_other.insert(to_other.end(), record.begin(),
                            record.begin() + static_cast<ptrdiff_t>(sealed));
            at += size;
        }
        return true;
    }
};

std::string long_text(size_t size) {
    std::string text(size, ' ');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    return text;
}

constexpr const char* kSuiteNames[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                       "TLS_CHACHA20_POLY1305_SHA256"};

}  // namespace

TEST_CASE("tls record: the published example is sealed and opened byte for byte") {
    // RFC 8448, section 3: the client's first application data.
    const Wire secret =
        bytes_of("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5");
    const Wire published = bytes_of(
        "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20"
        "441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4");
    Wire plain(50);
    for (size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<uint8_t>(i);
    RecordKey seals(0x1301, true, secret_of(secret));
    const IoPiece pieces[] = {{plain.data(), 20}, {plain.data() + 20, 30}};
    Wire record(plain.size() + RecordKey::kOverhead);
    REQUIRE(seals.seal(RecordType::kData, pieces, record.data()));
    CHECK(to_hex(record) == to_hex(published));

    RecordKey opens(0x1301, false, secret_of(secret));
    CHECK(RecordKey::sealed_size(published.data()) == published.size());
    Wire into(plain.size());
    const IoPiece room[] = {{into.data(), 49}, {into.data() + 49, 1}};
    RecordType type{};
    size_t size = 0;
    REQUIRE(opens.open(published, room, type, size));
    CHECK(type == RecordType::kData);
    CHECK(size == plain.size());
    CHECK(into == plain);
}

TEST_CASE("tls record: a record opens once, in its turn, and not when a bit of it is changed") {
    for (const uint32_t suite : kSuites) {
        CAPTURE(suite);
        ERR_clear_error();
        ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
        std::string text;
        RecordType type{};
        const Wire first = Direction(suite).seal("one");
        for (size_t bit = 0; bit < 8 * first.size(); ++bit) {
            Direction way(suite);
            Wire changed = first;
            changed[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
            CHECK_FALSE(way.open(changed, text, type));
        }
        Direction way(suite);
        const Wire one = way.seal("one");
        const Wire two = way.seal("two");
        REQUIRE(way.open(one, text, type));
        CHECK(text == "one");
        CHECK_FALSE(way.open(one, text, type));  // again
        Direction late(suite);
        CHECK_FALSE(late.open(two, text, type));  // before its turn
        // The host's list of errors has nothing of it.
        CHECK(ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_USER);
        ERR_get_error();
        CHECK(ERR_peek_error() == 0);
    }
}

TEST_CASE("tls record: after an update only the next key opens") {
    for (const uint32_t suite : kSuites) {
        Direction way(suite);
        std::string text;
        RecordType type{};
        REQUIRE(way.open(way.seal("before"), text, type));
        CHECK(way.seals.records() == 1);
        way.seals.update();
        CHECK(way.seals.records() == 0);
        const Wire after = way.seal("after");
        Direction old(suite);
        CHECK_FALSE(old.open(after, text, type));
        way.opens.update();
        REQUIRE(way.open(after, text, type));
        CHECK(text == "after");
    }
}

TEST_CASE("tls record: padding is taken off, wherever the pieces end") {
    for (const size_t cut : {0u, 1u, 3u, 4u, 9u, 12u}) {
        CAPTURE(cut);
        Direction way(0x1301);
        // The type behind the text is followed by zeros and by the type 0 of the record itself.
        const std::string inner = std::string("text") + '\x17' + std::string(7, '\0');
        const Wire record = way.seal(inner, RecordType{0});
        Wire into(inner.size());
        const IoPiece pieces[] = {{into.data(), cut}, {into.data() + cut, into.size() - cut}};
        RecordType type{};
        size_t size = 0;
        REQUIRE(way.opens.open(record, pieces, type, size));
        CHECK(type == RecordType::kData);
        CHECK(std::string(into.begin(), into.begin() + static_cast<ptrdiff_t>(size)) == "text");
    }
    Direction way(0x1301);
    std::string text;
    RecordType type = RecordType::kData;
    REQUIRE(way.open(way.seal(std::string(5, '\0'), RecordType{0}), text, type));
    CHECK(type == RecordType{0});
    CHECK(text.empty());
}

TEST_CASE("tls record: what is no head of a sealed record is none") {
    const auto size = [](const char* hex) { return RecordKey::sealed_size(bytes_of(hex).data()); };
    CHECK(size("1703030011") == 22);
    CHECK(size("1703030010") == 0);  // no room for a type
    CHECK(size("1703034011") == RecordKey::kSealedMax);
    CHECK(size("1703034012") == 0);  // too long
    CHECK(size("1503030020") == 0);
    CHECK(size("1603030020") == 0);
    CHECK(size("1403030001") == 0);
    CHECK(size("1703010020") == 0);
}

TEST_CASE(
    "tls record: OpenSSL's own connections read what is written here and the other way round") {
    for (const bool we_serve : {true, false}) {
        for (const char* suite : kSuiteNames) {
            CAPTURE(suite);
            CAPTURE(we_serve);
            Mixed two(we_serve, suite);
            CHECK(SSL_get_cipher(two.other.ssl) == std::string(suite));
            const std::string text = long_text(100'000);
            two.other.say(text);
            REQUIRE(two.say(text));
            two.run();
            CHECK(two.heard == text);
            CHECK(two.other.heard == text);
            uint8_t binding[32];
            REQUIRE(SSL_export_keying_material(two.other.ssl, binding, sizeof binding,
                                               "EXPORTER-p2c2r-login", 20, nullptr, 0, 0) == 1);
            CHECK(to_hex(binding) ==
                  to_hex({reinterpret_cast<const uint8_t*>(two.ours->channel_binding().data()),
                          two.ours->channel_binding().size()}));
        }
    }
}

TEST_CASE("tls record: keys are changed when the other side asks and when they are worn") {
    for (const char* suite : kSuiteNames) {
        Mixed two(true, suite);
        two.other.say("before");
        REQUIRE(SSL_key_update(two.other.ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
        two.other.say("after");
        two.run();
        CHECK(two.heard == "beforeafter");
        REQUIRE(two.say("answer"));
        two.run();
        CHECK(two.other.heard == "answer");
        two.ours->set_records_per_key(3);
        std::string all = "answer";
        for (int i = 0; i < 20; ++i) {
            REQUIRE(two.say(std::to_string(i)));
            all += std::to_string(i);
            two.run();
        }
        CHECK(two.other.heard == all);
    }
}

TEST_CASE("tls record: changes of keys that cost more than they are worth end the connection") {
    Mixed two(true, kSuiteNames[0]);
    int accepted = 0;
    for (; accepted < 100 && two.ours->state() == State::kOpen; ++accepted) {
        REQUIRE(SSL_key_update(two.other.ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
        SSL_do_handshake(two.other.ssl);
        two.other.take(two.to_us);
        two.run();
    }
    CHECK(two.ours->state() == State::kFailed);
    CHECK(accepted < 10);
    CHECK(std::string(two.ours->failure_text()) == "too many changes of TLS keys");
}

TEST_CASE("tls record: tickets of a foreign server are passed over") {
    Mixed two(false, kSuiteNames[0]);  // OpenSSL sends two of its own accord
    two.other.say("text");
    two.run();
    CHECK(two.heard == "text");
}

TEST_CASE("tls record: a forged record is answered by an alert and the end") {
    Mixed two(true, kSuiteNames[0]);
    two.other.say("good");
    two.other.take(two.to_us);
    two.to_us.back() ^= 1;
    two.run();
    CHECK(two.heard.empty());
    CHECK(two.ours->state() == State::kFailed);
    CHECK(two.ours->failure() == Status::kProtocol);
    CHECK_FALSE(two.say("more"));
    CHECK(ERR_GET_REASON(ERR_peek_error()) == SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
}

TEST_CASE("tls record: alerts of the other side end it, and what they are is said") {
    Mixed two(true, kSuiteNames[0]);
    SUBCASE("the end") {
        SSL_shutdown(two.other.ssl);
        two.other.take(two.to_us);
        two.run();
        CHECK(two.ours->state() == State::kEnded);
        CHECK(two.say("last words"));  // the other direction is still open
    }
    SUBCASE("a failure") {
        // A record that is not the next one.
        REQUIRE(two.say("lost"));
        two.to_other.clear();
        REQUIRE(two.say("next"));
        two.run();
        CHECK(two.ours->state() == State::kFailed);
        CHECK(std::string(two.ours->failure_text()) ==
              "the other side ended the TLS connection with an alert");
    }
}

TEST_CASE("tls record: what is in the clear after the handshake ends the connection") {
    for (const char* hex : {"140303000101", "15030300020100",
                            "1603030005180000010"
                            "0"}) {
        CAPTURE(hex);
        Mixed two(true, kSuiteNames[0]);
        two.to_us = bytes_of(hex);
        two.run();
        CHECK(two.ours->state() == State::kFailed);
        CHECK(two.heard.empty());
    }
}
