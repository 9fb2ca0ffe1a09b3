// OwnCircles: the connected machines of each owner. A task of circle own goes to none but these;
// a peer that keeps to its own circle is found through it alone.
//
// Beside the heaps that all peers share, a circle has heaps of its own per task type, but only once
// somebody asks for them: most peers never see a task of circle own, and then they are in one
// heap only. A peer stands there under its place in the circle, not under its place in the table,
// so that a circle costs memory for its own machines alone.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/task.h"
#include "sched/indexed_heap.h"

namespace p2c2r::sched {

using TypeIndex = uint16_t;
inline constexpr TypeIndex kNoType = UINT16_MAX;

// Owners by number: their names are nobody's affair here. Peers of kNoOwner are in no own circle.
using OwnerIndex = uint32_t;
inline constexpr OwnerIndex kNoOwner = 0;

// Where a task may go.
struct Reach {
    Circle circle = Circle::kInvited;
    OwnerIndex owner = kNoOwner;  // of whoever wants it done
};

// The peers that could take a task of one type, in the order in which they would be done with it.
struct PeerHeaps {
    IndexedHeap free;     // key: learned compute time + link
    IndexedHeap waiting;  // key: predicted finish, absolute

    void make_room(uint32_t index) {
        free.make_room(index);
        waiting.make_room(index);
    }
    void remove(uint32_t index) {
        free.remove(index);
        waiting.remove(index);
    }
    [[nodiscard]] size_t size() const { return free.size() + waiting.size(); }
};

struct OwnCircle {
    struct PerType {
        uint32_t serving = 0;              // members that take tasks of the type: not the paused
        uint32_t limited = 0;              // of these, those that take no others' tasks
        std::unique_ptr<PeerHeaps> heaps;  // of all members; NULL until asked for
    };
    std::vector<uint64_t> peers;  // by place; 0: free
    std::vector<uint32_t> free_places;
    uint32_t members = 0;
    uint32_t limited = 0;  // that keep to their own circle, paused ones included
    std::vector<PerType> types;

    [[nodiscard]] const PerType* find(TypeIndex type) const {
        return type < types.size() ? &types[type] : nullptr;
    }
};

class OwnCircles {
  public:
    // NULL: nobody of this owner is connected.
    [[nodiscard]] OwnCircle* find(OwnerIndex owner) const {
        return owner < circles_.size() ? circles_[owner].get() : nullptr;
    }
    // Makes room for one more member that runs these types, so that join() needs no memory. `owner`
    // MUST NOT be kNoOwner.
    OwnCircle& make_room(OwnerIndex owner, const std::vector<TypeIndex>& types);
    // Its place in the circle.
    uint32_t join(OwnerIndex owner, uint64_t peer, bool limited);
    // MUST have been taken out of the heaps.
    void leave(OwnerIndex owner, uint32_t place, bool limited);

    // Members of all circles that keep to these.
    [[nodiscard]] uint32_t limited() const { return limited_; }

  private:
    std::vector<std::unique_ptr<OwnCircle>> circles_;  // by owner
    uint32_t limited_ = 0;
};

}  // namespace p2c2r::sched
