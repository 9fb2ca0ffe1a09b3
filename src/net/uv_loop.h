// The libuv form of Loop: one thread turns it, either a thread of its own or whoever calls turn().
#pragma once

#include <cstdint>
#include <memory>

#include "core/status.h"
#include "net/loop.h"

struct uv_loop_s;

namespace p2c2r::net {

class UvLoop : public Loop {
  public:
    static Result<std::unique_ptr<UvLoop>> create();
    ~UvLoop() override;  // everything on it must have been closed; turns until libuv has let go

    uint64_t now_us() override;
    uint64_t unix_ms() override;
    void arm(Timer& timer, uint64_t at_us) override;
    void disarm(Timer& timer) override;
    void post(std::function<void()> work) override;
    void at_turn_end(TurnEnd& hook) override;
    void forget_turn_end(TurnEnd& hook) override;

    // One turn: waits up to timeout_us for something to do (0: does not wait), does it, flushes.
    void turn(uint64_t timeout_us);
    // Any thread: ends a wait in turn(). Cheap when nobody waits.
    void wake();
    // For a foreign loop: readable when there is something to do, and the time until the next
    // timer.
    [[nodiscard]] int backend_fd() const;
    [[nodiscard]] int backend_timeout_ms() const;
    // Called once a turn, first thing after the wait and before the turn-end hooks: where
    // submissions of other threads are taken in. Set before the first turn.
    void set_intake(std::function<void()> intake);

    [[nodiscard]] uv_loop_s* raw();

  private:
    class Impl;
    explicit UvLoop(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace p2c2r::net
