// The ray tracer on a Vulkan device: the same words as raytrace_native().
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "gpu/compute.h"
#include "kernels/raytrace_block.h"
#include "kernels/raytrace_native.h"
#include "kernels/slice_pace.h"

namespace p2c2r::kernels {

// The shader on one device. Any thread.
class RaytraceGpu {
  public:
    static Result<std::unique_ptr<RaytraceGpu>> create(std::shared_ptr<gpu::Device> device);

    // As raytrace_native(). `stop` is asked between pieces of a scene that is copied to the device,
    // and between slices of some 1 ms, two of which may be under way; kCancelled when it said yes,
    // kDevice or kMemory when the device failed. The scene stays on the device for the next call.
    Result<Done> run(const RtPass& pass, const std::shared_ptr<const RtScene>& scene,
                     uint32_t* words, const std::function<bool()>& stop = {});

    // For tests: slices of exactly so many turns, and blocks of at most so many pixels a side.
    void fix_slices(uint32_t turns, uint32_t block_side) {
        fixed_turns_ = turns;
        fixed_side_ = block_side;
    }

  private:
    struct SceneBuffers {
        std::shared_ptr<const RtScene> scene;
        std::unique_ptr<gpu::Buffer> prims;
        std::unique_ptr<gpu::Buffer> nodes;
    };
    struct Block;
    struct Job;

    explicit RaytraceGpu(std::shared_ptr<gpu::Device> device);
    Result<std::shared_ptr<SceneBuffers>> buffers_of(const std::shared_ptr<const RtScene>& scene,
                                                     const std::function<bool()>& stop);

    // Of a slice with most of a block of `side`.
    void learn(uint32_t side, uint64_t turns, uint64_t device_ns);

    std::shared_ptr<gpu::Device> device_;
    std::shared_ptr<gpu::Pipeline> pipeline_;
    // Turns of a slice in which most pixels of its block still have something to do, and of one
    // pixel: the last ones of a block leave a device all but empty, and yet no turn gets faster.
    SlicePace pace_;
    SlicePace depth_;
    std::atomic<uint32_t> side_{kRtBlockSideLeast};
    uint32_t fixed_turns_ = 0;
    uint32_t fixed_side_ = 0;

    std::mutex mutex_;  // guards last_
    std::shared_ptr<SceneBuffers> last_;
};

}  // namespace p2c2r::kernels
