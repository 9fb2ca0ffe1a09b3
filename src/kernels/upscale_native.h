// `upscale` on the processor.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/edge_rows.h"
#include "kernels/resample_axis.h"
#include "kernels/upscale_passes.h"

namespace p2c2r::kernels {

// What a resize of one size to another needs; may be used for many frames, by many threads.
struct UpscalePlan {
    uint32_t channels = 0;  // 3 or 4
    ResampleAxis horizontal;
    ResampleAxis vertical;
    // Sharpened before and softened after the resize: kEdge, where no side becomes smaller.
    bool edge = false;
    // Only with `edge`: the input pixel in which the middle of each output pixel lies.
    std::vector<uint32_t> nearest_column;
    std::vector<uint32_t> nearest_row;
};

// Rows [first, end) of a picture.
struct RowRange {
    uint32_t first = 0;
    uint32_t end = 0;
};
inline RowRange all_rows(const UpscalePlan& plan) {
    return {0, plan.vertical.output_size};
}
// Those of the input that the filter of these rows of the result reads. Not empty.
RowRange input_rows(const UpscalePlan& plan, RowRange output);

UpscalePlan make_upscale_plan(uint32_t input_width, uint32_t input_height, uint32_t output_width,
                              uint32_t output_height, uint32_t channels, ResampleFilter filter);

// Resizes `source` (input_width * input_height * channels bytes) to `target`. `stop` (may be empty)
// is asked every fraction of a
// millisecond; false is returned when it said yes, and `target` is then unfinished.
// One thread: a machine with more runs more frames.
bool upscale_native(const UpscalePlan& plan, const uint8_t* source, uint8_t* target,
                    const std::function<bool()>& stop = {},
                    const UpscalePasses& passes = upscale_passes(),
                    const EdgeRows& edge = edge_rows());
// The same of some rows of the result: `target` has these alone, and only the rows of the input
// that they need are looked at.
bool upscale_native(const UpscalePlan& plan, RowRange rows, const uint8_t* source, uint8_t* target,
                    const std::function<bool()>& stop = {},
                    const UpscalePasses& passes = upscale_passes(),
                    const EdgeRows& edge = edge_rows());

}  // namespace p2c2r::kernels
