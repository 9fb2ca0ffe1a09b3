// Which input samples make one output sample, and with what weights: one axis of a resize.
//
// The weights are made with 64-bit integers alone, so they are the same on every machine and under
// every floating-point setting of the host. When shrinking, the filter is widened by the ratio, so
// nothing is skipped (no moire). At a border the filter is cut and what remains is scaled to one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace p2c2r::kernels {

enum class ResampleFilter : uint8_t {
    kBicubic,  // Keys' cubic with a = -1/2, support 2
    kLanczos,  // Lanczos with three lobes
    kEdge,     // the same, with what shaders/upscale_edge.h does before and after it
};

struct ResampleAxis {
    uint32_t input_size = 0;
    uint32_t output_size = 0;
    uint32_t taps = 0;             // weights of each output sample, an even number, zeros included
    std::vector<uint32_t> first;   // per output sample: the input sample of its first weight
    std::vector<int16_t> weights;  // output_size * taps, see shaders/upscale.h

    [[nodiscard]] const int16_t* weights_of(uint32_t output) const {
        return weights.data() + size_t{output} * taps;
    }
    // Taps that lie inside the input: fewer than `taps` only where the input itself is that short.
    [[nodiscard]] uint32_t taps_inside(uint32_t output) const {
        const uint32_t left = input_size - first[output];
        return left < taps ? left : taps;
    }
};

// Both sizes 1..codec::kImageSideMax.
ResampleAxis make_resample_axis(uint32_t input_size, uint32_t output_size, ResampleFilter filter);

}  // namespace p2c2r::kernels
