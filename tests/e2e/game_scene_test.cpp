// What the game example leaves with helpers: the scene's bytes say what the world is, wherever its
// balls have moved meanwhile.
#include <doctest/doctest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "cli/session.h"
#include "examples/game/resident.h"

using namespace game;
using nlohmann::json;

namespace {

void check_place(const json& object, Vec place, float radius) {
    CHECK(object["type"] == "sphere");
    CHECK(object["radius"] == radius);
    CHECK(object["position"] == json{place.x, place.y, place.z});
}

std::vector<Body> pieces(size_t count) {
    std::vector<Body> bodies(count);
    for (size_t i = 0; i < count; ++i)
        bodies[i].position = {5 + 0.1F * static_cast<float>(i), 0.12F, 9};
    return bodies;
}

}  // namespace

TEST_CASE("courtyard's scene: patches at its places give the world as it is") {
    World world(7);
    PackedScene scene = pack_scene(world);
    const size_t fixed = 2 + world.boxes().size();  // the floor, the blocks, the mirror ball
    REQUIRE(scene.places.size() == 1 + world.chasers().size() + kDebrisMax);
    for (int tick = 0; tick < 90; ++tick) world.tick({1, 1, false});
    world.show_debris(pieces(3));
    const std::vector<PackedPlace> places = places_of(world);
    REQUIRE(places.size() == scene.places.size());
    for (size_t i = 0; i < places.size(); ++i) {
        REQUIRE(scene.places[i] + places[i].size() <= scene.bytes.size());
        std::memcpy(&scene.bytes[scene.places[i]], places[i].data(), places[i].size());
    }
    const json packed = json::from_msgpack(scene.bytes);
    const json& objects = packed["objects"];
    REQUIRE(objects.size() == fixed + scene.places.size());
    check_place(objects[fixed], world.player(), kBallRadius);
    for (size_t i = 0; i < world.chasers().size(); ++i) {
        check_place(objects[fixed + 1 + i], world.chasers()[i].position, kChaserRadius);
    }
    const size_t first_slot = fixed + 1 + world.chasers().size();
    for (size_t i = 0; i < kDebrisMax; ++i) {
        if (i < 3) check_place(objects[first_slot + i], world.debris()[i].position, kDebrisRadius);
        if (i >= 3) CHECK(objects[first_slot + i]["position"][1] < -1);  // below the floor
    }
}

TEST_CASE("courtyard's scene: what rests elsewhere is put anew, what moves is patched") {
    auto session = p2c2r::cli::Session::open({});
    REQUIRE(session);
    World world(7);
    Resident resident;
    resident.start((*session)->client(), world);
    resident.look(world, 1);
    CHECK(resident.patches() == 0);
    CHECK(resident.scenes_put() == 0);  // nobody has referred to it
    p2c2r_task_desc desc = {};
    REQUIRE(resident.refer_to_scene(desc, nullptr) == P2C2R_OK);
    const p2c2r_content first = desc.content;
    CHECK(first != 0);
    CHECK(resident.scenes_put() == 1);
    world.show_debris(pieces(100));
    for (uint64_t frame = 2; frame < 121; ++frame) resident.look(world, frame);
    REQUIRE(resident.refer_to_scene(desc, nullptr) == P2C2R_OK);
    CHECK(desc.content == first);
    CHECK(desc.patch_count == 100);
    for (uint64_t frame = 121; frame < 400; ++frame) {
        world.tick({1, 0, false});
        resident.look(world, frame);
    }
    REQUIRE(resident.refer_to_scene(desc, nullptr) == P2C2R_OK);
    CHECK(resident.scenes_put() == 2);
    CHECK(desc.content != first);
    CHECK(desc.patch_count <= 1 + world.chasers().size());  // of those that moved since
    CHECK(desc.patch_count > 0);
}
