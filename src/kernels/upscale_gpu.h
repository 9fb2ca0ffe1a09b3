// `upscale` on a Vulkan device: the same bytes as upscale_native().
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "gpu/compute.h"
#include "kernels/slice_pace.h"
#include "kernels/upscale_native.h"

namespace p2c2r::kernels {

// The shaders on one device. Any thread.
class UpscaleGpu {
  public:
    static Result<std::unique_ptr<UpscaleGpu>> create(std::shared_ptr<gpu::Device> device);

    // As upscale_native(). `stop` is asked between slices of some 2 ms; kCancelled when it said
    // yes, kDevice or kMemory when the device failed.
    Result<Done> run(const UpscalePlan& plan, const uint8_t* source, uint8_t* target,
                     const std::function<bool()>& stop = {});

  private:
    explicit UpscaleGpu(std::shared_ptr<gpu::Device> device);

    std::shared_ptr<gpu::Device> device_;
    std::shared_ptr<gpu::Pipeline> first_rgb_;
    std::shared_ptr<gpu::Pipeline> first_rgba_;
    std::shared_ptr<gpu::Pipeline> second_;
    SlicePace pace_;
};

}  // namespace p2c2r::kernels
