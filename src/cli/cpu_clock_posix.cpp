#include "cli/cpu_clock_posix.h"

#include <time.h>

namespace p2c2r::cli {

CpuClock::CpuClock(int process) {
    clockid_t clock{};
    valid_ = ::clock_getcpuclockid(process, &clock) == 0;
    clock_ = clock;
}

uint64_t CpuClock::used_us() const {
    timespec used{};
    if (!valid_ || ::clock_gettime(clock_, &used) != 0) return 0;
    return static_cast<uint64_t>(used.tv_sec) * 1'000'000 +
           static_cast<uint64_t>(used.tv_nsec) / 1'000;
}

void sleep_us(uint64_t us) {
    const timespec pause{static_cast<time_t>(us / 1'000'000),
                         static_cast<long>(us % 1'000'000 * 1'000)};
    ::nanosleep(&pause, nullptr);
}

}  // namespace p2c2r::cli
