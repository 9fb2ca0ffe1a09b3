// The processor's form against physics.h read word by word: every body looks at every other one and
// computes all its contacts by itself.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/physics_native.h"
#include "support/physics_worlds.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

// A world without planes and boxes.
class PlainRun {
  public:
    explicit PlainRun(PhysicsWorld& world) : world_(world), push_(make_physics_push(world)) {
        const size_t count = world.bodies.size() + 1;  // and the wall
        place_.resize(count);
        speed_.assign(count, physics_vec(0, 0, 0));
        fixed_.resize(count);
        for (size_t id = 0; id + 1 < count; ++id) {
            const PhysicsBody& body = world.bodies[id];
            place_[id] = physics_vec(body.position[0], body.position[1], body.position[2]);
            speed_[id] = physics_vec(body.velocity[0], body.velocity[1], body.velocity[2]);
            fixed_[id] = physics_fixed(body);
        }
    }

    void run() {
        for (uint32_t i = 0; i < world_.steps * world_.substeps; ++i) substep();
        for (size_t id = 0; id < world_.bodies.size(); ++id) {
            PhysicsBody& body = world_.bodies[id];
            body.position[0] = place_[id].x, body.position[1] = place_[id].y;
            body.position[2] = place_[id].z, body.velocity[0] = speed_[id].x;
            body.velocity[1] = speed_[id].y, body.velocity[2] = speed_[id].z;
        }
    }

  private:
    void substep() {
        const uint32_t bodies = push_.bodies;
        for (uint32_t id = 0; id < bodies; ++id) {
            speed_[id] = physics_fall(push_, speed_[id]);
            place_[id] = physics_move(push_, place_[id], speed_[id]);
        }
        std::vector<std::vector<PhysicsContact>> contacts(bodies);
        std::vector<float> load(bodies + 1, 0);
        for (uint32_t id = 0; id < bodies; ++id) {
            contacts[id] = contacts_of(id);
            load[id] =
                physics_load(fixed_[id].inverse_mass, static_cast<uint32_t>(contacts[id].size()));
        }
        for (uint32_t id = 0; id < bodies; ++id) {
            for (PhysicsContact& contact : contacts[id]) {
                contact.share = physics_share(load[id], load[contact.other]);
            }
        }
        std::vector<PhysicsVec> shift(bodies + 1, physics_vec(0, 0, 0));
        for (uint32_t turn = 0; turn < world_.iterations; ++turn) {
            const std::vector<PhysicsVec> from = shift;
            for (uint32_t id = 0; id < bodies; ++id) {
                PhysicsVec sum = physics_vec(0, 0, 0);
                for (PhysicsContact& contact : contacts[id]) {
                    physics_push(contact, from[id], from[contact.other], sum);
                }
                shift[id] = physics_take(from[id], fixed_[id].inverse_mass, sum);
            }
        }
        for (uint32_t id = 0; id < bodies; ++id) {
            place_[id] = physics_place(push_, place_[id], shift[id], fixed_[id].radius);
            speed_[id] = physics_pushed(push_.inverse_step, speed_[id], shift[id]);
        }
        for (uint32_t turn = 0; turn < physics_bounces(world_.iterations); ++turn) {
            const std::vector<PhysicsVec> from = speed_;
            for (uint32_t id = 0; id < bodies; ++id) {
                PhysicsVec sum = physics_vec(0, 0, 0);
                for (PhysicsContact& contact : contacts[id]) {
                    physics_bounce(push_.inverse_step, contact, from[id], from[contact.other], sum);
                }
                speed_[id] = physics_take_speed(from[id], fixed_[id].inverse_mass, sum);
            }
        }
    }

    std::vector<PhysicsContact> contacts_of(uint32_t id) const {
        std::vector<PhysicsContact> all;
        for (uint32_t face = 0; face < 6; ++face) {
            if ((push_.faces >> face & 1) == 0) continue;
            PhysicsVec normal = physics_vec(0, 0, 0);
            const float distance = physics_face(push_, face, place_[id], normal);
            if (!(distance < physics_reach(fixed_[id].radius))) continue;
            all.push_back(physics_lean(push_, normal, distance, speed_[id], fixed_[id],
                                       kPhysicsBoundsRestitution, kPhysicsBoundsFriction));
        }
        for (uint32_t other = 0; other < push_.bodies; ++other) {
            if (other == id || !physics_meets(place_[id], fixed_[id].radius, place_[other],
                                              fixed_[other].radius)) {
                continue;
            }
            all.push_back(physics_touch(push_, id, place_[id], speed_[id], fixed_[id], other,
                                        place_[other], speed_[other], fixed_[other]));
        }
        return all;
    }

    PhysicsWorld& world_;
    PhysicsPush push_;
    std::vector<PhysicsVec> place_, speed_;
    std::vector<PhysicsFixed> fixed_;
};

void check_as_plain(PhysicsWorld world, uint32_t threads) {
    PhysicsWorld plain = world;
    PlainRun(plain).run();
    PhysicsTeam team(threads);
    PhysicsOutcome outcome;
    const Result<Done> done = physics_native(world, 0, team, outcome);
    REQUIRE_MESSAGE(done.ok(), done.error().text);
    CHECK(world.bodies == plain.bodies);
}

}  // namespace

TEST_CASE("a run is what every body computes by itself from all the others") {
    Prng prng(test::seed());
    for (int round = 0; round < 40; ++round) {
        const auto bodies = static_cast<uint32_t>(1 + prng.below(60));
        PhysicsWorld world = test::random_world(prng, bodies, prng.chance(0.2) ? 0.3 : 2);
        world.planes.clear();
        world.boxes.clear();
        world.steps = 3;
        // Some in the very same place.
        if (prng.chance(0.3)) {
            const PhysicsBody& first = world.bodies.front();
            std::copy(first.position, first.position + 3, world.bodies.back().position);
        }
        INFO("round " << round << ", seed " << test::seed());
        check_as_plain(world, round % 4 == 0 ? 2 : 1);
    }
}

TEST_CASE("bodies of very unlike sizes meet as plainly as like ones") {
    Prng prng(test::seed());
    for (int round = 0; round < 25; ++round) {
        const auto bodies = static_cast<uint32_t>(20 + prng.below(120));
        PhysicsWorld world = test::random_world(prng, bodies, 3);
        world.planes.clear();
        world.boxes.clear();
        world.steps = 2;
        const double spread = prng.chance(0.5) ? 3000 : 30;
        for (PhysicsBody& body : world.bodies) {
            body.radius = static_cast<float>(std::exp(-std::log(spread) * prng.unit()));
            // A few lie far out, where neighbouring numbers are further apart than the smallest.
            if (prng.chance(0.05)) body.position[0] += 60000;
        }
        if (prng.chance(0.3)) world.faces = 0;
        INFO("round " << round << ", seed " << test::seed());
        check_as_plain(world, round % 4 == 0 ? 2 : 1);
    }
}
