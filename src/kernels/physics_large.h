// Which bodies of a world are large: the shaders' grid has cells as wide as the largest of the
// others.
#pragma once

#include "kernels/physics_world.h"

namespace p2c2r::kernels {

// Sets the width of the cells, and whose radii are large: the choice by which a body looks at the
// fewest others. Nothing of a result depends on it.
void choose_large_bodies(const PhysicsWorld& world, PhysicsPush& push);

}  // namespace p2c2r::kernels
