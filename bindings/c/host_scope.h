// Host functions are called inside a HostScope: calls that may wait look here first, so that none
// waits inside a host function or on a thread of the library (abi rule R7).
#pragma once

#include <cstdint>

#include "bindings/c/thread_number.h"

namespace p2c2r::capi {

namespace detail {
extern P2C2R_THREAD_NUMBER uint32_t host_depth;
}  // namespace detail

class HostScope {
  public:
    HostScope() noexcept { ++detail::host_depth; }
    ~HostScope() { --detail::host_depth; }
    HostScope(const HostScope&) = delete;
    HostScope& operator=(const HostScope&) = delete;
};

// Marks this thread as one of the library, for as long as it lives.
void mark_library_thread() noexcept;

// False inside a host function and on threads of the library.
bool may_wait() noexcept;

// A number that no other living thread has.
inline const void* this_thread_token() noexcept {
    return &detail::host_depth;
}

}  // namespace p2c2r::capi
