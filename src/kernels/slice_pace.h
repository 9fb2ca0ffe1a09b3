// How much work one submission to a GPU may hold, learned from those before: about 2 ms each, so
// that a cancelled task and an owner who wants the GPU back never wait longer.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace p2c2r::kernels {

// Any thread. Work is counted in a kernel's own unit (multiplications, rays).
class SlicePace {
  public:
    static constexpr uint64_t kSliceNs = 2'000'000;

    explicit SlicePace(uint64_t first_guess) : units_(first_guess) {}

    [[nodiscard]] uint64_t units() const { return units_.load(std::memory_order_relaxed); }

    // `units` took `device_ns` on the device (0: unknown).
    void learn(uint64_t units, uint64_t device_ns) {
        if (device_ns == 0 || units == 0) return;
        // A slice may be small because there was no more to do: what counts is the rate. At most
        // a factor of 4 at once, so that one odd measurement (a first run compiles) does little.
        const uint64_t present = this->units();
        const uint64_t wanted = units * kSliceNs / device_ns;
        const uint64_t limited = std::clamp(wanted, present / 4, present * 4);
        units_.store(std::max<uint64_t>(limited, 1), std::memory_order_relaxed);
    }

  private:
    std::atomic<uint64_t> units_;
};

}  // namespace p2c2r::kernels
