// What this machine's line carries towards a coordinator, measured by sending.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cli/contact.h"
#include "cli/failure.h"

namespace p2c2r::cli {

// In 10^6 bits a second; takes some three seconds, on a slow line until two messages have gone.
// Fails where there is no coordinator, or where this machine may only help.
Result<double> measure_uplink_mbps(const Contact& coordinator);

// Which messages measure a line. They grow from 8 KiB to 192 KiB as long as one takes less than a
// quarter of a second: a slow line is measured by small ones. Asks no clock.
class UplinkMeter {
  public:
    // `empty_us`: the way there and back of an empty message.
    UplinkMeter(uint64_t empty_us, uint64_t now_us);
    // Bytes of the next message; 0: there have been enough.
    [[nodiscard]] size_t next(uint64_t now_us) const;
    // The next message was answered after so long.
    void took(uint64_t us);
    // The rate of the messages that took so long, less the way there and back of an empty one: the
    // first ones find the line's pace, so the middle of the last half counts. 0: there are none.
    [[nodiscard]] double mbps() const;

  private:
    uint64_t empty_us_;
    uint64_t until_us_;
    size_t size_;
    bool grows_ = true;
    std::vector<uint64_t> times_us_;  // of messages of this size
};

}  // namespace p2c2r::cli
