// The golden worlds of `physics`, by one thread and by three.
#include <fstream>
#include <string>
#include <vector>

#include "digest/digest.h"
#include "kernels/physics_answers.h"

namespace p2c2r::digest {

namespace {

void print_worlds(const std::string& name) {
    std::ifstream file(P2C2R_SOURCE_DIR "/tests/kernels/" + name);
    std::string form;
    std::string golden;
    kernels::PhysicsKnown known{};
    while (file >> form >> known.bodies >> known.steps >> known.seed >> golden) {
        known.pile = form == "pile";
        for (const uint32_t threads : {1u, 3u}) {
            kernels::PhysicsTeam team(threads);
            const Result<std::string> digest = kernels::physics_digest(
                known, [&team](kernels::PhysicsWorld& world, kernels::PhysicsOutcome& outcome) {
                    return kernels::physics_native(world, 0, team, outcome);
                });
            print_digest("physics " + form + " " + std::to_string(known.bodies) + " " +
                             std::to_string(known.steps) + " " + std::to_string(known.seed),
                         digest ? *digest : digest.error().text);
        }
    }
}

}  // namespace

void physics() {
    print_worlds("physics_golden.txt");
    print_worlds("physics_golden_long.txt");  // 10 000 steps
}

}  // namespace p2c2r::digest
