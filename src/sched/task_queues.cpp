#include "sched/task_queues.h"

namespace p2c2r::sched {

// What later calls need memory for, they find here.
uint32_t TaskQueues::add(Queue&& queue) {
    if (!spare_.empty()) {
        const uint32_t at = spare_.back();
        spare_.pop_back();
        queue.listed = queues_[at].listed;
        queues_[at] = std::move(queue);
        return at;
    }
    const size_t queues = queues_.size() + 1;
    if (queues > spare_.capacity()) spare_.reserve(2 * queues);
    if (queues > waiting_.capacity()) waiting_.reserve(2 * queues);
    if (queues > heads_.capacity()) heads_.reserve(2 * queues);
    queues_.push_back(std::move(queue));
    return static_cast<uint32_t>(queues - 1);
}

void TaskQueues::add_types(size_t count) {
    shared_.reserve(count);
    while (shared_.size() < count) {
        Queue queue;
        queue.type = static_cast<TypeIndex>(shared_.size());
        shared_.push_back(add(std::move(queue)));
    }
}

uint32_t TaskQueues::join(TypeIndex type, const Reach& reach) {
    const auto [known, fresh] = private_.try_emplace(key_of(type, reach), 0);
    if (fresh) {
        Queue queue;
        queue.type = type;
        queue.circle = reach.circle;
        queue.owner = reach.owner;
        try {
            known->second = add(std::move(queue));
        } catch (...) {
            private_.erase(known);
            throw;
        }
    }
    ++queues_[known->second].users;
    return known->second;
}

void TaskQueues::leave_private(uint32_t queue) {
    Queue& left = queues_[queue];
    if (--left.users > 0) return;
    private_.erase(key_of(left.type, {left.circle, left.owner}));
    // What still stands in it is dead.
    const bool listed = left.listed;
    left = Queue{};
    left.listed = listed;
    spare_.push_back(queue);
}

const std::vector<uint32_t>& TaskQueues::waiting() {
    size_t kept = 0;
    for (const uint32_t queue : waiting_) {
        if (queues_[queue].tasks.live() > 0) {
            waiting_[kept++] = queue;
        } else {
            queues_[queue].listed = false;
        }
    }
    waiting_.resize(kept);
    return waiting_;
}

size_t TaskQueues::live() const {
    size_t count = 0;
    for (const Queue& queue : queues_) count += queue.tasks.live();
    return count;
}

}  // namespace p2c2r::sched
