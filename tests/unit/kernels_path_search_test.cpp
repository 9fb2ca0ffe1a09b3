// Every search finds what a plain textbook search finds: on random grids, under every rule, with
// and without costs.
#include <doctest/doctest.h>

#include <string>

#include "kernels/path_field.h"
#include "kernels/path_search.h"
#include "support/path_reference.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::kernels;
using namespace p2c2r::test;

namespace {

double distance_of(const PathLength& length) {
    return static_cast<double>(length.straight) +
           static_cast<double>(length.diagonal) * 1.4142135623730951;
}

void check_answer(const PathGrid& grid, PathRule rule, PathCell start, PathCell goal,
                  const std::optional<PathLength>& expected, const PathAnswer& answer) {
    if (!expected) {
        CHECK(answer.end != PathEnd::kFound);
        CHECK(answer.path.empty());
        CHECK(answer.distance() == -1);
        return;
    }
    REQUIRE(answer.end == PathEnd::kFound);
    const std::optional<PathLength> found = measure_path(grid, rule, answer.path, start, goal);
    REQUIRE(found);
    CHECK(*found == *expected);
    CHECK(answer.distance() == distance_of(*expected));
}

PathAnswer by_field(const PathGrid& grid, const PathQuery& query, PathCell start, PathCell goal,
                    PathScratch& scratch) {
    uint64_t cells_reached = 0;
    const PathEnd end = search_field(grid, query, goal, scratch, cells_reached);
    if (end != PathEnd::kFound) {
        PathAnswer answer;
        answer.end = end;
        return answer;
    }
    return FlowField(grid, query.rule, scratch).follow(start);
}

void check_all_algorithms(PathGrid& grid, Prng& prng, int queries, PathScratch& scratch) {
    grid.make_columns();
    for (const PathRule rule : kPathRules) {
        for (int i = 0; i < queries; ++i) {
            const PathCell start = random_cell(prng, grid);
            const PathCell goal = random_cell(prng, grid);
            INFO("rule " << int(rule) << ", " << grid.width() << " x " << grid.height() << ", "
                         << start.x << "," << start.y << " to " << goal.x << "," << goal.y);
            const auto expected = shortest_path(grid, rule, start, goal);
            PathQuery query;
            query.rule = rule;
            for (const PathAlgorithm algorithm :
                 {PathAlgorithm::kAstar, PathAlgorithm::kDijkstra, PathAlgorithm::kJps}) {
                if (algorithm == PathAlgorithm::kJps && grid.weighted()) continue;
                INFO(path_algorithm_name(algorithm));
                query.algorithm = algorithm;
                check_answer(grid, rule, start, goal, expected,
                             find_path(grid, query, start, goal, scratch));
            }
            INFO("flow_field");
            check_answer(grid, rule, start, goal, expected,
                         by_field(grid, query, start, goal, scratch));
        }
    }
}

PathGrid open_grid(uint32_t width, uint32_t height) {
    PathGrid grid(width, height);
    grid.make_columns();
    return grid;
}

}  // namespace

TEST_CASE("all searches find the shortest length on random grids under every rule") {
    Prng prng(seed());
    PathScratch scratch;  // the same for all: nothing of one search may show in the next
    for (int round = 0; round < 400; ++round) {
        PathGrid grid = random_path_grid(prng, 24, 1);
        check_all_algorithms(grid, prng, 3, scratch);
    }
    // Long straights and diagonals: jumps over several blocks of 64 cells.
    for (int round = 0; round < 25; ++round) {
        PathGrid grid = random_path_grid(prng, 230, 1);
        check_all_algorithms(grid, prng, 2, scratch);
    }
}

TEST_CASE("all searches but jps find the cheapest way where cells have costs") {
    Prng prng(seed());
    PathScratch scratch;
    for (int round = 0; round < 200; ++round) {
        const uint32_t cost_high = prng.chance(0.5) ? 255 : 3;
        PathGrid grid = random_path_grid(prng, 24, cost_high);
        check_all_algorithms(grid, prng, 3, scratch);
    }
}

TEST_CASE("cells that all cost the same more than one are one even grid") {
    std::vector<uint8_t> costs(30 * 20, 7);
    costs[5] = 0;
    PathGrid grid(30, 20);
    grid.set_costs(costs);
    CHECK(!grid.weighted());
    CHECK(grid.cost_low() == 7);
    grid.make_columns();
    PathScratch scratch;
    for (const PathAlgorithm algorithm :
         {PathAlgorithm::kAstar, PathAlgorithm::kDijkstra, PathAlgorithm::kJps}) {
        PathQuery query;
        query.rule = PathRule::kOctile;
        query.algorithm = algorithm;
        CHECK(find_path(grid, query, {0, 0}, {29, 19}, scratch).distance() ==
              10 * 7 + 19 * 7 * 1.4142135623730951);
    }
}

TEST_CASE("a path of one cell and the far corners of lines") {
    PathScratch scratch;
    for (const PathRule rule : kPathRules) {
        for (const PathAlgorithm algorithm :
             {PathAlgorithm::kAstar, PathAlgorithm::kDijkstra, PathAlgorithm::kJps}) {
            PathQuery query;
            query.rule = rule;
            query.algorithm = algorithm;
            const PathGrid one = open_grid(1, 1);
            const PathAnswer here = find_path(one, query, {0, 0}, {0, 0}, scratch);
            CHECK(here.end == PathEnd::kFound);
            CHECK(here.path == std::vector<PathCell>{{0, 0}});
            CHECK(here.distance() == 0);
            for (const uint32_t length : {63u, 64u, 65u, 127u, 128u, 129u, 4096u}) {
                const auto last = static_cast<int32_t>(length) - 1;
                const PathGrid row = open_grid(length, 1);
                CHECK(find_path(row, query, {0, 0}, {last, 0}, scratch).distance() == last);
                CHECK(find_path(row, query, {last, 0}, {0, 0}, scratch).distance() == last);
                const PathGrid column = open_grid(1, length);
                CHECK(find_path(column, query, {0, 0}, {0, last}, scratch).distance() == last);
                CHECK(find_path(column, query, {0, last}, {0, 0}, scratch).distance() == last);
            }
        }
    }
}

TEST_CASE("a maze as long as the largest grid allows keeps every step in its length") {
    // Walls in every other row with a gap at alternate ends: some 130 rows of 4096 cells.
    PathGrid grid(4096, 261);
    for (int32_t y = 1; y < 261; y += 2) {
        for (int32_t x = 0; x < 4096; ++x) {
            if (x != (y % 4 == 1 ? 4095 : 0)) grid.block({x, y});
        }
    }
    grid.make_columns();
    PathScratch scratch;
    for (const PathAlgorithm algorithm :
         {PathAlgorithm::kAstar, PathAlgorithm::kDijkstra, PathAlgorithm::kJps}) {
        PathQuery query;
        query.rule = PathRule::kOctile;
        query.algorithm = algorithm;
        const PathAnswer answer = find_path(grid, query, {0, 0}, {4095, 260}, scratch);
        REQUIRE(answer.end == PathEnd::kFound);
        CHECK(answer.distance() == 131.0 * 4095 + 260);
        CHECK(answer.path.size() == 131 * 4095 + 261);
    }
}

TEST_CASE("walls at start and goal and around it are told apart") {
    PathGrid grid(9, 9);
    for (int32_t i = 0; i < 9; ++i) grid.block({4, i});
    grid.make_columns();
    PathScratch scratch;
    for (const PathAlgorithm algorithm :
         {PathAlgorithm::kAstar, PathAlgorithm::kDijkstra, PathAlgorithm::kJps}) {
        PathQuery query;
        query.rule = PathRule::kOctileCuts;
        query.algorithm = algorithm;
        CHECK(find_path(grid, query, {4, 4}, {0, 0}, scratch).end == PathEnd::kStartBlocked);
        CHECK(find_path(grid, query, {0, 0}, {4, 4}, scratch).end == PathEnd::kGoalBlocked);
        const PathAnswer none = find_path(grid, query, {0, 0}, {8, 8}, scratch);
        CHECK(none.end == PathEnd::kUnreachable);
        CHECK(none.distance() == -1);
        CHECK(none.nodes_explored > 0);
    }
    PathQuery query;
    uint64_t cells_reached = 99;
    CHECK(search_field(grid, query, {4, 4}, scratch, cells_reached) == PathEnd::kGoalBlocked);
    CHECK(cells_reached == 0);
    CHECK(search_field(grid, query, {8, 8}, scratch, cells_reached) == PathEnd::kFound);
    CHECK(cells_reached == 36);
}

TEST_CASE("max_nodes ends a search and stop is asked while it runs") {
    PathGrid grid = open_grid(400, 400);
    for (int32_t i = 0; i < 399; ++i) grid.block({200, i});
    grid.make_columns();
    PathScratch scratch;
    for (const PathAlgorithm algorithm :
         {PathAlgorithm::kAstar, PathAlgorithm::kDijkstra, PathAlgorithm::kJps}) {
        PathQuery query;
        query.rule = PathRule::kOctile;
        query.algorithm = algorithm;
        const PathAnswer whole = find_path(grid, query, {0, 0}, {399, 0}, scratch);
        REQUIRE(whole.end == PathEnd::kFound);
        query.max_nodes = whole.nodes_explored;
        CHECK(find_path(grid, query, {0, 0}, {399, 0}, scratch).end == PathEnd::kFound);
        query.max_nodes = 2;
        const PathAnswer early = find_path(grid, query, {0, 0}, {399, 0}, scratch);
        CHECK(early.end == PathEnd::kMaxNodes);
        CHECK(early.nodes_explored == 2);
        CHECK(early.path.empty());
    }
    PathQuery query;
    int asked = 0;
    query.stop = [&] { return ++asked == 2; };
    CHECK(find_path(grid, query, {0, 0}, {399, 0}, scratch).end == PathEnd::kStopped);
    CHECK(asked == 2);
    uint64_t cells_reached = 0;
    CHECK(search_field(grid, query, {0, 0}, scratch, cells_reached) == PathEnd::kFound);
    CHECK(cells_reached == 400 * 400 - 399);
    query.max_nodes = 400 * 400 - 399;
    CHECK(search_field(grid, query, {0, 0}, scratch, cells_reached) == PathEnd::kFound);
    query.max_nodes -= 1;
    CHECK(search_field(grid, query, {0, 0}, scratch, cells_reached) == PathEnd::kMaxNodes);
    CHECK(cells_reached == query.max_nodes);
}

TEST_CASE("the open list gives buckets in their order and loses nothing whatever the distance") {
    Prng prng(seed());
    BucketQueue open;
    for (int round = 0; round < 50; ++round) {
        const uint32_t shift = static_cast<uint32_t>(prng.below(30));
        const uint64_t lowest = prng.below(1ull << 60);
        open.begin(lowest, shift);
        std::vector<uint64_t> keys;
        std::vector<bool> taken;
        uint64_t bucket = 0;
        size_t waiting = 0;
        const auto push = [&] {
            // Near, on the far side of the ring, and beyond it.
            const uint64_t ahead = prng.below(prng.chance(0.7) ? 100 : 10'000);
            keys.push_back(lowest + ((bucket + ahead) << shift) + prng.below(1ull << shift));
            taken.push_back(false);
            open.push(keys.back(), static_cast<uint32_t>(keys.size() - 1));
            ++waiting;
        };
        push();
        while (waiting > 0) {
            REQUIRE(!open.empty());
            const uint32_t cell = open.pop();
            REQUIRE(!taken[cell]);
            taken[cell] = true;
            --waiting;
            const uint64_t found = (keys[cell] - lowest) >> shift;
            REQUIRE(found >= bucket);
            bucket = found;
            bool more = false;
            for (size_t i = 0; i < keys.size(); ++i) {
                const uint64_t other = (keys[i] - lowest) >> shift;
                if (taken[i]) continue;
                REQUIRE(other >= bucket);
                more = more || other == bucket;
            }
            CHECK(open.bucket_left() == more);
            for (uint64_t count = keys.size() < 200 ? prng.below(4) : 0; count > 0; --count) push();
        }
        CHECK(open.empty());
    }
}

TEST_CASE("the open list for near keys has the order of the one for all keys") {
    Prng prng(seed());
    constexpr uint32_t kShift = 7;
    std::vector<NearQueueEntry> entries;
    for (int round = 0; round < 50; ++round) {
        const uint64_t lowest = prng.below(1ull << 60);
        BucketQueue all;
        all.begin(lowest, kShift);
        NearQueue<kShift> near(lowest, entries);
        uint64_t bucket = 0;
        std::vector<uint64_t> buckets;  // of the cells by number
        const auto push = [&] {
            const uint64_t ahead = prng.chance(0.3) ? 0 : prng.below(64);
            const auto cell = static_cast<uint32_t>(buckets.size());
            const uint64_t key = lowest + ((bucket + ahead) << kShift) + prng.below(1 << kShift);
            buckets.push_back(bucket + ahead);
            all.push(key, cell);
            near.push(key, cell);
        };
        push();
        while (!all.empty()) {
            REQUIRE(!near.empty());
            const uint32_t cell = near.pop();
            REQUIRE(cell == all.pop());
            bucket = buckets[cell];
            CHECK(near.bucket_left() == all.bucket_left());
            for (uint64_t count = buckets.size() < 3000 ? prng.below(4) : 0; count > 0; --count) {
                push();
            }
        }
        CHECK(near.empty());
    }
}

TEST_CASE("a field of nonsense is told and not followed for ever") {
    const PathGrid grid = open_grid(5, 5);
    CHECK(FlowField(grid, std::vector<uint8_t>(25, 2)).follow({0, 0}).end == PathEnd::kBroken);
    std::vector<uint8_t> to_and_fro(25, 2);
    to_and_fro[0] = 0;
    CHECK(FlowField(grid, to_and_fro).follow({0, 0}).end == PathEnd::kBroken);
    CHECK(FlowField(grid, std::vector<uint8_t>(25, kPathNone)).follow({0, 0}).end ==
          PathEnd::kUnreachable);
    CHECK(FlowField(grid, std::vector<uint8_t>(25, 77)).follow({0, 0}).end ==
          PathEnd::kUnreachable);
}

TEST_CASE("jumps are far fewer nodes than steps") {
    const PathGrid grid = open_grid(1000, 1000);
    PathScratch scratch;
    PathQuery query;
    query.rule = PathRule::kOctile;
    const uint64_t steps = find_path(grid, query, {1, 2}, {900, 500}, scratch).nodes_explored;
    query.algorithm = PathAlgorithm::kJps;
    const uint64_t jumps = find_path(grid, query, {1, 2}, {900, 500}, scratch).nodes_explored;
    CHECK(jumps < 10);
    CHECK(steps < 2000);  // not the whole parallelogram of equally short paths
}

TEST_CASE("packed bits and bytes and columns show the same cells") {
    Prng prng(seed());
    for (const uint32_t width : {1u, 7u, 8u, 63u, 64u, 65u, 200u}) {
        const uint32_t height = 70;
        std::vector<uint8_t> costs(size_t{width} * height);
        std::vector<uint8_t> bits(PathGrid::bits_size(width, height), 0);
        for (size_t i = 0; i < costs.size(); ++i) {
            costs[i] = prng.chance(0.5) ? 1 : 0;
            const size_t byte = i / width * ((width + 7) / 8) + i % width / 8;
            if (costs[i] == 0) bits[byte] = static_cast<uint8_t>(bits[byte] | 1u << i % width % 8);
        }
        PathGrid by_bytes(width, height);
        by_bytes.set_costs(costs);
        PathGrid by_bits(width, height);
        by_bits.set_bits(bits);
        by_bits.make_columns();
        std::vector<uint8_t> row(width);
        for (int32_t y = -1; y <= static_cast<int32_t>(height); ++y) {
            const bool inside = y >= 0 && y < static_cast<int32_t>(height);
            if (inside) by_bits.write_costs(static_cast<uint32_t>(y), row.data());
            for (int32_t x = -1; x <= static_cast<int32_t>(width); ++x) {
                const bool expected =
                    !by_bits.inside({x, y}) ||
                    costs[static_cast<size_t>(y) * width + static_cast<size_t>(x)] == 0;
                REQUIRE(by_bytes.blocked({x, y}) == expected);
                REQUIRE(by_bits.blocked({x, y}) == expected);
                REQUIRE(by_bits.columns().view().blocked(x, y) == expected);
                if (by_bits.inside({x, y})) {
                    REQUIRE(row[static_cast<size_t>(x)] == (expected ? 0 : 1));
                }
            }
        }
    }
}
