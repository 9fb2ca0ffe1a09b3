// The entries of a SlotMap in the order of their last use, linked through themselves: their members
// `newer` and `older` are ids, 0 at the ends and of those that are not in the order.
#pragma once

#include <cstdint>

#include "core/slot_map.h"

namespace p2c2r::sched {

class UseOrder {
  public:
    // 0: it has none.
    [[nodiscard]] uint64_t oldest() const { return oldest_; }

    // MUST not be in the order.
    template <class Entry>
    void add_newest(SlotMap<Entry>& entries, uint64_t id, Entry& entry) {
        entry.newer = 0;
        entry.older = newest_;
        (newest_ != 0 ? entries.find(newest_)->newer : oldest_) = id;
        newest_ = id;
    }
    // MUST be in the order.
    template <class Entry>
    void remove(SlotMap<Entry>& entries, Entry& entry) {
        (entry.newer != 0 ? entries.find(entry.newer)->older : newest_) = entry.older;
        (entry.older != 0 ? entries.find(entry.older)->newer : oldest_) = entry.newer;
        entry.newer = entry.older = 0;
    }
    // It was used just now. MUST be in the order.
    template <class Entry>
    void renew(SlotMap<Entry>& entries, uint64_t id, Entry& entry) {
        remove(entries, entry);
        add_newest(entries, id, entry);
    }

  private:
    uint64_t newest_ = 0;
    uint64_t oldest_ = 0;
};

}  // namespace p2c2r::sched
