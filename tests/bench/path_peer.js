// PathFinding.js (npm package `pathfinding`) on a MovingAI map: prints the milliseconds of all
// scenarios by its JumpPointFinder, the best of several rounds. Its searches use up a grid, so each
// gets a copy; making that is not counted.
//
// node path_peer.js FOLDER MAP SCENARIOS   (FOLDER holds node_modules/pathfinding)
const fs = require('fs');
const path = require('path');
const [folder, mapFile, scenarioFile] = process.argv.slice(2);
const PF = require(path.resolve(folder, 'node_modules', 'pathfinding'));

const rows = fs.readFileSync(mapFile, 'utf8').split('\n').slice(4).filter((row) => row.length > 0);
const grid = new PF.Grid(rows.map((row) => [...row].map((c) => (c === '.' || c === 'G' ? 0 : 1))));
const queries = fs.readFileSync(scenarioFile, 'utf8').split('\n').map((line) => line.split(/\s+/))
    .filter((fields) => fields.length >= 9).map((fields) => fields.slice(4, 8).map(Number));

const finder = new PF.JumpPointFinder({
  diagonalMovement: PF.DiagonalMovement.OnlyWhenNoObstacles,
});
let best = Infinity;
for (let round = 0; round < 60; ++round) {
  let sum = 0n;
  for (const [sx, sy, gx, gy] of queries) {
    const copy = grid.clone();
    const start = process.hrtime.bigint();
    finder.findPath(sx, sy, gx, gy, copy);
    sum += process.hrtime.bigint() - start;
  }
  best = Math.min(best, Number(sum) / 1e6);
}
console.log(best.toFixed(4));
