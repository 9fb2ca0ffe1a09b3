#include "kernels/path_field.h"

#include <utility>

namespace p2c2r::kernels {

namespace {

constexpr uint8_t kNotAskedYet = 254;
// Between two looks at `stop`: a fraction of a millisecond.
constexpr uint32_t kCellsPerLook = 16'384;
static_assert(kNotAskedYet != kPathNone && kNotAskedYet > kPathArrived);

uint32_t find_direction(const PathGrid& grid, const PathMoves& moves, PathCell cell,
                        const PathScratch& scratch) {
    const PathNode& node = scratch.node(cell);
    if (node.stamp() != scratch.stamp()) return kPathNone;
    if (node.cost == 0) return kPathArrived;
    uint32_t steps = moves.legal(surroundings(grid, cell));
    for (; steps != 0; steps &= steps - 1) {
        const auto direction = static_cast<uint32_t>(std::countr_zero(steps));
        const PathCell next = stepped(cell, direction);
        const PathNode& there = scratch.node(next);
        if (there.stamp() == node.stamp() &&
            there.cost + step_length(direction) * grid.cost(next) == node.cost) {
            return direction;
        }
    }
    return kPathNone;  // never: a cell got its cost from one of these
}

}  // namespace

PathEnd search_field(const PathGrid& grid, const PathQuery& query, PathCell goal,
                     PathScratch& scratch, uint64_t& cells_reached) {
    cells_reached = 0;
    if (grid.blocked(goal)) return PathEnd::kGoalBlocked;
    scratch.begin(grid);
    return search_back(grid, query, goal, scratch, cells_reached);
}

FlowField::FlowField(const PathGrid& grid, PathRule rule, const PathScratch& scratch)
    : grid_(grid),
      moves_(&PathMoves::of(rule)),
      scratch_(&scratch),
      directions_(size_t{grid.width()} * grid.height(), kNotAskedYet) {}

FlowField::FlowField(const PathGrid& grid, std::vector<uint8_t> directions)
    : grid_(grid), directions_(std::move(directions)) {}

uint32_t FlowField::direction(PathCell cell) {
    uint8_t& known = directions_[static_cast<uint32_t>(cell.y) * size_t{grid_.width()} +
                                 static_cast<uint32_t>(cell.x)];
    if (known == kNotAskedYet && scratch_) {
        known = static_cast<uint8_t>(find_direction(grid_, *moves_, cell, *scratch_));
    }
    return known;
}

PathAnswer FlowField::follow(PathCell start) {
    PathAnswer answer;
    if (grid_.blocked(start)) {
        answer.end = PathEnd::kStartBlocked;
        return answer;
    }
    path_.assign(1, start);
    uint64_t lengths[2] = {0, 0};  // straight, diagonal
    PathCell cell = start;
    uint32_t step = direction(cell);
    for (; step < kDirections; step = direction(cell)) {
        cell = stepped(cell, step);
        if (grid_.blocked(cell) || path_.size() == directions_.size()) {
            answer.end = PathEnd::kBroken;
            return answer;
        }
        lengths[step / 4] += grid_.cost(cell);
        path_.push_back(cell);
    }
    if (step != kPathArrived) return answer;
    answer.end = PathEnd::kFound;
    answer.path = path_;
    answer.straight = lengths[0];
    answer.diagonal = lengths[1];
    return answer;
}

bool FlowField::write(uint8_t* out, const std::function<bool()>& stop) {
    uint32_t cells = 0;
    for (int32_t y = 0; y < static_cast<int32_t>(grid_.height()); ++y) {
        if (stop && cells == 0 && stop()) return false;
        cells += grid_.width();
        if (cells >= kCellsPerLook) cells = 0;
        for (int32_t x = 0; x < static_cast<int32_t>(grid_.width()); ++x) {
            *out++ = static_cast<uint8_t>(direction({x, y}));
        }
    }
    return true;
}

}  // namespace p2c2r::kernels
