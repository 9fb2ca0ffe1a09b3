// OwnerNames: owners by number, for the scheduler. An owner keeps its number as long as the
// coordinator runs; there are no more of them than accounts have ever had.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "identity/access_list.h"
#include "sched/own_circles.h"

namespace p2c2r::roles {

class OwnerNames {
  public:
    OwnerNames() { index_of(identity::kOperator); }

    // The number of this owner, from now on.
    sched::OwnerIndex index_of(std::string_view name) {
        if (const auto known = numbers_.find(name); known != numbers_.end()) return known->second;
        const auto number = static_cast<sched::OwnerIndex>(names_.size() + 1);
        names_.emplace_back(name);
        try {
            numbers_.emplace(name, number);
        } catch (...) {
            names_.pop_back();
            throw;
        }
        return number;
    }
    [[nodiscard]] const std::string& name_of(sched::OwnerIndex owner) const {
        static const std::string kNobody;
        return owner == sched::kNoOwner ? kNobody : names_[owner - 1];
    }

    static constexpr sched::OwnerIndex kOperator = 1;

  private:
    std::deque<std::string> names_;  // from number 1 on
    std::map<std::string, sched::OwnerIndex, std::less<>> numbers_;
};

}  // namespace p2c2r::roles
