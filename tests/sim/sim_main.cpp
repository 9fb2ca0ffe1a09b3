// p2c2r_sim: sweeps seeds through the simulator, looks for planted bugs, makes failures smaller,
// and drives fleets. All clocks are read here: the simulator has none.
#include <chrono>
#include <cstdio>
#include <cstring>

#include "sim/fleet_commands.h"
#include "sim/frame_world.h"
#include "sim/named_scenarios.h"
#include "sim/plants.h"
#include "sim/sim_arguments.h"
#include "sim/sweep.h"
#include "sim_commit.h"

using namespace p2c2r::sim;

namespace {

// From this many seeds on, everything on the "sometimes" list must have been hit.
constexpr uint64_t kSeedsForCoverage = 300;
constexpr uint64_t kSeedsForPlant = 2000;

double seconds_now() {
    using Seconds = std::chrono::duration<double>;
    return Seconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

uint64_t nanoseconds_now() {
    using Nanoseconds = std::chrono::nanoseconds;
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(std::chrono::duration_cast<Nanoseconds>(since).count());
}

SimCase case_of(const Arguments& arguments, uint64_t seed, const std::string& scenario) {
    return {seed, scenario, arguments.tasks, arguments.peers, arguments.gamers, arguments.without};
}

bool cases_of(const Arguments& arguments, std::vector<SimCase>& cases) {
    std::vector<uint64_t> seeds;
    if (arguments.seeds_file.empty()) {
        for (uint64_t i = 0; i < arguments.seeds; ++i) seeds.push_back(arguments.first + i);
    } else if (!read_seeds(arguments.seeds_file, seeds)) {
        std::fprintf(stderr, "p2c2r_sim: cannot read '%s'\n", arguments.seeds_file.c_str());
        return false;
    }
    std::vector<std::string> scenarios = {arguments.scenario};
    if (arguments.scenario == "all") {
        scenarios.clear();
        for (size_t i = 0; i < kScenariosCount; ++i) scenarios.emplace_back(kScenarios[i].name);
    }
    for (const std::string& scenario : scenarios) {
        for (const uint64_t seed : seeds) cases.push_back(case_of(arguments, seed, scenario));
    }
    return true;
}

int sweep(const Arguments& arguments) {
    std::vector<SimCase> cases;
    if (!cases_of(arguments, cases)) return 2;
    SweepOptions options;
    options.jobs = arguments.jobs;
    options.plant = arguments.plant;
    options.events = arguments.events;
    options.verbose = arguments.verbose;
    options.json = arguments.json;
    options.coverage = arguments.coverage;
    options.commit = kCommit;
    options.is_whole = arguments.plant.empty() && arguments.scenario.empty() &&
                       arguments.seeds_file.empty() && arguments.without.empty() &&
                       arguments.tasks + arguments.peers + arguments.gamers == 0 &&
                       arguments.seeds >= kSeedsForCoverage;
    return Sweep(std::move(cases), options, seconds_now).run();
}

int shrink_one(const Arguments& arguments) {
    const SimCase one = case_of(arguments, arguments.first, arguments.scenario);
    Coverage unused;
    Trace off;
    const RunReport run = run_case(one, unused, off);
    if (!run.failure) {
        std::printf("seed %llu holds: there is nothing to make smaller\n", number(one.seed));
        return 1;
    }
    std::printf("seed %llu violates %s: %s\n", number(one.seed), run.failure->invariant.c_str(),
                run.failure->text.c_str());
    uint64_t runs = 0;
    const SimCase smallest = shrink(one, run.failure->invariant, runs);
    const RunReport again = run_case(smallest, unused, off);
    std::printf("after %llu runs, commit %s:\n%s%s: %s\nreplay: %s%s%s --verbose\n", number(runs),
                kCommit, describe(options_of(smallest)).c_str(), again.failure->invariant.c_str(),
                again.failure->text.c_str(), command_of(smallest).c_str(),
                arguments.plant.empty() ? "" : " --plant ", arguments.plant.c_str());
    return 0;
}

int hunt_plants(const Arguments& arguments) {
    const uint64_t seeds = arguments.has_seeds ? arguments.seeds : kSeedsForPlant;
    uint64_t missed = 0;
    for (const Plant& plant : kPlants) {
        choose_plant(plant.name);
        const uint64_t found = first_failing(arguments.first, seeds, arguments.jobs);
        if (found == 0) {
            ++missed;
            std::printf("%-26s not found in %llu seeds\n", plant.name, number(seeds));
        } else {
            std::printf("%-26s seed %llu\n", plant.name, number(found));
        }
        std::fflush(stdout);
    }
    std::printf("%zu plants, %llu of them not found\n", std::size(kPlants), number(missed));
    return missed == 0 ? 0 : 1;
}

FleetArguments fleet_arguments(const Arguments& arguments) {
    return {arguments.peers, arguments.tasks, arguments.first, arguments.speeds_told,
            arguments.json};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::strcmp(argv[1], "frames") == 0) return frames_main(argc - 2, argv + 2);
    if (argc > 1 && std::strcmp(argv[1], "jitter") == 0) return jitter_main(argc - 2, argv + 2);
    Arguments arguments;
    if (!parse(argc, argv, arguments)) return 2;
    if (!arguments.plant.empty() && !choose_plant(arguments.plant.c_str())) {
        std::fprintf(stderr, "p2c2r_sim: no plant '%s'; see --list-plants\n",
                     arguments.plant.c_str());
        return 2;
    }
    switch (arguments.command) {
        case Arguments::Command::kHelp:
            print_help();
            return 0;
        case Arguments::Command::kListPlants:
            for (const Plant& plant : kPlants) std::printf("%-26s %s\n", plant.name, plant.text);
            return 0;
        case Arguments::Command::kListScenarios:
            for (size_t i = 0; i < kScenariosCount; ++i) {
                std::printf("%-20s %s\n", kScenarios[i].name, kScenarios[i].text);
            }
            return 0;
        case Arguments::Command::kFleet:
            return run_fleet(fleet_arguments(arguments), nanoseconds_now);
        case Arguments::Command::kPlacement:
            return run_placement(fleet_arguments(arguments), nanoseconds_now);
        case Arguments::Command::kStragglers:
            return run_stragglers(fleet_arguments(arguments), nanoseconds_now);
        default:
            break;
    }
    tell_of_crashes();
    switch (arguments.command) {
        case Arguments::Command::kPlants:
            return hunt_plants(arguments);
        case Arguments::Command::kShrink:
            return shrink_one(arguments);
        default:
            return sweep(arguments);
    }
}
