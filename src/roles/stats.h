// Counters and latency histograms of the roles: plain numbers, read by copying.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace p2c2r::roles {

// Log-linear histogram of microseconds: 16 steps an octave (about 4 % wide), 1 us to 2^36 us, fixed
// memory, no allocation per sample.
class Histogram {
  public:
    void add(uint64_t us) {
        ++counts_[bucket(us)];
        ++count_;
        sum_us_ += us;
    }
    [[nodiscard]] uint64_t count() const { return count_; }
    [[nodiscard]] uint64_t sum_us() const { return sum_us_; }
    // The value below which `share` (0..1) of the samples lie; 0 without samples.
    [[nodiscard]] uint64_t quantile_us(double share) const {
        if (count_ == 0) return 0;
        const uint64_t rank = static_cast<uint64_t>(share * static_cast<double>(count_ - 1)) + 1;
        uint64_t seen = 0;
        for (size_t index = 0; index < counts_.size(); ++index) {
            seen += counts_[index];
            if (seen >= rank) return middle(index);
        }
        return middle(counts_.size() - 1);
    }

  private:
    static constexpr int kStepBits = 4;
    static constexpr size_t kBuckets = (36 - kStepBits + 1) << kStepBits;

    static size_t bucket(uint64_t us) {
        if (us < (1u << kStepBits)) return static_cast<size_t>(us);
        const int octave = std::bit_width(us) - 1;
        const size_t index = (static_cast<size_t>(octave - kStepBits + 1) << kStepBits) +
                             ((us >> (octave - kStepBits)) & ((1u << kStepBits) - 1));
        return index < kBuckets ? index : kBuckets - 1;
    }
    static uint64_t middle(size_t index) {
        if (index < (1u << kStepBits)) return index;
        const int shift = static_cast<int>(index >> kStepBits) - 1;
        const uint64_t low = ((index & ((1u << kStepBits) - 1)) | (1u << kStepBits)) << shift;
        return low + (shift > 0 ? (1ull << shift) / 2 : 0);
    }

    std::array<uint64_t, kBuckets> counts_{};
    uint64_t count_ = 0;
    uint64_t sum_us_ = 0;
};

}  // namespace p2c2r::roles
