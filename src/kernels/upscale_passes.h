// The two passes of `upscale` over a few rows, in several forms that give equal bytes: plain C++
// (the reference) and SIMD, chosen at run time. shaders/upscale.h states the arithmetic.
//
// This header is included by files whose functions are compiled for newer processors, so it holds
// plain data and declarations only: an inline function compiled there could be linked in here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace p2c2r::kernels {

// Rows that the horizontal pass takes at once.
inline constexpr uint32_t kUpscaleRowGroup = 4;
// Bytes behind the end of a source row that MUST be readable (they have no influence), and samples
// behind the end of a target row of the horizontal pass that MUST be writable.
inline constexpr size_t kUpscaleSourceSlack = 32;
inline constexpr size_t kUpscaleTargetSlack = 32;

// Columns [column_first, column_end) of a horizontal pass; the arrays are those of a ResampleAxis.
struct HorizontalPass {
    const uint32_t* first = nullptr;
    const int16_t* weights = nullptr;
    uint32_t taps = 0;
    uint32_t input_size = 0;
    uint32_t channels = 0;  // 3 or 4
    uint32_t column_first = 0;
    uint32_t column_end = 0;
    const uint8_t* source[kUpscaleRowGroup] = {};  // whole rows
    int16_t* target[kUpscaleRowGroup] = {};        // begin with column_first
};

struct VerticalPass {
    const int16_t* const* rows = nullptr;  // `taps` rows of `samples`
    const int16_t* weights = nullptr;
    uint32_t taps = 0;  // even
    size_t samples = 0;
    uint8_t* target = nullptr;  // exactly `samples` bytes are written
};

struct UpscalePasses {
    const char* name;
    void (*horizontal)(const HorizontalPass& pass);
    void (*vertical)(const VerticalPass& pass);
};

// The reference.
const UpscalePasses& upscale_passes_plain();
// NULL where the processor (or the compiler's target) lacks the instructions.
const UpscalePasses* upscale_passes_avx2();
// The fastest form of this processor.
const UpscalePasses& upscale_passes();

}  // namespace p2c2r::kernels
