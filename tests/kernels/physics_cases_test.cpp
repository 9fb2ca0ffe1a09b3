// The cases with exact answers of the data set, through the executor: positions and velocities
// within the tolerances and just the pairs that must collide.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "exec/job_control.h"
#include "kernels/physics_task.h"
#include "model/value_json.h"

using namespace p2c2r;
using namespace p2c2r::kernels;
using nlohmann::json;

namespace {

json read_case(const std::string& name) {
    const char* given = std::getenv("P2C2R_DATA");
    const std::string folder = given ? given : P2C2R_SOURCE_DIR "/../shared/data";
    std::ifstream file(folder + "/physics/" + name + ".json");
    return file ? json::parse(file) : json();
}

json compute(const json& params) {
    PhysicsExecutor executor(nullptr, nullptr, 1);
    exec::Job* job = exec::JobControl::make();
    job->params = *json_to_value(params.dump());
    REQUIRE(exec::JobControl::run(*job, executor) == Status::kOk);
    const json info = json::parse(*value_to_json(job->output.info.span()));
    job->release();
    return info;
}

double farthest(const json& found, const json& expected, const char* field) {
    REQUIRE(found.size() == expected.size());
    double most = 0;
    for (size_t i = 0; i < found.size(); ++i) {
        for (size_t axis = 0; axis < 3; ++axis) {
            most = std::max(most, std::abs(found[i][field][axis].get<double>() -
                                           expected[i][field][axis].get<double>()));
        }
    }
    return most;
}

}  // namespace

TEST_CASE("the cases of the data set come out within their tolerances") {
    for (const char* name : {"coasting", "free_fall", "projectile", "head_on_equal", "head_on_1_3",
                             "head_on_inelastic"}) {
        const json given = read_case(name);
        if (given.is_null()) {
            MESSAGE("skipped: the data set has no case " << std::string(name) << " here");
            continue;
        }
        CAPTURE(std::string(name));
        const json found = compute(given["request"]);
        const json& expected = given["expected"];
        for (const char* field : {"position", "velocity"}) {
            CHECK(farthest(found["objects"], expected["objects"], field) <=
                  given["tolerance"][field].get<double>());
        }
        CHECK(found["collisions"] == expected["collisions"]);
    }
}
