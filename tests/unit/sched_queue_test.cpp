// The queue, the wheel and the heap against plain models of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/prng.h"
#include "sched/deadline_wheel.h"
#include "sched/indexed_heap.h"
#include "sched/task_queue.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::sched;

TEST_CASE("task queue: higher priority first then earlier deadline then first come") {
    TaskQueue queue;
    const auto live = [](const TaskQueue::Entry&) { return true; };
    queue.push({TaskQueue::key_of(0, 500), 1, 0});
    queue.push({TaskQueue::key_of(0, 300), 2, 0});
    queue.push({TaskQueue::key_of(5, 900), 3, 0});
    queue.push({TaskQueue::key_of(-5, 100), 4, 0});
    std::vector<uint64_t> order;
    while (const TaskQueue::Entry* entry = queue.front(live)) {
        order.push_back(entry->task);
        queue.pop(entry);
    }
    CHECK(order == std::vector<uint64_t>{3, 2, 1, 4});
    CHECK(queue.live() == 0);
}

TEST_CASE("task queue: agrees with a sorted model under random pushes pops and removals") {
    Prng prng(test::seed());
    TaskQueue queue;
    std::set<std::pair<uint64_t, uint64_t>> model;  // key, task
    std::map<uint64_t, uint64_t> key_of_task;
    const auto live = [&](const TaskQueue::Entry& entry) {
        return key_of_task.count(entry.task) > 0;
    };
    uint64_t next = 1;
    for (int step = 0; step < 20000; ++step) {
        const uint64_t kind = prng.below(10);
        if (kind < 5) {
            // Unique keys: among equal keys either order is right.
            const uint64_t key = prng.below(2) ? (static_cast<uint64_t>(step) << 24) + next
                                               : (prng.below(1u << 20) << 24) + next;
            queue.push({key, next, 0});
            model.insert({key, next});
            key_of_task[next++] = key;
        } else if (kind < 8) {
            const TaskQueue::Entry* entry = queue.front(live);
            REQUIRE((entry == nullptr) == model.empty());
            if (!entry) continue;
            REQUIRE(entry->task == model.begin()->second);
            key_of_task.erase(entry->task);
            model.erase(model.begin());
            queue.pop(entry);
        } else if (!model.empty()) {
            auto victim = model.begin();
            std::advance(victim, prng.below(std::min<size_t>(model.size(), 50)));
            key_of_task.erase(victim->second);
            model.erase(victim);
            queue.removed(live);
        }
        REQUIRE(queue.live() == model.size());
    }
}

TEST_CASE("task queue: dead entries are swept when they outnumber the living") {
    TaskQueue queue;
    std::set<uint64_t> alive;
    const auto live = [&](const TaskQueue::Entry& entry) { return alive.count(entry.task) > 0; };
    for (uint64_t task = 1; task <= 10000; ++task) {
        queue.push({task * 7 % 10007, task, 0});
        alive.insert(task);
    }
    for (uint64_t task = 1; task <= 9990; ++task) {
        alive.erase(task);
        queue.removed(live);
    }
    CHECK(queue.live() == 10);
    CHECK(queue.held() <= 10 * 2 + 64);
}

TEST_CASE("deadline wheel: fires never early and within one tick of the deadline") {
    Prng prng(test::seed());
    DeadlineWheel wheel;
    std::map<uint32_t, uint64_t> model;
    uint64_t now = 1'000'000;
    for (int step = 0; step < 20000; ++step) {
        const uint32_t index = static_cast<uint32_t>(prng.below(300));
        switch (prng.below(4)) {
            case 0:
            case 1: {
                // Some further away than one round of the wheel.
                const uint64_t at = now + prng.below(prng.below(20) == 0 ? 20'000'000 : 50'000);
                wheel.set(index, at);
                model[index] = at;
                break;
            }
            case 2:
                wheel.clear(index);
                model.erase(index);
                break;
            default: {
                now += prng.below(prng.below(50) == 0 ? 9'000'000 : 3'000);
                wheel.expire(now, [&](uint32_t due) {
                    REQUIRE(model.count(due) == 1);
                    REQUIRE(model[due] <= now);
                    model.erase(due);
                });
                for (const auto& [left, at] : model) REQUIRE(at + 512 > now);
                break;
            }
        }
        REQUIRE(wheel.size() == model.size());
        if (!model.empty()) {
            const auto first =
                std::min_element(model.begin(), model.end(),
                                 [](const auto& a, const auto& b) { return a.second < b.second; });
            REQUIRE(wheel.next_us() <= std::max(first->second, now) + 512);
        } else {
            REQUIRE(wheel.next_us() == DeadlineWheel::kNever);
        }
    }
}

TEST_CASE("deadline wheel: a deadline may be set and cleared from inside expire") {
    DeadlineWheel wheel;
    for (uint32_t index = 0; index < 10; ++index) wheel.set(index, 100);
    std::vector<uint32_t> fired;
    wheel.expire(10'000, [&](uint32_t index) {
        fired.push_back(index);
        for (uint32_t other = 0; other < 10; ++other) wheel.clear(other);
        if (fired.size() == 1) wheel.set(20, 20'000);
    });
    CHECK(fired.size() == 1);
    CHECK(wheel.size() == 1);
    wheel.expire(30'000, [&](uint32_t index) { fired.push_back(index); });
    CHECK(fired.back() == 20);
}

TEST_CASE("indexed heap: top agrees with a model under random sets and removals") {
    Prng prng(test::seed());
    IndexedHeap heap;
    std::map<uint32_t, uint64_t> model;
    for (int step = 0; step < 20000; ++step) {
        const uint32_t index = static_cast<uint32_t>(prng.below(200));
        if (prng.below(3) > 0) {
            const uint64_t key = prng.below(1000);
            heap.set(index, key);
            model[index] = key;
        } else {
            heap.remove(index);
            model.erase(index);
        }
        REQUIRE(heap.size() == model.size());
        if (model.empty()) continue;
        const auto best =
            std::min_element(model.begin(), model.end(), [](const auto& a, const auto& b) {
                return a.second != b.second ? a.second < b.second : a.first < b.first;
            });
        REQUIRE(heap.top() == best->first);
        REQUIRE(heap.top_key() == best->second);
    }
}
