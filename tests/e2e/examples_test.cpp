// The examples are programs that people copy from: they run, and say what they promise.
#include <doctest/doctest.h>

#include <algorithm>

#include "cli/files.h"
#include "support/program.h"

using namespace p2c2r::test;

namespace {

Ran example(const Workplace& here, const std::string& name,
            const std::vector<std::string>& arguments = {}) {
    return here.run_other(p2c2r::cli::join_path(P2C2R_EXAMPLES, name), arguments);
}

}  // namespace

TEST_CASE("examples: hello_task asks itself or a coordinator and prints the answer") {
    Workplace here;
    const Ran alone = example(here, "hello_task");
    CHECK(alone.exit_code == 0);
    CHECK(alone.out == "answer: hello from a game\n");
    auto coordinator = here.coordinator();
    auto peer = here.peer(coordinator.url, "helper");
    REQUIRE(wait_for_peers(here, coordinator.url, 1));
    const Ran remote = example(here, "hello_task", {coordinator.url});
    CHECK(remote.exit_code == 0);
    CHECK(remote.out == alone.out);
    CHECK(status_of(here, coordinator.url)["completed_tasks"] == 1);
    coordinator.process.stop(kPatienceUs);
    const Ran nobody = example(here, "hello_task", {coordinator.url});
    CHECK(nobody.exit_code == 1);
    CHECK(nobody.out.starts_with("failed: E_"));
}

TEST_CASE("examples: hello_task is at most forty lines") {
    const auto text =
        p2c2r::cli::read_file(std::string(P2C2R_SOURCE_DIR) + "/examples/hello_task.c");
    REQUIRE(text);
    CHECK(std::count(text->begin(), text->end(), '\n') <= 40);
}

TEST_CASE("examples: custom_executor counts words and names the params it does not take") {
    Workplace here;
    const Ran ran = example(here, "custom_executor");
    CHECK(ran.exit_code == 0);
    const auto lines = lines_of(ran.out);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].starts_with("answer: {"));
    CHECK(lines[0].find("5") != std::string::npos);
    CHECK(lines[1].starts_with("failed: E_PARAMS, field 'params'"));
}

TEST_CASE("examples: one_process turns all roles from its own loop") {
    Workplace here;
    const Ran ran = example(here, "one_process");
    CHECK(ran.exit_code == 0);
    CHECK(ran.out == "200 of 200 answers right, 200 by peers\n");
}

TEST_CASE("examples: the program of README.md compiles as it stands and prints the answer") {
    Workplace here;
    const auto readme = p2c2r::cli::read_file(std::string(P2C2R_SOURCE_DIR) + "/README.md");
    REQUIRE(readme);
    const size_t begin = readme->find("```c\n") + 5;
    std::string code = readme->substr(begin, readme->find("```", begin) - begin);
    auto coordinator = here.coordinator();
    auto peer = here.peer(coordinator.url, "helper");
    REQUIRE(wait_for_peers(here, coordinator.url, 1));
    const std::string address = "127.0.0.1:8765";  // the tests take any free port
    REQUIRE(code.find(address) != std::string::npos);
    code.replace(code.find(address), address.size(), coordinator.url.substr(14));
    const Ran compiled =
        here.run_other("/usr/bin/env",
                       {P2C2R_C_COMPILER, "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                        P2C2R_C_FLAGS, "-I", std::string(P2C2R_SOURCE_DIR) + "/include",
                        here.write("readme.c", code), P2C2R_LIBRARY_FILE,
                        std::string("-Wl,-rpath,") + P2C2R_LIBRARY_DIR, "-o", here.path("readme")});
    CAPTURE(compiled.error);
    REQUIRE(compiled.exit_code == 0);
    const Ran ran = here.run_other(here.path("readme"), {});
    CHECK(ran.exit_code == 0);
    CHECK(ran.out == "answer: hello from a game\n");
}
