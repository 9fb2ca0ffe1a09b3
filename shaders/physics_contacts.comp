// Contacts of a body: counted without FILL, made with it, when all have been counted. With LARGE a
// group of invocations does it for one large body, without for all others each does it for one.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "physics_buffers.h"

const uint kFew = 24u;

uint wall_begin = 0u;  // where this body's contacts go
uint found = 0u;

void take_wall(PhysicsVec normal, float distance, PhysicsVec v, PhysicsFixed own,
               float restitution, float friction) {
    if (!(distance < physics_reach(own.radius))) return;
#if FILL
    contacts[wall_begin + found] =
        physics_lean(push, normal, distance, v, own, restitution, friction);
#endif
    ++found;
}

void find_walls(PhysicsVec x, PhysicsVec v, PhysicsFixed own) {
    PhysicsVec normal = vec3(0.0);
    for (uint face = 0u; face < 6u; ++face) {
        if (((push.faces >> (face & 7u)) & 1u) == 0u) continue;
        float distance = physics_face(push, face, x, normal);
        take_wall(normal, distance, v, own, kPhysicsBoundsRestitution, kPhysicsBoundsFriction);
    }
    uint at = 0u;
    for (uint plane = 0u; plane < push.planes; ++plane) {
        normal = vec3(walls[at], walls[at + 1u], walls[at + 2u]);
        float distance = physics_plane(normal, walls[at + 3u], x);
        take_wall(normal, distance, v, own, walls[at + 4u], walls[at + 5u]);
        at += 6u;
    }
    for (uint box = 0u; box < push.boxes; ++box) {
        float distance = physics_box(vec3(walls[at], walls[at + 1u], walls[at + 2u]),
                                     vec3(walls[at + 3u], walls[at + 4u], walls[at + 5u]), x,
                                     normal);
        take_wall(normal, distance, v, own, walls[at + 6u], walls[at + 7u]);
        at += 8u;
    }
}

#if !LARGE
void take_body(uint other) {
#if FILL
    contacts[wall_begin + found].other = other;
#endif
    ++found;
}

#if FILL
// In the order of their ids, `first` being the place of the first. Most have a dozen, which are
// put in place one by one; what may be a thousand must not take the square of that, so it becomes
// a heap.
void sort_few(uint first, uint count) {
    for (uint i = 1u; i < count; ++i) {
        uint other = contacts[first + i].other;
        uint at = i;
        for (; at > 0u && contacts[first + at - 1u].other > other; --at) {
            contacts[first + at].other = contacts[first + at - 1u].other;
        }
        contacts[first + at].other = other;
    }
}

// Puts `other` into the heap of `count` whose place `at` is free, there or further down.
void sink(uint first, uint count, uint at, uint other) {
    for (uint child = 2u * at + 1u; child < count; child = 2u * at + 1u) {
        uint most = contacts[first + child].other;
        if (child + 1u < count && contacts[first + child + 1u].other > most) {
            ++child;
            most = contacts[first + child].other;
        }
        if (most <= other) break;
        contacts[first + at].other = most;
        at = child;
    }
    contacts[first + at].other = other;
}

void sort_many(uint first, uint count) {
    for (uint at = count / 2u; at > 0u; --at) {
        sink(first, count, at - 1u, contacts[first + at - 1u].other);
    }
    for (uint last = count - 1u; last > 0u; --last) {
        uint other = contacts[first + last].other;
        contacts[first + last].other = contacts[first].other;
        sink(first, last, 0u, other);
    }
}
#endif

bool find_bodies(uint id, PhysicsVec x, PhysicsFixed own) {
    int cell_x = physics_cell(push, x.x);
    int cell_y = physics_cell(push, x.y);
    int cell_z = physics_cell(push, x.z);
    uint id_mask = (1u << (push.id_bits & 31u)) - 1u;
    uint looked = 0u;
    for (uint cell = 0u; cell < 27u; ++cell) {
        int y = cell_y + int(cell / 3u % 3u) - 1;
        int z = cell_z + int(cell / 9u) - 1;
        uint slot = physics_slot(push, physics_row(y, z), cell_x + int(cell % 3u) - 1);
        uvec2 range = slots[slot];
        looked += range.y - range.x;
        if (looked > kPhysicsNearMax) return false;
        for (uint at = range.x; at < range.y; ++at) {
            uint other = keys[at] & id_mask;
            PhysicsVec place = read_place(other);
            if (!physics_meets(x, own.radius, place, fixed_of[other].radius)) continue;
            // Slots hold strangers too.
            if (physics_cell(push, place.y) != y || physics_cell(push, place.z) != z) continue;
            if (physics_cell(push, place.x) != cell_x + int(cell % 3u) - 1) continue;
            if (other == id || is_large(other)) continue;
            if (found == kPhysicsContactsOfBodyMax) return false;
            take_body(other);
        }
    }
    for (uint i = 0u; i < push.large; ++i) {
        uint other = large_id(i);
        if (!physics_meets(x, own.radius, read_place(other), fixed_of[other].radius)) continue;
        if (found == kPhysicsContactsOfBodyMax) return false;
        take_body(other);
    }
    return true;
}

void main() {
    uint id = push.first + gl_GlobalInvocationID.x;
    if (id >= push.end) return;
    PhysicsFixed own = fixed_of[id];
    PhysicsVec x = read_place(id);
    PhysicsVec v = read_speed(push.turn, id);
#if FILL
    write_shift(0u, id, vec3(0.0));
    uint count = side_count(id);
    if (count == 0u || is_large(id)) return;
    wall_begin = side_begin(id);
    find_walls(x, v, own);
    uint first = found;
    find_bodies(id, x, own);
    if (found - first <= kFew) {
        sort_few(wall_begin + first, found - first);
    } else {
        sort_many(wall_begin + first, found - first);
    }
    float load = physics_load(own.inverse_mass, count);
    for (uint i = 0u; i < count; ++i) {
        uint at = wall_begin + i;
        float other_load = 0.0;
        if (i >= first) {
            uint other = contacts[at].other;
            PhysicsFixed fixed_other = fixed_of[other];
            contacts[at] = physics_touch(push, id, x, v, own, other, read_place(other),
                                         read_speed(push.turn, other), fixed_other);
            other_load = physics_load(fixed_other.inverse_mass, sides[other].x);
        }
        contacts[at].share = physics_share(load, other_load);
    }
#else
    if (is_large(id)) return;
    find_walls(x, v, own);
    bool within = find_bodies(id, x, own);
    if (!within) atomicOr(report[kPhysicsReportBeyond], 1u);
    sides[id] = uvec2(within ? found : 0u, 0u);
#endif
}
#else
shared uint walls_found;
shared uint sums[kPhysicsGroup];

// How many of the flags of this invocation and of those before it are set.
uint count_up_to(uint own, bool flag) {
    sums[own] = flag ? 1u : 0u;
    for (uint step = 1u; step < kPhysicsGroup; step *= 2u) {
        barrier();
        uint before = own >= step ? sums[own - step] : 0u;
        barrier();
        sums[own] += before;
    }
    barrier();
    return sums[own];
}

void main() {
    uint lane = gl_LocalInvocationID.x;
    uint id = large_id(push.first / kPhysicsGroup + gl_WorkGroupID.x);
    PhysicsFixed own = fixed_of[id];
    PhysicsVec x = read_place(id);
    PhysicsVec v = read_speed(push.turn, id);
#if FILL
    uint count = side_count(id);
    if (count == 0u) return;
    wall_begin = side_begin(id);
    float load = physics_load(own.inverse_mass, count);
#endif
    if (lane == 0u) {
        find_walls(x, v, own);
#if FILL
        for (uint i = 0u; i < found; ++i) contacts[wall_begin + i].share = physics_share(load, 0.0);
#endif
        walls_found = found;
    }
    barrier();
    uint total = walls_found;
    // By blocks of ids, so contacts come in the order of the ids.
    for (uint block = 0u; block < push.bodies; block += kPhysicsGroup) {
        uint other = min(block + lane, push.bodies - 1u);
        PhysicsFixed fixed_other = fixed_of[other];
        PhysicsVec place = read_place(other);
        bool meets = block + lane < push.bodies && other != id &&
                     physics_meets(x, own.radius, place, fixed_other.radius);
        uint place_in_block = count_up_to(lane, meets);
#if FILL
        if (meets) {
            PhysicsContact contact = physics_touch(push, id, x, v, own, other, place,
                                                   read_speed(push.turn, other), fixed_other);
            float other_load = physics_load(fixed_other.inverse_mass, sides[other].x);
            contact.share = physics_share(load, other_load);
            contacts[wall_begin + total + place_in_block - 1u] = contact;
        }
#endif
        total += sums[kPhysicsGroup - 1u];
        barrier();
    }
#if !FILL
    if (lane == 0u) {
        bool within = total <= kPhysicsContactsOfLargeMax;
        if (!within) atomicOr(report[kPhysicsReportBeyond], 1u);
        sides[id] = uvec2(within ? total : 0u, 0u);
    }
#endif
}
#endif
