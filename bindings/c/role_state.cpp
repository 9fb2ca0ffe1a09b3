#include "bindings/c/role_state.h"

#include "bindings/c/host_scope.h"
#include "bindings/c/runtime_state.h"

namespace p2c2r::capi {

// ---- events -----------------------------------------------------------------------------------

bool EventQueue::push(int32_t type, Status status, uint64_t number, const std::string& subject,
                      const std::string& text) noexcept {
    const std::lock_guard lock(mutex_);
    const bool was_empty = count_ == 0;
    Event* place = nullptr;
    if (count_ > 0) {
        Event& newest = ring_[(first_ + count_ - 1) % kRoom];
        if (type == P2C2R_EVENT_PEERS && newest.type == type) place = &newest;
    }
    if (!place) {
        if (count_ == kRoom) {
            first_ = (first_ + 1) % kRoom;
            --count_;
        }
        place = &ring_[(first_ + count_) % kRoom];
        ++count_;
    }
    try {
        place->type = type;
        place->status = status;
        place->number = number;
        place->subject = subject;
        place->text = text;
    } catch (...) {
        // The event itself matters more than its words.
        place->subject.clear();
        place->text.clear();
    }
    return was_empty;
}

bool EventQueue::pop(Event& out) noexcept {
    const std::lock_guard lock(mutex_);
    if (count_ == 0) return false;
    std::swap(out, ring_[first_]);
    first_ = (first_ + 1) % kRoom;
    --count_;
    return true;
}

bool EventQueue::empty() noexcept {
    const std::lock_guard lock(mutex_);
    return count_ == 0;
}

// ---- roles ------------------------------------------------------------------------------------

RoleState::RoleState(RuntimeState& runtime, HandleKind kind, int32_t deliver, p2c2r_event_fn event,
                     void* user)
    : runtime(runtime),
      kind(kind),
      on_loop_(deliver == P2C2R_DELIVER_ON_LOOP ||
               (deliver == P2C2R_DELIVER_ON_DISPATCH && runtime.delivers_on_loop())),
      event_(event),
      user_(user),
      events_(event != nullptr) {}

void RoleState::post_event(int32_t type, Status status, uint64_t number, const std::string& subject,
                           const std::string& text) noexcept {
    if (!event_) return;
    const bool first = events_.push(type, status, number, subject, text);
    if (on_loop_) {
        runtime.want_settle(*this);
    } else if (first) {
        runtime.notify();
    }
}

bool RoleState::run_events(DispatchBudget& budget) {
    Event event;
    while (event_ && events_.pop(event)) {
        p2c2r_event given = {};
        given.struct_size = sizeof given;
        given.type = event.type;
        given.status = static_cast<p2c2r_status>(event.status);
        given.number = event.number;
        given.subject = event.subject.c_str();
        given.text = event.text.c_str();
        {
            const HostScope scope;
            event_(user_, &given);
        }
        if (!budget.go_on()) return false;
    }
    return true;
}

void RoleState::settle() {
    if (!on_loop_) return;
    DispatchBudget unlimited;
    run_events(unlimited);
}

void RoleState::dispatch(DispatchBudget& budget) {
    if (!on_loop_) run_events(budget);
}

bool RoleState::has_waiting() {
    return !on_loop_ && event_ && !events_.empty();
}

}  // namespace p2c2r::capi
