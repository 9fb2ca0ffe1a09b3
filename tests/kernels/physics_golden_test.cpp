// Fixed worlds, fixed digests: every form on every machine gives the bytes in physics_golden.txt
// and the known answers that devices are tested with.
#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "kernels/physics_answers.h"
#include "support/rounds.h"
#include "vulkan_devices.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

struct Golden {
    PhysicsKnown known{};
    std::string form;
    std::string digest;
};

// Lines "crowd|pile bodies steps seed sha256".
std::vector<Golden> read_golden(const std::string& name) {
    std::ifstream file(P2C2R_SOURCE_DIR "/tests/kernels/" + name);
    std::vector<Golden> all;
    Golden row;
    while (file >> row.form >> row.known.bodies >> row.known.steps >> row.known.seed >>
           row.digest) {
        row.known.pile = row.form == "pile";
        all.push_back(row);
    }
    return all;
}

void check_all(const char* form, uint32_t work_max, const PhysicsCompute& compute) {
    const std::vector<Golden> all = read_golden("physics_golden.txt");
    REQUIRE(all.size() >= 8);
    for (const Golden& golden : all) {
        if (golden.known.bodies * golden.known.steps > work_max) continue;
        const Result<std::string> digest = physics_digest(golden.known, compute);
        REQUIRE_MESSAGE(digest.ok(), digest.error().text);
        CHECK_MESSAGE(*digest == golden.digest,
                      std::string(form)
                          << ": " << golden.form << " " << golden.known.bodies << " "
                          << golden.known.steps << " " << golden.known.seed << " " << *digest);
    }
}

Result<Done> native(PhysicsWorld& world, PhysicsOutcome& outcome, uint32_t threads) {
    PhysicsTeam team(threads);
    return physics_native(world, 0, team, outcome);
}

}  // namespace

TEST_CASE("physics gives the golden digests on the processor with any number of threads") {
    for (const uint32_t threads : {1u, 3u}) {
        check_all("native", UINT32_MAX, [&](PhysicsWorld& world, PhysicsOutcome& outcome) {
            return native(world, outcome, threads);
        });
    }
}

// Where a difference of a bit at any step would have grown to another world. On Vulkan devices with
// P2C2R_FULL in the environment; the same by other compilers: digest/matrix.sh.
TEST_CASE("physics gives the golden digest after 10 000 steps") {
    const std::vector<Golden> all = read_golden("physics_golden_long.txt");
    REQUIRE(!all.empty());
    const auto check = [&](const std::string& form, const PhysicsCompute& compute) {
        for (const Golden& golden : all) {
            REQUIRE(golden.known.steps >= 10'000);
            const Result<std::string> digest = physics_digest(golden.known, compute);
            REQUIRE_MESSAGE(digest.ok(), digest.error().text);
            CHECK_MESSAGE(*digest == golden.digest, form << " " << *digest);
        }
    };
    check("native",
          [](PhysicsWorld& world, PhysicsOutcome& outcome) { return native(world, outcome, 1); });
    if (!test::is_full_run()) return;
    test::on_each_device([&](const std::shared_ptr<gpu::Device>& device) {
        const Result<std::unique_ptr<PhysicsGpu>> physics = PhysicsGpu::create(device);
        REQUIRE_MESSAGE(physics.ok(), physics.error().text);
        check(device->info().name, [&](PhysicsWorld& world, PhysicsOutcome& outcome) {
            return (*physics)->run(world, 0, outcome);
        });
    });
}

TEST_CASE("physics gives its known answers on the processor") {
    for (const PhysicsKnown& known : physics_known()) {
        const Result<std::string> digest = physics_digest(
            known,
            [](PhysicsWorld& world, PhysicsOutcome& outcome) { return native(world, outcome, 1); });
        REQUIRE_MESSAGE(digest.ok(), digest.error().text);
        CHECK_MESSAGE(*digest == known.sha256, known.bodies << " bodies " << *digest);
    }
}

TEST_CASE("physics gives the golden digests and its known answers on every Vulkan device") {
    test::on_each_device([](const std::shared_ptr<gpu::Device>& device) {
        const Result<std::unique_ptr<PhysicsGpu>> physics = PhysicsGpu::create(device);
        REQUIRE_MESSAGE(physics.ok(), physics.error().text);
        const Result<Done> answers = check_physics_answers(**physics);
        CHECK_MESSAGE(answers.ok(), answers.error().text);
        // A software device takes its time.
        check_all("vulkan", device->info().software ? 20'000 : UINT32_MAX,
                  [&](PhysicsWorld& world, PhysicsOutcome& outcome) {
                      return (*physics)->run(world, 0, outcome);
                  });
    });
}
