// The directions of a flow field from what each cell has left: see path.h. An invocation makes the
// four cells of a word.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "path.h"

layout(local_size_x = kPathFieldGroup) in;

layout(std430, binding = 0) readonly buffer Cells { uint cells[]; };
layout(std430, binding = 1) readonly buffer Left { uvec2 left[]; };
layout(std430, binding = 2) writeonly buffer Field { uint field[]; };
layout(push_constant) uniform Push { PathSlice slice; };

// 0 outside the grid.
uint cost_at(int x, int y) {
    uint width = slice.tiles_x * kPathTile;
    if (x < 0 || y < 0 || uint(x) >= width || uint(y) >= slice.tiles_y * kPathTile) return 0u;
    uint cell = uint(y) * width + uint(x);
    return (cells[cell >> 2] >> ((cell & 3u) * 8u & 31u)) & 255u;
}

// Whether the step (dx, dy) from a cell with `mine` left is on a shortest path.
bool leads(int x, int y, int dx, int dy, uint step_length, uvec2 mine) {
    uint cost = cost_at(x + dx, y + dy);
    if (cost == 0u) return false;
    if (dx != 0 && dy != 0) {
        if ((slice.rule & kPathRuleDiagonal) == 0u) return false;
        if ((slice.rule & kPathRuleCutCorners) == 0u &&
            (cost_at(x + dx, y) == 0u || cost_at(x, y + dy) == 0u)) {
            return false;
        }
    }
    uint high;
    uint low;
    umulExtended(step_length, cost, high, low);
    uint carry;
    uint sum = uaddCarry(mine.x, low, carry);
    return left[uint(y + dy) * slice.tiles_x * kPathTile + uint(x + dx)] ==
           uvec2(sum, mine.y + high + carry);
}

uint direction(int x, int y) {
    uvec2 mine = left[uint(y) * slice.tiles_x * kPathTile + uint(x)];
    if ((mine.x | mine.y) == 0u) return kPathNone;
    if (mine == uvec2(kPathFarthestLow, kPathFarthestHigh)) return kPathArrived;
    if (leads(x, y, 1, 0, kPathStraight, mine)) return 0u;
    if (leads(x, y, 0, 1, kPathStraight, mine)) return 1u;
    if (leads(x, y, -1, 0, kPathStraight, mine)) return 2u;
    if (leads(x, y, 0, -1, kPathStraight, mine)) return 3u;
    if (leads(x, y, 1, 1, kPathDiagonal, mine)) return 4u;
    if (leads(x, y, -1, 1, kPathDiagonal, mine)) return 5u;
    if (leads(x, y, -1, -1, kPathDiagonal, mine)) return 6u;
    if (leads(x, y, 1, -1, kPathDiagonal, mine)) return 7u;
    return kPathNone;
}

void main() {
    uint row_words = slice.tiles_x * (kPathTile / 4u);
    uint word = gl_GlobalInvocationID.x;
    if (word >= row_words) return;
    uint row = slice.tile_row_first + gl_GlobalInvocationID.y;
    int x = int(word * 4u);
    int y = int(row);
    field[row * row_words + word] = direction(x, y) | direction(x + 1, y) << 8 |
                                    direction(x + 2, y) << 16 | direction(x + 3, y) << 24;
}
