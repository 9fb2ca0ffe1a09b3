// Relaxes the tiles of one colour: see path.h. A cell offers its neighbours what they would have
// left if they stepped on it; each takes the best offer, again and again until the tile is at rest
// or has had its turns. The rim around the tile only offers.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "path.h"

layout(local_size_x = kPathTile, local_size_y = kPathTile) in;

layout(std430, binding = 0) readonly buffer Cells { uint cells[]; };
layout(std430, binding = 1) buffer Left { uvec2 left[]; };
layout(std430, binding = 2) buffer Phases { uint phases[]; };
layout(std430, binding = 3) buffer Progress { uint progress[]; };
layout(push_constant) uniform Push { PathSlice slice; };

const uint kRim = kPathTile + 2u;
const uint kOffers = kRim * kRim;

// Offers for a straight and a diagonal step; (0, 0): none.
shared uvec2 straight[kOffers];
shared uvec2 diagonal[kOffers];
shared uint costs[kOffers];
shared uint last_turn;

bool more(uvec2 a, uvec2 b) { return a.y > b.y || (a.y == b.y && a.x > b.x); }

// What is left after a step of this length that costs `cost` times as much.
uvec2 after_step(uvec2 from, uint step_length, uint cost) {
    uint high;
    uint low;
    umulExtended(step_length, cost, high, low);
    uint borrow;
    uint rest = usubBorrow(from.x, low, borrow);
    return uvec2(rest, from.y - high - borrow);
}

void offer(uint at, uvec2 mine, uint cost) {
    bool there = cost != 0u && (mine.x | mine.y) != 0u;
    straight[at] = there ? after_step(mine, kPathStraight, cost) : uvec2(0u);
    diagonal[at] = there ? after_step(mine, kPathDiagonal, cost) : uvec2(0u);
}

// Loads the cell at (x, y), which may lie outside the grid, into place `at`.
uvec2 load(int x, int y, uint at) {
    uvec2 mine = uvec2(0u);
    uint cost = 0u;
    uint width = slice.tiles_x * kPathTile;
    if (x >= 0 && y >= 0 && uint(x) < width && uint(y) < slice.tiles_y * kPathTile) {
        uint cell = uint(y) * width + uint(x);
        cost = (cells[cell >> 2] >> ((cell & 3u) * 8u & 31u)) & 255u;
        mine = left[cell];
        if (uint(x) == slice.goal_x && uint(y) == slice.goal_y && cost != 0u) {
            mine = uvec2(kPathFarthestLow, kPathFarthestHigh);
        }
    }
    costs[at] = cost;
    offer(at, mine, cost);
    return mine;
}

// The last phase in which the tile at (x, y), or one of its neighbours, changed.
uint last_change(uint x, uint y) {
    uint last = 0u;
    uint x_last = min(x + 1u, slice.tiles_x - 1u);
    uint y_last = min(y + 1u, slice.tiles_y - 1u);
    for (uint ty = y == 0u ? 0u : y - 1u; ty <= y_last; ++ty) {
        for (uint tx = x == 0u ? 0u : x - 1u; tx <= x_last; ++tx) {
            last = max(last, phases[ty * slice.tiles_x + tx]);
        }
    }
    return last;
}

void main() {
    uint tile_x = (gl_WorkGroupID.x + slice.tile_column_first) * 2u + (slice.phase & 1u);
    uint tile_y = (gl_WorkGroupID.y + slice.tile_row_first) * 2u + ((slice.phase >> 1) & 1u);
    bool begins = slice.phase < kPathFirstPhase + 4u && tile_x == slice.goal_x / kPathTile &&
                  tile_y == slice.goal_y / kPathTile;
    // The same for the whole group.
    if (!begins && last_change(tile_x, tile_y) + 4u < slice.phase) return;

    uint place = gl_LocalInvocationIndex;
    int corner_x = int(tile_x * kPathTile) - 1;
    int corner_y = int(tile_y * kPathTile) - 1;
    uint at = (gl_LocalInvocationID.y + 1u) * kRim + gl_LocalInvocationID.x + 1u;
    if (place == 0u) last_turn = 0u;
    uvec2 mine = load(corner_x + int(gl_LocalInvocationID.x) + 1,
                      corner_y + int(gl_LocalInvocationID.y) + 1, at);
    // The rim: its upper and lower rows, then what is left of its columns.
    if (place < 2u * kRim) {
        uint along = place < kRim ? place : place - kRim;
        uint row = place < kRim ? 0u : kRim - 1u;
        load(corner_x + int(along), corner_y + int(row), row * kRim + along);
    } else if (place < 2u * kRim + 2u * kPathTile) {
        uint rest = place - 2u * kRim;
        uint along = rest < kPathTile ? rest : rest - kPathTile;
        uint column = rest < kPathTile ? 0u : kRim - 1u;
        load(corner_x + int(column), corner_y + int(along) + 1, (along + 1u) * kRim + column);
    }
    barrier();

    uint cost = costs[at];
    bool east = costs[at + 1u] != 0u, west = costs[at - 1u] != 0u;
    bool south = costs[at + kRim] != 0u, north = costs[at - kRim] != 0u;
    bool diagonals = (slice.rule & kPathRuleDiagonal) != 0u;
    bool cuts = (slice.rule & kPathRuleCutCorners) != 0u;
    bool south_east = diagonals && (cuts || (south && east));
    bool south_west = diagonals && (cuts || (south && west));
    bool north_west = diagonals && (cuts || (north && west));
    bool north_east = diagonals && (cuts || (north && east));
    uvec2 first = left[(uint(corner_y + 1) + gl_LocalInvocationID.y) * slice.tiles_x * kPathTile +
                       uint(corner_x + 1) + gl_LocalInvocationID.x];

    uint turn = 1u;
    for (; turn <= kPathTurnsMax; ++turn) {
        uvec2 best = mine;
        if (cost != 0u) {
            if (more(straight[at + 1u], best)) best = straight[at + 1u];
            if (more(straight[at + kRim], best)) best = straight[at + kRim];
            if (more(straight[at - 1u], best)) best = straight[at - 1u];
            if (more(straight[at - kRim], best)) best = straight[at - kRim];
            if (south_east && more(diagonal[at + kRim + 1u], best)) best = diagonal[at + kRim + 1u];
            if (south_west && more(diagonal[at + kRim - 1u], best)) best = diagonal[at + kRim - 1u];
            if (north_west && more(diagonal[at - kRim - 1u], best)) best = diagonal[at - kRim - 1u];
            if (north_east && more(diagonal[at - kRim + 1u], best)) best = diagonal[at - kRim + 1u];
        }
        barrier();
        if (best != mine) {
            mine = best;
            offer(at, mine, cost);
            atomicMax(last_turn, turn);
        }
        barrier();
        if (last_turn != turn) break;
    }

    // The value is never used here, and the host only guesses by it how long the next slice takes.
    if (place == 0u) atomicAdd(progress[1u + tile_y], turn + kPathDueCost);
    if (mine != first) {
        left[(uint(corner_y + 1) + gl_LocalInvocationID.y) * slice.tiles_x * kPathTile +
             uint(corner_x + 1) + gl_LocalInvocationID.x] = mine;
        // All write the same.
        atomicMax(phases[tile_y * slice.tiles_x + tile_x], slice.phase);
        atomicMax(progress[0], slice.phase);
    }
}
