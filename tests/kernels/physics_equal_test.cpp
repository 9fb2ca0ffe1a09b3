// Random worlds: a Vulkan device gives the bytes of the native form, after one step and after many.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "core/prng.h"
#include "exec/job_control.h"
#include "kernels/gpu_kernels.h"
#include "kernels/physics_answers.h"
#include "kernels/physics_gpu.h"
#include "kernels/physics_large.h"
#include "kernels/physics_task.h"
#include "model/value_json.h"
#include "shaders/physics_report.h"
#include "support/random_inputs.h"
#include "support/rounds.h"
#include "support/seed.h"
#include "vulkan_devices.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

void on_each_physics(const std::function<void(PhysicsGpu&)>& body) {
    test::on_each_device([&](const std::shared_ptr<gpu::Device>& device) {
        const Result<std::unique_ptr<PhysicsGpu>> physics = PhysicsGpu::create(device);
        REQUIRE_MESSAGE(physics.ok(), physics.error().text);
        body(**physics);
    });
}

void check_equal(PhysicsGpu& physics, const PhysicsWorld& start, uint32_t energy_every = 0) {
    CAPTURE(start.bodies.size());
    CAPTURE(start.steps);
    PhysicsWorld expected = start;
    PhysicsWorld found = start;
    PhysicsTeam team(1);
    PhysicsOutcome expected_outcome;
    PhysicsOutcome outcome;
    const Result<Done> native = physics_native(expected, energy_every, team, expected_outcome);
    REQUIRE_MESSAGE(native.ok(), native.error().text);
    const Result<Done> done = physics.run(found, energy_every, outcome);
    REQUIRE_MESSAGE(done.ok(), done.error().text);
    CHECK(found.bodies == expected.bodies);
    CHECK(outcome.collisions == expected_outcome.collisions);
    CHECK(outcome.contacts == expected_outcome.contacts);
    REQUIRE(outcome.energy.size() == expected_outcome.energy.size());
    for (size_t i = 0; i < outcome.energy.size(); ++i) {
        CHECK(outcome.energy[i].step == expected_outcome.energy[i].step);
        CHECK(outcome.energy[i].energy == expected_outcome.energy[i].energy);
    }
}

// A ball of radius 5 and tiny bodies inside it.
PhysicsWorld heap_world(Prng& prng, uint32_t tiny) {
    PhysicsWorld heap;
    heap.bodies.assign(1, {{0, 0, 0}, {0, 0, 0}, 1, 5, 0, 0});
    for (uint32_t i = 0; i < tiny; ++i) {
        heap.bodies.push_back({{test::draw(prng, -2.5, 2.5), test::draw(prng, -2.5, 2.5),
                                test::draw(prng, -2.5, 2.5)},
                               {0, 0, 0},
                               1,
                               0.01f,
                               0,
                               0});
    }
    return heap;
}

// The same, and so many other balls of that size beside it that it is not larger than most.
PhysicsWorld crowded_ball(Prng& prng, uint32_t tiny, uint32_t balls) {
    PhysicsWorld world = heap_world(prng, tiny);
    for (uint32_t i = 0; i < balls; ++i) {
        world.bodies.push_back(world.bodies.front());
        world.bodies.back().position[0] = 100 + 20 * static_cast<float>(i);
    }
    return world;
}

// Radii of 0.05 to 0.8, evenly by their logarithm.
PhysicsWorld log_world(Prng& prng, uint32_t bodies) {
    PhysicsWorld world = test::random_world(prng, bodies, 6);
    world.steps = 2;
    for (PhysicsBody& body : world.bodies) {
        body.radius = test::draw(prng, 0.05, 0.1);
        for (uint64_t doubled = prng.below(4); doubled > 0; --doubled) body.radius *= 2;
    }
    return world;
}

}  // namespace

TEST_CASE("random small worlds are equal on every Vulkan device and on the processor") {
    on_each_physics([](PhysicsGpu& physics) {
        Prng prng(test::seed());
        for (int round = 0; round < 30; ++round) {
            PhysicsWorld world =
                test::random_world(prng, 1 + static_cast<uint32_t>(prng.below(150)), 2.5);
            world.steps = 1 + static_cast<uint32_t>(prng.below(8));
            check_equal(physics, world, static_cast<uint32_t>(prng.below(3)));
        }
    });
}

TEST_CASE("a thousand tiny worlds are equal on every Vulkan device and on the processor") {
    on_each_physics([](PhysicsGpu& physics) {
        Prng prng(test::seed());
        for (int round = 0; round < test::rounds(1000); ++round) {
            CAPTURE(round);
            check_equal(physics, test::tiny_world(prng));
        }
    });
}

TEST_CASE("a world of 2500 bodies is equal on every Vulkan device and on the processor") {
    on_each_physics([](PhysicsGpu& physics) {
        Prng prng(test::seed());
        PhysicsWorld crowd = test::random_world(prng, 2500, 7);
        crowd.steps = 3;
        check_equal(physics, crowd);
        PhysicsWorld pile = test::pile_world(prng, 2100, 13);
        pile.steps = 3;
        // Pressed together, so that every body has many contacts.
        for (PhysicsBody& body : pile.bodies) body.radius = 0.109f;
        check_equal(physics, pile);
    });
}

TEST_CASE("large bodies among small ones are equal on every Vulkan device and on the processor") {
    on_each_physics([](PhysicsGpu& physics) {
        Prng prng(test::seed());
        PhysicsWorld heap = heap_world(prng, 700);
        heap.steps = 2;
        check_equal(physics, heap);
        for (int round = 0; round < 6; ++round) {
            PhysicsWorld world =
                test::random_world(prng, 100 + static_cast<uint32_t>(prng.below(600)), 6);
            world.steps = 3;
            for (PhysicsBody& body : world.bodies) body.radius *= 0.5f;
            for (uint64_t large = 1 + prng.below(8); large > 0; --large) {
                world.bodies[prng.below(world.bodies.size())].radius = test::draw(prng, 0.5, 2);
            }
            check_equal(physics, world);
        }
    });
}

TEST_CASE("broad mixes of radii are equal on every Vulkan device and on the processor") {
    on_each_physics([](PhysicsGpu& physics) {
        Prng prng(test::seed());
        // A tenth is twice as large, which share the grid with the others, or 5 or 12 times, which
        // do not.
        for (const float ratio : {2.0f, 5.0f, 12.0f}) {
            PhysicsWorld world = test::random_world(prng, 1200, 5);
            world.steps = 2;
            for (size_t i = 0; i < world.bodies.size(); ++i) {
                world.bodies[i].radius = 0.05f * (i % 10 == 0 ? ratio : 1);
            }
            PhysicsPush push = make_physics_push(world);
            choose_large_bodies(world, push);
            CHECK(push.large == (ratio == 2.0f ? 0 : 120));
            check_equal(physics, world);
        }
        check_equal(physics, log_world(prng, 700));
        // More contacts than are sorted one by one, of bodies that are not set apart: few bodies,
        // and as many large ones as others.
        PhysicsWorld few = heap_world(prng, 55);
        few.steps = 2;
        check_equal(physics, few);
        PhysicsWorld many = crowded_ball(prng, 400, 450);
        PhysicsPush push = make_physics_push(many);
        choose_large_bodies(many, push);
        CHECK(push.large == 0);
        check_equal(physics, many);
    });
}

// 10 000 with P2C2R_FULL in the environment.
TEST_CASE("a small world is equal after many steps on every Vulkan device") {
    const bool full = test::is_full_run();
    on_each_physics([&](PhysicsGpu& physics) {
        Prng prng(test::seed());
        PhysicsWorld world = test::pile_world(prng, 60, 4);
        for (PhysicsBody& body : world.bodies) body.friction = 0.25f;
        world.iterations = 4;
        world.steps = full ? 10'000 : 400;
        check_equal(physics, world);
    });
}

TEST_CASE("a Vulkan device stops between slices and refuses what its loops are too short for") {
    on_each_physics([](PhysicsGpu& physics) {
        Prng prng(test::seed());
        PhysicsWorld world = test::pile_world(prng, 200, 6);
        world.steps = 1000;
        int asked = 0;
        PhysicsOutcome outcome;
        const Result<Done> stopped = physics.run(world, 0, outcome, [&] { return ++asked == 20; });
        REQUIRE(!stopped.ok());
        CHECK(stopped.error().status == Status::kCancelled);
        CHECK(asked == 20);
        PhysicsWorld heap = crowded_ball(prng, kPhysicsContactsOfBodyMax + 1, 1200);
        const Result<Done> beyond = physics.run(heap, 0, outcome);
        REQUIRE(!beyond.ok());
        CHECK(beyond.error().status == Status::kUnsupported);
        PhysicsWorld covered = heap_world(prng, kPhysicsContactsOfLargeMax + 1);
        covered.steps = 1;
        const Result<Done> too_many = physics.run(covered, 0, outcome);
        REQUIRE(!too_many.ok());
        CHECK(too_many.error().status == Status::kUnsupported);
        // Too many contacts are the same error as on the processor.
        PhysicsWorld crowd;
        for (int i = 0; i < 1500; ++i) {
            const auto at = static_cast<float>(i / 150);
            crowd.bodies.push_back({{at * 3, 0, 0}, {0, 0, 0}, 1, 0.5f, 0, 0});
        }
        PhysicsWorld same = crowd;
        PhysicsTeam team(1);
        const Result<Done> native = physics_native(same, 0, team, outcome);
        const Result<Done> device = physics.run(crowd, 0, outcome);
        REQUIRE(!native.ok());
        REQUIRE(!device.ok());
        CHECK(device.error().status == Status::kLimit);
        CHECK(device.error().text == native.error().text);
    });
}

// What a device has no room for is no fault of the task.
TEST_CASE("a world beyond a named device is computed by the processor and the result says so") {
    test::on_each_device([](const std::shared_ptr<gpu::Device>& device) {
        Prng prng(test::seed());
        PhysicsExecutor executor(std::make_shared<GpuKernels>(device, "vulkan:7", true, Log()),
                                 nullptr, 1);
        const PhysicsWorld beyond = crowded_ball(prng, kPhysicsContactsOfBodyMax + 1, 1200);
        const PhysicsWorld usual = test::pile_world(prng, 20, 3);
        for (const PhysicsWorld& world : {beyond, usual, beyond}) {
            PhysicsWorld expected = world;
            PhysicsOutcome outcome;
            PhysicsTeam team(1);
            expected.iterations = 3;
            expected.timestep = 0.01f;
            expected.faces = 0;
            REQUIRE(physics_native(expected, 0, team, outcome).ok());
            std::vector<uint8_t> sent(world.bodies.size() * kPhysicsRecordSize);
            std::vector<uint8_t> wanted(sent.size());
            pack_bodies(world.bodies, sent.data());
            pack_bodies(expected.bodies, wanted.data());
            exec::Job* job = exec::JobControl::make();
            job->task_type = "physics";
            job->params = *json_to_value(R"({"timestep":0.01,"iterations":3,"collisions":false})");
            job->data = Bytes::copy(sent);
            REQUIRE(exec::JobControl::run(*job, executor) == Status::kOk);
            const auto name = Value(job->output.info.span()).find("device");
            REQUIRE(name);
            CHECK(*name->text() == (world.bodies.size() == 20 ? "vulkan:7" : "native"));
            const auto state = job->output.data.span();
            CHECK(std::equal(state.begin(), state.end(), wanted.begin(), wanted.end()));
            job->release();
        }
    });
}
