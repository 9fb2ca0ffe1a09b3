// Named scenarios: one trouble at a time, in a world that has no other one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sim/options.h"

namespace p2c2r::sim {

struct NamedScenario {
    const char* name;
    const char* text;
    void (*set)(Options& options, Prng& prng);
};

extern const NamedScenario kScenarios[];
extern const size_t kScenariosCount;

// NULL: there is no such scenario.
const NamedScenario* find_scenario(std::string_view name);
// MUST be the name of one.
Options scenario_options(std::string_view name, uint64_t seed);

}  // namespace p2c2r::sim
