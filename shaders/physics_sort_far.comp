// One step of the bitonic sort between keys that are 512 or more apart: push.distance of them, in a
// merge of push.turn.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "physics_buffers.h"

void main() {
    uint own = push.first + gl_GlobalInvocationID.x;
    if (own >= push.end) return;
    uint step = push.distance;
    uint low = (own & ~(step - 1u)) * 2u + (own & (step - 1u));
    bool rising = (low & push.turn) == 0u;
    uint a = keys[low];
    uint b = keys[low + step];
    if ((a > b) == rising) {
        keys[low] = b;
        keys[low + step] = a;
    }
}
