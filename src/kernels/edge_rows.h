// The rows of `upscale` with the algorithm edge, before and after the resize, in several forms that
// give equal bytes: the same plain loops compiled for the base processor and for AVX2.
// shaders/upscale_edge.h states the arithmetic.
//
// This header is included by files whose functions are compiled for newer processors, so it holds
// plain data and declarations only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace p2c2r::kernels {

inline constexpr uint32_t kEdgeBandRows = 8;

// Rows [row_first, row_end) of a picture to be sharpened, at most kEdgeBandRows.
struct EdgeBand {
    const uint8_t* source = nullptr;  // the whole picture
    uint8_t* target = nullptr;        // another one of the same size
    uint32_t width = 0;
    uint32_t height = 0;
    uint32_t channels = 0;  // 3 or 4
    uint32_t row_first = 0;
    uint32_t row_end = 0;
    void* scratch = nullptr;  // edge_scratch_size() bytes, aligned for int32_t
};
size_t edge_scratch_size(uint32_t width, uint32_t channels);

// The smallest and largest samples around each pixel of a source row.
struct EdgeBounds {
    const uint8_t* rows[3] = {};  // above, the row itself, below; of the source
    uint32_t width = 0;
    uint32_t channels = 0;
    const uint32_t* nearest = nullptr;  // source pixel of each column of the result
    uint32_t result_width = 0;
    uint8_t* scratch = nullptr;  // 4 * width * channels bytes
    uint8_t* low = nullptr;      // result_width * channels, as all below
    uint8_t* high = nullptr;
};

struct EdgeRows {
    const char* name;
    void (*sharpen)(const EdgeBand& band);
    void (*bounds)(const EdgeBounds& bounds);
    void (*soften)(uint8_t* samples, const uint8_t* low, const uint8_t* high, size_t count);
};

// The reference.
const EdgeRows& edge_rows_plain();
// NULL where the processor (or the compiler's target) lacks the instructions.
const EdgeRows* edge_rows_avx2();
// The fastest form of this processor.
const EdgeRows& edge_rows();

}  // namespace p2c2r::kernels
