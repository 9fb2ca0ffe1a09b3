// What waits at a peer that has not begun it goes to one that has nothing to do: when it does, and
// when it does not.
#include <doctest/doctest.h>

#include <algorithm>

#include "unit/steal_world.h"

using namespace p2c2r;
using namespace p2c2r::sched;

// ---- when --------------------------------------------------------------------------------------

TEST_CASE("taken back: the last of those that wait goes to a peer with nothing to do") {
    StealWorld world;
    const Action first = world.give(world.slow);
    const Action second = world.give(world.slow);
    const Action third = world.give(world.slow);
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
    CHECK(world.end(first) == Verdict::kAccepted);
    CHECK(world.end(second) == Verdict::kAccepted);
    CHECK(world.end(decided[1]) == Verdict::kAccepted);
    CHECK(world.scheduler.pending() == 0);
}

TEST_CASE("taken back: the last of those that came in one turn is the last one given") {
    StealWorld world;
    std::vector<Action> given;
    for (int i = 0; i < 6; ++i) {
        given.push_back(world.give(world.slow));
        world.now -= 10;
    }
    // The list of what it has is in no order once one of them is over.
    world.now += 10;
    REQUIRE(world.end(given[0]) == Verdict::kAccepted);
    world.now += 10;
    const std::vector<Action> decided = world.dispatch();
    REQUIRE(decided.size() == 2);
    CHECK(decided[0].attempt_id == given[5].attempt_id);
}

TEST_CASE("taken back: nothing where it would not be over much sooner") {
    StealWorld world;
    world.give(world.slow);
    world.give(world.slow);
    CHECK(world.dispatch().empty());
    CHECK(world.taken_back() == 0);
}

TEST_CASE("taken back: nothing from a peer whose slots are not exceeded, however late it is") {
    StealWorld world;
    const uint64_t wide = world.join("wide", 3, 8);
    world.teach(wide);
    for (int i = 0; i < 3; ++i) world.give(wide);
    for (int i = 0; i < 50; ++i) {
        world.now += kStealComputes;
        world.dispatch();
    }
    CHECK(world.taken_back() == 0);
}

TEST_CASE("taken back: what was given up and waits there holds nothing up") {
    StealWorld world;
    const Action first = world.give(world.slow);
    const Action second = world.give(world.slow);
    const Action third = world.give(world.slow);
    world.scheduler.withdraw(second.task, world.now, world.actions);
    world.scheduler.withdraw(third.task, world.now, world.actions);
    world.actions.clear();
    REQUIRE(world.record(world.slow).held == 3);
    world.now += 10 * kStealComputes;
    world.dispatch();
    CHECK(world.taken_back() == 0);
    CHECK(world.attempts(first) == 1);
}

TEST_CASE("taken back: behind a task that is late by itself nothing waits for long") {
    StealWorld world;
    world.give(world.slow);
    const Action waits = world.give(world.slow);
    // It is looked at again when it is worth it, whatever else happens.
    const uint64_t given_us = world.now;
    while (world.taken_back() == 0 && world.now < given_us + 10 * kStealComputes) {
        world.now = std::max(world.now + 1, world.scheduler.next_us());
        for (const Action& action : world.expire(0)) {
            if (action.kind != Action::Kind::kAssign) continue;
            CHECK(action.task == waits.task);
            CHECK(action.peer == world.other);
        }
    }
    CHECK(world.taken_back() == 1);
    // Both should have been back after two times ten milliseconds. Moved it takes ten, and twice
    // that is less than the ten that it will take here and what the other one is late already.
    CHECK(world.now >= given_us + 3 * kStealComputes);
    CHECK(world.now <= given_us + 4 * kStealComputes);
}

TEST_CASE("taken back: as many as there are idle slots and no more") {
    StealWorld world;
    for (int i = 0; i < 8; ++i) world.give(world.slow);
    std::vector<uint64_t> more;
    for (int i = 0; i < 3; ++i) {
        more.push_back(world.join("more " + std::to_string(i), 1, 8));
        world.teach(more.back());
    }
    for (int i = 0; i < 5; ++i) {
        world.dispatch();
        world.now += 2'000;
    }
    CHECK(world.record(world.other).held == 1);
    for (const uint64_t peer : more) CHECK(world.record(peer).held == 1);
    CHECK(world.record(world.slow).leases.size() == 4);
    CHECK(world.taken_back() == 4);
}

TEST_CASE("taken back: at once for a peer that joins, however often nothing was found before") {
    StealWorld world;
    world.join("idle", 1, 8, {"hash"});
    world.give(world.other);
    for (int i = 0; i < 3; ++i) world.give(world.slow);
    for (int i = 0; i < 2; ++i) {
        CHECK(world.dispatch().empty());
        world.now += 1'000;
    }
    const uint64_t joins = world.join("joins", 1, 8);
    const std::vector<Action> decided = world.dispatch();
    REQUIRE(decided.size() == 2);
    CHECK(decided[1].peer == joins);
}

// ---- what stays --------------------------------------------------------------------------------

TEST_CASE("taken back: what waits in a queue goes first") {
    StealWorld world;
    for (int i = 0; i < 3; ++i) world.give(world.slow);
    world.admit();
    const std::vector<Action> decided = world.dispatch();
    REQUIRE(decided.size() == 1);
    CHECK(decided[0].peer == world.other);
    CHECK(world.taken_back() == 0);
}

TEST_CASE("taken back: also while others wait that nobody here can run") {
    StealWorld world;
    for (int i = 0; i < 3; ++i) world.give(world.slow);
    world.admit(1'000'000, 0, false, "nobody's");
    world.dispatch();
    CHECK(world.taken_back() == 1);
}

TEST_CASE("taken back: a task keeps to its circle and its type") {
    StealWorld world;
    const uint64_t own = world.join("own", 1, 8, {"echo"}, 7);
    world.teach(own);
    for (int i = 0; i < 3; ++i) world.give(own, 1'000'000, {Circle::kOwn, 7});
    CHECK(world.dispatch().empty());

    StealWorld typed;
    typed.join("types", 1, 8, {"hash"});
    typed.give(typed.other);
    for (int i = 0; i < 3; ++i) typed.give(typed.slow);
    CHECK(typed.dispatch().empty());  // the idle one does not run it
}

TEST_CASE("taken back: not the order of this very turn, which may not have left") {
    StealWorld world;
    for (int i = 0; i < 3; ++i) world.give(world.slow);
    const Action last = world.give(world.slow);
    world.now -= 10;
    const std::vector<Action> decided = world.dispatch();
    REQUIRE(decided.size() == 2);
    CHECK(decided[0].task != last.task);
}

TEST_CASE("taken back: not what runs already, where all that waits behind it has to stay") {
    StealWorld world;
    world.scheduler.peers().find(world.slow)->window_bytes = 1 << 24;
    world.give(world.slow);
    for (int i = 0; i < 2; ++i) {
        const uint64_t large = world.admit(1'000'000, 0, false, "echo", (1 << 20) + 1);
        REQUIRE(world.scheduler.assign_to(large, world.slow, world.now, world.actions) ==
                Status::kOk);
        world.now += 10;
    }
    world.actions.clear();
    CHECK(world.dispatch().empty());
    CHECK(world.taken_back() == 0);
}

TEST_CASE("taken back: no input that is still coming and none that is large") {
    for (const bool is_open : {true, false}) {
        CAPTURE(is_open);
        StealWorld world;
        for (int i = 0; i < 3; ++i) {
            Admission admission;
            admission.type = world.scheduler.type_index("echo");
            admission.deadline_us = world.now + 1'000'000;
            admission.start_timeout_us = 500'000;
            admission.bytes = is_open ? 100 : (1 << 20) + 1;
            admission.input_open = is_open;
            const uint64_t task = world.scheduler.admit(admission, world.now);
            world.scheduler.peers().find(world.slow)->window_bytes = 1 << 24;
            REQUIRE(world.scheduler.assign_to(task, world.slow, world.now, world.actions) ==
                    Status::kOk);
            world.now += 10;
        }
        world.actions.clear();
        world.dispatch();
        CHECK(world.taken_back() == 0);
    }
}

TEST_CASE("taken back: a task over a large content goes only where that is") {
    for (const bool is_there : {false, true}) {
        CAPTURE(is_there);
        StealWorld world;
        const std::vector<uint8_t> bytes(128 * 1024, 7);
        const uint64_t content = world.contents.add(Digest256{1}, Bytes::copy(bytes), 1, true);
        REQUIRE(content != 0);
        world.contents.pin(content);
        world.contents.note_holder(content, world.slow);
        if (is_there) world.contents.note_holder(content, world.other);
        world.scheduler.peers().find(world.other)->bytes_per_us = 1000;  // a fast line
        for (int i = 0; i < 4; ++i) {
            world.scheduler.content_known(world.give(world.slow).task, content);
        }
        world.dispatch();
        CHECK(world.taken_back() == (is_there ? 1 : 0));
    }
}

TEST_CASE("taken back: no task whose answer has begun, or that another peer has as well") {
    StealWorld world;
    for (int i = 0; i < 3; ++i) world.give(world.slow);
    const Action last = world.give(world.slow);
    SUBCASE("its answer has begun") {
        world.scheduler.answer_begins(last.task, world.slow, world.now, world.actions);
    }
    SUBCASE("another peer has it as well") {
        const uint64_t third = world.join("third", 1, 8);
        world.teach(third);
        world.scheduler.peer_silent(world.slow, Silence::kDead, world.now, world.actions);
        REQUIRE(world.scheduler.find(last.task)->has_copy);
        world.scheduler.peer_silent(world.slow, Silence::kHeard, world.now, world.actions);
    }
    world.actions.clear();
    for (const Action& action : world.dispatch()) CHECK(action.task != last.task);
    CHECK(world.attempts(last) == 1);
}

TEST_CASE("taken back: also what a peer that is gone had begun to answer") {
    StealWorld world;
    const uint64_t gone = world.join("gone", 1, 8);
    world.teach(gone);
    const Action begun = world.give(gone);
    world.scheduler.answer_begins(begun.task, gone, world.now, world.actions);
    world.scheduler.peer_left(gone, true, world.now, world.actions);
    for (int i = 0; i < 2; ++i) world.give(world.slow);
    REQUIRE(world.scheduler.assign_to(begun.task, world.slow, world.now, world.actions) ==
            Status::kOk);
    world.actions.clear();
    world.now += 10;
    const std::vector<Action> decided = world.dispatch();
    REQUIRE(decided.size() == 2);
    CHECK(decided[1].task == begun.task);
    CHECK(decided[1].peer == world.other);
}

TEST_CASE("taken back: nothing from a peer that nobody listens to") {
    StealWorld world;
    for (int i = 0; i < 4; ++i) world.give(world.slow);
    world.scheduler.peer_unread(world.slow, true, world.now);
    CHECK(world.dispatch().empty());
    world.scheduler.peer_unread(world.slow, false, world.now);
    world.now += 2'000;
    CHECK_FALSE(world.dispatch().empty());
}

TEST_CASE("taken back: nothing that would be too late there as well") {
    StealWorld world;
    for (int i = 0; i < 4; ++i) world.give(world.slow, kStealComputes / 2);
    CHECK(world.dispatch().empty());
}
