// The displacements become places and speeds. push.turn says which speeds are read and written (its
// last bit) and which displacements (the one above). Reports who pressed on whom.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "physics_buffers.h"

void main() {
    uint id = push.first + gl_GlobalInvocationID.x;
    if (id >= push.end) return;
    PhysicsVec shift = read_shift(push.turn >> 1u, id);
    place_of[id] = vec4(physics_place(push, read_place(id), shift, fixed_of[id].radius), 0.0);
    write_speed(push.turn, id,
                physics_pushed(push.inverse_step, read_speed(push.turn, id), shift));
    uint at = side_begin(id);
    report[kPhysicsReportHead + id] = at;
    for (uint end = at + side_count(id); at < end; ++at) {
        report[kPhysicsReportHead + push.bodies + at] =
            contacts[at].other | (contacts[at].push > 0.0 ? kPhysicsReportPressed : 0u);
    }
}
