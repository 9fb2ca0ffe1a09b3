#include "kernels/raytrace_native.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "exec/thread.h"
#include "kernels/float_scope.h"

namespace p2c2r::kernels {

namespace {

// Blocks of neighbouring pixels, whose rays visit the same boxes; threads take one after another.
constexpr uint32_t kBlockSide = 16;
// Samples between two looks at `stop`.
constexpr uint32_t kSamplesPerLook = 256;

class Tracer {
  public:
    Tracer(const RtPass& pass, uint32_t* words, const std::function<bool()>& stop,
           const RtWalk& walk)
        : pass_(pass),
          data_{pass.frame->data(), pass.scene->prims.data()},
          words_(words),
          stop_(stop),
          walk_(walk),
          blocks_x_((pass.tile.width + kBlockSide - 1) / kBlockSide),
          blocks_(blocks_x_ * ((pass.tile.height + kBlockSide - 1) / kBlockSide)) {}

    [[nodiscard]] uint32_t blocks() const { return blocks_; }
    [[nodiscard]] bool stopped() const { return stopped_.load(std::memory_order_relaxed); }

    // Until no block is left; by each thread.
    void work() {
        const FloatScope floats;
        uint32_t samples = 0;
        for (;;) {
            const uint32_t block = next_.fetch_add(1, std::memory_order_relaxed);
            if (block >= blocks_ || !trace_block(block, samples)) return;
        }
    }

  private:
    bool trace_block(uint32_t block, uint32_t& samples) {
        const RtTile& tile = pass_.tile;
        const uint32_t x_first = block % blocks_x_ * kBlockSide;
        const uint32_t y_first = block / blocks_x_ * kBlockSide;
        const uint32_t x_end = std::min(x_first + kBlockSide, tile.width);
        const uint32_t y_end = std::min(y_first + kBlockSide, tile.height);
        for (uint32_t y = y_first; y < y_end; ++y) {
            for (uint32_t x = x_first; x < x_end; ++x) {
                uint32_t sums[kRtWordsPerPixel] = {};
                for (uint32_t i = 0; i < pass_.sample_count; ++i) {
                    if (++samples % kSamplesPerLook == 0 && asked_to_stop()) return false;
                    trace_sample(tile.x + x, tile.y + y, pass_.sample_first + i, sums);
                }
                uint32_t* const target = words_ + (uint64_t{y} * tile.width + x) * kRtWordsPerPixel;
                std::copy(sums, sums + kRtWordsPerPixel, target);
            }
        }
        return true;
    }

    void trace_sample(uint32_t column, uint32_t row, uint32_t sample,
                      uint32_t (&sums)[kRtWordsPerPixel]) const {
        RtPath path;
        rt_start(data_, path, column, row, sample);
        while (path.phase != kRtDone) {
            if (path.phase == kRtNearest) {
                const RtHit hit = walk_.nearest(*pass_.scene, data_, path.ray);
                const uint32_t at = hit.prim == kRtNone ? kRtNone : hit.prim * kRtPrimWords;
                rt_after_nearest(data_, path, at, hit.distance);
            } else if (path.phase == kRtLight) {
                rt_ask_light(data_, path);
            } else {
                rt_after_shadow(path, walk_.blocked(*pass_.scene, data_, path.ray));
            }
        }
        for (uint32_t i = 0; i < kRtWordsPerPixel; ++i) sums[i] += rt_result(data_, path, i);
    }

    bool asked_to_stop() {
        if (stopped()) return true;
        if (!stop_ || !stop_()) return false;
        stopped_.store(true, std::memory_order_relaxed);
        return true;
    }

    const RtPass& pass_;
    const RtData data_;
    uint32_t* words_;
    const std::function<bool()>& stop_;
    const RtWalk& walk_;
    const uint32_t blocks_x_;
    const uint32_t blocks_;
    std::atomic<uint32_t> next_{0};
    std::atomic<bool> stopped_{false};
};

}  // namespace

Result<Done> raytrace_native(const RtPass& pass, uint32_t* words, uint32_t threads,
                             const std::function<bool()>& stop, const RtWalk& walk) {
    Tracer tracer(pass, words, stop, walk);
    {
        std::vector<std::unique_ptr<exec::Thread>> helpers;
        for (uint32_t i = 1; i < std::min(threads, tracer.blocks()); ++i) {
            auto helper = exec::Thread::start({"p2c2r-rays", 0, 0}, [&tracer] { tracer.work(); });
            // With fewer threads it takes longer, no more.
            if (!helper) break;
            helpers.push_back(std::move(*helper));
        }
        tracer.work();
    }
    if (tracer.stopped()) return make_error(Status::kCancelled, "the task was cancelled");
    return Done{};
}

}  // namespace p2c2r::kernels
