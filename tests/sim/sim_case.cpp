#include "sim/sim_case.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "sim/named_scenarios.h"
#include "sim/option_kinds.h"

namespace p2c2r::sim {

Options options_of(const SimCase& one) {
    Options options =
        one.scenario.empty() ? draw_options(one.seed) : scenario_options(one.scenario, one.seed);
    if (one.tasks > 0) options.tasks = std::min(options.tasks, one.tasks);
    if (one.peers > 0) options.peers = std::min(options.peers, one.peers);
    if (one.gamers > 0 && one.gamers < options.gamers.size()) options.gamers.resize(one.gamers);
    for (const std::string& kind : one.without) switch_off(options, kind);
    options.forgers = std::min(options.forgers, options.peers - 1);
    return options;
}

RunReport run_case(const SimCase& one, Coverage& coverage, Trace& trace) {
    Cluster cluster(options_of(one), coverage, trace);
    return cluster.run();
}

std::string command_of(const SimCase& one) {
    std::string command = "p2c2r_sim --seeds 1 --seed " + std::to_string(one.seed);
    if (!one.scenario.empty()) command += " --scenario " + one.scenario;
    if (one.tasks > 0) command += " --tasks " + std::to_string(one.tasks);
    if (one.peers > 0) command += " --peers " + std::to_string(one.peers);
    if (one.gamers > 0) command += " --gamers " + std::to_string(one.gamers);
    for (size_t i = 0; i < one.without.size(); ++i) {
        command += (i == 0 ? " --without " : ",") + one.without[i];
    }
    return command;
}

bool read_seeds(const std::string& path, std::vector<uint64_t>& seeds) {
    std::ifstream file(path);
    if (!file) return false;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        uint64_t seed = 0;
        if (words >> seed) seeds.push_back(seed);
    }
    return true;
}

namespace {

class Shrinker {
  public:
    Shrinker(SimCase failing, std::string invariant)
        : best_(std::move(failing)), invariant_(std::move(invariant)) {}

    SimCase shrink() {
        // What is gone may make something else superfluous.
        for (bool again = true; again;) {
            again = drop_kinds();
            const Options options = options_of(best_);
            again |= halve(&SimCase::tasks, options.tasks);
            again |= halve(&SimCase::peers, options.peers);
            again |= halve(&SimCase::gamers, static_cast<uint32_t>(options.gamers.size()));
        }
        return best_;
    }
    [[nodiscard]] uint64_t runs() const { return runs_; }

  private:
    bool still_fails(const SimCase& one) {
        ++runs_;
        Coverage unused;
        Trace off;
        const RunReport report = run_case(one, unused, off);
        if (!report.failure || report.failure->invariant != invariant_) return false;
        best_ = one;
        return true;
    }
    bool halve(uint32_t SimCase::*field, uint32_t now) {
        bool smaller = false;
        while (now > 1) {
            SimCase half = best_;
            half.*field = now / 2;
            if (!still_fails(half)) break;
            now /= 2;
            smaller = true;
        }
        return smaller;
    }
    // Half of them at a time, then a quarter, and so on to single ones.
    bool drop_kinds() {
        bool fewer = false;
        std::vector<std::string> on = kinds_on(options_of(best_));
        for (size_t part = (on.size() + 1) / 2; part > 0; part = part == 1 ? 0 : (part + 1) / 2) {
            for (size_t at = 0; at < on.size();) {
                const size_t end = std::min(on.size(), at + part);
                SimCase without = best_;
                without.without.insert(without.without.end(),
                                       on.begin() + static_cast<ptrdiff_t>(at),
                                       on.begin() + static_cast<ptrdiff_t>(end));
                if (still_fails(without)) {
                    on.erase(on.begin() + static_cast<ptrdiff_t>(at),
                             on.begin() + static_cast<ptrdiff_t>(end));
                    fewer = true;
                } else {
                    at = end;
                }
            }
        }
        return fewer;
    }

    SimCase best_;
    const std::string invariant_;
    uint64_t runs_ = 0;
};

}  // namespace

SimCase shrink(const SimCase& failing, const std::string& invariant, uint64_t& runs) {
    Shrinker shrinker(failing, invariant);
    SimCase smallest = shrinker.shrink();
    runs = shrinker.runs();
    return smallest;
}

}  // namespace p2c2r::sim
