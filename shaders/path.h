// The arithmetic of `ai_pathfinding`, shared by its C++ and GLSL forms, and the parameters of its
// shaders.
//
//   cells     a byte each: 0 is blocked, 1..255 is what entering the cell costs
//   step      to one of 8 neighbours; its length times the cost of the cell entered. Diagonals only
//             where the move rule allows them
//   lengths   straight kPathStraight, diagonal kPathDiagonal. Their ratio is a convergent p/q of
//   the
//             square root of 2 (p^2 - 2 q^2 = -1), and no fraction with a smaller divisor comes
//             nearer, so two path costs compare as a + b sqrt(2) would, exactly, for all counts
//             a, b whose differences are below q = 1.3e9: always where cells cost 1, and where
//             they cost more up to 5 million steps of 255. (Beyond, the best path of this metric is
//             the best one to 1 part in 10^18.)
//   left      kPathFarthest less the cost to the goal, in 64 bits: the goal has the most, a cell
//             that does not reach it has 0. No simple path through 2^24 cells costs kPathFarthest.
//             So memory full of zeros is a field in which nothing has been reached yet.
//   direction of a cell: the first one, in the order of their numbers, whose step leads to a cell
//             with exactly the cost of the step more left. Every shortest way of finding `left`
//             gives the same numbers, so all forms give the same directions.
//
// Directions: 0 E (+x), 1 S (+y), 2 W, 3 N, 4 SE, 5 SW, 6 NW, 7 NE.
#ifndef P2C2R_SHADERS_PATH_H
#define P2C2R_SHADERS_PATH_H

#ifdef __cplusplus
#include <cstdint>
namespace p2c2r::kernels {
using uint = uint32_t;
#endif

const uint kPathStraight = 1311738121u;
const uint kPathDiagonal = 1855077841u;
const uint kPathFarthestHigh = 0x7FFFFFFFu;  // kPathFarthest = 2^63 - 1
const uint kPathFarthestLow = 0xFFFFFFFFu;

const uint kPathArrived = 8u;  // in place of a direction: the goal itself,
const uint kPathNone = 255u;   // a cell that does not reach it

// ---- shaders of the flow field -----------------------------------------------------------------
//
// The grid is padded with blocked cells to whole tiles; a group relaxes one tile in shared memory.
// The tiles have four colours, (x & 1) + 2 * (y & 1), and a dispatch relaxes tiles of one colour:
// the rims they read belong to other colours, so nothing is read while it is written. Dispatches
// count phases, the colour of phase p is p & 3.
//
//   cells     four a word, rows of whole tiles
//   left      two words a cell, low and high, rows of whole tiles
//   phases    a word a tile: the last phase in which it changed
//   progress  for the host: the last phase in which any tile changed, then a word a row of tiles:
//             what they have cost so far, in turns of relaxing and some for each tile that was due
//   field     directions, four a word

const uint kPathTile = 16u;         // cells, both ways; kPathTile^2 invocations a group
const uint kPathTurnsMax = 48u;     // of relaxing a tile in one phase
const uint kPathDueCost = 2u;       // of a tile that is due, in turns, besides those it takes
const uint kPathFirstPhase = 8u;    // so that tiles that never changed lie more than 4 back
const uint kPathFieldGroup = 64u;   // of the direction shader, along x
const uint kPathRuleDiagonal = 1u;  // bits of `rule`
const uint kPathRuleCutCorners = 2u;

struct PathSlice {
    uint tiles_x;
    uint tiles_y;
    uint tile_row_first;  // in tiles of this colour
    uint tile_column_first;
    uint phase;
    uint rule;
    uint goal_x;
    uint goal_y;
};

#ifdef __cplusplus
}  // namespace p2c2r::kernels
#endif

#endif
