// Worlds whose state after some steps is known: what a device must compute before it is used for
// `physics`, and what golden digests are made of.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "kernels/physics_gpu.h"

namespace p2c2r::kernels {

struct PhysicsKnown {
    uint32_t bodies;
    uint32_t steps;
    uint32_t seed;
    bool pile;                // equal spheres in a box; else a crowd of all kinds among walls
    std::string_view sha256;  // 64 hex digits
};
std::span<const PhysicsKnown> physics_known();

// Integers and exact fractions only: the same on every machine.
PhysicsWorld make_known_world(const PhysicsKnown& known);

using PhysicsCompute = std::function<Result<Done>(PhysicsWorld& world, PhysicsOutcome& outcome)>;
// The digest of the packed bodies after the run, followed by the pairs that touched.
Result<std::string> physics_digest(const PhysicsKnown& known, const PhysicsCompute& compute);

// kDevice, naming the first world that came out wrong.
Result<Done> check_physics_answers(PhysicsGpu& physics);

}  // namespace p2c2r::kernels
