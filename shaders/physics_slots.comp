// Where the keys of each slot begin and end: with push.distance 0 all slots are emptied, else those
// that have keys are filled.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "physics_buffers.h"

uint slot_of(uint key) { return key >> (push.id_bits & 31u); }

void main() {
    uint at = push.first + gl_GlobalInvocationID.x;
    if (at >= push.end) return;
    if (push.distance == 0u) {
        slots[at] = uvec2(0u);
        return;
    }
    uint slot = slot_of(keys[at]);
    if (at == 0u || slot_of(keys[at - 1u]) != slot) slots[slot].x = at;
    if (at + 1u == push.bodies || slot_of(keys[at + 1u]) != slot) slots[slot].y = at + 1u;
}
