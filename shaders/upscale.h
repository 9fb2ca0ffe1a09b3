// The arithmetic of `upscale`, shared by its C++ and GLSL forms, and the parameters of its shaders.
//
// Separable resampling in integers, horizontal pass first. Every form (plain C++, SIMD, shader)
// computes exactly this, so all give the same bytes:
//
//   weights   w[k], int16, with kUpscaleWeightBits fraction bits; those of one output sample add up
//             to exactly 1 << kUpscaleWeightBits (src/kernels/resample_axis.h makes them)
//   first     t = (sum of w[k] * p[k] + kUpscaleFirstRounding) >> kUpscaleFirstShift
//             p: 8-bit samples of a row; t: int16 with 6 fraction bits, not clamped, so that what a
//             filter shoots over in one direction is still there for the other
//   second    o = (sum of v[k] * t[k] + kUpscaleSecondRounding) >> kUpscaleSecondShift,
//             clamped to 0..255
//
// >> rounds towards minus infinity. Sums are exact in any order: the absolute weights of a sample
// add up to less than 2, so |t| <= 255 * 64 * 1.5 and every partial sum stays below 2^30.
#ifndef P2C2R_SHADERS_UPSCALE_H
#define P2C2R_SHADERS_UPSCALE_H

#ifdef __cplusplus
#include <cstdint>
namespace p2c2r::kernels {
using uint = uint32_t;
#endif

const int kUpscaleWeightBits = 14;
const int kUpscaleFirstShift = 8;
const int kUpscaleFirstRounding = 128;
const int kUpscaleSecondShift = 20;
const int kUpscaleSecondRounding = 524288;

// One dispatch: a rectangle of the result of a pass. Group size kUpscaleGroupSize x 1.
const uint kUpscaleGroupSize = 64u;

// Rows are runs of 32-bit words in all buffers: images hold 4 samples a word, the rows between the
// passes 2. An axis table holds, for each output index, kUpscaleAxisHead + taps words: the first
// input index, the number of taps in use, the weights.
const uint kUpscaleAxisHead = 2u;

struct UpscaleSlice {
    uint row_first;  // of the rows this dispatch writes
    uint row_count;
    uint words_per_row;  // that this dispatch writes
    uint column_first;   // sample (not pixel) where its columns begin
    uint samples;        // in those columns
    uint source_stride;  // words from row to row of what it reads
    uint target_stride;  // words from row to row of what it writes
    uint source_row;     // row of the input that is first in the buffer it reads
    uint target_row;     // row of its output that is first in the buffer it writes
    uint axis_stride;    // words from entry to entry of the axis table
};

#ifdef __cplusplus
}  // namespace p2c2r::kernels
#endif

#endif
