// One job uploads the picture and both axis tables, then works tile by tile: the first pass over
// the rows the tile needs, the second over the tile. A tile is as large as the buffer between the
// passes allows, for a usual frame the whole picture. Each pass is cut into slices of whole rows.
#include "kernels/upscale_gpu.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "shaders/upscale.h"
#include "spirv/upscale_first_rgb.h"
#include "spirv/upscale_first_rgba.h"
#include "spirv/upscale_second.h"

namespace p2c2r::kernels {

namespace {

constexpr uint32_t kBuffersCount = 3;
// Of the buffer between the passes; a 1080p frame takes 8 MiB.
constexpr uint64_t kMiddleBytesMax = 32ull << 20;
// Multiplications of a first slice: 2 ms on a slow device.
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
std::vector<Tile> make_tiles(const UpscalePlan& plan) {
    const ResampleAxis& rows = plan.vertical;
    const uint32_t taps = std::min(rows.taps, rows.input_size);
    const uint64_t words_max = kMiddleBytesMax / 4;
    // A word holds 2 samples; 4 columns less for what middle_words() rounds up.
    const uint64_t columns_max = words_max / taps * 2 / plan.channels - 4;
    const uint32_t width = plan.horizontal.output_size;
    const auto columns = static_cast<uint32_t>(std::min<uint64_t>(width, columns_max));
    std::vector<Tile> tiles;
    for (uint32_t x = 0; x < width; x += columns) {
        for (uint32_t y = 0; y < rows.output_size;) {
            Tile tile;
            tile.column_first = x;
            tile.column_end = std::min(x + columns, width);
            tile.row_first = y;
            tile.input_row_first = rows.first[y];
            const uint64_t rows_max = words_max / middle_words(tile, plan.channels);
            while (y < rows.output_size &&
                   input_row_end(rows, y) - tile.input_row_first <= rows_max) {
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
    UpscaleJob(gpu::Device& device, const gpu::Pipeline& first, const gpu::Pipeline& second,
               SlicePace& pace, const UpscalePlan& plan)
        : device_(device), first_(first), second_(second), pace_(pace), plan_(plan) {}

    Result<Done> run(const uint8_t* source, uint8_t* target, const std::function<bool()>& stop);

  private:
    using BufferPointer = std::unique_ptr<gpu::Buffer>;

    Result<Done> make_inputs(const uint8_t* source);
    Result<Done> make_tile_buffers(const std::vector<Tile>& tiles);
    Result<BufferPointer> make_axis(const ResampleAxis& axis);
    Result<Done> run_tile(const Tile& tile, const std::function<bool()>& stop);
    Result<Done> run_rows(const gpu::Pipeline& pipeline,
                          const std::array<gpu::Buffer*, kBuffersCount>& buffers,
                          UpscaleSlice slice, uint32_t row_end, uint64_t row_cost,
                          const std::function<bool()>& stop);
    void take_result(const Tile& tile, uint8_t* target);

    [[nodiscard]] uint32_t source_words() const {
        return words_for(uint64_t{plan_.horizontal.input_size} * plan_.channels, 4);
    }

    gpu::Device& device_;
    const gpu::Pipeline& first_;
    const gpu::Pipeline& second_;
    SlicePace& pace_;
    const UpscalePlan& plan_;
    BufferPointer source_;
    BufferPointer horizontal_;
    BufferPointer vertical_;
    BufferPointer middle_;
    BufferPointer result_;
};

Result<Done> UpscaleJob::run(const uint8_t* source, uint8_t* target,
                             const std::function<bool()>& stop) {
    const std::vector<Tile> tiles = make_tiles(plan_);
    if (Result<Done> made = make_inputs(source); !made) return made;
    if (Result<Done> made = make_tile_buffers(tiles); !made) return made;
    for (const Tile& tile : tiles) {
        if (Result<Done> done = run_tile(tile, stop); !done) return done;
        take_result(tile, target);
    }
    return Done{};
}

Result<Done> UpscaleJob::make_inputs(const uint8_t* source) {
    const uint64_t row_size = uint64_t{plan_.horizontal.input_size} * plan_.channels;
    const uint64_t stride = uint64_t{source_words()} * 4;
    const uint32_t height = plan_.vertical.input_size;
    // A word more than the picture: see bytes_at() in the shader.
    Result<BufferPointer> image = device_.make_buffer(stride * height + 4, gpu::BufferUse::kUpload);
    if (!image) return image.error();
    source_ = std::move(*image);
    uint8_t* mapped = source_->map();
    if (stride == row_size) {
        std::memcpy(mapped, source, row_size * height);
    } else {
        for (uint32_t y = 0; y < height; ++y) {
            std::memcpy(mapped + y * stride, source + y * row_size, row_size);
        }
    }
    Result<BufferPointer> horizontal = make_axis(plan_.horizontal);
    if (!horizontal) return horizontal.error();
    horizontal_ = std::move(*horizontal);
    Result<BufferPointer> vertical = make_axis(plan_.vertical);
    if (!vertical) return vertical.error();
    vertical_ = std::move(*vertical);
    return Done{};
}

Result<UpscaleJob::BufferPointer> UpscaleJob::make_axis(const ResampleAxis& axis) {
    const uint32_t stride = kUpscaleAxisHead + axis.taps;
    Result<BufferPointer> buffer =
        device_.make_buffer(uint64_t{axis.output_size} * stride * 4, gpu::BufferUse::kUpload);
    if (!buffer) return buffer;
    auto* words = reinterpret_cast<uint32_t*>((*buffer)->map());
    for (uint32_t i = 0; i < axis.output_size; ++i) {
        *words++ = axis.first[i];
        *words++ = axis.taps_inside(i);
        const int16_t* weights = axis.weights_of(i);
        for (uint32_t k = 0; k < axis.taps; ++k) {
            *words++ = static_cast<uint32_t>(int32_t{weights[k]});
        }
    }
    return buffer;
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
    Result<BufferPointer> scratch = device_.make_buffer(middle * 4, gpu::BufferUse::kScratch);
    if (!scratch) return scratch.error();
    middle_ = std::move(*scratch);
    Result<BufferPointer> download = device_.make_buffer(result * 4, gpu::BufferUse::kDownload);
    if (!download) return download.error();
    result_ = std::move(*download);
    return Done{};
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
    Result<Done> done = run_rows(first_, {source_.get(), horizontal_.get(), middle_.get()}, first,
                                 tile.input_row_end, samples * plan_.horizontal.taps, stop);
    if (!done) return done;

    UpscaleSlice second{};
    second.row_first = tile.row_first;
    second.units_per_row = result_words(tile, plan_.channels);
    second.source_row = tile.input_row_first;
    second.source_stride = first.target_stride;
    second.target_row = tile.row_first;
    second.target_stride = second.units_per_row;
    second.axis_stride = kUpscaleAxisHead + plan_.vertical.taps;
    return run_rows(second_, {middle_.get(), vertical_.get(), result_.get()}, second, tile.row_end,
                    samples * plan_.vertical.taps, stop);
}

// Rows from slice.row_first to row_end, as many at a time as the pace allows. `row_cost` is in
// multiplications.
Result<Done> UpscaleJob::run_rows(const gpu::Pipeline& pipeline,
                                  const std::array<gpu::Buffer*, kBuffersCount>& buffers,
                                  UpscaleSlice slice, uint32_t row_end, uint64_t row_cost,
                                  const std::function<bool()>& stop) {
    const uint32_t rows_max = device_.info().groups_max[1];
    while (slice.row_first < row_end) {
        if (stop && stop()) return make_error(Status::kCancelled, "cancelled between two slices");
        const uint64_t paced = std::max<uint64_t>(1, pace_.units() / row_cost);
        const auto rows =
            static_cast<uint32_t>(std::min<uint64_t>({paced, rows_max, row_end - slice.row_first}));
        gpu::Dispatch dispatch;
        dispatch.pipeline = &pipeline;
        dispatch.buffers = buffers;
        dispatch.push_constants = {reinterpret_cast<const uint8_t*>(&slice), sizeof slice};
        dispatch.groups = {words_for(slice.units_per_row, kUpscaleGroupSize), rows, 1};
        gpu::Work work;
        work.dispatches = {&dispatch, 1};
        // The result travels once, with the slice that completes it.
        const bool completes = &pipeline == &second_ && slice.row_first + rows == row_end;
        if (completes) work.read_back = {&buffers[2], 1};
        work.timeout_us = kTimeoutUs;
        const Result<gpu::RunTime> time = device_.run(work);
        if (!time) return time.error();
        pace_.learn(row_cost * rows, time->device_ns);
        slice.row_first += rows;
    }
    return Done{};
}

void UpscaleJob::take_result(const Tile& tile, uint8_t* target) {
    const uint64_t row_size = uint64_t{plan_.horizontal.output_size} * plan_.channels;
    const uint64_t tile_size = tile.samples(plan_.channels);
    const uint64_t stride = uint64_t{words_for(tile_size, 4)} * 4;
    const uint8_t* mapped = result_->map();
    uint8_t* out = target + tile.row_first * row_size + tile.column_first * plan_.channels;
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

UpscaleGpu::UpscaleGpu(std::shared_ptr<gpu::Device> device)
    : device_(std::move(device)), pace_(kFirstGuess) {}

Result<std::unique_ptr<UpscaleGpu>> UpscaleGpu::create(std::shared_ptr<gpu::Device> device) {
    std::unique_ptr<UpscaleGpu> upscale(new UpscaleGpu(std::move(device)));
    const auto make = [&](std::span<const uint32_t> spirv,
                          std::shared_ptr<gpu::Pipeline>& pipeline) -> Result<Done> {
        Result<std::shared_ptr<gpu::Pipeline>> made =
            upscale->device_->make_pipeline(spirv, kBuffersCount, sizeof(UpscaleSlice));
        if (!made) return made.error();
        pipeline = std::move(*made);
        return Done{};
    };
    if (Result<Done> made = make(kUpscaleFirstRgbSpirv, upscale->first_rgb_); !made) {
        return made.error();
    }
    if (Result<Done> made = make(kUpscaleFirstRgbaSpirv, upscale->first_rgba_); !made) {
        return made.error();
    }
    if (Result<Done> made = make(kUpscaleSecondSpirv, upscale->second_); !made) {
        return made.error();
    }
    return upscale;
}

Result<Done> UpscaleGpu::run(const UpscalePlan& plan, const uint8_t* source, uint8_t* target,
                             const std::function<bool()>& stop) {
    const gpu::Pipeline& first = plan.channels == 3 ? *first_rgb_ : *first_rgba_;
    return UpscaleJob(*device_, first, *second_, pace_, plan).run(source, target, stop);
}

}  // namespace p2c2r::kernels
