#include "core/crypto.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace p2c2r;

namespace {

std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

TEST_CASE("crypto: SHA-256 gives the values of FIPS 180-4") {
    const struct {
        std::string text;
        std::string_view digest;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {std::string(1000000, 'a'),
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text.size());
        CHECK(to_hex(sha256(bytes_of(row.text))) == row.digest);
    }
}

TEST_CASE("crypto: SHA-256 over two runs is that of the whole") {
    const std::string_view text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    for (size_t cut = 0; cut <= text.size(); ++cut) {
        CHECK(sha256(bytes_of(text.substr(0, cut)), bytes_of(text.substr(cut))) ==
              sha256(bytes_of(text)));
    }
}

TEST_CASE("crypto: SHA-256 is right from several threads at once") {
    std::vector<std::thread> threads;
    std::array<bool, 4> right{};
    for (size_t i = 0; i < right.size(); ++i) {
        threads.emplace_back([&right, i] {
            const std::string text(1000000, 'a');
            right[i] = to_hex(sha256(bytes_of(text))) ==
                       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(std::count(right.begin(), right.end(), true) == 4);
}

TEST_CASE("crypto: hex is two lower-case digits a byte") {
    const uint8_t bytes[] = {0x00, 0x0f, 0xa5, 0xff};
    CHECK(to_hex(bytes) == "000fa5ff");
    CHECK(to_hex({}).empty());
}

TEST_CASE("crypto: system random never repeats a nonce and two sources differ") {
    const auto first = make_system_random();
    const auto second = make_system_random();
    std::set<std::array<uint8_t, 16>> seen;
    for (int i = 0; i < 20000; ++i) {
        std::array<uint8_t, 16> nonce{};
        first->fill(nonce);
        CHECK(seen.insert(nonce).second);
        second->fill(nonce);
        CHECK(seen.insert(nonce).second);
    }
}

TEST_CASE("crypto: system random fills every byte of any size and bits are even") {
    const auto random = make_system_random();
    uint64_t ones = 0, bits = 0;
    for (const size_t size :
         {0u, 1u, 15u, 16u, 31u, 4063u, 4064u, 4065u, 4096u, 10000u, 1000000u}) {
        std::vector<uint8_t> bytes(size + 1, 0x5A);
        random->fill(std::span(bytes).first(size));
        CHECK(bytes.back() == 0x5A);
        for (size_t i = 0; i < size; ++i)
            ones += static_cast<uint64_t>(__builtin_popcount(bytes[i]));
        bits += size * 8;
        if (size < 1000) continue;
        // No run of zeros long enough to be a part that was left out: chance 2^-128 a place.
        size_t run = 0, longest = 0;
        for (size_t i = 0; i < size; ++i)
            longest = std::max(longest, run = bytes[i] == 0 ? run + 1 : 0);
        CHECK(longest < 16);
    }
    // 8.2 million bits: 0.2 % is over 11 standard deviations.
    CHECK(static_cast<double>(ones) / static_cast<double>(bits) ==
          doctest::Approx(0.5).epsilon(0.002));
}

TEST_CASE("crypto: constant-time compare sees any differing byte and size") {
    std::array<uint8_t, 32> a{}, b{};
    CHECK(equal_constant_time(a, b));
    CHECK(equal_constant_time({}, {}));
    for (size_t i = 0; i < a.size(); ++i) {
        b[i] = 1;
        CHECK_FALSE(equal_constant_time(a, b));
        b[i] = 0;
    }
    CHECK_FALSE(equal_constant_time(a, std::span(b).first(31)));
}

TEST_CASE("crypto: a digest over pieces is the digest of the whole") {
    const std::string text(1000, 'x');
    for (const size_t cut : {0u, 1u, 63u, 64u, 999u, 1000u}) {
        Sha256 digest;
        digest.add(bytes_of(text).first(cut));
        digest.add(bytes_of(text).subspan(cut));
        CHECK(digest.finish() == sha256(bytes_of(text)));
    }
    CHECK(Sha256().finish() == sha256({}));
}
