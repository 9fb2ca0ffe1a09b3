// Loop: now, post, call at a time. Implemented on libuv (uv_loop.h) and by the simulator.
// Everything but post() and wake() is for the loop's own thread.
#pragma once

#include <cstdint>
#include <functional>

namespace p2c2r::net {

// A timer that a role owns; it must be disarmed (or never armed) when it is destroyed.
class Timer {
  public:
    std::function<void()> fire;

    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

  private:
    friend class TimerHeap;
    uint64_t at_us_ = 0;
    uint64_t sequence_ = 0;
    size_t position_ = SIZE_MAX;  // in the heap; SIZE_MAX: not armed
};

class Loop {
  public:
    virtual ~Loop() = default;
    // Monotonic; constant during one callback at most by accident, so read it once per decision.
    [[nodiscard]] virtual uint64_t now_us() = 0;
    // The time at which this turn's events were taken up: no system call, at most a turn old. What
    // a role does per task uses this one. A plain read: it is asked several times a task.
    [[nodiscard]] uint64_t turn_us() { return turn_us_ != 0 ? turn_us_ : now_us(); }
    // Unix time in milliseconds, for showing only.
    [[nodiscard]] virtual uint64_t unix_ms() = 0;
    // (Re)arms: fires once, not before at_us. Timers of equal time fire in the order they were
    // armed.
    virtual void arm(Timer& timer, uint64_t at_us) = 0;
    virtual void disarm(Timer& timer) = 0;
    // Any thread: runs `work` on the loop's thread in a later turn.
    virtual void post(std::function<void()> work) = 0;
    // Runs `work` at the end of this turn, before what was sent is flushed; once however often it
    // is asked for in a turn. The pointer is the identity.
    struct TurnEnd {
        std::function<void()> run;
        bool asked = false;
    };
    virtual void at_turn_end(TurnEnd& hook) = 0;
    virtual void forget_turn_end(TurnEnd& hook) = 0;

  protected:
    uint64_t turn_us_ = 0;  // of the turn that runs; 0: none does, or this loop has no turns
};

}  // namespace p2c2r::net
