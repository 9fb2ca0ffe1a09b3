// Dispatches of `physics` in the order they were added, cut into pieces and submitted in slices.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "kernels/physics_gpu.h"
#include "kernels/slices_under_way.h"

namespace p2c2r::kernels {

// Bindings of every shader: see physics_buffers.h.
inline constexpr size_t kPhysicsBuffersCount = 12;
inline constexpr size_t kPhysicsFixed = 0;
inline constexpr size_t kPhysicsWalls = 9;
inline constexpr size_t kPhysicsReport = 10;
inline constexpr size_t kPhysicsState = 11;

// What a body takes in each shader on a slow device.
PhysicsGpu::Pace::Amounts physics_first_guess();

// One job's. One thread.
class PhysicsSlices {
  public:
    // Called once the slice with a snapshot into `into` has ended, in their order.
    using Ended = std::function<Result<Done>(gpu::Buffer* into)>;

    PhysicsSlices(gpu::Device& device, const PhysicsGpu::Pipelines& pipelines,
                  PhysicsGpu::Pace& pace, const std::function<bool()>& stop, Ended ended);

    // Not while something is waiting to be submitted.
    void bind(size_t binding, gpu::Buffer* buffer) { buffers_[binding] = buffer; }
    // `shader` over [0, count); submits what waits when a slice is full.
    Result<Done> add(PhysicsGpu::Shader shader, const PhysicsPush& push, uint32_t count);
    // Behind all that was added, `from` as it is then. `into` is not used by another snapshot
    // before `ended` has been told of this one.
    void snapshot(gpu::Buffer* from, gpu::Buffer* into);
    [[nodiscard]] size_t snapshots_waiting() const { return snapshots_.size(); }
    // Submits what waits, and ends what was submitted before it. Until then the host's data for it
    // must stay.
    Result<Done> flush();
    // Submits what waits. All has ended then; the host may look at `read_back` (may be NULL).
    Result<Done> finish(gpu::Buffer* read_back);

  private:
    struct Piece {
        PhysicsGpu::Shader shader;
        PhysicsPush push;
        uint32_t groups;
    };

    // What a slice did.
    struct Note {
        PhysicsGpu::Pace::Amounts bodies{};
        std::vector<gpu::Buffer*> snapshots;  // their targets
    };

    Result<Done> submit(gpu::Buffer* read_back);

    const PhysicsGpu::Pipelines& pipelines_;
    PhysicsGpu::Pace& pace_;
    const std::function<bool()>& stop_;
    std::array<gpu::Buffer*, kPhysicsBuffersCount> buffers_{};
    std::vector<Piece> waiting_;
    std::vector<gpu::Snapshot> snapshots_;  // that wait with them
    double expected_ns_ = 0;                // of those
    SlicesUnderWay<Note> under_way_;
};

}  // namespace p2c2r::kernels
