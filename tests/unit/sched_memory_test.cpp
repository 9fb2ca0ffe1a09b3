// What scheduling keeps when memory is short.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sched/content_store.h"
#include "sched/scheduler.h"
#include "support/failing_new.h"
#include "unit/sched_world.h"

using namespace p2c2r;
using namespace p2c2r::sched;
using namespace p2c2r::test;

namespace {

struct Chance final : RandomSource {
    void fill(std::span<uint8_t> out) override { std::fill(out.begin(), out.end(), uint8_t{7}); }
};

}  // namespace

TEST_CASE("memory: a content that could not be added is not there, and nothing stays pinned") {
    const Bytes level = Bytes::copy(std::string(100, 'l'));
    const Digest256 digest = sha256(level.span());
    for (const bool is_known : {false, true}) {
        CAPTURE(is_known);
        ContentStore store(1000, 1000);
        if (is_known) REQUIRE(store.add(digest, Bytes(level), 1) != 0);
        uint64_t failures = 0;
        with_short_memory([&] { store.add(digest, Bytes(level), 2); },
                          [&](bool is_short) {
                              failures += is_short;
                              CHECK((store.find(digest, 2) != 0) == !is_short);
                              CHECK(store.bytes_of_scope(2) == (is_short ? 0u : 100u));
                              CHECK(store.size() == (is_short && !is_known ? 0u : 1u));
                              CHECK(store.pinned_bytes() == 0);
                          });
        CHECK(failures > 0);
        store.forget_scope(2);
        store.shrink_to(0);
        CHECK(store.bytes_held() == 0);
        CHECK(store.size() == 0);
    }
}

TEST_CASE("memory: a held task without a place in the queue is told, and can be ended") {
    Chance chance;
    Scheduler scheduler(4, chance);
    Admission admission;
    admission.type = scheduler.type_index("echo");
    admission.deadline_us = 1'000'000;
    admission.held = true;
    const uint64_t task = scheduler.admit(admission, 0);
    REQUIRE(task != 0);
    allocations_left = 0;
    const bool released = scheduler.release(task, 0);
    allocations_left = UINT64_MAX;
    CHECK_FALSE(released);
    std::vector<Action> actions;
    SUBCASE("later there is memory") {
        CHECK(scheduler.release(task, 0));
        CHECK(scheduler.queued() == 1);
    }
    SUBCASE("it ends") {
        scheduler.fail_held(task, Status::kMemory, "short", actions);
        REQUIRE(actions.size() == 1);
        CHECK(actions[0].kind == Action::Kind::kEnd);
        CHECK(actions[0].status == Status::kMemory);
        CHECK(scheduler.pending() == 0);
    }
}

TEST_CASE("memory: a task that memory is short to place stays in its queue, and is placed later") {
    Chance chance;
    Scheduler scheduler(4, chance);
    PeerRecord record;
    record.peer_id = "wide";
    record.slots = record.window_tasks = 1'000;
    record.window_bytes = 1 << 20;
    REQUIRE(scheduler.peer_joined(std::move(record), {"echo"}, 0) != 0);
    constexpr uint64_t kTasks = 400;
    uint64_t failures = 0;
    uint64_t assigned = 0;
    for (uint64_t i = 0; i < kTasks; ++i) {
        Admission admission;
        admission.type = scheduler.type_index("echo");
        admission.deadline_us = 1'000'000;
        REQUIRE(scheduler.admit(admission, 0) != 0);
        // Fresh every time: it has to grow as the peer's list has.
        std::vector<Action> actions;
        bool is_short = false;
        allocations_left = 0;
        try {
            scheduler.dispatch(0, actions);
        } catch (const std::bad_alloc&) {
            is_short = true;
        }
        allocations_left = UINT64_MAX;
        failures += is_short;
        CHECK(scheduler.queued() == (is_short ? 1 : 0));
        if (is_short) scheduler.dispatch(0, actions);
        CHECK(scheduler.queued() == 0);
        assigned += actions.size();
    }
    CHECK(failures > 0);
    CHECK(assigned == kTasks);
    CHECK(scheduler.stats().assigned == kTasks);
    std::vector<Action> ended;
    scheduler.expire(2'000'000, ended);
    CHECK(scheduler.pending() == 0);
    CHECK(scheduler.queued() == 0);
}

TEST_CASE("memory: what cannot be taken back from its peer stays there, and nothing is lost") {
    uint64_t failures = 0;
    for (uint64_t allowed = 0; allowed < 100; ++allowed) {
        CAPTURE(allowed);
        World world;
        const uint64_t slow = world.join("slow", 1, 8);
        std::vector<uint64_t> tasks;
        for (int i = 0; i < 4; ++i) {
            tasks.push_back(world.admit());
            REQUIRE(world.scheduler.assign_to(tasks.back(), slow, world.now, world.actions) ==
                    Status::kOk);
            world.now += 10;
        }
        const uint64_t other = world.join("other", 1, 8);
        const PeerRecord& from = *world.scheduler.peers().find(slow);
        // Lists that are full have to grow first.
        std::vector<Abandoned>().swap(world.scheduler.peers().find(slow)->abandoned);
        std::vector<Action>().swap(world.actions);
        allocations_left = allowed;
        world.scheduler.dispatch(world.now, world.actions);
        allocations_left = UINT64_MAX;
        CHECK(world.scheduler.pending() == tasks.size());
        if (world.scheduler.stats().taken_back == 1) {
            CHECK(world.actions.size() == 2);
            CHECK(world.scheduler.peers().find(other)->held == 1);
            break;
        }
        ++failures;
        CHECK(world.actions.empty());
        CHECK(world.scheduler.peers().find(other)->held == 0);
        CHECK(from.leases.size() == tasks.size());
        CHECK(from.abandoned.empty());
        for (const uint64_t task : tasks) CHECK(world.scheduler.find(task)->attempts == 1);
        // Later there is memory.
        world.now += 2'000;
        world.dispatch();
        CHECK(world.scheduler.stats().taken_back == 1);
    }
    CHECK(failures > 0);
}
