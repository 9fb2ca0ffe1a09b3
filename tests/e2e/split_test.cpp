// `p2c2r exec --parts N` and `submit --parts N`: the digest and the file are those of the whole.
#include <doctest/doctest.h>

#include "cli/files.h"
#include "support/program.h"

using namespace p2c2r::test;

namespace {

constexpr const char* kScene =
    R"({"resolution":[24,20],"samples_per_pixel":4,"camera":{"position":[0,2,8],
    "direction":[0,-0.15,-1]},"ambient":0.2,"lights":[{"position":[3,6,2]}],"objects":[
    {"type":"sphere","position":[0,1,0],"radius":1,"material":"mirror"},
    {"type":"plane","position":[0,0,0],"normal":[0,1,0],"color":[0.5,0.6,0.5]}]})";

constexpr const char* kBodies =
    R"({"num_steps":4,"bounds":{"min":[-5,0,-5],"max":[5,9,5]},"objects":[
    {"position":[0,0.5,0]},{"position":[0.4,1.4,0]},{"position":[0,2.4,0.2]},
    {"position":[2,0.5,0]},{"position":[2,1.5,0.1]}]})";

constexpr const char* kAgents = R"({"width":9,"height":9,"diagonal":true,"goal":[8,8],
    "obstacles":[[4,3],[4,4],[4,5]],"agents":[[0,0],[0,8],[3,4],[7,1],[8,8],[4,4]]})";

}  // namespace

TEST_CASE("exec --parts: the digest is that of the whole for every type and way of cutting") {
    Workplace here;
    struct Row {
        std::vector<std::string> task;
        const char* parts;
        const char* split;
    };
    const Row rows[] = {
        {{"raytracing", "--params", kScene}, "7", ""},
        {{"raytracing", "--params", kScene}, "64", "rows"},
        {{"ray_tracing", "--params", kScene}, "3", "samples"},
        {{"physics", "--params", kBodies}, "3", "bodies"},
        {{"ai_pathfinding", "--params", kAgents}, "4", ""},
        {{"upscale", "--data", photograph(), "--params",
          R"({"output_res": [300, 200], "algorithm": "edge"})"},
         "5",
         "rows"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.task[0]);
        CAPTURE(row.parts);
        CAPTURE(row.split);
        std::vector<std::string> whole = {"exec", "--digest", "--device", "native"};
        whole.insert(whole.begin() + 1, row.task.begin(), row.task.end());
        std::vector<std::string> parts = whole;
        parts.insert(parts.end(), {"--parts", row.parts});
        if (*row.split) parts.insert(parts.end(), {"--split", row.split});
        const Ran expected = here.run(whole);
        const Ran ran = here.run(parts);
        CAPTURE(ran.error);
        REQUIRE(expected.exit_code == 0);
        CHECK(ran.exit_code == 0);
        CHECK(ran.out.starts_with("sha256 "));
        CHECK(ran.out.substr(0, 71) == expected.out.substr(0, 71));
    }
}

TEST_CASE("exec --parts: files and result lines are those of the whole") {
    Workplace here;
    for (const char* parts : {"1", "5"}) {
        const Ran ran =
            here.run({"exec", "raytracing", "--params", kScene, "--device", "native", "--parts",
                      parts, "--out", here.path(std::string(parts) + ".png")});
        CAPTURE(ran.error);
        REQUIRE(ran.exit_code == 0);
    }
    CHECK(here.read("1.png") == here.read("5.png"));
    const auto lines = [&](const std::vector<std::string>& more) {
        std::vector<std::string> arguments = {"exec", "ai_pathfinding", "--params", kAgents,
                                              "--json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return here.run(arguments).out;
    };
    CHECK(lines({}).find("\"paths\"") != std::string::npos);
    CHECK(lines({"--parts", "4"}) == lines({}));
}

TEST_CASE("exec --parts: what cannot be cut or asked for is said") {
    Workplace here;
    const auto says = [&](const std::vector<std::string>& more, int exit_code,
                          const std::string& word) {
        std::vector<std::string> arguments = {"exec"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Ran ran = here.run(arguments);
        CAPTURE(ran.error);
        CHECK(ran.exit_code == exit_code);
        CHECK(ran.error.find(word) != std::string::npos);
    };
    says({"echo", "--parts", "2"}, 2, "'echo' is not split");
    says({"physics", "--params", kBodies, "--parts", "2", "--split", "rows"}, 2,
         "'physics' is not split by 'rows'; there are: bodies");
    says({"physics", "--params", R"({"objects": [{}]})", "--parts", "2"}, 1, "objects[0].position");
    says({"physics", "--params", kBodies, "--split", "bodies"}, 2, "--parts");
    says({"physics", "--params", kBodies, "--parts", "0"}, 2, "--parts");
    says({"physics", "--params", kBodies, "--parts", "2", "--rate", "5"}, 2, "--rate");
    CHECK(here.run({"exec", "--help"}).out.find("--parts") != std::string::npos);
}

TEST_CASE("submit --parts: the digest is that of the whole and the parts were tasks of two peers") {
    Workplace here;
    auto coordinator = here.coordinator();
    // Both take tasks, however busy this machine is.
    const std::vector<std::string> always = {"--device", "native", "--mode", "always"};
    auto first = here.peer(coordinator.url, "first", always);
    auto second = here.peer(coordinator.url, "second", always);
    REQUIRE(wait_for_peers(here, coordinator.url, 2));
    const std::vector<std::vector<std::string>> tasks = {
        {"raytracing", "--params", kScene},
        {"upscale", "--data", photograph(), "--params",
         R"({"output_res": [300, 200], "output_format": "png"})"}};
    uint64_t completed = 0;
    for (const auto& task : tasks) {
        CAPTURE(task[0]);
        std::vector<std::string> whole = {"exec", "--digest", "--device", "native"};
        whole.insert(whole.begin() + 1, task.begin(), task.end());
        const Ran expected = here.run(whole);
        REQUIRE(expected.exit_code == 0);
        for (const char* parts : {"6", "auto"}) {
            CAPTURE(parts);
            std::vector<std::string> words = {"submit",        "--coordinator", coordinator.url,
                                              "--remote-only", "--deadline-ms", "5000",
                                              "--digest",      "--parts",       parts};
            words.insert(words.begin() + 1, task.begin(), task.end());
            const Ran ran = here.run(words);
            CAPTURE(ran.error);
            CHECK(ran.exit_code == 0);
            CHECK(ran.out.substr(0, 71) == expected.out.substr(0, 71));
            const uint64_t before = completed;
            completed = status_of(here, coordinator.url)["completed_tasks"].get<uint64_t>();
            if (std::string(parts) == "6") CHECK(completed - before == 6);
            if (std::string(parts) == "auto") CHECK(completed - before > 1);
        }
    }
}

TEST_CASE("submit --parts: what cannot be asked for is said") {
    Workplace here;
    const auto says = [&](const std::vector<std::string>& more, const std::string& word) {
        std::vector<std::string> arguments = {
            "submit", "physics", "--params", kBodies, "--coordinator", "p2c2r+plain://127.0.0.1:9"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Ran ran = here.run(arguments);
        CAPTURE(ran.error);
        CHECK(ran.exit_code == 2);
        CHECK(ran.error.find(word) != std::string::npos);
    };
    for (const char* parts : {"0", "4097", "many", "-1", "1.5"}) {
        says({std::string("--parts=") + parts}, "neither auto nor in 1 to 4096");
    }
    says({"--split", "bodies"}, "give --parts too");
    says({"--parts", "2", "--split", "pieces"}, "is none of rows");
}
