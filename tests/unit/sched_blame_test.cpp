// Peers that fail: which of them are blamed, what that costs them, and for how long.
#include <doctest/doctest.h>

#include "unit/sched_world.h"

using namespace p2c2r;
using namespace p2c2r::sched;

namespace {

constexpr uint64_t kFrameUs = 16'670;

struct Answering : World {
    void answer_one(uint64_t peer, uint64_t took_us) {
        const uint64_t task = admit();
        REQUIRE(scheduler.assign_to(task, peer, now, actions) == Status::kOk);
        const Action given = std::exchange(actions, {}).at(0);
        now += took_us;
        REQUIRE(answer_after(given, took_us - 500) == Verdict::kAccepted);
    }
    uint64_t join_known(const char* name, uint64_t takes_us) {
        const uint64_t peer = join(name, 4, 8);
        for (int i = 0; i < 8; ++i) answer_one(peer, takes_us);
        return peer;
    }
    Verdict answer_after(const Action& given, uint64_t compute_us, Status status = Status::kOk) {
        const Attempt* const run = scheduler.attempt_at(given.task, given.peer);
        return scheduler.answered(given.peer, given.attempt_id, run ? run->nonce : Nonce{}, status,
                                  compute_us, now, actions);
    }
    [[nodiscard]] const PeerRecord& record(uint64_t peer) { return *scheduler.peers().find(peer); }
};

// A peer that takes 5 ms, and one that takes 40.
struct TwoPeers : Answering {
    // Of so many frames, one after the other, which go to the fast one; each is answered in time.
    uint64_t frames_to_fast(int frames) {
        uint64_t count = 0;
        for (int i = 0; i < frames; ++i) {
            admit();
            const std::vector<Action> given = dispatch();
            REQUIRE(given.size() == 1);
            count += given[0].peer == fast;
            const uint64_t took_us = given[0].peer == fast ? 5'000 : 40'000;
            now += took_us;
            REQUIRE(answer_after(given[0], took_us - 500) == Verdict::kAccepted);
            expire(kFrameUs);
        }
        return count;
    }
    const uint64_t slow = join_known("slow", 40'000);
    const uint64_t fast = join_known("fast", 5'000);
};

}  // namespace

TEST_CASE("blame: a gamer who takes back heavy tasks makes no peer look slow for long") {
    TwoPeers world;
    CHECK(world.frames_to_fast(20) == 20);
    std::vector<Action> heavy;
    for (int i = 0; i < 4; ++i) {
        world.admit(5'000'000);
        for (const Action& given : world.dispatch()) heavy.push_back(given);
    }
    REQUIRE(heavy.size() == 4);
    std::vector<Nonce> nonces;
    for (const Action& given : heavy) nonces.push_back(world.scheduler.find(given.task)->run.nonce);
    world.now += 45'000;
    for (const Action& given : heavy) {
        world.scheduler.withdraw(given.task, world.now, world.actions);
    }
    world.actions.clear();
    CHECK(world.record(world.fast).failures == 0);
    for (size_t i = 0; i < heavy.size(); ++i) {
        CHECK(world.scheduler.answered(heavy[i].peer, heavy[i].attempt_id, nonces[i],
                                       Status::kCancelled, 0, world.now,
                                       world.actions) == Verdict::kAbandoned);
    }
    CHECK(world.frames_to_fast(20) == 20);
}

TEST_CASE("blame: who works off what was there before is not late") {
    World world;
    const uint64_t peer = world.join("one slot", 1, 8);
    for (int i = 0; i < 8; ++i) {
        world.admit();
        const Action given = world.dispatch().at(0);
        world.now += 10'000;
        REQUIRE(world.scheduler.answered(given.peer, given.attempt_id,
                                         world.scheduler.find(given.task)->run.nonce, Status::kOk,
                                         9'500, world.now, world.actions) == Verdict::kAccepted);
    }
    std::vector<uint64_t> tasks;
    for (int i = 0; i < 8; ++i) tasks.push_back(world.admit(80'000));
    REQUIRE(world.dispatch().size() == 8);
    world.now += 75'000;  // the last one would be done after 80 ms
    world.scheduler.withdraw(tasks.back(), world.now, world.actions);
    CHECK(world.scheduler.peers().find(peer)->failures == 0);
}

TEST_CASE("blame: what fails at the same moment counts once") {
    TwoPeers world;
    for (int i = 0; i < 4; ++i) world.admit();
    const std::vector<Action> given = world.dispatch();
    REQUIRE(given.size() == 4);
    for (const Action& one : given) {
        CHECK(world.answer_after(one, 100, Status::kExecutor) == Verdict::kRetried);
    }
    CHECK(world.record(world.fast).failures == 1);
    world.actions.clear();
}

TEST_CASE("blame: failures are forgiven after a second, and after twice as long each time") {
    TwoPeers world;
    const auto fail_at = [&](uint64_t peer) {
        const uint64_t task = world.admit();
        REQUIRE(world.scheduler.assign_to(task, peer, world.now, world.actions) == Status::kOk);
        const Action given = std::exchange(world.actions, {}).at(0);
        CHECK(world.answer_after(given, 100, Status::kExecutor) == Verdict::kRetried);
        world.scheduler.withdraw(task, world.now, world.actions);
        world.actions.clear();
        world.now += 60'000;
    };
    for (int i = 0; i < 5; ++i) fail_at(world.fast);
    CHECK(world.record(world.fast).failures == 5);
    CHECK(world.frames_to_fast(1) == 0);
    for (const uint64_t after_us :
         {uint64_t{1'000'000}, uint64_t{2'000'000}, uint64_t{4'000'000}}) {
        CAPTURE(after_us);
        const uint64_t since_us = world.record(world.fast).forgive_at_us - after_us;
        world.now = since_us + after_us - 1;
        world.scheduler.forgive(world.now);
        CHECK(world.record(world.fast).failures > 0);
        world.scheduler.forgive(++world.now);
        CHECK(world.record(world.fast).failures == 0);
        // One task shows what that was worth: it is on trial.
        world.admit();
        world.admit();
        std::vector<Action> given = world.dispatch();
        REQUIRE(given.size() == 2);
        CHECK(given[0].peer == world.fast);
        CHECK(given[1].peer == world.slow);
        CHECK(world.answer_after(given[1], 39'500) == Verdict::kAccepted);
        CHECK(world.answer_after(given[0], 100, Status::kExecutor) == Verdict::kRetried);
        world.scheduler.withdraw(given[0].task, world.now, world.actions);
        world.actions.clear();
        CHECK(world.record(world.fast).failures == 1);
    }
    // An answer, and all is as before.
    world.now += 8'000'000;
    world.scheduler.forgive(world.now);
    CHECK(world.frames_to_fast(1) == 1);
    for (int i = 0; i < 3; ++i) world.admit();
    for (const Action& given : world.dispatch()) CHECK(given.peer == world.fast);
}

TEST_CASE("blame: a peer that never answers frames is found out by its first ones") {
    // With the shorter time each goes to both at once, and nothing shows it.
    struct Case {
        uint32_t slots, deadline_us;
    };
    for (const Case& one : {Case{4, 33'000}, Case{1024, 33'000}, Case{4, 61'000}, Case{64, 61'000},
                            Case{1024, 61'000}}) {
        const uint32_t slots = one.slots;
        const uint32_t deadline_us = one.deadline_us;
        CAPTURE(slots);
        CAPTURE(deadline_us);
        Answering world;
        const uint64_t good = world.join_known("good", 5'000);
        // What is known of others lets it look as fast, without any line.
        const uint64_t silent = world.join("silent", slots, slots);
        uint64_t missed = 0;
        for (int i = 0; i < 600; ++i) {
            world.admit(deadline_us);
            std::vector<Action> decided = world.dispatch();
            for (uint64_t left_us = kFrameUs; left_us > 0; left_us -= 1'667) {
                for (const Action& given : decided) {
                    missed += given.kind == Action::Kind::kEnd;
                    if (given.kind != Action::Kind::kAssign || given.peer == silent) continue;
                    world.now += 1'000;
                    CHECK(world.answer_after(given, 900) == Verdict::kAccepted);
                }
                decided = world.expire(1'667);
            }
            world.scheduler.forgive(world.now);
        }
        CHECK(missed <= 8);
        CHECK(world.record(good).failures == 0);
    }
}

TEST_CASE("blame: one peer's word against a task is not enough before it has answered any") {
    for (const Status status :
         {Status::kParams, Status::kArgument, Status::kSize, Status::kLimit}) {
        CAPTURE(static_cast<int>(status));
        World world;
        const uint64_t good = world.join("good", 4, 8);
        const uint64_t bad = world.join("bad", 4, 8);
        uint64_t ended_badly = 0;
        uint64_t to_bad = 0;
        for (int i = 0; i < 100; ++i) {
            world.admit();
            std::vector<Action> given = world.dispatch();
            while (!given.empty()) {
                REQUIRE(given.size() == 1);
                const bool is_bad = given[0].peer == bad;
                to_bad += is_bad;
                world.now += is_bad ? 1'000 : 30'000;
                const Nonce nonce = world.scheduler.find(given[0].task)->run.nonce;
                const Verdict verdict = world.scheduler.answered(
                    given[0].peer, given[0].attempt_id, nonce, is_bad ? status : Status::kOk,
                    is_bad ? 500 : 29'500, world.now, world.actions);
                ended_badly += is_bad && verdict == Verdict::kAccepted;
                given = world.expire(1'000);
            }
        }
        CHECK(ended_badly == 0);
        CHECK(to_bad > 0);
        CHECK(to_bad <= 10);
        CHECK(world.scheduler.peers().find(good)->completed == 100);
    }
}

TEST_CASE("blame: the word of a peer that has answered before, or of a second one, is the last") {
    World world;
    const uint64_t peer = world.join("knows", 4, 8);
    world.admit();
    CHECK(world.answer(world.dispatch().at(0)) == Verdict::kAccepted);
    world.join("new", 4, 8);
    const uint64_t task = world.admit();
    REQUIRE(world.scheduler.assign_to(task, peer, world.now, world.actions) == Status::kOk);
    CHECK(world.answer(std::exchange(world.actions, {}).at(0), Status::kParams) ==
          Verdict::kAccepted);
    World fresh;
    fresh.join("a", 4, 8);
    fresh.join("b", 4, 8);
    fresh.admit();
    CHECK(fresh.answer(fresh.dispatch().at(0), Status::kParams) == Verdict::kRetried);
    CHECK(fresh.answer(fresh.dispatch().at(0), Status::kParams) == Verdict::kAccepted);
    // Alone it has the last word as well.
    World alone;
    alone.join("only", 4, 8);
    alone.admit();
    CHECK(alone.answer(alone.dispatch().at(0), Status::kParams) == Verdict::kAccepted);
}

TEST_CASE("blame: who refuses although it takes tasks is asked once for each, and less often") {
    Answering world;
    const uint64_t good = world.join_known("good", 40'000);
    const uint64_t refuser = world.join("refuser", 4, 8);
    uint64_t refusals = 0;
    for (int i = 0; i < 100; ++i) {
        const uint64_t task = world.admit(100'000);
        std::vector<Action> given = world.dispatch();
        while (!given.empty() && given[0].peer == refuser) {
            ++refusals;
            REQUIRE(world.scheduler.refused(refuser, given[0].attempt_id,
                                            world.scheduler.find(task)->run.nonce, world.now,
                                            world.actions) == Verdict::kRetried);
            given = world.expire(1'000);
        }
        REQUIRE(given.size() == 1);
        CHECK(given[0].peer == good);
        world.now += 40'000;
        CHECK(world.answer_after(given[0], 39'500) == Verdict::kAccepted);
        world.expire(kFrameUs);
    }
    CHECK(refusals > 0);
    CHECK(refusals <= 5);
    // Who has said that it takes nothing may refuse what was on its way.
    World honest;
    const uint64_t pausing = honest.join("pausing", 4, 8);
    const uint64_t task = honest.admit();
    const Action given = honest.dispatch().at(0);
    honest.scheduler.peer_window(pausing, 0, honest.now);
    honest.scheduler.refused(pausing, given.attempt_id, honest.scheduler.find(task)->run.nonce,
                             honest.now, honest.actions);
    CHECK(honest.scheduler.peers().find(pausing)->failures == 0);
}

namespace {

// One peer of one slot that takes 20 ms, and tasks that it says come too late.
struct TooLate : Answering {
    // Given to it with so much time, answered after `after_us`: how many failures it has then.
    uint32_t late_with(uint64_t deadline_us, uint64_t after_us) {
        const uint64_t task = admit(deadline_us);
        REQUIRE(scheduler.assign_to(task, peer, now, actions) == Status::kOk);
        const Action given = std::exchange(actions, {}).at(0);
        now += after_us;
        answer_after(given, 0, Status::kDeadline);
        scheduler.withdraw(task, now, actions);
        actions.clear();
        now += 60'000;  // what fails at the same moment counts once
        return record(peer).failures;
    }
    const uint64_t peer = join_known("peer", 20'000);
    const uint64_t other = join("other", 4, 8);
};

}  // namespace

TEST_CASE("blame: too little time for what a task takes there is not the peer's failure") {
    TooLate world;
    CHECK(world.late_with(12'000, 500) == 0);
    CHECK(world.late_with(19'000, 500) == 0);
    // As long as it takes on average, and a little of that is over: every other one would be late.
    CHECK(world.late_with(20'500, 1'000) == 0);
    CHECK(world.record(world.peer).failed == 0);
}

TEST_CASE("blame: a peer that could have begun a task, and says it is too late, has failed") {
    TooLate world;
    for (uint32_t i = 1; i <= 5; ++i) CHECK(world.late_with(100'000, 500) == i);
    CHECK(world.record(world.peer).failed == 5);
    // At once, although the usual time is left.
    TooLate hasty;
    CHECK(hasty.late_with(24'000, 500) == 1);
    // It had plenty, and let it pass.
    TooLate idle;
    CHECK(idle.late_with(100'000, 95'000) == 1);
}

TEST_CASE("blame: a busy peer that cannot begin its last tasks in time has not failed") {
    Answering world;
    const uint64_t peer = world.join("one slot", 1, 8);
    for (int i = 0; i < 8; ++i) world.answer_one(peer, 20'000);
    world.join("other", 4, 8);
    // Five at a time, of which the fifth would be over after 100 ms.
    std::vector<Action> given;
    for (int i = 0; i < 5; ++i) {
        const uint64_t task = world.admit(95'000);
        REQUIRE(world.scheduler.assign_to(task, peer, world.now, world.actions) == Status::kOk);
        given.push_back(std::exchange(world.actions, {}).at(0));
    }
    for (int i = 0; i < 4; ++i) {
        world.now += 20'000;
        CHECK(world.answer_after(given[static_cast<size_t>(i)], 19'500) == Verdict::kAccepted);
    }
    CHECK(world.answer_after(given[4], 0, Status::kDeadline) == Verdict::kRetried);
    CHECK(world.record(peer).failures == 0);
    CHECK(world.record(peer).failed == 0);
}

TEST_CASE("blame: of a peer that has never answered the time of others tells what is plenty") {
    const auto failures_with = [](uint64_t deadline_us) {
        Answering world;
        world.join_known("known", 20'000);
        const uint64_t fresh = world.join("fresh", 4, 8);
        const uint64_t task = world.admit(deadline_us);
        REQUIRE(world.scheduler.assign_to(task, fresh, world.now, world.actions) == Status::kOk);
        const Action given = std::exchange(world.actions, {}).at(0);
        world.now += 500;
        world.answer_after(given, 0, Status::kDeadline);
        return world.record(fresh).failures;
    };
    CHECK(failures_with(15'000) == 0);
    CHECK(failures_with(100'000) == 1);
}
