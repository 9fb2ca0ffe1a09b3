// Waiting finer than a millisecond, the finest that libuv can.
#pragma once

#include <cstdint>

namespace p2c2r::net {

// A descriptor that becomes readable at a given time: one wait for it and for sockets ends exactly.
// It is set far more seldom than is waited, so a wait costs no timer of the system's.
class WaitTimer {
  public:
    WaitTimer();
    ~WaitTimer();
    WaitTimer(const WaitTimer&) = delete;
    WaitTimer& operator=(const WaitTimer&) = delete;

    // -1: the system has no such thing, or no descriptor left for it.
    [[nodiscard]] int descriptor() const { return descriptor_; }
    // Readable from this time of the monotonic clock on, which may be over, and not before.
    void set(uint64_t at_us);
    // Not readable until it is set again.
    void clear();

  private:
    int descriptor_ = -1;
};

// Returns when `fd` is readable, after timeout_us, or when a signal came.
void wait_readable(int fd, uint64_t timeout_us);

}  // namespace p2c2r::net
