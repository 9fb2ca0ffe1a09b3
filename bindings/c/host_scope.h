// Host functions are called inside a HostScope: calls that may wait look here first, so that none
// waits inside a host function or on a thread of the library (abi rule R7).
#pragma once

namespace p2c2r::capi {

class HostScope {
  public:
    HostScope() noexcept;
    ~HostScope();
    HostScope(const HostScope&) = delete;
    HostScope& operator=(const HostScope&) = delete;
};

// Marks this thread as one of the library, for as long as it lives.
void mark_library_thread() noexcept;

// False inside a host function and on threads of the library.
bool may_wait() noexcept;

// A number that no other living thread has.
const void* this_thread_token() noexcept;

}  // namespace p2c2r::capi
