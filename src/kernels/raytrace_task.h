// The task types `raytracing`, `rt_shadows` and `rt_reflections`. README.md in this folder lists
// params and results.
#pragma once

#include <memory>
#include <string>

#include "exec/executor.h"
#include "kernels/gpu_kernels.h"
#include "kernels/raytrace_output.h"

namespace p2c2r::kernels {

class RaytraceExecutor final : public exec::Executor {
  public:
    // `gpu` may be NULL: all is computed on the processor. `memory` (may be NULL) MUST outlive
    // every result that was made from it. `scenes` may be shared by several executors.
    RaytraceExecutor(RaytraceKind kind, std::shared_ptr<GpuKernels> gpu, const MemoryHook* memory,
                     std::shared_ptr<RtSceneCache> scenes)
        : kind_(kind), gpu_(std::move(gpu)), memory_(memory), scenes_(std::move(scenes)) {}

    [[nodiscard]] Traits traits() const override { return {false, gpu_ != nullptr, true, 0}; }
    Status run(exec::Job& job) override;

  private:
    // Computes one mode of the request, a band of rows at a time.
    Result<Done> compute(const exec::Job& job, RaytraceRequest& request, uint32_t mode,
                         RaytraceOutput& output, std::string& device);
    Status give_picture(exec::Job& job, const RaytraceRequest& request, RaytraceOutput& output,
                        const std::string& device);
    Status give_layers(exec::Job& job, const RaytraceRequest& request, RaytraceOutput& output);

    RaytraceKind kind_;
    std::shared_ptr<GpuKernels> gpu_;
    const MemoryHook* memory_;
    std::shared_ptr<RtSceneCache> scenes_;
};

// Adds the three types, which share the scenes they have seen.
Result<Done> add_raytrace_executors(exec::Registry& registry,
                                    const std::shared_ptr<GpuKernels>& gpu,
                                    const MemoryHook* memory);

}  // namespace p2c2r::kernels
