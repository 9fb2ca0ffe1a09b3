// What client, peer and coordinator have in common as the runtime sees them: mail from other
// threads, host functions that wait to be run, and an end.
//
// Host functions run in one of two places. DELIVER_ON_DISPATCH: on a thread inside dispatch or
// poll, one such thread at a time (the runtime's gate). DELIVER_ON_LOOP: on the loop, when a turn
// settles, that is after all that the turn did to the roles.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <string>

#include "bindings/c/clock.h"
#include "bindings/c/handle_table.h"
#include "core/status.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::capi {

class RuntimeState;

struct DispatchBudget {
    uint32_t callbacks_left = UINT32_MAX;
    uint64_t until_us = UINT64_MAX;
    uint32_t run = 0;

    // After each host function; false: enough for now.
    bool go_on() noexcept {
        ++run;
        if (--callbacks_left == 0) return false;
        return until_us == UINT64_MAX || recent_us() < until_us;
    }
};

struct Event {
    int32_t type = 0;
    Status status = Status::kOk;
    uint64_t number = 0;
    std::string subject;
    std::string text;
};

// Events that wait for a host that does not dispatch: a bounded ring. A count replaces the count
// before it; when all places are taken the oldest event gives way.
class EventQueue {
  public:
    // Throws std::bad_alloc. Nothing is allocated for a role without an event function.
    explicit EventQueue(bool used) : ring_(used ? new Event[kRoom] : nullptr) {}
    // True when it was empty before. Never throws: an event for which memory is short is dropped.
    bool push(int32_t type, Status status, uint64_t number, const std::string& subject,
              const std::string& text) noexcept;
    bool pop(Event& out) noexcept;
    [[nodiscard]] bool empty() noexcept;

  private:
    static constexpr size_t kRoom = 256;
    std::mutex mutex_;  // guards all below
    const std::unique_ptr<Event[]> ring_;
    size_t first_ = 0;
    size_t count_ = 0;
};

// Where a client or peer is connected to, for the event that says so; "" while short of memory.
template <class Role>
std::string place_text(const std::unique_ptr<Role>& role) noexcept {
    try {
        return role ? role->where() : std::string();
    } catch (const std::bad_alloc&) {
        return {};
    }
}

class RoleState {
  public:
    RoleState(RuntimeState& runtime, HandleKind kind, int32_t deliver, p2c2r_event_fn event,
              void* user);
    virtual ~RoleState() = default;
    RoleState(const RoleState&) = delete;
    RoleState& operator=(const RoleState&) = delete;

    RuntimeState& runtime;
    const HandleKind kind;
    void* handle = nullptr;

    // ---- on the loop
    // What other threads have left for it.
    virtual void take_mail() {}
    // Makes what has ended known; with DELIVER_ON_LOOP runs the host functions.
    virtual void settle();

    // ---- inside the runtime's dispatch gate
    virtual void dispatch(DispatchBudget& budget);
    // Any thread: dispatch would find something.
    [[nodiscard]] virtual bool has_waiting();

    // Any thread: those who wait on this role look again.
    virtual void wake_waiting() {}

    // ---- the end, on the thread that destroys it
    // kTimeout: host code still runs; it may be asked again. Else the role is gone from the loop
    // and this object may be deleted.
    virtual Status shut(uint64_t deadline_us) = 0;

  protected:
    void post_event(int32_t type, Status status, uint64_t number, const std::string& subject,
                    const std::string& text) noexcept;
    [[nodiscard]] bool delivers_on_loop() const { return on_loop_; }
    // Runs waiting events within the budget. False: the budget is spent.
    bool run_events(DispatchBudget& budget);

  private:
    friend class RuntimeState;
    const bool on_loop_;
    const p2c2r_event_fn event_;
    void* const user_;
    EventQueue events_;

    bool wants_settle_ = false;         // loop only
    RoleState* next_settle_ = nullptr;  // loop only
    bool has_mail_ = false;             // the runtime's mail mutex
    RoleState* next_mail_ = nullptr;    // the runtime's mail mutex
};

}  // namespace p2c2r::capi
