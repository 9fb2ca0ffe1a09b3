// The hierarchies of boxes over the primitives of a scene. They decide how fast a hit is found and
// never which (shaders/raytrace.h tells why).
#pragma once

#include "kernels/raytrace_scene.h"

namespace p2c2r::kernels {

// Fills scene.nodes and scene.wide from scene.bounds; primitives in scene.planes are left out.
// False: `looks` said to stop, and the scene is of no use.
bool build_rt_hierarchy(RtScene& scene, StopLooks& looks);

}  // namespace p2c2r::kernels
