// The task type `physics`: a world of rigid spheres in, the same world some steps later out.
// README.md in this folder lists params and result.
#pragma once

#include <memory>
#include <mutex>

#include "exec/executor.h"
#include "kernels/gpu_kernels.h"
#include "kernels/physics_native.h"
#include "kernels/physics_request.h"

namespace p2c2r::kernels {

class PhysicsExecutor final : public exec::Executor {
  public:
    // `gpu` may be NULL: all is computed on the processor. `memory` (may be NULL) MUST outlive
    // every state that was packed into it. `threads`: that one task may use.
    PhysicsExecutor(std::shared_ptr<GpuKernels> gpu, const MemoryHook* memory, uint32_t threads)
        : gpu_(std::move(gpu)), memory_(memory), threads_(threads) {}

    [[nodiscard]] Traits traits() const override { return {false, gpu_ != nullptr, true, 0}; }
    Status run(exec::Job& job) override;

  private:
    Result<Done> compute(const exec::Job& job, PhysicsRequest& request, PhysicsOutcome& outcome,
                         std::string& device);
    Result<Done> compute_native(PhysicsRequest& request, PhysicsOutcome& outcome,
                                const std::function<bool()>& stop);

    std::shared_ptr<GpuKernels> gpu_;
    const MemoryHook* memory_;
    const uint32_t threads_;
    std::mutex mutex_;  // guards team_; held while a task uses it
    std::unique_ptr<PhysicsTeam> team_;
};

}  // namespace p2c2r::kernels
