#include "bindings/c/clock.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace p2c2r::capi;

namespace {

// How often recent_us() was more than a microsecond behind the clock, or before it, or ran back.
uint64_t times_wrong(int rounds) {
    uint64_t wrong = 0;
    uint64_t last = 0;
    for (int round = 0; round < rounds; ++round) {
        const uint64_t before = now_us();
        // Some right after each other, so that a reading is used again.
        for (int k = 0; k < 3; ++k) {
            const uint64_t recent = recent_us();
            wrong += recent + 1 < before || recent < last;
            last = recent;
        }
        wrong += last > now_us();
    }
    return wrong;
}

}  // namespace

TEST_CASE("clock: recent_us is at most a microsecond behind, on every thread") {
    CHECK(times_wrong(100'000) == 0);
    std::atomic<uint64_t> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { wrong += times_wrong(50'000); });
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
}

TEST_CASE(
    "clock: a reading is good for less than a microsecond and not where the counter ran back") {
    constexpr uint64_t kTicks = 5'000'000;
    ClockReading reading;
    CHECK_FALSE(reading.is_good(0));
    CHECK_FALSE(reading.is_good(kTicks));
    CHECK(reading.take(kTicks, 42, kTicks + 60));
    CHECK(reading.us() == 42);
    CHECK(reading.is_good(kTicks));
    CHECK(reading.is_good(kTicks + ClockReading::kTicksGood - 1));
    CHECK_FALSE(reading.is_good(kTicks + ClockReading::kTicksGood));
    CHECK_FALSE(reading.is_good(kTicks - 1));
    CHECK_FALSE(reading.is_good(0));
    CHECK_FALSE(reading.is_good(UINT64_MAX));
    // Over the end of what the counter can show.
    CHECK(reading.take(UINT64_MAX - 10, 43, 20));
    CHECK(reading.is_good(5));
    CHECK_FALSE(reading.is_good(ClockReading::kTicksGood));
}

TEST_CASE("clock: a counter slower than it should be is found out") {
    ClockReading reading;
    CHECK(reading.take(1'000'000, 50, 1'000'100));
    // 10 us at 1 GHz, and a microsecond that the readings are cut to.
    CHECK(reading.take(1'010'000, 61, 1'010'100));
    // A thread that was held up between its readings knows how long.
    CHECK(reading.take(1'020'000, 5'071, 6'020'000));
    CHECK(reading.take(6'030'000, 5'081, 6'030'100));
    // At 100 MHz.
    CHECK_FALSE(reading.take(6'031'000, 5'091, 6'031'010));
    CHECK_FALSE(reading.is_good(6'031'000));
}
