#include "sim/fault_points.h"

#include <cstring>

#include "core/check.h"

namespace p2c2r::sim {

namespace {

constexpr double kArmed = 0.25;
constexpr double kFires = 0.25;

}  // namespace

uint32_t draw_fault_points(Prng& prng) {
    uint32_t armed = 0;
    for (size_t i = 0; i < kFaultPointsCount; ++i) {
        if (prng.chance(kArmed)) armed |= 1u << i;
    }
    return armed;
}

std::string describe_fault_points(uint32_t armed) {
    std::string text;
    for (size_t i = 0; i < kFaultPointsCount; ++i) {
        if (armed >> i & 1) text += std::string(text.empty() ? "" : " ") + kFaultPoints[i].name;
    }
    return text;
}

SeedFaultPoints::SeedFaultPoints(uint32_t armed, Prng prng, Coverage& coverage)
    : armed_(armed), coverage_(coverage) {
    for (size_t i = 0; i < kFaultPointsCount; ++i) chance_.push_back(prng.fork(i));
}

bool SeedFaultPoints::fires(const char* name) {
    for (size_t i = 0; i < kFaultPointsCount; ++i) {
        if (std::strcmp(kFaultPoints[i].name, name) != 0) continue;
        if (!(armed_ >> i & 1) || !chance_[i].chance(kFires)) return false;
        coverage_.hit(kFaultPoints[i].hit);
        return true;
    }
    P2C2R_CHECK(false);  // a point that is not in the list above
    return false;
}

}  // namespace p2c2r::sim
