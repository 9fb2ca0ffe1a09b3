// One run, and how to ask for it again: a seed, perhaps of a named scenario, perhaps made smaller.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/cluster.h"

namespace p2c2r::sim {

struct SimCase {
    uint64_t seed = 1;
    std::string scenario;  // empty: as the seed draws everything
    // At most so many; 0: as drawn.
    uint32_t tasks = 0;
    uint32_t peers = 0;
    uint32_t gamers = 0;
    std::vector<std::string> without;  // kinds, see option_kinds.h
};

Options options_of(const SimCase& one);
RunReport run_case(const SimCase& one, Coverage& coverage, Trace& trace);
// "p2c2r_sim --seeds 1 --seed 7 --tasks 100 ..."
std::string command_of(const SimCase& one);

// The first word of each line of this file that is a number. False: it cannot be read.
bool read_seeds(const std::string& path, std::vector<uint64_t>& seeds);

// The smallest case found that violates the same invariant: halves tasks, peers, gamers and kinds
// while it stays. `runs` counts.
SimCase shrink(const SimCase& failing, const std::string& invariant, uint64_t& runs);

}  // namespace p2c2r::sim
