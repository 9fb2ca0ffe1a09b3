#include "kernels/edge_rows.h"

#include "shaders/upscale_edge.h"

namespace p2c2r::kernels {

namespace {
#include "kernels/edge_rows.inc"
}  // namespace

size_t edge_scratch_size(uint32_t width, uint32_t channels) {
    const size_t line = size_t{width} + 4;
    const size_t samples = size_t{width} * channels;
    const size_t words = 3 * kBandWindow * line + 3 * size_t{width};
    const size_t halves = 5 * kBandWindow * line + 3 * (samples + 1) + 3 * (samples + 2 * channels);
    constexpr size_t kRows = 5 + 3 + 3;  // each begins at a word
    return words * sizeof(int32_t) + (halves + kRows) * sizeof(int16_t);
}

const EdgeRows& edge_rows_plain() {
    static constexpr EdgeRows kRows{"plain", sharpen, bounds, soften};
    return kRows;
}

const EdgeRows& edge_rows() {
    static const EdgeRows* const kBest = edge_rows_avx2() ? edge_rows_avx2() : &edge_rows_plain();
    return *kBest;
}

}  // namespace p2c2r::kernels
