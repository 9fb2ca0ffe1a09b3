// How many bytes went over the network today and this month, both ways, across restarts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"

namespace p2c2r::owner {

// One thread.
class DataBudget {
  public:
    // What text() said earlier; kContent when it is nothing of that kind.
    static Result<DataBudget> parse(std::string_view text);
    [[nodiscard]] std::string text() const;

    // `total` has gone over the network since this object was made; `date` is today, as 20261231,
    // or 0 where that is not known. A new day or month begins with what comes after it was first
    // told; a clock that goes back begins none, so that nobody gains by it.
    void count(uint64_t total, uint32_t date);

    [[nodiscard]] uint64_t day_bytes() const { return day_bytes_; }
    [[nodiscard]] uint64_t month_bytes() const { return month_bytes_; }

  private:
    uint64_t counted_ = 0;  // of this object's total
    uint32_t date_ = 0;
    uint64_t day_bytes_ = 0;
    uint64_t month_bytes_ = 0;
};

}  // namespace p2c2r::owner
