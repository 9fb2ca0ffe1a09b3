// What a client holds back while the coordinator refuses.
#include <doctest/doctest.h>

#include <deque>

#include "roles/hold_back.h"
#include "unit/roles_scripted.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

constexpr uint64_t kMs = 1000;
const std::string kType = "hold";

// A gamer who asks at a pace, and a coordinator that takes so many a second and keeps a queue of
// some; it answers a refusal after a round trip.
struct Refusing {
    double asked_per_s = 600;
    double taken_per_s = 200;
    double queue_most = 16;
    uint64_t round_us = 1 * kMs;
    uint64_t burst = 1;  // that come at once

    HoldBack held;
    Prng chance{11};
    uint64_t now_us = 1'000'000;
    double queue = 0;
    double due = 0;
    std::deque<std::pair<uint64_t, uint64_t>> answers;  // when, and when it was sent
    uint64_t asked = 0, sent = 0, taken = 0, refused = 0;

    [[nodiscard]] HoldBack::Wish wish() const { return {kType, Circle::kType, 0, 100 * kMs, 1000}; }
    void ask() {
        ++asked;
        if (held.why_not(wish(), now_us, chance)) return;
        ++sent;
        if (queue + 1 <= queue_most) {
            queue += 1;
            ++taken;
        } else {
            answers.emplace_back(now_us + round_us, now_us);
        }
    }
    void pass(uint64_t for_us) {
        constexpr uint64_t kStepUs = 100;
        for (const uint64_t until_us = now_us + for_us; now_us < until_us; now_us += kStepUs) {
            queue = std::max(0.0, queue - taken_per_s * kStepUs / 1e6);
            for (; !answers.empty() && answers.front().first <= now_us; answers.pop_front()) {
                ++refused;
                held.refused(wish(), answers.front().second, "deadline", "too many wait", 40,
                             now_us);
            }
            for (due += asked_per_s * kStepUs / 1e6; due >= static_cast<double>(burst);
                 due -= static_cast<double>(burst)) {
                for (uint64_t i = 0; i < burst; ++i) ask();
            }
        }
    }
    // Counted from now on.
    void forget_counts() { asked = sent = taken = refused = 0; }
};

}  // namespace

TEST_CASE("hold back: nothing is, while nothing is refused") {
    Refusing world;
    world.asked_per_s = 150;
    world.pass(5'000'000);
    CHECK(world.asked >= 749);
    CHECK(world.sent == world.asked);
    CHECK(world.refused == 0);
    CHECK(world.held.is_idle(world.now_us));
}

TEST_CASE("hold back: while too much is asked for, all is taken that can be, and little refused") {
    struct Case {
        double times;
        uint64_t round_us;
        uint64_t burst;
        uint64_t refused_most;  // of 10 s, in which 2000 are taken
    };
    for (const Case& one :
         {Case{1.5, kMs, 1, 700}, Case{3, kMs, 1, 800}, Case{20, kMs, 1, 800},
          Case{3, 40 * kMs, 1, 1000}, Case{3, kMs, 10, 1000}, Case{20, 40 * kMs, 64, 2000}}) {
        CAPTURE(one.times);
        CAPTURE(one.round_us);
        CAPTURE(one.burst);
        Refusing world;
        world.asked_per_s = one.times * world.taken_per_s;
        world.round_us = one.round_us;
        world.burst = one.burst;
        world.pass(1'000'000);
        world.forget_counts();
        world.pass(10'000'000);
        CHECK(world.taken >= 1900);
        CHECK(world.refused <= one.refused_most);
    }
}

TEST_CASE("hold back: when the load falls, all is sent again within 500 ms") {
    Refusing world;
    world.pass(3'000'000);
    CHECK(world.sent < world.asked);
    world.asked_per_s = 100;
    world.pass(500'000);
    world.forget_counts();
    CHECK(world.held.is_idle(world.now_us));
    world.pass(1'000'000);
    CHECK(world.asked >= 99);
    CHECK(world.sent == world.asked);
    CHECK(world.taken == world.asked);
}

TEST_CASE("hold back: when more can be taken, more is sent within 500 ms") {
    Refusing world;
    world.pass(3'000'000);
    world.taken_per_s = 1'000;
    world.pass(500'000);
    world.forget_counts();
    world.pass(1'000'000);
    CHECK(world.taken == world.asked);
}

TEST_CASE("hold back: one is sent every 10 ms whatever was refused") {
    Refusing world;
    world.taken_per_s = 0;
    world.queue_most = 0;
    world.pass(2'000'000);
    world.forget_counts();
    world.pass(1'000'000);
    CHECK(world.asked >= 599);
    CHECK(world.sent >= 80);
    CHECK(world.sent <= 110);
}

TEST_CASE("hold back: who is more urgent, has more time or is smaller than all that was refused") {
    HoldBack held;
    Prng chance(3);
    const uint64_t now = 5'000'000;
    const HoldBack::Wish refused{kType, Circle::kType, 2, 100 * kMs, 100'000};
    for (int i = 0; i < 200; ++i) held.refused(refused, now, "memory", "full", 100, now);
    const auto sends = [&](HoldBack::Wish wish) {
        int sent = 0;
        for (int i = 0; i < 100; ++i) sent += held.why_not(wish, now, chance) == nullptr;
        return sent;
    };
    CHECK(sends(refused) < 20);
    CHECK(sends({kType, Circle::kType, 1, 90 * kMs, 200'000}) < 20);
    CHECK(sends({kType, Circle::kType, 2, 110 * kMs, 90'000}) < 20);
    CHECK(sends({kType, Circle::kType, 3, 100 * kMs, 100'000}) == 100);
    CHECK(sends({kType, Circle::kType, 2, 200 * kMs, 100'000}) == 100);
    CHECK(sends({kType, Circle::kType, 2, 100 * kMs, 10'000}) == 100);
    // Another type, or circle, has other peers.
    const std::string other = "other";
    CHECK(sends({other, Circle::kType, 2, 100 * kMs, 100'000}) == 100);
    CHECK(sends({kType, Circle::kOwn, 2, 100 * kMs, 100'000}) == 100);
    // Until such a one is refused as well.
    const HoldBack::Wish urgent{kType, Circle::kType, 3, 100 * kMs, 100'000};
    held.refused(urgent, now, "memory", "full", 100, now);
    CHECK(sends(urgent) < 20);
}

TEST_CASE("hold back: an urgent task that was refused once is not held back for that for ever") {
    Refusing world;
    world.pass(1'000'000);
    HoldBack::Wish urgent = world.wish();
    urgent.priority = 5;
    world.held.refused(urgent, world.now_us, "deadline", "", 0, world.now_us);
    world.pass(3 * HoldBack::kForgetUs);
    for (int i = 0; i < 100; ++i) {
        CHECK(world.held.why_not(urgent, world.now_us, world.chance) == nullptr);
    }
}

TEST_CASE("hold back: what is told is what the coordinator said last") {
    HoldBack held;
    Prng chance(3);
    const uint64_t now = 5'000'000;
    const HoldBack::Wish wish{kType, Circle::kType, 0, 100 * kMs, 100};
    for (int i = 0; i < 100; ++i) held.refused(wish, now, "memory", "full", 100, now);
    held.refused(wish, now, "deadline", "too late", 60, now + kMs);
    held.refused(wish, now, "deadline", "too late", 0, now + kMs);  // it does not know
    const HoldBack::Refusal* why = nullptr;
    for (int i = 0; i < 100 && !why; ++i) why = held.why_not(wish, now + kMs, chance);
    REQUIRE(why);
    CHECK(why->field == "deadline");
    CHECK(why->text == "too late");
    CHECK(why->ask_again_us == now + 61 * kMs);
    held.forget();
    CHECK(held.is_idle(now + kMs));
    for (int i = 0; i < 100; ++i) CHECK(held.why_not(wish, now + kMs, chance) == nullptr);
}

TEST_CASE("hold back: of so many types none is remembered but the last") {
    HoldBack held;
    Prng chance(3);
    const uint64_t now = 5'000'000;
    const auto refuse = [&](const std::string& type, uint64_t at_us) {
        const HoldBack::Wish wish{type, Circle::kType, 0, 100 * kMs, 100};
        for (int i = 0; i < 100; ++i) held.refused(wish, at_us, "", "", 0, at_us);
    };
    const auto sends = [&](const std::string& type, uint64_t at_us) {
        int sent = 0;
        for (int i = 0; i < 20; ++i) {
            sent += !held.why_not({type, Circle::kType, 0, 100 * kMs, 100}, at_us, chance);
        }
        return sent;
    };
    for (size_t i = 0; i < HoldBack::kKindsMax + 1; ++i) refuse("t" + std::to_string(i), now + i);
    CHECK(sends("t0", now + 100) == 20);
    CHECK(sends("t1", now + 100) < 20);
    CHECK(sends("t" + std::to_string(HoldBack::kKindsMax), now + 100) < 20);
}

TEST_CASE("hold back: a client does not send what its coordinator would refuse, and says so") {
    ScriptedWorld world;
    world.start();
    world.coordinator.refuse = Status::kBusy;
    uint64_t next = 0;
    const auto submit = [&](int count) {
        for (int i = 0; i < count; ++i) world.submit(++next);
        world.loop.settle();
    };
    submit(100);
    CHECK(world.coordinator.submitted.size() == 100);  // nothing was refused yet
    CHECK(world.client->stats().held_back == 0);
    submit(100);
    const size_t sent = world.coordinator.submitted.size();
    CHECK(sent < 130);
    CHECK(world.client->stats().held_back == 200 - sent);
    CHECK(world.client->stats().failed == 200);
    uint64_t held = 0;
    for (uint64_t task = 1; task <= next; ++task) {
        const TaskResult& result = world.result(task);
        CHECK(result.status == Status::kBusy);
        if (result.error.rfind("not sent", 0) != 0) continue;
        ++held;
        CHECK(result.source == Source::kNone);
        CHECK(result.attempts == 0);
        CHECK(result.retry_after_ms >= 10);
    }
    CHECK(held == 200 - sent);
    // The coordinator takes them again.
    world.coordinator.refuse.reset();
    world.loop.advance(HoldBack::kForgetUs);
    submit(100);
    CHECK(world.coordinator.submitted.size() == sent + 100);
}

TEST_CASE("hold back: what may run here does so, and what was accepted is not held back") {
    ScriptedWorld world;
    world.start(true);
    world.coordinator.refuse = Status::kBusy;
    TaskSpec remote;
    remote.task_type = "echo";
    remote.place = Place::kRemote;
    for (uint64_t task = 1; task <= 100; ++task) world.submit(task, TaskSpec(remote));
    world.loop.settle();
    for (uint64_t task = 101; task <= 120; ++task) world.submit(task);
    world.loop.settle();
    CHECK(world.client->stats().held_back > 0);
    for (uint64_t task = 101; task <= 120; ++task) {
        CHECK(world.result(task).status == Status::kOk);
        CHECK(world.result(task).source == Source::kLocal);
    }
    // Over a new connection all that is pending goes.
    world.coordinator.refuse.reset();
    world.loop.advance(HoldBack::kForgetUs);
    for (uint64_t task = 201; task <= 220; ++task) world.submit(task, TaskSpec(remote));
    world.loop.settle();
    const size_t before = world.coordinator.submitted.size();
    world.coordinator.connection.reset();
    world.loop.advance(200'000);
    CHECK(world.coordinator.submitted.size() == before + 20);
}
