#include "kernels/physics_gpu_slices.h"

#include <algorithm>

#include "shaders/physics_report.h"

namespace p2c2r::kernels {

namespace {

// Far beyond any slice: a first run on a software device compiles for up to half a second a shader.
constexpr uint64_t kTimeoutUs = 20'000'000;
// Pieces are whole blocks of the sort, and so whole groups.
constexpr uint32_t kBlock = 512;
constexpr auto kSliceNs = static_cast<double>(SlicePace::kSliceNs);

// Of one body on a slow device, as a first guess; what a shader that moves a word or two takes
// is 1.
constexpr double kFirstGuessNs = 10;
constexpr uint32_t weight(PhysicsGpu::Shader shader) {
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

PhysicsGpu::Pace::Amounts physics_first_guess() {
    PhysicsGpu::Pace::Amounts ns{};
    for (size_t i = 0; i < ns.size(); ++i) {
        ns[i] = kFirstGuessNs * weight(static_cast<PhysicsGpu::Shader>(i));
    }
    return ns;
}

PhysicsSlices::PhysicsSlices(gpu::Device& device, const PhysicsGpu::Pipelines& pipelines,
                             PhysicsGpu::Pace& pace, const std::function<bool()>& stop, Ended ended)
    : pipelines_(pipelines),
      pace_(pace),
      stop_(stop),
      under_way_(
          device,
          [&pace, ended = std::move(ended)](const Note& note, uint64_t device_ns) -> Result<Done> {
              pace.learn(note.bodies, device_ns);
              for (gpu::Buffer* const into : note.snapshots) {
                  if (Result<Done> done = ended(into); !done) return done;
              }
              return Done{};
          }) {}

Result<Done> PhysicsSlices::add(PhysicsGpu::Shader shader, const PhysicsPush& push,
                                uint32_t count) {
    for (uint32_t first = 0; first < count;) {
        const double each_ns = pace_.unit_ns(shader);
        const auto blocks = static_cast<uint64_t>(kSliceNs / (each_ns * kBlock));
        const uint64_t paced = std::max<uint64_t>(blocks, 1) * kBlock;
        const auto size = static_cast<uint32_t>(std::min<uint64_t>(paced, count - first));
        const double piece_ns = size * each_ns;
        const bool full = !waiting_.empty() && (waiting_.size() == gpu::kDispatchesMax ||
                                                expected_ns_ + piece_ns > kSliceNs);
        if (full) {
            if (Result<Done> done = flush(); !done) return done;
        }
        Piece piece{shader, push, 0};
        piece.push.first = first;
        piece.push.end = first + size;
        const uint32_t group = shader == PhysicsGpu::kSortNear ? kBlock : kPhysicsGroup;
        piece.groups = (size + group - 1) / group;
        waiting_.push_back(piece);
        expected_ns_ += piece_ns;
        first += size;
    }
    return Done{};
}

void PhysicsSlices::snapshot(gpu::Buffer* from, gpu::Buffer* into) {
    snapshots_.push_back({from, into, static_cast<uint32_t>(waiting_.size())});
}

Result<Done> PhysicsSlices::flush() {
    return waiting_.empty() && snapshots_.empty() ? Done{} : submit(nullptr);
}

Result<Done> PhysicsSlices::finish(gpu::Buffer* read_back) {
    P2C2R_CHECK(!read_back || !waiting_.empty());
    if (!waiting_.empty() || !snapshots_.empty()) {
        if (Result<Done> done = submit(read_back); !done) return done;
    }
    return under_way_.finish();
}

Result<Done> PhysicsSlices::submit(gpu::Buffer* read_back) {
    if (stop_ && stop_()) return make_error(Status::kCancelled, "cancelled between two slices");
    std::array<gpu::Dispatch, gpu::kDispatchesMax> dispatches;
    Note note;
    for (size_t i = 0; i < waiting_.size(); ++i) {
        gpu::Dispatch& dispatch = dispatches[i];
        const Piece& piece = waiting_[i];
        dispatch.pipeline = pipelines_[piece.shader].get();
        dispatch.buffers = buffers_;
        dispatch.push_constants = {reinterpret_cast<const uint8_t*>(&piece.push),
                                   sizeof piece.push};
        dispatch.groups = {piece.groups, 1, 1};
        note.bodies[piece.shader] += piece.push.end - piece.push.first;
    }
    for (const gpu::Snapshot& snapshot : snapshots_) note.snapshots.push_back(snapshot.into);
    gpu::Work work;
    work.dispatches = {dispatches.data(), waiting_.size()};
    work.snapshots = snapshots_;
    if (read_back) work.read_back = {&read_back, 1};
    work.timeout_us = kTimeoutUs;
    Result<Done> added = under_way_.add(work, std::move(note));
    waiting_.clear();
    snapshots_.clear();
    expected_ns_ = 0;
    return added;
}

}  // namespace p2c2r::kernels
