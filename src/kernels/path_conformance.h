// Known answers of `ai_pathfinding`: grids made from integers, and the digests of their flow
// fields.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/path_gpu.h"

namespace p2c2r::kernels {

struct PathAnswerField {
    uint32_t width, height;
    uint32_t walls;   // of 100 cells
    uint32_t weight;  // cells cost 1..weight
    PathRule rule;
    std::string_view sha256;  // of the field, 64 hex digits
};
std::span<const PathAnswerField> path_answers();

// The grid of an answer; its goal is the free cell that is first in reading order from the middle
// on.
PathGrid make_answer_grid(const PathAnswerField& answer, PathCell& goal);

// The digest of the field that `make` makes for the answer's grid.
using MakeField =
    std::function<Result<Done>(const PathGrid& grid, PathRule rule, PathCell goal, uint8_t* field)>;
Result<std::string> field_digest(const PathAnswerField& answer, const MakeField& make);
// By the processor.
Result<Done> make_field_native(const PathGrid& grid, PathRule rule, PathCell goal, uint8_t* field);

// kDevice, naming the first answer that is wrong.
Result<Done> check_path_answers(PathGpu& path);

}  // namespace p2c2r::kernels
