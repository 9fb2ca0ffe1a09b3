// TaskQueues: where tasks wait. A task that its own circle cannot serve must not stand before one
// that others can, so beside one queue per task type, for what any peer that takes invited work
// may run, there is one per type, owner and circle for what may go to an owner's machines alone,
// or to these as well.
//
// The private ones come and go with the tasks that belong to them. Only queues that something waits
// in are ever walked over, so an owner that asks for nothing costs nothing.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "sched/own_circles.h"
#include "sched/task_queue.h"

namespace p2c2r::sched {

class TaskQueues {
  public:
    struct Queue {
        TaskQueue tasks;
        TypeIndex type = kNoType;
        Circle circle = Circle::kInvited;
        OwnerIndex owner = kNoOwner;  // kNoOwner: shared
        uint32_t users = 0;           // of a private one: tasks that belong to it, waiting or not
        bool listed = false;          // in waiting_
    };

    // There are shared queues of the types below `count`.
    void add_types(size_t count);
    [[nodiscard]] uint32_t shared(TypeIndex type) const { return shared_[type]; }
    [[nodiscard]] bool is_shared(uint32_t queue) const { return queues_[queue].owner == kNoOwner; }
    // A task comes to belong to this private queue, until leave().
    uint32_t join(TypeIndex type, const Reach& reach);
    // Of any queue.
    void leave(uint32_t queue) {
        if (!is_shared(queue)) leave_private(queue);
    }

    Queue& operator[](uint32_t queue) { return queues_[queue]; }
    void push(uint32_t queue, const TaskQueue::Entry& entry) {
        Queue& to = queues_[queue];
        to.tasks.push(entry);
        if (to.listed) return;
        to.listed = true;
        waiting_.push_back(queue);  // there is room for all
    }
    // Those that something waits in.
    const std::vector<uint32_t>& waiting();
    // Scratch with room for all of them: the key of each one's head, and the queue.
    using Heads = std::vector<std::pair<uint64_t, uint32_t>>;
    Heads& heads() { return heads_; }
    [[nodiscard]] size_t live() const;

  private:
    uint32_t add(Queue&& queue);
    void leave_private(uint32_t queue);
    static uint64_t key_of(TypeIndex type, const Reach& reach) {
        return static_cast<uint64_t>(reach.owner) << 24 |
               static_cast<uint64_t>(reach.circle) << 16 | type;
    }

    std::vector<Queue> queues_;
    std::vector<uint32_t> shared_;          // by type
    std::map<uint64_t, uint32_t> private_;  // by owner, circle and type
    std::vector<uint32_t> spare_;
    std::vector<uint32_t> waiting_;
    Heads heads_;
};

}  // namespace p2c2r::sched
