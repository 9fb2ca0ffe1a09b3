// From the handles of hosts to the objects behind them.
#pragma once

#include "bindings/c/client_state.h"
#include "bindings/c/clock.h"
#include "bindings/c/coordinator_state.h"
#include "bindings/c/failure.h"
#include "bindings/c/frames_state.h"
#include "bindings/c/handle_table.h"
#include "bindings/c/host_scope.h"
#include "bindings/c/peer_state.h"
#include "bindings/c/runtime_state.h"

namespace p2c2r::capi {

template <class Handle>
struct Behind;
template <>
struct Behind<p2c2r_runtime> {
    using State = RuntimeState;
    static constexpr HandleKind kind = HandleKind::kRuntime;
    static constexpr const char* name = "runtime";
    static State* of(void* object) { return static_cast<State*>(object); }
};
template <>
struct Behind<p2c2r_client> {
    using State = ClientState;
    static constexpr HandleKind kind = HandleKind::kClient;
    static constexpr const char* name = "client";
    static State* of(void* object) { return static_cast<State*>(static_cast<RoleState*>(object)); }
};
template <>
struct Behind<p2c2r_peer> {
    using State = PeerState;
    static constexpr HandleKind kind = HandleKind::kPeer;
    static constexpr const char* name = "peer";
    static State* of(void* object) { return static_cast<State*>(static_cast<RoleState*>(object)); }
};
template <>
struct Behind<p2c2r_coordinator> {
    using State = CoordinatorState;
    static constexpr HandleKind kind = HandleKind::kCoordinator;
    static constexpr const char* name = "coordinator";
    static State* of(void* object) { return static_cast<State*>(static_cast<RoleState*>(object)); }
};
template <>
struct Behind<p2c2r_frames> {
    using State = FramesState;
    static constexpr HandleKind kind = HandleKind::kFrames;
    static constexpr const char* name = "frames";
    static State* of(void* object) { return static_cast<State*>(object); }
};

p2c2r_status fail_handle(p2c2r_error* why, Status status, const char* name,
                         const void* handle) noexcept;
p2c2r_status fail_may_not_wait(p2c2r_error* why) noexcept;

// Opens a handle and calls body(state); a handle that is not usable is its status. Exceptions stop
// here.
template <class Handle, class Body>
p2c2r_status with(Handle* handle, p2c2r_error* why, Body&& body) noexcept {
    Status status = Status::kOk;
    void* object = find_handle(Behind<Handle>::kind, handle, status);
    if (!object) [[unlikely]] {
        return fail_handle(why, status, Behind<Handle>::name, handle);
    }
    return boundary(why, [&]() -> p2c2r_status { return body(*Behind<Handle>::of(object)); });
}

// The same for calls that may wait: not inside host functions, not on threads of the library.
template <class Handle, class Body>
p2c2r_status with_waiting(Handle* handle, p2c2r_error* why, Body&& body) noexcept {
    if (!may_wait()) return fail_may_not_wait(why);
    return with(handle, why, std::forward<Body>(body));
}

inline uint64_t deadline_in(uint64_t timeout_us) {
    const uint64_t now = now_us();
    return timeout_us > UINT64_MAX - now ? UINT64_MAX : now + timeout_us;
}

}  // namespace p2c2r::capi
