// The `physics` executor as a runner sees it: a job in, a map and perhaps bytes out.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/prng.h"
#include "exec/job_control.h"
#include "kernels/physics_task.h"
#include "model/value_json.h"
#include "support/physics_worlds.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::kernels;
using nlohmann::json;

namespace {

struct Answer {
    Status status = Status::kInternal;
    std::string field;
    std::string error;
    json info;
    Bytes data;
};

Answer run(const json& params, const Bytes& data = Bytes(), bool cancel = false) {
    PhysicsExecutor executor(nullptr, nullptr, 2);
    exec::Job* job = exec::JobControl::make();
    job->task_type = "physics";
    const Result<Bytes> value = json_to_value(params.dump());
    REQUIRE_MESSAGE(value.ok(), value.error().text);
    job->params = *value;
    job->data = data;
    if (cancel) job->request_cancel();
    Answer answer;
    answer.status = exec::JobControl::run(*job, executor);
    answer.field = job->output.field;
    answer.error = job->output.error;
    answer.data = job->output.data;
    const Result<std::string> info = value_to_json(job->output.info.span());
    REQUIRE(info.ok());
    if (!info->empty()) answer.info = json::parse(*info);
    job->release();
    return answer;
}

json objects_of(const PhysicsWorld& world) {
    json objects = json::array();
    for (const PhysicsBody& body : world.bodies) {
        objects.push_back({{"position", body.position},
                           {"velocity", body.velocity},
                           {"mass", body.mass},
                           {"radius", body.radius},
                           {"restitution", body.restitution},
                           {"friction", body.friction}});
    }
    return objects;
}

json params_of(const PhysicsWorld& world) {
    return {{"timestep", world.timestep},
            {"num_steps", world.steps},
            {"substeps", world.substeps},
            {"iterations", world.iterations},
            {"gravity", world.gravity}};
}

Bytes packed(const std::vector<PhysicsBody>& bodies) {
    std::vector<uint8_t> bytes(bodies.size() * kPhysicsRecordSize);
    pack_bodies(bodies, bytes.data());
    return Bytes::copy(bytes);
}

Bytes part(const Answer& answer, const char* name) {
    const json& at = answer.info.at(name);
    return answer.data.slice(at.at("offset").get<size_t>(), at.at("size").get<size_t>());
}

std::vector<uint8_t> vector_of(const Bytes& bytes) {
    return {bytes.data(), bytes.data() + bytes.size()};
}

PhysicsWorld crowd(Prng& prng, uint32_t bodies) {
    PhysicsWorld world = test::random_world(prng, bodies, 2);
    world.faces = 0;
    world.planes.clear();
    world.boxes.clear();
    world.steps = 20;
    return world;
}

}  // namespace

TEST_CASE("a physics task answers objects and collisions in the contract's form") {
    const Answer answer = run(json::parse(R"({"objects":[
        {"position":[-2,1,0],"velocity":[4,0,0],"mass":1,"radius":0.5,"restitution":1},
        {"position":[2,1,0],"velocity":[0,0,0],"mass":3,"radius":0.5,"restitution":1}],
        "timestep":0.002,"num_steps":800,"gravity":[0,0,0],"energy_every":400})"));
    REQUIRE_MESSAGE(answer.status == Status::kOk, answer.error);
    CHECK(answer.info.at("algorithm_used") == "jacobi");
    CHECK(answer.info.at("device") == "native");
    CHECK(answer.info.at("collisions") == json::parse("[[0,1]]"));
    CHECK(answer.info.at("collisions_cut") == false);
    REQUIRE(answer.info.at("objects").size() == 2);
    CHECK(answer.info.at("objects")[0].at("velocity")[0].get<double>() == doctest::Approx(-2));
    CHECK(answer.info.at("objects")[1].at("velocity")[0].get<double>() == doctest::Approx(2));
    CHECK(answer.info.at("objects")[1].at("position")[0].get<double>() ==
          doctest::Approx(3.7).epsilon(0.01));
    REQUIRE(answer.info.at("energy").size() == 3);
    CHECK(answer.info.at("energy")[2][0].get<double>() == doctest::Approx(1.6));
    CHECK(answer.info.at("energy")[2][1].get<double>() == doctest::Approx(8));
    CHECK(answer.data.empty());
}

TEST_CASE("collisions are not listed where they are not wanted and nothing else changes") {
    Prng prng(test::seed());
    const PhysicsWorld world = crowd(prng, 50);
    json params = params_of(world);
    params["objects"] = objects_of(world);
    Answer with = run(params);
    params["collisions"] = false;
    Answer without = run(params);
    REQUIRE(without.status == Status::kOk);
    CHECK(!with.info["collisions"].empty());
    CHECK(without.info["collisions"].empty());
    with.info.erase("collisions");
    without.info.erase("collisions");
    CHECK(with.info == without.info);
}

TEST_CASE("objects and packed bodies and deltas hold the same state") {
    Prng prng(test::seed());
    const PhysicsWorld world = crowd(prng, 50);
    json params = params_of(world);
    params["objects"] = objects_of(world);
    const Answer objects = run(params);
    REQUIRE_MESSAGE(objects.status == Status::kOk, objects.error);
    const Answer records = run(params_of(world), packed(world.bodies));
    REQUIRE_MESSAGE(records.status == Status::kOk, records.error);
    params["result"] = "delta";
    const Answer delta = run(params);
    REQUIRE_MESSAGE(delta.status == Status::kOk, delta.error);

    const std::vector<PhysicsBody> after = unpack_bodies(part(records, "state").span());
    REQUIRE(after.size() == 50);
    const auto applied = apply_physics_delta(world.bodies, part(delta, "state").span());
    REQUIRE_MESSAGE(applied.ok(), applied.error().text);
    CHECK(*applied == after);
    CHECK(part(delta, "state").size() < part(records, "state").size());
    for (size_t i = 0; i < 50; ++i) {
        for (size_t axis = 0; axis < 3; ++axis) {
            CHECK(objects.info["objects"][i]["position"][axis].get<float>() ==
                  after[i].position[axis]);
            CHECK(objects.info["objects"][i]["velocity"][axis].get<float>() ==
                  after[i].velocity[axis]);
        }
    }
    const Bytes pairs = part(records, "collisions");
    REQUIRE(pairs.size() == objects.info["collisions"].size() * 8);
    CHECK(!pairs.empty());
    for (size_t i = 0; i < pairs.size() / 8; ++i) {
        for (size_t side = 0; side < 2; ++side) {
            const uint8_t* at = pairs.data() + 8 * i + 4 * side;
            CHECK(objects.info["collisions"][i][side].get<uint32_t>() ==
                  (at[0] | at[1] << 8 | at[2] << 16 | at[3] << 24));
        }
    }
}

TEST_CASE("a run that is saved and resumed ends in the bytes of one that was not") {
    Prng prng(test::seed());
    for (int round = 0; round < 5; ++round) {
        PhysicsWorld world = crowd(prng, 40);
        const Answer whole = run(params_of(world), packed(world.bodies));
        json half = params_of(world);
        half["num_steps"] = 7;
        const Answer first = run(half, packed(world.bodies));
        half["num_steps"] = 13;
        const Answer second = run(half, part(first, "state"));
        REQUIRE_MESSAGE(second.status == Status::kOk, second.error);
        CHECK(vector_of(part(second, "state")) == vector_of(part(whole, "state")));
    }
}

TEST_CASE("parts by owned bodies put together are the whole in a thousand random cuts") {
    Prng prng(test::seed());
    for (int round = 0; round < 50; ++round) {
        PhysicsWorld world = crowd(prng, 2 + static_cast<uint32_t>(prng.below(40)));
        world.steps = 1 + static_cast<uint32_t>(prng.below(3));
        const auto count = static_cast<uint32_t>(world.bodies.size());
        const Bytes state = packed(world.bodies);
        const Answer whole = run(params_of(world), state);
        const std::vector<uint8_t> states = vector_of(part(whole, "state"));
        const std::vector<uint8_t> pairs = vector_of(part(whole, "collisions"));
        for (int cut = 0; cut < 20; ++cut) {
            std::vector<uint8_t> merged_states;
            std::vector<uint8_t> merged_pairs;
            for (uint32_t first = 0; first < count;) {
                const uint32_t end = first + 1 + static_cast<uint32_t>(prng.below(count - first));
                json params = params_of(world);
                params["owned"] = {first, end};
                const Answer piece = run(params, state);
                REQUIRE_MESSAGE(piece.status == Status::kOk, piece.error);
                const std::vector<uint8_t> own = vector_of(part(piece, "state"));
                CHECK(own.size() == (end - first) * kPhysicsRecordSize);
                merged_states.insert(merged_states.end(), own.begin(), own.end());
                const std::vector<uint8_t> own_pairs = vector_of(part(piece, "collisions"));
                merged_pairs.insert(merged_pairs.end(), own_pairs.begin(), own_pairs.end());
                first = end;
            }
            CHECK(merged_states == states);
            CHECK(merged_pairs == pairs);
        }
    }
}

TEST_CASE("a large world is the same with the threads of the executor and without") {
    Prng prng(test::seed());
    PhysicsWorld world = test::pile_world(prng, 2500, 14);
    world.steps = 3;
    const Answer answer = run(params_of(world), packed(world.bodies));
    REQUIRE_MESSAGE(answer.status == Status::kOk, answer.error);
    world.faces = 0;  // params_of() has no bounds
    PhysicsTeam alone(1);
    PhysicsOutcome outcome;
    REQUIRE(physics_native(world, 0, alone, outcome).ok());
    CHECK(unpack_bodies(part(answer, "state").span()) == world.bodies);
}

TEST_CASE("bad physics tasks fail with the field and a cancelled one is cancelled") {
    const Answer bad = run(json::parse(R"({"objects":[{"position":[0,0,0],"radius":-1}]})"));
    CHECK(bad.status == Status::kParams);
    CHECK(bad.field == "objects[0].radius");
    CHECK(bad.info.empty());
    const Answer records = run(json::object(), Bytes::copy("not forty bytes"));
    CHECK(records.status == Status::kSize);
    CHECK(records.field == "data");
    const Answer stopped = run(
        json::parse(R"({"objects":[{"position":[0,0,0]}],"num_steps":1000000})"), Bytes(), true);
    CHECK(stopped.status == Status::kCancelled);
    CHECK(stopped.data.empty());
}
