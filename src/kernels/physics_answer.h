// What a `physics` task answers: the map and the bytes.
#pragma once

#include <string>
#include <vector>

#include "core/bytes.h"
#include "kernels/physics_native.h"
#include "kernels/physics_request.h"

namespace p2c2r::kernels {

struct PhysicsAnswer {
    Bytes info;
    Bytes data;
};

// `before`: the bodies that came in, for a delta. Throws std::bad_alloc.
PhysicsAnswer make_physics_answer(const PhysicsRequest& request, const PhysicsOutcome& outcome,
                                  const std::vector<PhysicsBody>& before, const std::string& device,
                                  const MemoryHook* memory);

}  // namespace p2c2r::kernels
