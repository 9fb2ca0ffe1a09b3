// Dispatches of `physics` in the order they were added, cut into pieces and submitted in slices.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "kernels/physics_gpu.h"

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
    PhysicsSlices(gpu::Device& device, const PhysicsGpu::Pipelines& pipelines,
                  PhysicsGpu::Pace& pace, const std::function<bool()>& stop)
        : device_(device), pipelines_(pipelines), pace_(pace), stop_(stop) {}

    // Not while something is waiting to be submitted.
    void bind(size_t binding, gpu::Buffer* buffer) { buffers_[binding] = buffer; }
    // `shader` over [0, count); submits what waits when a slice is full.
    Result<Done> add(PhysicsGpu::Shader shader, const PhysicsPush& push, uint32_t count);
    // Submits what waits. `read_back` (may be NULL): the host looks at it afterwards.
    Result<Done> flush(gpu::Buffer* read_back);

  private:
    struct Piece {
        PhysicsGpu::Shader shader;
        PhysicsPush push;
        uint32_t groups;
    };

    gpu::Device& device_;
    const PhysicsGpu::Pipelines& pipelines_;
    PhysicsGpu::Pace& pace_;
    const std::function<bool()>& stop_;
    std::array<gpu::Buffer*, kPhysicsBuffersCount> buffers_{};
    std::vector<Piece> waiting_;
    double expected_ns_ = 0;  // of those
};

}  // namespace p2c2r::kernels
