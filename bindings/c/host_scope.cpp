#include "bindings/c/host_scope.h"

#include <cstdint>

namespace p2c2r::capi {

namespace {

// Plain numbers: nothing is constructed or destroyed with a thread.
constinit thread_local uint32_t host_depth = 0;
constinit thread_local bool library_thread = false;

}  // namespace

HostScope::HostScope() noexcept {
    ++host_depth;
}
HostScope::~HostScope() {
    --host_depth;
}

void mark_library_thread() noexcept {
    library_thread = true;
}

bool may_wait() noexcept {
    return host_depth == 0 && !library_thread;
}

const void* this_thread_token() noexcept {
    return &host_depth;
}

}  // namespace p2c2r::capi
