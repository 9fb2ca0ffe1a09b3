// Bitonic sort inside blocks of 512 keys: merges of push.turn up to push.distance keys, each as far
// as it stays inside a block. All keys differ, so there is one sorted order.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "physics_buffers.h"

shared uint block[512];

void main() {
    uint own = gl_LocalInvocationID.x;
    uint base = push.first + gl_WorkGroupID.x * 512u;
    block[own] = keys[base + own];
    block[own + 256u] = keys[base + own + 256u];
    for (uint size = push.turn; size <= push.distance; size *= 2u) {
        for (uint step = min(size / 2u, 256u); step > 0u; step /= 2u) {
            barrier();
            uint low = (own & ~(step - 1u)) * 2u + (own & (step - 1u));
            bool rising = ((base + low) & size) == 0u;
            uint a = block[low];
            uint b = block[low + step];
            if ((a > b) == rising) {
                block[low] = b;
                block[low + step] = a;
            }
        }
    }
    barrier();
    keys[base + own] = block[own];
    keys[base + own + 256u] = block[own + 256u];
}
