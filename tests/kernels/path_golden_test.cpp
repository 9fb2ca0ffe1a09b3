// Fixed grids, fixed digests: flow fields on every device, and the paths and node counts of every
// search, are those in path_golden.txt on every machine.
#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "core/crypto.h"
#include "core/prng.h"
#include "kernels/path_conformance.h"
#include "kernels/path_search.h"
#include "support/path_reference.h"
#include "vulkan_devices.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

struct Golden {
    std::string line;  // without the digest, for messages
    std::string what;
    std::string digest;
    PathAnswerField grid{};
};

// Lines "what width height walls weight rule sha256"; `what` is field or a search.
std::vector<Golden> read_golden() {
    std::ifstream file(P2C2R_SOURCE_DIR "/tests/kernels/path_golden.txt");
    std::vector<Golden> all;
    Golden row;
    PathAnswerField& grid = row.grid;
    std::string rule;
    while (file >> row.what >> grid.width >> grid.height >> grid.walls >> grid.weight >> rule >>
           row.digest) {
        grid.rule = rule == "four" ? PathRule::kFour
                                   : (rule == "octile" ? PathRule::kOctile : PathRule::kOctileCuts);
        row.line = row.what + " " + std::to_string(grid.width) + " " + std::to_string(grid.height) +
                   " " + std::to_string(grid.walls) + " " + std::to_string(grid.weight) + " " +
                   rule;
        all.push_back(row);
    }
    return all;
}

void check_fields(const char* form, const MakeField& make) {
    int seen = 0;
    for (const Golden& golden : read_golden()) {
        if (golden.what != "field") continue;
        ++seen;
        const Result<std::string> digest = field_digest(golden.grid, make);
        REQUIRE_MESSAGE(digest.ok(), digest.error().text);
        CHECK_MESSAGE(*digest == golden.digest, form << ": " << golden.line << " " << *digest);
    }
    REQUIRE(seen >= 8);
}

void add_number(std::vector<uint8_t>& bytes, uint64_t number) {
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<uint8_t>(number >> 8 * i));
}

// Over 20 searches between cells drawn from the size.
std::string paths_digest(const Golden& golden, PathAlgorithm algorithm) {
    PathCell unused;
    PathGrid grid = make_answer_grid(golden.grid, unused);
    grid.make_columns();
    PathQuery query;
    query.rule = golden.grid.rule;
    query.algorithm = algorithm;
    PathScratch scratch;
    Prng prng(grid.width() * 77 + grid.height());
    std::vector<uint8_t> bytes;
    for (int i = 0; i < 20; ++i) {
        const PathCell start = test::random_cell(prng, grid);
        const PathCell goal = test::random_cell(prng, grid);
        const PathAnswer answer = find_path(grid, query, start, goal, scratch);
        add_number(bytes, static_cast<uint64_t>(answer.end));
        add_number(bytes, answer.nodes_explored);
        for (const PathCell& cell : answer.path) {
            add_number(bytes, static_cast<uint64_t>(cell.x) << 32 | static_cast<uint64_t>(cell.y));
        }
    }
    return to_hex(sha256(bytes));
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
    for (const Golden& golden : read_golden()) {
        for (const PathAlgorithm algorithm :
             {PathAlgorithm::kAstar, PathAlgorithm::kDijkstra, PathAlgorithm::kJps}) {
            if (golden.what != path_algorithm_name(algorithm)) continue;
            ++seen;
            const std::string digest = paths_digest(golden, algorithm);
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
