// What copies may cost. A task that is late gets a second attempt at another peer, paid from a
// credit that grows with the attempts that are made anyway: 1 copy per 20, unless the operator says
// otherwise, and no more than 100 saved up. So copies never add more than 5 % of work, however slow
// everything is. Those made for other reasons are counted apart.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/plant.h"

namespace p2c2r::sched {

inline constexpr uint32_t kCopiesMax = 2;  // attempts of one task that run at the same time

class CopyCredit {
  public:
    static constexpr uint32_t kPercentUsual = 5;
    static constexpr uint32_t kDispatchesPerCopy = 100 / kPercentUsual;
    static constexpr uint32_t kCopiesSavedMax = 100;

    // 0: nothing is copied only because it is late, or might be.
    void set_percent(uint32_t percent) { percent_ = percent; }
    [[nodiscard]] bool is_off() const { return percent_ == 0; }
    // An attempt was made that is no copy.
    void earn() { saved_ = std::min(saved_ + percent_, kCopiesSavedMax * kCopyPrice); }
    [[nodiscard]] bool has_one() const {
        return saved_ >= kCopyPrice || P2C2R_PLANT("copies_without_budget");
    }
    void pay() { saved_ -= std::min(saved_, kCopyPrice); }

  private:
    static constexpr uint32_t kCopyPrice = 100;  // of each attempt that many are percent_

    uint32_t percent_ = kPercentUsual;
    uint32_t saved_ = 0;
};

// Why a second attempt was made.
enum class CopyCause : uint8_t {
    kNone,        // it is no copy
    kLate,        // the first one takes longer than nearly all there did
    kLastMoment,  // later nobody else could answer in time
    kShort,       // too little time to wait, and most slots are idle
    kSuspect,     // the first one's peer is silent, and it is urgent
    kDead,        // that peer is silent for so long that it counts as dead
};

struct CopyStats {
    uint64_t late = 0;     // kLate and kLastMoment, paid from the credit
    uint64_t at_once = 0;  // kShort
    uint64_t silence = 0;  // kSuspect and kDead
    uint64_t won = 0;      // copies that answered first
    uint64_t wasted = 0;   // and those that the first attempt was faster than
    uint64_t suspects = 0;
    uint64_t deaths = 0;
    uint64_t false_deaths = 0;  // that answered what they had then

    [[nodiscard]] uint64_t all() const { return late + at_once + silence; }
};

}  // namespace p2c2r::sched
