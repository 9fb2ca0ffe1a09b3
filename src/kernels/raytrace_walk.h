// Which primitive a ray meets, found through the boxes of a scene. All forms give the same answers.
#pragma once

#include "kernels/raytrace_scene.h"
#include "shaders/raytrace.h"

namespace p2c2r::kernels {

struct RtHit {
    uint32_t prim = kRtNone;
    float distance = 0;
};

struct RtWalk {
    const char* name;
    RtHit (*nearest)(const RtScene& scene, const RtData& data, const RtRay& ray);
    // By anything that casts a shadow, in front of ray.limit.
    bool (*blocked)(const RtScene& scene, const RtData& data, const RtRay& ray);
};

const RtWalk& rt_walk_plain();
// NULL where the processor lacks AVX2.
const RtWalk* rt_walk_avx2();
// The fastest here.
const RtWalk& rt_walk();

}  // namespace p2c2r::kernels
