// The kinds of faults and circumstances that a seed's options may have, by name: for whoever wants
// to know which of them a failure needs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/options.h"

namespace p2c2r::sim {

// Those that these options have switched on.
std::vector<std::string> kinds_on(const Options& options);
// False: there is no such kind.
bool switch_off(Options& options, std::string_view kind);

}  // namespace p2c2r::sim
