#include "kernels/edge_native.h"

#include <algorithm>
#include <vector>

#include "kernels/upscale_native.h"

namespace p2c2r::kernels {

namespace {

// Between two looks at `stop`: a quarter of a millisecond of a frame of 1280 columns.
constexpr uint32_t kRowsPerLook = kEdgeBandRows;

}  // namespace

bool edge_sharpen_native(const UpscalePlan& plan, RowRange input, const uint8_t* source,
                         uint8_t* target, const std::function<bool()>& stop, const EdgeRows& rows) {
    EdgeBand band;
    band.source = source;
    band.target = target;
    band.width = plan.horizontal.input_size;
    band.height = plan.vertical.input_size;
    band.channels = plan.channels;
    std::vector<int32_t> scratch(edge_scratch_size(band.width, band.channels) / sizeof(int32_t) +
                                 1);
    band.scratch = scratch.data();
    for (uint32_t y = input.first; y < input.end; y += kEdgeBandRows) {
        if (stop && (y - input.first) % kRowsPerLook == 0 && stop()) return false;
        band.row_first = y;
        band.row_end = std::min(y + kEdgeBandRows, input.end);
        rows.sharpen(band);
    }
    return true;
}

bool edge_soften_native(const UpscalePlan& plan, RowRange output, const uint8_t* source,
                        uint8_t* result, const std::function<bool()>& stop, const EdgeRows& rows) {
    const uint32_t last = plan.vertical.input_size - 1;
    const size_t source_row = size_t{plan.horizontal.input_size} * plan.channels;
    const size_t result_row = size_t{plan.horizontal.output_size} * plan.channels;
    std::vector<uint8_t> memory(4 * source_row + 2 * result_row);
    EdgeBounds bounds;
    bounds.width = plan.horizontal.input_size;
    bounds.channels = plan.channels;
    bounds.nearest = plan.nearest_column.data();
    bounds.result_width = plan.horizontal.output_size;
    bounds.scratch = memory.data();
    bounds.low = memory.data() + 4 * source_row;
    bounds.high = bounds.low + result_row;
    uint32_t bounded = UINT32_MAX;  // the source row that the bounds are of
    for (uint32_t y = output.first; y < output.end; ++y, result += result_row) {
        if (stop && (y - output.first) % kRowsPerLook == 0 && stop()) return false;
        const uint32_t nearest = plan.nearest_row[y];
        if (nearest != bounded) {
            bounded = nearest;
            bounds.rows[0] = source + (nearest > 0 ? nearest - 1 : 0) * source_row;
            bounds.rows[1] = source + nearest * source_row;
            bounds.rows[2] = source + std::min(nearest + 1, last) * source_row;
            rows.bounds(bounds);
        }
        rows.soften(result, bounds.low, bounds.high, result_row);
    }
    return true;
}

}  // namespace p2c2r::kernels
