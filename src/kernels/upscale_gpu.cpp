// One job uploads the picture and both axis tables, then works tile by tile: the first pass over
// the rows the tile needs, the second over the tile. A tile is as large as the buffer between the
// passes allows, for a usual frame the whole picture. Each pass is cut into slices of whole rows.
// With the algorithm edge the uploaded picture is measured and sharpened first, and each tile is
// softened where it lies.
#include "kernels/upscale_gpu.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/slices_under_way.h"
#include "shaders/upscale.h"
#include "shaders/upscale_edge.h"
#include "spirv/edge_measure_rgb.h"
#include "spirv/edge_measure_rgba.h"
#include "spirv/edge_sharpen_rgb.h"
#include "spirv/edge_sharpen_rgba.h"
#include "spirv/edge_soften_rgb.h"
#include "spirv/edge_soften_rgba.h"
#include "spirv/upscale_first_rgb.h"
#include "spirv/upscale_first_rgba.h"
#include "spirv/upscale_second.h"

namespace p2c2r::kernels {

namespace {

constexpr uint32_t kBuffersCount = 3;
constexpr uint32_t kMeasureBuffersCount = 2;
constexpr uint32_t kSoftenBuffersCount = 4;
// What a pixel or a sample costs in the passes of edge, in multiplications of the others.
constexpr uint64_t kMeasureCost = 400;
constexpr uint64_t kSharpenCost = 30;
constexpr uint64_t kSoftenCost = 40;
// Of the buffer between the passes; a 1080p frame takes 8 MiB.
constexpr uint64_t kMiddleBytesMax = 32ull << 20;
// Multiplications of a first slice: 1 ms on a slow device.
constexpr uint64_t kFirstGuess = 1'000'000;
// Far beyond any slice: a first run on a software device compiles for up to half a second.
constexpr uint64_t kTimeoutUs = 10'000'000;

constexpr uint32_t words_for(uint64_t samples, uint32_t samples_per_word) {
    return static_cast<uint32_t>((samples + samples_per_word - 1) / samples_per_word);
}

// A rectangle of the result, and the input rows its second pass reads.
struct Tile {
    uint32_t column_first = 0, column_end = 0;
    uint32_t row_first = 0, row_end = 0;
    uint32_t input_row_first = 0, input_row_end = 0;

    [[nodiscard]] uint32_t columns() const { return column_end - column_first; }
    [[nodiscard]] uint64_t samples(uint32_t channels) const {
        return uint64_t{columns()} * channels;
    }
};

uint32_t result_words(const Tile& tile, uint32_t channels) {
    return words_for(tile.samples(channels), 4);
}

// Room for pairs of pixels, which is what the first pass writes, and for two words to each one of
// the result, which is what the second reads.
uint32_t middle_words(const Tile& tile, uint32_t channels) {
    return std::max(words_for(tile.columns(), 2) * channels, 2 * result_words(tile, channels));
}

uint32_t input_row_end(const ResampleAxis& axis, uint32_t output_row) {
    return axis.first[output_row] + axis.taps_inside(output_row);
}

// Tiles of as many columns as leave room for the rows of one output row, and of as many rows as
// fit then.
std::vector<Tile> make_tiles(const UpscalePlan& plan, RowRange wanted) {
    const ResampleAxis& rows = plan.vertical;
    const uint32_t taps = std::min(rows.taps, rows.input_size);
    const uint64_t words_max = kMiddleBytesMax / 4;
    // A word holds 2 samples; 4 columns less for what middle_words() rounds up.
    const uint64_t columns_max = words_max / taps * 2 / plan.channels - 4;
    const uint32_t width = plan.horizontal.output_size;
    const auto columns = static_cast<uint32_t>(std::min<uint64_t>(width, columns_max));
    std::vector<Tile> tiles;
    for (uint32_t x = 0; x < width; x += columns) {
        for (uint32_t y = wanted.first; y < wanted.end;) {
            Tile tile;
            tile.column_first = x;
            tile.column_end = std::min(x + columns, width);
            tile.row_first = y;
            tile.input_row_first = rows.first[y];
            const uint64_t rows_max = words_max / middle_words(tile, plan.channels);
            while (y < wanted.end && input_row_end(rows, y) - tile.input_row_first <= rows_max) {
                tile.input_row_end = std::max(tile.input_row_end, input_row_end(rows, y));
                ++y;
            }
            P2C2R_CHECK(y > tile.row_first);
            tile.row_end = y;
            tiles.push_back(tile);
        }
    }
    return tiles;
}

// ---- one job ----------------------------------------------------------------------------------

class UpscaleJob {
  public:
    UpscaleJob(gpu::Device& device, const UpscalePipelines& pipelines, UpscalePaces& paces,
               const UpscalePlan& plan, RowRange rows)
        : device_(device),
          pipelines_(pipelines),
          paces_(paces),
          plan_(plan),
          rows_(rows),
          slices_(device, [](const Rows& rows, uint64_t device_ns) -> Result<Done> {
              rows.pace->learn(rows.cost, device_ns);
              return Done{};
          }) {}

    Result<Done> run(const uint8_t* source, uint8_t* target, const std::function<bool()>& stop);

  private:
    using BufferPointer = std::unique_ptr<gpu::Buffer>;
    // What a slice did, for its pace.
    struct Rows {
        SlicePace* pace;
        uint64_t cost;
    };
    // One pass over rows.
    struct Pass {
        const gpu::Pipeline* pipeline = nullptr;
        SlicePace* pace = nullptr;
        std::span<gpu::Buffer* const> buffers;
        uint32_t row_end = 0;
        uint64_t row_cost = 0;       // in multiplications
        bool ends_the_tile = false;  // its last buffer travels back, once it is complete
    };

    Result<Done> make(uint64_t words, gpu::BufferUse use, BufferPointer& buffer);
    Result<Done> make_inputs(const uint8_t* source);
    Result<Done> make_tile_buffers(const std::vector<Tile>& tiles);
    Result<Done> make_axis(const ResampleAxis& axis, BufferPointer& buffer);
    Result<Done> sharpen(const std::function<bool()>& stop);
    Result<Done> run_tile(const Tile& tile, const std::function<bool()>& stop);
    Result<Done> soften(const Tile& tile, const std::function<bool()>& stop);
    template <class Slice>
    Result<Done> run_rows(const Pass& pass, Slice slice, const std::function<bool()>& stop);
    void take_result(const Tile& tile, uint8_t* target);

    [[nodiscard]] uint32_t source_words() const {
        return words_for(uint64_t{plan_.horizontal.input_size} * plan_.channels, 4);
    }
    [[nodiscard]] EdgeSlice edge_slice() const {
        EdgeSlice slice{};
        slice.source_width = plan_.horizontal.input_size;
        slice.source_height = plan_.vertical.input_size;
        slice.source_stride = source_words();
        return slice;
    }

    gpu::Device& device_;
    const UpscalePipelines& pipelines_;
    UpscalePaces& paces_;
    const UpscalePlan& plan_;
    const RowRange rows_;
    BufferPointer source_;
    BufferPointer horizontal_;
    BufferPointer vertical_;
    BufferPointer middle_;
    BufferPointer result_;
    // Of edge alone.
    BufferPointer measure_;
    BufferPointer sharp_;
    BufferPointer nearest_;
    BufferPointer softened_;
    SlicesUnderWay<Rows> slices_;
};

Result<Done> UpscaleJob::run(const uint8_t* source, uint8_t* target,
                             const std::function<bool()>& stop) {
    const std::vector<Tile> tiles = make_tiles(plan_, rows_);
    if (Result<Done> made = make_inputs(source); !made) return made;
    if (Result<Done> made = make_tile_buffers(tiles); !made) return made;
    if (plan_.edge) {
        if (Result<Done> done = sharpen(stop); !done) return done;
    }
    for (const Tile& tile : tiles) {
        if (Result<Done> done = run_tile(tile, stop); !done) return done;
        if (Result<Done> done = slices_.finish(); !done) return done;
        take_result(tile, target);
    }
    return Done{};
}

Result<Done> UpscaleJob::make(uint64_t words, gpu::BufferUse use, BufferPointer& buffer) {
    Result<BufferPointer> made = device_.make_buffer(words * 4, use);
    if (!made) return made.error();
    buffer = std::move(*made);
    return Done{};
}

Result<Done> UpscaleJob::make_inputs(const uint8_t* source) {
    const uint64_t row_size = uint64_t{plan_.horizontal.input_size} * plan_.channels;
    const uint64_t stride = uint64_t{source_words()} * 4;
    const uint32_t height = plan_.vertical.input_size;
    // A word more than the picture: see bytes_at() in the shader.
    const uint64_t words = uint64_t{source_words()} * height + 1;
    if (Result<Done> made = make(words, gpu::BufferUse::kUpload, source_); !made) return made;
    uint8_t* mapped = source_->map();
    if (stride == row_size) {
        std::memcpy(mapped, source, row_size * height);
    } else {
        for (uint32_t y = 0; y < height; ++y) {
            std::memcpy(mapped + y * stride, source + y * row_size, row_size);
        }
    }
    if (Result<Done> made = make_axis(plan_.horizontal, horizontal_); !made) return made;
    if (Result<Done> made = make_axis(plan_.vertical, vertical_); !made) return made;
    if (!plan_.edge) return Done{};
    const uint64_t pixels = uint64_t{plan_.horizontal.input_size} * height;
    if (Result<Done> made = make(pixels, gpu::BufferUse::kScratch, measure_); !made) return made;
    if (Result<Done> made = make(words, gpu::BufferUse::kScratch, sharp_); !made) return made;
    const size_t columns = plan_.nearest_column.size();
    const size_t rows = plan_.nearest_row.size();
    Result<Done> made = make(columns + rows, gpu::BufferUse::kUpload, nearest_);
    if (!made) return made;
    auto* nearest = reinterpret_cast<uint32_t*>(nearest_->map());
    std::copy(plan_.nearest_column.begin(), plan_.nearest_column.end(), nearest);
    std::copy(plan_.nearest_row.begin(), plan_.nearest_row.end(), nearest + columns);
    return Done{};
}

Result<Done> UpscaleJob::make_axis(const ResampleAxis& axis, BufferPointer& buffer) {
    const uint32_t stride = kUpscaleAxisHead + axis.taps;
    Result<Done> made = make(uint64_t{axis.output_size} * stride, gpu::BufferUse::kUpload, buffer);
    if (!made) return made;
    auto* words = reinterpret_cast<uint32_t*>(buffer->map());
    for (uint32_t i = 0; i < axis.output_size; ++i) {
        *words++ = axis.first[i];
        *words++ = axis.taps_inside(i);
        const int16_t* weights = axis.weights_of(i);
        for (uint32_t k = 0; k < axis.taps; ++k) {
            *words++ = static_cast<uint32_t>(int32_t{weights[k]});
        }
    }
    return Done{};
}

// Large enough for every tile.
Result<Done> UpscaleJob::make_tile_buffers(const std::vector<Tile>& tiles) {
    uint64_t middle = 0;
    uint64_t result = 0;
    for (const Tile& tile : tiles) {
        middle = std::max(middle, uint64_t{middle_words(tile, plan_.channels)} *
                                      (tile.input_row_end - tile.input_row_first));
        result = std::max(
            result, uint64_t{result_words(tile, plan_.channels)} * (tile.row_end - tile.row_first));
    }
    if (Result<Done> made = make(middle, gpu::BufferUse::kScratch, middle_); !made) return made;
    if (!plan_.edge) return make(result, gpu::BufferUse::kDownload, result_);
    if (Result<Done> made = make(result, gpu::BufferUse::kScratch, result_); !made) return made;
    return make(result, gpu::BufferUse::kDownload, softened_);
}

Result<Done> UpscaleJob::sharpen(const std::function<bool()>& stop) {
    const uint64_t width = plan_.horizontal.input_size;
    const RowRange input = input_rows(plan_, rows_);
    EdgeSlice slice = edge_slice();
    slice.row_first = input.first;
    slice.units_per_row = plan_.horizontal.input_size;
    gpu::Buffer* const measured[] = {source_.get(), measure_.get()};
    Pass pass;
    pass.pipeline = pipelines_.measure.get();
    pass.pace = &paces_.measure;
    pass.buffers = measured;
    pass.row_end = input.end;
    pass.row_cost = width * kMeasureCost;
    if (Result<Done> done = run_rows(pass, slice, stop); !done) return done;

    slice.units_per_row = source_words();
    gpu::Buffer* const sharpened[] = {source_.get(), measure_.get(), sharp_.get()};
    pass.pipeline = pipelines_.sharpen.get();
    pass.pace = &paces_.sharpen;
    pass.buffers = sharpened;
    pass.row_cost = width * plan_.channels * kSharpenCost;
    return run_rows(pass, slice, stop);
}

Result<Done> UpscaleJob::run_tile(const Tile& tile, const std::function<bool()>& stop) {
    const uint64_t samples = tile.samples(plan_.channels);
    UpscaleSlice first{};
    first.row_first = tile.input_row_first;
    first.units_per_row = words_for(tile.columns(), 2);
    first.column_first = tile.column_first;
    first.column_last = tile.column_end - 1;
    first.source_stride = source_words();
    first.target_row = tile.input_row_first;
    first.target_stride = middle_words(tile, plan_.channels);
    first.axis_stride = kUpscaleAxisHead + plan_.horizontal.taps;
    gpu::Buffer* const filtered[] = {plan_.edge ? sharp_.get() : source_.get(), horizontal_.get(),
                                     middle_.get()};
    Pass pass;
    pass.pipeline = pipelines_.first.get();
    pass.pace = &paces_.first;
    pass.buffers = filtered;
    pass.row_end = tile.input_row_end;
    pass.row_cost = samples * plan_.horizontal.taps;
    if (Result<Done> done = run_rows(pass, first, stop); !done) return done;

    UpscaleSlice second{};
    second.row_first = tile.row_first;
    second.units_per_row = result_words(tile, plan_.channels);
    second.source_row = tile.input_row_first;
    second.source_stride = first.target_stride;
    second.target_row = tile.row_first;
    second.target_stride = second.units_per_row;
    second.axis_stride = kUpscaleAxisHead + plan_.vertical.taps;
    gpu::Buffer* const finished[] = {middle_.get(), vertical_.get(), result_.get()};
    pass.pipeline = pipelines_.second.get();
    pass.pace = &paces_.second;
    pass.buffers = finished;
    pass.row_end = tile.row_end;
    pass.row_cost = samples * plan_.vertical.taps;
    pass.ends_the_tile = !plan_.edge;
    if (Result<Done> done = run_rows(pass, second, stop); !done) return done;
    return plan_.edge ? soften(tile, stop) : Done{};
}

Result<Done> UpscaleJob::soften(const Tile& tile, const std::function<bool()>& stop) {
    EdgeSlice slice = edge_slice();
    slice.row_first = slice.target_row = tile.row_first;
    slice.units_per_row = slice.result_stride = result_words(tile, plan_.channels);
    slice.result_width = plan_.horizontal.output_size;
    slice.column_first = tile.column_first;
    gpu::Buffer* const buffers[] = {source_.get(), nearest_.get(), result_.get(), softened_.get()};
    Pass pass;
    pass.pipeline = pipelines_.soften.get();
    pass.pace = &paces_.soften;
    pass.buffers = buffers;
    pass.row_end = tile.row_end;
    pass.row_cost = tile.samples(plan_.channels) * kSoftenCost;
    pass.ends_the_tile = true;
    return run_rows(pass, slice, stop);
}

// Rows from slice.row_first on, as many at a time as the pace allows.
template <class Slice>
Result<Done> UpscaleJob::run_rows(const Pass& pass, Slice slice,
                                  const std::function<bool()>& stop) {
    const uint32_t rows_max = device_.info().groups_max[1];
    while (slice.row_first < pass.row_end) {
        if (stop && stop()) return make_error(Status::kCancelled, "cancelled between two slices");
        const uint64_t paced = std::max<uint64_t>(1, pass.pace->units() / pass.row_cost);
        const auto rows = static_cast<uint32_t>(
            std::min<uint64_t>({paced, rows_max, pass.row_end - slice.row_first}));
        gpu::Dispatch dispatch;
        dispatch.pipeline = pass.pipeline;
        dispatch.buffers = pass.buffers;
        dispatch.push_constants = {reinterpret_cast<const uint8_t*>(&slice), sizeof slice};
        dispatch.groups = {words_for(slice.units_per_row, kUpscaleGroupSize), rows, 1};
        gpu::Work work;
        work.dispatches = {&dispatch, 1};
        // The result travels once, with the slice that completes it.
        if (pass.ends_the_tile && slice.row_first + rows == pass.row_end) {
            work.read_back = pass.buffers.last(1);
        }
        work.timeout_us = kTimeoutUs;
        Result<Done> added = slices_.add(work, {pass.pace, pass.row_cost * rows});
        if (!added) return added;
        slice.row_first += rows;
    }
    return Done{};
}

void UpscaleJob::take_result(const Tile& tile, uint8_t* target) {
    const uint64_t row_size = uint64_t{plan_.horizontal.output_size} * plan_.channels;
    const uint64_t tile_size = tile.samples(plan_.channels);
    const uint64_t stride = uint64_t{words_for(tile_size, 4)} * 4;
    const uint8_t* mapped = (plan_.edge ? softened_ : result_)->map();
    uint8_t* out =
        target + (tile.row_first - rows_.first) * row_size + tile.column_first * plan_.channels;
    if (stride == row_size) {
        std::memcpy(out, mapped, stride * (tile.row_end - tile.row_first));
        return;
    }
    for (uint32_t y = tile.row_first; y < tile.row_end; ++y) {
        std::memcpy(out, mapped, tile_size);
        mapped += stride;
        out += row_size;
    }
}

}  // namespace

UpscalePaces::UpscalePaces()
    : first(kFirstGuess),
      second(kFirstGuess),
      measure(kFirstGuess),
      sharpen(kFirstGuess),
      soften(kFirstGuess) {}

UpscaleGpu::UpscaleGpu(std::shared_ptr<gpu::Device> device) : device_(std::move(device)) {}

Result<std::unique_ptr<UpscaleGpu>> UpscaleGpu::create(std::shared_ptr<gpu::Device> device) {
    std::unique_ptr<UpscaleGpu> upscale(new UpscaleGpu(std::move(device)));
    UpscalePipelines& rgb = upscale->rgb_;
    UpscalePipelines& rgba = upscale->rgba_;
    const struct {
        std::span<const uint32_t> spirv;
        std::shared_ptr<gpu::Pipeline>& pipeline;
        uint32_t buffers;
        uint32_t slice_size;
    } rows[] = {
        {kUpscaleFirstRgbSpirv, rgb.first, kBuffersCount, sizeof(UpscaleSlice)},
        {kUpscaleFirstRgbaSpirv, rgba.first, kBuffersCount, sizeof(UpscaleSlice)},
        {kUpscaleSecondSpirv, rgb.second, kBuffersCount, sizeof(UpscaleSlice)},
        {kEdgeMeasureRgbSpirv, rgb.measure, kMeasureBuffersCount, sizeof(EdgeSlice)},
        {kEdgeMeasureRgbaSpirv, rgba.measure, kMeasureBuffersCount, sizeof(EdgeSlice)},
        {kEdgeSharpenRgbSpirv, rgb.sharpen, kBuffersCount, sizeof(EdgeSlice)},
        {kEdgeSharpenRgbaSpirv, rgba.sharpen, kBuffersCount, sizeof(EdgeSlice)},
        {kEdgeSoftenRgbSpirv, rgb.soften, kSoftenBuffersCount, sizeof(EdgeSlice)},
        {kEdgeSoftenRgbaSpirv, rgba.soften, kSoftenBuffersCount, sizeof(EdgeSlice)},
    };
    for (const auto& row : rows) {
        Result<std::shared_ptr<gpu::Pipeline>> made =
            upscale->device_->make_pipeline(row.spirv, row.buffers, row.slice_size);
        if (!made) return made.error();
        row.pipeline = std::move(*made);
    }
    rgba.second = rgb.second;  // samples of a row are alike there
    return upscale;
}

Result<Done> UpscaleGpu::run(const UpscalePlan& plan, RowRange rows, const uint8_t* source,
                             uint8_t* target, const std::function<bool()>& stop) {
    const UpscalePipelines& pipelines = plan.channels == 3 ? rgb_ : rgba_;
    return UpscaleJob(*device_, pipelines, paces_, plan, rows).run(source, target, stop);
}

}  // namespace p2c2r::kernels
