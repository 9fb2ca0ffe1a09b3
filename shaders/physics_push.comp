// A turn of pushing: push.turn says which displacements are read.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "physics_buffers.h"

void main() {
    uint id = push.first + gl_GlobalInvocationID.x;
    if (id >= push.end) return;
    PhysicsVec own = read_shift(push.turn, id);
    PhysicsVec sum = vec3(0.0);
    uint at = side_begin(id);
    for (uint end = at + side_count(id); at < end; ++at) {
        PhysicsContact contact = contacts[at];
        physics_push(contact, own, read_shift(push.turn, contact.other), sum);
        contacts[at].push = contact.push;
    }
    write_shift(push.turn + 1u, id, physics_take(own, fixed_of[id].inverse_mass, sum));
}
