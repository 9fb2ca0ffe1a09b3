// `physics` on the processor.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/status.h"
#include "kernels/physics_collisions.h"
#include "kernels/physics_team.h"
#include "kernels/physics_world.h"

namespace p2c2r::kernels {

// What a run tells besides the bodies.
struct PhysicsOutcome {
    struct Energy {
        uint32_t step;
        double energy;
    };
    // Pairs that pressed on each other in any step (physics_pair()), ascending.
    std::vector<uint64_t> collisions;
    bool collisions_cut = false;  // there were more than kPhysicsCollisionsMax
    std::vector<Energy> energy;   // before the first step and after every energy_every-th
    uint64_t contacts = 0;        // of the last step, walls included; a pair counts twice
};

// Runs world.steps steps; the bodies move. kCancelled when `stop` (may be empty), which is asked
// many times a step by all threads of the team, said yes; kLimit when too many bodies lie inside
// each other; kMemory. After an error the bodies are those of some step. The same bytes for any
// team.
Result<Done> physics_native(PhysicsWorld& world, uint32_t energy_every, PhysicsTeam& team,
                            PhysicsOutcome& outcome, const std::function<bool()>& stop = {});

}  // namespace p2c2r::kernels
