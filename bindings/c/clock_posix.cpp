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
// more than the reading itself. The counter is read without waiting.
#if defined(__x86_64__)
namespace {

// The processor says that its counter runs evenly, whatever it does to save power. It does not say
// that those of several sockets agree; a system whose own clock is this counter has seen to that.
bool runs_evenly() noexcept {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(0x8000'0007, &a, &b, &c, &d) != 0 && (d & 1u << 8) != 0;
}
const bool has_ticks = runs_evenly();

P2C2R_THREAD_NUMBER ClockReading last_reading;
P2C2R_THREAD_NUMBER bool is_distrusted = false;

}  // namespace

uint64_t recent_us() noexcept {
    if (!has_ticks || is_distrusted) return now_us();
    ClockReading& last = last_reading;
    const uint64_t ticks = __rdtsc();
    if (last.is_good(ticks)) return last.us();
    const uint64_t now = now_us();
    is_distrusted = !last.take(ticks, now, __rdtsc());
    return now;
}
#else
uint64_t recent_us() noexcept {
    return now_us();
}
#endif

}  // namespace p2c2r::capi
