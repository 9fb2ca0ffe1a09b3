#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

#include "bindings/c/clock.h"
#include "bindings/c/thread_number.h"

namespace p2c2r::capi {

uint64_t now_us() noexcept {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000 +
           static_cast<uint64_t>(now.tv_nsec) / 1000;
}

// The system's clock waits until all that the processor has begun is done, which costs its caller
// more than the reading itself. Where a counter of the processor shows that less than a microsecond
// has gone by on this thread, the reading before is still good.
#if defined(__x86_64__)
namespace {

// Counters that run evenly, whatever the processor does, run at 1 GHz or more.
constexpr uint64_t kTicksOfReading = 1'000;

bool runs_evenly() noexcept {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(0x8000'0007, &a, &b, &c, &d) != 0 && (d & 1u << 8) != 0;
}
const bool has_ticks = runs_evenly();

struct Reading {
    uint64_t ticks = 0;  // from just before it was taken
    uint64_t us = 0;     // 0: there is none
};
P2C2R_THREAD_NUMBER Reading last_reading;

}  // namespace

uint64_t recent_us() noexcept {
    if (!has_ticks) return now_us();
    Reading& last = last_reading;
    const uint64_t ticks = __rdtsc();
    if (ticks - last.ticks < kTicksOfReading && last.us != 0) return last.us;
    last.us = now_us();
    last.ticks = ticks;
    return last.us;
}
#else
uint64_t recent_us() noexcept {
    return now_us();
}
#endif

}  // namespace p2c2r::capi
