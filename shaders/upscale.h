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

// ---- buffers of the shaders: runs of 32-bit words ----------------------------------------------
//
//   image   rows of samples, four a word, the first in the lowest byte; each row begins a word
//   middle  rows between the passes, two samples a word
//   axis    an entry of axis_stride words per output index: the first input index, the number of
//           taps, then one weight a word
//
// A picture is done in tiles of columns: the first pass writes the tile's columns of the rows its
// second pass needs. A dispatch covers some rows of a tile; an invocation of the first pass makes
// two neighbouring pixels, one of the second pass a word of the image.

const uint kUpscaleGroupSize = 64u;  // x; 1 in y and z
const uint kUpscaleAxisHead = 2u;    // words of an entry in front of its weights

struct UpscaleSlice {
    uint row_first;      // the first row this dispatch writes
    uint units_per_row;  // invocations that each row needs
    uint column_first;   // first and last pixel of the tile (first pass)
    uint column_last;
    uint source_row;     // row that lies at the beginning of the buffer it reads
    uint source_stride;  // words from row to row there
    uint target_row;     // the same for the buffer it writes
    uint target_stride;
    uint axis_stride;
};

#ifdef __cplusplus
}  // namespace p2c2r::kernels
#endif

#endif
