#include <sys/resource.h>

#include <algorithm>
#include <cmath>

#include "cli/bench_frames.h"
#include "cli/test_card.h"

namespace p2c2r::cli {

namespace {

constexpr uint32_t kWorldWidth = 960;
constexpr uint32_t kWorldHeight = 540;
constexpr double kPsnrMost = 99;

}  // namespace

MovingView::MovingView(uint64_t period)
    : world_(test_card(kWorldWidth, kWorldHeight)), period_(static_cast<double>(period)) {}

// Along a lying eight: in a period of 15 s at 60 frames a second some 2.5 pixels a frame.
std::vector<uint8_t> MovingView::truth(uint64_t frame) const {
    constexpr double kTurn = 6.283185307179586;
    const double angle = kTurn * std::fmod(static_cast<double>(frame), period_) / period_;
    const auto place = [](uint32_t room, double along) {
        return static_cast<uint32_t>(std::lround(room * (0.5 + 0.5 * std::sin(along))));
    };
    const uint32_t left = place(kWorldWidth - kWidth, angle);
    const uint32_t top = place(kWorldHeight - kHeight, 2 * angle);
    std::vector<uint8_t> pixels(size_t{kWidth} * kHeight * 3);
    for (uint32_t row = 0; row < kHeight; ++row) {
        const uint8_t* from = world_.pixels.data() + (size_t{top + row} * kWorldWidth + left) * 3;
        std::copy(from, from + size_t{kWidth} * 3, pixels.data() + size_t{row} * kWidth * 3);
    }
    return pixels;
}

std::vector<uint8_t> MovingView::rendered(const std::vector<uint8_t>& truth) {
    std::vector<uint8_t> pixels(size_t{kWidth / 2} * (kHeight / 2) * 3);
    for (size_t row = 0; row < kHeight / 2; ++row) {
        for (size_t column = 0; column < kWidth / 2; ++column) {
            for (size_t channel = 0; channel < 3; ++channel) {
                const size_t at = ((row * 2) * kWidth + column * 2) * 3 + channel;
                const size_t below = at + size_t{kWidth} * 3;
                const unsigned sum =
                    truth[at] + truth[at + 3] + truth[below] + truth[below + 3] + 2u;
                pixels[(row * (kWidth / 2) + column) * 3 + channel] = static_cast<uint8_t>(sum / 4);
            }
        }
    }
    return pixels;
}

double psnr(const std::vector<uint8_t>& a, const uint8_t* b, size_t size) {
    if (a.size() != size || size == 0) return 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < size; ++i) {
        const int difference = int{a[i]} - int{b[i]};
        sum += static_cast<uint64_t>(difference * difference);
    }
    if (sum == 0) return kPsnrMost;
    const double mean = static_cast<double>(sum) / static_cast<double>(size);
    return std::min(kPsnrMost, 10 * std::log10(255.0 * 255.0 / mean));
}

uint64_t times_preempted() {
#ifdef RUSAGE_THREAD
    struct rusage usage = {};
    if (getrusage(RUSAGE_THREAD, &usage) == 0) return static_cast<uint64_t>(usage.ru_nivcsw);
#endif
    return 0;
}

}  // namespace p2c2r::cli
