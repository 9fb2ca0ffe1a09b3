// What the shaders of `physics` share: bindings and small accesses. GLSL only.
//
// Vectors of bodies take four words each. Behind the last body stands the one that all walls are: at
// rest and without a share in anything.
//
//   fixed     inverse mass, radius, restitution, friction; a body each
//   place     x
//   speed     v, two of them: push.turn & 1 is read, the other written
//   shift     displacements of the step, two of them likewise
//   keys      slot << id_bits | id, sorted; as many as a power of two
//   slots     per slot of the grid: where its keys begin and end
//   sides     per body: how many contacts, and how many those before it in its block have
//   blocks    per block of 256 bodies: contacts of all blocks before it; then the totals
//   contacts  by body, walls first, then by ascending id
//   walls     planes (6 words), then boxes (8 words), then the ids of large bodies
//   report    what the host looks at after a step: see physics_report.h
#include "physics.h"
#include "physics_report.h"

layout(local_size_x = kPhysicsGroup) in;

layout(std430, binding = 0) readonly buffer Fixed { PhysicsFixed fixed_of[]; };
layout(std430, binding = 1) buffer Place { vec4 place_of[]; };
layout(std430, binding = 2) buffer Speed { vec4 speed_of[]; };
layout(std430, binding = 3) buffer Shift { vec4 shift_of[]; };
layout(std430, binding = 4) buffer Keys { uint keys[]; };
layout(std430, binding = 5) buffer Slots { uvec2 slots[]; };
layout(std430, binding = 6) buffer Sides { uvec2 sides[]; };
layout(std430, binding = 7) buffer Blocks { uint blocks[]; };
layout(std430, binding = 8) buffer Contacts { PhysicsContact contacts[]; };
layout(std430, binding = 9) readonly buffer Walls { float walls[]; };
layout(std430, binding = 10) buffer Report { uint report[]; };
layout(std430, binding = 11) buffer State { float state[]; };
layout(push_constant) uniform Push { PhysicsPush push; };

// ---- words of `blocks` behind the 512 blocks there can be
const uint kTotal = 512u;   // contacts of all bodies
const uint kUsable = 513u;  // 1: they fit

uint large_id(uint index) { return uint(walls[push.planes * 6u + push.boxes * 8u + index]); }
bool is_large(uint id) { return fixed_of[id].radius > push.large_radius; }

PhysicsVec read_place(uint id) { return place_of[id].xyz; }
PhysicsVec read_speed(uint turn, uint id) {
    return speed_of[(turn & 1u) * (push.bodies + 1u) + id].xyz;
}
void write_speed(uint turn, uint id, PhysicsVec v) {
    speed_of[(turn & 1u) * (push.bodies + 1u) + id] = vec4(v, 0.0);
}
PhysicsVec read_shift(uint turn, uint id) {
    return shift_of[(turn & 1u) * (push.bodies + 1u) + id].xyz;
}
void write_shift(uint turn, uint id, PhysicsVec d) {
    shift_of[(turn & 1u) * (push.bodies + 1u) + id] = vec4(d, 0.0);
}

// Where the contacts of a body begin, and how many there are.
uint side_begin(uint id) { return blocks[id / kPhysicsGroup] + sides[id].y; }
uint side_count(uint id) { return blocks[kUsable] == 1u ? sides[id].x : 0u; }
