// What this machine's line carries towards a coordinator, measured by sending.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cli/contact.h"
#include "cli/failure.h"

namespace p2c2r::cli {

// In 10^6 bits a second; takes some three seconds, and grows its messages from 8 KiB to
// 192 KiB as long as one takes less than a quarter of a second: a slow line is measured by small
// ones. Fails where there is no coordinator, or where this machine may only help.
Result<double> measure_uplink_mbps(const Contact& coordinator);

// The rate of the messages that took so long, less the way there and back of an empty one: the
// first ones find the line's pace, so the middle of the last half counts. 0: there are none.
double uplink_rate_mbps(const std::vector<uint64_t>& times_us, uint64_t empty_us, size_t bytes);

}  // namespace p2c2r::cli
