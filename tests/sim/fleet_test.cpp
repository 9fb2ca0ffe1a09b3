// Small fleets: their books, whoever chooses. What they take and reach is what `p2c2r_sim fleet`
// and `p2c2r_sim placement` say.
#include <doctest/doctest.h>

#include <memory>

#include "sim/fleet.h"
#include "sim/plants.h"

using namespace p2c2r;
using namespace p2c2r::sim;

namespace {

FleetOptions small_fleet() {
    FleetOptions options;
    options.peers = 60;
    options.tasks = 3000;
    options.accounts = 5;
    options.churn_per_minute = 4;
    return options;
}

FleetReport run_fleet_of(const FleetOptions& options, const char* name) {
    const std::unique_ptr<Policy> policy = make_policy(name);
    REQUIRE(policy);
    return Fleet(options, *policy, nullptr).run();
}

}  // namespace

TEST_CASE("fleet: each task ends once, and no machine is given more than its window") {
    REQUIRE(choose_plant(nullptr));
    for (uint64_t seed = 1; seed <= 5; ++seed) {
        FleetOptions options = small_fleet();
        options.seed = seed;
        options.speeds_told = seed % 2 == 0;
        const FleetReport report = run_fleet_of(options, "production");
        CHECK_MESSAGE(report.broken.empty(), report.broken);
        for (const StageReport* stage : {&report.saturated, &report.loaded}) {
            CHECK(stage->tasks >= options.tasks);
            CHECK(stage->done + stage->late + stage->failed == stage->tasks);
            CHECK(stage->attempts >= stage->done);
        }
        CHECK(report.saturated.done > options.tasks * 9 / 10);
        // Nobody measured: no clock was passed in.
        CHECK(report.decision_us == 0);
    }
}

TEST_CASE("fleet: the same seed gives the same events, another seed others") {
    FleetOptions options = small_fleet();
    const uint64_t hash = run_fleet_of(options, "production").hash;
    CHECK(run_fleet_of(options, "production").hash == hash);
    options.seed = 2;
    CHECK(run_fleet_of(options, "production").hash != hash);
}

TEST_CASE("fleet: machines that say how fast they are make other choices, the same for a seed") {
    FleetOptions options = small_fleet();
    const uint64_t silent = run_fleet_of(options, "production").hash;
    options.speeds_told = true;
    const FleetReport told = run_fleet_of(options, "production");
    CHECK_MESSAGE(told.broken.empty(), told.broken);
    CHECK(told.hash != silent);
    CHECK(run_fleet_of(options, "production").hash == told.hash);
}

TEST_CASE("fleet: who chooses can be swapped, and the books hold for each") {
    FleetOptions options = small_fleet();
    options.in_hindsight = true;
    options.first_load = options.load = 0.8;
    for (const char* name : kPolicies) {
        CAPTURE(name);
        const FleetReport report = run_fleet_of(options, name);
        CHECK_MESSAGE(report.broken.empty(), report.broken);
        CHECK(report.loaded.done > 0);
        CHECK(report.loaded.regret_mean_ms >= 0);
        CHECK(report.loaded.regret_p99_ms >= report.loaded.regret_mean_ms);
    }
    CHECK_FALSE(make_policy("nobody"));
}

TEST_CASE(
    "fleet: where machines stall their tasks come sooner when what waits there is taken back") {
    REQUIRE(choose_plant(nullptr));
    FleetOptions options = small_fleet();
    options.stalls_per_minute = 4;
    options.first_load = options.load = 0.5;
    options.takes_back = false;
    const FleetReport stay = run_fleet_of(options, "production");
    CHECK_MESSAGE(stay.broken.empty(), stay.broken);
    CHECK(stay.taken_back == 0);
    options.takes_back = true;
    const FleetReport moved = run_fleet_of(options, "production");
    CHECK_MESSAGE(moved.broken.empty(), moved.broken);
    CHECK(moved.taken_back > 0);
    CHECK(moved.loaded.p99_ms < stay.loaded.p99_ms);
}

TEST_CASE("fleet: its books find what is planted into the scheduler") {
    REQUIRE(choose_plant("window_ignored"));
    CHECK_FALSE(run_fleet_of(small_fleet(), "production").broken.empty());
    REQUIRE(choose_plant(nullptr));
}
