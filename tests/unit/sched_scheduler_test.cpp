// The scheduler as a function of events and time: each promise of its header, without a network.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "support/seed.h"
#include "unit/sched_world.h"

using namespace p2c2r;
using namespace p2c2r::sched;

TEST_CASE("scheduler: an attempt given up in the middle of its answer frees its slot at the end") {
    World world;
    const uint64_t peer = world.join("a", 1, 1);
    const uint64_t task = world.admit();
    const Action assigned = world.dispatch().at(0);
    const Nonce nonce = world.scheduler.find(task)->run.nonce;
    REQUIRE(world.scheduler.is_current(peer, assigned.attempt_id, nonce));
    world.scheduler.withdraw(task, world.now, world.actions);
    CHECK(world.scheduler.peers().find(peer)->held == 1);
    world.scheduler.answer_ended(peer, assigned.attempt_id + 1, world.now);
    CHECK(world.scheduler.peers().find(peer)->held == 1);
    world.scheduler.answer_ended(peer, assigned.attempt_id, world.now);
    CHECK(world.scheduler.peers().find(peer)->held == 0);
    world.scheduler.answer_ended(peer, assigned.attempt_id, world.now);
    CHECK(world.scheduler.peers().find(peer)->held == 0);
}

TEST_CASE("scheduler: the most urgent task is placed first") {
    World world;
    world.join("a", 1, 1);
    world.admit(900'000, 0);
    const uint64_t urgent = world.admit(900'000, 3);
    const std::vector<Action> actions = world.dispatch();
    REQUIRE(actions.size() == 1);
    CHECK(actions[0].kind == Action::Kind::kAssign);
    CHECK(actions[0].task == urgent);
}

TEST_CASE("scheduler: a peer never holds more tasks or bytes than its window") {
    World world;
    world.join("a", 2, 3);
    for (int i = 0; i < 10; ++i) world.admit();
    CHECK(world.dispatch().size() == 3);
    World bytes;
    bytes.join("a", 4, 8);
    for (int i = 0; i < 4; ++i) bytes.admit(1'000'000, 0, false, "echo", 600 << 10);
    CHECK(bytes.dispatch().size() == 1);
}

TEST_CASE("scheduler: one payload larger than the byte window still goes to an idle peer") {
    World world;
    world.join("a");
    world.admit(1'000'000, 0, false, "echo", 32 << 20);
    CHECK(world.dispatch().size() == 1);
}

TEST_CASE("scheduler: the loss of a peer places its tasks on another at once") {
    World world;
    const uint64_t a = world.join("a");
    const uint64_t task = world.admit();
    REQUIRE(world.dispatch()[0].peer == a);
    const uint64_t b = world.join("b");
    world.scheduler.peer_left(a, true, world.now, world.actions);
    const std::vector<Action> again = world.dispatch();
    REQUIRE(again.size() == 1);
    CHECK(again[0].task == task);
    CHECK(again[0].peer == b);
    CHECK(world.answer(again[0]) == Verdict::kAccepted);
    CHECK(world.scheduler.pending() == 0);
}

TEST_CASE("scheduler: at most three attempts and then a definite error") {
    World world;
    for (const char* name : {"a", "b", "c", "d"}) world.join(name);
    world.admit();
    std::set<uint64_t> tried;
    for (uint32_t attempt = 1; attempt <= limits::kAttemptsMax; ++attempt) {
        const std::vector<Action> actions = world.dispatch();
        REQUIRE(actions.size() == 1);
        REQUIRE(actions[0].kind == Action::Kind::kAssign);
        CHECK(tried.insert(actions[0].peer).second);  // another peer each time
        CHECK(world.answer(actions[0], Status::kExecutor) == Verdict::kRetried);
    }
    const std::vector<Action> last = world.dispatch();
    REQUIRE(last.size() == 1);
    CHECK(last[0].kind == Action::Kind::kEnd);
    CHECK(last[0].status == Status::kExecutor);
    CHECK(world.scheduler.pending() == 0);
}

TEST_CASE("scheduler: after the peers the coordinator computes it") {
    World world;
    world.join("a");
    const uint64_t task = world.admit(1'000'000, 0, true);
    const std::vector<Action> first = world.dispatch();
    CHECK(world.answer(first[0], Status::kExecutor) == Verdict::kRetried);
    const std::vector<Action> next = world.dispatch();
    REQUIRE(next.size() == 1);
    CHECK(next[0].kind == Action::Kind::kRunLocal);
    world.scheduler.local_ended(task);
    CHECK(world.scheduler.pending() == 0);
}

TEST_CASE("scheduler: an error about the params is final and not tried again") {
    World world;
    const uint64_t knows = world.join("a");
    world.admit();
    CHECK(world.answer(world.dispatch().at(0)) == Verdict::kAccepted);
    world.join("b");
    const uint64_t task = world.admit();
    REQUIRE(world.scheduler.assign_to(task, knows, world.now, world.actions) == Status::kOk);
    CHECK(world.answer(std::exchange(world.actions, {}).at(0), Status::kParams) ==
          Verdict::kAccepted);
    CHECK(world.dispatch().empty());
}

TEST_CASE("scheduler: an answer counts only from the peer and attempt it was assigned to") {
    World world;
    const uint64_t a = world.join("a");
    const uint64_t b = world.join("b");
    const uint64_t task = world.admit();
    const Action assigned = world.dispatch()[0];
    const Nonce nonce = world.scheduler.find(task)->run.nonce;
    Nonce wrong = nonce;
    wrong[0] ^= 1;
    const uint64_t other = assigned.peer == a ? b : a;
    const auto answer = [&](uint64_t peer, uint64_t id, const Nonce& with) {
        return world.scheduler.answered(peer, id, with, Status::kOk, 1, world.now, world.actions);
    };
    CHECK(answer(other, assigned.attempt_id, nonce) == Verdict::kUnknown);
    CHECK(answer(assigned.peer, assigned.attempt_id, wrong) == Verdict::kUnknown);
    CHECK(answer(assigned.peer, assigned.attempt_id + 1, nonce) == Verdict::kUnknown);
    CHECK(answer(assigned.peer, assigned.attempt_id, nonce) == Verdict::kAccepted);
    CHECK(answer(assigned.peer, assigned.attempt_id, nonce) == Verdict::kUnknown);  // twice
}

TEST_CASE("scheduler: a task ends at its deadline whatever its state") {
    World world;
    const uint64_t peer = world.join("a", 1, 1);
    const uint64_t leased = world.admit(100'000);
    const uint64_t queued = world.admit(100'000);
    REQUIRE(world.dispatch().size() == 1);
    std::map<uint64_t, Status> ended;
    for (const Action& action : world.expire(101'000)) {
        if (action.kind == Action::Kind::kEnd) ended[action.task] = action.status;
        if (action.kind == Action::Kind::kCancelAttempt) CHECK(action.peer == peer);
    }
    CHECK(ended ==
          std::map<uint64_t, Status>{{leased, Status::kDeadline}, {queued, Status::kDeadline}});
    CHECK(world.scheduler.pending() == 0);
}

TEST_CASE("scheduler: a cancelled task holds its slot until its worker has stopped") {
    World world;
    const uint64_t peer = world.join("a", 1, 1);
    const uint64_t task = world.admit();
    const Action assigned = world.dispatch()[0];
    const Nonce nonce = world.scheduler.find(task)->run.nonce;
    world.scheduler.withdraw(task, world.now, world.actions);
    world.admit();
    std::vector<Action> after = world.dispatch();
    REQUIRE(after.size() == 1);
    CHECK(after[0].kind == Action::Kind::kCancelAttempt);
    CHECK(world.scheduler.peers().find(peer)->held == 1);
    CHECK(world.scheduler.answered(peer, assigned.attempt_id, nonce, Status::kCancelled, 0,
                                   world.now, world.actions) == Verdict::kAbandoned);
    after = world.dispatch();
    REQUIRE(after.size() == 1);
    CHECK(after[0].kind == Action::Kind::kAssign);
}

TEST_CASE("scheduler: a silent peer is given up after an adaptive time and another one tries") {
    World world;
    world.join("a", 1, 1);
    world.join("b", 1, 1);
    // Both have answered quickly before.
    for (int i = 0; i < 20; ++i) {
        world.admit();
        for (const Action& action : world.dispatch()) {
            world.now += 1'000;
            CHECK(world.answer(action) == Verdict::kAccepted);
        }
    }
    world.admit(2'000'000);
    const Action first = world.dispatch()[0];
    bool moved = false;
    for (const Action& action : world.expire(400'000)) {
        if (action.kind != Action::Kind::kAssign) continue;
        CHECK(action.peer != first.peer);
        moved = true;
    }
    CHECK(moved);  // long before the deadline
}

namespace {

// Two peers that have answered 20 small tasks each within a millisecond.
struct QuickPeers : World {
    QuickPeers() {
        join("a", 1, 1);
        join("b", 1, 1);
        answer_pairs(20, 100, 1'000);
    }
    void answer_pairs(int count, uint64_t bytes, uint64_t took_us) {
        for (int i = 0; i < count; ++i) {
            admit(60'000'000, 0, false, "echo", bytes);
            admit(60'000'000, 0, false, "echo", bytes);
            const std::vector<Action> actions = dispatch();
            REQUIRE(actions.size() == 2);
            now += took_us;
            for (const Action& action : actions) CHECK(answer(action) == Verdict::kAccepted);
        }
    }
};

bool has(const std::vector<Action>& actions, Action::Kind kind) {
    return std::any_of(actions.begin(), actions.end(),
                       [&](const Action& action) { return action.kind == kind; });
}

}  // namespace

TEST_CASE("scheduler: a peer that keeps tasks beyond their time is not the first choice any more") {
    for (const bool withdrawn : {true, false}) {
        CAPTURE(withdrawn);
        World world;
        const uint64_t fast = world.join("fast", 2, 4);
        for (int i = 0; i < 4; ++i) {
            world.admit();
            const Action assigned = world.dispatch().at(0);
            world.now += 1'000;
            REQUIRE(world.answer(assigned) == Verdict::kAccepted);
        }
        // Nothing is known of the new one: it looks as fast as any, and its line faster.
        const uint64_t slow = world.join("slow", 2, 4);
        const uint64_t task = world.admit(250'000, 0, false, "echo", 282'000);
        const Action first = world.dispatch().at(0);
        REQUIRE(first.peer == slow);
        // Somebody else gets it while there is time for that, although its bytes take longer.
        world.now += 200'000;
        const std::vector<Action> given_up = world.expire(35'000);
        REQUIRE(given_up.size() == 2);
        CHECK(given_up[0].kind == Action::Kind::kCancelAttempt);
        CHECK(given_up[1].kind == Action::Kind::kAssign);
        CHECK(given_up[1].peer == fast);
        if (withdrawn) {
            world.scheduler.withdraw(task, world.now, world.actions);
            world.actions.clear();
        } else {
            CHECK(world.answer(given_up[1]) == Verdict::kAccepted);
        }
        world.admit();
        CHECK(world.dispatch().at(0).peer == fast);
    }
}

TEST_CASE(
    "scheduler: who has nobody to take a task over keeps it until its deadline, and is blamed") {
    World world;
    const uint64_t only = world.join("only", 2, 4);
    world.admit(250'000, 0, false, "echo", 282'000);
    REQUIRE(world.dispatch().size() == 1);
    CHECK(world.expire(249'000).empty());
    const std::vector<Action> ended = world.expire(2'000);
    CHECK(ended.size() == 2);
    CHECK(world.scheduler.peers().find(only)->failures == 1);
    // A gamer who changes his mind blames nobody.
    const uint64_t task = world.admit(250'000);
    REQUIRE(world.dispatch().size() == 1);
    world.now += 1'000;
    world.scheduler.withdraw(task, world.now, world.actions);
    CHECK(world.scheduler.peers().find(only)->failures == 1);
}

TEST_CASE("scheduler: a large input has the time that its bytes take") {
    QuickPeers unknown;
    unknown.admit(60'000'000, 0, false, "echo", 5'000'000);
    REQUIRE(unknown.dispatch().size() == 1);
    CHECK(unknown.expire(4'900'000).empty());  // at 1 MB/s it would just have arrived
    CHECK(has(unknown.expire(1'000'000), Action::Kind::kAssign));
    // Once the link has shown what it takes, it is waited for accordingly.
    QuickPeers known;
    known.answer_pairs(30, 5'000'000, 40'000);
    known.admit(60'000'000, 0, false, "echo", 5'000'000);
    REQUIRE(known.dispatch().size() == 1);
    CHECK(has(known.expire(600'000), Action::Kind::kAssign));
}

TEST_CASE("scheduler: the time that a gamer takes for its input is not the peer's") {
    QuickPeers world;
    Admission admission;
    admission.type = world.scheduler.type_index("echo");
    admission.deadline_us = world.now + 4'000'000;
    admission.start_timeout_us = 500'000;
    admission.bytes = 1'000;
    admission.input_open = true;
    const uint64_t task = world.scheduler.admit(admission, world.now);
    const Action assigned = world.dispatch().at(0);
    CHECK(world.expire(2'000'000).empty());
    world.scheduler.input_complete(task, world.now);
    CHECK(world.expire(1'000).empty());
    // It learned nothing wrong from it, and is given up as soon as ever.
    const PeerRecord& peer = *world.scheduler.peers().find(assigned.peer);
    const uint64_t patience = world.scheduler.peers().timeout_us(peer, admission.type, 1'000, 0);
    CHECK(patience < 200'000);
    CHECK(has(world.expire(patience + 1'000), Action::Kind::kAssign));
    CHECK(world.scheduler.stats().timeouts == 1);
}

TEST_CASE("scheduler: a round does not begin before its input is complete") {
    QuickPeers world;
    Admission admission;
    admission.type = world.scheduler.type_index("echo");
    admission.deadline_us = world.now + 4'000'000;
    admission.bytes = 1'000;
    admission.input_open = true;
    const uint64_t task = world.scheduler.admit(admission, world.now);
    const Action assigned = world.dispatch().at(0);
    const PeerRecord& peer = *world.scheduler.peers().find(assigned.peer);
    const double before = peer.learned[0].round_us;
    world.now += 3'000'000;
    world.scheduler.input_complete(task, world.now);
    world.now += 1'000;
    CHECK(world.answer(assigned) == Verdict::kAccepted);
    CHECK(peer.learned[0].round_us < 2 * before);
}

TEST_CASE("scheduler: a result that keeps coming is waited for") {
    QuickPeers world;
    const uint64_t task = world.admit(4'000'000);
    const Action given = world.dispatch().at(0);
    world.scheduler.answer_begins(task, given.peer, world.now, world.actions);
    for (int i = 0; i < 30; ++i) {
        CHECK(world.expire(40'000).empty());
        world.scheduler.answer_continues(task, given.peer, world.now);
    }
    CHECK(has(world.expire(400'000), Action::Kind::kAssign));
}

TEST_CASE("scheduler: the last attempt has the rest of the deadline") {
    World world;
    for (const char* name : {"a", "b", "c", "d"}) world.join(name, 1, 1);
    const uint64_t task = world.admit(10'000'000);
    Action last = world.dispatch().at(0);
    for (uint32_t attempt = 2; attempt <= limits::kAttemptsMax; ++attempt) {
        const std::vector<Action> actions = world.expire(600'000);
        REQUIRE(has(actions, Action::Kind::kAssign));
        last = actions.back();
    }
    CHECK(world.expire(8'000'000).empty());
    CHECK(world.scheduler.find(task)->attempts == limits::kAttemptsMax);
    CHECK(world.answer(last) == Verdict::kAccepted);
}

TEST_CASE("scheduler: the only peer has the rest of the deadline until another one joins") {
    World world;
    world.join("a", 1, 1);
    world.admit(10'000'000);
    const Action assigned = world.dispatch().at(0);
    CHECK(world.expire(3'000'000).empty());
    const uint64_t other = world.join("b", 1, 1);
    const std::vector<Action> actions = world.expire(600'000);
    REQUIRE(has(actions, Action::Kind::kAssign));
    CHECK(actions.back().peer == other);
    CHECK(actions.back().peer != assigned.peer);
}

TEST_CASE("scheduler: a refused task goes on and does not lose an attempt") {
    World world;
    world.join("a");
    world.join("b");
    const uint64_t task = world.admit();
    const Action first = world.dispatch()[0];
    const Nonce nonce = world.scheduler.find(task)->run.nonce;
    CHECK(world.scheduler.refused(first.peer, first.attempt_id, nonce, world.now, world.actions) ==
          Verdict::kRetried);
    const std::vector<Action> next = world.dispatch();
    REQUIRE(next.size() == 1);
    CHECK(world.scheduler.find(task)->attempts == 1);
    // What the peer still sends under the old id cannot be taken for the new attempt.
    CHECK(next[0].attempt_id != first.attempt_id);
}

TEST_CASE("scheduler: the faster of two idle peers gets the task once it is known") {
    World world;
    const uint64_t slow = world.join("slow", 1, 1);
    const uint64_t fast = world.join("fast", 1, 1);
    for (int i = 0; i < 30; ++i) {
        world.admit();
        world.admit();
        for (const Action& action : world.dispatch()) {
            const Nonce nonce = world.scheduler.find(action.task)->run.nonce;
            const uint64_t took = action.peer == slow ? 30'000 : 1'000;
            world.scheduler.answered(action.peer, action.attempt_id, nonce, Status::kOk, took,
                                     world.now + took, world.actions);
        }
        world.now += 40'000;
    }
    world.admit();
    const std::vector<Action> actions = world.dispatch();
    REQUIRE(actions.size() == 1);
    CHECK(actions[0].peer == fast);
    const Placement* why = world.scheduler.explain(actions[0].task);
    REQUIRE(why);
    CHECK(why->peer == fast);
    CHECK(why->considered == 2);
}

TEST_CASE("scheduler: while all peers of a type are paused the coordinator computes at once") {
    World world;
    const uint64_t peer = world.join("a");
    world.scheduler.peer_window(peer, 0, world.now);
    world.admit(1'000'000, 0, true);
    const uint64_t waits = world.admit(1'000'000, 0, false);
    std::vector<Action> actions = world.dispatch();
    REQUIRE(actions.size() == 1);
    CHECK(actions[0].kind == Action::Kind::kRunLocal);
    world.scheduler.peer_window(peer, 2, world.now);
    actions = world.dispatch();
    REQUIRE(actions.size() == 1);
    CHECK(actions[0].task == waits);
    CHECK(actions[0].peer == peer);
    // One that is only busy is waited for.
    world.scheduler.peer_window(peer, 1, world.now);
    world.admit(1'000'000, 0, true);
    CHECK(world.dispatch().empty());
}

TEST_CASE("scheduler: slot time counts for tasks that ended accepted and never twice") {
    const auto accepted_us = [](World& world) {
        double connected = 0;
        double accepted = 0;
        world.scheduler.peers().slot_time(world.now, connected, accepted);
        return accepted;
    };
    World world;
    const uint64_t peer = world.join("a", 2, 2);
    world.admit();
    const Action good = world.dispatch().at(0);
    world.now += 400'000;
    CHECK(accepted_us(world) == 0);  // who knows how it ends
    CHECK(world.answer(good) == Verdict::kAccepted);
    CHECK(accepted_us(world) == doctest::Approx(400'000));
    // Neither a failed attempt nor a cancelled one is work.
    const uint64_t failing = world.admit();
    const Action bad = world.dispatch().at(0);
    world.now += 300'000;
    CHECK(world.answer(bad, Status::kExecutor) == Verdict::kRetried);
    const Action again = world.dispatch().at(0);
    const Nonce nonce = world.scheduler.find(failing)->run.nonce;
    world.scheduler.withdraw(failing, world.now, world.actions);
    world.now += 100'000;
    world.scheduler.answered(peer, again.attempt_id, nonce, Status::kOk, 1, world.now,
                             world.actions);
    CHECK(accepted_us(world) == doctest::Approx(400'000));
    // It stays when the peer goes.
    world.scheduler.peer_left(peer, false, world.now, world.actions);
    CHECK(accepted_us(world) == doctest::Approx(400'000));

    // Two tasks at a peer with one slot: together no more than the slot had.
    World narrow;
    narrow.join("b", 1, 2);
    narrow.admit();
    narrow.admit();
    const std::vector<Action> both = narrow.dispatch();
    REQUIRE(both.size() == 2);
    for (const Action& action : both) {
        narrow.now += 100'000;
        CHECK(narrow.answer(action) == Verdict::kAccepted);
    }
    CHECK(accepted_us(narrow) == doctest::Approx(200'000));
}

TEST_CASE("scheduler: every admitted task ends exactly once under random events") {
    Prng prng(test::seed());
    World world;
    struct Held {
        uint64_t peer, attempt_id;
        Nonce nonce;
    };
    std::vector<uint64_t> peers;
    std::vector<Held> held;
    std::map<uint64_t, int> ends;  // admitted tasks
    std::set<uint64_t> local;
    const auto perform = [&](const std::vector<Action>& actions) {
        for (const Action& action : actions) {
            switch (action.kind) {
                case Action::Kind::kAssign: {
                    const Attempt* run = world.scheduler.attempt_at(action.task, action.peer);
                    REQUIRE(run != nullptr);
                    REQUIRE(run->attempt_id == action.attempt_id);
                    held.push_back({action.peer, action.attempt_id, run->nonce});
                    break;
                }
                case Action::Kind::kEnd:
                    ++ends[action.task];
                    break;
                case Action::Kind::kRunLocal:
                    local.insert(action.task);
                    break;
                case Action::Kind::kCancelLocal:
                    local.erase(action.task);
                    break;
                case Action::Kind::kCancelAttempt:
                    break;
            }
        }
    };
    for (int step = 0; step < 30000; ++step) {
        switch (prng.below(10)) {
            case 0:
                if (peers.size() < 8) {
                    peers.push_back(world.join("p" + std::to_string(step),
                                               1 + static_cast<uint32_t>(prng.below(3)),
                                               1 + static_cast<uint32_t>(prng.below(5))));
                }
                break;
            case 1:
                if (!peers.empty() && prng.below(3) == 0) {
                    const size_t at = prng.below(peers.size());
                    const uint64_t gone = peers[at];
                    peers.erase(peers.begin() + static_cast<ptrdiff_t>(at));
                    std::erase_if(held, [&](const Held& one) { return one.peer == gone; });
                    world.scheduler.peer_left(gone, prng.below(2), world.now, world.actions);
                }
                break;
            case 2:
            case 3: {
                const uint64_t task =
                    world.admit(1 + prng.below(200'000), static_cast<int8_t>(prng.between(-3, 3)),
                                prng.below(4) == 0);
                REQUIRE(ends.count(task) == 0);
                ends[task] = 0;
                break;
            }
            case 4:
            case 5:
                if (!held.empty()) {
                    const size_t at = prng.below(held.size());
                    const Held one = held[at];
                    held.erase(held.begin() + static_cast<ptrdiff_t>(at));
                    const uint64_t task =
                        world.scheduler.is_current(one.peer, one.attempt_id, one.nonce)
                            ? world.scheduler.task_of_attempt(one.peer, one.attempt_id)
                            : 0;
                    const Status status = prng.below(5) ? Status::kOk : Status::kExecutor;
                    const Verdict verdict =
                        prng.below(10) == 0
                            ? world.scheduler.refused(one.peer, one.attempt_id, one.nonce,
                                                      world.now, world.actions)
                            : world.scheduler.answered(one.peer, one.attempt_id, one.nonce, status,
                                                       50, world.now, world.actions);
                    REQUIRE(verdict != Verdict::kUnknown);
                    REQUIRE((verdict == Verdict::kAbandoned) == (task == 0));
                    if (verdict == Verdict::kAccepted) ++ends[task];
                }
                break;
            case 6:
                if (!local.empty()) {
                    const uint64_t task = *local.begin();
                    local.erase(local.begin());
                    world.scheduler.local_ended(task);
                    ++ends[task];
                }
                break;
            case 7:
                if (!peers.empty()) {
                    world.scheduler.peer_silent(peers[prng.below(peers.size())],
                                                static_cast<Silence>(prng.below(3)), world.now,
                                                world.actions);
                }
                break;
            case 8:
                if (!held.empty()) {
                    const Held& one = held[prng.below(held.size())];
                    const uint64_t task = world.scheduler.task_of_attempt(one.peer, one.attempt_id);
                    if (task == 0) break;
                    if (prng.below(2)) world.scheduler.give_up(task, world.now, world.actions);
                    world.scheduler.answer_begins(task, one.peer, world.now, world.actions);
                }
                break;
            default:
                world.now += prng.below(20'000);
                world.scheduler.expire(world.now, world.actions);
                break;
        }
        world.scheduler.dispatch(world.now, world.actions);
        perform(std::exchange(world.actions, {}));
    }
    world.now += 10'000'000;
    world.scheduler.expire(world.now, world.actions);
    world.scheduler.dispatch(world.now, world.actions);
    perform(std::exchange(world.actions, {}));
    CHECK(world.scheduler.pending() == 0);
    CHECK(world.scheduler.queued() == 0);
    CHECK(world.scheduler.next_us() == UINT64_MAX);
    for (const auto& [task, count] : ends) REQUIRE(count == 1);
    // What peers still hold are abandoned attempts: answering them frees every slot.
    for (const Held& one : held) {
        world.scheduler.answered(one.peer, one.attempt_id, one.nonce, Status::kOk, 1, world.now,
                                 world.actions);
    }
    for (uint64_t peer : peers) CHECK(world.scheduler.peers().find(peer)->held == 0);
    // All of what is new here has happened.
    const CopyStats& copies = world.scheduler.stats().copies;
    for (const uint64_t count : {copies.late, copies.at_once, copies.silence, copies.won,
                                 copies.wasted, copies.deaths, copies.false_deaths}) {
        CHECK(count > 0);
    }
    CHECK(world.scheduler.stats().taken_back > 0);
    CHECK(copies.late * CopyCredit::kDispatchesPerCopy <= world.scheduler.stats().assigned);
}
