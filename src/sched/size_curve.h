// How much longer large inputs of a task type take than small ones, whoever computes them: learned
// over all peers, so that one who has only had small tasks is known to be slow with large ones.
//
// All is in logarithms to base 2 of microseconds: a task takes its peer's unit plus what the curve
// says of its size, and what it took beyond that is divided between the two. In logarithms the
// errors of a moving average cancel out, so that curve and units together never drift away.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace p2c2r::sched {

// A step for each power of two of bytes; the first size that came is 0.
class SizeCurve {
  public:
    // Have there been several sizes? Until then there is nothing to learn, and no time to be spent.
    [[nodiscard]] bool differs(uint64_t bytes) {
        const size_t step = step_of(bytes);
        if (step == first_) return !is_flat_;
        is_flat_ = first_ == kSteps;
        if (!is_flat_) return true;
        first_ = step;
        is_known_[step] = true;
        return false;
    }
    [[nodiscard]] bool is_flat() const { return is_flat_; }
    [[nodiscard]] bool knows(uint64_t bytes) const { return is_known_[step_of(bytes)]; }
    // Where nothing is known of such a size: as the nearest one.
    [[nodiscard]] double at(uint64_t bytes) const {
        const size_t here = step_of(bytes);
        for (size_t away = 0; away < kSteps; ++away) {
            if (away <= here && is_known_[here - away]) return steps_[here - away];
            if (here + away < kSteps && is_known_[here + away]) return steps_[here + away];
        }
        return 0;
    }
    // The first of this size was so far from its peer's unit.
    void begin(uint64_t bytes, double distance) {
        steps_[step_of(bytes)] = distance;
        is_known_[step_of(bytes)] = true;
    }
    // One took so much longer than unit and curve said.
    void learn(uint64_t bytes, double error) { steps_[step_of(bytes)] += kGain * error; }

  private:
    static constexpr size_t kSteps = 28;  // up to payloads of 64 MiB
    static constexpr double kGain = 1.0 / 16;

    static size_t step_of(uint64_t bytes) {
        return std::min(static_cast<size_t>(std::bit_width(bytes)), kSteps - 1);
    }

    size_t first_ = kSteps;
    bool is_flat_ = true;
    std::array<bool, kSteps> is_known_{};
    std::array<double, kSteps> steps_{};
};

inline double to_log(double us) {
    return std::log2(std::max(1.0, us));
}

}  // namespace p2c2r::sched
