#include "wire/codec.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "support/seed.h"
#include "unit/wire_raw.h"
#include "unit/wire_samples.h"
#include "wire/envelope_reader.h"
#include "wire/envelope_writer.h"

using namespace p2c2r;
using namespace p2c2r::wire;
using p2c2r::test::raw;

namespace {

// Decodes from memory of exactly its size, so that a sanitizer sees any read past the end.
template <class Envelope>
const char* decode_exact(std::span<const uint8_t> bytes) {
    const auto exact = std::make_unique<uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), exact.get());
    Envelope envelope;
    return decode({exact.get(), bytes.size()}, envelope);
}

}  // namespace

TEST_CASE("codec: every message comes back with every field as it went") {
    Prng prng(test::seed());
    test::for_each_kind([&](auto make) {
        for (uint64_t round = 0; round < 300; ++round) {
            test::Samples samples(prng.fork(round));
            const auto sample = make(samples);
            EnvelopeBuffer buffer;
            test::encode_any(sample, buffer);
            // What was there before must not shine through.
            test::Samples others(prng.fork(round + 1000));
            auto decoded = make(others);
            const char* why = decode(buffer.span(), decoded);
            INFO(round, ": ", why ? why : "decoded");
            REQUIRE(why == nullptr);
            REQUIRE(test::parts(sample) == test::parts(decoded));
        }
    });
}

TEST_CASE("codec: every prefix of every message is refused and never read past") {
    Prng prng(test::seed());
    test::for_each_kind([&](auto make) {
        for (uint64_t round = 0; round < 20; ++round) {
            test::Samples samples(prng.fork(round));
            const auto sample = make(samples);
            using Envelope = std::remove_cvref_t<decltype(sample)>;
            EnvelopeBuffer buffer;
            test::encode_any(sample, buffer);
            for (size_t size = 0; size < buffer.span().size(); ++size) {
                REQUIRE(decode_exact<Envelope>(buffer.span().first(size)) != nullptr);
            }
        }
    });
}

TEST_CASE("codec: integers are read from every form that holds them") {
    const std::vector<std::vector<uint8_t>> forms = {{100},
                                                     {0xcc, 100},
                                                     {0xcd, 0, 100},
                                                     {0xce, 0, 0, 0, 100},
                                                     {0xd0, 100},
                                                     {0xd1, 0, 100},
                                                     {0xd2, 0, 0, 0, 100},
                                                     {0xcf, 0, 0, 0, 0, 0, 0, 0, 100},
                                                     {0xca, 0x42, 0xc8, 0, 0},
                                                     {0xd3, 0, 0, 0, 0, 0, 0, 0, 100},
                                                     {0xcb, 0x40, 0x59, 0, 0, 0, 0, 0, 0}};
    for (const auto& form : forms) {
        INFO(static_cast<int>(form[0]));
        Goodbye goodbye;
        const auto bytes = raw({0x81, field::kRetryAfterMs}).raw(form).bytes;
        REQUIRE(decode(bytes, goodbye) == nullptr);
        CHECK(goodbye.retry_after_ms == 100);
    }
    Goodbye goodbye;
    for (const auto& form :
         std::vector<std::vector<uint8_t>>{{0xca, 0x42, 0xc8, 0x80, 0},              // 100.25
                                           {0xca, 0xbf, 0x80, 0, 0},                 // -1
                                           {0xcb, 0x43, 0xe0, 0, 0, 0, 0, 0, 0},     // 2^63
                                           {0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0}}) {  // infinity
        CHECK(decode(raw({0x81, field::kRetryAfterMs}).raw(form).bytes, goodbye) != nullptr);
    }
}

TEST_CASE("codec: what is written stays within the limits whatever the texts were") {
    EnvelopeBuffer buffer;
    const std::string long_text = std::string(1023, 'x') + "\xc3\xbc and more";
    encode(TaskTimeout{long_text}, buffer);
    TaskTimeout timeout;
    REQUIRE(decode(buffer.span(), timeout) == nullptr);
    CHECK(timeout.error == std::string(1023, 'x'));  // the character that would be cut is left out
    encode(TaskTimeout{"bad \xff text"}, buffer);
    REQUIRE(decode(buffer.span(), timeout) == nullptr);
    CHECK(timeout.error == "bad ? text");
    Heartbeat heartbeat, decoded;
    for (const auto& [from, to] : std::vector<std::pair<float, float>>{
             {-1.0f, 0.0f}, {7.0f, 1.0f}, {std::nanf(""), 0.0f}, {0.5f, 0.5f}}) {
        heartbeat.load = from;
        encode(heartbeat, buffer);
        REQUIRE(decode(buffer.span(), decoded) == nullptr);
        CHECK(decoded.load == to);
    }
}

TEST_CASE("codec: integers of every size are written in their shortest form and come back") {
    struct Case {
        int64_t value;
        size_t size;
    };
    const Case cases[] = {{0, 1},    {127, 1},    {128, 2},    {255, 2},
                          {256, 3},  {65535, 3},  {65536, 5},  {INT32_MAX, 5},
                          {-1, 1},   {-32, 1},    {-33, 2},    {-128, 2},
                          {-129, 3}, {-32768, 3}, {-32769, 5}, {INT32_MIN, 5}};
    for (const Case& one : cases) {
        INFO(one.value);
        EnvelopeBuffer buffer;
        EnvelopeWriter writer(buffer, 0);
        writer.signed_field(1, static_cast<int32_t>(one.value));
        writer.finish();
        CHECK(buffer.span().size() == 2 + one.size);
        EnvelopeReader reader(buffer.span());
        uint8_t key = 0;
        int64_t value = 0;
        REQUIRE(reader.open());
        REQUIRE(reader.next_key(key));
        REQUIRE(reader.read_signed(value));
        CHECK(value == one.value);
        CHECK(reader.close());
    }
    for (const uint64_t value : {uint64_t{1} << 32, UINT64_MAX}) {
        EnvelopeBuffer buffer;
        EnvelopeWriter writer(buffer, 0);
        writer.unsigned_field(1, value);
        writer.finish();
        CHECK(buffer.span().size() == 11);
        EnvelopeReader reader(buffer.span());
        uint8_t key = 0;
        uint64_t read = 0;
        REQUIRE(reader.open());
        REQUIRE(reader.next_key(key));
        REQUIRE(reader.read_unsigned(read));
        CHECK(read == value);
    }
}

TEST_CASE("codec: numbers of capabilities come back exactly and in few bytes") {
    struct Case {
        double value;
        size_t size;
    };
    const Case cases[] = {{0, 1},    {16, 1},    {1e9, 5},    {0.5, 5},  {31.25, 5},
                          {93.7, 9}, {1e300, 9}, {0x1p53, 5}, {-1.5, 5}, {4503599627370495.5, 9}};
    for (const Case& one : cases) {
        INFO(one.value);
        EnvelopeBuffer buffer;
        EnvelopeWriter writer(buffer, 0);
        writer.array_field(1, 1);
        writer.write_number(one.value);
        writer.finish();
        CHECK(buffer.span().size() == 3 + one.size);
        EnvelopeReader reader(buffer.span());
        uint8_t key = 0;
        uint32_t count = 0;
        double value = 0;
        REQUIRE(reader.open());
        REQUIRE(reader.next_key(key));
        REQUIRE(reader.read_array_header(count));
        REQUIRE(reader.read_number(value));
        CHECK(value == one.value);
    }
}
