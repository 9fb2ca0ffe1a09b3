#include "bindings/c/host_scope.h"

namespace p2c2r::capi {

namespace detail {
P2C2R_THREAD_NUMBER uint32_t host_depth = 0;
}
namespace {
P2C2R_THREAD_NUMBER bool library_thread = false;
}

void mark_library_thread() noexcept {
    library_thread = true;
}

bool may_wait() noexcept {
    return detail::host_depth == 0 && !library_thread;
}

}  // namespace p2c2r::capi
