// The rows between the two passes live in a ring just large enough for the vertical filter, so the
// work stays in the processor's cache. Where a strong reduction needs a very tall ring, the picture
// is done in strips of columns instead.
#include "kernels/upscale_native.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/check.h"
#include "kernels/edge_native.h"

namespace p2c2r::kernels {

namespace {

// Room for the ring: half of a usual second-level cache.
constexpr size_t kRingSamplesMax = (512u << 10) / sizeof(int16_t);
constexpr uint32_t kStripColumnsMin = 32;
// Multiplications between two looks at `stop`: a fraction of a millisecond. Rows would not do: one
// row of a picture that becomes much smaller takes hundreds of the input.
constexpr uint64_t kWorkPerLook = 4'000'000;

// The wanted rows of the result between two columns.
class StripResizer {
  public:
    StripResizer(const UpscalePlan& plan, RowRange rows, const UpscalePasses& passes,
                 const uint8_t* source, uint8_t* target)
        : plan_(plan),
          rows_(rows),
          input_(input_rows(plan, rows)),
          passes_(passes),
          source_(source),
          target_(target) {}

    bool run(uint32_t column_first, uint32_t column_end, const std::function<bool()>& stop) {
        prepare(column_first, column_end);
        for (uint32_t y = rows_.first; y < rows_.end; ++y) {
            if (!write_row(y, stop)) return false;
        }
        return true;
    }

  private:
    void prepare(uint32_t column_first, uint32_t column_end) {
        column_first_ = column_first;
        column_end_ = column_end;
        samples_ = size_t{column_end - column_first} * plan_.channels;
        // The last group of rows may reach past what the filter needs.
        slots_ = plan_.vertical.taps + kUpscaleRowGroup;
        slot_size_ = (samples_ + kUpscaleTargetSlack + 31) / 32 * 32;
        ring_.resize(slots_ * slot_size_);
        tap_rows_.resize(plan_.vertical.taps);
        row_next_ = input_.first;
    }

    int16_t* slot(uint32_t input_row) { return ring_.data() + input_row % slots_ * slot_size_; }

    bool write_row(uint32_t y, const std::function<bool()>& stop) {
        const uint32_t first = plan_.vertical.first[y];
        const uint32_t inside = plan_.vertical.taps_inside(y);
        while (row_next_ < first + inside) {
            if (asked_to_stop(kUpscaleRowGroup * plan_.horizontal.taps, stop)) return false;
            filter_rows();
        }
        if (asked_to_stop(plan_.vertical.taps, stop)) return false;
        for (uint32_t k = 0; k < plan_.vertical.taps; ++k) {
            // Taps outside the input have weight zero: any row serves.
            tap_rows_[k] = slot(first + std::min(k, inside - 1));
        }
        VerticalPass pass;
        pass.rows = tap_rows_.data();
        pass.weights = plan_.vertical.weights_of(y);
        pass.taps = plan_.vertical.taps;
        pass.samples = samples_;
        pass.target =
            target_ + (size_t{y - rows_.first} * plan_.horizontal.output_size + column_first_) *
                          plan_.channels;
        passes_.vertical(pass);
        return true;
    }

    // Asks when enough has been done since it asked last; a row with `taps` comes now.
    bool asked_to_stop(uint64_t taps, const std::function<bool()>& stop) {
        work_ += samples_ * taps;
        if (!stop || work_ < kWorkPerLook) return false;
        work_ = 0;
        return stop();
    }

    // The next group of input rows through the horizontal pass into the ring.
    void filter_rows() {
        HorizontalPass pass;
        pass.first = plan_.horizontal.first.data();
        pass.weights = plan_.horizontal.weights.data();
        pass.taps = plan_.horizontal.taps;
        pass.input_size = plan_.horizontal.input_size;
        pass.channels = plan_.channels;
        pass.column_first = column_first_;
        pass.column_end = column_end_;
        const uint32_t last = input_.end - 1;
        for (uint32_t i = 0; i < kUpscaleRowGroup; ++i) {
            // Past the last row that is needed the last one is done again.
            const uint32_t row = std::min(row_next_ + i, last);
            pass.source[i] = readable_row(row);
            pass.target[i] = slot(row);
        }
        passes_.horizontal(pass);
        row_next_ = std::min(row_next_ + kUpscaleRowGroup, last + 1);
    }

    // A source row with readable bytes behind it. Rows in the middle of the picture have the next
    // row there, only the last ones are copied.
    const uint8_t* readable_row(uint32_t row) {
        const size_t row_size = size_t{plan_.horizontal.input_size} * plan_.channels;
        const uint8_t* data = source_ + row * row_size;
        const size_t behind = (plan_.vertical.input_size - 1 - row) * row_size;
        // Short inputs have taps outside of the row too, up to a whole filter.
        const size_t slack = kUpscaleSourceSlack + size_t{plan_.horizontal.taps} * plan_.channels;
        if (behind >= slack) return data;
        const size_t stride = row_size + slack;
        tail_.resize(kTailRows * stride);
        uint8_t* copy = tail_.data() + row % kTailRows * stride;
        std::memcpy(copy, data, row_size);
        return copy;
    }

    // As many rows as one group may need a copy of at the same time.
    static constexpr size_t kTailRows = kUpscaleRowGroup;

    const UpscalePlan& plan_;
    const RowRange rows_;
    const RowRange input_;
    const UpscalePasses& passes_;
    const uint8_t* source_;
    uint8_t* target_;
    std::vector<int16_t> ring_;
    std::vector<const int16_t*> tap_rows_;
    std::vector<uint8_t> tail_;
    uint32_t column_first_ = 0;
    uint32_t column_end_ = 0;
    size_t samples_ = 0;  // in those columns
    size_t slots_ = 0;
    size_t slot_size_ = 0;
    uint32_t row_next_ = 0;         // of the input
    uint64_t work_ = kWorkPerLook;  // multiplications since `stop` was asked
};

// Columns of a strip, perhaps more than there are.
uint32_t strip_columns(const UpscalePlan& plan) {
    const size_t rows = plan.vertical.taps + kUpscaleRowGroup;
    const size_t columns = kRingSamplesMax / (rows * plan.channels);
    return static_cast<uint32_t>(std::max<size_t>(columns, kStripColumnsMin));
}

bool resize(const UpscalePlan& plan, RowRange rows, const uint8_t* source, uint8_t* target,
            const std::function<bool()>& stop, const UpscalePasses& passes) {
    StripResizer strip(plan, rows, passes, source, target);
    const uint32_t width = plan.horizontal.output_size;
    const uint32_t columns = strip_columns(plan);
    for (uint32_t x = 0; x < width; x += columns) {
        if (!strip.run(x, std::min(x + columns, width), stop)) return false;
    }
    return true;
}

std::vector<uint32_t> nearest_inputs(uint32_t input_size, uint32_t output_size) {
    std::vector<uint32_t> nearest(output_size);
    for (uint64_t i = 0; i < output_size; ++i) {
        nearest[i] = static_cast<uint32_t>((2 * i + 1) * input_size / (2 * uint64_t{output_size}));
    }
    return nearest;
}

}  // namespace

UpscalePlan make_upscale_plan(uint32_t input_width, uint32_t input_height, uint32_t output_width,
                              uint32_t output_height, uint32_t channels, ResampleFilter filter) {
    P2C2R_CHECK(channels == 3 || channels == 4);
    UpscalePlan plan;
    plan.channels = channels;
    plan.horizontal = make_resample_axis(input_width, output_width, filter);
    plan.vertical = make_resample_axis(input_height, output_height, filter);
    plan.edge = filter == ResampleFilter::kEdge && output_width >= input_width &&
                output_height >= input_height;
    if (plan.edge) {
        plan.nearest_column = nearest_inputs(input_width, output_width);
        plan.nearest_row = nearest_inputs(input_height, output_height);
    }
    return plan;
}

RowRange input_rows(const UpscalePlan& plan, RowRange output) {
    RowRange input{UINT32_MAX, 0};
    for (uint32_t y = output.first; y < output.end; ++y) {
        const uint32_t first = plan.vertical.first[y];
        input.first = std::min(input.first, first);
        input.end = std::max(input.end, first + plan.vertical.taps_inside(y));
    }
    P2C2R_CHECK(input.first < input.end);
    return input;
}

bool upscale_native(const UpscalePlan& plan, const uint8_t* source, uint8_t* target,
                    const std::function<bool()>& stop, const UpscalePasses& passes,
                    const EdgeRows& edge) {
    return upscale_native(plan, all_rows(plan), source, target, stop, passes, edge);
}

bool upscale_native(const UpscalePlan& plan, RowRange rows, const uint8_t* source, uint8_t* target,
                    const std::function<bool()>& stop, const UpscalePasses& passes,
                    const EdgeRows& edge) {
    if (!plan.edge) return resize(plan, rows, source, target, stop, passes);
    std::vector<uint8_t> sharp(size_t{plan.horizontal.input_size} * plan.vertical.input_size *
                               plan.channels);
    return edge_sharpen_native(plan, input_rows(plan, rows), source, sharp.data(), stop, edge) &&
           resize(plan, rows, sharp.data(), target, stop, passes) &&
           edge_soften_native(plan, rows, source, target, stop, edge);
}

}  // namespace p2c2r::kernels
