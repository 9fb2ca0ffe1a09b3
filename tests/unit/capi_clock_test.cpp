#include "bindings/c/clock.h"

#include <doctest/doctest.h>
#include <sched.h>

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

TEST_CASE("recent_us is at most a microsecond behind, on every thread") {
    CHECK(times_wrong(100'000) == 0);
    std::atomic<uint64_t> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { wrong += times_wrong(50'000); });
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
}

TEST_CASE("recent_us is at most a microsecond behind where a thread changes its core") {
    cpu_set_t all;
    REQUIRE(sched_getaffinity(0, sizeof all, &all) == 0);
    std::vector<int> cores;
    for (int core = 0; core < CPU_SETSIZE; ++core) {
        if (CPU_ISSET(core, &all)) cores.push_back(core);
    }
    uint64_t wrong = 0;
    std::thread([&] {
        for (size_t i = 0; i < 200; ++i) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(cores[i % cores.size()], &one);
            if (sched_setaffinity(0, sizeof one, &one) != 0) continue;
            wrong += times_wrong(20);
        }
    }).join();
    CHECK(wrong == 0);
}
