// What a fleet is drawn from.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/prng.h"

namespace p2c2r::sim {

struct FleetType {
    const char* name;
    double work_us;  // on a machine that is neither slow nor fast
    double share;    // of all tasks
};
inline constexpr FleetType kFleetTypes[] = {{"steer", 10'000, 0.4},
                                            {"physics", 25'000, 0.3},
                                            {"upscale", 60'000, 0.2},
                                            {"raytrace", 150'000, 0.1}};

// Even over the logarithm.
inline double fleet_even(Prng& prng, double low, double high) {
    return low * std::pow(high / low, prng.unit());
}
// With a mean of 1.
inline double fleet_wait(Prng& prng) {
    return std::min(-std::log(1 - prng.unit()), 20.0);
}
inline float fleet_ms(uint64_t us) {
    return static_cast<float>(static_cast<double>(us) / 1000);
}

}  // namespace p2c2r::sim
