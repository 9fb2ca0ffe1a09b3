// Bullet, on the same world.
#pragma once

#include <memory>

#include "kernels/physics_world.h"

namespace p2c2r::bench {

class BulletWorld {
  public:
    // Spheres without spin and friction in the world's bounds; `iterations` of its solver.
    BulletWorld(const kernels::PhysicsWorld& world, int iterations);
    ~BulletWorld();
    void step();
    // Positions and velocities into `world`.
    void read(kernels::PhysicsWorld& world) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace p2c2r::bench
