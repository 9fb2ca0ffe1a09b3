// Facts of physics that the processor's form must show, and that nothing but the input decides.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "core/prng.h"
#include "kernels/physics_native.h"
#include "support/physics_worlds.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

PhysicsOutcome run(PhysicsWorld& world, uint32_t threads = 1, uint32_t energy_every = 0) {
    PhysicsTeam team(threads);
    PhysicsOutcome outcome;
    const Result<Done> done = physics_native(world, energy_every, team, outcome);
    REQUIRE_MESSAGE(done.ok(), done.error().text);
    return outcome;
}

struct Momentum {
    double sum[3] = {0, 0, 0};
    double scale = 0;
};

Momentum momentum(const PhysicsWorld& world) {
    Momentum all;
    for (const PhysicsBody& body : world.bodies) {
        for (size_t axis = 0; axis < 3; ++axis) {
            all.sum[axis] += double{body.mass} * body.velocity[axis];
            all.scale += double{body.mass} * std::abs(body.velocity[axis]);
        }
    }
    return all;
}

PhysicsWorld two(float restitution, float mass_a, float mass_b) {
    PhysicsWorld world;
    world.gravity[1] = 0;
    world.timestep = 0.004f;
    world.steps = 400;
    world.bodies = {{{-2, 1, 0}, {3, 0, 0}, mass_a, 0.5f, restitution, 0},
                    {{2, 1, 0}, {-1, 0, 0}, mass_b, 0.5f, restitution, 0}};
    return world;
}

}  // namespace

TEST_CASE("equal bodies that meet head-on exchange their velocities") {
    PhysicsWorld world = two(1, 1, 1);
    const PhysicsOutcome outcome = run(world);
    CHECK(world.bodies[0].velocity[0] == doctest::Approx(-1).epsilon(1e-6));
    CHECK(world.bodies[1].velocity[0] == doctest::Approx(3).epsilon(1e-6));
    CHECK(outcome.collisions == std::vector<uint64_t>{physics_pair(0, 1)});
    CHECK(!outcome.collisions_cut);
}

TEST_CASE("unlike bodies part as momentum and restitution say") {
    for (const float restitution : {0.0f, 0.25f, 0.5f, 1.0f}) {
        for (const float mass : {0.01f, 0.5f, 3.0f, 1000.0f}) {
            PhysicsWorld world = two(restitution, 1, mass);
            run(world);
            // v_a' = v_common - e m_b (v_a - v_b) / (m_a + m_b)
            const double common = (3.0 - double{mass}) / (1.0 + mass);
            const double apart = 4.0 * restitution / (1.0 + mass);
            CAPTURE(restitution);
            CAPTURE(mass);
            CHECK(world.bodies[0].velocity[0] ==
                  doctest::Approx(common - apart * mass).epsilon(1e-5));
            CHECK(world.bodies[1].velocity[0] == doctest::Approx(common + apart).epsilon(1e-5));
        }
    }
}

TEST_CASE("the restitution of a pair is the smaller of the two") {
    PhysicsWorld world = two(1, 1, 1);
    world.bodies[1].restitution = 0.5f;
    run(world);
    CHECK(world.bodies[1].velocity[0] - world.bodies[0].velocity[0] == doctest::Approx(2));
}

TEST_CASE("momentum is kept to rounding in random worlds without walls") {
    Prng prng(test::seed());
    for (int round = 0; round < 20; ++round) {
        PhysicsWorld world = test::random_world(prng, 60, 2.5);
        world.faces = 0;
        world.planes.clear();
        world.boxes.clear();
        for (float& g : world.gravity) g = 0;
        world.steps = 100;
        const Momentum before = momentum(world);
        const PhysicsOutcome outcome = run(world);
        const Momentum after = momentum(world);
        CHECK(!outcome.collisions.empty());
        // Each of 100 steps rounds each body's speed some 20 times.
        const double allowed = (before.scale + after.scale + 1) * 2e-5;
        for (size_t axis = 0; axis < 3; ++axis) {
            CHECK(std::abs(after.sum[axis] - before.sum[axis]) <= allowed);
        }
    }
}

TEST_CASE("bodies stay inside bounds whatever presses on them") {
    Prng prng(test::seed());
    for (int round = 0; round < 20; ++round) {
        PhysicsWorld world = test::random_world(prng, 80, 2);
        world.faces = round % 2 == 0 ? 0x37 : 0x3F;
        for (size_t axis = 0; axis < 3; ++axis) {
            world.bound_min[axis] = -0.5f;
            world.bound_max[axis] = 2.5f;
        }
        world.planes.clear();
        world.boxes.clear();
        // One that would be through a wall in a single step.
        world.bodies[0].velocity[0] = 9000;
        for (int step = 0; step < 60; ++step) {
            run(world);
            for (const PhysicsBody& body : world.bodies) {
                for (size_t axis = 0; axis < 3; ++axis) {
                    const float x = body.position[axis];
                    CHECK(x >= world.bound_min[axis] + body.radius);
                    if (axis == 1 && world.faces == 0x37) continue;
                    CHECK(x <= world.bound_max[axis] - body.radius);
                }
            }
        }
    }
}

TEST_CASE("the energy of a settling pile never rises by more than a hundredth of what it was") {
    Prng prng(test::seed());
    PhysicsWorld world = test::pile_world(prng, 200, 6);
    world.steps = 2400;  // a few roll on for long
    const PhysicsOutcome outcome = run(world, 1, 1);
    REQUIRE(outcome.energy.size() == 2401);
    double least = outcome.energy[0].energy;
    for (const PhysicsOutcome::Energy& entry : outcome.energy) {
        least = std::min(least, entry.energy);
        CHECK(entry.energy <= least + 0.01 * outcome.energy[0].energy);
    }
    double kinetic = 0;
    for (const PhysicsBody& body : world.bodies) {
        for (const float v : body.velocity) kinetic += 0.5 * v * v;
    }
    CHECK(kinetic / static_cast<double>(world.bodies.size()) < 0.005);
}

TEST_CASE("a sphere at rest on the floor stays where it is") {
    PhysicsWorld world;
    world.faces = 0x37;
    for (size_t axis = 0; axis < 3; ++axis) {
        world.bound_min[axis] = axis == 1 ? 0.0f : -5.0f;
        world.bound_max[axis] = 5;
    }
    world.bodies = {{{0, 0.5f, 0}, {0, 0, 0}, 1, 0.5f, 1, 0}};
    world.steps = 1000;
    run(world);
    CHECK(world.bodies[0].position[1] == doctest::Approx(0.5));
    CHECK(std::abs(world.bodies[0].velocity[1]) < 1e-4);
}

TEST_CASE("friction stops what slides and its absence does not") {
    for (const float friction : {0.0f, 0.5f}) {
        PhysicsWorld world;
        world.planes.push_back({{0, 1, 0}, 0, 1, kPhysicsBoundsFriction});
        world.bodies = {{{0, 0.5f, 0}, {2, 0, 0}, 1, 0.5f, 0, friction}};
        world.steps = 120;
        run(world);
        // v^2 / (2 mu g)
        const double way = friction > 0 ? 4 / (2 * friction * 9.81) : 4;
        CHECK(world.bodies[0].position[0] == doctest::Approx(way).epsilon(0.03));
        CHECK(world.bodies[0].velocity[0] == doctest::Approx(friction > 0 ? 0 : 2));
        CHECK(world.bodies[0].position[1] == doctest::Approx(0.5).epsilon(0.01));
    }
}

TEST_CASE("a body rests on a box and one inside is led out") {
    PhysicsWorld world;
    world.boxes.push_back({{-1, 0, -1}, {1, 1, 1}, 1, 1});
    world.bodies = {{{0, 2, 0}, {0, 0, 0}, 1, 0.25f, 0, 0},
                    {{0.9f, 0.2f, 0}, {0, 0, 0}, 1, 0.25f, 0, 0}};
    world.gravity[1] = -5;
    world.steps = 200;
    run(world);
    CHECK(world.bodies[0].position[1] == doctest::Approx(1.25).epsilon(0.01));
    CHECK(world.bodies[1].position[0] > 1.24f);
}

TEST_CASE("bodies in the very same place part without an explosion") {
    PhysicsWorld world;
    world.gravity[1] = 0;
    world.bodies.assign(8, {{1, 1, 1}, {0, 0, 0}, 1, 0.5f, 0, 0});
    world.steps = 300;
    run(world);
    for (size_t i = 0; i < 8; ++i) {
        for (const float v : world.bodies[i].velocity) CHECK(std::abs(v) < 20);
        for (const float x : world.bodies[i].position) CHECK(std::abs(x - 1) < 100);
    }
}

TEST_CASE("a run is the same for any number of threads and any cut into runs") {
    Prng prng(test::seed());
    for (int round = 0; round < 30; ++round) {
        const PhysicsWorld start =
            test::random_world(prng, 1 + static_cast<uint32_t>(prng.below(120)), 3);
        PhysicsWorld whole = start;
        whole.steps = 40;
        const PhysicsOutcome outcome = run(whole);
        PhysicsWorld threads = start;
        threads.steps = 40;
        const PhysicsOutcome same = run(threads, 2 + static_cast<uint32_t>(round % 3));
        CHECK(threads.bodies == whole.bodies);
        CHECK(same.collisions == outcome.collisions);
        CHECK(same.contacts == outcome.contacts);
        // Resumed from its packed state.
        PhysicsWorld cut = start;
        cut.steps = 1 + static_cast<uint32_t>(prng.below(39));
        std::vector<uint64_t> collisions = run(cut).collisions;
        std::vector<uint8_t> bytes(cut.bodies.size() * kPhysicsRecordSize);
        pack_bodies(cut.bodies, bytes.data());
        cut.bodies = unpack_bodies(bytes);
        cut.steps = 40 - cut.steps;
        run(cut);
        CHECK(cut.bodies == whole.bodies);
    }
}

TEST_CASE("a team does every piece of every phase once") {
    for (const uint32_t members : {1u, 2u, 5u}) {
        PhysicsTeam team(members);
        CHECK(team.members() == members);
        std::vector<std::atomic<int>> times(team.pieces() + 3);
        for (int phase = 0; phase < 500; ++phase) {
            team.run(static_cast<uint32_t>(times.size()),
                     [&](uint32_t piece) { times[piece].fetch_add(1); });
            // Whoever comes late must not do a piece of the phase before.
            for (const std::atomic<int>& count : times) CHECK(count.load() == phase + 1);
        }
    }
}

TEST_CASE("a delta holds what moved and gives back every bit") {
    Prng prng(test::seed());
    for (int round = 0; round < 50; ++round) {
        PhysicsWorld world = test::random_world(prng, 1 + static_cast<uint32_t>(prng.below(60)), 4);
        const std::vector<PhysicsBody> before = world.bodies;
        world.steps = 1 + static_cast<uint32_t>(prng.below(5));
        run(world);
        const std::vector<uint8_t> delta = pack_physics_delta(before, world.bodies);
        const auto after = apply_physics_delta(before, delta);
        REQUIRE_MESSAGE(after.ok(), after.error().text);
        CHECK(*after == world.bodies);
        CHECK(delta.size() <= before.size() * 31 + 1);
        // Cut or longer, it is refused.
        if (!delta.empty()) {
            CHECK(!apply_physics_delta(before, std::span(delta).first(delta.size() - 1)).ok());
        }
        std::vector<uint8_t> longer = delta;
        longer.push_back(0);
        CHECK(!apply_physics_delta(before, longer).ok());
    }
    const std::vector<PhysicsBody> still(100);
    CHECK(pack_physics_delta(still, still) == std::vector<uint8_t>(13, 0));
    std::vector<uint8_t> wide{1, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F, 0, 0, 0, 0, 0};
    CHECK(!apply_physics_delta(std::vector<PhysicsBody>(1), wide).ok());
}

TEST_CASE("every number of random runs is one the arithmetic is made for") {
    Prng prng(test::seed());
    const auto good = [](float value) { return value == 0 || std::abs(value) >= kPhysicsTiny; };
    for (int round = 0; round < 30; ++round) {
        PhysicsWorld world = test::random_world(prng, 40, 1.5);
        world.bodies[0].mass = 1e-3f;
        world.bodies[1].mass = 1e6f;
        world.bodies[2].velocity[2] = 1e4f;
        world.bodies[3].position[0] = 1e5f;
        world.bodies[3].velocity[0] = 1e4f;
        world.steps = 50;
        run(world);
        for (const PhysicsBody& body : world.bodies) {
            for (const float x : body.position) CHECK((good(x) && std::abs(x) <= kPhysicsPlaceMax));
            for (const float v : body.velocity) CHECK((good(v) && std::abs(v) <= kPhysicsSpeedMax));
        }
    }
}

TEST_CASE("too many bodies inside each other are refused and a cancelled run stops") {
    PhysicsWorld world;
    world.bodies.assign(2000, {{1, 1, 1}, {0, 0, 0}, 1, 0.5f, 0, 0});
    PhysicsTeam team(2);
    PhysicsOutcome outcome;
    const Result<Done> done = physics_native(world, 0, team, outcome);
    REQUIRE(!done.ok());
    CHECK(done.error().status == Status::kLimit);
    CHECK(done.error().field == "objects");

    world.bodies.resize(10);
    world.steps = 1000;
    std::atomic<int> asked{0};
    const Result<Done> stopped =
        physics_native(world, 0, team, outcome, [&] { return ++asked == 100; });
    REQUIRE(!stopped.ok());
    CHECK(stopped.error().status == Status::kCancelled);
    // Threads that were about to ask may still do so, once each.
    CHECK(asked <= 100 + 2);

    // One phase of many bodies is cut, so that none is long.
    world.bodies.assign(10'000, {{0, 0, 0}, {0, 0, 0}, 1, 0.1f, 0, 0});
    for (size_t i = 0; i < world.bodies.size(); ++i) {
        world.bodies[i].position[0] = static_cast<float>(i);
    }
    world.steps = 1;
    PhysicsTeam alone(1);
    asked = 0;
    CHECK(!physics_native(world, 0, alone, outcome, [&] { return ++asked == 3; }).ok());
    CHECK(asked == 3);
    asked = 0;
    CHECK(physics_native(world, 0, alone, outcome, [&] { return ++asked < 0; }).ok());
    CHECK(asked >= 5 * 30);
}

TEST_CASE("pairs are listed once in order and a full list says so") {
    PhysicsCollisions pairs(3);
    CHECK(pairs.add(physics_pair(5, 9)));
    CHECK(!pairs.add(physics_pair(5, 9)));
    CHECK(pairs.add(physics_pair(0, 7)));
    CHECK(pairs.add(physics_pair(5, 6)));
    CHECK(!pairs.is_cut());
    CHECK(!pairs.add(physics_pair(0, 7)));
    CHECK(!pairs.is_cut());
    CHECK(!pairs.add(physics_pair(1, 2)));
    CHECK(pairs.is_cut());
    CHECK(pairs.sorted() ==
          std::vector<uint64_t>{physics_pair(0, 7), physics_pair(5, 6), physics_pair(5, 9)});
    PhysicsCollisions many(100000);
    for (uint32_t i = 0; i < 5000; ++i) CHECK(many.add(physics_pair(i % 70, 100 + i)));
    for (uint32_t i = 0; i < 5000; ++i) CHECK(many.has(physics_pair(i % 70, 100 + i)));
    CHECK(many.sorted().size() == 5000);
}

namespace {

// The most memory that this process had at any time, in MiB.
uint64_t memory_peak_mib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) / 1024;
    }
    return 0;
}

}  // namespace

TEST_CASE("bodies that all lie at one point are refused before their contacts take memory") {
    PhysicsWorld world;
    world.bodies.assign(40'000, {{1, 1, 1}, {0, 0, 0}, 1, 0.5f, 0, 0});
    PhysicsTeam team(1);
    PhysicsOutcome outcome;
    const uint64_t before = memory_peak_mib();
    const Result<Done> done = physics_native(world, 0, team, outcome);
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().status == Status::kLimit);
    CHECK(memory_peak_mib() - before < 200);
}
