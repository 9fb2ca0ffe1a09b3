#include "identity/keys.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace p2c2r;
using identity::SigningKey;

namespace {

std::vector<uint8_t> bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

// RFC 8410, section 10.3: a private key, and its public half from section 10.1.
constexpr char kRfcKey[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
    "-----END PRIVATE KEY-----\n";
constexpr char kRfcPublic[] = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

}  // namespace

TEST_CASE("keys: a signature holds for its key and message, and for no other") {
    const SigningKey key = SigningKey::generate();
    const SigningKey other = SigningKey::generate();
    CHECK(key.public_key() != other.public_key());
    const std::vector<uint8_t> message = bytes_of("who I am");
    identity::Signature signature = key.sign(message);
    CHECK(identity::is_signed_by(key.public_key(), message, signature));
    CHECK_FALSE(identity::is_signed_by(other.public_key(), message, signature));
    CHECK_FALSE(identity::is_signed_by(key.public_key(), bytes_of("who I an"), signature));
    CHECK_FALSE(identity::is_signed_by(key.public_key(), {}, signature));
    for (size_t i = 0; i < signature.size(); ++i) {
        CAPTURE(i);
        signature[i] ^= 1;
        CHECK_FALSE(identity::is_signed_by(key.public_key(), message, signature));
        signature[i] ^= 1;
    }
}

TEST_CASE("keys: what is no point of the curve, or one that anybody can sign for, signs nothing") {
    const std::vector<uint8_t> message = bytes_of("x");
    identity::PublicKey key{};
    identity::Signature signature{};
    key.fill(0xfe);
    CHECK_FALSE(identity::is_signed_by(key, message, signature));
    for (const int first : {0x00, 0x01, 0xec, 0xed, 0xee}) {
        for (const int last : {0x00, 0x80, 0x7f, 0xff}) {
            CAPTURE(first);
            CAPTURE(last);
            key.fill(last & 0x7f ? 0xff : 0x00);
            key[0] = static_cast<uint8_t>(first);
            key[31] = static_cast<uint8_t>(last);
            // With the point of order 1 as R this holds for each of them and a fitting message.
            for (int kind = 0; kind < 64; ++kind) {
                signature = {};
                signature[0] = kind & 1;
                if (kind & 2) std::fill_n(signature.begin(), 32, 0xff), signature[31] = 0x7f;
                if (kind & 2) signature[0] = 0xec;
                const std::vector<uint8_t> other = bytes_of(std::to_string(kind));
                CHECK_FALSE(identity::is_signed_by(key, other, signature));
            }
        }
    }
}

TEST_CASE("keys: a key goes through PEM and comes back the same") {
    const SigningKey key = SigningKey::generate();
    const std::string pem = key.to_pem();
    CHECK(pem.find("-----BEGIN PRIVATE KEY-----") == 0);
    const Result<SigningKey> again = SigningKey::from_pem(pem);
    REQUIRE(again.ok());
    CHECK(again->public_key() == key.public_key());
    CHECK(again->sign(bytes_of("m")) == key.sign(bytes_of("m")));
}

TEST_CASE("keys: the key of RFC 8410 is read as it says") {
    const Result<SigningKey> key = SigningKey::from_pem(kRfcKey);
    REQUIRE(key.ok());
    CHECK(to_hex(key->public_key()) == kRfcPublic);
}

TEST_CASE("keys: what is no Ed25519 key is refused with words") {
    for (const char* text : {"", "hello", "-----BEGIN PRIVATE KEY-----\n",
                             "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}) {
        CAPTURE(text);
        const Result<SigningKey> key = SigningKey::from_pem(text);
        REQUIRE_FALSE(key.ok());
        CHECK(key.error().status == Status::kArgument);
        CHECK(key.error().text.find("no private key") != std::string::npos);
    }
    // X25519: for agreeing on secrets, it cannot sign.
    const Result<SigningKey> other = SigningKey::from_pem(
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VuBCIEIIhCr1g+RvqTGUcCI3C7ByU1MkKEmgEKjYx+XpBFqUV9\n"
        "-----END PRIVATE KEY-----\n");
    REQUIRE_FALSE(other.ok());
    CHECK(other.error().text.find("another kind than Ed25519") != std::string::npos);
}

TEST_CASE("keys: a certificate has a name of 1 to 64 bytes") {
    const SigningKey key = SigningKey::generate();
    for (const size_t size : {1u, 64u}) CHECK(key.certificate(std::string(size, 'n'), 1).ok());
    for (const size_t size : {0u, 65u}) {
        const Result<std::string> made = key.certificate(std::string(size, 'n'), 1);
        REQUIRE_FALSE(made.ok());
        CHECK(made.error().field == "name");
    }
}
