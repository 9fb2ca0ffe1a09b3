// `physics` with everything that can be wrong with its params and its bodies.
#include <doctest/doctest.h>

#include <limits>

#include "kernels/physics_world.h"
#include "request_sweep.h"

using namespace p2c2r;
using namespace p2c2r::kernels;
using test::BadRow;
using json = nlohmann::json;

namespace {

Bytes records(const std::vector<PhysicsBody>& bodies) {
    std::vector<uint8_t> bytes(bodies.size() * kPhysicsRecordSize);
    pack_bodies(bodies, bytes.data());
    return Bytes::copy(bytes);
}

std::string objects(const std::string& list, const std::string& more = "") {
    return R"({"objects":[)" + list + "]" + (more.empty() ? "" : "," + more) + "}";
}

std::string body(const std::string& more = "") {
    return R"({"position":[0,0,0])" + (more.empty() ? "" : "," + more) + "}";
}

std::string one(const std::string& more) {
    return objects(body(), more);
}

}  // namespace

TEST_CASE("bad params and bodies of physics are errors that say what or defined results") {
    test::RequestBench bench("physics");
    const auto bad = Status::kParams;
    const auto fine = Status::kOk;
    const float none = std::numeric_limits<float>::quiet_NaN();
    const float infinite = std::numeric_limits<float>::infinity();
    const PhysicsBody usual{{1, 2, 3}, {0, 0, 0}, 1, 0.5f, 0, 0};
    const auto wrong = [&](float PhysicsBody::*field, float value) {
        PhysicsBody changed = usual;
        changed.*field = value;
        return records({usual, changed});
    };
    PhysicsBody nowhere = usual;
    nowhere.position[1] = none;
    PhysicsBody fast = usual;
    fast.velocity[2] = -infinite;
    PhysicsBody slow = usual;
    slow.velocity[0] = 1e-40f;
    const std::string steps = R"("num_steps":5,"substeps":2)";
    const BadRow rows[] = {
        {"nothing at all", "{}", {}, bad, "objects", "required"},
        {"no bodies", objects(""), {}, bad, "objects", "empty"},
        {"no place", objects("{}"), {}, bad, "objects[0].position", "required"},
        {"a place in two numbers",
         objects(R"({"position":[0,0]})"),
         {},
         bad,
         "objects[0].position",
         "2 items"},
        {"a place too far",
         objects(R"({"position":[0,0,1e6]})"),
         {},
         bad,
         "objects[0].position[2]",
         "1e+05"},
        {"too fast",
         objects(body(R"("velocity":[0,-2e4,0])")),
         {},
         bad,
         "objects[0].velocity[1]",
         "-20000"},
        {"no mass", objects(body(R"("mass":0)")), {}, bad, "objects[0].mass", "is 0"},
        {"a mass below zero", objects(body(R"("mass":-1)")), {}, bad, "objects[0].mass", "-1"},
        {"no radius", objects(body(R"("radius":0)")), {}, bad, "objects[0].radius", "is 0"},
        {"more than it had",
         objects(body(R"("restitution":1.5)")),
         {},
         bad,
         "objects[0].restitution",
         "1.5"},
        {"friction below zero",
         objects(body(R"("friction":-0.5)")),
         {},
         bad,
         "objects[0].friction",
         "-0.5"},
        {"two at one place", objects(test::repeated(body(), 2), steps), {}, fine, "", ""},
        {"nine at one place", objects(test::repeated(body(), 9), steps), {}, fine, "", ""},
        {"unlike ones at one place",
         objects(body(R"("radius":1000,"mass":1e6)") + "," + body(R"("radius":0.001,"mass":0.001)"),
                 steps),
         {},
         fine,
         "",
         ""},
        {"the fastest against each other",
         objects(R"({"position":[-1,0,0],"velocity":[1e4,0,0]},
                    {"position":[1,0,0],"velocity":[-1e4,0,0],"restitution":1})",
                 steps),
         {},
         fine,
         "",
         ""},
        {"at the end of the world",
         objects(R"({"position":[1e5,1e5,-1e5],"velocity":[1e4,1e4,0]})", steps),
         {},
         fine,
         "",
         ""},
        {"in a box",
         one(steps + R"(,"boxes":[{"min":[-1,-1,-1],"max":[1,1,1]}])"),
         {},
         fine,
         "",
         ""},
        {"on a box's corner",
         one(steps + R"(,"boxes":[{"min":[0,0,0],"max":[1,1,1]}])"),
         {},
         fine,
         "",
         ""},
        {"outside of bounds",
         one(steps + R"(,"bounds":{"min":[5,5,5],"max":[9,9,9],"open_top":false})"),
         {},
         fine,
         "",
         ""},
        {"deep in a plane",
         one(steps + R"(,"planes":[{"normal":[0,1,0],"offset":1000}])"),
         {},
         fine,
         "",
         ""},
        {"between planes that leave no room",
         one(steps + R"(,"planes":[{"normal":[0,1,0],"offset":1},{"normal":[0,-1,0],"offset":1}])"),
         {},
         fine,
         "",
         ""},
        {"a plane without direction",
         one(R"("planes":[{"normal":[0,0,0],"offset":0}])"),
         {},
         bad,
         "planes[0].normal",
         "1e-06"},
        {"a plane without offset",
         one(R"("planes":[{"normal":[0,1,0]}])"),
         {},
         bad,
         "planes[0].offset",
         "required"},
        {"a plane too many",
         one(R"("planes":[)" + test::repeated(R"({"normal":[0,1,0],"offset":-9})", 17) + "]"),
         {},
         Status::kLimit,
         "planes",
         "17"},
        {"a box too many",
         one(R"("boxes":[)" + test::repeated(R"({"min":[5,5,5],"max":[6,6,6]})", 65) + "]"),
         {},
         Status::kLimit,
         "boxes",
         "65"},
        {"a box of no height",
         one(R"("boxes":[{"min":[0,1,0],"max":[1,1,1]}])"),
         {},
         bad,
         "boxes[0].max[1]",
         "not above"},
        {"bounds of no width",
         one(R"("bounds":{"min":[0,0,0],"max":[0,1,1]})"),
         {},
         bad,
         "bounds.max[0]",
         "not above"},
        {"bounds too small for a body",
         one(R"("bounds":{"min":[0,0,0],"max":[0.5,1,1]})"),
         {},
         bad,
         "bounds.max[0]",
         "1.0"},
        {"no time", one(R"("timestep":0)"), {}, bad, "timestep", "is 0"},
        {"backwards", one(R"("timestep":-0.1)"), {}, bad, "timestep", "-0.1"},
        {"no steps", one(R"("num_steps":0)"), {}, bad, "num_steps", "is 0"},
        {"a step too many", one(R"("num_steps":1000001)"), {}, bad, "num_steps", "1000001"},
        {"half a step", one(R"("num_steps":1.5)"), {}, bad, "num_steps", "1.5"},
        {"a substep too many", one(R"("substeps":17)"), {}, bad, "substeps", "17"},
        {"an iteration too many", one(R"("iterations":65)"), {}, bad, "iterations", "65"},
        {"heavy", one(R"("gravity":[0,-2000,0])"), {}, bad, "gravity[1]", "-2000"},
        {"more energies than the limit",
         one(R"("num_steps":1000000,"energy_every":1)"),
         {},
         Status::kLimit,
         "energy_every",
         "1000000"},
        {"owned backwards", one(R"("owned":[1,0])"), {}, bad, "owned", "no body"},
        {"owned beyond the end", one(R"("owned":[0,2])"), {}, bad, "owned[1]", "is 2"},
        {"another result", one(R"("result":"picture")"), {}, bad, "result", "picture"},
        {"objects beside records", one(""), records({usual}), bad, "objects", "data"},
        {"half a record", "{}", records({usual}).slice(0, 20), Status::kSize, "data", "20 bytes"},
        {"a record and a byte", "{}", Bytes::copy(std::vector<uint8_t>(41)), Status::kSize, "data",
         "41 bytes"},
        {"a record too many", R"({"result":"packed"})",
         Bytes::copy(std::vector<uint8_t>((kPhysicsBodiesMax + 1) * kPhysicsRecordSize)),
         Status::kLimit, "data", "100001"},
        {"a place that is no number", "{}", records({usual, nowhere}), bad, "data[1].position[1]",
         "nan"},
        {"an infinite speed", "{}", records({usual, fast}), bad, "data[1].velocity[2]", "-inf"},
        {"a mass that is no number", "{}", wrong(&PhysicsBody::mass, none), bad, "data[1].mass",
         "nan"},
        {"a radius of zero", "{}", wrong(&PhysicsBody::radius, 0), bad, "data[1].radius", "is 0"},
        {"a radius below zero", "{}", wrong(&PhysicsBody::radius, -1), bad, "data[1].radius", "-1"},
        {"a radius near zero", "{}", wrong(&PhysicsBody::radius, 1e-40f), bad, "data[1].radius",
         "e-4"},
        {"a speed near zero", "{}", records({usual, slow}), fine, "", ""},
        {"a friction near zero", "{}", wrong(&PhysicsBody::friction, 1e-40f), fine, "", ""},
        {"records at one place", R"({"num_steps":4})", records({usual, usual, usual}), fine, "",
         ""},
    };
    bench.check(rows);
}

TEST_CASE("bad params of physics at every place and at random") {
    test::RequestBench bench("physics");
    const json world = json::parse(R"({"objects":[
            {"position":[0,0.5,0],"velocity":[1,0,0],"mass":2,"radius":0.25,"restitution":0.5,
             "friction":0.5},
            {"position":[0.3,0.5,0]},{"position":[0.3,1.5,0.1],"radius":0.125}],
        "restitution":0.25,"friction":0.25,"timestep":0.01,"num_steps":2,"substeps":1,
        "iterations":2,"gravity":[0,-9.81,0],
        "bounds":{"min":[-2,0,-2],"max":[2,2,2],"open_top":false},
        "planes":[{"normal":[0,1,0],"offset":0.1,"restitution":0.5,"friction":1}],
        "boxes":[{"min":[0.5,0,-1],"max":[1,0.5,1],"restitution":0.5,"friction":1}],
        "result":"objects","energy_every":1,"owned":[0,2],"collisions":true})");
    json packed = world;
    for (const char* field : {"objects", "restitution", "friction", "bounds", "gravity"}) {
        packed.erase(field);
    }
    packed["result"] = "delta";
    const Bytes state = records({{{0, 1, 0}, {0, 0, 0}, 1, 0.5f, 0.5f, 0.5f},
                                 {{0.6f, 1, 0}, {-1, 0, 0}, 2, 0.25f, 0, 0},
                                 {{0, 1, 0}, {0, 0, 3}, 1, 0.5f, 1, 10}});
    // What is room enough depends on the bodies, and whom a part owns on how many there are.
    const test::Partners partners{{"objects", {"bounds", "owned"}},
                                  {"num_steps", {"energy_every"}}};
    test::try_everything(bench, {{world, {}}, {packed, state}}, partners);
}
