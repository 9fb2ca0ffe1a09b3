// The pictures of a game in motion, for `p2c2r bench frames`, and what it measures of them.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/picture.h"

namespace p2c2r::cli {

// A camera that wanders over a drawn picture: what a frame should show, and the smaller one that
// the game has rendered of it.
class MovingView {
  public:
    static constexpr uint32_t kWidth = 320;
    static constexpr uint32_t kHeight = 180;

    // It is where it began after `period` frames.
    explicit MovingView(uint64_t period);
    // RGB, kWidth x kHeight.
    [[nodiscard]] std::vector<uint8_t> truth(uint64_t frame) const;
    // Half of it each way.
    static std::vector<uint8_t> rendered(const std::vector<uint8_t>& truth);

  private:
    const Picture world_;
    const double period_;
};

// Decibels; at most 99, which equal pictures have.
double psnr(const std::vector<uint8_t>& a, const uint8_t* b, size_t size);

// How often the system has given this thread's core to another one while it had work; 0 where it
// does not tell.
uint64_t times_preempted();

}  // namespace p2c2r::cli
