// The state of the bodies between the host's buffer (position, velocity: six floats a body) and the
// shaders' own: inwards with push.distance 0, else outwards.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "physics_buffers.h"

void main() {
    uint id = push.first + gl_GlobalInvocationID.x;
    if (id >= push.end) return;
    uint at = id * 6u;
    if (push.distance == 0u) {
        place_of[id] = vec4(state[at], state[at + 1u], state[at + 2u], 0.0);
        write_speed(push.turn, id, vec3(state[at + 3u], state[at + 4u], state[at + 5u]));
        return;
    }
    PhysicsVec x = read_place(id);
    PhysicsVec v = read_speed(push.turn, id);
    state[at] = x.x;
    state[at + 1u] = x.y;
    state[at + 2u] = x.z;
    state[at + 3u] = v.x;
    state[at + 4u] = v.y;
    state[at + 5u] = v.z;
}
