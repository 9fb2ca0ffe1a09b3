// Positions are exact: output sample i lies at ((2 i + 1) input / output - 1) / 2 input samples, so
// its distance to input sample k is |(2 k + 1) output - (2 i + 1) input| / (2 output). Divided by
// the widening max(1, input / output) that is  distance / (2 max(input, output)),  all integers.
#include "kernels/resample_axis.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <numeric>

#include "core/check.h"
#include "shaders/upscale.h"

namespace p2c2r::kernels {

namespace {

// Fixed point with 28 fraction bits: twice what the weights keep, and products of two values below
// 16 fit 64 bits.
constexpr int kFractionBits = 28;
constexpr int64_t kOne = int64_t{1} << kFractionBits;

constexpr int64_t multiply(int64_t a, int64_t b) {
    return (a * b) >> kFractionBits;
}

// sin(pi r) / (pi r) for r in [0, 1/2]: its power series in r^2, whose terms are pi^2n / (2n + 1)!
// with changing sign. The first one left out is below 1e-9.
int64_t sinc_near_zero(int64_t r) {
    constexpr int64_t kTerms[] = {
        441558626,  // pi^2 / 3!
        217900448,  // pi^4 / 5!
        51204553,   // pi^6 / 7!
        7019009,    // pi^8 / 9!
        629771,     // pi^10 / 11!
        39844,      // pi^12 / 13!
        1873,       // pi^14 / 15!
    };
    const int64_t square = multiply(r, r);
    int64_t sum = 0;
    for (size_t n = std::size(kTerms); n-- > 0;) sum = multiply(square, kTerms[n] - sum);
    return kOne - sum;
}

// sin(pi x) / (pi x) for x >= 0. With x = n + r, n the nearest integer, sin(pi x) is sin(pi r) with
// the sign of (-1)^n, so the quotient is that of r times r / x.
int64_t sinc(int64_t x) {
    const int64_t nearest = (x + kOne / 2) >> kFractionBits;
    if (nearest == 0) return sinc_near_zero(x);
    const int64_t r = x - nearest * kOne;
    const int64_t value = multiply(r, sinc_near_zero(std::abs(r))) * kOne / x;
    return nearest % 2 == 0 ? value : -value;
}

int64_t lanczos(int64_t x) {
    return multiply(sinc(x), sinc(x / 3));
}

int64_t bicubic(int64_t x) {
    const int64_t square = multiply(x, x);
    const int64_t cube = multiply(square, x);
    if (x < kOne) return (3 * cube - 5 * square) / 2 + kOne;
    return (-cube + 5 * square) / 2 - 4 * x + 2 * kOne;
}

int64_t support_of(ResampleFilter filter) {
    return filter == ResampleFilter::kBicubic ? 2 : 3;
}

int64_t value_of(ResampleFilter filter, int64_t x) {
    return filter == ResampleFilter::kBicubic ? bicubic(x) : lanczos(x);
}

// The input samples strictly inside the filter around one output sample.
struct Window {
    int64_t begin = 0;
    int64_t end = 0;
};

struct Geometry {
    int64_t input;
    int64_t output;
    int64_t half;  // filter support in units of 1 / (2 output) input samples

    Geometry(uint32_t input_size, uint32_t output_size, int64_t support)
        : input(input_size), output(output_size), half(2 * support * std::max(input, output)) {}

    [[nodiscard]] Window window(int64_t i) const {
        // (2 k + 1) output > center - half  and  < center + half
        const int64_t center = (2 * i + 1) * input;
        const int64_t low = center - half - output;
        const int64_t high = center + half - output;
        Window window;
        window.begin = low < 0 ? 0 : low / (2 * output) + 1;
        window.end = std::min(input, (high + 2 * output - 1) / (2 * output));
        return window;
    }
    // Distance of input sample k from output sample i in units of the widened filter.
    [[nodiscard]] int64_t distance(int64_t i, int64_t k) const {
        const int64_t steps = std::abs((2 * k + 1) * output - (2 * i + 1) * input);
        return (steps << kFractionBits) / (2 * std::max(input, output));
    }
};

// Rounds running sums instead of single weights: the rounded weights then add up to exactly one,
// each is less than one step off, and their errors cancel between neighbours.
void quantise(const std::vector<int64_t>& values, int16_t* weights) {
    int64_t total = 0;
    for (const int64_t value : values) total += value;
    P2C2R_CHECK(total > 0);
    int64_t running = 0;
    int64_t rounded_before = 0;
    int64_t absolute = 0;
    for (size_t k = 0; k < values.size(); ++k) {
        running += values[k];
        // Floor division, for running sums below zero too.
        const int64_t twice = (running << (kUpscaleWeightBits + 1)) + total;
        const int64_t rounded =
            twice >= 0 ? twice / (2 * total) : -((-twice - 1) / (2 * total)) - 1;
        weights[k] = static_cast<int16_t>(rounded - rounded_before);
        absolute += std::abs(rounded - rounded_before);
        rounded_before = rounded;
    }
    // What shaders/upscale.h promises about overflow.
    P2C2R_CHECK(rounded_before == 1 << kUpscaleWeightBits);
    P2C2R_CHECK(absolute < 2 << kUpscaleWeightBits);
}

}  // namespace

ResampleAxis make_resample_axis(uint32_t input_size, uint32_t output_size, ResampleFilter filter) {
    P2C2R_CHECK(input_size > 0 && output_size > 0);
    const Geometry geometry(input_size, output_size, support_of(filter));
    ResampleAxis axis;
    axis.input_size = input_size;
    axis.output_size = output_size;
    for (uint32_t i = 0; i < output_size; ++i) {
        const Window window = geometry.window(i);
        axis.taps = std::max(axis.taps, static_cast<uint32_t>(window.end - window.begin));
    }
    axis.taps += axis.taps % 2;
    axis.first.resize(output_size);
    axis.weights.resize(size_t{output_size} * axis.taps);

    // Where the filter is whole, its weights repeat after `period` output samples.
    const uint32_t period = output_size / std::gcd(input_size, output_size);
    const auto is_whole = [&](const Window& window) {
        return window.begin > 0 && window.end < input_size;
    };
    std::vector<int64_t> values;
    for (uint32_t i = 0; i < output_size; ++i) {
        const Window window = geometry.window(i);
        // All taps inside the input where it is long enough: zeros come first then.
        const int64_t last_first = std::max<int64_t>(0, int64_t{input_size} - axis.taps);
        const int64_t first = std::min(window.begin, last_first);
        int16_t* weights = axis.weights.data() + size_t{i} * axis.taps;
        axis.first[i] = static_cast<uint32_t>(first);
        if (first == window.begin && i >= period && is_whole(window)) {
            const Window before = geometry.window(i - period);
            if (is_whole(before)) {
                std::copy_n(weights - size_t{period} * axis.taps, axis.taps, weights);
                continue;
            }
        }
        values.clear();
        for (int64_t k = window.begin; k < window.end; ++k) {
            values.push_back(value_of(filter, geometry.distance(i, k)));
        }
        quantise(values, weights + (window.begin - first));
    }
    return axis;
}

}  // namespace p2c2r::kernels
