// The libuv form of Loop: one thread turns it, either a thread of its own or whoever calls turn().
//
// A turn, in this order: intake, what was sent before the turn is written, the wait, what became
// ready, intake, timers, posted work, turn-end hooks, what was sent is written. Work that is added
// while its stage runs waits for the next turn, which then does not wait.
#pragma once

#include <cstdint>
#include <memory>

#include "core/status.h"
#include "net/loop.h"

struct uv_loop_s;

namespace p2c2r::net {

// Something that takes part in every turn: a transport, which writes when the turn ends.
class TurnPart {
  public:
    // After what became ready, before the hooks: events that wait for their turn.
    virtual void notify() = 0;
    // After the hooks: writes out what was sent.
    virtual void flush() noexcept = 0;
    [[nodiscard]] virtual bool wants_notify() const = 0;
    [[nodiscard]] virtual bool wants_flush() const = 0;

  protected:
    ~TurnPart() = default;
};

class UvLoop : public Loop {
  public:
    enum class Waits : uint8_t { kExact, kAsWithoutWaitTimer };  // the second for tests
    static Result<std::unique_ptr<UvLoop>> create(Waits waits = Waits::kExact);
    ~UvLoop() override;  // everything on it must have been closed; turns until libuv has let go

    uint64_t now_us() override;
    uint64_t unix_ms() override;
    void arm(Timer& timer, uint64_t at_us) override;
    void disarm(Timer& timer) override;
    void post(std::function<void()> work) override;
    void at_turn_end(TurnEnd& hook) override;
    void forget_turn_end(TurnEnd& hook) override;

    // One turn: waits up to timeout_us for something to do (0: does not wait), does it, flushes.
    // What a timer, posted work, a hook or the intake throws comes out of here; the rest of the
    // turn's work is then done by the next one. Nothing in it can raise SIGPIPE, so the caller need
    // not guard against that: sockets are written to with MSG_NOSIGNAL only.
    //
    // A caller that looks at what came between turns wants kReturnAfterWork: then a turn that has
    // done something before its wait does not wait.
    enum class Wait { kAlways, kReturnAfterWork };
    void turn(uint64_t timeout_us, Wait wait = Wait::kAlways);
    // Any thread: ends the wait in turn(), or the next one if nobody waits just now. No system call
    // when nobody waits.
    void wake();
    // For a foreign loop: readable when there is something to do, and the time until the next timer
    // (0: turn at once, -1: no timer). Ask for the time anew after each turn.
    [[nodiscard]] int backend_fd() const;
    [[nodiscard]] int backend_timeout_ms() const;
    // Called at the beginning of a turn and again after its wait: where submissions of other
    // threads are taken in. Says whether there were any. Set before the first turn.
    void set_intake(std::function<bool()> intake);

    // For the uv_*.cpp files of this room.
    [[nodiscard]] uv_loop_s* raw();
    void add_part(TurnPart& part);
    void remove_part(TurnPart& part);
    // Something became ready, or which descriptors are watched has changed.
    void note_event();
    void note_watch_change();

  private:
    class Impl;
    explicit UvLoop(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace p2c2r::net
