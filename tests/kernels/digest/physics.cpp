// The golden worlds of `physics`, by one thread and by three.
#include <fstream>
#include <string>
#include <vector>

#include "digest.h"
#include "kernels/physics_answers.h"

namespace p2c2r::digest {

void physics() {
    std::ifstream file(P2C2R_SOURCE_DIR "/tests/kernels/physics_golden.txt");
    std::string form;
    std::string golden;
    kernels::PhysicsKnown known{};
    while (file >> form >> known.bodies >> known.steps >> known.seed >> golden) {
        known.pile = form == "pile";
        for (const uint32_t threads : {1u, 3u}) {
            kernels::PhysicsTeam team(threads);
            kernels::PhysicsWorld world = kernels::make_known_world(known);
            kernels::PhysicsOutcome outcome;
            const Result<Done> done = kernels::physics_native(world, 0, team, outcome);
            std::vector<uint8_t> bytes(world.bodies.size() * kernels::kPhysicsRecordSize);
            kernels::pack_bodies(world.bodies, bytes.data());
            print("physics " + form + " " + std::to_string(known.bodies) + " " +
                      std::to_string(known.steps) + " " + std::to_string(known.seed) +
                      (done ? "" : " failed"),
                  bytes);
        }
    }
}

}  // namespace p2c2r::digest
