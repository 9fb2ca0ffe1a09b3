#include <poll.h>
#include <unistd.h>

#include <ctime>

#if defined(__linux__)
#include <sys/timerfd.h>
#endif

#include "net/wait.h"

namespace p2c2r::net {

namespace {

timespec to_timespec(uint64_t us) {
    timespec time{};
    time.tv_sec = static_cast<time_t>(us / 1'000'000);
    time.tv_nsec = static_cast<long>(us % 1'000'000 * 1000);
    return time;
}

}  // namespace

#if defined(__linux__)
WaitTimer::WaitTimer()
    : descriptor_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {}

void WaitTimer::set(uint64_t at_us) {
    itimerspec spec{};
    spec.it_value = to_timespec(at_us > 0 ? at_us : 1);  // 0 would stop it
    (void)::timerfd_settime(descriptor_, TFD_TIMER_ABSTIME, &spec, nullptr);
}

void WaitTimer::clear() {
    const itimerspec stopped{};
    (void)::timerfd_settime(descriptor_, 0, &stopped, nullptr);
}
#else
WaitTimer::WaitTimer() = default;
void WaitTimer::set(uint64_t) {}
void WaitTimer::clear() {}
#endif

WaitTimer::~WaitTimer() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void wait_readable(int fd, uint64_t timeout_us) {
    pollfd entry{fd, POLLIN, 0};
    const timespec timeout = to_timespec(timeout_us);
    // An early return is as good as a timeout: the caller looks at its clock again.
    (void)::ppoll(&entry, 1, &timeout, nullptr);
}

}  // namespace p2c2r::net
