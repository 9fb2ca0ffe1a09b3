// Accounts take turns: whose tasks go first where several wait, and what nobody gains or loses by.
#include <doctest/doctest.h>

#include <map>

#include "core/prng.h"
#include "sched/task_queues.h"
#include "sched_world.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::sched;

namespace {

constexpr TypeIndex kX = 0;
constexpr TypeIndex kY = 1;

// Queues of two types, each with a machine of its own that does one task after the other.
struct Turns {
    TaskQueues queues;
    uint64_t next_task = 1;
    std::map<uint64_t, std::pair<AccountIndex, uint64_t>> tasks;  // whose, and what it costs
    std::map<AccountIndex, uint64_t> served_us;

    Turns() { queues.add_types(2); }
    void wait(AccountIndex account, TypeIndex type, uint64_t cost_us, int priority = 0) {
        tasks[next_task] = {account, cost_us};
        queues.push(queues.flow_of(account, type),
                    {TaskQueue::key_of(priority, next_task), next_task, 0});
        ++next_task;
    }
    uint32_t queue_of(TypeIndex type) {
        for (const uint32_t queue : queues.waiting()) {
            const TaskQueues::Head head =
                queues.front(queue, [](const TaskQueue::Entry&) { return true; });
            if (head.entry && head.flow == queues.flow_of(queues.account_of(head.flow), type)) {
                return queue;
            }
        }
        FAIL("nothing waits there");
        return 0;
    }
    // The next task of this type is done; whose it was.
    AccountIndex serve(TypeIndex type) {
        const TaskQueues::Head head =
            queues.front(queue_of(type), [](const TaskQueue::Entry&) { return true; });
        const auto [account, cost_us] = tasks.at(head.entry->task);
        queues.pop(head, 0);
        queues.charge(head.flow, cost_us);
        served_us[account] += cost_us;
        return account;
    }
};

}  // namespace

TEST_CASE("turns: two that wait get equal time whatever their tasks cost and how urgent they are") {
    Turns world;
    const AccountIndex many = world.queues.open_account();
    const AccountIndex few = world.queues.open_account();
    for (int i = 0; i < 1000; ++i) world.wait(many, kX, 100, 127);
    for (int i = 0; i < 1000; ++i) world.wait(few, kX, 1'000, -128);
    while (world.served_us[few] < 50'000) world.serve(kX);
    CHECK(world.served_us[many] >= 49'000);
    CHECK(world.served_us[many] <= 51'000);
}

TEST_CASE("turns: inside an account the most urgent goes first") {
    Turns world;
    const AccountIndex mine = world.queues.open_account();
    const AccountIndex other = world.queues.open_account();
    world.wait(mine, kX, 10, 0);
    world.wait(other, kX, 10, 0);
    world.wait(mine, kX, 10, 5);
    std::vector<uint64_t> order;
    for (int i = 0; i < 3; ++i) {
        const TaskQueues::Head head =
            world.queues.front(world.queue_of(kX), [](const TaskQueue::Entry&) { return true; });
        order.push_back(head.entry->task);
        world.queues.pop(head, 0);
        world.queues.charge(head.flow, 10);
    }
    CHECK(order == std::vector<uint64_t>{3, 2, 1});
}

TEST_CASE("turns: who comes after a rest has the next turn but one and nothing saved up") {
    Turns world;
    const AccountIndex busy = world.queues.open_account();
    const AccountIndex late = world.queues.open_account();
    for (int i = 0; i < 2000; ++i) world.wait(busy, kX, 100);
    for (int i = 0; i < 1000; ++i) world.serve(kX);
    for (int i = 0; i < 100; ++i) world.wait(late, kX, 100);
    int before = 0;
    while (world.serve(kX) != late) ++before;
    CHECK(before <= 1);
    for (int i = 0; i < 40; ++i) world.serve(kX);
    CHECK(world.served_us[late] >= 2'000);
    CHECK(world.served_us[late] <= 2'200);
}

TEST_CASE("turns: two types are not two shares") {
    Turns world;
    const AccountIndex both = world.queues.open_account();
    const AccountIndex one = world.queues.open_account();
    for (int i = 0; i < 1000; ++i) {
        world.wait(both, kX, 100);
        world.wait(both, kY, 100);
        world.wait(one, kX, 100);
    }
    // One machine for both types: the queue with the lower mark is next.
    const uint32_t x = world.queue_of(kX);
    const uint32_t y = world.queue_of(kY);
    const auto any = [](const TaskQueue::Entry&) { return true; };
    for (int i = 0; i < 400; ++i) {
        const bool of_x = world.queues.front(x, any).mark <= world.queues.front(y, any).mark;
        world.serve(of_x ? kX : kY);
    }
    CHECK(world.served_us[one] >= 19'000);
    CHECK(world.served_us[one] <= 21'000);
}

TEST_CASE("turns: a queue of few machines starves neither newcomers nor who computes elsewhere") {
    Turns world;
    const AccountIndex there = world.queues.open_account();
    const AccountIndex elsewhere = world.queues.open_account();
    const AccountIndex fresh = world.queues.open_account();
    // For each task that X is done with, Y is done with a thousand.
    for (int i = 0; i < 5000; ++i) world.wait(there, kX, 1'000);
    for (int i = 0; i < 100; ++i) {
        world.serve(kX);
        for (int k = 0; k < 1000; ++k) {
            world.wait(elsewhere, kY, 1'000);
            world.serve(kY);
        }
    }
    for (int i = 0; i < 100; ++i) world.wait(fresh, kX, 1'000);
    for (int i = 0; i < 100; ++i) world.wait(elsewhere, kX, 1'000);
    int before = 0;
    while (world.serve(kX) != fresh) ++before;
    CHECK(before <= 2);
    // What it has had elsewhere holds it back by a second of work at most, of each that waits.
    while (world.serve(kX) != elsewhere) ++before;
    CHECK(before <= 2 * 1'000 + 10);
    // From then on it has its turns, though it goes on elsewhere.
    const uint64_t had = world.served_us[elsewhere];
    uint64_t used_elsewhere = 0;
    for (int i = 0; i < 60; ++i) {
        world.wait(elsewhere, kY, 1'000);
        world.serve(kY);
        used_elsewhere += 1'000;
    }
    int turns = 0;
    for (int i = 0; i < 2'500; ++i) turns += world.serve(kX) == elsewhere;
    CHECK(turns >= 1);
    CHECK(world.served_us[elsewhere] - had ==
          used_elsewhere + 1'000 * static_cast<uint64_t>(turns));
}

TEST_CASE("turns: a queue that was empty for long has saved nothing up for its accounts") {
    Turns world;
    const AccountIndex idle = world.queues.open_account();
    const AccountIndex busy = world.queues.open_account();
    world.wait(idle, kX, 100);
    world.serve(kX);
    for (int i = 0; i < 1000; ++i) {
        world.wait(busy, kY, 100);
        world.serve(kY);
    }
    world.wait(busy, kY, 100);
    for (int i = 0; i < 100; ++i) world.wait(idle, kX, 100);
    const auto any = [](const TaskQueue::Entry&) { return true; };
    const uint64_t of_x = world.queues.front(world.queue_of(kX), any).mark;
    const uint64_t of_y = world.queues.front(world.queue_of(kY), any).mark;
    CHECK(of_x + 100 >= of_y);
}

TEST_CASE("turns: accounts that come and go leave nothing behind and disturb nobody's turn") {
    Prng prng(test::seed());
    Turns world;
    std::vector<AccountIndex> open;
    std::map<AccountIndex, int> waiting;
    int total = 0;
    const auto any = [](const TaskQueue::Entry&) { return true; };
    for (int step = 0; step < 20'000; ++step) {
        const uint64_t kind = prng.below(10);
        if (open.empty() || kind == 0) {
            const AccountIndex account = world.queues.open_account();
            CHECK(account != kNoAccount);
            CHECK(std::find(open.begin(), open.end(), account) == open.end());
            open.push_back(account);
        } else if (kind == 1) {
            const size_t at = prng.below(open.size());
            total -= std::exchange(waiting[open[at]], 0);
            world.queues.close_account(open[at]);
            open.erase(open.begin() + static_cast<ptrdiff_t>(at));
        } else if (kind < 6) {
            const AccountIndex account = open[prng.below(open.size())];
            world.wait(account, prng.below(2) ? kX : kY, 1 + prng.below(100));
            ++waiting[account];
            ++total;
        } else if (!world.queues.waiting().empty()) {
            const std::vector<uint32_t> queues = world.queues.waiting();
            const TaskQueues::Head head =
                world.queues.front(queues[prng.below(queues.size())], any);
            REQUIRE(head.entry);
            const auto [account, cost_us] = world.tasks.at(head.entry->task);
            REQUIRE(world.queues.account_of(head.flow) == account);
            REQUIRE(waiting[account] > 0);
            world.queues.pop(head, 0);
            world.queues.charge(head.flow, cost_us);
            --waiting[account];
            --total;
        }
        REQUIRE(world.queues.live() == static_cast<size_t>(total));
    }
}

TEST_CASE("turns: an account pays once for a task that others fail or hand back") {
    World world;
    const AccountIndex unlucky = world.scheduler.open_account();
    const AccountIndex other = world.scheduler.open_account();
    const auto admit = [&](AccountIndex account, uint64_t deadline_us) {
        Admission admission;
        admission.type = world.scheduler.type_index("echo");
        admission.account = account;
        admission.deadline_us = world.now + deadline_us;
        admission.start_timeout_us = 500'000;
        admission.bytes = 100;
        return world.scheduler.admit(admission, world.now);
    };
    world.join("p", 1, 1);
    // From here on it is known what they take.
    admit(kNoAccount, 1'000'000);
    world.answer(world.dispatch().at(0));
    const uint64_t task = admit(unlucky, 1'000'000);
    for (int i = 0; i < 10; ++i) {
        const std::vector<Action> given = world.dispatch();
        REQUIRE(given.size() == 1);
        REQUIRE(given[0].task == task);
        const Nonce nonce = world.scheduler.find(task)->run.nonce;
        world.scheduler.refused(given[0].peer, given[0].attempt_id, nonce, world.now,
                                world.actions);
    }
    // Two tasks of the other one, and it is its turn again.
    std::vector<Action> given = world.dispatch();
    REQUIRE(given.size() == 1);
    admit(other, 900'000);
    admit(other, 900'000);
    const uint64_t second = admit(unlucky, 900'000);
    std::vector<uint64_t> order;
    for (int i = 0; i < 3; ++i) {
        world.answer(given[0]);
        given = world.dispatch();
        REQUIRE(given.size() == 1);
        order.push_back(given[0].task);
    }
    CHECK((order[0] == second || order[1] == second));
}

TEST_CASE(
    "turns: a task that is longer than the lag counts in full, also of who has used up more") {
    Turns world;
    const AccountIndex ahead = world.queues.open_account();
    const AccountIndex even = world.queues.open_account();
    // A hundred seconds on other machines.
    for (int i = 0; i < 100; ++i) {
        world.wait(ahead, kY, TaskQueues::kLagMax);
        world.serve(kY);
    }
    world.served_us.clear();
    for (int i = 0; i < 2000; ++i) {
        world.wait(ahead, kX, 5 * TaskQueues::kLagMax);
        world.wait(even, kX, TaskQueues::kLagMax / 10);
    }
    while (world.served_us[even] < 100 * TaskQueues::kLagMax) world.serve(kX);
    CHECK(world.served_us[ahead] >= 90 * TaskQueues::kLagMax);
    CHECK(world.served_us[ahead] <= 110 * TaskQueues::kLagMax);
}
