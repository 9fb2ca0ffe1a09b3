// How much work one submission to a GPU may hold, learned from those before: about 1 ms each, and
// two are under way at most (slices_under_way.h), so that a cancelled task and an owner who wants
// the GPU back wait some 2 ms.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace p2c2r::kernels {

// Any thread. Work is counted in a kernel's own unit (multiplications, rays).
class SlicePace {
  public:
    static constexpr uint64_t kSliceNs = 1'000'000;

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

// The same for slices that mix several kinds of work: how long one unit of each takes. Any thread.
template <size_t kKinds>
class MixedPace {
  public:
    using Amounts = std::array<double, kKinds>;

    explicit MixedPace(const Amounts& first_guess_ns) {
        for (size_t i = 0; i < kKinds; ++i) unit_ns_[i] = first_guess_ns[i];
    }

    [[nodiscard]] double unit_ns(size_t kind) const {
        return unit_ns_[kind].load(std::memory_order_relaxed);
    }

    // So much of each kind took `device_ns` together (0: unknown).
    void learn(const Amounts& amounts, uint64_t device_ns) {
        Amounts expected_ns{};
        double sum = 0;
        double squares = 0;
        for (size_t i = 0; i < kKinds; ++i) {
            expected_ns[i] = amounts[i] * unit_ns(i);
            sum += expected_ns[i];
            squares += expected_ns[i] * expected_ns[i];
        }
        if (device_ns == 0 || sum == 0) return;
        // One measurement of several unknowns: each is blamed by its share of what was expected.
        // Mixtures differ, so that in time all are known. Half of the way, and at most a factor of
        // 2 at once: an odd measurement (a first run compiles, another program has the processor)
        // is undone by the next few.
        const double change =
            std::clamp(std::log(static_cast<double>(device_ns) / sum) / 2, -0.7, 0.7);
        for (size_t i = 0; i < kKinds; ++i) {
            const double factor = std::exp(change * expected_ns[i] * sum / squares);
            const double changed = std::clamp(factor, 0.5, 2.0) * unit_ns(i);
            unit_ns_[i].store(std::clamp(changed, kUnitNsLeast, kUnitNsMost),
                              std::memory_order_relaxed);
        }
    }

  private:
    static constexpr double kUnitNsLeast = 1e-4;
    static constexpr double kUnitNsMost = 1e9;

    std::array<std::atomic<double>, kKinds> unit_ns_;
};

}  // namespace p2c2r::kernels
