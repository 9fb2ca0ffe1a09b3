// Second attempts beside a first: when they are made and what they may cost, who wins, and that the
// task lives on with one when the other fails.
#include <doctest/doctest.h>

#include <algorithm>

#include "sched/gap_estimate.h"
#include "unit/sched_world.h"

using namespace p2c2r;
using namespace p2c2r::sched;

namespace {

constexpr uint64_t kTakesUs = 10'000;

// Three peers that take 10 ms for everything, and a credit for some copies.
struct Copying : World {
    uint64_t a = 0;
    uint64_t b = 0;
    uint64_t c = 0;

    explicit Copying(int known = 40) {
        a = join("a");
        b = join("b");
        c = join("c");
        for (int i = 0; i < known; ++i) {
            for (const uint64_t peer : {a, b, c}) answer_one(peer);
        }
    }
    void answer_one(uint64_t peer) {
        const Action given = give(peer, 1'000'000);
        now += kTakesUs;
        REQUIRE(answer_of(given) == Verdict::kAccepted);
        REQUIRE(actions.empty());
    }
    Action give(uint64_t peer, uint64_t deadline_us) {
        const uint64_t task = admit(deadline_us);
        REQUIRE(scheduler.assign_to(task, peer, now, actions) == Status::kOk);
        return std::exchange(actions, {}).at(0);
    }
    Nonce nonce_of(const Action& given) {
        return scheduler.attempt_at(given.task, given.peer)->nonce;
    }
    Verdict answer_of(const Action& given, Status status = Status::kOk) {
        return scheduler.answered(given.peer, given.attempt_id, nonce_of(given), status,
                                  kTakesUs - 200, now, actions);
    }
    // Until this many microseconds later; the first thing that is decided meanwhile.
    std::vector<Action> wait(uint64_t us) {
        for (const uint64_t until = now + us; now < until;) {
            std::vector<Action> decided = expire(std::min<uint64_t>(250, until - now));
            if (!decided.empty()) return decided;
        }
        return {};
    }
    // The copy that is made of it because it takes too long.
    Action copy_of(const Action& given) {
        const std::vector<Action> decided = wait(50'000);
        REQUIRE(decided.size() == 1);
        CHECK(decided[0].kind == Action::Kind::kAssign);
        CHECK(decided[0].task == given.task);
        CHECK(decided[0].peer != given.peer);
        return decided[0];
    }
    std::vector<Action> silent(uint64_t peer, Silence silence) {
        scheduler.peer_silent(peer, silence, now, actions);
        return std::exchange(actions, {});
    }
    [[nodiscard]] const PeerRecord& record(uint64_t peer) { return *scheduler.peers().find(peer); }
    [[nodiscard]] const CopyStats& copies() const { return scheduler.stats().copies; }
};

size_t cancels(const std::vector<Action>& actions, const Action& given) {
    return static_cast<size_t>(
        std::count_if(actions.begin(), actions.end(), [&](const Action& action) {
            return action.kind == Action::Kind::kCancelAttempt &&
                   action.attempt_id == given.attempt_id && action.peer == given.peer;
        }));
}

}  // namespace

// ---- what they cost ----------------------------------------------------------------------------

TEST_CASE(
    "copies: the credit is one copy per twenty dispatches, and at most one hundred are saved") {
    CopyCredit credit;
    CHECK_FALSE(credit.has_one());
    for (int i = 0; i < 19; ++i) credit.earn();
    CHECK_FALSE(credit.has_one());
    credit.earn();
    CHECK(credit.has_one());
    credit.pay();
    CHECK_FALSE(credit.has_one());
    for (int i = 0; i < 1'000'000; ++i) credit.earn();
    int copies = 0;
    for (; credit.has_one(); credit.pay()) ++copies;
    CHECK(copies == 100);
}

TEST_CASE("copies: an operator says how many of a hundred attempts they may be") {
    for (const uint32_t percent : {1u, 5u, 20u, 100u}) {
        CopyCredit credit;
        credit.set_percent(percent);
        CHECK_FALSE(credit.is_off());
        uint32_t copies = 0;
        for (int i = 0; i < 1000; ++i) {
            credit.earn();
            for (; credit.has_one(); credit.pay()) ++copies;
        }
        CHECK(copies == 10 * percent);
    }
    CopyCredit off;
    off.set_percent(0);
    CHECK(off.is_off());
    for (int i = 0; i < 1000; ++i) off.earn();
    CHECK_FALSE(off.has_one());
}

TEST_CASE("copies: late tasks are copied in one of twenty dispatches, however slow everything is") {
    Copying world(2);
    uint64_t placed = world.scheduler.stats().assigned;
    for (int i = 0; i < 400; ++i) {
        const Action given = world.give(world.a, 10'000'000);
        ++placed;
        const std::vector<Action> second = world.wait(40'000);
        CHECK(world.copies().late * CopyCredit::kDispatchesPerCopy <= placed);
        const bool copied = !second.empty() && second[0].kind == Action::Kind::kAssign;
        // Nothing else is learned of who is so slow.
        if (copied) {
            CHECK(world.answer_of(second[0]) == Verdict::kAccepted);
        } else {
            world.scheduler.withdraw(given.task, world.now, world.actions);
        }
        for (const Action& told : std::exchange(world.actions, {})) {
            world.scheduler.answer_ended(told.peer, told.attempt_id, world.now);
        }
    }
    CHECK(world.copies().late >= placed / CopyCredit::kDispatchesPerCopy - 1);
    CHECK(world.copies().won == world.copies().late);
}

// ---- when --------------------------------------------------------------------------------------

TEST_CASE("copies: a task is copied once it takes longer than nearly all there did") {
    Copying world;
    const Action given = world.give(world.a, 1'000'000);
    const uint64_t begun = world.now;
    const Action copy = world.copy_of(given);
    CHECK(world.now - begun >= kTakesUs);
    CHECK(world.now - begun <= kTakesUs + 2'000);
    CHECK(world.scheduler.find(given.task)->attempts == 1);
    CHECK(world.copies().late == 1);
    CHECK(world.scheduler.explain(given.task)->peer == world.a);
    CHECK(world.scheduler.explain(given.task, true)->peer == copy.peer);
    CHECK(world.scheduler.explain(given.task, true)->copy == CopyCause::kLate);
}

TEST_CASE(
    "copies: a task of which nobody knows how long it takes there is copied at the last moment") {
    Copying world;
    const uint64_t fresh = world.join("fresh");
    const Action given = world.give(fresh, 79'000);
    const uint64_t begun = world.now;
    const std::vector<Action> decided = world.wait(78'000);
    REQUIRE(decided.size() == 1);
    CHECK(decided[0].kind == Action::Kind::kAssign);
    // What others take at most, and two milliseconds.
    CHECK(world.now - begun >= 79'000 - kTakesUs - 4'000);
    CHECK(world.now - begun <= 79'000 - kTakesUs - 2'000 + 500);
    CHECK(world.scheduler.explain(given.task, true)->copy == CopyCause::kLastMoment);
}

TEST_CASE("copies: nothing is copied for which nobody else has a free slot, or the time") {
    Copying world;
    SUBCASE("no free slot") {
        for (const uint64_t peer : {world.b, world.c}) {
            world.give(peer, 9'000'000);
            world.give(peer, 9'000'000);
        }
        world.wait(1'000);
        const Action given = world.give(world.a, 300'000);
        world.wait(40'000);
        CHECK(world.scheduler.copy_of(given.task) == nullptr);
    }
    SUBCASE("no time") {
        const Action given = world.give(world.a, 9'000);
        world.wait(8'500);
        CHECK(world.scheduler.copy_of(given.task) == nullptr);
    }
}

TEST_CASE(
    "copies: a task with less than 60 ms goes to two peers at once while half the slots are idle") {
    Copying world;
    world.admit(50'000);
    const std::vector<Action> both = world.dispatch();
    REQUIRE(both.size() == 2);
    CHECK(both[0].task == both[1].task);
    CHECK(both[0].peer != both[1].peer);
    CHECK(world.copies().at_once == 1);
    CHECK(world.copies().late == 0);
    CHECK(world.scheduler.find(both[0].task)->attempts == 1);
    // Two of six slots have something; with one more than half of them nobody does it.
    world.admit(50'000);
    CHECK(world.dispatch().size() == 2);
    world.admit(50'000);
    CHECK(world.dispatch().size() == 1);
    world.admit(61'000);
    CHECK(world.dispatch().size() == 1);
}

TEST_CASE("copies: where the operator wants none only what is at a silent peer is copied") {
    Copying world;
    world.scheduler.set_copies_percent(0);
    world.admit(50'000);
    CHECK(world.dispatch().size() == 1);
    const Action given = world.give(world.a, 1'000'000);
    CHECK(world.wait(40'000).empty());
    CHECK(world.copies().all() == 0);
    const std::vector<Action> rescued = world.silent(world.a, Silence::kDead);
    CHECK(std::any_of(rescued.begin(), rescued.end(), [&](const Action& action) {
        return action.kind == Action::Kind::kAssign && action.task == given.task;
    }));
    CHECK(world.copies().silence > 0);
}

TEST_CASE("copies: a task with 60 ms and more waits for its time") {
    Copying world;
    world.admit(60'000);
    CHECK(world.dispatch().size() == 1);
}

TEST_CASE("copies: an input that is still open is at one peer alone") {
    Copying world;
    Admission admission;
    admission.type = world.scheduler.type_index("echo");
    admission.deadline_us = world.now + 50'000;
    admission.input_open = true;
    const uint64_t task = world.scheduler.admit(admission, world.now);
    const std::vector<Action> given = world.dispatch();
    REQUIRE(given.size() == 1);
    CHECK(world.wait(30'000).empty());
    // A silent peer's goes on elsewhere: it was no attempt.
    const std::vector<Action> again = [&] {
        std::vector<Action> first = world.silent(given[0].peer, Silence::kDead);
        REQUIRE(cancels(first, given[0]) == 1);
        return world.dispatch();
    }();
    REQUIRE(again.size() == 1);
    CHECK(again[0].peer != given[0].peer);
    CHECK(world.scheduler.find(task)->attempts == 1);
}

// ---- where -------------------------------------------------------------------------------------

TEST_CASE("copies: they stay inside the circle of their task") {
    Copying world;
    constexpr OwnerIndex kAnna = 5;
    const uint64_t mine = world.join("mine", 2, 4, {"echo"}, kAnna);
    const uint64_t task = world.admit(50'000, 0, false, "echo", 100, Reach{Circle::kOwn, kAnna});
    const std::vector<Action> given = world.dispatch();
    REQUIRE(given.size() == 1);
    CHECK(given[0].peer == mine);
    CHECK(world.silent(mine, Silence::kDead).empty());
    CHECK(world.dispatch().empty());
    const uint64_t other = world.join("other", 2, 4, {"echo"}, kAnna);
    const std::vector<Action> copy = world.dispatch();
    REQUIRE(copy.size() == 1);
    CHECK(copy[0].peer == other);
    CHECK(world.scheduler.attempt_at(task, mine) != nullptr);
}

TEST_CASE("copies: never at a peer that has had the task, and never at more than two") {
    Copying world;
    const Action given = world.give(world.a, 1'000'000);
    CHECK(world.answer_of(given, Status::kExecutor) == Verdict::kRetried);
    const Action again = world.dispatch().at(0);
    CHECK(again.peer != world.a);
    const Action copy = world.copy_of(again);
    CHECK(copy.peer != world.a);
    // Everybody has it or has had it, and both that have it are as good as dead.
    CHECK(world.silent(again.peer, Silence::kDead).empty());
    CHECK(world.silent(copy.peer, Silence::kDead).empty());
    CHECK(world.dispatch().empty());
    // With room elsewhere the first one of the two gives its place.
    const uint64_t d = world.join("d");
    const std::vector<Action> third = world.dispatch();
    REQUIRE(third.size() == 2);
    CHECK(cancels(third, again) == 1);
    CHECK(third[1].peer == d);
    CHECK(world.scheduler.attempt_at(given.task, copy.peer) != nullptr);
    CHECK(world.scheduler.attempt_at(given.task, again.peer) == nullptr);
    CHECK(world.scheduler.find(given.task)->attempts == 2);
}

TEST_CASE("copies: not where more than 64 KiB of content would have to be brought first") {
    for (const size_t size : {size_t{65'536}, size_t{65'537}}) {
        CAPTURE(size);
        SeededRandom random{7};
        ContentStore store(1 << 20, 1 << 20);
        Scheduler scheduler(8, random, &store);
        std::vector<Action> actions;
        uint64_t peers[2];
        for (uint64_t& peer : peers) {
            PeerRecord record;
            record.peer_id = "p";
            record.slots = record.window_tasks = 2;
            record.window_bytes = 1 << 20;
            peer = scheduler.peer_joined(std::move(record), {"echo"}, 1'000);
        }
        const std::vector<uint8_t> bytes(size, 7);
        Digest256 digest{};
        digest[0] = 1;
        const uint64_t entry = store.add(digest, Bytes::copy(bytes), 1, true);
        REQUIRE(entry != 0);
        store.pin(entry);
        store.note_holder(entry, peers[0]);
        Admission admission;
        admission.type = scheduler.type_index("echo");
        admission.deadline_us = 41'000;
        const uint64_t task = scheduler.admit(admission, 1'000);
        scheduler.content_known(task, entry);
        scheduler.dispatch(1'000, actions);
        CHECK(actions.size() == (size > 65'536 ? 1 : 2));
    }
}

// ---- who wins ----------------------------------------------------------------------------------

TEST_CASE("copies: the first answer wins, the loser is told, and keeps its slot until it answers") {
    for (const bool copy_wins : {false, true}) {
        CAPTURE(copy_wins);
        Copying world;
        const Action given = world.give(world.a, 1'000'000);
        const Action copy = world.copy_of(given);
        const Action winner = copy_wins ? copy : given;
        const Action loser = copy_wins ? given : copy;
        const Nonce loser_nonce = world.nonce_of(loser);
        const uint64_t done = world.record(winner.peer).completed;
        const uint64_t lost = world.record(loser.peer).completed;
        CHECK(world.answer_of(winner) == Verdict::kAccepted);
        CHECK(world.scheduler.find(given.task) == nullptr);
        CHECK(world.scheduler.pending() == 0);
        CHECK(cancels(world.actions, loser) == 1);
        CHECK(world.actions.size() == 1);
        CHECK(world.record(winner.peer).held == 0);
        CHECK(world.record(loser.peer).held == 1);
        CHECK(world.copies().won == (copy_wins ? 1 : 0));
        CHECK(world.copies().wasted == (copy_wins ? 0 : 1));
        // Late, and dropped: it counts for nobody.
        CHECK(world.scheduler.answered(loser.peer, loser.attempt_id, loser_nonce, Status::kOk, 100,
                                       world.now, world.actions) == Verdict::kAbandoned);
        CHECK(world.record(loser.peer).held == 0);
        CHECK(world.record(loser.peer).completed == lost);
        CHECK(world.record(winner.peer).completed == done + 1);
        CHECK(world.scheduler.answered(loser.peer, loser.attempt_id, loser_nonce, Status::kOk, 100,
                                       world.now, world.actions) == Verdict::kUnknown);
    }
}

TEST_CASE("copies: of two answers in parts the one that begins first is passed on") {
    Copying world;
    const Action given = world.give(world.a, 1'000'000);
    const Action copy = world.copy_of(given);
    const Nonce first_nonce = world.nonce_of(given);
    world.scheduler.answer_begins(given.task, copy.peer, world.now, world.actions);
    CHECK(cancels(world.actions, given) == 1);
    CHECK(world.scheduler.task_of_attempt(given.peer, given.attempt_id) == 0);
    CHECK(world.scheduler.task_of_attempt(copy.peer, copy.attempt_id) == given.task);
    CHECK_FALSE(world.scheduler.is_current(given.peer, given.attempt_id, first_nonce));
    world.actions.clear();
    // It may be waited for, however long it takes, as long as it goes on.
    for (int i = 0; i < 40; ++i) {
        world.scheduler.answer_continues(given.task, copy.peer, world.now);
        CHECK(world.wait(20'000).empty());
    }
    CHECK(world.answer_of(copy) == Verdict::kAccepted);
}

TEST_CASE("copies: who is outrun again and again does not look as fast as before") {
    Copying world;
    const double before =
        world.scheduler.peers().learned(*world.scheduler.peers().find(world.a), 0)->round_us;
    for (int i = 0; i < 5; ++i) {
        const Action given = world.give(world.a, 1'000'000);
        const Action copy = world.copy_of(given);
        const Nonce nonce = world.nonce_of(given);
        world.now += 60'000;
        CHECK(world.answer_of(copy) == Verdict::kAccepted);
        world.actions.clear();
        world.scheduler.answered(given.peer, given.attempt_id, nonce, Status::kCancelled, 0,
                                 world.now, world.actions);
    }
    const PeerRecord& slow = world.record(world.a);
    CHECK(slow.learned[0].round_us > before + 10'000);
    CHECK(slow.failures == 0);
}

TEST_CASE("copies: an answer that any peer would give ends the task at both") {
    Copying world;
    const Action given = world.give(world.a, 1'000'000);
    const Action copy = world.copy_of(given);
    CHECK(world.answer_of(copy, Status::kParams) == Verdict::kAccepted);
    CHECK(cancels(world.actions, given) == 1);
    CHECK(world.scheduler.pending() == 0);
}

// ---- one of two is over ------------------------------------------------------------------------

TEST_CASE("copies: a task whose one attempt fails, is refused or is lost lives on with the other") {
    enum class How { kFails, kRefused, kLost, kLeaves };
    for (const How how : {How::kFails, How::kRefused, How::kLost, How::kLeaves}) {
        for (const bool copy_ends : {false, true}) {
            CAPTURE(static_cast<int>(how));
            CAPTURE(copy_ends);
            Copying world;
            const Action given = world.give(world.a, 1'000'000);
            const Action copy = world.copy_of(given);
            const Action gone = copy_ends ? copy : given;
            const Action left = copy_ends ? given : copy;
            switch (how) {
                case How::kFails:
                    CHECK(world.answer_of(gone, Status::kExecutor) == Verdict::kRetried);
                    break;
                case How::kRefused:
                    CHECK(world.scheduler.refused(gone.peer, gone.attempt_id, world.nonce_of(gone),
                                                  world.now, world.actions) == Verdict::kRetried);
                    break;
                default:
                    world.scheduler.peer_left(gone.peer, how == How::kLost, world.now,
                                              world.actions);
            }
            CHECK(world.actions.empty());
            CHECK(world.dispatch().empty());
            const TaskRecord& task = *world.scheduler.find(given.task);
            CHECK(task.state == TaskRecord::State::kLeased);
            CHECK(task.attempts == 1);
            CHECK(world.scheduler.copy_of(given.task) == nullptr);
            CHECK(world.answer_of(left) == Verdict::kAccepted);
            CHECK(world.record(left.peer).held == 0);
        }
    }
}

TEST_CASE("copies: a task whose one attempt runs out of time lives on with the other") {
    Copying world;
    const Action given = world.give(world.a, 1'000'000);
    const Action copy = world.copy_of(given);
    // Its lease ends first.
    const std::vector<Action> decided = world.wait(60'000);
    REQUIRE(decided.size() == 1);
    CHECK(cancels(decided, given) == 1);
    CHECK(world.scheduler.find(given.task)->attempts == 1);
    CHECK(world.answer_of(copy) == Verdict::kAccepted);
}

TEST_CASE("copies: one that is refused when it is all that is left takes no attempt back") {
    Copying world;
    const Action given = world.give(world.a, 1'000'000);
    const Action copy = world.copy_of(given);
    world.scheduler.peer_left(world.a, true, world.now, world.actions);
    CHECK(world.scheduler.find(given.task)->attempts == 1);
    CHECK(world.scheduler.refused(copy.peer, copy.attempt_id, world.nonce_of(copy), world.now,
                                  world.actions) == Verdict::kRetried);
    CHECK(world.scheduler.find(given.task)->attempts == 1);
}

TEST_CASE("copies: they are no attempts: three of these are made as ever") {
    Copying world;
    for (const char* name : {"d", "e", "f"}) world.join(name);
    const uint64_t task = world.admit(5'000'000);
    int attempts = 0;
    Status ended = Status::kOk;
    for (int round = 0; round < 20 && ended == Status::kOk; ++round) {
        for (const Action& action : world.dispatch()) {
            if (action.kind == Action::Kind::kEnd) ended = action.status;
            if (action.kind != Action::Kind::kAssign) continue;
            ++attempts;
            const std::vector<Action> second = world.silent(action.peer, Silence::kDead);
            CHECK(world.answer_of(action, Status::kExecutor) == Verdict::kRetried);
            for (const Action& copy : second) {
                if (!world.scheduler.attempt_at(task, copy.peer)) continue;
                CHECK(world.answer_of(copy, Status::kExecutor) == Verdict::kRetried);
            }
            for (const Action& last : std::exchange(world.actions, {})) {
                if (last.kind == Action::Kind::kEnd) ended = last.status;
            }
        }
    }
    CHECK(attempts == 3);
    CHECK(ended == Status::kExecutor);
    CHECK(world.copies().silence == 3);
}

TEST_CASE("copies: withdrawing a task, and its deadline, end it at both peers") {
    for (const bool withdrawn : {false, true}) {
        CAPTURE(withdrawn);
        Copying world;
        const Action given = world.give(world.a, 40'000);
        const Action copy = world.copy_of(given);
        std::vector<Action> told;
        if (withdrawn) {
            world.scheduler.withdraw(given.task, world.now, world.actions);
            told = std::exchange(world.actions, {});
        } else {
            for (int i = 0; i < 10 && world.scheduler.pending() > 0; ++i) {
                for (const Action& action : world.wait(40'000)) told.push_back(action);
            }
        }
        CHECK(cancels(told, given) == 1);
        CHECK(cancels(told, copy) == 1);
        CHECK(world.scheduler.pending() == 0);
        CHECK(world.record(given.peer).leases.empty());
        CHECK(world.record(copy.peer).leases.empty());
        CHECK(world.record(copy.peer).failures == 0);
    }
}

TEST_CASE("copies: of two that have not left, none is told when the first cannot be sent") {
    Copying world;
    world.admit(50'000);
    const std::vector<Action> both = world.dispatch();
    REQUIRE(both.size() == 2);
    SUBCASE("the first") {
        world.scheduler.withdraw_unheard(both[0].task, both[0].attempt_id, world.now,
                                         world.actions);
        CHECK(world.actions.empty());
        CHECK(world.record(both[0].peer).held == 0);
    }
    SUBCASE("the second: the first has heard") {
        world.scheduler.withdraw_unheard(both[0].task, both[1].attempt_id, world.now,
                                         world.actions);
        CHECK(cancels(world.actions, both[0]) == 1);
        CHECK(world.record(both[0].peer).held == 1);
    }
    CHECK(world.record(both[1].peer).held == 0);
    CHECK(world.scheduler.pending() == 0);
}

// ---- silence -----------------------------------------------------------------------------------

TEST_CASE("silence: the average of gaps follows quickly, and is bounded") {
    GapEstimate gap;
    CHECK(gap.gap_us() == 20'000);
    CHECK(gap.dead_us() == 45'000);
    gap.add(10'000);
    CHECK(gap.gap_us() == 18'000);
    for (int i = 0; i < 40; ++i) gap.add(10'000);
    CHECK(gap.gap_us() >= 10'000);
    CHECK(gap.gap_us() <= 10'100);
    CHECK(gap.suspect_us() <= 15'200);
    CHECK(gap.dead_us() <= 30'300);
    for (int i = 0; i < 40; ++i) gap.add(0);
    CHECK(gap.gap_us() == 5'000);
    CHECK(gap.suspect_us() == 15'000);
    CHECK(gap.dead_us() == 30'000);
    for (int i = 0; i < 40; ++i) gap.add(UINT64_MAX);
    CHECK(gap.gap_us() == 20'000);
    CHECK(gap.suspect_us() == 30'000);
    CHECK(gap.dead_us() == 45'000);
}

TEST_CASE("silence: a suspect gets nothing new, and what is urgent there is copied") {
    Copying world;
    const Action urgent = world.give(world.a, 56'000);
    const Action other = world.give(world.a, 900'000);
    const std::vector<Action> copied = world.silent(world.a, Silence::kSuspect);
    REQUIRE(copied.size() == 1);
    CHECK(copied[0].task == urgent.task);
    CHECK(world.copies().suspects == 1);
    CHECK(world.copies().silence == 1);
    CHECK(world.copies().late == 0);
    const uint64_t task = world.admit();
    CHECK(world.scheduler.assign_to(task, world.a, world.now, world.actions) == Status::kBusy);
    CHECK(world.dispatch().at(0).peer != world.a);
    // With its next word all is as before.
    CHECK(world.silent(world.a, Silence::kHeard).empty());
    const uint64_t next = world.admit();
    CHECK(world.scheduler.assign_to(next, world.a, world.now, world.actions) == Status::kOk);
    CHECK(world.answer_of(other) == Verdict::kAccepted);
}

TEST_CASE("silence: all that a dead peer has is placed elsewhere, and its own answer counts too") {
    Copying world;
    const Action given = world.give(world.a, 900'000);
    const Action other = world.give(world.a, 900'000);
    const std::vector<Action> placed = world.silent(world.a, Silence::kDead);
    REQUIRE(placed.size() == 2);
    for (const Action& action : placed) {
        CHECK(action.kind == Action::Kind::kAssign);
        CHECK(action.peer != world.a);
        CHECK(world.scheduler.find(action.task)->attempts == 1);
    }
    CHECK(world.record(world.a).held == 2);
    world.silent(world.a, Silence::kHeard);
    CHECK(world.answer_of(given) == Verdict::kAccepted);
    CHECK(world.copies().false_deaths == 1);
    CHECK(world.actions.size() == 1);
    CHECK(world.actions[0].kind == Action::Kind::kCancelAttempt);
    const Action* rescued = &placed[placed[0].task == other.task ? 0 : 1];
    CHECK(world.answer_of(*rescued) == Verdict::kAccepted);
    CHECK(world.copies().false_deaths == 1);
    CHECK(world.record(world.a).failures == 0);
}

TEST_CASE("silence: what nobody has room for is placed as soon as somebody has") {
    Copying world;
    std::vector<Action> held;
    for (const uint64_t peer : {world.b, world.c}) {
        for (int i = 0; i < 4; ++i) held.push_back(world.give(peer, 900'000));
    }
    const Action given = world.give(world.a, 900'000);
    CHECK(world.silent(world.a, Silence::kDead).empty());
    CHECK(world.dispatch().empty());
    CHECK(world.answer_of(held[0]) == Verdict::kAccepted);
    const std::vector<Action> placed = world.dispatch();
    REQUIRE(placed.size() == 1);
    CHECK(placed[0].task == given.task);
    CHECK(placed[0].peer == held[0].peer);
}

TEST_CASE("silence: a task that fails elsewhere does not wait for the dead one alone") {
    Copying world;
    const Action given = world.give(world.a, 900'000);
    const Action copy = world.silent(world.a, Silence::kDead).at(0);
    CHECK(world.answer_of(copy, Status::kExecutor) == Verdict::kRetried);
    const std::vector<Action> again = world.dispatch();
    REQUIRE(again.size() == 1);
    CHECK(again[0].task == given.task);
    CHECK(again[0].peer != world.a);
    CHECK(again[0].peer != copy.peer);
}

TEST_CASE("silence: alone it is nobody's failure, but who never answers in between is blamed") {
    for (const bool answers : {false, true}) {
        CAPTURE(answers);
        Copying world;
        for (int i = 0; i < 4; ++i) {
            const Action given = world.give(world.a, 900'000);
            world.now += 40'000;
            const std::vector<Action> placed = world.silent(world.a, Silence::kDead);
            REQUIRE(placed.size() == 1);
            if (!answers) CHECK((world.record(world.a).failures > 0) == (i >= 2));
            const Nonce nonce = world.nonce_of(given);
            CHECK(world.answer_of(placed[0]) == Verdict::kAccepted);
            world.actions.clear();
            world.silent(world.a, Silence::kHeard);
            if (!answers) continue;
            CHECK(world.scheduler.answered(given.peer, given.attempt_id, nonce, Status::kCancelled,
                                           0, world.now, world.actions) == Verdict::kAbandoned);
            CHECK(world.record(world.a).failures == 0);
        }
        CHECK(world.copies().deaths == 4);
        CHECK(world.copies().false_deaths == (answers ? 4 : 0));
    }
}

TEST_CASE("silence: dead peers serve nobody, so that the coordinator computes what they would") {
    World world;
    const uint64_t peer = world.join("alone");
    CHECK(world.scheduler.peers().serving(0, {}) == 1);
    world.scheduler.peer_silent(peer, Silence::kDead, world.now, world.actions);
    CHECK(world.scheduler.peers().serving(0, {}) == 0);
    world.admit(1'000'000, 0, true);
    const std::vector<Action> here = world.dispatch();
    REQUIRE(here.size() == 1);
    CHECK(here[0].kind == Action::Kind::kRunLocal);
    world.scheduler.peer_silent(peer, Silence::kHeard, world.now, world.actions);
    CHECK(world.scheduler.peers().serving(0, {}) == 1);
}
