// Cell by cell: A*, Dijkstra and the flow field are one search with other estimates.
//
// The open list is a ring of buckets. Inside one the order is last in first out, so a label may
// still be lowered after its cell was followed; then the cell waits again. A cell waits with the
// directions it was reached from: where all cells cost the same, only the steps that
// path_moves.h asks for after those are followed, and a second way of the same cost adds its
// direction. The search ends when the goal's label is lowest: when its bucket has no entry left
// that could still lower it.
#include "kernels/path_search.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace p2c2r::kernels {

namespace {

constexpr uint64_t kSearchStopEvery = 4096;  // nodes

// Widths of buckets. With an estimate a key rises by at most 2 * 1.42 * cost in one step, without
// one by 1.42 * cost, which has to be less than 4096 buckets. Without an estimate a bucket that is
// no wider than the cheapest step never has a label that another one in it can lower.
constexpr uint32_t kShiftEven = 27;
constexpr uint32_t kShiftWeighted = 28;
constexpr uint32_t kShiftNoEstimate = 30;
static_assert((2 * 255 * kDiagonal >> kShiftWeighted) + 2 < BucketQueue::kRing);
static_assert(uint64_t{1} << kShiftNoEstimate <= kStraight);

// Where all cells cost so little, a step never leads 64 buckets ahead.
constexpr uint32_t kNearCostMax = 2;
static_assert((2 * kNearCostMax * kDiagonal >> kShiftEven) + 2 < NearQueue<kShiftEven>::kRing);

enum class Form : uint8_t {
    kForward,  // from the start, with an estimate
    kPlain,    // from the start, without one
    kBack,     // from the goal: a step costs what entering the cell it comes from costs
};

// Grids of up to so many cells have their nodes in the second cache.
constexpr uint32_t kCellsCached = 65536;

// The open list holds numbers of cells with a direction of arrival above them.
constexpr uint32_t kNumberBits = 24;
constexpr uint32_t kNumberMask = (1u << kNumberBits) - 1;
static_assert(kPathSideMax * kPathSideMax - 1 <= kNumberMask);

constexpr uint32_t shift_of(Form form, bool weighted) {
    if (form != Form::kForward) return kShiftNoEstimate;
    return weighted ? kShiftWeighted : kShiftEven;
}

template <Form kForm, bool kWeighted, class Queue>
class StepSearch {
  public:
    StepSearch(const PathGrid& grid, const PathQuery& query, PathScratch& scratch, PathCell to)
        : grid_(grid),
          rows_(grid.rows().view()),
          query_(query),
          scratch_(scratch),
          moves_(PathMoves::of(query.rule)),
          nodes_(scratch.nodes()),
          stamp_(scratch.stamp()),
          cost_low_(grid.cost_low()),
          to_(to),
          is_large_(grid.width() * grid.height() > kCellsCached) {
        for (uint32_t d = 0; d < kDirections; ++d) {
            place_steps_[d] = kStepX[d] + kStepY[d] * static_cast<int32_t>(grid.width());
            number_steps_[d] = PathScratch::cell_number({1 + kStepX[d], 1 + kStepY[d]}) -
                               PathScratch::cell_number({1, 1});
        }
    }

    // `open` is empty, and has key(0, from) as its lowest key.
    PathEnd run(Queue& open, PathCell from) {
        const uint32_t goal = kForm == Form::kBack ? UINT32_MAX : PathScratch::cell_number(to_);
        const uint32_t begin = PathScratch::cell_number(from);
        nodes_[scratch_.place(from)] = PathNode::reached(0, begin, kAllDirections, stamp_);
        open.push(key(0, from), begin);
        if (kForm == Form::kBack) explored = 1;
        for (uint64_t turn = 1;; ++turn) {
            // What costs as much as the goal cannot lead there more cheaply.
            if (goal_cost_ != kPathCostUnknown && !open.bucket_left()) return PathEnd::kFound;
            if (open.empty()) return PathEnd::kUnreachable;
            const uint32_t entry = open.pop();
            const uint32_t number = entry & kNumberMask;
            const PathCell cell = PathScratch::cell_of(number);
            const size_t place = scratch_.place(cell);
            PathNode& node = nodes_[place];
            if (node.waiting() == 0) continue;  // followed since it was put in
            if (goal_cost_ != kPathCostUnknown && key(node.cost, cell) >= goal_cost_) continue;
            if (number == goal) {
                // Without an estimate this is its lowest label already.
                if (kForm == Form::kPlain) return PathEnd::kFound;
                goal_cost_ = node.cost;
                node.wait_no_more();
                continue;
            }
            if (kForm == Form::kBack ? explored > query_.max_nodes
                                     : explored++ == query_.max_nodes) {
                explored = query_.max_nodes;
                return PathEnd::kMaxNodes;
            }
            if (turn % kSearchStopEvery == 0 && query_.stop && query_.stop())
                return PathEnd::kStopped;
            follow(open, number, cell, place, node, entry >> kNumberBits);
        }
    }

    [[nodiscard]] uint64_t key(uint64_t cost, PathCell cell) const {
        if constexpr (kForm != Form::kForward) return cost;
        return cost + path_estimate(query_.rule, cell, to_) * cost_low_;
    }

    // Cells whose steps were followed; kBack: cells that were reached.
    uint64_t explored = 0;

  private:
    // `arrived`: a guess from which direction.
    void follow(Queue& open, uint32_t number, PathCell cell, size_t place, PathNode& node,
                uint32_t arrived) {
        const Surroundings around = surroundings(rows_, cell);
        const uint64_t cost = node.cost;
        uint32_t steps = moves_.legal(around);
        if constexpr (!kWeighted) {
            steps = moves_.follow(around, static_cast<Directions>(node.waiting())) & ~node.taken();
            node.take(steps);
        }
        node.wait_no_more();
        [[maybe_unused]] uint64_t weight = cost_low_;
        if constexpr (kWeighted && kForm == Form::kBack) weight = grid_.cost(cell);
        const auto step = [&](uint32_t direction) {
            const uint32_t next = number + number_steps_[direction];
            if constexpr (kWeighted && kForm != Form::kBack) {
                weight = grid_.cost(PathScratch::cell_of(next));
            }
            PathNode& there = nodes_[place + static_cast<size_t>(place_steps_[direction])];
            if (is_large_) __builtin_prefetch(&there + place_steps_[direction], 1);
            reach(open, next, there, cost + step_length(direction) * weight, number, direction);
        };
        // Most go straight on: then where to is known before the map has been looked at.
        if (!kWeighted && steps == 1u << arrived) return step(arrived);
        for (; steps != 0; steps &= steps - 1) {
            step(static_cast<uint32_t>(std::countr_zero(steps)));
        }
    }

    void reach(Queue& open, uint32_t number, PathNode& node, uint64_t cost, uint32_t before,
               uint32_t direction) {
        const bool is_new = node.stamp() != stamp_;
        if (is_new || cost < node.cost) {
            if (kForm == Form::kBack && is_new) ++explored;
            node = PathNode::reached(cost, before, 1u << direction, stamp_);
        } else if (!kWeighted && cost == node.cost) {
            // A second way of the same cost: its steps may be others.
            const bool waits = node.waiting() != 0;
            node.wait(direction);
            if (waits) return;
        } else {
            return;
        }
        const uint64_t at = key(cost, PathScratch::cell_of(number));
        if (at >= goal_cost_) return;
        open.push(at, number | direction << kNumberBits);
    }

    const PathGrid& grid_;
    const BitView rows_;
    const PathQuery& query_;
    PathScratch& scratch_;
    const PathMoves& moves_;
    PathNode* const nodes_;
    const uint32_t stamp_;
    const uint64_t cost_low_;
    const PathCell to_;                                 // kBack does not look at it
    std::array<ptrdiff_t, kDirections> place_steps_{};  // what a step adds to a node's place
    std::array<uint32_t, kDirections> number_steps_{};  // to its number
    // More nodes than the nearest caches hold: then what comes next is asked for early.
    const bool is_large_;
    uint64_t goal_cost_ = kPathCostUnknown;
};

template <Form kForm, bool kWeighted>
PathEnd run_far(const PathGrid& grid, const PathQuery& query, PathCell from, PathCell to,
                PathScratch& scratch, uint64_t& explored) {
    StepSearch<kForm, kWeighted, BucketQueue> search(grid, query, scratch, to);
    scratch.open.begin(search.key(0, from), shift_of(kForm, kWeighted));
    const PathEnd end = search.run(scratch.open, from);
    explored = search.explored;
    return end;
}

template <Form kForm>
PathEnd run_near(const PathGrid& grid, const PathQuery& query, PathCell from, PathCell to,
                 PathScratch& scratch, uint64_t& explored) {
    using Queue = NearQueue<shift_of(kForm, false)>;
    StepSearch<kForm, false, Queue> search(grid, query, scratch, to);
    Queue open(search.key(0, from), scratch.near_entries);
    const PathEnd end = search.run(open, from);
    explored = search.explored;
    return end;
}

template <Form kForm>
PathEnd run_steps(const PathGrid& grid, const PathQuery& query, PathCell from, PathCell to,
                  PathScratch& scratch, uint64_t& explored) {
    if (grid.weighted()) return run_far<kForm, true>(grid, query, from, to, scratch, explored);
    if (grid.cost_low() > kNearCostMax) {
        return run_far<kForm, false>(grid, query, from, to, scratch, explored);
    }
    return run_near<kForm>(grid, query, from, to, scratch, explored);
}

}  // namespace

const char* path_algorithm_name(PathAlgorithm algorithm) {
    switch (algorithm) {
        case PathAlgorithm::kAstar:
            return "astar";
        case PathAlgorithm::kDijkstra:
            return "dijkstra";
        case PathAlgorithm::kJps:
            return "jps";
        case PathAlgorithm::kFlowField:
            break;
    }
    return "flow_field";
}

const char* path_end_text(PathEnd end) {
    switch (end) {
        case PathEnd::kStartBlocked:
            return "start_blocked";
        case PathEnd::kGoalBlocked:
            return "goal_blocked";
        case PathEnd::kUnreachable:
            return "unreachable";
        case PathEnd::kMaxNodes:
            return "max_nodes";
        case PathEnd::kFound:
        case PathEnd::kStopped:
        case PathEnd::kBroken:
            break;
    }
    return "";
}

// ---- memory -------------------------------------------------------------------------------------

void PathScratch::Free::operator()(PathNode* nodes) const {
    std::free(nodes);
}

void PathScratch::begin(const PathGrid& grid) {
    width_ = grid.width();
    const size_t needed = size_t{grid.height()} * width_;
    if (needed > capacity_) {
        nodes_.reset();
        capacity_ = 0;
        // Zeros that the system hands out page by page when they are touched. No search has stamp
        // 0.
        nodes_.reset(static_cast<PathNode*>(std::calloc(needed, sizeof(PathNode))));
        if (!nodes_) throw std::bad_alloc();
        capacity_ = needed;
        stamp_ = 0;
    }
    if (++stamp_ == 1u << 24) {
        std::memset(static_cast<void*>(nodes_.get()), 0, capacity_ * sizeof(PathNode));
        stamp_ = 1;
    }
}

void PathScratch::trim(size_t bytes) {
    if (capacity_ * sizeof(PathNode) <= bytes) return;
    nodes_.reset();
    capacity_ = 0;
    open = {};
    near_entries = {};
}

// ---- one path -----------------------------------------------------------------------------------

PathAnswer find_path(const PathGrid& grid, const PathQuery& query, PathCell start, PathCell goal,
                     PathScratch& scratch) {
    PathAnswer answer;
    if (grid.blocked(start) || grid.blocked(goal)) {
        answer.end = grid.blocked(start) ? PathEnd::kStartBlocked : PathEnd::kGoalBlocked;
        return answer;
    }
    scratch.begin(grid);
    uint64_t& explored = answer.nodes_explored;
    if (query.algorithm == PathAlgorithm::kJps) {
        answer.end = search_jumping(grid, query, start, goal, scratch, explored);
    } else if (query.algorithm == PathAlgorithm::kAstar) {
        answer.end = run_steps<Form::kForward>(grid, query, start, goal, scratch, explored);
    } else {
        answer.end = run_steps<Form::kPlain>(grid, query, start, goal, scratch, explored);
    }
    if (answer.end == PathEnd::kFound) collect_path(grid, scratch, start, goal, answer);
    return answer;
}

void collect_path(const PathGrid& grid, const PathScratch& scratch, PathCell start, PathCell goal,
                  PathAnswer& answer) {
    const auto cell_before = [&](PathCell cell) {
        return PathScratch::cell_of(scratch.node(cell).before());
    };
    size_t count = 1;
    for (PathCell cell = goal; cell != start;) {
        const PathCell before = cell_before(cell);
        count +=
            static_cast<size_t>(std::max(std::abs(cell.x - before.x), std::abs(cell.y - before.y)));
        cell = before;
    }
    answer.path.resize(count);
    answer.path[--count] = goal;
    for (PathCell cell = goal; cell != start;) {
        const PathCell before = cell_before(cell);
        const int32_t dx = (before.x > cell.x) - (before.x < cell.x);
        const int32_t dy = (before.y > cell.y) - (before.y < cell.y);
        uint64_t& length = dx != 0 && dy != 0 ? answer.diagonal : answer.straight;
        while (cell != before) {
            length += grid.cost(cell);
            cell = {cell.x + dx, cell.y + dy};
            answer.path[--count] = cell;
        }
    }
}

PathEnd search_back(const PathGrid& grid, const PathQuery& query, PathCell goal,
                    PathScratch& scratch, uint64_t& cells_reached) {
    const PathEnd end = run_steps<Form::kBack>(grid, query, goal, goal, scratch, cells_reached);
    // Nothing is looked for, so it ends when all has been reached.
    return end == PathEnd::kUnreachable ? PathEnd::kFound : end;
}

}  // namespace p2c2r::kernels
