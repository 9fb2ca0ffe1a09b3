// A turn of bouncing and rubbing: push.turn says which speeds are read.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "physics_buffers.h"

void main() {
    uint id = push.first + gl_GlobalInvocationID.x;
    if (id >= push.end) return;
    PhysicsVec own = read_speed(push.turn, id);
    PhysicsVec sum = vec3(0.0);
    uint at = side_begin(id);
    for (uint end = at + side_count(id); at < end; ++at) {
        PhysicsContact contact = contacts[at];
        physics_bounce(push.inverse_step, contact, own, read_speed(push.turn, contact.other), sum);
        contacts[at].pull = contact.pull;
        contacts[at].rub = contact.rub;
    }
    write_speed(push.turn + 1u, id, physics_take_speed(own, fixed_of[id].inverse_mass, sum));
}
