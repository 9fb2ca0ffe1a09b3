// A tile is done in blocks of pixels, an invocation each. A block takes as many dispatches as its
// slowest pixel needs; each makes a number of turns that the pace allows, and what a pixel is doing
// is kept on the device meanwhile. Two counters tell how many pixels are finished and how many
// turns were really made.
#include "kernels/raytrace_gpu.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/conformance.h"
#include "spirv/raytrace.h"

namespace p2c2r::kernels {

namespace {

constexpr uint32_t kBuffersCount = 6;
// Turns of a first slice: 2 ms on a slow device.
constexpr uint64_t kFirstGuess = 20'000;
constexpr uint32_t kTurnsLeast = 64;
constexpr uint32_t kTurnsMost = kLoopTurnsMax - kRtTurnsExtra;
// Turns that a pixel should get in a slice: saving and loading its state costs some ten.
constexpr uint64_t kTurnsWanted = 256;
// State of a block: 28 MiB.
constexpr uint32_t kBlockSideMax = 256;
constexpr uint32_t kBlockSideLeast = 16;
// Far beyond any slice: a first run on a software device compiles for up to seconds.
constexpr uint64_t kTimeoutUs = 20'000'000;

Result<std::unique_ptr<gpu::Buffer>> upload(gpu::Device& device, const void* data, size_t size) {
    Result<std::unique_ptr<gpu::Buffer>> buffer =
        device.make_buffer(std::max<size_t>(size, 4), gpu::BufferUse::kUpload);
    if (buffer && size > 0) std::memcpy((*buffer)->map(), data, size);
    return buffer;
}

}  // namespace

// ---- one pass -----------------------------------------------------------------------------------

struct RaytraceGpu::Job {
    RaytraceGpu& owner;
    const RtPass& pass;
    const SceneBuffers& scene;
    const std::function<bool()>& stop;
    uint32_t side = 0;
    std::unique_ptr<gpu::Buffer> frame;
    std::unique_ptr<gpu::Buffer> state;
    std::unique_ptr<gpu::Buffer> sums;
    std::unique_ptr<gpu::Buffer> counters;
    uint32_t finished = 0;  // as the counters said last
    uint32_t turns = 0;

    // As large as gives each pixel some turns in a slice.
    [[nodiscard]] uint32_t wanted_side() const {
        if (owner.fixed_side_ > 0) return owner.fixed_side_;
        uint32_t wanted = kBlockSideMax;
        while (wanted > kBlockSideLeast &&
               uint64_t{wanted} * wanted * kTurnsWanted > owner.pace_.units()) {
            wanted /= 2;
        }
        return wanted;
    }

    Result<Done> prepare() {
        side = wanted_side();
        finished = 0;
        turns = 0;
        const uint64_t pixels =
            uint64_t{std::min(side, pass.tile.width)} * std::min(side, pass.tile.height);
        gpu::Device& device = *owner.device_;
        const auto keep = [](Result<std::unique_ptr<gpu::Buffer>> made,
                             std::unique_ptr<gpu::Buffer>& buffer) -> Result<Done> {
            if (!made) return made.error();
            buffer = std::move(*made);
            return Done{};
        };
        using gpu::BufferUse;
        if (Result<Done> made =
                keep(upload(device, pass.frame->data(), pass.frame->size() * 4), frame);
            !made) {
            return made;
        }
        if (Result<Done> made =
                keep(device.make_buffer(pixels * kRtStateWords * 4, BufferUse::kScratch), state);
            !made) {
            return made;
        }
        if (Result<Done> made =
                keep(device.make_buffer(pixels * kRtWordsPerPixel * 4, BufferUse::kDownload), sums);
            !made) {
            return made;
        }
        return keep(device.make_buffer(kRtCounters * 4, BufferUse::kDownload), counters);
    }

    Result<Done> run_block(uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                           uint32_t* words) {
        RtSlice slice{};
        slice.column = pass.tile.x + x;
        slice.row = pass.tile.y + y;
        slice.width = width;
        slice.height = height;
        slice.sample_first = pass.sample_first;
        slice.sample_end = pass.sample_first + pass.sample_count;
        const uint32_t wanted = finished + width * height;
        while (finished != wanted) {
            if (stop && stop()) return make_error(Status::kCancelled, "cancelled between slices");
            if (Result<Done> done = run_slice(slice, wanted - finished); !done) return done;
            slice.resumes = 1;
        }
        const uint8_t* const found = sums->map();
        const size_t row_bytes = size_t{width} * kRtWordsPerPixel * 4;
        for (uint32_t row = 0; row < height; ++row) {
            uint32_t* const target =
                words + (uint64_t{y + row} * pass.tile.width + x) * kRtWordsPerPixel;
            std::memcpy(target, found + row * row_bytes, row_bytes);
        }
        return Done{};
    }

    Result<Done> run_slice(RtSlice& slice, uint32_t pixels_left) {
        const uint64_t turns_each = owner.pace_.units() / pixels_left;
        slice.turns =
            static_cast<uint32_t>(std::clamp<uint64_t>(turns_each, kTurnsLeast, kTurnsMost));
        if (owner.fixed_turns_ > 0) slice.turns = owner.fixed_turns_;
        gpu::Buffer* const buffers[kBuffersCount] = {frame.get(),       scene.prims.get(),
                                                     scene.nodes.get(), state.get(),
                                                     sums.get(),        counters.get()};
        gpu::Dispatch dispatch;
        dispatch.pipeline = owner.pipeline_.get();
        dispatch.buffers = buffers;
        dispatch.push_constants = {reinterpret_cast<const uint8_t*>(&slice), sizeof slice};
        dispatch.groups = {(slice.width + kRtGroupSide - 1) / kRtGroupSide,
                           (slice.height + kRtGroupSide - 1) / kRtGroupSide, 1};
        gpu::Work work;
        work.dispatches = {&dispatch, 1};
        work.read_back = {buffers + 4, 2};
        work.timeout_us = kTimeoutUs;
        const Result<gpu::RunTime> time = owner.device_->run(work);
        if (!time) return time.error();
        uint32_t found[kRtCounters];
        std::memcpy(found, counters->map(), sizeof found);
        if (found[1] == turns) {
            return make_error(Status::kDevice,
                              owner.device_->info().name + " made no turn of the ray tracer");
        }
        owner.pace_.learn(found[1] - turns, time->device_ns);
        finished = found[0];
        turns = found[1];
        return Done{};
    }
};

// ---- the device ---------------------------------------------------------------------------------

RaytraceGpu::RaytraceGpu(std::shared_ptr<gpu::Device> device)
    : device_(std::move(device)), pace_(kFirstGuess) {}

Result<std::unique_ptr<RaytraceGpu>> RaytraceGpu::create(std::shared_ptr<gpu::Device> device) {
    std::unique_ptr<RaytraceGpu> made(new RaytraceGpu(std::move(device)));
    Result<std::shared_ptr<gpu::Pipeline>> pipeline =
        made->device_->make_pipeline(kRaytraceSpirv, kBuffersCount, sizeof(RtSlice));
    if (!pipeline) return pipeline.error();
    made->pipeline_ = std::move(*pipeline);
    return made;
}

Result<std::shared_ptr<RaytraceGpu::SceneBuffers>> RaytraceGpu::buffers_of(
    const std::shared_ptr<const RtScene>& scene) {
    {
        const std::lock_guard lock(mutex_);
        if (last_ && last_->scene == scene) return last_;
    }
    auto buffers = std::make_shared<SceneBuffers>();
    buffers->scene = scene;
    auto prims = upload(*device_, scene->prims.data(), scene->prims.size() * 4);
    if (!prims) return prims.error();
    buffers->prims = std::move(*prims);
    auto nodes = upload(*device_, scene->nodes.data(), scene->nodes.size() * 4);
    if (!nodes) return nodes.error();
    buffers->nodes = std::move(*nodes);
    const std::lock_guard lock(mutex_);
    last_ = buffers;
    return buffers;
}

Result<Done> RaytraceGpu::run(const RtPass& pass, const std::shared_ptr<const RtScene>& scene,
                              uint32_t* words, const std::function<bool()>& stop) {
    const auto buffers = buffers_of(scene);
    if (!buffers) return buffers.error();
    Job job{*this, pass, **buffers, stop};
    if (Result<Done> ready = job.prepare(); !ready) return ready;
    for (uint32_t y = 0; y < pass.tile.height; y += job.side) {
        // The first blocks of all teach the pace; a fast device gets larger ones from then on.
        if (job.wanted_side() > job.side) {
            if (Result<Done> ready = job.prepare(); !ready) return ready;
        }
        for (uint32_t x = 0; x < pass.tile.width; x += job.side) {
            const uint32_t width = std::min(job.side, pass.tile.width - x);
            const uint32_t height = std::min(job.side, pass.tile.height - y);
            if (Result<Done> done = job.run_block(x, y, width, height, words); !done) return done;
        }
    }
    return Done{};
}

}  // namespace p2c2r::kernels
