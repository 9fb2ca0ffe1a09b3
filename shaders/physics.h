// The arithmetic of `physics`, once for both languages: rigid spheres that fall, touch and bounce.
//
// A step of length h (a timestep is cut into `substeps` of them) goes like this for every body:
//
//   move       v += h g, x' = x + h v                                  (semi-implicit Euler)
//   contacts   all bodies and walls that overlap at x' or nearly do, walls first, bodies by
//   ascending
//              id; each contact is made by both of its bodies on their own, from the same numbers
//   push       `iterations` times: displacements d that end the overlaps (physics_push)
//   place      x = x' + d, kept inside the bounds; v += d / h
//   bounce     half as often: the speed that a contact is left with is the one that its
//              restitution wants, and friction slows what slides (physics_bounce)
//
// One owner a body: a body computes its own new d (or v) from the old values of its neighbours, all
// bodies at the same time (Jacobi). Nobody writes what another reads, so neither threads nor the
// order of bodies decide anything. The impulse of a contact is computed by both sides from the same
// products in the same order, with the opposite normal: bit for bit the opposite vector, so
// momentum is kept to rounding.
//
// All contacts of a body work at the same time, so each may use its share of the mass only (mass
// splitting: Tonge, Benevolenski, Voroshilov, "Mass splitting for jitter-free parallel rigid body
// simulation", 2012): were it c times lighter to each of its c contacts, turns would converge
// whatever the pile. It is (1 + c) / 2 times lighter here, which still does (an over-relaxation
// below 2) and takes half as many turns; a contact that is alone is solved in one.
//
// What a pile weighs is remembered in how deep its bodies overlap, not in impulses of the step
// before: the state is positions and velocities alone, and a run that is resumed from it gives the
// very bytes of one that was not interrupted.
//
// Ranges. Whatever comes near zero becomes zero (physics_flush) before it is multiplied, so no
// product is a denormal: components of normals are 0 or above 2^-20, everything else 0 or above
// 2^-40, differences of those 0 or above 2^-64. Inverse masses lie in 2^-20..2^10, positions within
// kPhysicsPlaceMax, speeds within kPhysicsSpeedMax.
#ifndef P2C2R_SHADERS_PHYSICS_H
#define P2C2R_SHADERS_PHYSICS_H

#include "exact.h"

#ifdef __cplusplus
namespace p2c2r::kernels {
#endif

const float kPhysicsTiny = 9.094947017729282e-13f;      // 2^-40
const float kPhysicsNormalTiny = 9.5367431640625e-07f;  // 2^-20
const float kPhysicsPlaceMax = 100000.0f;
const float kPhysicsSpeedMax = 10000.0f;
// Overlaps are mended at most so far in one step, in radii of the smaller body (what the bodies
// themselves moved in it comes on top): bodies that begin inside each other part gently.
const float kPhysicsMendMax = 0.1f;

const float kPhysicsReach = 1.02f;

#ifdef __cplusplus
struct PhysicsVec {
    float x, y, z;
};
inline PhysicsVec physics_vec(float x, float y, float z) {
    return {x, y, z};
}
#else
#define PhysicsVec vec3
#define physics_vec vec3
#endif

// Of a run; push constants of every shader. 32-bit words, at most 128 bytes.
struct PhysicsPush {
    float step;  // h
    float inverse_step;
    float fall_x, fall_y, fall_z;  // h g
    float rest_speed;              // slower contacts do not bounce
    float cell_inverse;            // 1 / the side of a cell of the grid
    float min_x, min_y, min_z;     // bounds
    float max_x, max_y, max_z;
    uint faces;   // bit per wall of the bounds: -x +x -y +y -z +z
    uint bodies;  // count
    uint planes;
    uint boxes;
    uint slot_mask;   // slots of the grid - 1
    uint id_bits;     // of a sort key
    uint first, end;  // of the bodies (or keys) this dispatch is for
    uint turn;        // which of two buffers is read, or a stage of the sort
    uint distance;    // of the sort
    uint sides_max;   // room for contacts
    uint large;       // count of bodies with radii above the next: the cells are not so wide
    float large_radius;
};

// What does not change in a run.
struct PhysicsFixed {
    float inverse_mass;
    float radius;
    float restitution;
    float friction;
};

// A contact as one of its bodies sees it.
struct PhysicsContact {
    float x, y, z;  // unit normal, from the other towards this body
    float gap;      // below 0: the depth to mend
    float share;    // impulse per speed, of the split masses
    float speed;    // wanted when parting
    float friction;
    float push;  // impulse of displacement so far, never below 0
    float pull;  // impulse on top of push / h so far
    float rub;   // impulse of friction so far
    uint other;  // its id; the count of bodies stands for a wall, which never moves
};

P2C2R_SHARED float physics_flush(float value) {
    return exact_abs(value) < kPhysicsTiny ? 0.0f : value;
}
P2C2R_SHARED float physics_normal_flush(float value) {
    return exact_abs(value) < kPhysicsNormalTiny ? 0.0f : value;
}
P2C2R_SHARED float physics_dot(PhysicsVec a, PhysicsVec b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}
P2C2R_SHARED PhysicsVec physics_minus(PhysicsVec a, PhysicsVec b) {
    return physics_vec(a.x - b.x, a.y - b.y, a.z - b.z);
}
P2C2R_SHARED PhysicsVec physics_flush_vec(PhysicsVec a) {
    return physics_vec(physics_flush(a.x), physics_flush(a.y), physics_flush(a.z));
}
P2C2R_SHARED float physics_limit(float value, float most) {
    return exact_clamp(physics_flush(value), -most, most);
}
P2C2R_SHARED PhysicsVec physics_limit_speed(PhysicsVec v) {
    return physics_vec(physics_limit(v.x, kPhysicsSpeedMax), physics_limit(v.y, kPhysicsSpeedMax),
                       physics_limit(v.z, kPhysicsSpeedMax));
}
P2C2R_SHARED PhysicsVec physics_limit_place(PhysicsVec x) {
    return physics_vec(physics_limit(x.x, kPhysicsPlaceMax), physics_limit(x.y, kPhysicsPlaceMax),
                       physics_limit(x.z, kPhysicsPlaceMax));
}

// ---- move ---------------------------------------------------------------------------------------

P2C2R_SHARED PhysicsVec physics_fall(PhysicsPush push, PhysicsVec v) {
    return physics_limit_speed(
        physics_vec(v.x + push.fall_x, v.y + push.fall_y, v.z + push.fall_z));
}
P2C2R_SHARED PhysicsVec physics_move(PhysicsPush push, PhysicsVec x, PhysicsVec v) {
    return physics_limit_place(
        physics_vec(x.x + push.step * v.x, x.y + push.step * v.y, x.z + push.step * v.z));
}

// The grid: bodies whose cells touch may meet, no others do. Its slots are those of a hash table in
// which the cells of a row along x lie side by side.
P2C2R_SHARED int physics_cell(PhysicsPush push, float place) {
    return exact_floor_int(place * push.cell_inverse);
}
P2C2R_SHARED uint physics_row(int y, int z) {
    return hash_u32(uint(y) * 0x9E3779B1u + hash_u32(uint(z)));
}
P2C2R_SHARED uint physics_slot(PhysicsPush push, uint row, int x) {
    return (row + uint(x)) & push.slot_mask;
}

// ---- contacts -----------------------------------------------------------------------------------

// Restitution, friction and speeds of the two, of what gap they mend. `along` is how fast this body
// leaves the other.
P2C2R_SHARED PhysicsContact physics_contact(PhysicsPush push, PhysicsVec normal, float gap,
                                            float along, float restitution, float friction,
                                            float radius, uint other) {
    PhysicsContact contact;
    contact.x = normal.x;
    contact.y = normal.y;
    contact.z = normal.z;
    float deepest = kPhysicsMendMax * radius + push.step * exact_max(-along, 0.0f);
    contact.gap = exact_max(physics_flush(gap), -deepest);
    contact.share = 0.0f;
    contact.speed = along < -push.rest_speed ? -along * restitution : 0.0f;
    contact.speed = physics_flush(contact.speed);
    contact.friction = friction;
    contact.push = 0.0f;
    contact.pull = 0.0f;
    contact.rub = 0.0f;
    contact.other = other;
    return contact;
}

// Up to this distance a contact is one. Bodies that nearly touch are in it, since pushing others
// apart may press them together in the same step.
P2C2R_SHARED float physics_reach(float radius) {
    return radius * kPhysicsReach;
}
// Are two bodies near enough?
P2C2R_SHARED bool physics_meets(PhysicsVec a, float a_radius, PhysicsVec b, float b_radius) {
    PhysicsVec apart = physics_flush_vec(physics_minus(a, b));
    float reach = physics_reach(a_radius + b_radius);
    return physics_dot(apart, apart) < reach * reach;
}

// The contact of body a with body b, where they meet. Bodies in the very same place part upwards
// and downwards, the one with the smaller id up.
P2C2R_SHARED PhysicsContact physics_touch(PhysicsPush push, uint a_id, PhysicsVec a, PhysicsVec a_v,
                                          PhysicsFixed a_fixed, uint b_id, PhysicsVec b,
                                          PhysicsVec b_v, PhysicsFixed b_fixed) {
    PhysicsVec apart = physics_flush_vec(physics_minus(a, b));
    float square = physics_dot(apart, apart);
    float distance = exact_sqrt(square);
    PhysicsVec normal = physics_vec(0.0f, a_id < b_id ? 1.0f : -1.0f, 0.0f);
    if (square > 0.0f) {
        float inverse = exact_div(1.0f, distance);
        normal = physics_vec(physics_normal_flush(apart.x * inverse),
                             physics_normal_flush(apart.y * inverse),
                             physics_normal_flush(apart.z * inverse));
    }
    float along = physics_flush(physics_dot(normal, physics_minus(a_v, b_v)));
    return physics_contact(push, normal, distance - (a_fixed.radius + b_fixed.radius), along,
                           exact_min(a_fixed.restitution, b_fixed.restitution),
                           exact_min(a_fixed.friction, b_fixed.friction),
                           exact_min(a_fixed.radius, b_fixed.radius), b_id);
}

// A wall: everything behind a plane, `distance` from the body's centre. Whoever calls has found
// distance < radius.
P2C2R_SHARED PhysicsContact physics_lean(PhysicsPush push, PhysicsVec normal, float distance,
                                         PhysicsVec v, PhysicsFixed own, float restitution,
                                         float friction) {
    return physics_contact(push, normal, distance - own.radius,
                           physics_flush(physics_dot(normal, v)),
                           exact_min(own.restitution, restitution),
                           exact_min(own.friction, friction), own.radius, push.bodies);
}

// Face 0..5 of the bounds. The distance of x from it; `normal` points inside.
P2C2R_SHARED float physics_face(PhysicsPush push, uint face, PhysicsVec x,
                                P2C2R_INOUT(PhysicsVec) normal) {
    float inwards = (face & 1u) == 0u ? 1.0f : -1.0f;
    bool low = (face & 1u) == 0u;
    if (face < 2u) {
        normal = physics_vec(inwards, 0.0f, 0.0f);
        return low ? x.x - push.min_x : push.max_x - x.x;
    }
    if (face < 4u) {
        normal = physics_vec(0.0f, inwards, 0.0f);
        return low ? x.y - push.min_y : push.max_y - x.y;
    }
    normal = physics_vec(0.0f, 0.0f, inwards);
    return low ? x.z - push.min_z : push.max_z - x.z;
}

// Of the bounds: a contact has what the body has.
const float kPhysicsBoundsRestitution = 1.0f;
const float kPhysicsBoundsFriction = 10.0f;

P2C2R_SHARED float physics_plane(PhysicsVec normal, float offset, PhysicsVec x) {
    return physics_dot(normal, x) - offset;
}

// The distance of x from a box; below 0 inside, where `normal` leads out by the nearest face.
P2C2R_SHARED float physics_box(PhysicsVec low, PhysicsVec high, PhysicsVec x,
                               P2C2R_INOUT(PhysicsVec) normal) {
    PhysicsVec nearest =
        physics_vec(exact_clamp(x.x, low.x, high.x), exact_clamp(x.y, low.y, high.y),
                    exact_clamp(x.z, low.z, high.z));
    PhysicsVec apart = physics_flush_vec(physics_minus(x, nearest));
    float square = physics_dot(apart, apart);
    if (square > 0.0f) {
        float distance = exact_sqrt(square);
        float inverse = exact_div(1.0f, distance);
        normal = physics_vec(physics_normal_flush(apart.x * inverse),
                             physics_normal_flush(apart.y * inverse),
                             physics_normal_flush(apart.z * inverse));
        return distance;
    }
    float best = x.x - low.x;
    normal = physics_vec(-1.0f, 0.0f, 0.0f);
    if (high.x - x.x < best) {
        best = high.x - x.x;
        normal = physics_vec(1.0f, 0.0f, 0.0f);
    }
    if (x.y - low.y < best) {
        best = x.y - low.y;
        normal = physics_vec(0.0f, -1.0f, 0.0f);
    }
    if (high.y - x.y < best) {
        best = high.y - x.y;
        normal = physics_vec(0.0f, 1.0f, 0.0f);
    }
    if (x.z - low.z < best) {
        best = x.z - low.z;
        normal = physics_vec(0.0f, 0.0f, -1.0f);
    }
    if (high.z - x.z < best) {
        best = high.z - x.z;
        normal = physics_vec(0.0f, 0.0f, 1.0f);
    }
    return -best;
}

// What a body with so many contacts adds to the inverse of `share`.
P2C2R_SHARED float physics_load(float inverse_mass, uint contacts) {
    return inverse_mass * (0.5f + 0.5f * float(contacts));
}
// Of the two; 0 for a wall.
P2C2R_SHARED float physics_share(float a_load, float b_load) {
    return exact_div(1.0f, a_load + b_load);
}

// ---- push and bounce: one turn of one contact ---------------------------------------------------
//
// `sum` gathers what the contacts of a body do in this turn; afterwards the body takes
// physics_take(its value, inverse mass, sum).

P2C2R_SHARED void physics_push(P2C2R_INOUT(PhysicsContact) contact, PhysicsVec own,
                               PhysicsVec other, P2C2R_INOUT(PhysicsVec) sum) {
    PhysicsVec normal = physics_vec(contact.x, contact.y, contact.z);
    float along = physics_flush(physics_dot(normal, physics_minus(own, other)));
    float wish = physics_flush((contact.gap + along) * contact.share);
    float push = exact_max(physics_flush(contact.push - wish), 0.0f);
    float change = physics_flush(push - contact.push);
    contact.push = push;
    sum.x += change * normal.x;
    sum.y += change * normal.y;
    sum.z += change * normal.z;
}

P2C2R_SHARED void physics_bounce(float inverse_step, P2C2R_INOUT(PhysicsContact) contact,
                                 PhysicsVec own, PhysicsVec other, P2C2R_INOUT(PhysicsVec) sum) {
    PhysicsVec normal = physics_vec(contact.x, contact.y, contact.z);
    // Those that are merely near go on as they do.
    if (contact.push == 0.0f && contact.gap > 0.0f) return;
    PhysicsVec apart = physics_minus(own, other);
    float along = physics_flush(physics_dot(normal, apart));
    float wish = physics_flush((contact.speed - along) * contact.share);
    // At most what the push gave is taken back: contacts never hold anything.
    float pushed = contact.push * inverse_step;
    float pull = exact_max(physics_flush(contact.pull + wish), -pushed);
    float change = physics_flush(pull - contact.pull);
    contact.pull = pull;
    sum.x += change * normal.x;
    sum.y += change * normal.y;
    sum.z += change * normal.z;
    if (contact.friction > 0.0f) {
        PhysicsVec slide = physics_flush_vec(physics_vec(
            apart.x - along * normal.x, apart.y - along * normal.y, apart.z - along * normal.z));
        float speed = exact_sqrt(physics_dot(slide, slide));
        if (speed > kPhysicsNormalTiny) {
            float room = contact.friction * (pushed + pull) - contact.rub;
            float rub = exact_min(speed * contact.share, exact_max(room, 0.0f));
            contact.rub = contact.rub + rub;
            float factor = physics_flush(exact_div(rub, speed));
            sum.x -= factor * slide.x;
            sum.y -= factor * slide.y;
            sum.z -= factor * slide.z;
        }
    }
}

P2C2R_SHARED PhysicsVec physics_take(PhysicsVec value, float inverse_mass, PhysicsVec sum) {
    return physics_flush_vec(physics_vec(value.x + inverse_mass * sum.x,
                                         value.y + inverse_mass * sum.y,
                                         value.z + inverse_mass * sum.z));
}

P2C2R_SHARED PhysicsVec physics_take_speed(PhysicsVec value, float inverse_mass, PhysicsVec sum) {
    return physics_limit_speed(physics_vec(value.x + inverse_mass * sum.x,
                                           value.y + inverse_mass * sum.y,
                                           value.z + inverse_mass * sum.z));
}

// ---- place --------------------------------------------------------------------------------------

// The bounds hold whatever the pushes came to.
P2C2R_SHARED PhysicsVec physics_place(PhysicsPush push, PhysicsVec x, PhysicsVec d, float radius) {
    PhysicsVec at = physics_limit_place(physics_vec(x.x + d.x, x.y + d.y, x.z + d.z));
    if ((push.faces & 1u) != 0u) at.x = exact_max(at.x, push.min_x + radius);
    if ((push.faces & 2u) != 0u) at.x = exact_min(at.x, push.max_x - radius);
    if ((push.faces & 4u) != 0u) at.y = exact_max(at.y, push.min_y + radius);
    if ((push.faces & 8u) != 0u) at.y = exact_min(at.y, push.max_y - radius);
    if ((push.faces & 16u) != 0u) at.z = exact_max(at.z, push.min_z + radius);
    if ((push.faces & 32u) != 0u) at.z = exact_min(at.z, push.max_z - radius);
    return at;
}
P2C2R_SHARED PhysicsVec physics_pushed(float inverse_step, PhysicsVec v, PhysicsVec d) {
    return physics_limit_speed(
        physics_vec(v.x + d.x * inverse_step, v.y + d.y * inverse_step, v.z + d.z * inverse_step));
}

#ifdef __cplusplus
}  // namespace p2c2r::kernels
#endif

#endif
