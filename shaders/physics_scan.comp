// Where the contacts of each body begin. With push.distance 0 a block of 256 bodies: how many those
// before each one in the block have, and all of the block; else one group adds up the blocks.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "physics_buffers.h"

shared uint sums[512];

// Sums up to and including each place, in place.
void add_up(uint own) {
    for (uint step = 1u; step < 512u; step *= 2u) {
        barrier();
        uint first = own >= step ? sums[own - step] : 0u;
        uint second = own + 256u >= step ? sums[own + 256u - step] : 0u;
        barrier();
        sums[own] += first;
        sums[own + 256u] += second;
    }
    barrier();
}

void main() {
    uint own = gl_LocalInvocationID.x;
    if (push.distance == 0u) {
        uint id = push.first + gl_GlobalInvocationID.x;
        uint count = id < push.bodies ? sides[id].x : 0u;
        sums[own] = count;
        sums[own + 256u] = 0u;
        add_up(own);
        if (id < push.bodies) sides[id].y = sums[own] - count;
        if (own == 255u) blocks[push.first / kPhysicsGroup + gl_WorkGroupID.x] = sums[255];
        return;
    }
    uint count = (push.bodies + kPhysicsGroup - 1u) / kPhysicsGroup;
    uint first = own < count ? blocks[own] : 0u;
    uint second = own + 256u < count ? blocks[own + 256u] : 0u;
    sums[own] = first;
    sums[own + 256u] = second;
    add_up(own);
    blocks[own] = sums[own] - first;
    blocks[own + 256u] = sums[own + 256u] - second;
    if (own == 0u) {
        uint total = sums[511];
        blocks[kTotal] = total;
        blocks[kUsable] = total <= push.sides_max ? 1u : 0u;
        report[kPhysicsReportTotal] = total;
    }
}
