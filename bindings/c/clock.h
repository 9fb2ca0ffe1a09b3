// The clock of the machine. Roles read none: they are told what time it is.
// Implemented in clock_posix.cpp.
#pragma once

#include <cstdint>

namespace p2c2r::capi {

// Microseconds on the monotonic clock; the same clock as the loop's. Any thread.
uint64_t now_us() noexcept;
// The same, at most one behind, and so perhaps before what another thread has read a moment ago.
// Asked again within a microsecond it costs less than half. Any thread.
uint64_t recent_us() noexcept;

}  // namespace p2c2r::capi
