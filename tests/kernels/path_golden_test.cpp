// Fixed grids, fixed digests: flow fields on every device, and the paths and node counts of every
// search, are those in path_golden.txt on every machine.
#include <doctest/doctest.h>

#include <string>

#include "support/path_golden.h"
#include "vulkan_devices.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

void check_fields(const char* form, const MakeField& make) {
    int seen = 0;
    for (const test::PathGolden& golden : test::read_path_golden()) {
        if (golden.what != "field") continue;
        ++seen;
        const Result<std::string> digest = field_digest(golden.grid, make);
        REQUIRE_MESSAGE(digest.ok(), digest.error().text);
        CHECK_MESSAGE(*digest == golden.digest, form << ": " << golden.line << " " << *digest);
    }
    REQUIRE(seen >= 8);
}

}  // namespace

TEST_CASE("flow fields have the golden digests in plain code") {
    check_fields("native", make_field_native);
}

TEST_CASE("flow fields have the golden digests on every Vulkan device") {
    test::on_each_device([](const std::shared_ptr<gpu::Device>& device) {
        const Result<std::unique_ptr<PathGpu>> path = PathGpu::create(device);
        REQUIRE_MESSAGE(path.ok(), path.error().text);
        check_fields("vulkan",
                     [&](const PathGrid& grid, PathRule rule, PathCell goal, uint8_t* field) {
                         return (*path)->run(grid, rule, goal, field);
                     });
    });
}

TEST_CASE("searches give the golden paths and node counts") {
    int seen = 0;
    for (const test::PathGolden& golden : test::read_path_golden()) {
        for (const PathAlgorithm algorithm :
             {PathAlgorithm::kAstar, PathAlgorithm::kDijkstra, PathAlgorithm::kJps}) {
            if (golden.what != path_algorithm_name(algorithm)) continue;
            ++seen;
            const std::string digest = test::paths_digest(golden, algorithm);
            CHECK_MESSAGE(digest == golden.digest, golden.line << " " << digest);
        }
    }
    REQUIRE(seen >= 12);
}

TEST_CASE(
    "the self-test of ai_pathfinding has the right answers and every Vulkan device gives them") {
    for (const PathAnswerField& answer : path_answers()) {
        const Result<std::string> digest = field_digest(answer, make_field_native);
        REQUIRE(digest.ok());
        CHECK_MESSAGE(*digest == answer.sha256, answer.width << " x " << answer.height);
    }
    test::on_each_device([](const std::shared_ptr<gpu::Device>& device) {
        const Result<std::unique_ptr<PathGpu>> path = PathGpu::create(device);
        REQUIRE_MESSAGE(path.ok(), path.error().text);
        const Result<Done> answers = check_path_answers(**path);
        CHECK_MESSAGE(answers.ok(), answers.error().text);
    });
}
