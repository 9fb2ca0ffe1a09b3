// What the algorithm edge does before and after the resize, on the processor.
#pragma once

#include <cstdint>
#include <functional>

#include "kernels/edge_rows.h"

namespace p2c2r::kernels {

struct UpscalePlan;
struct RowRange;

// Rows of `source` sharpened to those of `target`, both of the plan's input size. `stop` as for
// upscale_native().
bool edge_sharpen_native(const UpscalePlan& plan, RowRange input, const uint8_t* source,
                         uint8_t* target, const std::function<bool()>& stop, const EdgeRows& rows);

// Takes out of `result`, which are these rows of the plan's output, most of what shoots over the
// samples of `source` around.
bool edge_soften_native(const UpscalePlan& plan, RowRange output, const uint8_t* source,
                        uint8_t* result, const std::function<bool()>& stop, const EdgeRows& rows);

}  // namespace p2c2r::kernels
