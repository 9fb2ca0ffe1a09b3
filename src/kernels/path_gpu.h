// Flow fields on a Vulkan device: the same directions as those of path_field.h.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "gpu/compute.h"
#include "kernels/path_grid.h"
#include "kernels/slice_pace.h"

namespace p2c2r::kernels {

// What relaxing costs: tiles that are skipped, and turns (see kPathDueCost).
inline constexpr size_t kPathSkipped = 0;
inline constexpr size_t kPathTurns = 1;
inline constexpr size_t kPathCostKinds = 2;

// The shaders on one device. Any thread.
class PathGpu {
  public:
    static Result<std::unique_ptr<PathGpu>> create(std::shared_ptr<gpu::Device> device);

    // A direction for each cell into `field`, rows top to bottom. `stop` is asked between slices of
    // some 1 ms, two of which may be under way; kCancelled when it said yes, kDevice or kMemory
    // when the device failed.
    Result<Done> run(const PathGrid& grid, PathRule rule, PathCell goal, uint8_t* field,
                     const std::function<bool()>& stop = {});

    // For tests: slices that are expected to take so long.
    void fix_slices(double slice_ns) { slice_ns_ = slice_ns; }

  private:
    explicit PathGpu(std::shared_ptr<gpu::Device> device);

    std::shared_ptr<gpu::Device> device_;
    std::shared_ptr<gpu::Pipeline> relax_;
    std::shared_ptr<gpu::Pipeline> directions_;
    MixedPace<kPathCostKinds> relax_pace_;
    SlicePace directions_pace_;
    double slice_ns_ = static_cast<double>(SlicePace::kSliceNs);
};

}  // namespace p2c2r::kernels
