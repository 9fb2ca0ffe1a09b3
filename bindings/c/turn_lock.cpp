#include "bindings/c/turn_lock.h"

#include <algorithm>
#include <chrono>

#include "bindings/c/clock.h"

namespace p2c2r::capi {

std::chrono::steady_clock::time_point wait_point(uint64_t at_us) noexcept {
    const uint64_t hour_us = 3'600'000'000;
    const uint64_t now = now_us();
    const uint64_t at = at_us > now + hour_us ? now + hour_us : at_us;
    return std::chrono::steady_clock::time_point(
        std::chrono::microseconds(static_cast<int64_t>(at)));
}

bool TurnLock::acquire(uint64_t deadline_us, FunctionRef<void()> nudge) {
    std::unique_lock lock(mutex_);
    ++waiting_;
    while (held_) {
        lock.unlock();
        nudge();
        lock.lock();
        if (!held_) break;
        if (now_us() >= deadline_us) {
            --waiting_;
            changed_.notify_all();
            return false;
        }
        // A nudge may come just before the holder goes to sleep; so it is repeated.
        changed_.wait_until(lock, wait_point(std::min(deadline_us, now_us() + 2'000)));
    }
    --waiting_;
    held_ = true;
    return true;
}

bool TurnLock::acquire_politely(uint64_t timeout_us) {
    std::unique_lock lock(mutex_);
    const uint64_t releases = releases_;
    uint64_t deadline_us = 0;  // the clock is read only by those that have to wait
    while (held_ || (waiting_ > 0 && releases_ == releases)) {
        const uint64_t now = now_us();
        if (deadline_us == 0) {
            deadline_us = timeout_us > UINT64_MAX - now ? UINT64_MAX : now + timeout_us;
        }
        if (now >= deadline_us) return false;
        changed_.wait_until(lock, wait_point(deadline_us));
    }
    held_ = true;
    return true;
}

void TurnLock::release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    ++releases_;
    changed_.notify_all();
}

}  // namespace p2c2r::capi
