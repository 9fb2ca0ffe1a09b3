// The least time that tasks of a type have taken here of late: with less than that left nobody has
// to begin one. Says little of types whose tasks differ much, and never too much.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"

namespace p2c2r::roles {

class LeastTimes {
  public:
    // What they took after that is forgotten: a machine may have become faster, and where no task
    // is begun nobody would find out.
    static constexpr uint64_t kForgetUs = 1'000'000;
    // The least of so many, and of as many before these.
    static constexpr uint32_t kWindow = 32;

    // One has ended well that took so long. Throws std::bad_alloc.
    void took(std::string_view type, uint64_t us, uint64_t now_us) {
        if (us == 0) return;  // nobody timed it
        Times* times = find(type);
        if (!times) {
            times = &types_.emplace_back();
            times->type.assign(type);
        }
        if (now_us - times->told_us > kForgetUs) {
            times->before_us = times->least_us = UINT64_MAX;
            times->count = 0;
        }
        times->told_us = now_us;
        times->least_us = std::min(times->least_us, us);
        if (++times->count < kWindow) return;
        times->before_us = std::exchange(times->least_us, UINT64_MAX);
        times->count = 0;
    }
    // 0: not known, or not any more.
    [[nodiscard]] uint64_t of(std::string_view type, uint64_t now_us) {
        const Times* const times = find(type);
        if (!times || now_us - times->told_us > kForgetUs) return 0;
        // Fewer than a window say too little.
        return times->before_us == UINT64_MAX ? 0 : std::min(times->before_us, times->least_us);
    }

  private:
    struct Times {
        std::string type;
        uint64_t told_us = 0;
        uint64_t least_us = UINT64_MAX;   // of the window that is being filled
        uint64_t before_us = UINT64_MAX;  // of the one before
        uint32_t count = 0;
    };
    Times* find(std::string_view type) {
        for (Times& times : types_) {
            if (same_text(times.type, type)) return &times;
        }
        return nullptr;
    }

    std::vector<Times> types_;  // as many as the peer has executors for
};

}  // namespace p2c2r::roles
