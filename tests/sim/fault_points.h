// The fault points in the rooms' code (core/fault.h), as one seed arms them: each with 25 %, and
// one that is armed fires at every fourth time.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "core/fault.h"
#include "core/prng.h"
#include "sim/coverage.h"

namespace p2c2r::sim {

struct FaultPoint {
    const char* name;
    Sometimes hit;
};

inline constexpr FaultPoint kFaultPoints[] = {
    {"answer_not_shared", Sometimes::kPointAnswerNotShared},
    {"answer_not_kept", Sometimes::kPointAnswerNotKept},
    {"content_unknown", Sometimes::kPointContentUnknown},
    {"content_forgotten", Sometimes::kPointContentForgotten},
    {"no_place_for_task", Sometimes::kPointNoPlaceForTask},
    {"input_copied", Sometimes::kPointInputCopied},
    {"timer_early", Sometimes::kPointTimerEarly},
    {"task_handed_back", Sometimes::kPointTaskHandedBack},
    {"run_ends", Sometimes::kPointRunEnds},
};
inline constexpr size_t kFaultPointsCount = std::size(kFaultPoints);

// A bit for each.
uint32_t draw_fault_points(Prng& prng);
std::string describe_fault_points(uint32_t armed);

class SeedFaultPoints final : public FaultPoints {
  public:
    SeedFaultPoints(uint32_t armed, Prng prng, Coverage& coverage);
    bool fires(const char* name) override;
    void calm() { armed_ = 0; }

  private:
    uint32_t armed_;
    Coverage& coverage_;
    std::vector<Prng> chance_;  // of each, so that one more does not shift the others
};

// While it lives, these are the points of this thread.
class FaultPointsInForce {
  public:
    explicit FaultPointsInForce(FaultPoints& points) { fault_points = &points; }
    ~FaultPointsInForce() { fault_points = nullptr; }
    FaultPointsInForce(const FaultPointsInForce&) = delete;
    FaultPointsInForce& operator=(const FaultPointsInForce&) = delete;
};

}  // namespace p2c2r::sim
