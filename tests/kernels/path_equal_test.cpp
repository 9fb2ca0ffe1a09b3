// Random grids: a Vulkan device makes the flow field that the processor makes, whatever the size,
// the rule and the costs; also where slices end anywhere.
#include <doctest/doctest.h>

#include <vector>

#include "kernels/path_conformance.h"
#include "kernels/path_search.h"
#include "support/random_inputs.h"
#include "support/rounds.h"
#include "support/seed.h"
#include "vulkan_devices.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

void on_each_path(const std::function<void(PathGpu&)>& body) {
    test::on_each_device([&](const std::shared_ptr<gpu::Device>& device) {
        const Result<std::unique_ptr<PathGpu>> path = PathGpu::create(device);
        REQUIRE_MESSAGE(path.ok(), path.error().text);
        body(**path);
    });
}

void check_equal(PathGpu& path, const PathGrid& grid, PathRule rule, PathCell goal) {
    const size_t cells = size_t{grid.width()} * grid.height();
    INFO(grid.width() << " x " << grid.height() << ", rule " << int(rule) << ", goal " << goal.x
                      << "," << goal.y);
    std::vector<uint8_t> expected(cells, 0x11);
    std::vector<uint8_t> found(cells, 0x22);
    REQUIRE(make_field_native(grid, rule, goal, expected.data()).ok());
    const Result<Done> done = path.run(grid, rule, goal, found.data());
    REQUIRE_MESSAGE(done.ok(), done.error().text);
    CHECK(expected == found);
}

}  // namespace

TEST_CASE("random flow fields are equal on every Vulkan device and in plain code") {
    on_each_path([](PathGpu& path) {
        Prng prng(test::seed());
        for (int round = 0; round < 20; ++round) {
            const uint32_t costs[] = {1, 3, 255};
            const PathGrid grid = test::random_path_grid(prng, 90, costs[prng.below(3)]);
            for (const PathRule rule : test::kPathRules) {
                check_equal(path, grid, rule, test::random_cell(prng, grid));
            }
        }
    });
}

TEST_CASE("a thousand tiny flow fields are equal on every Vulkan device and in plain code") {
    on_each_path([](PathGpu& path) {
        Prng prng(test::seed());
        for (int round = 0; round < test::rounds(1000); ++round) {
            const test::PathCase tiny = test::tiny_path(prng);
            check_equal(path, tiny.grid, tiny.rule, tiny.goal);
        }
    });
}

TEST_CASE("a maze that crosses every tile many times is equal on every Vulkan device") {
    PathGrid grid(150, 81);
    for (int32_t y = 1; y < 81; y += 2) {
        for (int32_t x = 0; x < 150; ++x) {
            if (x != (y % 4 == 1 ? 149 : 0)) grid.block({x, y});
        }
    }
    on_each_path([&](PathGpu& path) {
        for (const PathRule rule : test::kPathRules) check_equal(path, grid, rule, {149, 80});
        check_equal(path, grid, PathRule::kOctile, {5, 1});  // a wall: nothing reaches it
    });
}

TEST_CASE("a flow field is the same wherever its slices are cut") {
    Prng prng(test::seed());
    PathGrid grid(300, 100);
    for (int i = 0; i < 6000; ++i) grid.block(test::random_cell(prng, grid));
    on_each_path([&](PathGpu& path) {
        for (const double slice_ns : {1e3, 1e5, 1e6}) {  // from one tile a slice on
            path.fix_slices(slice_ns);
            check_equal(path, grid, PathRule::kOctile, test::random_cell(prng, grid));
        }
    });
}

TEST_CASE("a larger flow field is equal and stops between slices when asked") {
    on_each_path([](PathGpu& path) {
        Prng prng(test::seed());
        std::vector<uint8_t> costs(700 * 500);
        for (uint8_t& cost : costs) {
            cost = static_cast<uint8_t>(prng.chance(0.25) ? 0 : 1 + prng.below(9));
        }
        costs[250 * 700 + 350] = 1;
        PathGrid grid(700, 500);
        grid.set_costs(costs);
        check_equal(path, grid, PathRule::kOctile, {350, 250});
        std::vector<uint8_t> field(costs.size());
        int asked = 0;
        const Result<Done> stopped = path.run(grid, PathRule::kOctile, {350, 250}, field.data(),
                                              [&] { return ++asked == 3; });
        REQUIRE(!stopped.ok());
        CHECK(stopped.error().status == Status::kCancelled);
        CHECK(asked == 3);
    });
}
