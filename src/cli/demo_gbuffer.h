// Masks from a G-buffer, for the demonstration of shadows: the planes that a game would send of its
// own frame, packed as its shader would pack them.
#pragma once

#include <vector>

#include "cli/demo_scene.h"

namespace p2c2r::cli {

struct GbufferMasks {
    std::vector<Picture> masks;  // one a light, half resolution: black where it does not reach
    size_t bytes_up = 0;         // of the planes
    double different = 0;        // share of pixels that the scene itself has otherwise
};

// Writes the planes (gbuffer.bin) and the params (gbuffer.json) into the directory `out`: `p2c2r
// exec --type rt_shadows --data gbuffer.bin --params @gbuffer.json` computes the same.
Result<GbufferMasks> trace_gbuffer_masks(Session& session, const DemoScene& scene, size_t lights,
                                         const std::string& out);

}  // namespace p2c2r::cli
