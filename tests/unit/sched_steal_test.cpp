// What waits at a peer that has not begun it goes to one that has nothing to do: when it does, when
// it does not, and what it counts.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

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
    // The peer's answer to the cancel of what it was given.
    Verdict cancelled(const Action& given, const Nonce& nonce, uint64_t compute_us) {
        return scheduler.answered(given.peer, given.attempt_id, nonce, Status::kCancelled,
                                  compute_us, now, actions);
    }
    [[nodiscard]] uint8_t attempts(const Action& given) const {
        return scheduler.find(given.task)->attempts;
    }
    [[nodiscard]] uint64_t taken_back() const { return scheduler.stats().taken_back; }
    [[nodiscard]] const PeerRecord& record(uint64_t peer) { return *scheduler.peers().find(peer); }
};

}  // namespace

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
        world.now += kComputes;
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
    world.now += 10 * kComputes;
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
    while (world.taken_back() == 0 && world.now < given_us + 10 * kComputes) {
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
    CHECK(world.now >= given_us + 3 * kComputes);
    CHECK(world.now <= given_us + 4 * kComputes);
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
    for (int i = 0; i < 4; ++i) world.give(world.slow, kComputes / 2);
    CHECK(world.dispatch().empty());
}

// ---- what it counts ----------------------------------------------------------------------------

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
    CHECK(world.scheduler.answered(world.slow, last.attempt_id, was, Status::kOk, kComputes,
                                   world.now, world.actions) == Verdict::kAbandoned);
    CHECK(world.record(world.slow).completed == completed);
    CHECK(world.record(world.slow).accepted_slot_us == accepted_us);
    CHECK(world.scheduler.find(last.task) != nullptr);
    CHECK(world.end(decided[1]) == Verdict::kAccepted);
    CHECK(world.scheduler.find(last.task) == nullptr);
    // And once more.
    CHECK(world.scheduler.answered(world.slow, last.attempt_id, was, Status::kOk, kComputes,
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
            world.now += kComputes;
            REQUIRE(world.end(decided[0]) == Verdict::kAccepted);
            world.actions.clear();
        }
        orders.push_back(names);
    }
    CHECK(orders[0] == orders[1]);
}
