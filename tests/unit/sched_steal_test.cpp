// What waits at a peer that has not begun it goes to one that has nothing to do.
#include <doctest/doctest.h>

#include <algorithm>

#include "sched/attempt_id.h"
#include "sched_world.h"

using namespace p2c2r;
using namespace p2c2r::sched;

namespace {

constexpr uint64_t kComputes = 10'000;

// Peers of one slot, whose tasks take ten milliseconds.
struct StealWorld : World {
    uint64_t slow = join("slow", 1, 8);
    uint64_t other = join("other", 1, 8);

    StealWorld() {
        teach(slow);
        teach(other);
    }
    Action give(uint64_t peer, uint64_t deadline_us = 1'000'000, const Reach& reach = {}) {
        const uint64_t task = admit(deadline_us, 0, false, "echo", 100, reach);
        REQUIRE(scheduler.assign_to(task, peer, now, actions) == Status::kOk);
        const Action given = actions.back();
        actions.clear();
        now += 10;
        return given;
    }
    Nonce nonce_of(const Action& given) {
        return scheduler.attempt_at(given.task, given.peer)->nonce;
    }
    Verdict end(const Action& given, Status status = Status::kOk) {
        return scheduler.answered(given.peer, given.attempt_id, nonce_of(given), status, kComputes,
                                  now, actions);
    }
    void teach(uint64_t peer) {
        for (int i = 0; i < 4; ++i) {
            const Action given = give(peer);
            now += kComputes;
            REQUIRE(end(given) == Verdict::kAccepted);
            actions.clear();
        }
    }
    [[nodiscard]] uint64_t taken_back() const { return scheduler.stats().taken_back; }
    [[nodiscard]] const PeerRecord& record(uint64_t peer) { return *scheduler.peers().find(peer); }
};

}  // namespace

TEST_CASE("taken back: the last of those that wait goes to a peer with nothing to do") {
    StealWorld world;
    const Action first = world.give(world.slow);
    const Action second = world.give(world.slow);
    const Action third = world.give(world.slow);
    const Nonce was = world.nonce_of(third);
    const std::vector<Action> decided = world.dispatch();
    REQUIRE(decided.size() == 2);
    CHECK(decided[0].kind == Action::Kind::kCancelAttempt);
    CHECK(decided[0].peer == world.slow);
    CHECK(decided[0].attempt_id == third.attempt_id);
    CHECK(decided[1].kind == Action::Kind::kAssign);
    CHECK(decided[1].peer == world.other);
    CHECK(decided[1].task == third.task);
    CHECK(decided[1].attempt_id != third.attempt_id);
    CHECK(world.taken_back() == 1);
    // It is no attempt more, and nobody's failure.
    const TaskRecord& record = *world.scheduler.find(third.task);
    CHECK(record.attempts == 1);
    CHECK(record.uncounted == 1);
    CHECK_FALSE(record.has_copy);
    CHECK(world.record(world.slow).failures == 0);
    CHECK(world.record(world.slow).failed == 0);
    // The peer that had it holds its slot until it has said so, whatever it says.
    CHECK(world.record(world.slow).held == 3);
    CHECK(world.scheduler.answered(world.slow, third.attempt_id, was, Status::kCancelled, 0,
                                   world.now, world.actions) == Verdict::kAbandoned);
    CHECK(world.record(world.slow).held == 2);
    CHECK(world.record(world.slow).failures == 0);
    CHECK(world.end(first) == Verdict::kAccepted);
    CHECK(world.end(second) == Verdict::kAccepted);
    CHECK(world.end(decided[1]) == Verdict::kAccepted);
    CHECK(world.scheduler.pending() == 0);
}

TEST_CASE("taken back: an answer of a peer that had begun it all the same is dropped") {
    StealWorld world;
    for (int i = 0; i < 2; ++i) world.give(world.slow);
    const Action last = world.give(world.slow);
    const Nonce was = world.nonce_of(last);
    REQUIRE(world.dispatch().size() == 2);
    CHECK(world.scheduler.answered(world.slow, last.attempt_id, was, Status::kOk, kComputes,
                                   world.now, world.actions) == Verdict::kAbandoned);
    CHECK(world.scheduler.find(last.task) != nullptr);
}

TEST_CASE("taken back: nothing where it would not be over much sooner") {
    StealWorld world;
    world.give(world.slow);
    world.give(world.slow);
    CHECK(world.dispatch().empty());
    // What runs is not touched, however late it is: that is for copies.
    StealWorld alone;
    alone.give(alone.slow);
    alone.now += 100'000;
    alone.dispatch();
    CHECK(alone.taken_back() == 0);
}

TEST_CASE("taken back: behind a task that is late by itself nothing waits for long") {
    StealWorld world;
    world.give(world.slow);
    const Action waits = world.give(world.slow);
    world.now += 2 * kComputes;
    CHECK(world.dispatch().empty());
    world.now += 5 * kComputes;
    const std::vector<Action> decided = world.dispatch();
    REQUIRE(decided.size() == 2);
    CHECK(decided[1].task == waits.task);
    CHECK(decided[1].peer == world.other);
}

TEST_CASE("taken back: as many as there are idle slots and no more") {
    StealWorld world;
    for (int i = 0; i < 8; ++i) world.give(world.slow);
    std::vector<uint64_t> more;
    for (int i = 0; i < 3; ++i) {
        more.push_back(world.join("more " + std::to_string(i), 1, 8));
        world.teach(more.back());
    }
    // Those that came meanwhile have taken some already.
    while (!world.dispatch().empty()) world.now += 2'000;
    CHECK(world.record(world.other).held == 1);
    for (const uint64_t peer : more) CHECK(world.record(peer).held == 1);
    CHECK(world.record(world.slow).leases.size() == 4);
    CHECK(world.taken_back() == 4);
}

TEST_CASE("taken back: not while others wait for the slot nor with a copy nor out of the circle") {
    {
        StealWorld world;
        for (int i = 0; i < 3; ++i) world.give(world.slow);
        world.admit();
        const std::vector<Action> decided = world.dispatch();
        REQUIRE(decided.size() == 1);  // that one is placed
        CHECK(decided[0].peer == world.other);
        CHECK(world.taken_back() == 0);
    }
    {
        StealWorld world;
        const uint64_t own = world.join("own", 1, 8, {"echo"}, 7);
        world.teach(own);
        for (int i = 0; i < 3; ++i) world.give(own, 1'000'000, {Circle::kOwn, 7});
        CHECK(world.dispatch().empty());
    }
    {
        StealWorld world;
        const uint64_t types = world.join("types", 1, 8, {"hash"});
        (void)types;
        const Action keeps = world.give(world.other);
        (void)keeps;
        for (int i = 0; i < 3; ++i) world.give(world.slow);
        CHECK(world.dispatch().empty());  // the idle one does not run it
    }
}

TEST_CASE("taken back: a task is not sent about for ever") {
    StealWorld world;
    std::vector<Action> held;
    for (int i = 0; i < 4; ++i) held.push_back(world.give(world.slow));
    uint64_t moves = 0;
    for (int round = 0; round < 200; ++round) {
        world.now += 2'000;
        for (const Action& action : world.dispatch()) {
            moves += action.kind == Action::Kind::kCancelAttempt ? 1 : 0;
        }
    }
    CHECK(moves <= 4u * kUncountedMax);
    for (const Action& one : held) {
        const TaskRecord* record = world.scheduler.find(one.task);
        if (record) CHECK(record->uncounted <= kUncountedMax);
    }
}
