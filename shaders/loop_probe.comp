// How far does a device really count? Some end a long loop silently. Each invocation advances the
// generator in its word of the buffer by `turns` steps; the host knows where it must arrive.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "loop_probe.h"

layout(local_size_x = kLoopProbeGroupSize) in;

layout(std430, binding = 0) buffer States { uint states[]; };
layout(push_constant) uniform Push { uint turns; };

void main() {
    uint place = gl_GlobalInvocationID.x;
    uint state = states[place];
    for (uint turn = 0u; turn < turns; ++turn) {
        state = state * kLoopProbeFactor + kLoopProbeStep;
        state ^= state >> 15;
    }
    states[place] = state;
}
