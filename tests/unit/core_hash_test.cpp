#include "core/hash.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/prng.h"
#include "support/seed.h"

using namespace p2c2r;

namespace {

// The bytes over which xxHash publishes its check values.
std::vector<uint8_t> check_bytes(size_t size) {
    std::vector<uint8_t> bytes(size);
    uint64_t state = 2654435761u;
    for (uint8_t& byte : bytes) {
        byte = static_cast<uint8_t>(state >> 56);
        state *= 11400714785074694797ull;
    }
    return bytes;
}

}  // namespace

TEST_CASE("hash: XXH3-64 gives the published values at every internal size class") {
    const struct {
        size_t size;
        uint64_t hash;
    } rows[] = {
        {0, 0x2D06800538D394C2},    {1, 0xC44BDFF4074EECDB},    {6, 0x27B56A84CD2D7325},
        {12, 0xA713DAF0DFBB77E7},   {24, 0xA3FE70BF9D3510EB},   {48, 0x397DA259ECBA1F11},
        {80, 0xBCDEFBBB2C47C90A},   {195, 0xCD94217EE362EC3A},  {403, 0xCDEB804D65C6DEA4},
        {512, 0x617E49599013CB6B},  {2048, 0xDD59E2C3A5F038E0}, {2240, 0x6E73A90539CF2948},
        {2367, 0xCB37AEB9E5D361ED},
    };
    for (const auto& row : rows) {
        CAPTURE(row.size);
        CHECK(hash64(check_bytes(row.size)) == row.hash);
    }
}

TEST_CASE("hash: two runs and pieces of any size hash like the whole") {
    Prng prng(test::seed());
    const std::vector<uint8_t> bytes = check_bytes(5000);
    for (int round = 0; round < 200; ++round) {
        const size_t size = prng.below(bytes.size() + 1);
        const std::span<const uint8_t> all(bytes.data(), size);
        const uint64_t whole = hash64(all);
        const size_t cut = prng.below(size + 1);
        CHECK(hash64(all.first(cut), all.subspan(cut)) == whole);
        Hasher64 hasher;
        for (std::span<const uint8_t> left = all; !left.empty();) {
            const size_t piece = std::min<size_t>(left.size(), prng.below(700));
            hasher.update(left.first(piece));
            left = left.subspan(piece);
        }
        CHECK(hasher.digest() == whole);
    }
}

TEST_CASE("hash: asking for the digest does not disturb what follows") {
    const std::vector<uint8_t> bytes = check_bytes(512);
    Hasher64 hasher;
    hasher.update(std::span(bytes).first(80));
    CHECK(hasher.digest() == 0xBCDEFBBB2C47C90A);
    hasher.update(std::span(bytes).subspan(80));
    CHECK(hasher.digest() == 0x617E49599013CB6B);
}
