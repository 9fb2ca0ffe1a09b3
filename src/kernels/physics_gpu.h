// `physics` on a Vulkan device: the same bytes as physics_native().
#pragma once

#include <array>
#include <functional>
#include <memory>

#include "gpu/compute.h"
#include "kernels/physics_native.h"
#include "kernels/slice_pace.h"

namespace p2c2r::kernels {

// The shaders on one device. Any thread.
class PhysicsGpu {
  public:
    static Result<std::unique_ptr<PhysicsGpu>> create(std::shared_ptr<gpu::Device> device);

    // As physics_native(). `stop` is asked between slices of some 1 ms, two of which may be
    // under way. Besides its errors: kDevice
    // when the device failed, kUnsupported when a body has so many others near it that this form's
    // loops would become too long.
    Result<Done> run(PhysicsWorld& world, uint32_t energy_every, PhysicsOutcome& outcome,
                     const std::function<bool()>& stop = {});

    enum Shader : size_t {
        kCarry,
        kMove,
        kSortNear,
        kSortFar,
        kSlots,
        kCount,
        kScan,
        kFill,
        kPush,
        kSettle,
        kBounce,
        kLargeCount,
        kLargeFill,
        kShadersCount,
    };
    using Pipelines = std::array<std::shared_ptr<gpu::Pipeline>, kShadersCount>;
    using Pace = MixedPace<kShadersCount>;  // of a body in each

  private:
    explicit PhysicsGpu(std::shared_ptr<gpu::Device> device);

    std::shared_ptr<gpu::Device> device_;
    Pipelines pipelines_;
    Pace pace_;
};

}  // namespace p2c2r::kernels
