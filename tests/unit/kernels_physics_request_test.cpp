// Params and data of `physics`: what they mean, and that each mistake names its field.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/physics_request.h"
#include "model/value_json.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

Result<PhysicsRequest> read(const std::string& json, const std::vector<uint8_t>& data = {}) {
    const Result<Bytes> params = json_to_value(json);
    REQUIRE_MESSAGE(params.ok(), params.error().text);
    return read_physics_request(params->span(), data);
}

std::vector<uint8_t> records(const std::vector<PhysicsBody>& bodies) {
    std::vector<uint8_t> bytes(bodies.size() * kPhysicsRecordSize);
    pack_bodies(bodies, bytes.data());
    return bytes;
}

// One body, `more` beside it.
std::string one(const std::string& more) {
    return R"({"objects":[{"position":[0,0,0]}])" + (more.empty() ? "" : "," + more) + "}";
}

}  // namespace

TEST_CASE("a physics request is read with its defaults") {
    const auto request = read(R"({"objects":[{"position":[1,2,3]},
        {"position":[4,5,6],"velocity":[7,8,9],"mass":2,"radius":0.25,"restitution":0.5,
         "friction":0.75}]})");
    REQUIRE_MESSAGE(request.ok(), request.error().text);
    const PhysicsWorld& world = request->world;
    REQUIRE(world.bodies.size() == 2);
    CHECK(world.bodies[0] == PhysicsBody{{1, 2, 3}, {0, 0, 0}, 1, 0.5f, 0, 0});
    CHECK(world.bodies[1] == PhysicsBody{{4, 5, 6}, {7, 8, 9}, 2, 0.25f, 0.5f, 0.75f});
    CHECK(world.timestep == 1.0f / 60);
    CHECK(world.steps == 1);
    CHECK(world.substeps == 1);
    CHECK(world.iterations == 20);
    CHECK(world.gravity[1] == -9.81f);
    CHECK(world.faces == 0);
    CHECK(request->form == PhysicsResultForm::kObjects);
    CHECK(request->owned_first == 0);
    CHECK(request->owned_end == 2);
}

TEST_CASE("a physics request with everything in it is read") {
    const auto request = read(R"({"objects":[{"position":[1,2,3]}],"friction":0.5,
        "restitution":0.25,"timestep":0.005,"num_steps":7,"substeps":4,"iterations":3,
        "gravity":[1,-2,3],"bounds":{"min":[-1,0,-1],"max":[2,3,4],"open_top":false},
        "planes":[{"normal":[0,2,0],"offset":-1,"friction":0.1}],
        "boxes":[{"min":[0,0,0],"max":[1,1,1],"restitution":0.75}],
        "result":"delta","energy_every":3,"owned":[0,1]})");
    REQUIRE_MESSAGE(request.ok(), request.error().text);
    const PhysicsWorld& world = request->world;
    CHECK(world.bodies[0].friction == 0.5f);
    CHECK(world.bodies[0].restitution == 0.25f);
    CHECK(world.timestep == 0.005f);
    CHECK(world.steps == 7);
    CHECK(world.substeps == 4);
    CHECK(world.iterations == 3);
    CHECK(world.gravity[2] == 3);
    CHECK(world.faces == 0x3F);
    CHECK(world.bound_max[2] == 4);
    REQUIRE(world.planes.size() == 1);
    CHECK(world.planes[0].normal[1] == 1);
    CHECK(world.planes[0].restitution == 1);
    CHECK(world.planes[0].friction == 0.1f);
    REQUIRE(world.boxes.size() == 1);
    CHECK(world.boxes[0].restitution == 0.75f);
    CHECK(request->form == PhysicsResultForm::kDelta);
    CHECK(request->energy_every == 3);
    CHECK(read(one(R"("bounds":{"min":[-1,-1,-1],"max":[1,1,1]})"))->world.faces == 0x37);
}

TEST_CASE("packed bodies are the same as objects and answer packed by default") {
    const std::vector<PhysicsBody> bodies{{{1, 2, 3}, {4, 5, 6}, 7, 0.5f, 0.25f, 0.125f},
                                          {{-1, 0, 9}, {0, 0, 0}, 1, 1, 1, 0}};
    const auto request = read("{}", records(bodies));
    REQUIRE_MESSAGE(request.ok(), request.error().text);
    CHECK(request->world.bodies == bodies);
    CHECK(request->form == PhysicsResultForm::kPacked);
    // The layout itself: little-endian float32 in the documented order.
    const std::vector<uint8_t> bytes = records(bodies);
    REQUIRE(bytes.size() == 80);
    CHECK(bytes[0] == 0);
    CHECK(bytes[2] == 0x80);
    CHECK(bytes[3] == 0x3F);  // 1.0
    CHECK(bytes[24 + 3] == 0x40);
    CHECK(bytes[24 + 2] == 0xE0);  // mass 7.0
}

TEST_CASE("numbers nearer to zero than the arithmetic allows become zero") {
    const auto request =
        read(R"({"objects":[{"position":[1e-30,-1e-13,1e-11],"velocity":[-1e-40,0,0]}]})");
    REQUIRE_MESSAGE(request.ok(), request.error().text);
    const PhysicsBody& body = request->world.bodies[0];
    CHECK(body.position[0] == 0);
    CHECK(body.position[1] == 0);
    CHECK(!std::signbit(body.position[1]));
    CHECK(body.position[2] == 1e-11f);
    CHECK(body.velocity[0] == 0);
    PhysicsBody packed = body;
    packed.velocity[1] = std::numeric_limits<float>::denorm_min();
    CHECK(read("{}", records({packed}))->world.bodies[0].velocity[1] == 0);
}

TEST_CASE("each mistake in a physics request is an error that names its field and value") {
    struct Case {
        std::string json;
        Status status;
        const char* field;
        const char* part;
    };
    const Case cases[] = {
        {"{}", Status::kParams, "objects", "required"},
        {R"({"objects":[]})", Status::kParams, "objects", "empty"},
        {R"({"objects":5})", Status::kParams, "objects", "array"},
        {R"({"objects":[7]})", Status::kParams, "objects[0]", "map"},
        {R"({"objects":[{}]})", Status::kParams, "objects[0].position", "required"},
        {R"({"objects":[{"position":[0,0]}]})", Status::kParams, "objects[0].position", "2"},
        {R"({"objects":[{"position":[0,0,"x"]}]})", Status::kParams, "objects[0].position[2]",
         "text"},
        {R"({"objects":[{"position":[0,1e6,0]}]})", Status::kParams, "objects[0].position[1]",
         "1e+05"},
        {R"({"objects":[{"position":[0,0,0]},{"position":[0,0,0],"velocity":[0,0,-20000]}]})",
         Status::kParams, "objects[1].velocity[2]", "-20000"},
        {R"({"objects":[{"position":[0,0,0],"mass":0}]})", Status::kParams, "objects[0].mass", "0"},
        {R"({"objects":[{"position":[0,0,0],"mass":-1}]})", Status::kParams, "objects[0].mass",
         "-1"},
        {R"({"objects":[{"position":[0,0,0],"mass":1e9}]})", Status::kParams, "objects[0].mass",
         "1e+06"},
        {R"({"objects":[{"position":[0,0,0],"radius":0}]})", Status::kParams, "objects[0].radius",
         "0.001"},
        {R"({"objects":[{"position":[0,0,0],"radius":"big"}]})", Status::kParams,
         "objects[0].radius", "text"},
        {R"({"objects":[{"position":[0,0,0],"restitution":1.5}]})", Status::kParams,
         "objects[0].restitution", "1.5"},
        {R"({"objects":[{"position":[0,0,0],"friction":-0.5}]})", Status::kParams,
         "objects[0].friction", "-0.5"},
        {R"({"objects":[{"position":[0,0,0],"colour":1}]})", Status::kParams, "objects[0].colour",
         "not a parameter"},
        {one(R"("timestep":0)"), Status::kParams, "timestep", "0"},
        {one(R"("timestep":-0.01)"), Status::kParams, "timestep", "-0.01"},
        {one(R"("timestep":1)"), Status::kParams, "timestep", "0.25"},
        {one(R"("num_steps":0)"), Status::kParams, "num_steps", "0"},
        {one(R"("num_steps":2.5)"), Status::kParams, "num_steps", "integer"},
        {one(R"("num_steps":1000001)"), Status::kParams, "num_steps", "1000000"},
        {one(R"("substeps":17)"), Status::kParams, "substeps", "16"},
        {one(R"("iterations":65)"), Status::kParams, "iterations", "64"},
        {one(R"("gravity":[0,-9.81])"), Status::kParams, "gravity", "2"},
        {one(R"("gravity":[0,-9.81,1e5])"), Status::kParams, "gravity[2]", "1e+05"},
        {one(R"("bounds":[1,2])"), Status::kParams, "bounds", "map"},
        {one(R"("bounds":{"min":[0,0,0]})"), Status::kParams, "bounds.max", "required"},
        {one(R"("bounds":{"min":[0,0,0],"max":[5,5,0]})"), Status::kParams, "bounds.max[2]",
         "not above"},
        {one(R"("bounds":{"min":[0,0,0],"max":[0.9,5,5]})"), Status::kParams, "bounds.max[0]",
         "room"},
        {one(R"("bounds":{"min":[0,0,0],"max":[5,5,5],"open_top":1})"), Status::kParams,
         "bounds.open_top", "boolean"},
        {one(R"("bounds":{"min":[0,0,0],"max":[5,5,5],"walls":1})"), Status::kParams,
         "bounds.walls", "not a parameter"},
        {one(R"("planes":[{"offset":0}])"), Status::kParams, "planes[0].normal", "required"},
        {one(R"("planes":[{"normal":[0,0,0],"offset":0}])"), Status::kParams, "planes[0].normal",
         "shorter"},
        {one(R"("planes":[{"normal":[0,1,0]}])"), Status::kParams, "planes[0].offset", "required"},
        {one(R"("boxes":[{"min":[0,0,0],"max":[1,0,1]}])"), Status::kParams, "boxes[0].max[1]",
         "not above"},
        {one(R"("collisions":"all")"), Status::kParams, "collisions", "boolean"},
        {one(R"("result":"text")"), Status::kParams, "result", "packed"},
        {one(R"("energy_every":-1)"), Status::kParams, "energy_every", "-1"},
        {one(R"("energy_every":1,"num_steps":1000000)"), Status::kLimit, "energy_every", "100000"},
        {one(R"("owned":[1,1])"), Status::kParams, "owned", "no body"},
        {one(R"("owned":[0,2])"), Status::kParams, "owned[1]", "2"},
        {one(R"("wind":[1,0,0])"), Status::kParams, "wind", "not a parameter"},
    };
    for (const Case& row : cases) {
        CAPTURE(row.json);
        const auto request = read(row.json);
        REQUIRE(!request.ok());
        CHECK(request.error().status == row.status);
        CHECK(request.error().field == row.field);
        CHECK_MESSAGE(request.error().text.find(row.part) != std::string::npos,
                      request.error().text);
        CHECK_MESSAGE(request.error().text.find(row.field) != std::string::npos,
                      request.error().text);
    }
}

TEST_CASE("too many planes and boxes are refused by their number") {
    for (const auto& [name, item, most] :
         {std::tuple{"planes", R"({"normal":[0,1,0],"offset":0})", kPhysicsPlanesMax},
          std::tuple{"boxes", R"({"min":[0,0,0],"max":[1,1,1]})", kPhysicsBoxesMax}}) {
        const auto with = [&, name = name, item = item](uint32_t count) {
            std::string list = item;
            for (uint32_t i = 1; i < count; ++i) list += std::string(",") + item;
            return read(one(std::string("\"") + name + "\":[" + list + "]"));
        };
        CHECK(with(most).ok());
        REQUIRE(!with(most + 1).ok());
        CHECK(with(most + 1).error().status == Status::kLimit);
        CHECK(with(most + 1).error().field == name);
    }
}

TEST_CASE("each mistake in packed bodies is an error that names record and value") {
    const PhysicsBody good{{1, 2, 3}, {4, 5, 6}, 7, 0.5f, 0.25f, 0.125f};
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    struct Case {
        size_t field;
        float value;
        const char* name;
    };
    const Case cases[] = {
        {0, kNan, "data[1].position[0]"},
        {2, kInfinity, "data[1].position[2]"},
        {1, -1e9f, "data[1].position[1]"},
        {3, kNan, "data[1].velocity[0]"},
        {5, -kInfinity, "data[1].velocity[2]"},
        {4, 1e5f, "data[1].velocity[1]"},
        {6, 0, "data[1].mass"},
        {6, -3, "data[1].mass"},
        {6, kNan, "data[1].mass"},
        {7, 0, "data[1].radius"},
        {7, kInfinity, "data[1].radius"},
        {8, 1.25f, "data[1].restitution"},
        {8, -0.5f, "data[1].restitution"},
        {9, kNan, "data[1].friction"},
    };
    for (const Case& row : cases) {
        std::vector<uint8_t> bytes = records({good, good, good});
        std::memcpy(bytes.data() + 40 + 4 * row.field, &row.value, 4);
        const auto request = read("{}", bytes);
        CAPTURE(row.name);
        REQUIRE(!request.ok());
        CHECK(request.error().status == Status::kParams);
        CHECK(request.error().field == row.name);
        CHECK(request.error().text.find("allowed are") != std::string::npos);
    }
    CHECK(read("{}", records({good, good})).ok());
    std::vector<uint8_t> cut = records({good, good});
    cut.pop_back();
    CHECK(read("{}", cut).error().status == Status::kSize);
    CHECK(read("{}", cut).error().text.find("79 bytes") != std::string::npos);
    CHECK(read(R"({"objects":[]})", records({good})).error().field == "objects");
    CHECK(read(R"({"friction":1})", records({good})).error().field == "friction");
    const std::vector<PhysicsBody> most(kPhysicsBodiesMax, good);
    CHECK(read("{}", records(most)).ok());
    std::vector<uint8_t> many = records(most);
    many.resize(many.size() + kPhysicsRecordSize);
    CHECK(read("{}", many).error().status == Status::kLimit);
    CHECK(read("{}", many).error().text.find("100001") != std::string::npos);
}

TEST_CASE("a physics request that is no map is an error about the params") {
    const uint8_t garbage[] = {0xDD, 0xFF, 0xFF, 0xFF, 0xFF};
    const Result<PhysicsRequest> request = read_physics_request(garbage, {});
    REQUIRE(!request.ok());
    CHECK(request.error().field == "params");
}
