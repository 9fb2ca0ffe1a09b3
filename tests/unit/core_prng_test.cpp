#include "core/prng.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <limits>

#include "support/seed.h"

using namespace p2c2r;

TEST_CASE("prng: a seed gives the same numbers on every machine and build") {
    Prng prng(1234567);
    // Worked out by hand from the definitions of splitmix64 and xoshiro256**.
    CHECK(prng.next() == 0x30a3a1c363600467);
    CHECK(prng.next() == 0x19405f0f579929ca);
    CHECK(prng.next() == 0x115beaac046ddbd9);
}

TEST_CASE("prng: a bounded draw is the upper half of number times bound") {
    Prng numbers(test::seed()), draws(test::seed());
    for (int i = 0; i < 10000; ++i) {
        const uint64_t bound = Prng(static_cast<uint64_t>(i)).next() >> (i % 64);
        __extension__ using Wide = unsigned __int128;
        const Wide product = static_cast<Wide>(numbers.next()) * bound;
        REQUIRE(draws.below(bound) == static_cast<uint64_t>(product >> 64));
    }
}

TEST_CASE("prng: draws stay in their range up to the widest one") {
    Prng prng(test::seed());
    CHECK(prng.below(0) == 0);
    CHECK(prng.below(1) == 0);
    constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
    constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();
    bool negative = false, positive = false;
    for (int i = 0; i < 10000; ++i) {
        CHECK(prng.below(7) < 7);
        const int64_t small = prng.between(-3, 3);
        CHECK(small >= -3);
        CHECK(small <= 3);
        CHECK(prng.between(kHighest, kHighest) == kHighest);
        const int64_t wide = prng.between(kLowest, kHighest);
        negative = negative || wide < 0;
        positive = positive || wide > 0;
        CHECK(prng.between(kLowest, kLowest + 1) <= kLowest + 1);
        const double unit = prng.unit();
        CHECK(unit >= 0);
        CHECK(unit < 1);
    }
    CHECK(negative);
    CHECK(positive);
}

TEST_CASE("prng: small ranges are even") {
    Prng prng(42);  // fixed: the bound below is statistical
    std::array<int, 6> counts{};
    for (int i = 0; i < 60000; ++i) ++counts[prng.below(6)];
    for (const int count : counts) {
        CHECK(count > 9500);  // 5 standard deviations
        CHECK(count < 10500);
    }
    int hits = 0;
    for (int i = 0; i < 60000; ++i) hits += prng.chance(0.25);
    CHECK(hits > 14400);
    CHECK(hits < 15600);
}

TEST_CASE("prng: a fork is not shifted by draws of another fork") {
    Prng a(99), b(99);
    Prng a_first = a.fork(1), b_first = b.fork(1);
    for (int i = 0; i < 10; ++i) a_first.next();  // more draws in one place
    Prng a_second = a.fork(2), b_second = b.fork(2);
    CHECK(a_second.next() == b_second.next());
    CHECK(a_second.next() != b_first.next());
}
