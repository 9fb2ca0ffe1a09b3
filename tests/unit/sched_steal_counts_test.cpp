// What is taken back from a peer that has not begun it: what that counts, for the task, its account
// and its peers.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "sched/attempt_id.h"
#include "unit/steal_world.h"

using namespace p2c2r;
using namespace p2c2r::sched;

TEST_CASE("taken back: it is nobody's failure, and the slot is held until the peer has answered") {
    StealWorld world;
    for (int i = 0; i < 2; ++i) world.give(world.slow);
    const Action last = world.give(world.slow);
    const Nonce was = world.nonce_of(last);
    REQUIRE(world.dispatch().size() == 2);
    CHECK(world.record(world.slow).held == 3);
    CHECK(world.cancelled(last, was, 0) == Verdict::kAbandoned);
    CHECK(world.record(world.slow).held == 2);
    CHECK(world.record(world.slow).failures == 0);
    CHECK(world.record(world.slow).failed == 0);
    CHECK(world.scheduler.stats().retries == 0);
}

TEST_CASE("taken back: an order counts as an attempt until its peer says that it had not begun") {
    StealWorld world;
    for (int i = 0; i < 2; ++i) world.give(world.slow);
    const Action last = world.give(world.slow);
    const Nonce was = world.nonce_of(last);
    REQUIRE(world.dispatch().size() == 2);
    CHECK(world.attempts(last) == 2);
    SUBCASE("it had not") {
        world.cancelled(last, was, 0);
        CHECK(world.attempts(last) == 1);
        CHECK(world.scheduler.find(last.task)->uncounted == 1);
    }
    SUBCASE("the order never left") {
        world.scheduler.answer_ended(world.slow, last.attempt_id, world.now, true);
        CHECK(world.attempts(last) == 1);
    }
    SUBCASE("it had worked on it") {
        world.cancelled(last, was, 5);
        CHECK(world.attempts(last) == 2);
    }
    SUBCASE("it had answered in parts") {
        world.scheduler.answer_ended(world.slow, last.attempt_id, world.now);
        CHECK(world.attempts(last) == 2);
    }
    SUBCASE("it is gone") {
        world.scheduler.peer_left(world.slow, true, world.now, world.actions);
        CHECK(world.attempts(last) == 2);
    }
    SUBCASE("the task is over meanwhile") {
        world.scheduler.withdraw(last.task, world.now, world.actions);
        CHECK(world.cancelled(last, was, 0) == Verdict::kAbandoned);
        CHECK(world.scheduler.find(last.task) == nullptr);
    }
}

TEST_CASE("taken back: the late answer of the peer is dropped, and nothing counts twice") {
    StealWorld world;
    for (int i = 0; i < 2; ++i) world.give(world.slow);
    const Action last = world.give(world.slow);
    const Nonce was = world.nonce_of(last);
    const std::vector<Action> decided = world.dispatch();
    REQUIRE(decided.size() == 2);
    const uint64_t completed = world.record(world.slow).completed;
    const double accepted_us = world.record(world.slow).accepted_slot_us;
    CHECK(world.scheduler.answered(world.slow, last.attempt_id, was, Status::kOk, kStealComputes,
                                   world.now, world.actions) == Verdict::kAbandoned);
    CHECK(world.record(world.slow).completed == completed);
    CHECK(world.record(world.slow).accepted_slot_us == accepted_us);
    CHECK(world.scheduler.find(last.task) != nullptr);
    CHECK(world.end(decided[1]) == Verdict::kAccepted);
    CHECK(world.scheduler.find(last.task) == nullptr);
    // And once more.
    CHECK(world.scheduler.answered(world.slow, last.attempt_id, was, Status::kOk, kStealComputes,
                                   world.now, world.actions) == Verdict::kUnknown);
}

TEST_CASE("taken back: a copy that is left alone counts as an attempt once it is moved") {
    StealWorld world;
    const Action first = world.give(world.other);
    world.give(world.slow);
    world.give(world.slow);
    // Its peer looks dead, so the other one gets it as well; then that peer is gone.
    world.scheduler.peer_silent(world.other, Silence::kDead, world.now, world.actions);
    REQUIRE(world.scheduler.find(first.task)->has_copy);
    const Action beside = world.actions.back();
    const Nonce was = world.scheduler.attempt_at(first.task, world.slow)->nonce;
    world.scheduler.peer_left(world.other, true, world.now, world.actions);
    REQUIRE(world.attempts(first) == 1);
    world.actions.clear();
    const uint64_t third = world.join("third", 1, 8);
    world.now += 10;
    const std::vector<Action> decided = world.dispatch();
    REQUIRE(decided.size() == 2);
    CHECK(decided[1].task == first.task);
    CHECK(decided[1].peer == third);
    CHECK(world.attempts(first) == 2);
    world.cancelled(beside, was, 0);
    CHECK(world.attempts(first) == 2);
}

TEST_CASE("taken back: no fourth attempt comes of it, whatever peers say of what they have begun") {
    StealWorld world;
    std::vector<uint64_t> peers{world.slow, world.other};
    for (int i = 0; i < 6; ++i) {
        peers.push_back(world.join("more " + std::to_string(i), 1, 8));
        world.teach(peers.back());
    }
    // Each one that gets the task has two others of its own at once, and never answers.
    for (int i = 0; i < 2; ++i) world.give(world.slow);
    const Action moves = world.give(world.slow);
    uint64_t orders = 1;
    for (int round = 0; round < 40; ++round) {
        world.now += 2'000;
        uint64_t at = 0;
        for (const Action& action : world.dispatch()) {
            if (action.kind != Action::Kind::kAssign || action.task != moves.task) continue;
            ++orders;
            at = action.peer;
        }
        if (at == 0) continue;
        CHECK(world.attempts(moves) == orders);
        TaskRecord& record = const_cast<TaskRecord&>(*world.scheduler.find(moves.task));
        // As if these had come before it.
        for (int i = 0; i < 2; ++i) world.give(at);
        record.run.placed_us = world.now;
        world.now += 10;
    }
    CHECK(orders == limits::kAttemptsMax);
}

TEST_CASE("taken back: a task is not sent about for ever where every peer says it had not begun") {
    StealWorld world;
    struct Sent {
        Action given;
        Nonce nonce;
    };
    std::vector<Sent> sent;
    std::vector<Action> held;
    for (int i = 0; i < 4; ++i) {
        held.push_back(world.give(world.slow));
        sent.push_back({held.back(), world.nonce_of(held.back())});
    }
    for (int round = 0; round < 400; ++round) {
        world.now += 2'000;
        for (const Action& action : world.dispatch()) {
            if (action.kind == Action::Kind::kAssign) {
                sent.push_back({action, world.nonce_of(action)});
                continue;
            }
            const auto cancelled = std::find_if(sent.begin(), sent.end(), [&](const Sent& one) {
                return one.given.peer == action.peer && one.given.attempt_id == action.attempt_id;
            });
            REQUIRE(cancelled != sent.end());
            world.cancelled(cancelled->given, cancelled->nonce, 0);
        }
        // Whoever has nothing to do turns up time and again, and whoever has gets more.
        if (round % 20 == 0) world.teach(world.join("new " + std::to_string(round), 1, 8));
    }
    for (const Action& one : held) {
        const TaskRecord* record = world.scheduler.find(one.task);
        if (!record) continue;
        CHECK(record->attempts <= limits::kAttemptsMax);
        CHECK(record->uncounted <= kUncountedMax + limits::kAttemptsMax);
    }
}

TEST_CASE("taken back: its account pays for it once") {
    // Two accounts wait for one machine; whose turn it is does not depend on a move before.
    std::vector<std::vector<uint64_t>> orders;
    for (const bool moves : {false, true}) {
        CAPTURE(moves);
        StealWorld world;
        const AccountIndex one = world.scheduler.open_account();
        const AccountIndex two = world.scheduler.open_account();
        const auto admit_of = [&](AccountIndex account) {
            Admission admission;
            admission.type = world.scheduler.type_index("echo");
            admission.account = account;
            admission.deadline_us = world.now + 10'000'000;
            admission.start_timeout_us = 500'000;
            admission.bytes = 100;
            return world.scheduler.admit(admission, world.now);
        };
        std::vector<Action> given;
        for (int i = 0; i < 3; ++i) {
            const uint64_t task = admit_of(one);
            REQUIRE(world.scheduler.assign_to(task, world.slow, world.now, world.actions) ==
                    Status::kOk);
            given.push_back(world.actions.back());
            world.now += 10;
        }
        world.actions.clear();
        if (moves) {
            for (const Action& action : world.dispatch()) {
                if (action.kind == Action::Kind::kAssign) given.back() = action;
            }
            REQUIRE(world.taken_back() == 1);
        }
        world.scheduler.peer_window(world.other, 0, world.now);
        world.scheduler.peer_window(world.slow, 1, world.now);
        std::vector<uint64_t> names;
        std::map<uint64_t, uint64_t> name_of;
        for (uint64_t i = 0; i < 6; ++i) {
            name_of[admit_of(one)] = i;
            name_of[admit_of(two)] = 100 + i;
        }
        for (const Action& action : given) {
            world.end(action);
            world.actions.clear();
        }
        // What was taken back is still held there.
        for (const Abandoned& abandoned :
             std::vector<Abandoned>(world.record(world.slow).abandoned)) {
            world.scheduler.answer_ended(world.slow, abandoned.attempt_id, world.now);
        }
        while (names.size() < 12) {
            world.now += 10;
            const std::vector<Action> decided = world.dispatch();
            REQUIRE(decided.size() == 1);
            names.push_back(name_of.at(decided[0].task));
            world.now += kStealComputes;
            REQUIRE(world.end(decided[0]) == Verdict::kAccepted);
            world.actions.clear();
        }
        orders.push_back(names);
    }
    CHECK(orders[0] == orders[1]);
}
