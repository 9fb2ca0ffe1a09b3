// Worlds of spheres for tests.
#pragma once

#include <cstdint>

#include "core/prng.h"
#include "kernels/physics_world.h"

namespace p2c2r::test {

inline float draw(Prng& prng, double low, double high) {
    return kernels::physics_flush(static_cast<float>(low + (high - low) * prng.unit()));
}

// A crowd in a box of `side` metres, some overlapping, of all sizes, masses and speeds.
inline kernels::PhysicsWorld random_world(Prng& prng, uint32_t bodies, double side) {
    kernels::PhysicsWorld world;
    const bool still = prng.chance(0.3);
    const bool rough = prng.chance(0.5);
    for (uint32_t i = 0; i < bodies; ++i) {
        kernels::PhysicsBody body;
        for (size_t axis = 0; axis < 3; ++axis) {
            body.position[axis] = draw(prng, 0, side);
            body.velocity[axis] = still ? 0 : draw(prng, -5, 5);
        }
        body.mass = draw(prng, 0.1, 10);
        body.radius = draw(prng, 0.1, 0.4);
        body.restitution = draw(prng, 0, 1);
        body.friction = rough ? draw(prng, 0, 1) : 0;
        world.bodies.push_back(body);
    }
    world.timestep = draw(prng, 1.0 / 480, 1.0 / 30);
    world.iterations = 1 + static_cast<uint32_t>(prng.below(10));
    world.substeps = 1 + static_cast<uint32_t>(prng.below(3));
    if (prng.chance(0.2)) world.gravity[1] = 0;
    if (prng.chance(0.2)) world.gravity[0] = draw(prng, -20, 20);
    if (prng.chance(0.7)) {
        world.faces = prng.chance(0.5) ? 0x37 : 0x3F;
        for (size_t axis = 0; axis < 3; ++axis) {
            world.bound_min[axis] = draw(prng, -1, 0);
            world.bound_max[axis] = draw(prng, side, side + 1);
        }
    }
    if (prng.chance(0.4)) world.planes.push_back({{0.6f, 0.8f, 0}, draw(prng, 0, 1), 1, 0.5f});
    if (prng.chance(0.4)) {
        world.boxes.push_back({{0.5f, 0, 0.5f}, {draw(prng, 1, 2), 1, draw(prng, 1, 2)}, 0.5f, 1});
    }
    return world;
}

// Layers of spheres of radius 0.1 above the floor of a box with open top, a little out of line.
inline kernels::PhysicsWorld pile_world(Prng& prng, uint32_t bodies, uint32_t across) {
    kernels::PhysicsWorld world;
    for (uint32_t i = 0; i < bodies; ++i) {
        kernels::PhysicsBody body;
        const uint32_t layer = i / (across * across);
        body.position[0] = 0.22f * static_cast<float>(i % across) + draw(prng, 0.11, 0.13);
        body.position[1] = 0.22f * static_cast<float>(layer) + draw(prng, 0.11, 0.13);
        body.position[2] = 0.22f * static_cast<float>(i / across % across) + draw(prng, 0.11, 0.13);
        body.radius = 0.1f;
        body.restitution = 0.3f;
        world.bodies.push_back(body);
    }
    world.timestep = 1.0f / 240;
    world.faces = 0x37;
    const float side = 0.22f * static_cast<float>(across) + 0.02f;
    world.bound_max[0] = side;
    world.bound_max[1] = 100;
    world.bound_max[2] = side;
    return world;
}

}  // namespace p2c2r::test
