// Waiting for one descriptor with a timeout finer than a millisecond.
#pragma once

#include <cstdint>

namespace p2c2r::net {

// Returns when `fd` is readable, after timeout_us, or when a signal came.
void wait_readable(int fd, uint64_t timeout_us);

}  // namespace p2c2r::net
