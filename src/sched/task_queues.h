// TaskQueues: where tasks wait, and whose turn it is.
//
// A task that its own circle cannot serve must not stand before one that others can, so beside one
// queue per task type, for what any peer that takes invited work may run, there is one per type,
// owner and circle for what may go to an owner's machines alone, or to these as well.
//
// Inside a queue each account has a flow of its own: there the most urgent task goes first. Between
// accounts urgency means nothing, or who calls everything urgent would be alone: they take turns by
// what their tasks cost (start-time fair queueing). An account's mark moves on by the cost of each
// task that is given to a peer, and the flow with the lowest mark is next. Who asks for nothing
// saves nothing up: its mark is at least where the queue is when it comes. What it has used up
// elsewhere holds it back, but by kLagMax at most, since that may have been on machines that the
// others here have no use for. So each account that waits gets its share of what its queue is
// given, and costs a heap of as many entries as accounts wait.
//
// Only queues that something waits in are ever walked over, so who asks for nothing costs nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "core/plant.h"
#include "sched/even_pace.h"
#include "sched/own_circles.h"
#include "sched/queue_pace.h"
#include "sched/task_queue.h"

namespace p2c2r::sched {

// Accounts by number, as open_account() gave it.
using AccountIndex = uint32_t;
inline constexpr AccountIndex kNoAccount = 0;  // of whoever has none: all of them share it

class TaskQueues {
  public:
    static constexpr uint64_t kLagMax = 1'000'000;  // microseconds of work

    TaskQueues() : accounts_(1) {}

    // There are shared queues of the types below `count`.
    void add_types(size_t count);

    // ---- accounts
    AccountIndex open_account();
    // None of its tasks may be pending.
    void close_account(AccountIndex account) noexcept;

    // ---- flows
    // Where tasks of this account and type wait for anybody, until the account is closed.
    uint32_t flow_of(AccountIndex account, TypeIndex type) {
        return flow_in(account, shared_[type]);
    }
    // The same of those that are for an owner's machines, too or alone.
    uint32_t flow_of(AccountIndex account, TypeIndex type, const Reach& reach);
    [[nodiscard]] AccountIndex account_of(uint32_t flow) const { return flows_[flow].account; }
    [[nodiscard]] bool is_shared(uint32_t flow) const {
        return queues_[flows_[flow].queue].owner == kNoOwner;
    }

    void push(uint32_t flow, const TaskQueue::Entry& entry) {
        Flow& to = flows_[flow];
        to.tasks.push(entry);
        if (to.tasks.live() == 1) to.pace.empty();
        Queue& queue = queues_[to.queue];
        if (queue.live++ == 0) {
            wake(flow, to, queue);
        } else if (!to.listed) {
            take_turn(flow, to, queue);
        }
        if (queue.listed) return;
        queue.listed = true;
        waiting_.push_back(to.queue);  // there is room for all
    }
    // An entry of this flow died.
    template <class IsLive>
    void removed(uint32_t flow, const IsLive& is_live) {
        --queues_[flows_[flow].queue].live;
        flows_[flow].tasks.removed(is_live);
    }

    // ---- queues
    // Those that something waits in.
    const std::vector<uint32_t>& waiting();
    // Nothing has waited since these were last asked for.
    [[nodiscard]] bool is_empty() const { return waiting_.empty(); }
    // The next task of a queue; `entry` NULL when nothing waits in it. Of several queues the one
    // with the lowest mark is next.
    struct Head {
        const TaskQueue::Entry* entry = nullptr;
        uint32_t flow = 0;
        uint64_t mark = 0;
    };
    template <class IsLive>
    Head front(uint32_t at, const IsLive& is_live) {
        Queue& queue = queues_[at];
        if (queue.live == 0) return {};
        while (!queue.turns.empty()) {
            const Turn& first = queue.turns.front();
            const TaskQueue::Entry* entry = flows_[first.flow].tasks.front(is_live);
            if (entry) return {entry, first.flow, first.mark};
            flows_[first.flow].listed = false;
            drop_first_turn(queue);
        }
        return {};
    }
    // Removes what front() just returned.
    void pop(const Head& head, uint64_t now_us) {
        Flow& flow = flows_[head.flow];
        --queues_[flow.queue].live;
        flow.tasks.pop(head.entry);
        flow.pace.left(now_us, flow.tasks.live());
    }
    // Has something waited here for long?
    [[nodiscard]] bool is_overloaded(uint32_t flow, uint64_t now_us) const {
        return flows_[flow].pace.is_overloaded(now_us);
    }
    // Not 0: of those that wait for anybody with a task of this type some always have something
    // waiting, and others come and go; until then.
    [[nodiscard]] uint64_t mixed_until_us(TypeIndex type, uint64_t now_us) const {
        const EvenPace& even = queues_[shared_[type]].even;
        return even.is_mixed(now_us) ? even.mixed_until_us() : 0;
    }
    // When the next task of this flow may be placed; 0: at any time. See EvenPace.
    [[nodiscard]] uint64_t may_go_us(uint32_t flow, uint64_t now_us) const {
        const Flow& of = flows_[flow];
        if (!of.pace.is_overloaded(now_us)) return 0;
        return queues_[of.queue].even.next_us(now_us);
    }
    // One of this flow has been, and slots become free so often.
    void placed(uint32_t flow, double every_us, uint64_t now_us) {
        const Flow& of = flows_[flow];
        EvenPace& even = queues_[of.queue].even;
        if (of.pace.is_overloaded(now_us)) {
            even.flood_placed(of.account, every_us, now_us);
        } else {
            even.other_placed(of.account, now_us);
        }
    }
    // Does another task wait there beside the first one?
    [[nodiscard]] bool has_more(uint32_t flow) const {
        return queues_[flows_[flow].queue].live > 1;
    }
    // How long one would wait here that comes with this key, behind `before` that are not in the
    // queue yet.
    [[nodiscard]] uint64_t wait_us(uint32_t flow, uint64_t key, size_t before) const {
        const Flow& of = flows_[flow];
        return of.tasks.goes_last(key) ? of.pace.wait_us(of.tasks.live() + before) : 0;
    }
    // A task of this flow was given away that will take so long: its account's next turn is the
    // later.
    void charge(uint32_t flow, uint64_t cost_us) {
        const Flow& of = flows_[flow];
        Account& account = accounts_[of.account];
        account.mark += cost_us;
        Queue& queue = queues_[of.queue];
        // By an operator's command it may have been anybody's; then the account alone remembers.
        if (queue.turns.empty() || queue.turns.front().flow != flow) return;
        Turn& first = queue.turns.front();
        queue.mark = std::max(queue.mark, first.mark);
        mark_ = std::max(mark_, queue.mark);
        if (P2C2R_PLANT("turn_unfair")) return;
        first.mark = std::max(first.mark + cost_us, std::min(account.mark, queue.mark + kLagMax));
        if (queue.turns.size() > 1) go_behind(queue);
    }

    // The account of this flow has let an input stall; until then no other one is trusted to flow.
    void stalled(uint32_t flow, uint64_t until_us) {
        accounts_[flows_[flow].account].stalled_until_us = until_us;
    }
    [[nodiscard]] uint64_t stalled_until_us(uint32_t flow) const {
        return accounts_[flows_[flow].account].stalled_until_us;
    }
    // Is visit(flow, task) true of the next task of any account that waits in this queue?
    template <class IsLive, class Visit>
    bool any_next(uint32_t at, const IsLive& is_live, const Visit& visit) {
        const std::vector<Turn>& turns = queues_[at].turns;
        return std::any_of(turns.begin(), turns.end(), [&](const Turn& turn) {
            const TaskQueue::Entry* entry = flows_[turn.flow].tasks.front(is_live);
            return entry && visit(turn.flow, entry->task);
        });
    }

    // Scratch with room for all of them: the mark of each one's head, and the queue.
    using Heads = std::vector<std::pair<uint64_t, uint32_t>>;
    Heads& heads() { return heads_; }
    [[nodiscard]] size_t live() const;

  private:
    // A flow in the heap of its queue. Of equal marks the first come is first.
    struct Turn {
        uint64_t mark;
        uint64_t order;
        uint32_t flow;
    };
    struct Queue {
        TypeIndex type = kNoType;
        Circle circle = Circle::kInvited;
        OwnerIndex owner = kNoOwner;  // kNoOwner: shared
        uint32_t flows = 0;           // a private one without them is gone
        bool listed = false;          // in waiting_
        size_t live = 0;              // tasks that wait in it
        uint64_t mark = 0;            // of the one that was served last
        std::vector<Turn> turns;      // a heap, with room for all of its flows
        EvenPace even;
    };
    struct Flow {
        TaskQueue tasks;
        uint32_t queue = 0;
        AccountIndex account = kNoAccount;
        bool listed = false;  // in its queue's turns
        QueuePace pace;
    };
    struct Account {
        uint64_t mark = 0;
        uint64_t stalled_until_us = 0;
        std::vector<std::pair<uint32_t, uint32_t>> flows;  // queue and flow; few
    };
    static bool later(const Turn& a, const Turn& b) {
        return a.mark != b.mark ? a.mark > b.mark : a.order > b.order;
    }

    uint32_t flow_in(AccountIndex account, uint32_t queue) {
        for (const auto& [known, flow] : accounts_[account].flows) {
            if (known == queue) return flow;
        }
        return add_flow(account, queue);
    }
    uint32_t add_flow(AccountIndex account, uint32_t queue);
    void drop_flow(uint32_t flow) noexcept;
    uint32_t add_queue(Queue&& queue);
    void drop_queue(uint32_t queue) noexcept;
    // It was empty: it has nothing to catch up with, and what stands in it is dead. Mostly that is
    // the same account's turn, which is there again.
    void wake(uint32_t flow, Flow& to, Queue& queue) noexcept {
        queue.mark = std::max(queue.mark, mark_);
        if (queue.turns.size() == 1 && queue.turns.front().flow == flow) {
            queue.turns.front().mark = std::max(queue.turns.front().mark, queue.mark);
            return;
        }
        for (const Turn& turn : queue.turns) flows_[turn.flow].listed = false;
        queue.turns.clear();
        take_turn(flow, to, queue);
    }
    void take_turn(uint32_t flow, Flow& to, Queue& queue) noexcept;
    void go_behind(Queue& queue) noexcept;
    static void drop_first_turn(Queue& queue) {
        std::pop_heap(queue.turns.begin(), queue.turns.end(), later);
        queue.turns.pop_back();
    }
    static uint64_t key_of(TypeIndex type, const Reach& reach) {
        return static_cast<uint64_t>(reach.owner) << 24 |
               static_cast<uint64_t>(reach.circle) << 16 | type;
    }

    std::vector<Queue> queues_;
    std::vector<uint32_t> shared_;          // by type
    std::map<uint64_t, uint32_t> private_;  // by owner, circle and type
    std::vector<uint32_t> spare_queues_;
    std::vector<Flow> flows_;
    std::vector<uint32_t> spare_flows_;
    std::vector<Account> accounts_;
    std::vector<AccountIndex> spare_accounts_;
    std::vector<uint32_t> waiting_;
    Heads heads_;
    uint64_t mark_ = 0;   // the highest that was served
    uint64_t order_ = 0;  // turns so far
};

}  // namespace p2c2r::sched
