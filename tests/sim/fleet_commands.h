// The commands `p2c2r_sim fleet` and `p2c2r_sim placement`.
#pragma once

#include <cstdint>

#include "sim/fleet.h"

namespace p2c2r::sim {

struct FleetArguments {
    uint32_t peers = 0;  // 0: the usual ones
    uint32_t tasks = 0;
    uint64_t seed = 1;
    bool speeds_told = false;
    bool json = false;
};

// They give the exit status: not 0 when the books do not add up or a bar is missed.
int run_fleet(const FleetArguments& arguments, FleetClock clock);
int run_placement(const FleetArguments& arguments, FleetClock clock);
int run_stragglers(const FleetArguments& arguments, FleetClock clock);

}  // namespace p2c2r::sim
