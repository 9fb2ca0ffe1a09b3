// How fine and how often may a layer be, that the link carries it? Of all resolutions, rates and
// qualities the one that is worth most to the eye and fits. A pure function of its numbers.
//
// Half the width and height, and half the rate, are each a loss of one; a quarter of the width is
// one of two and a half, since edges begin to show; a quality that takes half the bytes is one of a
// half, since codecs hide best. The smallest loss that fits is chosen; of equals the higher rate,
// since what lags is seen first in a game that moves.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace p2c2r {

// Of one layer at full resolution and the best quality. The area parts fall with the square of the
// divisor, and with the quality; the others (a scene, a camera) stay.
struct LayerBytes {
    double up = 0;
    double up_area = 0;
    double down = 0;
    double down_area = 0;
};

// What may be used of a link: at most so much, and at most `share` of what was measured.
struct LayerBudget {
    double up_bits_per_s = 3e6;  // for play over the internet, whatever the line has
    double down_bits_per_s = 15e6;
    double share = 0.7;  // the rest is for other traffic, and for the next measurement's error
    double measured_up_bits_per_s = 0;  // 0: unknown
    double measured_down_bits_per_s = 0;
};

struct LayerFitCase {
    LayerBytes bytes;
    LayerBudget budget;
    double rate_most = 60;                // no more is wanted
    uint32_t divisor_least = 1;           // no finer one is wanted
    std::vector<double> qualities = {1};  // the share of the area bytes that each takes, best first
};

inline constexpr std::array<uint32_t, 3> kLayerDivisors = {1, 2, 4};
inline constexpr std::array<double, 4> kLayerRates = {60, 30, 20, 15};

struct LayerFit {
    bool fits = false;     // else the least there is, which takes more than the link has
    uint32_t divisor = 1;  // of width and height
    double rate = 60;      // a second
    size_t quality = 0;    // index into `qualities`
    double up_bits_per_s = 0;
    double down_bits_per_s = 0;
    double up_bits_per_s_most = 0;  // what was allowed
    double down_bits_per_s_most = 0;
    std::string text;  // "1/2 resolution, 30 a second: 0.4 of 3 Mbit/s up, 9.1 of 15 down"
};

[[nodiscard]] LayerFit fit_layer(const LayerFitCase& layer);

}  // namespace p2c2r
