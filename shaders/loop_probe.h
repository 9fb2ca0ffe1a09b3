// Constants of the loop probe, shared by its C++ and GLSL sides. The generator's step has no closed
// form that a compiler could put in place of the loop.
#ifndef P2C2R_SHADERS_LOOP_PROBE_H
#define P2C2R_SHADERS_LOOP_PROBE_H

#ifdef __cplusplus
#include <cstdint>
namespace p2c2r::kernels {
using uint = uint32_t;
#endif

const uint kLoopProbeGroupSize = 64u;
const uint kLoopProbeFactor = 1664525u;
const uint kLoopProbeStep = 1013904223u;

#ifdef __cplusplus
}  // namespace p2c2r::kernels
#endif

#endif
