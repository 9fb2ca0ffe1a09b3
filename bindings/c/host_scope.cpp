#include "bindings/c/host_scope.h"

#include <cstdint>

namespace p2c2r::capi {

namespace {

// Plain numbers: nothing is constructed or destroyed with a thread. They are few enough bytes to
// lie in the block that every thread has from its start, which makes reading them one instruction.
#if defined(__ELF__)
#define P2C2R_THREAD_NUMBER __attribute__((tls_model("initial-exec"))) constinit thread_local
#else
#define P2C2R_THREAD_NUMBER constinit thread_local
#endif
P2C2R_THREAD_NUMBER uint32_t host_depth = 0;
P2C2R_THREAD_NUMBER bool library_thread = false;

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
