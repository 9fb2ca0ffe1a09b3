// A world of rigid spheres as plain data, its packed form and its limits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/status.h"
#include "shaders/physics.h"

namespace p2c2r::kernels {

// A body, and its record in packed states: ten little-endian float32 in this order, no padding.
// Records in, records out: the state that a run ends with is the one that the next begins with.
struct PhysicsBody {
    float position[3] = {0, 0, 0};
    float velocity[3] = {0, 0, 0};
    float mass = 1;
    float radius = 0.5f;
    float restitution = 0;
    float friction = 0;

    bool operator==(const PhysicsBody&) const = default;
};
inline constexpr size_t kPhysicsRecordSize = 40;
static_assert(sizeof(PhysicsBody) == kPhysicsRecordSize);

// Everything on the side that `normal` (a unit vector) points away from is solid.
struct PhysicsPlane {
    float normal[3] = {0, 1, 0};
    float offset = 0;
    float restitution = 1;
    float friction = 0;
};

struct PhysicsBox {
    float min[3] = {0, 0, 0};
    float max[3] = {0, 0, 0};
    float restitution = 1;
    float friction = 0;
};

struct PhysicsWorld {
    std::vector<PhysicsBody> bodies;
    std::vector<PhysicsPlane> planes;
    std::vector<PhysicsBox> boxes;
    float timestep = 1.0f / 60;
    uint32_t steps = 1;
    uint32_t substeps = 1;
    uint32_t iterations = 20;
    float gravity[3] = {0, -9.81f, 0};
    uint32_t faces = 0;  // of the bounds that are walls, a bit each: -x +x -y +y -z +z
    float bound_min[3] = {0, 0, 0};
    float bound_max[3] = {0, 0, 0};
    bool lists_collisions = true;  // they cost time and room, and not everybody wants them
};

// ---- limits -------------------------------------------------------------------------------------
inline constexpr uint32_t kPhysicsBodiesMax = 100'000;
inline constexpr uint32_t kPhysicsPlanesMax = 16;
inline constexpr uint32_t kPhysicsBoxesMax = 64;
inline constexpr uint32_t kPhysicsStepsMax = 1'000'000;
inline constexpr uint32_t kPhysicsSubstepsMax = 16;
inline constexpr uint32_t kPhysicsIterationsMax = 64;
inline constexpr double kPhysicsTimestepMin = 1e-5;
inline constexpr double kPhysicsTimestepMax = 0.25;
inline constexpr double kPhysicsMassMin = 1e-3;
inline constexpr double kPhysicsMassMax = 1e6;
inline constexpr double kPhysicsRadiusMin = 1e-3;
inline constexpr double kPhysicsRadiusMax = 1e3;
inline constexpr double kPhysicsFrictionMax = 10;
inline constexpr double kPhysicsGravityMax = 1e3;
// Different pairs in the answer's `collisions`.
inline constexpr uint32_t kPhysicsCollisionsMax = 1u << 20;

// Contacts that one substep may have, each counted by both of its bodies. Spheres that do not sit
// inside each other have 12 neighbours at most on average, whatever their sizes.
inline constexpr uint32_t physics_sides_max(uint32_t bodies) {
    return bodies * 24 + 4096;
}
Error too_many_contacts(uint32_t bodies);

// Turns of bouncing in a substep with so many turns of pushing: speeds need fewer, what they leave
// is seen by the next step's pushing.
inline constexpr uint32_t physics_bounces(uint32_t iterations) {
    return (iterations + 1) / 2;
}

// ---- the numbers of a run -----------------------------------------------------------------------

// What the arithmetic of physics.h wants to know; `first`, `end`, the fields of the sort and the
// cells of the grid are the caller's.
PhysicsPush make_physics_push(const PhysicsWorld& world);
PhysicsFixed physics_fixed(const PhysicsBody& body);

// Kinetic and potential, in the order of the bodies.
double physics_energy(const PhysicsWorld& world);

// ---- packed bytes -------------------------------------------------------------------------------

// Little-endian on every machine. `out` has kPhysicsRecordSize bytes a body.
void pack_bodies(std::span<const PhysicsBody> bodies, uint8_t* out);
// `bytes` MUST be whole records. Nothing is judged here.
std::vector<PhysicsBody> unpack_bodies(std::span<const uint8_t> bytes);

// What moved, against the bodies `before`: a bit per body that did (least significant first, whole
// bytes), then for each of those six varints (7 bits a byte, lowest first, the top bit says that
// more follow): the zigzagged difference of the float32 bits of position x y z, velocity x y z as
// integers, modulo 2^32. Lossless. Masses, radii and the rest do not change in a run.
std::vector<uint8_t> pack_physics_delta(std::span<const PhysicsBody> before,
                                        std::span<const PhysicsBody> after);
// The bodies after it; kParams where the bytes are no delta of these bodies.
Result<std::vector<PhysicsBody>> apply_physics_delta(std::span<const PhysicsBody> before,
                                                     std::span<const uint8_t> delta);
// The same for a packed state, whose numbers are rounded as a task's are. `before` MUST be whole
// records, `out` has room for as many and may be `before`. kParams, and `out` is as it was, also
// where a body would come to where no run can bring it. Nothing is allocated.
Result<Done> apply_physics_delta(std::span<const uint8_t> before, std::span<const uint8_t> delta,
                                 uint8_t* out);
Result<Done> check_physics_delta(std::span<const uint8_t> before, std::span<const uint8_t> delta);

// The field of a body whose value no run can give it; NULL: none.
const char* beyond_any_run(const PhysicsBody& body);

}  // namespace p2c2r::kernels
