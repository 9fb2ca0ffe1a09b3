// Which steps leave a cell, and which of them a search needs to follow.
//
// Where all cells cost the same, many paths are equally short and differ in the order of their
// steps only. A search needs one of each such family, so a step is left out when the family has a
// member that does not take it after the step that came before. With diagonals the family's member
// is the one whose diagonals come first:
//
//   after a diagonal    the same diagonal and its two straight parts
//   after a straight    the same straight; more only at the end of a wall, where the member that
//                       turns earlier is shut out: beside the cell just left (corners may not be
//                       cut) or beside this one (they may)
//
// Without diagonals it is the one whose horizontal steps come first: after a horizontal step all
// but back, after a vertical one ahead, and aside at the end of a wall.
//
// Whoever follows these steps from every shortest way into a cell finds a shortest path to every
// cell. It is the rule of jump point search; stepping cell by cell obeys it as well.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "kernels/path_grid.h"
#include "shaders/path.h"

namespace p2c2r::kernels {

inline constexpr uint32_t kDirections = 8;
inline constexpr std::array<int32_t, kDirections> kStepX{1, 0, -1, 0, 1, -1, -1, 1};
inline constexpr std::array<int32_t, kDirections> kStepY{0, 1, 0, -1, 1, 1, -1, -1};
// Bits: sets of directions.
using Directions = uint8_t;
inline constexpr Directions kAllDirections = 0xFF;

inline constexpr uint64_t kStraight = kPathStraight;
inline constexpr uint64_t kDiagonal = kPathDiagonal;
constexpr uint64_t step_length(uint32_t direction) {
    return direction < 4 ? kStraight : kDiagonal;
}
constexpr uint32_t opposite(uint32_t direction) {
    return direction ^ 2;
}
constexpr PathCell stepped(PathCell cell, uint32_t direction) {
    return {cell.x + kStepX[direction], cell.y + kStepY[direction]};
}

// The cells around one, a bit each, 1: blocked: bit (dx + 1) + 3 * (dy + 1).
using Surroundings = uint32_t;
inline Surroundings surroundings(const BitView& rows, PathCell cell) {
    return rows.nine(cell.y, cell.x);
}
inline Surroundings surroundings(const PathGrid& grid, PathCell cell) {
    return surroundings(grid.rows().view(), cell);
}

class PathMoves {
  public:
    static const PathMoves& of(PathRule rule);

    // The steps that the rule allows.
    [[nodiscard]] Directions legal(Surroundings around) const { return legal_[around]; }
    // Those to follow after a step in each of the directions `arrived`, one at least (all: at the
    // start).
    [[nodiscard]] Directions follow(Surroundings around, Directions arrived) const {
        if (arrived == kAllDirections) return legal_[around];
        uint32_t left = arrived;  // almost always one
        Directions all = follow_[static_cast<uint32_t>(std::countr_zero(left))][around];
        while ((left &= left - 1) != 0) {
            all |= follow_[static_cast<uint32_t>(std::countr_zero(left))][around];
        }
        return all;
    }

  private:
    explicit PathMoves(PathRule rule);

    std::array<Directions, 512> legal_;
    std::array<std::array<Directions, 512>, kDirections> follow_;
};

// What no path between two cells of an open map can undercut.
inline uint64_t path_estimate(PathRule rule, PathCell from, PathCell to) {
    const auto dx = static_cast<uint64_t>(from.x < to.x ? to.x - from.x : from.x - to.x);
    const auto dy = static_cast<uint64_t>(from.y < to.y ? to.y - from.y : from.y - to.y);
    if (rule == PathRule::kFour) return (dx + dy) * kStraight;
    const uint64_t low = dx < dy ? dx : dy;
    return (dx + dy - 2 * low) * kStraight + low * kDiagonal;
}

}  // namespace p2c2r::kernels
