// Pinned seeds of the simulator, in virtual time. The wide sweep is p2c2r_sim.
#include <doctest/doctest.h>

#include "sim/cluster.h"
#include "sim/plants.h"

using namespace p2c2r;
using namespace p2c2r::sim;

namespace {

constexpr uint64_t kSeeds = 100;
// Each planted bug shows within this many seeds.
constexpr uint64_t kPlantSeeds = 20;

RunReport run(uint64_t seed) {
    Coverage coverage;
    Trace off;
    return run_seed(seed, coverage, off);
}

}  // namespace

TEST_CASE("simulator: every invariant holds in one hundred seeds") {
    REQUIRE(choose_plant(nullptr));
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const RunReport report = run(seed);
        CHECK_MESSAGE(!report.failure, "see: p2c2r_sim --seeds 1 --verbose --seed " << seed);
        CHECK(report.tasks_ended > 0);
    }
}

TEST_CASE("simulator: the same seed gives the same events") {
    REQUIRE(choose_plant(nullptr));
    for (uint64_t seed : {3u, 17u, 50u}) CHECK(run(seed).hash == run(seed).hash);
    CHECK(run(3).hash != run(4).hash);
}

TEST_CASE("simulator: each planted bug is found") {
    for (const Plant& plant : kPlants) {
        REQUIRE(choose_plant(plant.name));
        uint64_t seed = 1;
        while (seed <= kPlantSeeds && !run(seed).failure) ++seed;
        CHECK_MESSAGE(seed <= kPlantSeeds, plant.name << ": " << plant.text);
    }
    REQUIRE(choose_plant(nullptr));
    CHECK_FALSE(choose_plant("no_such_plant"));
}
