#include <doctest/doctest.h>

#include "identity/rate_limit.h"

using namespace p2c2r;
using identity::Rate;
using identity::RateLimit;

TEST_CASE("rate limit: a burst goes through at once, then what the rate gives") {
    const Rate rate{100, 10};
    RateLimit limit;
    uint64_t now = 5'000'000;
    for (int i = 0; i < 10; ++i) CHECK(limit.take(rate, 1, now) == 0);
    CHECK(limit.take(rate, 1, now) == 10'000);  // microseconds
    CHECK(limit.take(rate, 1, now + 9'999) == 1);
    CHECK(limit.take(rate, 1, now + 10'000) == 0);
    CHECK(limit.take(rate, 1, now + 10'000) == 10'000);
    // Over a long time no more than the rate, and no less.
    now += 1'000'000'000;
    int taken = 0;
    for (uint64_t at = now; at < now + 60'000'000; at += 1'000)
        taken += limit.take(rate, 1, at) == 0;
    CHECK(taken >= 6000);
    CHECK(taken <= 6010);
}

TEST_CASE("rate limit: more than the burst goes through after a rest, and is paid for") {
    const Rate rate{1000, 1000};
    RateLimit limit;
    CHECK(limit.take(rate, 5000, 1) == 0);
    CHECK(limit.take(rate, 1, 1) == 4'001'000);
    CHECK(limit.take(rate, 1, 1 + 4'001'000) == 0);
}

TEST_CASE("rate limit: what is charged is waited for, and no limit is none") {
    const Rate rate{10, 10};
    RateLimit limit;
    for (int i = 0; i < 30; ++i) limit.charge(rate, 1, 0);
    CHECK(limit.take(rate, 1, 0) == 2'100'000);
    const Rate none;
    RateLimit free;
    for (int i = 0; i < 1000; ++i) CHECK(free.take(none, 1u << 30, 0) == 0);
}
