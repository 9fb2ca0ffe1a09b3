#include "kernels/physics_gpu_slices.h"

#include <algorithm>

#include "shaders/physics_report.h"

namespace p2c2r::kernels {

namespace {

// Far beyond any slice: a first run on a software device compiles for up to half a second a shader.
constexpr uint64_t kTimeoutUs = 20'000'000;
// Pieces are whole blocks of the sort, and so whole groups.
constexpr uint32_t kBlock = 512;

// Of one body, about; what a shader that moves a word or two costs is 1.
constexpr uint64_t weight(PhysicsGpu::Shader shader) {
    switch (shader) {
        case PhysicsGpu::kCount:
        case PhysicsGpu::kFill:
        case PhysicsGpu::kLargeCount:
        case PhysicsGpu::kLargeFill:
            return 40;
        case PhysicsGpu::kPush:
        case PhysicsGpu::kBounce:
            return 8;
        case PhysicsGpu::kSortNear:
        case PhysicsGpu::kSettle:
            return 4;
        default:
            return 1;
    }
}

}  // namespace

Result<Done> PhysicsSlices::add(PhysicsGpu::Shader shader, const PhysicsPush& push,
                                uint32_t count) {
    const uint64_t each = weight(shader);
    for (uint32_t first = 0; first < count;) {
        const uint64_t paced = std::max<uint64_t>(pace_.units() / each / kBlock, 1) * kBlock;
        const auto size = static_cast<uint32_t>(std::min<uint64_t>(paced, count - first));
        const uint64_t units = size * each;
        const bool full = !waiting_.empty() && (waiting_.size() == gpu::kDispatchesMax ||
                                                units_ + units > pace_.units());
        if (full) {
            if (Result<Done> done = flush(nullptr); !done) return done;
        }
        Piece piece{shader, push, 0};
        piece.push.first = first;
        piece.push.end = first + size;
        const uint32_t group = shader == PhysicsGpu::kSortNear ? kBlock : kPhysicsGroup;
        piece.groups = (size + group - 1) / group;
        waiting_.push_back(piece);
        units_ += units;
        first += size;
    }
    return Done{};
}

Result<Done> PhysicsSlices::flush(gpu::Buffer* read_back) {
    if (waiting_.empty()) return Done{};
    if (stop_ && stop_()) return make_error(Status::kCancelled, "cancelled between two slices");
    std::array<gpu::Dispatch, gpu::kDispatchesMax> dispatches;
    for (size_t i = 0; i < waiting_.size(); ++i) {
        gpu::Dispatch& dispatch = dispatches[i];
        const Piece& piece = waiting_[i];
        dispatch.pipeline = pipelines_[piece.shader].get();
        dispatch.buffers = buffers_;
        dispatch.push_constants = {reinterpret_cast<const uint8_t*>(&piece.push),
                                   sizeof piece.push};
        dispatch.groups = {piece.groups, 1, 1};
    }
    gpu::Work work;
    work.dispatches = {dispatches.data(), waiting_.size()};
    if (read_back) work.read_back = {&read_back, 1};
    work.timeout_us = kTimeoutUs;
    const Result<gpu::RunTime> time = device_.run(work);
    if (!time) return time.error();
    pace_.learn(units_, time->device_ns);
    waiting_.clear();
    units_ = 0;
    return Done{};
}

}  // namespace p2c2r::kernels
