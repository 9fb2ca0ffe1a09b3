// How fast a machine is, as one number: what a coordinator goes by until it has seen it work.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/serving.h"

namespace p2c2r::cli {

// In thousandths of the machine that `machine_speed.cpp` names: by how much its frames of the first
// look came sooner, as the geometric mean over these. 0: not enough of them were measured.
uint32_t machine_speed_milli(const std::vector<ServedType>& measured);

}  // namespace p2c2r::cli
