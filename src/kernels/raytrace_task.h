// The task types `raytracing`, `rt_shadows`, `rt_reflections` and `rt_global_illumination`.
// README.md in this folder lists params and results.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "exec/executor.h"
#include "kernels/gpu_kernels.h"
#include "kernels/raytrace_output.h"

namespace p2c2r::kernels {

class RaytraceExecutor final : public exec::Executor {
  public:
    // `gpu` may be NULL: all is computed on the processor. `memory` (may be NULL) MUST outlive
    // every result that was made from it. `scenes` may be shared by several executors. `threads`:
    // that one task may use.
    RaytraceExecutor(RaytraceKind kind, std::shared_ptr<GpuKernels> gpu, const MemoryHook* memory,
                     std::shared_ptr<RtSceneCache> scenes, uint32_t threads)
        : kind_(kind),
          gpu_(std::move(gpu)),
          memory_(memory),
          scenes_(std::move(scenes)),
          threads_(threads) {}

    [[nodiscard]] Traits traits() const override { return {false, gpu_ != nullptr, true, 0}; }
    Status run(exec::Job& job) override;
    // The job may wait for another one to build its scene.
    void cancel(exec::Job&) override { scenes_->look_again(); }

  private:
    // All passes of a request.
    Result<Done> compute(const exec::Job& job, RaytraceRequest& request, RaytraceOutput& output,
                         std::string& device);
    // One mode of the request's tile.
    Result<Done> compute_tile(const exec::Job& job, RaytraceRequest& request, uint32_t mode,
                              RaytraceOutput& output, std::string& device);
    // Words of pixels, from the `first` of a tile on.
    using RtTaker = std::function<void(uint64_t first, std::span<const uint32_t> words)>;
    // One mode of a tile, a band of rows at a time.
    Result<Done> compute_pass(const exec::Job& job, RaytraceRequest& request, uint32_t mode,
                              const RtTile& tile, const RtTaker& take, std::string& device);
    Status give_picture(exec::Job& job, const RaytraceRequest& request, RaytraceOutput& output,
                        const std::string& device);
    // The layers, or what changed in them since request.previous.
    Status give_layers(exec::Job& job, RaytraceRequest& request, RaytraceOutput& output,
                       std::string& device);
    Result<Bytes> previous_layers(const exec::Job& job, RaytraceRequest& request,
                                  const std::optional<Digest256>& planes, std::string& device);

    RaytraceKind kind_;
    std::shared_ptr<GpuKernels> gpu_;
    const MemoryHook* memory_;
    std::shared_ptr<RtSceneCache> scenes_;
    const uint32_t threads_;

    // The layer made last by a request that asked for changes: what the next one takes as previous.
    std::mutex mutex_;  // guards what is below
    Digest256 last_digest_{};
    std::shared_ptr<const RtScene> last_scene_;
    Bytes last_layers_;
};

// Adds the four types, which share the scenes they have seen.
Result<Done> add_raytrace_executors(exec::Registry& registry,
                                    const std::shared_ptr<GpuKernels>& gpu,
                                    const MemoryHook* memory, uint32_t threads);

}  // namespace p2c2r::kernels
