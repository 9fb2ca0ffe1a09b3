// The params and data of a `physics` task. README.md in this folder lists the fields.
#pragma once

#include <cstdint>
#include <span>

#include "core/status.h"
#include "kernels/physics_world.h"

namespace p2c2r::kernels {

enum class PhysicsResultForm : uint8_t {
    kObjects,  // a map a body, in info
    kPacked,   // records, as data
    kDelta,    // what changed, as data
};

struct PhysicsRequest {
    PhysicsWorld world;
    PhysicsResultForm form = PhysicsResultForm::kObjects;
    uint32_t energy_every = 0;  // steps between two entries of the energy series; 0: no series
    uint32_t owned_first = 0;   // bodies that the answer tells of
    uint32_t owned_end = 0;
};

inline constexpr uint32_t kPhysicsSeriesMax = 100'000;

// `params` is MessagePack; bodies come in its `objects` or as records in `data`. The first thing
// that is wrong is an error that names its field. Every number is rounded to float32, and to zero
// below 2^-40, so that nothing the arithmetic is not made for gets in.
Result<PhysicsRequest> read_physics_request(std::span<const uint8_t> params,
                                            std::span<const uint8_t> data);

}  // namespace p2c2r::kernels
