// The task type `ai_pathfinding`: a grid and who goes where in, paths or a flow field out.
// README.md in this folder lists params and result.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exec/executor.h"
#include "kernels/gpu_kernels.h"
#include "kernels/path_request.h"
#include "kernels/path_search.h"

namespace p2c2r::kernels {

class PathExecutor final : public exec::Executor {
  public:
    // `gpu` may be NULL: all is computed on the processor. It computes flow fields only. `memory`
    // (may be NULL) MUST outlive every result that was made from it.
    PathExecutor(std::shared_ptr<GpuKernels> gpu, const MemoryHook* memory)
        : gpu_(std::move(gpu)), memory_(memory) {}

    [[nodiscard]] Traits traits() const override { return {false, gpu_ != nullptr, true, 0}; }
    Status run(exec::Job& job) override;

  private:
    class Task;
    // Scratch memory is kept for the next task: searches would spend their time on getting it.
    std::unique_ptr<PathScratch> take_scratch();
    void keep_scratch(std::unique_ptr<PathScratch> scratch);

    std::shared_ptr<GpuKernels> gpu_;
    const MemoryHook* memory_;
    std::mutex mutex_;  // guards idle_
    std::vector<std::unique_ptr<PathScratch>> idle_;
};

}  // namespace p2c2r::kernels
