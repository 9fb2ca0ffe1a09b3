#include <poll.h>

#include <ctime>

#include "net/wait.h"

namespace p2c2r::net {

void wait_readable(int fd, uint64_t timeout_us) {
    pollfd entry{fd, POLLIN, 0};
    timespec timeout{};
    timeout.tv_sec = static_cast<time_t>(timeout_us / 1'000'000);
    timeout.tv_nsec = static_cast<long>(timeout_us % 1'000'000 * 1000);
    // An early return is as good as a timeout: the caller looks at its clock again.
    (void)::ppoll(&entry, 1, &timeout, nullptr);
}

}  // namespace p2c2r::net
