// Circles and owners in the scheduler: a task never reaches a peer outside its circle, and never
// waits for others while one inside has room.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "support/seed.h"
#include "unit/sched_world.h"

using namespace p2c2r;
using namespace p2c2r::sched;

namespace {

constexpr OwnerIndex kAnna = 1;
constexpr OwnerIndex kBen = 2;
constexpr Reach kAnnasOwn{Circle::kOwn, kAnna};
constexpr Reach kBensOwn{Circle::kOwn, kBen};
constexpr Reach kAnnas{Circle::kInvited, kAnna};
constexpr Reach kBens{Circle::kInvited, kBen};

uint64_t admit(World& world, const Reach& reach, int8_t priority = 0, bool local = false) {
    return world.admit(1'000'000, priority, local, "echo", 100, reach);
}

// An own and, where it is limited, its owner's machine only.
uint64_t join(World& world, const std::string& name, OwnerIndex owner, uint32_t window = 4,
              Circle accepts = Circle::kInvited) {
    return world.join(name, window, window, {"echo"}, owner, accepts);
}

const Action* action_of(const std::vector<Action>& actions, uint64_t task) {
    const auto found = std::find_if(actions.begin(), actions.end(),
                                    [&](const Action& action) { return action.task == task; });
    return found == actions.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("circles: an own task goes to machines of its owner alone, whoever that is") {
    World world;
    world.join("stranger", 4, 4);
    const uint64_t anna = join(world, "anna", kAnna);
    const uint64_t ben = join(world, "ben", kBen);
    const uint64_t of_anna = admit(world, kAnnasOwn);
    const uint64_t of_ben = admit(world, kBensOwn);
    const std::vector<Action> actions = world.dispatch();
    REQUIRE(actions.size() == 2);
    CHECK(action_of(actions, of_anna)->peer == anna);
    CHECK(action_of(actions, of_ben)->peer == ben);
}

TEST_CASE("circles: an own task waits for its owner's machine, and says so when none comes") {
    World world;
    const uint64_t stranger = world.join("stranger", 4, 4);
    const uint64_t ben = join(world, "ben", kBen);
    const uint64_t task = admit(world, kAnnasOwn, 5);
    const uint64_t behind = admit(world, kAnnas);
    // It does not stand before one that others can serve.
    const std::vector<Action> first = world.dispatch();
    REQUIRE(first.size() == 1);
    CHECK(first[0].task == behind);
    for (uint64_t outside : {stranger, ben}) {
        CHECK(world.scheduler.assign_to(task, outside, world.now, world.actions) ==
              Status::kDenied);
    }
    SUBCASE("one comes") {
        const uint64_t mine = join(world, "anna", kAnna);
        const std::vector<Action> actions = world.dispatch();
        REQUIRE(action_of(actions, task));
        CHECK(action_of(actions, task)->peer == mine);
    }
    SUBCASE("none is connected") {
        CHECK(!action_of(world.expire(940'000), task));
        const std::vector<Action> late = world.expire(15'000);
        REQUIRE(action_of(late, task));
        CHECK(action_of(late, task)->kind == Action::Kind::kEnd);
        CHECK(action_of(late, task)->status == Status::kDisconnected);
        CHECK(action_of(late, task)->text ==
              std::string_view("no peer of circle own of this owner is connected"));
    }
    SUBCASE("one is there that runs something else") {
        world.join("anna", 2, 2, {"hash"}, kAnna);
        CHECK(world.dispatch().empty());
        const std::vector<Action> late = world.expire(1'001'000);
        REQUIRE(action_of(late, task));
        CHECK(action_of(late, task)->text ==
              std::string_view("no peer of circle own of this owner takes tasks of this type"));
    }
}

TEST_CASE("circles: failover, refusal and timeout of an own task stay with its owner") {
    World world;
    world.join("stranger", 8, 8);
    const uint64_t first = join(world, "anna-1", kAnna, 1);
    const uint64_t second = join(world, "anna-2", kAnna, 1);
    const uint64_t task = admit(world, kAnnasOwn);
    Action given = world.dispatch().at(0);
    const uint64_t other = given.peer == first ? second : first;
    SUBCASE("lost") {
        world.scheduler.peer_left(given.peer, true, world.now, world.actions);
        given = world.dispatch().at(0);
        CHECK(given.peer == other);
        world.scheduler.peer_left(other, true, world.now, world.actions);
        CHECK(world.dispatch().empty());  // nobody is left, and nobody else gets it
        CHECK(world.scheduler.find(task)->state == TaskRecord::State::kQueued);
    }
    SUBCASE("failed") {
        world.answer(given, Status::kExecutor);
        CHECK(world.dispatch().at(0).peer == other);
    }
    SUBCASE("refused") {
        const Nonce nonce = world.scheduler.find(task)->run.nonce;
        world.scheduler.refused(given.peer, given.attempt_id, nonce, world.now, world.actions);
        const uint64_t next = world.dispatch().at(0).peer;
        CHECK((next == first || next == second));
    }
    SUBCASE("too slow") {
        const std::vector<Action> actions = world.expire(510'000);
        const auto again = std::find_if(actions.begin(), actions.end(), [](const Action& action) {
            return action.kind == Action::Kind::kAssign;
        });
        REQUIRE(again != actions.end());
        CHECK(again->peer == other);
    }
}

TEST_CASE("circles: what nobody in its circle serves the coordinator computes at once") {
    World world;
    world.join("stranger");
    const uint64_t own = admit(world, kAnnasOwn, 0, true);
    const std::vector<Action> actions = world.dispatch();
    REQUIRE(actions.size() == 1);
    CHECK(actions[0].kind == Action::Kind::kRunLocal);
    CHECK(actions[0].task == own);
}

TEST_CASE("circles: a peer that keeps to its own circle serves its owner's tasks of any circle") {
    World world;
    const uint64_t peer = join(world, "anna", kAnna, 8, Circle::kOwn);
    const uint64_t bens = admit(world, kBens, 9);
    const uint64_t annas = admit(world, kAnnas);
    const uint64_t own = admit(world, kAnnasOwn);
    const std::vector<Action> actions = world.dispatch();
    REQUIRE(actions.size() == 2);
    CHECK(action_of(actions, annas)->peer == peer);
    CHECK(action_of(actions, own)->peer == peer);
    CHECK(world.scheduler.assign_to(bens, peer, world.now, world.actions) == Status::kDenied);
    CHECK(world.scheduler.peers().serving(0, kBens) == 0);
    CHECK(world.scheduler.peers().serving(0, kAnnas) == 1);
}

TEST_CASE("circles: a run of tasks on one peer ends before a task that may not go there") {
    World world;
    // Idle and alike, so that as many tasks as possible go out on one choice.
    join(world, "anna", kAnna, 16, Circle::kOwn);
    std::vector<uint64_t> bens;
    for (int i = 0; i < 8; ++i) {
        admit(world, kAnnas);
        bens.push_back(admit(world, kBens));
    }
    const std::vector<Action> actions = world.dispatch();
    CHECK(actions.size() == 8);
    for (uint64_t task : bens) CHECK(!action_of(actions, task));
}

TEST_CASE("circles: what waits for anybody goes to its owner's machine as soon as that joins") {
    World world;
    const uint64_t busy = world.join("stranger", 1, 1);
    const uint64_t held = admit(world, kBens);
    world.dispatch();
    const uint64_t bens = admit(world, kBens, 9);
    const uint64_t annas = admit(world, kAnnas);
    CHECK(world.dispatch().empty());
    // Ben's is the more urgent one, and may not go there.
    const uint64_t peer = join(world, "anna", kAnna, 4, Circle::kOwn);
    std::vector<Action> actions = world.dispatch();
    REQUIRE(actions.size() == 1);
    CHECK(actions[0].task == annas);
    CHECK(actions[0].peer == peer);
    // What comes back from others goes there, too.
    world.scheduler.peer_left(peer, false, world.now, world.actions);
    world.scheduler.withdraw(bens, world.now, world.actions);
    world.scheduler.withdraw(held, world.now, world.actions);
    world.dispatch();
    world.scheduler.peer_left(busy, true, world.now, world.actions);
    const uint64_t again = join(world, "anna", kAnna, 4, Circle::kOwn);
    actions = world.dispatch();
    REQUIRE(action_of(actions, annas));
    CHECK(action_of(actions, annas)->peer == again);
}

TEST_CASE("circles: machines that come and go leave nothing behind in their circle") {
    World world;
    for (int round = 0; round < 3; ++round) {
        const uint64_t one = join(world, "one", kAnna, 1);
        const uint64_t two = join(world, "two", kAnna, 1, Circle::kOwn);
        CHECK(world.scheduler.peers().machines_of(kAnna) == 2);
        CHECK(world.scheduler.peers().has_limited(kAnna));
        const uint64_t first = admit(world, kAnnasOwn);
        const uint64_t second = admit(world, kAnnasOwn);
        const std::vector<Action> actions = world.dispatch();
        REQUIRE(actions.size() == 2);
        CHECK(actions[0].peer != actions[1].peer);
        for (uint64_t task : {first, second}) {
            world.scheduler.withdraw(task, world.now, world.actions);
        }
        world.actions.clear();
        world.scheduler.peer_left(one, false, world.now, world.actions);
        CHECK(world.scheduler.peers().serving(0, kAnnasOwn) == 1);
        world.scheduler.peer_left(two, false, world.now, world.actions);
        CHECK(world.scheduler.peers().machines_of(kAnna) == 0);
        CHECK(!world.scheduler.peers().has_limited(kAnna));
        CHECK(world.scheduler.peers().serving(0, kAnnasOwn) == 0);
    }
    CHECK(world.scheduler.pending() == 0);
    CHECK(world.scheduler.queued() == 0);
}

// A model that looks at every peer: nothing goes where it may not, and nothing waits beside room.
TEST_CASE("circles: whatever comes and goes, each task is inside and none waits beside room") {
    Prng prng(test::seed());
    World world;
    struct Machine {
        OwnerIndex owner;
        bool limited;
    };
    std::map<uint64_t, Machine> machines;
    std::map<uint64_t, Reach> tasks;
    std::vector<Action> running;
    const auto inside = [&](const Reach& reach, const Machine& machine) {
        if (machine.owner != kNoOwner && machine.owner == reach.owner) return true;
        return reach.circle == Circle::kInvited && !machine.limited;
    };
    const auto take = [&](const std::vector<Action>& actions) {
        for (const Action& action : actions) {
            if (action.kind == Action::Kind::kEnd) tasks.erase(action.task);
            if (action.kind == Action::Kind::kCancelAttempt) {
                // It is over, or was taken back and is elsewhere.
                std::erase_if(running, [&](const Action& given) {
                    return given.peer == action.peer && given.attempt_id == action.attempt_id;
                });
            }
            if (action.kind != Action::Kind::kAssign) continue;
            const auto machine = machines.find(action.peer);
            REQUIRE(machine != machines.end());
            REQUIRE(inside(tasks.at(action.task), machine->second));
            running.push_back(action);
        }
    };
    for (int step = 0; step < 4000; ++step) {
        world.now += prng.below(50);
        const double what = prng.unit();
        if (what < 0.05 && machines.size() < 30) {
            const Machine machine{static_cast<OwnerIndex>(prng.below(5)), prng.chance(0.3)};
            const bool limited = machine.limited && machine.owner != kNoOwner;
            const uint32_t window = static_cast<uint32_t>(1 + prng.below(3));
            const uint64_t peer =
                join(world, "m", machine.owner, window, limited ? Circle::kOwn : Circle::kInvited);
            machines[peer] = {machine.owner, limited};
        } else if (what < 0.08 && !machines.empty()) {
            auto gone = machines.begin();
            std::advance(gone, static_cast<ptrdiff_t>(prng.below(machines.size())));
            const uint64_t peer = gone->first;
            machines.erase(gone);
            std::erase_if(running, [&](const Action& action) { return action.peer == peer; });
            world.scheduler.peer_left(peer, prng.chance(0.5), world.now, world.actions);
        } else if (what < 0.12 && !machines.empty()) {
            auto at = machines.begin();
            std::advance(at, static_cast<ptrdiff_t>(prng.below(machines.size())));
            world.scheduler.peer_window(at->first, static_cast<uint32_t>(prng.below(4)), world.now);
        } else if (what < 0.55) {
            const auto owner = static_cast<OwnerIndex>(1 + prng.below(4));
            const Reach reach{prng.chance(0.4) ? Circle::kOwn : Circle::kInvited, owner};
            tasks[admit(world, reach, static_cast<int8_t>(prng.below(3)))] = reach;
        } else if (!running.empty()) {
            const size_t at = prng.below(running.size());
            const Action one = running[at];
            running.erase(running.begin() + static_cast<ptrdiff_t>(at));
            const bool good = prng.chance(0.8);
            const Verdict verdict = world.answer(one, good ? Status::kOk : Status::kExecutor);
            if (verdict == Verdict::kAccepted) tasks.erase(one.task);
        }
        take(world.dispatch());
        uint32_t beside_room = 0;
        for (const auto& [task, reach] : tasks) {
            const TaskRecord* record = world.scheduler.find(task);
            REQUIRE(record);
            if (record->state != TaskRecord::State::kQueued) continue;
            for (const auto& [peer, machine] : machines) {
                const PeerRecord* candidate = world.scheduler.peers().find(peer);
                beside_room += inside(reach, machine) && candidate->takes(record->bytes);
            }
        }
        REQUIRE(beside_room == 0);
        if (tasks.size() > 60) {
            world.scheduler.withdraw(tasks.begin()->first, world.now, world.actions);
            tasks.erase(tasks.begin());
            std::erase_if(running, [&](const Action& action) { return !tasks.count(action.task); });
        }
    }
    CHECK(world.scheduler.stats().assigned > 500);
    for (const auto& [task, reach] : tasks) {
        world.scheduler.withdraw(task, world.now, world.actions);
    }
    CHECK(world.scheduler.pending() == 0);
}
