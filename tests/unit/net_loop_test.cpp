// The loop on libuv: stages of a turn, waiting, waking, work of other threads.
#include <poll.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "core/prng.h"
#include "net/wait.h"
#include "support/seed.h"
#include "unit/net_support.h"

using namespace p2c2r;
using namespace p2c2r::test;

namespace {

using Waits = net::UvLoop::Waits;
constexpr Waits kAllWaits[] = {Waits::kExact, Waits::kAsWithoutWaitTimer};

bool is_readable(int fd) {
    pollfd entry{fd, POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
}

}  // namespace

TEST_CASE("the stages of a turn come in their order") {
    auto loop = new_loop();
    std::string order;
    net::Timer timer;
    net::Loop::TurnEnd hook;
    timer.fire = [&] { order += "timer "; };
    hook.run = [&] { order += "hook "; };
    loop->set_intake([&] {
        order += "intake ";
        return true;
    });
    loop->arm(timer, 0);
    loop->post([&] {
        order += "posted ";
        loop->at_turn_end(hook);
        loop->at_turn_end(hook);
    });
    loop->turn(0);
    CHECK(order == "intake intake timer posted hook ");
}

TEST_CASE("a turn has one time for all that it does and outside of turns it is now") {
    auto loop = new_loop();
    std::vector<uint64_t> times;
    net::Loop::TurnEnd hook;
    hook.run = [&] { times.push_back(loop->turn_us()); };
    loop->post([&] {
        times.push_back(loop->turn_us());
        const uint64_t until = loop->now_us() + 2'000;
        while (loop->now_us() < until) {
        }
        times.push_back(loop->turn_us());
        loop->at_turn_end(hook);
    });
    const uint64_t before = loop->turn_us();
    loop->turn(0);
    REQUIRE(times.size() == 3);
    CHECK(times[0] >= before);
    CHECK(times[1] == times[0]);
    CHECK(times[2] == times[0]);
    const uint64_t after = loop->turn_us();
    CHECK(after >= times[0] + 2'000);
    CHECK(after <= loop->now_us());
}

TEST_CASE("a turn that has done something before its wait does not wait if it is told so") {
    auto loop = new_loop();
    int intakes = 0;
    loop->set_intake([&] { return ++intakes == 1; });
    bool rang = false;
    net::Timer timer;
    timer.fire = [&] { rang = true; };
    loop->arm(timer, loop->now_us() + 1'000'000);
    loop->turn(60'000'000, net::UvLoop::Wait::kReturnAfterWork);
    CHECK_FALSE(rang);
    loop->turn(60'000'000, net::UvLoop::Wait::kReturnAfterWork);  // nothing to do but to wait
    CHECK(rang);
}

TEST_CASE("a hook asked for outside of a turn runs in the next one and a forgotten one never") {
    auto loop = new_loop();
    int runs = 0;
    int forgotten = 0;
    net::Loop::TurnEnd hook;
    net::Loop::TurnEnd dropped;
    hook.run = [&] { ++runs; };
    dropped.run = [&] { ++forgotten; };
    loop->at_turn_end(hook);
    loop->at_turn_end(dropped);
    loop->forget_turn_end(dropped);
    CHECK_FALSE(dropped.asked);
    loop->turn(0);
    loop->turn(0);
    CHECK(runs == 1);
    CHECK(forgotten == 0);
    // Forgetting in the middle of the stage counts as well.
    hook.run = [&] { loop->forget_turn_end(dropped); };
    loop->at_turn_end(hook);
    loop->at_turn_end(dropped);
    loop->turn(0);
    CHECK(forgotten == 0);
}

TEST_CASE(
    "a hook that asks for another runs it in the same turn and itself without an end of turns") {
    auto loop = new_loop();
    int first = 0;
    int second = 0;
    net::Loop::TurnEnd a;
    net::Loop::TurnEnd b;
    a.run = [&] {
        ++first;
        loop->at_turn_end(b);
    };
    b.run = [&] { ++second; };
    loop->at_turn_end(a);
    loop->turn(0);
    CHECK(first == 1);
    CHECK(second == 1);
    // One that always asks again cannot hold the turn for ever, and the next turn does not wait.
    a.run = [&] {
        ++first;
        loop->at_turn_end(a);
    };
    loop->at_turn_end(a);
    loop->turn(60'000'000);
    CHECK(first > 1);
    loop->forget_turn_end(a);
}

TEST_CASE("a wait lasts at least its time and a timer never fires early") {
    for (const Waits waits : kAllWaits) {
        auto loop = new_loop(waits);
        for (const uint64_t wait_us : {50u, 700u, 1000u, 1700u, 5300u}) {
            CAPTURE(waits);
            CAPTURE(wait_us);
            const uint64_t before = loop->now_us();
            loop->turn(wait_us);
            CHECK(loop->now_us() >= before + wait_us);

            bool fired = false;
            uint64_t fired_us = 0;
            net::Timer timer;
            timer.fire = [&] {
                fired = true;
                fired_us = loop->now_us();
            };
            const uint64_t at_us = loop->now_us() + wait_us;
            loop->arm(timer, at_us);
            while (!fired) loop->turn(1'000'000);
            CHECK(fired_us >= at_us);
        }
    }
}

TEST_CASE("waits of every length follow on each other and each lasts its own time") {
    for (const Waits waits : kAllWaits) {
        CAPTURE(waits);
        auto loop = new_loop(waits);
        Prng prng(test::seed());
        // What is waited for is now nearer, now further away than the time before.
        loop->post([] {});
        loop->turn(600'000'000);
        for (int i = 0; i < 200; ++i) {
            const uint64_t wait_us = prng.next() % 1500;
            CAPTURE(wait_us);
            const uint64_t before = loop->now_us();
            loop->turn(wait_us);
            REQUIRE(loop->now_us() >= before + wait_us);
            if (i % 20 == 0) {
                loop->wake();
                loop->turn(600'000'000);
            }
        }
    }
}

TEST_CASE("a disarmed timer does not fire and one armed anew fires at its new time") {
    for (const Waits waits : kAllWaits) {
        CAPTURE(waits);
        auto loop = new_loop(waits);
        int fired = 0;
        net::Timer timer;
        timer.fire = [&] { ++fired; };
        loop->arm(timer, 0);
        loop->disarm(timer);
        loop->turn(0);
        CHECK(fired == 0);
        const uint64_t at_us = loop->now_us() + 3000;
        loop->arm(timer, loop->now_us() + 3'600'000'000);
        loop->arm(timer, at_us);
        while (fired == 0) loop->turn(10'000'000);
        CHECK(loop->now_us() >= at_us);
        loop->turn(0);
        CHECK(fired == 1);
    }
}

TEST_CASE("the descriptor of a wait is readable from its time on and not before") {
    net::WaitTimer timer;
    if (timer.descriptor() < 0) return;  // a system without
    const auto now_us = [] {
        return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                         std::chrono::steady_clock::now().time_since_epoch())
                                         .count());
    };
    CHECK_FALSE(is_readable(timer.descriptor()));
    for (const uint64_t at_us : {uint64_t{0}, now_us()}) {
        timer.set(at_us);
        CHECK(is_readable(timer.descriptor()));
        timer.clear();
        CHECK_FALSE(is_readable(timer.descriptor()));
    }
    // Set anew it forgets the time before.
    timer.set(now_us());
    timer.set(now_us() + 3'600'000'000);
    CHECK_FALSE(is_readable(timer.descriptor()));
    const uint64_t soon = now_us() + 2000;
    timer.set(soon);
    while (!is_readable(timer.descriptor())) std::this_thread::yield();
    CHECK(now_us() >= soon);
}

TEST_CASE("a wake before the wait is not lost") {
    auto loop = new_loop();
    loop->wake();
    loop->turn(600'000'000);  // the test would run into its time limit
    loop->post([] {});
    loop->turn(600'000'000);
    CHECK(true);
}

TEST_CASE("posts of many threads all run once in the order of each thread") {
    auto loop = new_loop();
    constexpr int kThreads = 4;
    constexpr int kEach = 5000;
    std::vector<int> last(kThreads, -1);
    int total = 0;
    bool ordered = true;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < kEach; ++i) {
                loop->post([&, t, i] {
                    ordered = ordered && last[t] + 1 == i;
                    last[t] = i;
                    ++total;
                });
            }
        });
    }
    CHECK(turn_until(*loop, [&] { return total == kThreads * kEach; }));
    for (auto& thread : threads) thread.join();
    CHECK(ordered);
}

TEST_CASE("a wake from another thread ends a wait every time") {
    auto loop = new_loop();
    std::atomic<int> asked{0};
    std::atomic<int> taken{0};
    loop->set_intake([&] {
        taken.store(asked.load());
        return true;
    });
    std::thread waker([&] {
        for (int i = 1; i <= 2000; ++i) {
            asked.store(i);
            loop->wake();
            while (taken.load() < i) std::this_thread::yield();
        }
    });
    while (taken.load() < 2000) loop->turn(600'000'000);
    waker.join();
    CHECK(taken.load() == 2000);
}

TEST_CASE("work posted by posted work waits for the next turn") {
    auto loop = new_loop();
    int depth = 0;
    std::function<void()> again = [&] {
        if (++depth < 5) loop->post(again);
    };
    loop->post(again);
    for (int turn = 1; turn <= 5; ++turn) {
        loop->turn(600'000'000);
        CHECK(depth == turn);
    }
}

TEST_CASE("the descriptor for a foreign loop becomes readable by a wake outside of turns") {
    auto loop = new_loop();
    const int fd = loop->backend_fd();
    loop->turn(0);
    CHECK(loop->backend_timeout_ms() == -1);
    CHECK_FALSE(is_readable(fd));
    std::thread([&] { loop->wake(); }).join();
    CHECK(is_readable(fd));
    loop->turn(0);
    CHECK_FALSE(is_readable(fd));
    // And again, with work.
    bool ran = false;
    std::thread([&] { loop->post([&] { ran = true; }); }).join();
    CHECK(is_readable(fd));
    CHECK(loop->backend_timeout_ms() == 0);
    loop->turn(0);
    CHECK(ran);
    net::Timer timer;
    timer.fire = [] {};
    loop->arm(timer, loop->now_us() + 5'000'000);
    CHECK(loop->backend_timeout_ms() > 4000);
    CHECK(loop->backend_timeout_ms() <= 5000);
    loop->disarm(timer);
}

TEST_CASE("what throws comes out of the turn and the rest is done by the next one") {
    auto loop = new_loop();
    int ran = 0;
    loop->post([] { throw std::runtime_error("first"); });
    loop->post([&] { ++ran; });
    net::Loop::TurnEnd hook;
    hook.run = [&] { ++ran; };
    loop->at_turn_end(hook);
    hook.asked = true;
    net::Timer timer;
    timer.fire = [] { throw std::runtime_error("timer"); };
    CHECK_THROWS_WITH(loop->turn(0), "first");
    loop->turn(600'000'000);
    CHECK(ran == 2);
    loop->arm(timer, 0);
    CHECK_THROWS_WITH(loop->turn(0), "timer");
    loop->turn(0);
}
