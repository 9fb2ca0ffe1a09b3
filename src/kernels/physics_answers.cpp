#include "kernels/physics_answers.h"

#include <vector>

#include "core/crypto.h"
#include "core/prng.h"

namespace p2c2r::kernels {

namespace {

// Together they reach every path of the shaders: one body, walls of all kinds, friction, substeps,
// one block of the sort and several, bodies inside each other.
constexpr PhysicsKnown kKnown[] = {
    {1, 60, 1, false, "35dc9b8b29a4718a34edb63184cae78f37e2cd95a12dcebbcb8461f0bc694e6b"},
    {2, 40, 2, false, "23cb5d53b41ff31833c0bf400c22104b4cf6d082f8f04f8882070cb2176ced90"},
    {57, 12, 3, false, "4d2e043e834cb1434d29f8fbecf2eeaa95090351babc5660bdbcd82b30ac4239"},
    {300, 6, 4, false, "29d8ee40bd1eee5a5b530ea4ca65ecc91591c8af1291429ceccd3e57ede9983a"},
    {40, 40, 5, true, "06c684629c5132436a9d321acee35142b8813acddfe4d06130f41ac5188f827c"},
    {700, 4, 6, true, "fb9fd28edea164643c1943ce50f2472c527f220a8e275180a6033508103301b7"},
    {1100, 3, 7, false, "fbde535cb0c589ffbf909e9d4383584b0096cdc6fa2c00451aa423fb0c1ea8ab"},
};

// From `low` to `high` 1024ths.
float draw(Prng& prng, int low, int high) {
    return static_cast<float>(prng.between(low, high)) / 1024.0f;
}

void make_pile(PhysicsWorld& world, Prng& prng, uint32_t bodies) {
    uint32_t across = 1;
    while (across * across * across < bodies) ++across;
    for (uint32_t i = 0; i < bodies; ++i) {
        PhysicsBody body;
        const uint32_t at[3] = {i % across, i / (across * across), i / across % across};
        for (size_t axis = 0; axis < 3; ++axis) {
            body.position[axis] = static_cast<float>(at[axis]) * 0.1875f + draw(prng, 110, 125);
        }
        body.radius = 0.1015625f;
        body.restitution = 0.25f;
        world.bodies.push_back(body);
    }
    world.timestep = 1.0f / 256;
    world.faces = 0x37;
    const float side = static_cast<float>(across) * 0.1875f + 0.0625f;
    for (float& most : world.bound_max) most = side;
}

void make_crowd(PhysicsWorld& world, Prng& prng, uint32_t bodies) {
    int side = 1024;
    while (side / 1024 * (side / 1024) * (side / 1024) < static_cast<int>(bodies) / 4) side += 1024;
    for (uint32_t i = 0; i < bodies; ++i) {
        PhysicsBody body;
        for (float& x : body.position) x = draw(prng, 0, side);
        for (float& v : body.velocity) v = draw(prng, -4096, 4096);
        body.mass = draw(prng, 128, 8192);
        body.radius = draw(prng, 100, 400);
        body.restitution = draw(prng, 0, 1024);
        body.friction = draw(prng, 0, 700);
        world.bodies.push_back(body);
    }
    world.timestep = 1.0f / 64;
    world.substeps = 2;
    world.faces = 0x3F;
    for (float& least : world.bound_min) least = -0.5f;
    for (float& most : world.bound_max) most = static_cast<float>(side) / 1024 + 0.5f;
    world.planes.push_back({{0.6f, 0.8f, 0}, 0.125f, 0.5f, 0.25f});
    world.boxes.push_back({{0.25f, 0, 0.25f}, {0.75f, 0.5f, 0.75f}, 0.75f, 0.5f});
}

}  // namespace

std::span<const PhysicsKnown> physics_known() {
    return kKnown;
}

PhysicsWorld make_known_world(const PhysicsKnown& known) {
    PhysicsWorld world;
    Prng prng(known.seed);
    if (known.pile) {
        make_pile(world, prng, known.bodies);
    } else {
        make_crowd(world, prng, known.bodies);
    }
    world.steps = known.steps;
    return world;
}

Result<std::string> physics_digest(const PhysicsKnown& known, const PhysicsCompute& compute) {
    PhysicsWorld world = make_known_world(known);
    PhysicsOutcome outcome;
    if (Result<Done> done = compute(world, outcome); !done) return done.error();
    std::vector<uint8_t> bytes(world.bodies.size() * kPhysicsRecordSize);
    pack_bodies(world.bodies, bytes.data());
    for (const uint64_t pair : outcome.collisions) {
        for (int byte = 0; byte < 8; ++byte)
            bytes.push_back(static_cast<uint8_t>(pair >> 8 * byte));
    }
    return to_hex(sha256(bytes));
}

Result<Done> check_physics_answers(PhysicsGpu& physics) {
    for (const PhysicsKnown& known : kKnown) {
        const Result<std::string> digest =
            physics_digest(known, [&](PhysicsWorld& world, PhysicsOutcome& outcome) {
                return physics.run(world, 0, outcome);
            });
        if (!digest) return digest.error();
        if (*digest == known.sha256) continue;
        return make_error(Status::kDevice,
                          "the self-test of physics failed: " + std::to_string(known.bodies) +
                              " bodies, " + std::to_string(known.steps) + " steps, gave " +
                              *digest);
    }
    return Done{};
}

}  // namespace p2c2r::kernels
