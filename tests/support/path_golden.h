// The fixed grids of path_golden.txt, for tests and for digest/.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "core/crypto.h"
#include "core/prng.h"
#include "kernels/path_conformance.h"
#include "kernels/path_search.h"
#include "support/path_reference.h"

namespace p2c2r::test {

struct PathGolden {
    std::string line;  // without the digest, for messages
    std::string what;
    std::string digest;
    kernels::PathAnswerField grid{};
};

// Lines "what width height walls weight rule sha256"; `what` is field or a search.
inline std::vector<PathGolden> read_path_golden() {
    std::ifstream file(P2C2R_SOURCE_DIR "/tests/kernels/path_golden.txt");
    std::vector<PathGolden> all;
    PathGolden row;
    kernels::PathAnswerField& grid = row.grid;
    std::string rule;
    while (file >> row.what >> grid.width >> grid.height >> grid.walls >> grid.weight >> rule >>
           row.digest) {
        grid.rule = rule == "four" ? PathRule::kFour
                                   : (rule == "octile" ? PathRule::kOctile : PathRule::kOctileCuts);
        row.line = row.what + " " + std::to_string(grid.width) + " " + std::to_string(grid.height) +
                   " " + std::to_string(grid.walls) + " " + std::to_string(grid.weight) + " " +
                   rule;
        all.push_back(row);
    }
    return all;
}

inline void add_number(std::vector<uint8_t>& bytes, uint64_t number) {
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<uint8_t>(number >> 8 * i));
}

// Over 20 searches between cells drawn from the size.
inline std::string paths_digest(const PathGolden& golden, kernels::PathAlgorithm algorithm) {
    PathCell unused;
    PathGrid grid = kernels::make_answer_grid(golden.grid, unused);
    grid.make_columns();
    kernels::PathQuery query;
    query.rule = golden.grid.rule;
    query.algorithm = algorithm;
    kernels::PathScratch scratch;
    Prng prng(grid.width() * 77 + grid.height());
    std::vector<uint8_t> bytes;
    for (int i = 0; i < 20; ++i) {
        const PathCell start = random_cell(prng, grid);
        const PathCell goal = random_cell(prng, grid);
        const kernels::PathAnswer answer = kernels::find_path(grid, query, start, goal, scratch);
        add_number(bytes, static_cast<uint64_t>(answer.end));
        add_number(bytes, answer.nodes_explored);
        for (const PathCell& cell : answer.path) {
            add_number(bytes, static_cast<uint64_t>(cell.x) << 32 | static_cast<uint64_t>(cell.y));
        }
    }
    return to_hex(sha256(bytes));
}

}  // namespace p2c2r::test
