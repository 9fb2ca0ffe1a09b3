// The task type `upscale`: a JPEG, PNG or raw picture in, a resized one out. README.md in this
// folder lists params and result.
#pragma once

#include <memory>

#include "exec/executor.h"
#include "kernels/gpu_kernels.h"
#include "kernels/plan_cache.h"

namespace p2c2r::kernels {

class UpscaleExecutor final : public exec::Executor {
  public:
    // `gpu` may be NULL: all is computed on the processor. `memory` (may be NULL) MUST outlive
    // every picture that was made from it.
    UpscaleExecutor(std::shared_ptr<GpuKernels> gpu, const MemoryHook* memory)
        : gpu_(std::move(gpu)), memory_(memory) {}

    [[nodiscard]] Traits traits() const override { return {false, gpu_ != nullptr, true, 0}; }
    Status run(exec::Job& job) override;

  private:
    struct Input;
    static Result<Input> load(const exec::Job& job, const UpscaleRequest& request,
                              const MemoryHook* memory);
    // The wanted rows of the resized picture and the name of the device that made them.
    Result<codec::Image> resize(const exec::Job& job, const UpscaleRequest& request,
                                const Input& input, std::string& device);
    Result<Done> compute(const exec::Job& job, const UpscalePlan& plan, RowRange rows,
                         const uint8_t* source, uint8_t* target, std::string& device);

    std::shared_ptr<GpuKernels> gpu_;
    const MemoryHook* memory_;
    PlanCache plans_;
};

}  // namespace p2c2r::kernels
