// The ray tracer on the processor.
#pragma once

#include <cstdint>
#include <functional>

#include "kernels/raytrace_request.h"
#include "kernels/raytrace_walk.h"

namespace p2c2r::kernels {

// One pass over a tile: `words` gets kRtWordsPerPixel a pixel, row by row, each the sum over the
// samples (see rt_result() in shaders/raytrace.h).
struct RtPass {
    const RtScene* scene = nullptr;
    const RtFrame* frame = nullptr;
    RtTile tile;
    uint32_t sample_first = 0;
    uint32_t sample_count = 1;
};

// `threads`: how many compute, the calling one included. `stop` (may be empty) is asked by several
// threads, every few rays; kCancelled when it said yes.
Result<Done> raytrace_native(const RtPass& pass, uint32_t* words, uint32_t threads,
                             const std::function<bool()>& stop = {},
                             const RtWalk& walk = rt_walk());

}  // namespace p2c2r::kernels
