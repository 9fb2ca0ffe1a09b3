// One job uploads the costs of the cells, relaxes tiles phase by phase until four phases in a row
// (every colour once) have changed nothing, then writes the directions. A tile that nothing has
// changed around is skipped by the shader and costs next to nothing, the others up to kPathTurnsMax
// turns: how much a slice may hold is forecast from what each row of tiles cost last. Where the
// grid is small a slice holds several phases; where a row is long and busy, a part of one.
#include "kernels/path_gpu.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "kernels/path_forecast.h"
#include "kernels/slices_under_way.h"
#include "shaders/path.h"
#include "spirv/path_directions.h"
#include "spirv/path_relax.h"

namespace p2c2r::kernels {

namespace {

constexpr uint32_t kRelaxBuffers = 4;
constexpr uint32_t kDirectionsBuffers = 3;
constexpr uint32_t kColours = 4;
// On a slow device: nanoseconds of a tile that is skipped and of a turn of one that is not; words
// of the field in 1 ms.
constexpr MixedPace<kPathCostKinds>::Amounts kFirstGuessNs{16'000, 16'000};
constexpr uint64_t kFirstGuessWords = 16'384;
constexpr uint64_t kTimeoutUs = 10'000'000;

uint32_t tiles_of(uint32_t cells) {
    return (cells + kPathTile - 1) / kPathTile;
}

uint32_t rule_bits(PathRule rule) {
    if (rule == PathRule::kFour) return 0;
    return rule == PathRule::kOctile ? kPathRuleDiagonal : kPathRuleDiagonal | kPathRuleCutCorners;
}

class PathJob {
  public:
    PathJob(gpu::Device& device, const PathGrid& grid, PathRule rule, PathCell goal,
            const std::function<bool()>& stop)
        : device_(device),
          grid_(grid),
          stop_(stop),
          tiles_x_(tiles_of(grid.width())),
          tiles_y_(tiles_of(grid.height())),
          forecast_(tiles_y_) {
        slice_.tiles_x = tiles_x_;
        slice_.tiles_y = tiles_y_;
        slice_.rule = rule_bits(rule);
        slice_.goal_x = static_cast<uint32_t>(goal.x);
        slice_.goal_y = static_cast<uint32_t>(goal.y);
        slice_.phase = kPathFirstPhase;
    }

    Result<Done> make_buffers();
    Result<Done> relax(const gpu::Pipeline& pipeline, MixedPace<kPathCostKinds>& pace,
                       double slice_ns);
    Result<Done> directions(const gpu::Pipeline& pipeline, SlicePace& pace, uint8_t* field);

  private:
    using BufferPointer = std::unique_ptr<gpu::Buffer>;

    Result<Done> make(BufferPointer& buffer, uint64_t size, gpu::BufferUse use);
    // Tiles of the present phase's colour.
    [[nodiscard]] uint32_t columns() const { return (tiles_x_ + 1 - (slice_.phase & 1)) / 2; }
    [[nodiscard]] uint32_t rows() const { return (tiles_y_ + 1 - (slice_.phase >> 1 & 1)) / 2; }
    // The next part of the present phase: whole rows of tiles, or a part of one where `left_ns`
    // (which is reduced by what it will take) is too short for it. Its groups; no columns: nothing
    // fits, which `must` rules out.
    std::array<uint32_t, 3> next_part(const MixedPace<kPathCostKinds>& pace, double& left_ns,
                                      bool must);
    void advance(size_t place, const std::array<uint32_t, 3>& groups);
    [[nodiscard]] bool asked_to_stop() const { return stop_ && stop_(); }
    static Error cancelled() {
        return make_error(Status::kCancelled, "cancelled between two slices");
    }
    static gpu::Work work_of(std::span<const gpu::Dispatch> dispatches) {
        gpu::Work work;
        work.dispatches = dispatches;
        work.timeout_us = kTimeoutUs;
        return work;
    }

    gpu::Device& device_;
    const PathGrid& grid_;
    const std::function<bool()>& stop_;
    const uint32_t tiles_x_;
    const uint32_t tiles_y_;
    RowForecast forecast_;
    PathSlice slice_{};
    BufferPointer cells_;
    BufferPointer left_;
    BufferPointer phases_;
    BufferPointer progress_;
    BufferPointer progress_out_[RowForecast::kPlaces];
    BufferPointer field_;
    std::array<gpu::Buffer*, kRelaxBuffers> relax_buffers_{};
};

Result<Done> PathJob::make(BufferPointer& buffer, uint64_t size, gpu::BufferUse use) {
    Result<BufferPointer> made = device_.make_buffer(size, use);
    if (!made) return made.error();
    buffer = std::move(*made);
    return Done{};
}

Result<Done> PathJob::make_buffers() {
    const uint64_t cells = uint64_t{tiles_x_} * tiles_y_ * kPathTile * kPathTile;
    if (Result<Done> made = make(cells_, cells, gpu::BufferUse::kUpload); !made) return made;
    if (Result<Done> made = make(left_, cells * 8, gpu::BufferUse::kScratch); !made) return made;
    const uint64_t phases_size = uint64_t{tiles_x_} * tiles_y_ * 4;
    if (Result<Done> made = make(phases_, phases_size, gpu::BufferUse::kScratch); !made) {
        return made;
    }
    const uint64_t progress_size = (1 + uint64_t{tiles_y_}) * 4;
    if (Result<Done> made = make(progress_, progress_size, gpu::BufferUse::kScratch); !made) {
        return made;
    }
    for (BufferPointer& out : progress_out_) {
        if (Result<Done> made = make(out, progress_size, gpu::BufferUse::kDownload); !made) {
            return made;
        }
    }
    uint8_t* const mapped = cells_->map();
    for (uint32_t y = 0; y < grid_.height(); ++y) {
        grid_.write_costs(y, mapped + size_t{y} * tiles_x_ * kPathTile);
    }
    relax_buffers_ = {cells_.get(), left_.get(), phases_.get(), progress_.get()};
    return Done{};
}

std::array<uint32_t, 3> PathJob::next_part(const MixedPace<kPathCostKinds>& pace, double& left_ns,
                                           bool must) {
    const auto row_ns = [&](uint32_t row) {
        const uint64_t turns = forecast_.turns(row * 2 + (slice_.phase >> 1 & 1));
        return columns() * pace.unit_ns(kPathSkipped) +
               static_cast<double>(turns) * pace.unit_ns(kPathTurns);
    };
    uint32_t rows_now = 0;
    while (slice_.tile_column_first == 0 && slice_.tile_row_first + rows_now < rows()) {
        const double next_ns = row_ns(slice_.tile_row_first + rows_now);
        if (next_ns > left_ns) break;
        left_ns -= next_ns;
        ++rows_now;
    }
    if (rows_now > 0) return {columns(), rows_now, 1};
    // Not even one row: a part of it, as if all its tiles were alike.
    const double column_ns = row_ns(slice_.tile_row_first) / columns();
    const double fits = std::floor(left_ns / column_ns);
    const uint32_t columns_left = columns() - slice_.tile_column_first;
    auto columns_now = static_cast<uint32_t>(std::min<double>(fits, columns_left));
    if (columns_now == 0 && must) columns_now = 1;
    left_ns -= std::min(left_ns, columns_now * column_ns);
    return {columns_now, 1, 1};
}

void PathJob::advance(size_t place, const std::array<uint32_t, 3>& groups) {
    const double part = static_cast<double>(groups[0]) / columns();
    for (uint32_t row = 0; row < groups[1]; ++row) {
        forecast_.visits(place, (slice_.tile_row_first + row) * 2 + (slice_.phase >> 1 & 1), part);
    }
    slice_.tile_column_first += groups[0];
    if (slice_.tile_column_first < columns()) return;
    slice_.tile_column_first = 0;
    slice_.tile_row_first += groups[1];
}

Result<Done> PathJob::relax(const gpu::Pipeline& pipeline, MixedPace<kPathCostKinds>& pace,
                            double slice_ns) {
    struct Note {
        size_t place;
        uint64_t tiles;
        uint32_t phase;  // those below it are complete
    };
    bool at_rest = false;
    SlicesUnderWay<Note> under_way(
        device_, [&](const Note& note, uint64_t device_ns) -> Result<Done> {
            // The last phase that changed something, then the turns of rows.
            const auto* const progress =
                reinterpret_cast<const uint32_t*>(progress_out_[note.place]->map());
            const uint64_t turns = forecast_.learn(note.place, progress + 1);
            pace.learn({static_cast<double>(note.tiles), static_cast<double>(turns)}, device_ns);
            at_rest = note.phase > std::max(progress[0], kPathFirstPhase) + kColours;
            return Done{};
        });
    static_assert(RowForecast::kPlaces == SlicesUnderWay<Note>::kMost);
    // What is relaxed after it has come to rest changes nothing.
    while (!at_rest) {
        const size_t place = under_way.next_place();
        std::array<PathSlice, gpu::kDispatchesMax> slices{};
        std::array<gpu::Dispatch, gpu::kDispatchesMax> dispatches;
        double left_ns = slice_ns;
        uint64_t tiles = 0;
        size_t count = 0;
        while (count < dispatches.size()) {
            // A grid of one row or column of tiles has colours without tiles.
            if (columns() > 0 && slice_.tile_row_first < rows()) {
                const auto groups = next_part(pace, left_ns, count == 0);
                if (groups[0] == 0) break;
                slices[count] = slice_;
                gpu::Dispatch& dispatch = dispatches[count];
                dispatch.pipeline = &pipeline;
                dispatch.buffers = relax_buffers_;
                dispatch.push_constants = {reinterpret_cast<const uint8_t*>(&slices[count]),
                                           sizeof slices[count]};
                dispatch.groups = groups;
                tiles += uint64_t{groups[0]} * groups[1];
                advance(place, groups);
                ++count;
            }
            if (columns() == 0 || slice_.tile_row_first >= rows()) {
                ++slice_.phase;
                slice_.tile_row_first = 0;
            }
        }
        if (asked_to_stop()) return cancelled();
        gpu::Work work = work_of({dispatches.data(), count});
        const gpu::Snapshot snapshot{progress_.get(), progress_out_[place].get()};
        work.snapshots = {&snapshot, 1};
        if (Result<Done> added = under_way.add(work, {place, tiles, slice_.phase}); !added) {
            return added;
        }
    }
    return under_way.finish();
}

Result<Done> PathJob::directions(const gpu::Pipeline& pipeline, SlicePace& pace, uint8_t* field) {
    const uint32_t row_words = tiles_x_ * (kPathTile / 4);
    const uint32_t rows_all = grid_.height();
    if (Result<Done> made =
            make(field_, uint64_t{row_words} * 4 * rows_all, gpu::BufferUse::kDownload);
        !made) {
        return made;
    }
    const std::array<gpu::Buffer*, kDirectionsBuffers> buffers{cells_.get(), left_.get(),
                                                               field_.get()};
    SlicesUnderWay<uint64_t> under_way(
        device_, [&](const uint64_t& words, uint64_t device_ns) -> Result<Done> {
            pace.learn(words, device_ns);
            return Done{};
        });
    for (uint32_t row = 0; row < rows_all;) {
        if (asked_to_stop()) return cancelled();
        const uint64_t paced = std::max<uint64_t>(1, pace.units() / row_words);
        const auto rows_now = static_cast<uint32_t>(
            std::min<uint64_t>({paced, device_.info().groups_max[1], rows_all - row}));
        PathSlice slice = slice_;
        slice.tile_row_first = row;  // here: a row of cells
        gpu::Dispatch dispatch;
        dispatch.pipeline = &pipeline;
        dispatch.buffers = buffers;
        dispatch.push_constants = {reinterpret_cast<const uint8_t*>(&slice), sizeof slice};
        dispatch.groups = {(row_words + kPathFieldGroup - 1) / kPathFieldGroup, rows_now, 1};
        row += rows_now;
        gpu::Work work = work_of({&dispatch, 1});
        // The result travels once, with the slice that completes it.
        gpu::Buffer* const result = field_.get();
        if (row == rows_all) work.read_back = {&result, 1};
        if (Result<Done> added = under_way.add(work, uint64_t{row_words} * rows_now); !added) {
            return added;
        }
    }
    if (Result<Done> done = under_way.finish(); !done) return done;
    const uint8_t* const mapped = field_->map();
    for (uint32_t row = 0; row < rows_all; ++row) {
        std::memcpy(field + size_t{row} * grid_.width(), mapped + size_t{row} * row_words * 4,
                    grid_.width());
    }
    return Done{};
}

}  // namespace

PathGpu::PathGpu(std::shared_ptr<gpu::Device> device)
    : device_(std::move(device)), relax_pace_(kFirstGuessNs), directions_pace_(kFirstGuessWords) {}

Result<std::unique_ptr<PathGpu>> PathGpu::create(std::shared_ptr<gpu::Device> device) {
    if (device->info().group_invocations_max < kPathTile * kPathTile) {
        return make_error(Status::kDevice,
                          device->info().name + " has groups of at most " +
                              std::to_string(device->info().group_invocations_max) +
                              " invocations, a tile of ai_pathfinding has " +
                              std::to_string(kPathTile * kPathTile));
    }
    std::unique_ptr<PathGpu> path(new PathGpu(std::move(device)));
    Result<std::shared_ptr<gpu::Pipeline>> relax =
        path->device_->make_pipeline(kPathRelaxSpirv, kRelaxBuffers, sizeof(PathSlice));
    if (!relax) return relax.error();
    path->relax_ = std::move(*relax);
    Result<std::shared_ptr<gpu::Pipeline>> directions =
        path->device_->make_pipeline(kPathDirectionsSpirv, kDirectionsBuffers, sizeof(PathSlice));
    if (!directions) return directions.error();
    path->directions_ = std::move(*directions);
    return path;
}

Result<Done> PathGpu::run(const PathGrid& grid, PathRule rule, PathCell goal, uint8_t* field,
                          const std::function<bool()>& stop) {
    PathJob job(*device_, grid, rule, goal, stop);
    if (Result<Done> made = job.make_buffers(); !made) return made;
    if (Result<Done> done = job.relax(*relax_, relax_pace_, slice_ns_); !done) return done;
    return job.directions(*directions_, directions_pace_, field);
}

}  // namespace p2c2r::kernels
