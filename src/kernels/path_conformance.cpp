#include "kernels/path_conformance.h"

#include "core/crypto.h"
#include "core/prng.h"
#include "kernels/path_field.h"

namespace p2c2r::kernels {

namespace {

// Together they reach every path of the shaders: each rule, equal and unequal costs, costs so high
// that the upper word of a sum carries, one tile and several, sizes that end inside a tile and a
// word, mazes that come back to a tile often.
constexpr PathAnswerField kPathAnswers[] = {
    {16, 16, 0, 1, PathRule::kOctile,
     "0926671a6875e5e16996ae418d5d22e3eb76c6d968423614c04439a0a415ec97"},
    {61, 47, 30, 1, PathRule::kFour,
     "5d16d2ee047302d51612bbc4675ff0d5862577a93e4bc1356f5d2843555f8c76"},
    {61, 47, 35, 1, PathRule::kOctile,
     "7c20f02d0466b7a5ca1a165d2fdf735e681437949dafde24cdf5dc131ebce7ea"},
    {61, 47, 40, 1, PathRule::kOctileCuts,
     "4bd28e0bcf40facb74ff110ece2c93d6b231cb44a71a4c9172bedb1143e8beff"},
    {50, 66, 20, 255, PathRule::kFour,
     "c965f6948a813fb4cdf5c31ffa3be2c36fd3af30aab1c8dcfe4e46b03ccddea6"},
    {50, 66, 20, 255, PathRule::kOctile,
     "c706960a0f084dfda782b3cd2a5d58d326bcf6cf77555ee950b167dd46516d6e"},
    {49, 35, 30, 9, PathRule::kOctileCuts,
     "a6402a470e899fa112507f7f22f1e0734072722ce2c8cdb5361607b3a368774c"},
    {1, 70, 0, 255, PathRule::kOctile,
     "3545862beec0f714df9e6557a591b1db8526b284fa06424bed784bd6b91d7284"},
    {130, 2, 10, 3, PathRule::kOctileCuts,
     "1019cb326dc8bcbc1b0345834c9a489829918effb5a2533e79cf44855059397e"},
};

std::string answer_text(const PathAnswerField& answer) {
    return std::to_string(answer.width) + " x " + std::to_string(answer.height) + " cells, " +
           std::to_string(answer.walls) + " % walls, costs to " + std::to_string(answer.weight) +
           ", rule " + std::to_string(static_cast<int>(answer.rule));
}

}  // namespace

std::span<const PathAnswerField> path_answers() {
    return kPathAnswers;
}

PathGrid make_answer_grid(const PathAnswerField& answer, PathCell& goal) {
    const size_t cells = size_t{answer.width} * answer.height;
    std::vector<uint8_t> costs(cells);
    Prng prng(answer.width * 1000 + answer.height);
    for (uint8_t& cost : costs) {
        const bool wall = prng.below(100) < answer.walls;
        const auto weight = static_cast<uint8_t>(1 + prng.below(answer.weight));
        cost = wall ? uint8_t{0} : weight;
    }
    size_t at = cells / 2;
    while (at < cells - 1 && costs[at] == 0) ++at;
    goal = {static_cast<int32_t>(at % answer.width), static_cast<int32_t>(at / answer.width)};
    PathGrid grid(answer.width, answer.height);
    grid.set_costs(costs);
    return grid;
}

Result<std::string> field_digest(const PathAnswerField& answer, const MakeField& make) {
    PathCell goal;
    const PathGrid grid = make_answer_grid(answer, goal);
    std::vector<uint8_t> field(size_t{answer.width} * answer.height);
    if (Result<Done> done = make(grid, answer.rule, goal, field.data()); !done) {
        return done.error();
    }
    return to_hex(sha256(field));
}

Result<Done> make_field_native(const PathGrid& grid, PathRule rule, PathCell goal, uint8_t* field) {
    PathScratch scratch;
    PathQuery query;
    query.rule = rule;
    query.algorithm = PathAlgorithm::kFlowField;
    uint64_t cells_reached = 0;
    const PathEnd end = search_field(grid, query, goal, scratch, cells_reached);
    if (end == PathEnd::kGoalBlocked) scratch.begin(grid);  // nothing reaches it
    FlowField(grid, rule, scratch).write(field);
    return Done{};
}

Result<Done> check_path_answers(PathGpu& path) {
    for (const PathAnswerField& answer : kPathAnswers) {
        const Result<std::string> digest =
            field_digest(answer, [&](const PathGrid& grid, PathRule rule, PathCell goal,
                                     uint8_t* field) { return path.run(grid, rule, goal, field); });
        if (!digest) return digest.error();
        if (*digest == answer.sha256) continue;
        return make_error(Status::kDevice, "the self-test of ai_pathfinding failed: " +
                                               answer_text(answer) + ", gave " + *digest);
    }
    return Done{};
}

}  // namespace p2c2r::kernels
