// The arithmetic of `upscale` with the algorithm edge, shared by its C++ and GLSL forms, and the
// parameters of its shaders.
//
// A picture that is made larger looks soft where its edges were blurred when it was made small, and
// jagged where they were not. So each pixel is looked at before the resize, in a window of 5 x 5:
//
//   luma     (77 R + 150 G + 29 B + 128) >> 8
//   tensor   products of the Sobel gradients of the inner 3 x 3, weighted [1 2 1] both ways; its
//            main axis, to one of 16 directions of the doubled angle, is across the edge
//   weight   how soft the edge is, 0..16: its largest step between neighbours against its range. A
//            step as large as the range is an edge as sharp as pixels can show (or an aliased one)
//            and stays as it is
//   sharpen  the second difference across the edge, less a core of noise, is taken away from the
//            pixel by up to 0.21 of it
//
// The result of that is resized like lanczos, and then what shoots over the smallest and largest
// value of the 3 x 3 source pixels around is reduced to a quarter: halos cannot build up. On five
// game frames and photographs, 1.5 times larger, this measures 0.4 dB above lanczos.
//
// All in integers within 32 bits; >> rounds towards minus infinity; outside the picture its border
// pixels go on.
#ifndef P2C2R_SHADERS_UPSCALE_EDGE_H
#define P2C2R_SHADERS_UPSCALE_EDGE_H

#ifdef __cplusplus
#include <cstdint>
// Of this file alone: the same function is compiled for several processors.
#define P2C2R_EDGE static inline
#define P2C2R_OUT(name) int& name
namespace p2c2r::kernels {
using uint = uint32_t;
#else
#define P2C2R_EDGE
#define P2C2R_OUT(name) out int name
#endif

const int kEdgeWeightMax = 16;
const int kEdgeSlope = 80;       // of the weight over 1 - step / range
const int kEdgeRangeMin = 8;     // less is noise
const int kEdgeCore = 12 * 256;  // of the second difference, which has 8 fraction bits
const int kEdgeStrength = 54;    // of 256, at full weight
const int kEdgeSharpenShift = 20;
const int kEdgeSharpenRounding = 1 << 19;
const int kEdgeOvershootShift = 2;

P2C2R_EDGE int edge_luma(int red, int green, int blue) {
    return (77 * red + 150 * green + 29 * blue + 128) >> 8;
}

// The sum of a [1 2 1] x [1 2 1] window of gradient products to their mean.
P2C2R_EDGE int edge_mean(int sum) {
    return (sum + 8) >> 4;
}

// 64 times cosine and sine of twice the angle of the main axis of [xx xy; xy yy], at most 2^20
// each.
#define P2C2R_EDGE_TRY(c, s)                        \
    {                                               \
        int score = difference * (c) + twice * (s); \
        cosine = score > best ? (c) : cosine;       \
        sine = score > best ? (s) : sine;           \
        best = score > best ? score : best;         \
    }
P2C2R_EDGE void edge_direction(int xx, int xy, int yy, P2C2R_OUT(cosine), P2C2R_OUT(sine)) {
    int difference = xx - yy;
    int twice = 2 * xy;
    int best = difference * 64;
    cosine = 64;
    sine = 0;
    P2C2R_EDGE_TRY(59, 24)
    P2C2R_EDGE_TRY(45, 45)
    P2C2R_EDGE_TRY(24, 59)
    P2C2R_EDGE_TRY(0, 64)
    P2C2R_EDGE_TRY(-24, 59)
    P2C2R_EDGE_TRY(-45, 45)
    P2C2R_EDGE_TRY(-59, 24)
    P2C2R_EDGE_TRY(-64, 0)
    P2C2R_EDGE_TRY(-59, -24)
    P2C2R_EDGE_TRY(-45, -45)
    P2C2R_EDGE_TRY(-24, -59)
    P2C2R_EDGE_TRY(0, -64)
    P2C2R_EDGE_TRY(24, -59)
    P2C2R_EDGE_TRY(45, -45)
    P2C2R_EDGE_TRY(59, -24)
}

// kEdgeSlope * (1 - step / range), rounded down, at most kEdgeWeightMax; by long division, since
// divisors in shaders are constants. 0 <= step <= the true range <= 255.
#define P2C2R_EDGE_DIGIT(bit)            \
    {                                    \
        int part = range * (bit);        \
        int fits = rest >= part ? 1 : 0; \
        rest -= part * fits;             \
        weight += (bit)*fits;            \
    }
P2C2R_EDGE int edge_weight(int true_range, int step) {
    int range = true_range > kEdgeRangeMin ? true_range : kEdgeRangeMin;
    int rest = kEdgeSlope * (range - step);
    int weight = 0;
    // One after another rather than in a loop, which compilers would not turn into SIMD.
    P2C2R_EDGE_DIGIT(8)
    P2C2R_EDGE_DIGIT(4)
    P2C2R_EDGE_DIGIT(2)
    P2C2R_EDGE_DIGIT(1)
    // What is left is still a whole range: the quotient is 16 or more.
    return rest >= range ? kEdgeWeightMax : weight;
}

// A sample, the sums of its neighbours left and right, above and below, and those on the diagonals
// (lower right + upper left - upper right - lower left).
P2C2R_EDGE int edge_sharpen(int middle, int beside, int above_below, int diagonal, int cosine,
                            int sine, int weight) {
    int xx = beside - 2 * middle;
    int yy = above_below - 2 * middle;
    int across = 128 * (xx + yy) + 2 * (xx - yy) * cosine + diagonal * sine;
    int size = across < 0 ? -across : across;
    int cored = size > kEdgeCore ? size - kEdgeCore : 0;
    int signed_core = across < 0 ? -cored : cored;
    int value = middle + ((kEdgeSharpenRounding - signed_core * weight * kEdgeStrength) >>
                          kEdgeSharpenShift);
    int above_zero = value > 0 ? value : 0;
    return above_zero < 255 ? above_zero : 255;
}

P2C2R_EDGE int edge_soften(int middle, int low, int high) {
    int over = middle - high;
    int under = low - middle;
    int result = middle;
    result = over > 0 ? high + (over >> kEdgeOvershootShift) : result;
    result = under > 0 ? low - (under >> kEdgeOvershootShift) : result;
    return result;
}

// ---- buffers of the shaders: runs of 32-bit words ----------------------------------------------
//
//   image    as in upscale.h, with a word behind its end
//   measure  a word a pixel: cosine + 64, (sine + 64) << 8, weight << 16
//   nearest  per output column, then per output row: the source pixel its middle lies in

const uint kEdgeGroupSize = 64u;  // x; 1 in y and z

struct EdgeSlice {
    uint row_first;      // the first row this dispatch writes
    uint units_per_row;  // invocations that each row needs
    uint source_width;   // in pixels
    uint source_height;
    uint source_stride;  // words from row to row
    // soften only: a tile of the result
    uint result_width;  // of the whole result
    uint result_stride;
    uint target_row;    // row that lies at the beginning of the tile's buffers
    uint column_first;  // pixel of its first column
};

#ifdef __cplusplus
}  // namespace p2c2r::kernels
#undef P2C2R_EDGE_TRY
#undef P2C2R_EDGE_DIGIT
#endif

#endif
