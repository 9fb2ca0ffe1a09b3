// Jump point search. Along a straight line a search has nothing to decide until a wall ends beside
// it, the goal comes or a wall stands in the way, so it jumps there, 64 cells at a look. Along a
// diagonal (or, without diagonals, a horizontal line) it goes cell by cell and looks along the
// straight lines that branch off; a cell with something to find on one of them is where it stops.
#include <bit>

#include "kernels/path_search.h"

namespace p2c2r::kernels {

namespace {

constexpr uint32_t kBucketShift = 27;     // a tenth of a cell
constexpr uint64_t kJumpStopEvery = 256;  // nodes
constexpr int32_t kNowhere = -1;

// Bits where the wall beside the line ends such that there is something to decide. The line is
// walked towards higher places if `kUp`, 64 cells at a time.
template <bool kUp, bool kCuts>
class WallEnds {
  public:
    WallEnds(const BitView& lines, int32_t side, int32_t from)
        : lines_(lines), side_(side), before_(lines.blocked(side, from) ? 1 : 0) {}
    // For the 64 cells from `at` on, which follow those of the last call.
    uint64_t next(int32_t at) {
        const uint64_t here = lines_.block(side_, at);
        // Corners may be cut: the wall is here and ends ahead.
        if constexpr (kCuts) return here & ~lines_.block(side_, kUp ? at + 1 : at - 1);
        // Else: it was at the place before and has ended here.
        const uint64_t behind = kUp ? here << 1 | before_ : here >> 1 | before_ << 63;
        before_ = kUp ? here >> 63 : here & 1;
        return behind & ~here;
    }

  private:
    const BitView& lines_;
    const int32_t side_;
    uint64_t before_;
};

// Where a walk along `line` from `from` (free) stops with something to decide, or kNowhere. `goal`
// is the goal's place if it lies on this line.
template <bool kUp, bool kCuts>
int32_t jump_along(const BitView& lines, int32_t line, int32_t from, int32_t goal) {
    WallEnds<kUp, kCuts> low(lines, line - 1, from);
    WallEnds<kUp, kCuts> high(lines, line + 1, from);
    int32_t at = kUp ? from + 1 : from - 64;
    for (;; at += kUp ? 64 : -64) {
        const uint64_t walls = lines.block(line, at);
        const uint64_t stops = walls | low.next(at) | high.next(at);
        if (stops == 0) {
            if (goal != kNowhere && goal >= at && goal < at + 64) return goal;
            continue;
        }
        const int32_t place = kUp ? std::countr_zero(stops) : 63 - std::countl_zero(stops);
        const int32_t stop = at + place;
        // `from` itself is never the goal's place: a search that stood there has ended.
        if (goal != kNowhere && (kUp ? goal > from && goal < stop : goal < from && goal > stop)) {
            return goal;
        }
        return walls >> place & 1 ? kNowhere : stop;
    }
}

template <PathRule kRule>
class JumpSearch {
  public:
    JumpSearch(const PathGrid& grid, const PathQuery& query, PathCell goal, PathScratch& scratch)
        : rows_(grid.rows().view()),
          columns_(grid.columns().view()),
          query_(query),
          goal_(goal),
          scratch_(scratch),
          moves_(PathMoves::of(kRule)),
          stamp_(scratch.stamp()),
          cost_(grid.cost_low()) {}

    PathEnd run(PathCell start) {
        BucketQueue& open = scratch_.open;
        open.begin(key(0, start), kBucketShift);
        const uint32_t begin = PathScratch::cell_number(start);
        const uint32_t goal = PathScratch::cell_number(goal_);
        scratch_.node(start) = PathNode::reached(0, begin, kAllDirections, stamp_);
        open.push(key(0, start), begin);
        for (;;) {
            // As in a search by steps: what costs as much as the goal cannot lead there more
            // cheaply.
            if (goal_cost_ != kPathCostUnknown && !open.bucket_left()) return PathEnd::kFound;
            if (open.empty()) return PathEnd::kUnreachable;
            const uint32_t number = open.pop();
            const PathCell cell = PathScratch::cell_of(number);
            PathNode& node = scratch_.node(cell);
            if (node.waiting() == 0) continue;  // followed since it was put in
            if (goal_cost_ != kPathCostUnknown && key(node.cost, cell) >= goal_cost_) continue;
            if (number == goal) {
                goal_cost_ = node.cost;
                node.wait_no_more();
                continue;
            }
            if (explored == query_.max_nodes) return PathEnd::kMaxNodes;
            if (++explored % kJumpStopEvery == 0 && query_.stop && query_.stop()) {
                return PathEnd::kStopped;
            }
            follow(cell, number, node);
        }
    }

    uint64_t explored = 0;

  private:
    [[nodiscard]] uint64_t key(uint64_t cost, PathCell cell) const {
        return cost + path_estimate(kRule, cell, goal_) * cost_;
    }

    void follow(PathCell cell, uint32_t number, PathNode& node) {
        const uint64_t cost = node.cost;
        uint32_t steps =
            moves_.follow(surroundings(rows_, cell), static_cast<Directions>(node.waiting())) &
            ~node.taken();
        node.take(steps);
        node.wait_no_more();
        for (; steps != 0; steps &= steps - 1) {
            const auto direction = static_cast<uint32_t>(std::countr_zero(steps));
            const PathCell to = jump(cell, direction);
            if (to.x == kNowhere) continue;
            const auto count = static_cast<uint64_t>(
                to.x != cell.x ? (to.x > cell.x ? to.x - cell.x : cell.x - to.x)
                               : (to.y > cell.y ? to.y - cell.y : cell.y - to.y));
            reach(to, cost + count * step_length(direction) * cost_, number, direction);
        }
    }

    void reach(PathCell cell, uint64_t cost, uint32_t before, uint32_t direction) {
        PathNode& node = scratch_.node(cell);
        if (node.stamp() != stamp_ || cost < node.cost) {
            node = PathNode::reached(cost, before, 1u << direction, stamp_);
        } else if (cost == node.cost) {
            const bool waits = node.waiting() != 0;
            node.wait(direction);
            if (waits) return;
        } else {
            return;
        }
        const uint64_t at = key(cost, cell);
        if (at < goal_cost_) scratch_.open.push(at, PathScratch::cell_number(cell));
    }

    // x is kNowhere when there is nothing to find.
    [[nodiscard]] PathCell jump(PathCell cell, uint32_t direction) const {
        if (direction >= 4) return jump_diagonal(cell, direction);
        if (direction == 1 || direction == 3) {
            const int32_t y = along_column(cell, kStepY[direction]);
            return {y == kNowhere ? kNowhere : cell.x, y};
        }
        if (kRule == PathRule::kFour) return jump_horizontal(cell, kStepX[direction]);
        return {along_row(cell, kStepX[direction]), cell.y};
    }

    [[nodiscard]] int32_t along_row(PathCell cell, int32_t dx) const {
        return along(rows_, cell.y, cell.x, dx, goal_.y == cell.y ? goal_.x : kNowhere);
    }
    [[nodiscard]] int32_t along_column(PathCell cell, int32_t dy) const {
        return along(columns_, cell.x, cell.y, dy, goal_.x == cell.x ? goal_.y : kNowhere);
    }
    static int32_t along(const BitView& lines, int32_t line, int32_t from, int32_t step,
                         int32_t goal) {
        constexpr bool kCuts = kRule == PathRule::kOctileCuts;
        return step > 0 ? jump_along<true, kCuts>(lines, line, from, goal)
                        : jump_along<false, kCuts>(lines, line, from, goal);
    }

    [[nodiscard]] PathCell jump_diagonal(PathCell cell, uint32_t direction) const {
        const int32_t dx = kStepX[direction];
        const int32_t dy = kStepY[direction];
        Surroundings around = surroundings(rows_, cell);
        while (moves_.legal(around) >> direction & 1) {
            cell = {cell.x + dx, cell.y + dy};
            if (cell == goal_) return cell;
            around = surroundings(rows_, cell);
            if (kRule == PathRule::kOctileCuts && turns(around, direction)) return cell;
            if (along_row(cell, dx) != kNowhere || along_column(cell, dy) != kNowhere) return cell;
        }
        return {kNowhere, kNowhere};
    }

    // Whether more than the diagonal and its two straight parts leaves a cell.
    [[nodiscard]] bool turns(Surroundings around, uint32_t direction) const {
        constexpr Directions kNatural[4] = {1 << 4 | 1 << 0 | 1 << 1, 1 << 5 | 1 << 2 | 1 << 1,
                                            1 << 6 | 1 << 2 | 1 << 3, 1 << 7 | 1 << 0 | 1 << 3};
        const auto arrived = static_cast<Directions>(1u << direction);
        return (moves_.follow(around, arrived) & ~kNatural[direction - 4]) != 0;
    }

    [[nodiscard]] PathCell jump_horizontal(PathCell cell, int32_t dx) const {
        for (;;) {
            cell.x += dx;
            if (rows_.blocked(cell.y, cell.x)) return {kNowhere, kNowhere};
            if (cell == goal_) return cell;
            if (along_column(cell, -1) != kNowhere || along_column(cell, 1) != kNowhere) {
                return cell;
            }
        }
    }

    const BitView rows_;
    const BitView columns_;
    const PathQuery& query_;
    const PathCell goal_;
    PathScratch& scratch_;
    const PathMoves& moves_;
    const uint32_t stamp_;
    const uint64_t cost_;
    uint64_t goal_cost_ = kPathCostUnknown;
};

template <PathRule kRule>
PathEnd run_jumping(const PathGrid& grid, const PathQuery& query, PathCell start, PathCell goal,
                    PathScratch& scratch, uint64_t& nodes_explored) {
    JumpSearch<kRule> search(grid, query, goal, scratch);
    const PathEnd end = search.run(start);
    nodes_explored = search.explored;
    return end;
}

}  // namespace

PathEnd search_jumping(const PathGrid& grid, const PathQuery& query, PathCell start, PathCell goal,
                       PathScratch& scratch, uint64_t& nodes_explored) {
    switch (query.rule) {
        case PathRule::kFour:
            return run_jumping<PathRule::kFour>(grid, query, start, goal, scratch, nodes_explored);
        case PathRule::kOctile:
            return run_jumping<PathRule::kOctile>(grid, query, start, goal, scratch,
                                                  nodes_explored);
        case PathRule::kOctileCuts:
            break;
    }
    return run_jumping<PathRule::kOctileCuts>(grid, query, start, goal, scratch, nodes_explored);
}

}  // namespace p2c2r::kernels
