// The timer heap: order, ties, arming again, disarming.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "core/prng.h"
#include "net/timer_heap.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::net;

TEST_CASE("timers fire in order of time and ties in the order they were armed") {
    TimerHeap heap;
    Prng prng(test::seed());
    struct Plan {
        Timer timer;
        uint64_t at = 0;
        uint64_t armed = 0;
    };
    std::vector<std::unique_ptr<Plan>> plans;
    std::vector<const Plan*> fired;
    uint64_t armed = 0;
    for (int i = 0; i < 500; ++i) {
        auto plan = std::make_unique<Plan>();
        plan->timer.fire = [&fired, raw = plan.get()] { fired.push_back(raw); };
        plans.push_back(std::move(plan));
    }
    // Arm, arm again and disarm at random; few distinct times, so that there are many ties.
    for (int i = 0; i < 5000; ++i) {
        Plan& plan = *plans[prng.below(plans.size())];
        if (prng.chance(0.3)) {
            heap.disarm(plan.timer);
            plan.armed = 0;
        } else {
            plan.at = 1 + prng.below(40);
            plan.armed = ++armed;
            heap.arm(plan.timer, plan.at);
        }
    }
    std::vector<const Plan*> expected;
    for (const auto& plan : plans) {
        if (plan->armed != 0) expected.push_back(plan.get());
    }
    std::sort(expected.begin(), expected.end(), [](const Plan* a, const Plan* b) {
        return a->at != b->at ? a->at < b->at : a->armed < b->armed;
    });
    CHECK(heap.size() == expected.size());
    heap.fire_due(20);
    for (const Plan* plan : fired) CHECK(plan->at <= 20);
    CHECK(heap.next_us() > 20);
    heap.fire_due(40);
    CHECK(fired == expected);
    CHECK(heap.empty());
    CHECK(heap.next_us() == UINT64_MAX);
}

TEST_CASE("a timer that arms itself again fires once a call and does not keep others waiting") {
    TimerHeap heap;
    int again = 0;
    int other = 0;
    Timer greedy;
    Timer patient;
    greedy.fire = [&] {
        ++again;
        heap.arm(greedy, 0);
    };
    patient.fire = [&] { ++other; };
    heap.arm(greedy, 0);
    heap.arm(patient, 90);
    for (int i = 1; i <= 3; ++i) {
        heap.fire_due(100);
        CHECK(again == i);
        CHECK(other == 1);
    }
    heap.disarm(greedy);
    CHECK(heap.empty());
}

TEST_CASE("a timer may disarm and destroy others while it fires") {
    TimerHeap heap;
    std::vector<std::unique_ptr<Timer>> others;
    int fired = 0;
    Timer first;
    first.fire = [&] {
        for (auto& other : others) heap.disarm(*other);
        others.clear();
    };
    heap.arm(first, 1);
    for (int i = 0; i < 50; ++i) {
        others.push_back(std::make_unique<Timer>());
        others.back()->fire = [&] { ++fired; };
        heap.arm(*others.back(), 2);
    }
    heap.fire_due(10);
    CHECK(fired == 0);
    CHECK(heap.empty());
}

TEST_CASE("a timer that throws leaves the others armed") {
    TimerHeap heap;
    int fired = 0;
    Timer bad;
    Timer good;
    bad.fire = [] { throw 1; };
    good.fire = [&] { ++fired; };
    heap.arm(bad, 1);
    heap.arm(good, 2);
    CHECK_THROWS(heap.fire_due(5));
    CHECK(heap.size() == 1);
    heap.fire_due(5);
    CHECK(fired == 1);
}
