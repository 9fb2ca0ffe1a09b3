// Who turns the loop: one thread at a time, and those that wait for it get it in between. A thread
// that polls without pause must not shut out one that wants the loop for a moment, so a poller lets
// a waiting thread go first.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "bindings/c/clock.h"
#include "bindings/c/function_ref.h"

namespace p2c2r::capi {

// A point on the clock of now_us() for a condition variable; far ones become an hour from now, so
// whoever waits for longer asks again.
std::chrono::steady_clock::time_point wait_point(uint64_t at_us) noexcept;

class TurnLock {
  public:
    // Waits until deadline_us. `nudge` is called when another thread holds it, to end its sleep.
    bool acquire(uint64_t deadline_us, FunctionRef<void()> nudge);
    // For a poller: behind those that wait.
    bool acquire_politely(uint64_t timeout_us);
    void release();

  private:
    std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    bool held_ = false;
    uint32_t waiting_ = 0;
    uint64_t releases_ = 0;
};

}  // namespace p2c2r::capi
