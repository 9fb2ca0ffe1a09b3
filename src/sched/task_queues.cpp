#include "sched/task_queues.h"

#include <algorithm>

namespace p2c2r::sched {

namespace {

// Room in `list` for so many entries, so that later ones need no memory.
template <class T>
void make_room(std::vector<T>& list, size_t entries) {
    if (entries > list.capacity()) list.reserve(2 * entries);
}

}  // namespace

// ---- queues ------------------------------------------------------------------------------------

uint32_t TaskQueues::add_queue(Queue&& queue) {
    if (!spare_queues_.empty()) {
        const uint32_t at = spare_queues_.back();
        spare_queues_.pop_back();
        queue.listed = queues_[at].listed;
        queues_[at] = std::move(queue);
        return at;
    }
    const size_t queues = queues_.size() + 1;
    make_room(spare_queues_, queues);
    make_room(waiting_, queues);
    make_room(heads_, queues);
    queues_.push_back(std::move(queue));
    return static_cast<uint32_t>(queues - 1);
}

void TaskQueues::drop_queue(uint32_t queue) noexcept {
    Queue& gone = queues_[queue];
    private_.erase(key_of(gone.type, {gone.circle, gone.owner}));
    const bool listed = gone.listed;
    gone = Queue{};
    gone.listed = listed;
    spare_queues_.push_back(queue);
}

void TaskQueues::add_types(size_t count) {
    shared_.reserve(count);
    // Many at once take their memory at once.
    const size_t more = count - std::min(count, shared_.size());
    if (more > 1) queues_.reserve(queues_.size() + more);
    while (shared_.size() < count) {
        Queue queue;
        queue.type = static_cast<TypeIndex>(shared_.size());
        shared_.push_back(add_queue(std::move(queue)));
    }
}

const std::vector<uint32_t>& TaskQueues::waiting() {
    size_t kept = 0;
    for (const uint32_t queue : waiting_) {
        if (queues_[queue].live > 0) {
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
    for (const Queue& queue : queues_) count += queue.live;
    return count;
}

// ---- accounts and their flows ------------------------------------------------------------------

AccountIndex TaskQueues::open_account() {
    if (!spare_accounts_.empty()) {
        const AccountIndex account = spare_accounts_.back();
        spare_accounts_.pop_back();
        return account;
    }
    make_room(spare_accounts_, accounts_.size() + 1);
    accounts_.emplace_back();
    return static_cast<AccountIndex>(accounts_.size() - 1);
}

void TaskQueues::close_account(AccountIndex account) noexcept {
    if (account == kNoAccount) return;
    Account& gone = accounts_[account];
    for (const auto& entry : gone.flows) drop_flow(entry.second);
    gone = Account{};
    spare_accounts_.push_back(account);
}

uint32_t TaskQueues::flow_of(AccountIndex account, TypeIndex type, const Reach& reach) {
    const auto [known, fresh] = private_.try_emplace(key_of(type, reach), 0);
    if (!fresh) return flow_in(account, known->second);
    try {
        Queue queue;
        queue.type = type;
        queue.circle = reach.circle;
        queue.owner = reach.owner;
        known->second = add_queue(std::move(queue));
    } catch (...) {
        private_.erase(known);
        throw;
    }
    try {
        return add_flow(account, known->second);
    } catch (...) {
        drop_queue(known->second);
        throw;
    }
}

uint32_t TaskQueues::add_flow(AccountIndex account, uint32_t queue) {
    // What can fail comes first.
    Account& owner = accounts_[account];
    make_room(owner.flows, owner.flows.size() + 1);
    make_room(queues_[queue].turns, queues_[queue].flows + 1);
    if (spare_flows_.empty()) {
        make_room(spare_flows_, flows_.size() + 1);
        flows_.emplace_back();
        spare_flows_.push_back(static_cast<uint32_t>(flows_.size() - 1));
    }
    const uint32_t flow = spare_flows_.back();
    spare_flows_.pop_back();
    flows_[flow].queue = queue;
    flows_[flow].account = account;
    ++queues_[queue].flows;
    owner.flows.emplace_back(queue, flow);
    return flow;
}

void TaskQueues::drop_flow(uint32_t flow) noexcept {
    Flow& gone = flows_[flow];
    const uint32_t at = gone.queue;
    Queue& queue = queues_[at];
    queue.live -= gone.tasks.live();
    if (gone.listed) {
        std::erase_if(queue.turns, [&](const Turn& turn) { return turn.flow == flow; });
        std::make_heap(queue.turns.begin(), queue.turns.end(), later);
    }
    gone = Flow{};
    spare_flows_.push_back(flow);
    if (--queue.flows == 0 && queue.owner != kNoOwner) drop_queue(at);
}

// ---- turns -------------------------------------------------------------------------------------

// Something waits in a flow that was empty.
void TaskQueues::take_turn(uint32_t flow, Flow& to, Queue& queue) noexcept {
    Account& account = accounts_[to.account];
    account.mark = std::max(account.mark, queue.mark);
    queue.turns.push_back({std::min(account.mark, queue.mark + kLagMax), ++order_, flow});
    std::push_heap(queue.turns.begin(), queue.turns.end(), later);
    to.listed = true;
}

// The mark of the first turn has grown.
void TaskQueues::go_behind(Queue& queue) noexcept {
    Turn served = queue.turns.front();
    served.order = ++order_;
    drop_first_turn(queue);
    queue.turns.push_back(served);
    std::push_heap(queue.turns.begin(), queue.turns.end(), later);
}

}  // namespace p2c2r::sched
