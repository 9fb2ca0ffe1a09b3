// A plain path search to compare with: Dijkstra over a priority queue of floating-point costs, and
// the check that a path is one. Nothing of the library's own searches or metric is used.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "core/prng.h"
#include "kernels/path_grid.h"

namespace p2c2r::test {

using kernels::PathCell;
using kernels::PathGrid;
using kernels::PathRule;

// Straight and diagonal steps, each counted with the cost of the cell it enters.
struct PathLength {
    uint64_t straight = 0;
    uint64_t diagonal = 0;
    [[nodiscard]] long double value() const {
        return static_cast<long double>(straight) +
               static_cast<long double>(diagonal) * 1.41421356237309504880L;
    }
    bool operator==(const PathLength&) const = default;
};

inline bool step_allowed(const PathGrid& grid, PathRule rule, PathCell from, int dx, int dy) {
    const PathCell to{from.x + dx, from.y + dy};
    if (!grid.inside(to) || grid.blocked(to)) return false;
    if (dx == 0 || dy == 0) return true;
    if (rule == PathRule::kFour) return false;
    if (rule == PathRule::kOctileCuts) return true;
    return !grid.blocked({from.x + dx, from.y}) && !grid.blocked({from.x, from.y + dy});
}

// Nothing: there is no path.
inline std::optional<PathLength> shortest_path(const PathGrid& grid, PathRule rule, PathCell start,
                                               PathCell goal) {
    if (grid.blocked(start) || grid.blocked(goal)) return std::nullopt;
    const auto place = [&](PathCell cell) {
        return static_cast<size_t>(cell.y) * grid.width() + static_cast<size_t>(cell.x);
    };
    struct Open {
        PathLength length;
        PathCell cell;
        bool operator<(const Open& other) const { return length.value() > other.length.value(); }
    };
    std::vector<std::optional<PathLength>> best(size_t{grid.width()} * grid.height());
    std::priority_queue<Open> open;
    best[place(start)] = PathLength{};
    open.push({{}, start});
    while (!open.empty()) {
        const Open top = open.top();
        open.pop();
        if (top.cell == goal) return top.length;
        if (!(*best[place(top.cell)] == top.length)) continue;
        for (int dy = -1; dy <= 1; ++dy) {
            for (int dx = -1; dx <= 1; ++dx) {
                if ((dx == 0 && dy == 0) || !step_allowed(grid, rule, top.cell, dx, dy)) continue;
                const PathCell next{top.cell.x + dx, top.cell.y + dy};
                PathLength length = top.length;
                (dx != 0 && dy != 0 ? length.diagonal : length.straight) += grid.cost(next);
                auto& known = best[place(next)];
                if (known && known->value() <= length.value()) continue;
                known = length;
                open.push({length, next});
            }
        }
    }
    return std::nullopt;
}

// The length of a path; nothing when it is none.
inline std::optional<PathLength> measure_path(const PathGrid& grid, PathRule rule,
                                              const std::vector<PathCell>& path, PathCell start,
                                              PathCell goal) {
    if (path.empty() || !(path.front() == start) || !(path.back() == goal)) return std::nullopt;
    PathLength length;
    for (size_t i = 1; i < path.size(); ++i) {
        const int dx = path[i].x - path[i - 1].x;
        const int dy = path[i].y - path[i - 1].y;
        if (std::abs(dx) > 1 || std::abs(dy) > 1 || (dx == 0 && dy == 0)) return std::nullopt;
        if (!step_allowed(grid, rule, path[i - 1], dx, dy)) return std::nullopt;
        (dx != 0 && dy != 0 ? length.diagonal : length.straight) += grid.cost(path[i]);
    }
    return length;
}

// Walls strewn over the grid, or in long lines with few gaps; costs of 1..cost_high.
inline PathGrid random_path_grid(Prng& prng, uint32_t side_max, uint32_t cost_high) {
    const auto width = static_cast<uint32_t>(1 + prng.below(side_max));
    const auto height = static_cast<uint32_t>(1 + prng.below(side_max));
    const double walls = prng.unit() * prng.unit() * 0.7;
    const bool lines = prng.chance(0.4);
    std::vector<uint8_t> costs(size_t{width} * height);
    for (uint8_t& cost : costs) {
        const bool wall = !lines && prng.chance(walls);
        cost = static_cast<uint8_t>(wall ? 0 : 1 + prng.below(cost_high));
    }
    for (uint32_t i = 0; lines && i < (width + height) / 8 + 1; ++i) {
        const bool across = prng.chance(0.5);
        const auto line = static_cast<uint32_t>(prng.below(across ? height : width));
        for (uint32_t at = 0; at < (across ? width : height); ++at) {
            if (prng.chance(0.04)) continue;
            costs[across ? size_t{line} * width + at : size_t{at} * width + line] = 0;
        }
    }
    PathGrid grid(width, height);
    grid.set_costs(costs);
    return grid;
}

inline PathCell random_cell(Prng& prng, const PathGrid& grid) {
    PathCell cell;
    // Mostly a free one.
    for (int tries = 0; tries < 20; ++tries) {
        cell = {static_cast<int32_t>(prng.below(grid.width())),
                static_cast<int32_t>(prng.below(grid.height()))};
        if (!grid.blocked(cell)) break;
    }
    return cell;
}

inline constexpr PathRule kPathRules[] = {PathRule::kFour, PathRule::kOctile,
                                          PathRule::kOctileCuts};

}  // namespace p2c2r::test
