#include "sim/sim_arguments.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "sim/named_scenarios.h"
#include "sim/option_kinds.h"

namespace p2c2r::sim {

namespace {

using Command = Arguments::Command;

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> parts;
    while (!list.empty()) {
        const size_t comma = std::min(list.find(','), list.size());
        parts.emplace_back(list.substr(0, comma));
        list.remove_prefix(std::min(list.size(), comma + 1));
    }
    return parts;
}

// The next argument as a number.
template <class Number>
bool take(int argc, char** argv, int& i, Number& value) {
    if (i + 1 >= argc) return false;
    char* end = nullptr;
    const char* const text = argv[++i];
    value = static_cast<Number>(std::strtoull(text, &end, 0));
    return end != text && *end == 0;
}

bool take(int argc, char** argv, int& i, std::string& value) {
    if (i + 1 >= argc) return false;
    value = argv[++i];
    return true;
}

bool take_without(int argc, char** argv, int& i, Arguments& arguments) {
    std::string list;
    if (!take(argc, argv, i, list)) return false;
    arguments.without = split(list);
    Options any;
    for (const std::string& kind : arguments.without) {
        if (!switch_off(any, kind)) return false;
    }
    return true;
}

bool take_one(const std::string& name, int argc, char** argv, int& i, Arguments& arguments) {
    const auto command = [&](Command value) {
        arguments.command = value;
        return true;
    };
    const auto flag = [](bool& value) { return value = true; };
    if (name == "--seeds") return take(argc, argv, i, arguments.seeds) && flag(arguments.has_seeds);
    if (name == "--seed") return take(argc, argv, i, arguments.first);
    if (name == "--jobs") return take(argc, argv, i, arguments.jobs) && arguments.jobs > 0;
    if (name == "--plant") return take(argc, argv, i, arguments.plant);
    if (name == "--scenario") {
        return take(argc, argv, i, arguments.scenario) &&
               (arguments.scenario == "all" || find_scenario(arguments.scenario));
    }
    if (name == "--seeds-file") return take(argc, argv, i, arguments.seeds_file);
    if (name == "--tasks") return take(argc, argv, i, arguments.tasks);
    if (name == "--peers") return take(argc, argv, i, arguments.peers);
    if (name == "--gamers") return take(argc, argv, i, arguments.gamers);
    if (name == "--events") return take(argc, argv, i, arguments.events) && arguments.events > 0;
    if (name == "--without") return take_without(argc, argv, i, arguments);
    if (name == "--plants") return command(Command::kPlants);
    if (name == "--shrink") return command(Command::kShrink);
    if (name == "--list-plants") return command(Command::kListPlants);
    if (name == "--list-scenarios") return command(Command::kListScenarios);
    if (name == "--help") return command(Command::kHelp);
    if (name == "--coverage") return flag(arguments.coverage);
    if (name == "--verbose") return flag(arguments.verbose);
    if (name == "--json") return flag(arguments.json);
    if (name == "--speeds-told") return flag(arguments.speeds_told);
    if (name == "fleet" && i == 1) return command(Command::kFleet);
    if (name == "placement" && i == 1) return command(Command::kPlacement);
    if (name == "stragglers" && i == 1) return command(Command::kStragglers);
    return false;
}

}  // namespace

void print_help() {
    std::puts(
        "p2c2r_sim: the real roles over a simulated clock, network and machine\n"
        "\n"
        "  p2c2r_sim [OPTION]...      sweeps seeds\n"
        "  --seeds N          how many (default 100)\n"
        "  --seed S           the first one (default 1)\n"
        "  --seeds-file FILE  these: the first word of each line that is no comment\n"
        "  --scenario NAME    not as the seed draws it, but this one; all: each of them\n"
        "  --jobs N           threads (default 1)\n"
        "  --plant NAME       run with this planted bug; succeeds when a seed finds it\n"
        "  --tasks N, --peers N, --gamers N   at most so many of them\n"
        "  --without KIND,... these kinds of faults off\n"
        "  --coverage         print how often each fault, status and transition was hit\n"
        "  --verbose          print options and last events of every seed\n"
        "  --events N         how many of the last events (default 200)\n"
        "  --json             end with one line of JSON\n"
        "\n"
        "  p2c2r_sim --shrink --seed S [--plant NAME]   the smallest case that still fails\n"
        "  p2c2r_sim --plants [--seeds N] [--jobs N]    looks for each planted bug (N: 2000)\n"
        "  p2c2r_sim --list-plants, --list-scenarios, --help\n"
        "\n"
        "  p2c2r_sim fleet [--peers N] [--tasks N] [--seed S] [--speeds-told] [--json]\n"
        "      the scheduler with N peers, a tenth and a hundredth of them (default 10000), and\n"
        "      N tasks (100000): how full they are, how late tasks come, what a decision costs;\n"
        "      --speeds-told: peers say how fast they are, within a factor of two\n"
        "  p2c2r_sim placement [--peers N] [--tasks N] [--seed S] [--speeds-told] [--json]\n"
        "      ways to choose a peer, compared at 50, 80 and 95 % load\n"
        "  p2c2r_sim stragglers [--peers N] [--tasks N] [--seed S] [--speeds-told] [--json]\n"
        "      the same with peers that stall now and then: with and without taking back what\n"
        "      waits there\n"
        "  p2c2r_sim frames [OPTION]...\n"
        "      a game's frames; see its --help\n"
        "  p2c2r_sim jitter [OPTION]...\n"
        "      hours at uneven lines: peers that are taken for dead; see its --help\n"
        "\n"
        "Exit: 0 all holds (with --plant: it was found), 1 not, 2 wrong arguments.");
}

bool parse(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (take_one(name, argc, argv, i, arguments)) continue;
        std::fprintf(stderr, "p2c2r_sim: '%s' is not an option with its value; see --help\n",
                     name.c_str());
        return false;
    }
    return true;
}

}  // namespace p2c2r::sim
