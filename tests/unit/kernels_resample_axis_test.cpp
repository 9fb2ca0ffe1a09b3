// The integer weights of a resize are those of the filter's formula.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

#include "core/prng.h"
#include "kernels/resample_axis.h"
#include "shaders/upscale.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int kScale = 1 << kUpscaleWeightBits;

double sinc(double x) {
    return x == 0 ? 1 : std::sin(kPi * x) / (kPi * x);
}

double exact_filter(ResampleFilter filter, double x) {
    x = std::abs(x);
    if (filter == ResampleFilter::kLanczos) return x < 3 ? sinc(x) * sinc(x / 3) : 0;
    if (x < 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
    return x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
}

// The weight of every input sample in output sample i, as the formula has it.
std::vector<double> exact_weights(uint32_t input, uint32_t output, ResampleFilter filter,
                                  uint32_t i) {
    const double center = (i + 0.5) * input / output - 0.5;
    const double widening = std::max(1.0, static_cast<double>(input) / output);
    std::vector<double> weights(input);
    double total = 0;
    for (uint32_t k = 0; k < input; ++k) {
        weights[k] = exact_filter(filter, (k - center) / widening);
        total += weights[k];
    }
    for (double& weight : weights) weight *= kScale / total;
    return weights;
}

constexpr ResampleFilter kFilters[] = {ResampleFilter::kBicubic, ResampleFilter::kLanczos};

}  // namespace

TEST_CASE("weights lie within one step of the formula and add up to the scale exactly") {
    Prng prng(test::seed());
    for (int round = 0; round < 400; ++round) {
        const uint32_t input = 1 + static_cast<uint32_t>(prng.below(120));
        const uint32_t output = 1 + static_cast<uint32_t>(prng.below(120));
        const ResampleFilter filter = kFilters[round % 2];
        const ResampleAxis axis = make_resample_axis(input, output, filter);
        CAPTURE(input);
        CAPTURE(output);
        CAPTURE(round);
        REQUIRE(axis.taps % 2 == 0);
        double worst = 0;
        bool exact_sums = true;
        for (uint32_t i = 0; i < output; ++i) {
            const std::vector<double> exact = exact_weights(input, output, filter, i);
            int sum = 0;
            for (uint32_t k = 0; k < input; ++k) {
                const bool used = k >= axis.first[i] && k < axis.first[i] + axis.taps;
                const int weight = used ? axis.weights_of(i)[k - axis.first[i]] : 0;
                worst = std::max(worst, std::abs(weight - exact[k]));
                sum += weight;
            }
            exact_sums = exact_sums && sum == kScale;
        }
        CHECK(exact_sums);
        CHECK(worst < 1.001);
    }
}

TEST_CASE("absolute weights stay below two at every small size and at the largest ones") {
    std::vector<std::pair<uint32_t, uint32_t>> sizes;
    for (uint32_t input = 1; input <= 24; ++input) {
        for (uint32_t output = 1; output <= 24; ++output) sizes.push_back({input, output});
    }
    for (const uint32_t input : {1u, 2u, 719u, 8191u, 8192u}) {
        for (const uint32_t output : {1u, 2u, 1081u, 8191u, 8192u}) {
            sizes.push_back({input, output});
        }
    }
    for (const std::pair<uint32_t, uint32_t>& size : sizes) {
        const uint32_t input = size.first;
        const uint32_t output = size.second;
        for (const ResampleFilter filter : kFilters) {
            const ResampleAxis axis = make_resample_axis(input, output, filter);
            int worst = 0;
            bool inside = true;
            for (uint32_t i = 0; i < output; ++i) {
                int absolute = 0;
                for (uint32_t k = 0; k < axis.taps; ++k) {
                    absolute += std::abs(axis.weights_of(i)[k]);
                    // Weights outside of the input are zero.
                    inside = inside && (k < axis.taps_inside(i) || axis.weights_of(i)[k] == 0);
                }
                inside = inside && axis.first[i] < input;
                worst = std::max(worst, absolute);
            }
            CAPTURE(input);
            CAPTURE(output);
            CHECK(inside);
            CHECK(worst < 2 * kScale);
        }
    }
}

TEST_CASE("taps lie inside the input where it is long enough") {
    const ResampleAxis axis = make_resample_axis(1280, 1920, ResampleFilter::kLanczos);
    CHECK(axis.taps == 6);
    for (uint32_t i = 0; i < 1920; ++i) REQUIRE(axis.first[i] + axis.taps <= 1280);
    CHECK(make_resample_axis(720, 1080, ResampleFilter::kBicubic).taps == 4);
}

TEST_CASE("the same size gives every sample the weight one") {
    for (const ResampleFilter filter : kFilters) {
        const ResampleAxis axis = make_resample_axis(50, 50, filter);
        for (uint32_t i = 0; i < 50; ++i) {
            for (uint32_t k = 0; k < axis.taps_inside(i); ++k) {
                REQUIRE(axis.weights_of(i)[k] == (axis.first[i] + k == i ? kScale : 0));
            }
        }
    }
}
