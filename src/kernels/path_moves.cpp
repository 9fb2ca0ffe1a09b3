#include "kernels/path_moves.h"

namespace p2c2r::kernels {

namespace {

// The four diagonals as sums of their straight parts.
constexpr uint32_t kEast = 0, kSouth = 1, kWest = 2, kNorth = 3;

constexpr Directions bit(uint32_t direction) {
    return static_cast<Directions>(1u << direction);
}

uint32_t direction_of(int32_t dx, int32_t dy) {
    for (uint32_t d = 0; d < kDirections; ++d) {
        if (kStepX[d] == dx && kStepY[d] == dy) return d;
    }
    return kDirections;  // never: the callers give steps to neighbours
}

struct Around {
    Surroundings bits;
    [[nodiscard]] bool blocked(int32_t dx, int32_t dy) const {
        return bits >> (dx + 1 + 3 * (dy + 1)) & 1;
    }
    [[nodiscard]] bool free(int32_t dx, int32_t dy) const { return !blocked(dx, dy); }
};

Directions legal_steps(PathRule rule, const Around& around) {
    Directions steps = 0;
    for (uint32_t d = 0; d < kDirections; ++d) {
        const int32_t dx = kStepX[d];
        const int32_t dy = kStepY[d];
        if (d >= 4 && rule == PathRule::kFour) continue;
        if (around.blocked(dx, dy)) continue;
        const bool corner = around.blocked(dx, 0) || around.blocked(0, dy);
        if (d >= 4 && rule == PathRule::kOctile && corner) continue;
        steps |= bit(d);
    }
    return steps;
}

Directions after_diagonal(PathRule rule, const Around& around, int32_t dx, int32_t dy) {
    Directions steps =
        bit(direction_of(dx, dy)) | bit(direction_of(dx, 0)) | bit(direction_of(0, dy));
    if (rule == PathRule::kOctileCuts) {
        if (around.blocked(-dx, 0)) steps |= bit(direction_of(-dx, dy));
        if (around.blocked(0, -dy)) steps |= bit(direction_of(dx, -dy));
    }
    return steps;
}

Directions after_straight(PathRule rule, const Around& around, uint32_t d) {
    const int32_t dx = kStepX[d];
    const int32_t dy = kStepY[d];
    Directions steps = bit(d);
    for (const int32_t side : {-1, 1}) {
        // To the side: (sx, sy).
        const int32_t sx = dy * side;
        const int32_t sy = dx * side;
        switch (rule) {
            case PathRule::kFour:
                if (dy == 0 || around.blocked(sx, -dy)) steps |= bit(direction_of(sx, sy));
                break;
            case PathRule::kOctile:
                if (around.blocked(sx - dx, sy - dy)) {
                    steps |= bit(direction_of(sx, sy)) | bit(direction_of(sx + dx, sy + dy));
                }
                break;
            case PathRule::kOctileCuts:
                if (around.blocked(sx, sy)) steps |= bit(direction_of(sx + dx, sy + dy));
                break;
        }
    }
    return steps;
}

}  // namespace

PathMoves::PathMoves(PathRule rule) {
    static_assert(opposite(kEast) == kWest && opposite(kSouth) == kNorth);
    for (Surroundings bits = 0; bits < 512; ++bits) {
        const Around around{bits};
        legal_[bits] = legal_steps(rule, around);
        for (uint32_t d = 0; d < kDirections; ++d) {
            Directions steps = 0;
            if (d < 4) {
                steps = after_straight(rule, around, d);
            } else if (rule != PathRule::kFour) {
                steps = after_diagonal(rule, around, kStepX[d], kStepY[d]);
            }
            follow_[d][bits] = steps & legal_[bits];
        }
    }
}

const PathMoves& PathMoves::of(PathRule rule) {
    static const PathMoves four(PathRule::kFour);
    static const PathMoves octile(PathRule::kOctile);
    static const PathMoves cuts(PathRule::kOctileCuts);
    if (rule == PathRule::kFour) return four;
    return rule == PathRule::kOctile ? octile : cuts;
}

}  // namespace p2c2r::kernels
