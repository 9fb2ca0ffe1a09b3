// The processor time that another process has used, to the microsecond and with its threads.
#pragma once

#include <cstdint>

namespace p2c2r::cli {

class CpuClock {
  public:
    // A child of ours, that lives.
    explicit CpuClock(int process);
    [[nodiscard]] uint64_t used_us() const;  // 0 when it is gone

  private:
    int clock_ = 0;
    bool valid_ = false;
};

void sleep_us(uint64_t us);

}  // namespace p2c2r::cli
