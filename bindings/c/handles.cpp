#include "bindings/c/handles.h"

#include <cstdio>

namespace p2c2r::capi {

p2c2r_status fail_handle(p2c2r_error* why, Status status, const char* name,
                         const void* handle) noexcept {
    char text[160];
    const char* what = "is not a handle of this kind";
    if (!handle) what = "is NULL";
    if (status == Status::kStale) what = "has been destroyed";
    if (status == Status::kState) what = "was made before this process was forked";
    std::snprintf(text, sizeof text, "%s %s", name, what);
    return fail(why, status, name, text);
}

p2c2r_status fail_may_not_wait(p2c2r_error* why) noexcept {
    return fail(why, Status::kState, {},
                "this call may wait, so it is not allowed inside a host function or on a thread of "
                "the library");
}

}  // namespace p2c2r::capi
