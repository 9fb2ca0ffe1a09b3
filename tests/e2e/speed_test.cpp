// How fast a machine is said to be: the one number, where it is kept, and who is told it.
#include <doctest/doctest.h>

#include "cli/machine_speed.h"
#include "support/hosting.h"

using namespace p2c2r::test;
using nlohmann::json;
using p2c2r::cli::machine_speed_milli;
using p2c2r::cli::ServedType;

namespace {

ServedType served_in(const char* task_type, const char* frame, double frame_ms) {
    ServedType one;
    one.task_type = task_type;
    one.frame = frame;
    one.frame_ms = frame_ms;
    return one;
}

// By what an admin is told of this peer; below 0: it is not there.
double told_speed(const Hosting& host, const std::string& peer_id) {
    const Ran ran = host.machine.run({"status", "--json"});
    REQUIRE_MESSAGE(ran.exit_code == 0, ran.error);
    const json status = json::parse(ran.out);
    for (const json& peer : status["peers"]) {
        if (peer.value("peer_id", "") == peer_id) return peer.value("speed", -1.0);
    }
    return -1;
}

}  // namespace

TEST_CASE("speed: a machine's is the mean of how much sooner its frames come, of three at least") {
    std::vector<ServedType> all = {
        served_in("upscale", "1280x720 x 1.5, lanczos, raw", 1.5 / 4),
        served_in("physics", "1000 spheres in a heap, a step, delta", 0.75)};
    CHECK(machine_speed_milli({}) == 0);
    CHECK(machine_speed_milli(all) == 0);
    all.push_back(served_in("rt_shadows", "960x540, half, what changed", 12 * 4));
    CHECK(machine_speed_milli(all) == 1000);
    // What is not among the frames of a first look does not count.
    all.push_back(served_in("upscale", "1280x720 x 1.5, lanczos, raw out", 1000));
    all.push_back(served_in("rt_shadows", "960x540, 6 spheres", 1000));
    CHECK(machine_speed_milli(all) == 1000);
    all.push_back(served_in("ai_pathfinding", "1024x1024, across, astar", 6.6 / 16));
    CHECK(machine_speed_milli(all) == 2000);
    for (ServedType& one : all) one.frame_ms = 1e-9;
    CHECK(machine_speed_milli(all) == 1'000'000);
    for (ServedType& one : all) one.frame_ms = 1e12;
    CHECK(machine_speed_milli(all) == 1);
}

TEST_CASE("speed: a peer tells what was measured on its device, or what its settings say") {
    const Workplace here;
    Hosting host(here);
    const Machine laptop(here, "laptop");
    REQUIRE(laptop.run({"join", host.code, "--no-benchmark", "--name", "laptop"}).exit_code == 0);
    const auto told = [&](const char* kept, const std::vector<std::string>& more) {
        here.write("laptop/benchmark.json", kept);
        std::vector<std::string> environment = laptop.environment;
        environment.insert(environment.end(), more.begin(), more.end());
        auto peer =
            here.start({"peer", "--device", "native", "--peer-id", "laptop", "--mode", "always"},
                       "peer.log", environment);
        double speed = -1;
        CHECK(wait_until([&] { return (speed = told_speed(host, "laptop")) >= 0; }));
        CHECK(peer.stop(kStopUs) == 0);
        CHECK(wait_until([&] { return told_speed(host, "laptop") < 0; }));
        return speed;
    };
    const char* const native = R"({"text": "x", "device": "native", "speed_milli": 2500})";
    CHECK(told(native, {}) == 2.5);
    CHECK(told(native, {"P2C2R_CAPABILITIES__SPEED=0.25"}) == 0.25);
    CHECK(told(native, {"P2C2R_CAPABILITIES__SPEED=0"}) == 0);
    CHECK(told(R"({"text": "x", "device": "vulkan:0", "speed_milli": 2500})", {}) == 0);
    CHECK(told(R"({"text": "x"})", {}) == 0);
    CHECK(told(R"({"text": "x", "device": "native", "speed_milli": -7})", {}) == 0);
    CHECK(told(R"({"text": "x", "device": "native", "speed_milli": 1e30})", {}) == 0);
    CHECK(host.process.stop(kStopUs) == 0);
}
