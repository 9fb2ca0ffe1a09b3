// A tile is done in blocks of pixels, an invocation each; two blocks are under way. A block takes
// as many dispatches as its slowest pixel needs; each makes a number of turns that the pace allows,
// and what a pixel is doing is kept on the device meanwhile. Two counters tell how many pixels are
// finished and how many turns were really made.
#include "kernels/raytrace_gpu.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "kernels/conformance.h"
#include "spirv/raytrace.h"

namespace p2c2r::kernels {

namespace {

constexpr uint32_t kBuffersCount = 6;
// Turns of a first slice: 1 ms on a slow device.
constexpr uint64_t kFirstGuess = 20'000;
constexpr uint64_t kFirstDepth = 256;
constexpr uint32_t kTurnsLeast = 64;
constexpr uint32_t kTurnsMost = kLoopTurnsMax - kRtTurnsExtra;
// Far beyond any slice: a first run on a software device compiles for up to seconds.
constexpr uint64_t kTimeoutUs = 20'000'000;

// Copied between two looks at `stop`: a fraction of a millisecond.
constexpr size_t kCopyPiece = 1u << 20;

Result<std::unique_ptr<gpu::Buffer>> upload(gpu::Device& device, std::span<const uint32_t> words,
                                            const std::function<bool()>& stop) {
    const size_t size = words.size_bytes();
    Result<std::unique_ptr<gpu::Buffer>> buffer =
        device.make_buffer(std::max<size_t>(size, 4), gpu::BufferUse::kUpload);
    if (!buffer) return buffer;
    const auto* const bytes = reinterpret_cast<const uint8_t*>(words.data());
    uint8_t* const target = (*buffer)->map();
    for (size_t at = 0; at < size; at += kCopyPiece) {
        if (stop && stop()) return make_error(Status::kCancelled, "cancelled between two copies");
        std::memcpy(target + at, bytes + at, std::min(kCopyPiece, size - at));
    }
    return buffer;
}

}  // namespace

// ---- one pass -----------------------------------------------------------------------------------

// A block of pixels that is being traced. Two take turns on the device: while one computes, what
// the other has done is looked at and its next slice submitted.
struct RaytraceGpu::Block {
    std::unique_ptr<gpu::Buffer> state;
    std::unique_ptr<gpu::Buffer> sums;
    // In turns: what one holds is taken while the next block's sums go into the other.
    std::unique_ptr<gpu::Buffer> sums_out[2];
    uint32_t out = 0;  // the one of `copied`
    std::unique_ptr<gpu::Buffer> counters;
    std::unique_ptr<gpu::Buffer> counters_out;
    RtSlice slice{};
    uint32_t pixels_left = 0;
    uint32_t finished = 0;  // as the counters said last
    uint32_t turns = 0;
    // What was submitted last, with `ticket`: slices, or the copy of a finished block's sums, or
    // both (the copy is made before the slice of the next block).
    bool traces = false;
    bool copies = false;
    RtSlice copied{};  // that block
    gpu::Ticket ticket = 0;

    [[nodiscard]] bool is_under_way() const { return traces || copies; }
};

struct RaytraceGpu::Job {
    RaytraceGpu& owner;
    const RtPass& pass;
    const SceneBuffers& scene;
    const std::function<bool()>& stop;
    uint32_t* words;
    uint32_t side = 0;
    uint32_t next_x = 0;  // the first block that nobody has begun
    uint32_t next_y = 0;
    std::unique_ptr<gpu::Buffer> frame;
    Block blocks[gpu::kSubmissionsMax];

    // Nobody wants what is still under way.
    ~Job() {
        for (const Block& block : blocks) {
            if (block.is_under_way()) static_cast<void>(owner.device_->wait(block.ticket));
        }
    }

    [[nodiscard]] uint32_t wanted_side() const {
        return owner.fixed_side_ > 0 ? owner.fixed_side_ : owner.side_.load();
    }

    Result<Done> make(uint64_t words_count, gpu::BufferUse use,
                      std::unique_ptr<gpu::Buffer>& buffer) {
        Result<std::unique_ptr<gpu::Buffer>> made =
            owner.device_->make_buffer(words_count * 4, use);
        if (!made) return made.error();
        buffer = std::move(*made);
        return Done{};
    }

    // Buffers for blocks of the side that the pace allows now.
    Result<Done> prepare() {
        side = wanted_side();
        if (!frame) {
            auto made = upload(*owner.device_, *pass.frame, stop);
            if (!made) return made.error();
            frame = std::move(*made);
        }
        const uint64_t pixels =
            uint64_t{std::min(side, pass.tile.width)} * std::min(side, pass.tile.height);
        using gpu::BufferUse;
        for (Block& block : blocks) {
            block = {};
            const struct {
                uint64_t words_count;
                BufferUse use;
                std::unique_ptr<gpu::Buffer>& buffer;
            } rows[] = {
                {pixels * kRtStateWords, BufferUse::kScratch, block.state},
                {pixels * kRtWordsPerPixel, BufferUse::kScratch, block.sums},
                {pixels * kRtWordsPerPixel, BufferUse::kDownload, block.sums_out[0]},
                {pixels * kRtWordsPerPixel, BufferUse::kDownload, block.sums_out[1]},
                {kRtCounters, BufferUse::kScratch, block.counters},
                {kRtCounters, BufferUse::kDownload, block.counters_out},
            };
            for (const auto& row : rows) {
                if (Result<Done> made = make(row.words_count, row.use, row.buffer); !made) {
                    return made;
                }
            }
        }
        return Done{};
    }

    // Blocks from (0, next_y) on: all of them, or whole rows of them until larger ones would be
    // better.
    Result<Done> run_blocks() {
        size_t now = 0;
        for (size_t idle = 0; idle < std::size(blocks); now = (now + 1) % std::size(blocks)) {
            Block& block = blocks[now];
            idle = 0;
            if (Result<Done> done = go_on(block); !done) return done;
            for (const Block& each : blocks) idle += each.is_under_way() ? 0 : 1;
        }
        return Done{};
    }

    // What `block` did last has ended. It does the next thing, and meanwhile what it has brought is
    // taken.
    Result<Done> go_on(Block& block) {
        if (!block.is_under_way()) return begin(block) ? trace(block) : Done{};
        const Result<gpu::RunTime> time = owner.device_->wait(block.ticket);
        if (!time) return time.error();
        const bool brought = std::exchange(block.copies, false);
        const RtSlice copied = block.copied;
        gpu::Buffer& sums = *block.sums_out[block.out];
        if (Result<Done> done = do_next(block, time->device_ns); !done) return done;
        if (brought) take(copied, sums);
        return Done{};
    }

    Result<Done> do_next(Block& block, uint64_t device_ns) {
        if (std::exchange(block.traces, false)) {
            if (Result<Done> done = look(block, device_ns); !done) return done;
            if (block.pixels_left > 0) return trace(block);
            block.copied = block.slice;
            block.copies = true;
            block.out ^= 1;
        }
        if (begin(block)) return trace(block);
        return block.copies ? submit(block, {}) : Done{};
    }

    // False when there is no more to begin.
    bool begin(Block& block) {
        // The first blocks of all teach the pace; a fast device gets larger ones from then on.
        const uint32_t wanted = wanted_side();
        if (next_y >= pass.tile.height || (next_x == 0 && next_y > 0 && wanted > side)) {
            return false;
        }
        block.slice = {};
        block.slice.column = pass.tile.x + next_x;
        block.slice.row = pass.tile.y + next_y;
        block.slice.width = std::min(side, pass.tile.width - next_x);
        block.slice.height = std::min(side, pass.tile.height - next_y);
        block.slice.sample_first = pass.sample_first;
        block.slice.sample_end = pass.sample_first + pass.sample_count;
        block.pixels_left = block.slice.width * block.slice.height;
        next_x += side;
        if (next_x >= pass.tile.width) {
            next_x = 0;
            next_y += side;
        }
        return true;
    }

    Result<Done> trace(Block& block) {
        if (stop && stop()) return make_error(Status::kCancelled, "cancelled between slices");
        RtSlice& slice = block.slice;
        const uint64_t turns_each =
            std::min(owner.pace_.units() / block.pixels_left, owner.depth_.units());
        slice.turns =
            static_cast<uint32_t>(std::clamp<uint64_t>(turns_each, kTurnsLeast, kTurnsMost));
        if (owner.fixed_turns_ > 0) slice.turns = owner.fixed_turns_;
        gpu::Buffer* const buffers[kBuffersCount] = {frame.get(),       scene.prims.get(),
                                                     scene.nodes.get(), block.state.get(),
                                                     block.sums.get(),  block.counters.get()};
        gpu::Dispatch dispatch;
        dispatch.pipeline = owner.pipeline_.get();
        dispatch.buffers = buffers;
        dispatch.push_constants = {reinterpret_cast<const uint8_t*>(&slice), sizeof slice};
        dispatch.groups = {(slice.width + kRtGroupSide - 1) / kRtGroupSide,
                           (slice.height + kRtGroupSide - 1) / kRtGroupSide, 1};
        block.traces = true;
        if (Result<Done> done = submit(block, {&dispatch, 1}); !done) return done;
        slice.resumes = 1;
        return Done{};
    }

    // What `block` does next, as `traces` and `copies` say. The sums of a block travel once, the
    // counters with each slice.
    Result<Done> submit(Block& block, std::span<const gpu::Dispatch> dispatches) {
        const gpu::Snapshot sums{block.sums.get(), block.sums_out[block.out].get(), 0};
        const gpu::Snapshot counters{block.counters.get(), block.counters_out.get()};
        const gpu::Snapshot snapshots[] = {block.copies ? sums : counters, counters};
        gpu::Work work;
        work.dispatches = dispatches;
        work.snapshots = {snapshots, block.copies && block.traces ? 2u : 1u};
        work.timeout_us = kTimeoutUs;
        const Result<gpu::Ticket> ticket = owner.device_->submit(work);
        if (!ticket) {
            block.traces = block.copies = false;
            return ticket.error();
        }
        block.ticket = *ticket;
        return Done{};
    }

    // At the counters that a slice left.
    Result<Done> look(Block& block, uint64_t device_ns) {
        uint32_t found[kRtCounters];
        std::memcpy(found, block.counters_out->map(), sizeof found);
        if (found[1] == block.turns) {
            return make_error(Status::kDevice,
                              owner.device_->info().name + " made no turn of the ray tracer");
        }
        const uint32_t pixels = block.pixels_left;
        block.pixels_left -= std::min(block.pixels_left, found[0] - block.finished);
        // Somebody has made all the turns that there were.
        if (block.pixels_left > 0) owner.depth_.learn(block.slice.turns, device_ns);
        if (pixels >= side * side / 4) owner.learn(side, found[1] - block.turns, device_ns);
        block.finished = found[0];
        block.turns = found[1];
        return Done{};
    }

    void take(const RtSlice& copied, gpu::Buffer& sums) {
        const uint8_t* const found = sums.map();
        const size_t row_bytes = size_t{copied.width} * kRtWordsPerPixel * 4;
        const uint64_t x = copied.column - pass.tile.x;
        const uint64_t y = copied.row - pass.tile.y;
        for (uint32_t row = 0; row < copied.height; ++row) {
            uint32_t* const target = words + ((y + row) * pass.tile.width + x) * kRtWordsPerPixel;
            std::memcpy(target, found + row * row_bytes, row_bytes);
        }
    }
};

// ---- the device ---------------------------------------------------------------------------------

RaytraceGpu::RaytraceGpu(std::shared_ptr<gpu::Device> device)
    : device_(std::move(device)), pace_(kFirstGuess), depth_(kFirstDepth) {}

void RaytraceGpu::learn(uint32_t side, uint64_t turns, uint64_t device_ns) {
    pace_.learn(turns, device_ns);
    // Of blocks of another side, begun before, nothing is to be learned.
    if (side == side_) side_.compare_exchange_strong(side, next_block_side(side, pace_.units()));
}

Result<std::unique_ptr<RaytraceGpu>> RaytraceGpu::create(std::shared_ptr<gpu::Device> device) {
    std::unique_ptr<RaytraceGpu> made(new RaytraceGpu(std::move(device)));
    Result<std::shared_ptr<gpu::Pipeline>> pipeline =
        made->device_->make_pipeline(kRaytraceSpirv, kBuffersCount, sizeof(RtSlice));
    if (!pipeline) return pipeline.error();
    made->pipeline_ = std::move(*pipeline);
    return made;
}

Result<std::shared_ptr<RaytraceGpu::SceneBuffers>> RaytraceGpu::buffers_of(
    const std::shared_ptr<const RtScene>& scene, const std::function<bool()>& stop) {
    {
        const std::lock_guard lock(mutex_);
        if (last_ && last_->scene == scene) return last_;
    }
    auto buffers = std::make_shared<SceneBuffers>();
    buffers->scene = scene;
    auto prims = upload(*device_, scene->prims, stop);
    if (!prims) return prims.error();
    buffers->prims = std::move(*prims);
    auto nodes = upload(*device_, scene->nodes, stop);
    if (!nodes) return nodes.error();
    buffers->nodes = std::move(*nodes);
    const std::lock_guard lock(mutex_);
    last_ = buffers;
    return buffers;
}

Result<Done> RaytraceGpu::run(const RtPass& pass, const std::shared_ptr<const RtScene>& scene,
                              uint32_t* words, const std::function<bool()>& stop) {
    const auto buffers = buffers_of(scene, stop);
    if (!buffers) return buffers.error();
    Job job{*this, pass, **buffers, stop, words};
    while (job.next_y < pass.tile.height) {
        if (Result<Done> ready = job.prepare(); !ready) return ready;
        if (Result<Done> done = job.run_blocks(); !done) return done;
    }
    return Done{};
}

}  // namespace p2c2r::kernels
