// `upscale` on a Vulkan device: the same bytes as upscale_native().
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "gpu/compute.h"
#include "kernels/slice_pace.h"
#include "kernels/upscale_native.h"

namespace p2c2r::kernels {

// How much of each pass a slice may hold: what a multiplication costs is not the same in all.
struct UpscalePaces {
    UpscalePaces();
    SlicePace first, second, measure, sharpen, soften;
};

// The shaders for one channel count.
struct UpscalePipelines {
    std::shared_ptr<gpu::Pipeline> first;
    std::shared_ptr<gpu::Pipeline> second;
    std::shared_ptr<gpu::Pipeline> measure;  // these three of the algorithm edge
    std::shared_ptr<gpu::Pipeline> sharpen;
    std::shared_ptr<gpu::Pipeline> soften;
};

// The shaders on one device. Any thread.
class UpscaleGpu {
  public:
    static Result<std::unique_ptr<UpscaleGpu>> create(std::shared_ptr<gpu::Device> device);

    // As upscale_native(). `stop` is asked between slices of some 1 ms, two of which may be under
    // way; kCancelled when it said yes, kDevice or kMemory when the device failed.
    Result<Done> run(const UpscalePlan& plan, const uint8_t* source, uint8_t* target,
                     const std::function<bool()>& stop = {}) {
        return run(plan, all_rows(plan), source, target, stop);
    }
    Result<Done> run(const UpscalePlan& plan, RowRange rows, const uint8_t* source, uint8_t* target,
                     const std::function<bool()>& stop = {});

  private:
    explicit UpscaleGpu(std::shared_ptr<gpu::Device> device);

    std::shared_ptr<gpu::Device> device_;
    UpscalePipelines rgb_;
    UpscalePipelines rgba_;
    UpscalePaces paces_;
};

}  // namespace p2c2r::kernels
