#include "wire/codec.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

#include "support/seed.h"
#include "unit/wire_samples.h"

using namespace p2c2r;
using namespace p2c2r::wire;

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
