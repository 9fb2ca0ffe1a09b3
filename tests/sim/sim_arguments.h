// The command line of p2c2r_sim.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace p2c2r::sim {

struct Arguments {
    enum class Command {
        kSeeds,
        kPlants,
        kShrink,
        kFleet,
        kPlacement,
        kStragglers,
        kListPlants,
        kListScenarios,
        kHelp
    };
    Command command = Command::kSeeds;
    uint64_t seeds = 100;
    bool has_seeds = false;
    uint64_t first = 1;
    unsigned jobs = 1;
    std::string plant;
    std::string scenario;  // "all": each of them
    std::string seeds_file;
    uint32_t tasks = 0;
    uint32_t peers = 0;
    uint32_t gamers = 0;
    std::vector<std::string> without;
    uint64_t events = 200;  // of the last ones, that are printed
    bool verbose = false;
    bool speeds_told = false;
    bool json = false;
    bool coverage = false;
};

void print_help();
// False: it has said what is wrong.
bool parse(int argc, char** argv, Arguments& arguments);

}  // namespace p2c2r::sim
