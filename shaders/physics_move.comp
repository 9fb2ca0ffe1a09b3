// The first part of a step: bodies fall and move, and get their place in the grid. Keys behind the
// last body are those that sort to the end.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "physics_buffers.h"

void main() {
    uint id = push.first + gl_GlobalInvocationID.x;
    if (id >= push.end) return;
    if (id >= push.bodies) {
        keys[id] = 0xFFFFFFFFu;
        return;
    }
    PhysicsVec v = physics_fall(push, read_speed(push.turn, id));
    PhysicsVec x = physics_move(push, read_place(id), v);
    write_speed(push.turn, id, v);
    place_of[id] = vec4(x, 0.0);
    uint row = physics_row(physics_cell(push, x.y), physics_cell(push, x.z));
    uint slot = physics_slot(push, row, physics_cell(push, x.x));
    keys[id] = slot << (push.id_bits & 31u) | id;
}
