// physics_bench: a pile of spheres beside Bullet in the same run.
//
// 10 000 spheres of radius 0.1 m fall into a box with open top, steps of 1/240 s, restitution 0.3,
// no friction; nothing sleeps. All contestants go through the same steps in turns; what counts is
// the mean of the last ones, when everything rests on everything. Ours and Bullet run on one thread
// in processor time: on a shared machine the clock on the wall would favour whoever is short enough
// not to be interrupted. Ours on two threads and on
// all processors, and on every Vulkan device from where the pile came to (steps of its own,
// uploads and downloads included) is there for information. What the piles are worth is printed
// too: height, overlap, unrest. Ends with one line of JSON; exit status 0 when ours takes at most
// half of Bullet's time with its usual 10 iterations.
//
// Usage: physics_bench [BODIES [STEPS]]   (10000 480)
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "bench_row.h"
#include "core/crypto.h"
#include "gpu/compute.h"
#include "kernels/physics_gpu.h"
#include "kernels/physics_grid.h"
#include "kernels/physics_native.h"
#include "physics_peer.h"
#include "support/physics_worlds.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

using bench::processor_ms;
using bench::wall_ms;

constexpr double kBar = 0.5;
constexpr double kGoal = 0.15;
constexpr int kBulletUsual = 10;
constexpr int kBulletReference = 50;

struct Contestant {
    std::string name;
    PhysicsWorld world;
    std::function<void(PhysicsWorld& world)> step;
    std::function<void(PhysicsWorld& world)> read;  // may be empty
    double ms = 0;                                  // of processors
    double wall_ms = 0;                             // on the clock
};

struct Worth {
    double height = 0, overlap_mean = 0, overlap_max = 0, kinetic = 0;
};

Worth worth(const PhysicsWorld& world) {
    const PhysicsPush push = make_physics_push(world);
    std::vector<PhysicsFixed> fixed;
    for (const PhysicsBody& body : world.bodies) fixed.push_back(physics_fixed(body));
    PhysicsGrid grid;
    grid.prepare(fixed, push.bodies, push.slot_mask);
    for (uint32_t id = 0; id < push.bodies; ++id) {
        const float* x = world.bodies[id].position;
        grid.set(id, physics_vec(x[0], x[1], x[2]));
    }
    grid.sort();
    Worth all;
    std::vector<uint64_t> pairs;
    for (uint32_t id = 0; id < push.bodies; ++id) {
        const PhysicsBody& body = world.bodies[id];
        all.height += body.position[1] / push.bodies;
        for (const float v : body.velocity) all.kinetic += 0.5 * v * v / push.bodies;
        grid.find(id, pairs);
    }
    double overlapping = 0;
    for (const uint64_t pair : pairs) {
        const PhysicsBody& low = world.bodies[pair >> 32];
        const PhysicsBody& high = world.bodies[static_cast<uint32_t>(pair)];
        double square = 0;
        for (size_t axis = 0; axis < 3; ++axis) {
            const double d = double{low.position[axis]} - high.position[axis];
            square += d * d;
        }
        const double overlap = low.radius + high.radius - std::sqrt(square);
        if (!(overlap > 0)) continue;  // merely near
        all.overlap_mean += overlap;
        all.overlap_max = std::max(all.overlap_max, overlap);
        ++overlapping;
    }
    if (overlapping > 0) all.overlap_mean /= overlapping;
    return all;
}

std::string digest(const PhysicsWorld& world) {
    std::vector<uint8_t> bytes(world.bodies.size() * kPhysicsRecordSize);
    pack_bodies(world.bodies, bytes.data());
    return to_hex(sha256(bytes));
}

Contestant ours(const PhysicsWorld& start, uint32_t threads) {
    auto team = std::make_shared<PhysicsTeam>(threads);
    return {"ours, " + std::to_string(threads) + (threads == 1 ? " thread" : " threads"),
            start,
            [team](PhysicsWorld& world) {
                PhysicsOutcome outcome;
                const Result<Done> done = physics_native(world, 0, *team, outcome);
                if (!done) std::printf("ours failed: %s\n", done.error().text.c_str());
            },
            {}};
}

Contestant bullet(const PhysicsWorld& start, int iterations) {
    auto peer = std::make_shared<bench::BulletWorld>(start, iterations);
    return {"Bullet, " + std::to_string(iterations) + " iterations", start,
            [peer](PhysicsWorld&) { peer->step(); },
            [peer](PhysicsWorld& world) { peer->read(world); }};
}

constexpr int kVulkanSteps = 10;

// From the pile's state before the last steps; the first device's figures go into `row`.
void run_vulkan(const PhysicsWorld& start, bench::BenchRow& row) {
    const Result<std::unique_ptr<gpu::Devices>> devices = gpu::Devices::open({});
    if (!devices) {
        std::printf("Vulkan: %s\n", devices.error().text.c_str());
        return;
    }
    PhysicsWorld native = start;
    PhysicsTeam team(2);
    for (int step = 0; step < kVulkanSteps; ++step) {
        PhysicsOutcome outcome;
        if (!physics_native(native, 0, team, outcome)) return;
    }
    for (size_t i = 0; i < (*devices)->list().size(); ++i) {
        const Result<std::shared_ptr<gpu::Device>> device = (*devices)->device(i);
        if (!device) continue;
        const Result<std::unique_ptr<PhysicsGpu>> physics = PhysicsGpu::create(*device);
        if (!physics) continue;
        PhysicsWorld world = start;
        double best_ms = 1e18;
        for (int step = 0; step < kVulkanSteps; ++step) {
            PhysicsOutcome outcome;
            const double begin = wall_ms();
            if ((*physics)->run(world, 0, outcome)) best_ms = std::min(best_ms, wall_ms() - begin);
        }
        const bool equal = world.bodies == native.bodies;
        std::printf("  vulkan:%zu %-40s %8.3f ms a step with copies, state %s\n", i,
                    (*devices)->list()[i].name.c_str(), best_ms, equal ? "equal" : "DIFFERS");
        row.equal = row.equal && equal;
        if (i > 0) continue;
        row.vulkan = best_ms;
        row.device = (*devices)->list()[i].name;
    }
}

}  // namespace

int main(int argc, char** argv) {
    const uint32_t bodies = argc > 1 ? static_cast<uint32_t>(std::atoi(argv[1])) : 10000;
    const int steps = argc > 2 ? std::atoi(argv[2]) : 480;
    const int measured = std::max(steps / 8, 1);
    Prng prng(1);
    const auto across = static_cast<uint32_t>(std::cbrt(static_cast<double>(bodies)));
    const PhysicsWorld start = test::pile_world(prng, bodies, std::max(across, 1u));
    std::vector<Contestant> all;
    all.push_back(ours(start, 1));
    all.push_back(bullet(start, kBulletUsual));
    all.push_back(bullet(start, kBulletReference));
    all.push_back(ours(start, 2));
    if (exec::processors() > 2) all.push_back(ours(start, exec::processors()));
    for (int step = 0; step < steps; ++step) {
        for (Contestant& contestant : all) {
            const double begin = processor_ms();
            const double wall_begin = wall_ms();
            contestant.step(contestant.world);
            if (step < steps - measured) continue;
            contestant.ms += (processor_ms() - begin) / measured;
            contestant.wall_ms += (wall_ms() - wall_begin) / measured;
        }
    }
    std::printf("%u spheres, %d steps of 1/240 s, the last %d measured\n", bodies, steps, measured);
    for (Contestant& row : all) {
        if (row.read) row.read(row.world);
        const Worth is = worth(row.world);
        std::printf(
            "  %-22s %8.3f ms a step (%.3f by the wall)   ours is %5.3f x   height %.4f   overlap "
            "%.5f (most %.5f)   "
            "kinetic %.6f a body\n",
            row.name.c_str(), row.ms, row.wall_ms, all[0].ms / row.ms, is.height, is.overlap_mean,
            is.overlap_max, is.kinetic);
    }
    const bool equal = all[0].world.bodies == all[3].world.bodies &&
                       all[0].world.bodies == all.back().world.bodies;
    std::printf("  state %s, for any number of threads: %s\n", digest(all[0].world).c_str(),
                equal ? "equal" : "DIFFERS");
    const double ratio = all[0].ms / all[1].ms;
    const bool good = ratio <= kBar && equal;
    bench::BenchRow row{"physics, " + std::to_string(bodies) + " spheres, a step", "ms", all[0].ms,
                        all[3].wall_ms};
    row.peer = "Bullet, 10 iterations";
    row.peer_value = all[1].ms;
    row.ratio = ratio;
    row.must = kBar;
    row.goal = kGoal;
    run_vulkan(all[0].world, row);
    std::printf(
        "{\"ms_a_step\": %.3f, \"bullet_ms\": %.3f, \"to_bullet\": %.3f, \"bullet_50_ms\": %.3f, "
        "\"rows\": %s, \"goal\": %s, \"good\": %s}\n",
        all[0].ms, all[1].ms, ratio, all[2].ms, bench::rows_json({row}).c_str(),
        ratio <= kGoal ? "true" : "false", good ? "true" : "false");
    return good ? 0 : 1;
}
