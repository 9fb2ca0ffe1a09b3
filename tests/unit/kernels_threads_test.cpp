// A task computes on as many threads as its executor was given, and the answer is the same.
#include <doctest/doctest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "exec/job_control.h"
#include "exec/thread.h"
#include "exec/worker_pool.h"
#include "kernels/kernels.h"
#include "kernels/physics_task.h"
#include "kernels/raytrace_task.h"
#include "model/value_json.h"

using namespace p2c2r;
using namespace p2c2r::kernels;
using nlohmann::json;

namespace {

struct Outcome {
    std::vector<uint8_t> info, data;
    uint64_t threads;  // that were started meanwhile
};

Outcome run(exec::Executor& executor, const std::string& type, const json& params) {
    exec::Job* const job = exec::JobControl::make();
    job->task_type = type;
    job->params = json_to_value(params.dump()).value();
    const uint64_t before = exec::Thread::started();
    const Status status = exec::JobControl::run(*job, executor);
    const uint64_t after = exec::Thread::started();
    CHECK_MESSAGE(status == Status::kOk, job->output.error);
    const auto bytes = [](const Bytes& from) {
        return std::vector<uint8_t>(from.data(), from.data() + from.size());
    };
    Outcome outcome{bytes(job->output.info), bytes(job->output.data), after - before};
    job->release();
    return outcome;
}

// Each has work for three threads and more.
std::vector<std::pair<std::string, json>> large_tasks() {
    const json ball = {{"type", "sphere"}, {"position", {0, 0, 0}}, {"radius", 1}};
    const json light = {{"position", {3, 6, 2}}};
    const json picture = {
        {"objects", {ball}},
        {"lights", {light}},
        {"resolution", {256, 192}},
        {"camera", {{"position", {0, 2, 8}}, {"direction", {0, -0.2, -1}}}},
    };
    json raw = picture;
    raw["output_format"] = "raw";
    const json probes = {
        {"objects", {ball}},
        {"lights", {light}},
        {"probes", {{"min", {-2, -2, -2}}, {"max", {2, 2, 2}}, {"counts", {16, 8, 8}}}},
    };
    json bodies = json::array();
    for (int i = 0; i < 2'500; ++i) {
        bodies.push_back({{"position", {i % 50 * 0.9, i / 50 * 0.9, 0}}});
    }
    return {{"raytracing", raw},
            {"rt_shadows", picture},
            {"rt_reflections", raw},
            {"rt_global_illumination", probes},
            {"physics", {{"objects", bodies}}}};
}

RaytraceKind kind_of(const std::string& type) {
    if (type == "rt_shadows") return RaytraceKind::kShadows;
    if (type == "rt_reflections") return RaytraceKind::kReflections;
    return type == "raytracing" ? RaytraceKind::kPicture : RaytraceKind::kProbes;
}

}  // namespace

TEST_CASE("a task uses the threads its executor was given and no others") {
    for (const auto& task : large_tasks()) {
        CAPTURE(task.first);
        const auto& [type, params] = task;
        const auto with = [&, &type = type, &params = params](uint32_t threads) {
            if (type == "physics") {
                PhysicsExecutor executor(nullptr, nullptr, threads);
                return run(executor, type, params);
            }
            RaytraceExecutor executor(kind_of(type), nullptr, nullptr,
                                      std::make_shared<RtSceneCache>(), threads);
            return run(executor, type, params);
        };
        const Outcome one = with(1);
        const Outcome three = with(3);
        CHECK(one.threads == 0);
        // Two beside the one that runs the task, for each side of the probes.
        CHECK(three.threads == (type == "rt_global_illumination" ? 12 : 2));
        CHECK(one.info == three.info);
        CHECK(one.data == three.data);
    }
}

TEST_CASE("built-in tasks share the number of threads that the runtime was given") {
    const auto given = [](uint32_t threads) {
        exec::Registry registry;
        KernelOptions options;
        options.device = DeviceChoice::kNative;
        options.threads = threads;
        const Result<BuiltinDevices> devices = add_builtin_executors(registry, options);
        REQUIRE(devices.ok());
        for (const auto& task : large_tasks()) {
            CAPTURE(task.first);
            const auto& [type, params] = task;
            const uint64_t started = run(*registry.find(type), type, params).threads;
            CHECK((started > 0) == (devices->threads > 1));
        }
        return devices->threads;
    };
    CHECK(given(1) == 1);
    CHECK(given(0) == exec::processors());
    CHECK(given(exec::WorkerPoolOptions::kNoThreads) == 1);
    CHECK(given(1'000'000) == exec::processors());
}
