// The `ai_pathfinding` executor as a runner sees it: a job in, a map and bytes out; and parts of a
// task that put together are the whole.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/prng.h"
#include "exec/job_control.h"
#include "kernels/kernels.h"
#include "kernels/path_task.h"
#include "model/value_json.h"
#include "support/path_reference.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::kernels;
using nlohmann::json;

namespace {

struct Outcome {
    Status status;
    std::string field;
    std::string error;
    json info;
    std::vector<uint8_t> data;
};

Outcome run(exec::Executor& executor, const json& params, const std::vector<uint8_t>& data = {},
            bool cancel = false) {
    const Result<Bytes> value = json_to_value(params.dump());
    REQUIRE_MESSAGE(value.ok(), value.error().text);
    exec::Job* job = exec::JobControl::make();
    job->task_type = "ai_pathfinding";
    job->params = *value;
    job->data = Bytes::copy(data);
    if (cancel) job->request_cancel();
    Outcome outcome;
    outcome.status = exec::JobControl::run(*job, executor);
    outcome.field = job->output.field;
    outcome.error = job->output.error;
    const Result<std::string> info = value_to_json(job->output.info.span());
    REQUIRE(info.ok());
    outcome.info = json::parse(*info);
    const std::span<const uint8_t> bytes = job->output.data.span();
    outcome.data.assign(bytes.begin(), bytes.end());
    job->release();
    return outcome;
}

// A map with a wall and one gap in it.
const json kWall = {"........", "........", "#######.", "........"};

json wall_request(const std::string& algorithm) {
    return {{"grid", kWall}, {"start", {0, 0}}, {"goal", {0, 3}}, {"algorithm", algorithm}};
}

// `agents` in the JSON form, some with a goal of their own.
json random_agents(Prng& prng, const PathGrid& grid, size_t count) {
    json agents = json::array();
    for (size_t i = 0; i < count; ++i) {
        const PathCell start = test::random_cell(prng, grid);
        json agent = {start.x, start.y};
        if (prng.chance(0.3)) {
            const PathCell goal = test::random_cell(prng, grid);
            agent.push_back(goal.x);
            agent.push_back(goal.y);
        }
        agents.push_back(agent);
    }
    return agents;
}

std::vector<uint8_t> costs_of(const PathGrid& grid) {
    std::vector<uint8_t> costs(size_t{grid.width()} * grid.height());
    for (uint32_t y = 0; y < grid.height(); ++y) {
        grid.write_costs(y, costs.data() + size_t{y} * grid.width());
    }
    return costs;
}

}  // namespace

TEST_CASE("path task: every algorithm answers with path and distance and its name") {
    PathExecutor executor(nullptr, nullptr);
    for (const std::string algorithm : {"astar", "dijkstra", "jps", "flow_field"}) {
        const Outcome outcome = run(executor, wall_request(algorithm));
        REQUIRE_MESSAGE(outcome.status == Status::kOk, outcome.error);
        CHECK(outcome.info["algorithm_used"] == algorithm);
        CHECK(outcome.info["device"] == "native");
        CHECK(outcome.info["distance"] == 17);
        CHECK(outcome.info["path"].size() == 18);
        CHECK(outcome.info["path"].front() == json({0, 0}));
        CHECK(outcome.info["path"].back() == json({0, 3}));
        CHECK(outcome.info["nodes_explored"] > 0);
        CHECK(!outcome.info.contains("reason"));
        CHECK(outcome.data.empty());
    }
}

TEST_CASE("path task: no path is a success that tells why") {
    PathExecutor executor(nullptr, nullptr);
    struct Case {
        const char* grid;
        json more;
        const char* reason;
    };
    for (const Case& row :
         {Case{".#.", {}, "unreachable"}, Case{"#..", {}, "start_blocked"},
          Case{"..#", {}, "goal_blocked"}, Case{"...", {{"max_nodes", 1}}, "max_nodes"}}) {
        for (const std::string algorithm : {"astar", "dijkstra", "jps", "flow_field"}) {
            json params = {{"grid", {row.grid}},
                           {"start", {0, 0}},
                           {"goal", {2, 0}},
                           {"algorithm", algorithm}};
            if (!row.more.is_null()) params.update(row.more);
            CAPTURE(params.dump());
            // One jump finds the goal, one field of three cells does not fit.
            if (algorithm == "jps" && std::string(row.reason) == "max_nodes") continue;
            const Outcome outcome = run(executor, params);
            REQUIRE_MESSAGE(outcome.status == Status::kOk, outcome.error);
            CHECK(outcome.info["path"] == json::array());
            CHECK(outcome.info["distance"] == -1);
            CHECK(outcome.info["reason"] == row.reason);
        }
    }
}

TEST_CASE("path task: packed paths and fields say what the lists say") {
    PathExecutor executor(nullptr, nullptr);
    json params = {{"grid", kWall}, {"goal", {0, 3}}, {"agents", {{0, 0}, {3, 3}, {2, 2}}}};
    const Outcome lists = run(executor, params);
    REQUIRE(lists.status == Status::kOk);
    CHECK(lists.info["distances"] == json({17, 3, -1}));
    CHECK(lists.info["reasons"] == json({"", "", "start_blocked"}));
    params["output"] = "packed";
    const Outcome packed = run(executor, params);
    REQUIRE(packed.status == Status::kOk);
    CHECK(packed.info["path_cells"] == json({18, 4, 0}));
    REQUIRE(packed.data.size() == 22 * 4);
    size_t at = 0;
    for (const json& path : lists.info["paths"]) {
        for (const json& cell : path) {
            CHECK(packed.data[at] + 256 * packed.data[at + 1] == cell[0]);
            CHECK(packed.data[at + 2] + 256 * packed.data[at + 3] == cell[1]);
            at += 4;
        }
    }
    params.erase("agents");
    params["output"] = "field";
    const Outcome field = run(executor, params);
    REQUIRE_MESSAGE(field.status == Status::kOk, field.error);
    CHECK(field.info["width"] == 8);
    CHECK(field.info["height"] == 4);
    CHECK(field.info["nodes_explored"] == 25);
    REQUIRE(field.data.size() == 32);
    CHECK(field.data[24] == kPathArrived);
    CHECK(field.data[25] == 2);
    CHECK(field.data[16] == kPathNone);
    CHECK(field.data[23] == 1);
    params["goal"] = {0, 2};
    const Outcome none = run(executor, params);
    CHECK(none.info["reason"] == "goal_blocked");
    CHECK(none.data == std::vector<uint8_t>(32, kPathNone));
}

TEST_CASE("path task: any split of the agents gives what the whole gives") {
    PathExecutor executor(nullptr, nullptr);
    Prng prng(test::seed());
    int splits = 0;
    while (splits < 1000) {
        const bool weighted = prng.chance(0.3);
        const PathGrid grid = test::random_path_grid(prng, 30, weighted ? 9 : 1);
        const std::vector<uint8_t> costs = costs_of(grid);
        const char* const names[] = {"astar", "dijkstra", "flow_field", "jps"};
        const PathCell goal = test::random_cell(prng, grid);
        const json agents = random_agents(prng, grid, 1 + prng.below(12));
        json params = {{"width", grid.width()},
                       {"height", grid.height()},
                       {"goal", {goal.x, goal.y}},
                       {"diagonal", prng.chance(0.7)},
                       {"cut_corners", prng.chance(0.5)},
                       {"grid_format", "bytes"},
                       {"algorithm", names[prng.below(grid.weighted() ? 3 : 4)]},
                       {"agents", agents}};
        const Outcome whole = run(executor, params, costs);
        REQUIRE_MESSAGE(whole.status == Status::kOk, whole.error);
        for (int round = 0; round < 20; ++round, ++splits) {
            json merged;
            for (size_t begin = 0; begin < agents.size();) {
                const size_t end = begin + 1 + prng.below(agents.size() - begin);
                params["agents"] = json(agents.begin() + static_cast<std::ptrdiff_t>(begin),
                                        agents.begin() + static_cast<std::ptrdiff_t>(end));
                const Outcome part = run(executor, params, costs);
                REQUIRE_MESSAGE(part.status == Status::kOk, part.error);
                for (const auto& [key, value] : part.info.items()) {
                    if (!value.is_array() || !merged.contains(key)) {
                        merged[key] = value;
                        continue;
                    }
                    for (const json& item : value) merged[key].push_back(item);
                }
                begin = end;
            }
            REQUIRE(merged == whole.info);
        }
    }
}

TEST_CASE("path task: a cancelled job ends as cancelled") {
    PathExecutor executor(nullptr, nullptr);
    for (const std::string algorithm : {"astar", "dijkstra", "jps", "flow_field"}) {
        CHECK(run(executor, wall_request(algorithm), {}, true).status == Status::kCancelled);
    }
}

TEST_CASE("path task: paths that are too long together are over the limit") {
    // 4096 x 4096 free cells: 500 agents with paths of up to 8191 cells.
    PathExecutor executor(nullptr, nullptr);
    json agents = json::array();
    for (int i = 0; i < 500; ++i) agents.push_back({0, 0, 4095, 4095});
    const Outcome outcome = run(
        executor, {{"width", 4096}, {"height", 4096}, {"agents", agents}, {"algorithm", "jps"}});
    CHECK(outcome.status == Status::kLimit);
    CHECK(outcome.field == "agents");
}

TEST_CASE("path task: params with flipped bytes end as an answer or as an error with its field") {
    PathExecutor executor(nullptr, nullptr);
    Prng prng(test::seed());
    const char* const requests[] = {
        R"({"grid":["..#.","1#3.","...9"],"start":[0,0],"goal":[3,2],"diagonal":true})",
        R"({"width":9,"height":8,"goal":[8,7],"agents":[[1,2],[3,4,5,6]],"obstacles":[[2,2]],
            "algorithm":"jps","max_nodes":50,"output":"packed"})",
        R"({"width":9,"height":2,"grid":{"$bytes":"AAEBAA=="},"grid_format":"bits","goal":[0,1],
            "cut_corners":true,"output":"field"})",
    };
    for (int round = 0; round < 6000; ++round) {
        const Result<Bytes> value = json_to_value(requests[round % 3]);
        REQUIRE(value.ok());
        std::vector<uint8_t> bytes(value->data(), value->data() + value->size());
        for (uint64_t flips = 1 + prng.below(3); flips > 0; --flips) {
            bytes[prng.below(bytes.size())] = static_cast<uint8_t>(prng.next());
        }
        exec::Job* job = exec::JobControl::make();
        job->task_type = "ai_pathfinding";
        job->params = Bytes::copy(bytes);
        const Status status = exec::JobControl::run(*job, executor);
        if (status != Status::kOk) CHECK(!job->output.field.empty());
        CHECK(job->output_set == (status == Status::kOk));
        job->release();
    }
}

TEST_CASE("path task: bad params end as errors that name the field") {
    PathExecutor executor(nullptr, nullptr);
    const Outcome outcome = run(executor, {{"width", 3}, {"height", 3}, {"start", {9, 9}}});
    CHECK(outcome.status == Status::kParams);
    CHECK(outcome.field == "goal");
    CHECK(run(executor, wall_request("astar")).status == Status::kOk);
}

TEST_CASE("path task: a named Vulkan device makes the flow fields and says so") {
    KernelOptions options;
    options.device = DeviceChoice::kVulkan;
    exec::Registry registry;
    const Result<BuiltinDevices> devices = add_builtin_executors(registry, options);
    if (!devices) {
        MESSAGE("skipped: " << devices.error().text);
        return;
    }
    const std::shared_ptr<exec::Executor> executor = registry.find("ai_pathfinding");
    REQUIRE(executor);
    PathExecutor native(nullptr, nullptr);
    for (const std::string algorithm : {"flow_field", "astar"}) {
        Outcome there = run(*executor, wall_request(algorithm));
        REQUIRE_MESSAGE(there.status == Status::kOk, there.error);
        CHECK(there.info["device"] == (algorithm == "flow_field" ? devices->name : "native"));
        there.info["device"] = "native";
        CHECK(there.info == run(native, wall_request(algorithm)).info);
    }
    json params = wall_request("flow_field");
    params["max_nodes"] = 24;
    CHECK(run(*executor, params).info["reason"] == "max_nodes");
    params.erase("max_nodes");
    params["goal"] = {0, 2};
    CHECK(run(*executor, params).info["reason"] == "goal_blocked");
    CHECK(run(*executor, wall_request("flow_field"), {}, true).status == Status::kCancelled);
}
