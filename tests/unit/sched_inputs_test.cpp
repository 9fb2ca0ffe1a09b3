// Inputs that are still coming: when they keep the slot that others wait for, and what it costs.
#include <doctest/doctest.h>

#include "sched_world.h"

using namespace p2c2r;
using namespace p2c2r::sched;

namespace {

struct Inputs : World {
    AccountIndex slow = scheduler.open_account();
    AccountIndex other = scheduler.open_account();

    uint64_t bring(AccountIndex account, bool open, uint64_t deadline_us = 10'000'000,
                   const char* type = "echo") {
        Admission admission;
        admission.type = scheduler.type_index(type);
        admission.account = account;
        admission.deadline_us = now + deadline_us;
        admission.start_timeout_us = 500'000;
        admission.bytes = 1'000;
        admission.input_open = open;
        return scheduler.admit(admission, now);
    }
    [[nodiscard]] TaskRecord::State state(uint64_t task) { return scheduler.find(task)->state; }
    // In steps, as a loop's timer would.
    std::vector<Action> pass(uint64_t us) {
        std::vector<Action> all;
        for (uint64_t left = us; left > 0; left -= 1'000) {
            for (const Action& action : expire(1'000)) all.push_back(action);
        }
        return all;
    }
};

using State = TaskRecord::State;

}  // namespace

TEST_CASE("inputs: one that stalls gives its slot to who waits and is nobody's failure") {
    Inputs world;
    const uint64_t peer = world.join("a", 1, 1);
    const uint64_t open = world.bring(world.slow, true);
    const Action first = world.dispatch().at(0);
    const uint64_t waits = world.bring(world.other, false);
    CHECK(world.pass(49'000).empty());
    CHECK(world.state(open) == State::kLeased);
    const std::vector<Action> actions = world.pass(2'000);
    REQUIRE(actions.size() == 1);
    CHECK(actions[0].kind == Action::Kind::kCancelAttempt);
    CHECK(actions[0].attempt_id == first.attempt_id);
    CHECK(world.state(open) == State::kStalled);
    CHECK(world.scheduler.find(open)->attempts == 0);
    CHECK(world.scheduler.peers().find(peer)->failures == 0);
    CHECK(world.scheduler.stats().timeouts == 0);
    CHECK(world.scheduler.stats().stalled_inputs == 1);
    // The slot is free when the peer says so, and never before.
    world.scheduler.answer_ended(peer, first.attempt_id, world.now);
    const Action second = world.dispatch().at(0);
    CHECK(second.task == waits);
    world.answer(second);
    // It is placed once it is whole, and has all of its attempts.
    world.scheduler.input_continues(open, 500, world.now);
    CHECK(world.pass(200'000).empty());
    CHECK(world.scheduler.input_complete(open, world.now));
    const Action third = world.dispatch().at(0);
    CHECK(third.task == open);
    CHECK(third.attempt_id != first.attempt_id);
    CHECK(world.scheduler.find(open)->attempts == 1);
    CHECK(world.answer(third) == Verdict::kAccepted);
    CHECK(world.scheduler.pending() == 0);
}

TEST_CASE("inputs: what flows at 1 MB/s keeps its slot and what drips does not") {
    for (const uint64_t bytes : {40'000, 39'000, 1}) {
        CAPTURE(bytes);
        Inputs world;
        world.join("a", 1, 1);
        const uint64_t open = world.bring(world.slow, true);
        REQUIRE(world.dispatch().size() == 1);
        world.bring(world.other, false);
        // More at once saves nothing up.
        world.scheduler.input_continues(open, 1 << 20, world.now);
        for (int i = 0; i < 100 && world.state(open) == State::kLeased; ++i) {
            world.pass(40'000);
            world.scheduler.input_continues(open, bytes, world.now);
        }
        CHECK((world.state(open) == State::kLeased) == (bytes == 40'000));
    }
}

TEST_CASE("inputs: a slot that nobody else wants is kept however slow the input is") {
    Inputs world;
    world.join("a", 1, 1);
    world.join("b", 1, 1, {"more"});
    const uint64_t open = world.bring(world.slow, true);
    REQUIRE(world.dispatch().size() == 1);
    SUBCASE("nobody waits") {}
    SUBCASE("its own account waits with more of the kind") {
        world.bring(world.slow, true);
    }
    SUBCASE("who waits needs another peer") {
        for (int i = 0; i < 2; ++i) world.bring(world.other, false, 10'000'000, "more");
        REQUIRE(world.dispatch().size() == 1);
    }
    world.pass(1'000'000);
    CHECK(world.state(open) == State::kLeased);
    // Its own account's, whole, is a reason; somebody else's anyway.
    world.bring(world.slow, false, 1'000'000);
    world.pass(11'000);
    CHECK(world.state(open) == State::kStalled);
}

TEST_CASE("inputs: a peer that has room for both is not asked to drop one") {
    Inputs world;
    world.join("a", 1, 2);
    const uint64_t open = world.bring(world.slow, true);
    REQUIRE(world.dispatch().size() == 1);
    world.now += 60'000;
    // Both in the same turn: time is looked at first, and then there is a slot.
    const uint64_t fresh = world.bring(world.other, false);
    world.scheduler.expire(world.now, world.actions);
    world.scheduler.dispatch(world.now, world.actions);
    CHECK(world.state(open) == State::kLeased);
    CHECK(world.state(fresh) == State::kLeased);
}

TEST_CASE("inputs: of an account that has let one stall the next are placed when they are whole") {
    Inputs world;
    const uint64_t peer = world.join("a", 1, 1);
    world.bring(world.slow, true);
    const Action first = world.dispatch().at(0);
    const uint64_t waits = world.bring(world.other, false);
    world.pass(51'000);
    world.scheduler.answer_ended(peer, first.attempt_id, world.now);
    const Action second = world.dispatch().at(0);
    REQUIRE(second.task == waits);
    world.answer(second);
    const uint64_t next = world.bring(world.slow, true);
    CHECK(world.dispatch().empty());
    CHECK(world.state(next) == State::kStalled);
    // Nobody else's, and not for long.
    const uint64_t others = world.bring(world.other, true);
    CHECK(world.dispatch().at(0).task == others);
    world.scheduler.withdraw(others, world.now, world.actions);
    world.scheduler.answer_ended(peer, world.actions.at(0).attempt_id, world.now);
    world.actions.clear();
    world.scheduler.input_complete(next, world.now);
    CHECK(world.answer(world.dispatch().at(0)) == Verdict::kAccepted);
    world.pass(1'000'000);
    const uint64_t later = world.bring(world.slow, true);
    CHECK(world.dispatch().at(0).task == later);
}

TEST_CASE("inputs: the slot that one had while it came counts in its account's turns") {
    Inputs world;
    const uint64_t peer = world.join("a", 1, 1);
    // From here on it is known what they take: a tenth of a millisecond.
    world.bring(kNoAccount, false);
    world.answer(world.dispatch().at(0));
    // 40 ms at a time, too short to stall, and never whole.
    for (int i = 0; i < 5; ++i) {
        const uint64_t open = world.bring(world.slow, true);
        const Action given = world.dispatch().at(0);
        world.pass(40'000);
        world.scheduler.withdraw(open, world.now, world.actions);
        world.scheduler.answer_ended(peer, given.attempt_id, world.now);
        world.actions.clear();
    }
    // That is worth as much as 2 000 tasks of somebody else.
    for (int i = 0; i < 500; ++i) {
        world.bring(world.other, false);
        world.bring(world.slow, false);
    }
    const uint32_t flow = world.scheduler.find(world.bring(world.other, false))->flow;
    int of_other = 0;
    for (int i = 0; i < 500; ++i) {
        const Action given = world.dispatch().at(0);
        of_other += world.scheduler.find(given.task)->flow == flow;
        world.answer(given);
    }
    CHECK(of_other >= 499);
}

TEST_CASE("inputs: a peer that nobody listens to runs out of no time and is not blamed") {
    Inputs world;
    const uint64_t deaf = world.join("a", 1, 1);
    const uint64_t task = world.bring(world.slow, false, 30'000'000);
    const Action given = world.dispatch().at(0);
    world.join("b", 1, 1);
    const auto withdrawn = [&] {
        world.scheduler.withdraw(task, world.now, world.actions);
        return world.scheduler.peers().find(deaf)->failures;
    };
    SUBCASE("it is waited for, and has its whole time again afterwards") {
        world.scheduler.peer_unread(deaf, true, world.now);
        CHECK(world.pass(5'000'000).empty());
        world.scheduler.peer_unread(deaf, false, world.now);
        CHECK(world.pass(400'000).empty());
        CHECK(world.answer(given) == Verdict::kAccepted);
        CHECK(world.scheduler.stats().timeouts == 0);
    }
    SUBCASE("it is given up as ever once it is listened to") {
        world.scheduler.peer_unread(deaf, true, world.now);
        world.pass(2'000'000);
        world.scheduler.peer_unread(deaf, false, world.now);
        CHECK(world.pass(600'000).size() == 2);
        CHECK(world.scheduler.stats().timeouts == 1);
    }
    SUBCASE("a task that ends meanwhile is not its fault") {
        world.scheduler.peer_unread(deaf, true, world.now);
        world.now += 2'000'000;
        CHECK(withdrawn() == 0);
    }
    SUBCASE("nor one that ends soon after") {
        world.scheduler.peer_unread(deaf, true, world.now);
        world.now += 2'000'000;
        world.scheduler.peer_unread(deaf, false, world.now);
        world.now += 1'000;
        CHECK(withdrawn() == 0);
    }
    SUBCASE("one that ends without that is") {
        world.now += 2'000'000;
        CHECK(withdrawn() == 1);
    }
}

TEST_CASE("inputs: a task that waits in a queue can be held again") {
    Inputs world;
    const uint64_t first = world.bring(world.slow, false);
    const uint64_t second = world.bring(world.slow, false);
    CHECK(world.scheduler.hold(first));
    CHECK_FALSE(world.scheduler.hold(first));
    world.join("a", 1, 1);
    const Action given = world.dispatch().at(0);
    CHECK(given.task == second);
    CHECK_FALSE(world.scheduler.hold(second));
    world.answer(given);
    CHECK(world.dispatch().empty());
    CHECK(world.scheduler.queued() == 0);
    CHECK(world.scheduler.release(first, world.now));
    CHECK(world.dispatch().at(0).task == first);
}
