// Tasks whose data is a content: what its way there counts when a peer is chosen, where it is told
// to lie, and that its way is learned of the line and of nothing else.
#include <doctest/doctest.h>

#include <map>

#include "sched_world.h"

using namespace p2c2r;
using namespace p2c2r::sched;

namespace {

constexpr uint64_t kMs = 1000;

// Peers of one slot, that compute for as long as the tests say.
struct ResidenceWorld : World {
    TypeIndex echo = scheduler.type_index("echo");
    uint8_t next_digest = 1;

    PeerTable& peers() { return scheduler.peers(); }
    PeerRecord& record(uint64_t peer) { return *peers().find(peer); }
    uint64_t peer(uint64_t compute_us, double bytes_per_us = 10, uint32_t window = 4,
                  OwnerIndex owner = kNoOwner, Circle accepts = Circle::kInvited) {
        const uint64_t id = join("p", 1, window, {"echo"}, owner, accepts);
        peers().learn(id, echo, 100, compute_us, compute_us + 100, now);
        record(id).bytes_per_us = bytes_per_us;
        return id;
    }
    // 10 kB are on the way for a millisecond.
    uint64_t content(uint64_t size) {
        Digest256 digest{};
        digest[0] = next_digest++;
        const std::vector<uint8_t> bytes(size, 7);
        const uint64_t entry = contents.add(digest, Bytes::copy(bytes), 1, true);
        REQUIRE(entry != 0);
        contents.pin(entry);
        return entry;
    }
    uint64_t admit_of(uint64_t entry, uint64_t deadline_us = 10'000 * kMs,
                      const Reach& reach = {}) {
        const uint64_t task = admit(deadline_us, 0, false, "echo", 100, reach);
        scheduler.content_known(task, entry);
        return task;
    }
    Action give(uint64_t entry, uint64_t deadline_us = 10'000 * kMs, const Reach& reach = {}) {
        const uint64_t task = admit_of(entry, deadline_us, reach);
        const std::vector<Action> given = dispatch();
        REQUIRE(given.size() == 1);
        CHECK(given[0].task == task);
        return given[0];
    }
    const Placement& why(const Action& given) { return *scheduler.explain(given.task); }
    Verdict answer_after(const Action& given, uint64_t after_us, uint64_t compute_us) {
        now += after_us;
        const Nonce nonce = scheduler.attempt_at(given.task, given.peer)->nonce;
        return scheduler.answered(given.peer, given.attempt_id, nonce, Status::kOk, compute_us, now,
                                  actions);
    }
};

}  // namespace

// ---- who gets it -------------------------------------------------------------------------------

TEST_CASE(
    "residence: the peer that has the data is first where its way costs more than the queue") {
    ResidenceWorld world;
    const uint64_t holder = world.peer(10 * kMs);
    const uint64_t other = world.peer(10 * kMs);
    const uint64_t level = world.content(250'000);
    world.contents.note_holder(level, holder);
    // One runs there and one waits: with those the third is done after 30 ms, elsewhere after 35.
    for (int i = 0; i < 3; ++i) CHECK(world.give(level).peer == holder);
    const Action fourth = world.give(level);
    CHECK(fourth.peer == other);
    CHECK(world.why(fourth).finish_us - world.now == doctest::Approx(35 * kMs).epsilon(0.02));
}

TEST_CASE("residence: a holder loses when its queue is longer than the way of the data") {
    ResidenceWorld world;
    const uint64_t holder = world.peer(10 * kMs);
    const uint64_t other = world.peer(10 * kMs);
    const uint64_t level = world.content(50'000);
    world.contents.note_holder(level, holder);
    CHECK(world.give(level).peer == holder);
    const Action second = world.give(level);
    CHECK(second.peer == other);
    CHECK(world.why(second).data == Residence::kLacking);
}

TEST_CASE("residence: under load the data is brought to others, and no holder is a bottleneck") {
    ResidenceWorld world;
    std::vector<uint64_t> peers;
    for (int i = 0; i < 4; ++i) peers.push_back(world.peer(10 * kMs));
    const uint64_t level = world.content(200'000);
    world.contents.note_holder(level, peers[0]);
    std::vector<Action> running;
    std::map<uint64_t, int> given;
    int lacking = 0;
    // Two tasks each 10 ms: more than one peer can do, and less than three.
    for (int turn = 0; turn < 100; ++turn) {
        for (int i = 0; i < 2; ++i) world.admit_of(level);
        for (const Action& action : world.dispatch()) {
            running.push_back(action);
            ++given[action.peer];
            if (world.why(action).data == Residence::kLacking) ++lacking;
        }
        world.now += 10 * kMs;
        // Each peer ends its first one.
        std::map<uint64_t, bool> done;
        std::erase_if(running, [&](const Action& action) {
            if (std::exchange(done[action.peer], true)) return false;
            const Placement& placed = world.why(action);
            if (placed.at_us + placed.data_us + 10 * kMs > world.now) return false;
            world.answer_after(action, 0, 10 * kMs);
            world.contents.note_holder(level, action.peer);
            return true;
        });
    }
    CHECK(given[peers[0]] > 40);
    CHECK(given[peers[0]] < 140);
    CHECK(running.size() < 10);
    // Each of the others got it once at most, and then had it.
    CHECK(lacking >= 1);
    CHECK(lacking <= 3);
}

TEST_CASE("residence: a holder is found wherever it stands among the others") {
    for (const bool is_own : {false, true}) {
        CAPTURE(is_own);
        ResidenceWorld world;
        const OwnerIndex anna = 1;
        for (int i = 0; i < 100; ++i) world.peer(2 * kMs, 10, 4, is_own ? anna : kNoOwner);
        const uint64_t holder = world.peer(20 * kMs, 10, 4, is_own ? anna : kNoOwner);
        const uint64_t level = world.content(1'000'000);
        world.contents.note_holder(level, holder);
        Reach reach;
        reach.owner = is_own ? anna : kNoOwner;
        reach.circle = is_own ? Circle::kOwn : Circle::kInvited;
        const Action given = world.give(level, 10'000 * kMs, reach);
        CHECK(given.peer == holder);
        CHECK(world.why(given).considered == 101);
        CHECK(world.why(given).free_slot);
    }
}

TEST_CASE("residence: of those that lack it the one with the faster line is first") {
    ResidenceWorld world;
    const uint64_t slow_line = world.peer(2 * kMs, 1);
    const uint64_t fast_line = world.peer(5 * kMs, 100);
    const uint64_t level = world.content(500'000);
    CHECK(world.give(level).peer == fast_line);
    // What is no content goes to the faster machine.
    world.admit();
    CHECK(world.dispatch().at(0).peer == slow_line);
}

TEST_CASE("residence: what is on its way counts what is left of that, and goes to nobody else") {
    ResidenceWorld world;
    const uint64_t near = world.peer(10 * kMs);
    world.peer(11 * kMs);
    const uint64_t level = world.content(1'000'000);
    const Action first = world.give(level);
    CHECK(first.peer == near);
    CHECK(world.why(first).data == Residence::kLacking);
    CHECK(world.why(first).data_us == doctest::Approx(100 * kMs).epsilon(0.01));
    // In the same turn, and later.
    world.admit_of(level);
    world.admit_of(level);
    for (const Action& given : world.dispatch()) {
        CHECK(given.peer == near);
        CHECK(world.why(given).data == Residence::kComing);
    }
    world.now += 60 * kMs;
    const Action later = world.give(level);
    CHECK(later.peer == near);
    CHECK(world.why(later).data_us == doctest::Approx(40 * kMs).epsilon(0.02));
}

TEST_CASE("residence: a peer that keeps none so large is not believed to get it") {
    ResidenceWorld world;
    const uint64_t only = world.peer(10 * kMs);
    world.record(only).content_bytes = 99'999;
    const uint64_t level = world.content(100'000);
    for (int i = 0; i < 2; ++i) {
        const Action given = world.give(level);
        CHECK(world.why(given).data == Residence::kLacking);
        CHECK(world.contents.peers(level).empty());
    }
}

TEST_CASE("residence: a holder outside the circle or one that had the task gets none of it") {
    ResidenceWorld world;
    const OwnerIndex anna = 1;
    const uint64_t hers = world.peer(10 * kMs, 10, 4, anna, Circle::kOwn);
    const uint64_t anybodys = world.peer(10 * kMs);
    const uint64_t level = world.content(1'000'000);
    world.contents.note_holder(level, hers);
    CHECK(world.give(level).peer == anybodys);
    Reach reach;
    reach.owner = anna;
    reach.circle = Circle::kInvited;
    const Action given = world.give(level, 10'000 * kMs, reach);
    CHECK(given.peer == hers);
    world.answer(given, Status::kExecutor);
    const std::vector<Action> again = world.dispatch();
    REQUIRE(again.size() == 1);
    CHECK(again[0].peer == anybodys);
}

TEST_CASE("residence: one that has left, or does not run the type, is passed over") {
    ResidenceWorld world;
    const uint64_t gone = world.peer(10 * kMs);
    const uint64_t other_type = world.join("q", 1, 4, {"upscale"});
    const uint64_t here = world.peer(10 * kMs);
    const uint64_t level = world.content(1'000'000);
    world.contents.note_holder(level, gone);
    world.contents.note_holder(level, other_type);
    world.scheduler.peer_left(gone, true, world.now, world.actions);
    CHECK(world.give(level).peer == here);
}

TEST_CASE("residence: with a deadline the chance counts the way of the data") {
    ResidenceWorld world;
    const uint64_t holder = world.peer(30 * kMs);
    const uint64_t fast = world.peer(5 * kMs);
    for (int i = 0; i < 20; ++i) {
        world.peers().learn(holder, world.echo, 100, 30 * kMs, 30 * kMs + 100, world.now);
        world.peers().learn(fast, world.echo, 100, 5 * kMs, 5 * kMs + 100, world.now);
    }
    const uint64_t level = world.content(1'000'000);
    world.contents.note_holder(level, holder);
    const Action given = world.give(level, 70 * kMs);
    CHECK(given.peer == holder);
    CHECK(world.why(given).data == Residence::kThere);
    CHECK_FALSE(world.why(given).is_safer);
    // Nobody else could be in time, so the second one waits there too.
    const Action second = world.give(level, 75 * kMs);
    CHECK(second.peer == holder);
    // A small one is worth its way.
    const uint64_t small = world.content(10'000);
    world.contents.note_holder(small, holder);
    CHECK(world.give(small, 40 * kMs).peer == fast);
}

TEST_CASE("residence: a task without a content is told nothing of data") {
    ResidenceWorld world;
    world.peer(10 * kMs);
    world.admit();
    const Action given = world.dispatch().at(0);
    CHECK(world.why(given).data == Residence::kNone);
    CHECK(world.why(given).data_us == 0);
}

TEST_CASE("residence: a task that an operator places is told of its data too") {
    ResidenceWorld world;
    const uint64_t holder = world.peer(10 * kMs);
    const uint64_t other = world.peer(10 * kMs);
    const uint64_t level = world.content(1'000'000);
    world.contents.note_holder(level, holder);
    const uint64_t task = world.admit_of(level);
    REQUIRE(world.scheduler.assign_to(task, other, world.now, world.actions) == Status::kOk);
    CHECK(world.scheduler.explain(task)->data == Residence::kLacking);
    CHECK(world.contents.peers(level).size() == 2);
}

// ---- what is learned of it ---------------------------------------------------------------------

TEST_CASE("residence: the way of the data is learned of the line and not of the task") {
    ResidenceWorld world;
    const uint64_t only = world.peer(10 * kMs, 0);
    const Learned before = *world.peers().learned(world.record(only), world.echo);
    const uint64_t level = world.content(1'000'000);
    const Action given = world.give(level);
    // At 100 Mbit/s, which is guessed; it turns out to be 20.
    CHECK(world.why(given).data_us == doctest::Approx(80 * kMs).epsilon(0.01));
    world.now += 1 * kMs;
    world.scheduler.content_lacking(given.task, only, world.now);
    CHECK(world.answer_after(given, 409 * kMs, 10 * kMs) == Verdict::kAccepted);
    CHECK(world.record(only).bytes_per_us == doctest::Approx(2.5).epsilon(0.01));
    const Learned after = *world.peers().learned(world.record(only), world.echo);
    CHECK(after.samples == before.samples + 1);
    CHECK(after.round_us == doctest::Approx(before.round_us).epsilon(0.01));
    CHECK(after.compute_us == doctest::Approx(before.compute_us).epsilon(0.01));
    CHECK(world.record(only).link_us == doctest::Approx(100).epsilon(0.1));
    world.contents.note_holder(level, only);
    CHECK(world.why(world.give(level)).data == Residence::kThere);
}

TEST_CASE("residence: one that waited for what came for another says nothing of the line") {
    ResidenceWorld world;
    const uint64_t only = world.peer(10 * kMs, 10);
    const uint64_t level = world.content(1'000'000);
    const Action asker = world.give(level);
    const Action second = world.give(level);
    CHECK(world.why(second).data == Residence::kComing);
    world.scheduler.content_lacking(asker.task, only, world.now);
    // Its answer is the first, after 200 ms.
    CHECK(world.answer_after(second, 200 * kMs, 10 * kMs) == Verdict::kAccepted);
    CHECK(world.record(only).bytes_per_us == 10);
    CHECK(world.answer_after(asker, 0, 10 * kMs) == Verdict::kAccepted);
    CHECK(world.record(only).bytes_per_us < 10);
}

TEST_CASE("residence: who was believed to have it and asks is waited for as long as that takes") {
    ResidenceWorld world;
    const uint64_t only = world.peer(10 * kMs, 10);
    world.peer(200 * kMs, 10);
    const uint64_t level = world.content(5'000'000);
    world.contents.note_holder(level, only);
    const Action given = world.give(level);
    REQUIRE(given.peer == only);
    const uint64_t before = world.scheduler.attempt_at(given.task, only)->lease_until_us;
    world.scheduler.content_lacking(given.task, only, world.now);
    CHECK(world.scheduler.attempt_at(given.task, only)->lease_until_us >= before + 500 * kMs);
    REQUIRE(world.contents.peers(level).size() == 1);
    CHECK(world.contents.peers(level)[0].there_us - world.now ==
          doctest::Approx(500 * kMs).epsilon(0.01));
}
