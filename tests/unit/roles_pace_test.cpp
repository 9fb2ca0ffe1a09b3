// Inputs that are still coming hold no peer that others wait for, and cost their gamer nothing but
// time. The real role on a fake clock.
#include <doctest/doctest.h>

#include <map>

#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

// A peer that takes ten milliseconds for what is whole, and answers cancels.
struct Worker {
    WireWorld& world;
    WireEnd end;
    std::map<uint64_t, WireEnd::Got> orders;
    std::map<uint64_t, std::string> inputs;  // by attempt, what has come of them
    size_t seen = 0;

    Worker(WireWorld& of, uint32_t slots) : world(of), end(of.end()) { end.join_peer("p", slots); }
    void work(uint64_t us) {
        for (uint64_t left = us; left > 0; left -= 1'000) {
            world.loop.advance(1'000);
            for (; seen < end.got.size(); ++seen) hear(end.got[seen]);
        }
    }
    void hear(const WireEnd::Got& got) {
        if (got.message == Message::kTaskCancel && orders.count(got.id)) {
            return end.answer(orders[got.id], {}, Status::kCancelled);
        }
        if (got.message != Message::kTaskAssign) return;
        inputs[got.id] += got.data;
        if (!got.envelope.empty()) orders[got.id] = got;
        if (got.more()) return;
        world.loop.later(10'000, [this, id = got.id] { end.answer(orders[id], "done"); });
    }
    void beat(std::initializer_list<WireEnd*> others) {
        end.send(Message::kHeartbeat, 0, wire::Heartbeat{});
        for (WireEnd* other : others) other->send(Message::kHeartbeat, 0, wire::Heartbeat{});
    }
};

size_t good(const WireEnd& gamer) {
    size_t count = 0;
    for (const WireEnd::Got& got : gamer.all(Message::kResultDelivery)) {
        count += got.as<wire::ResultDelivery>().status == Status::kOk;
    }
    return count;
}

}  // namespace

TEST_CASE("pace: who begins inputs and does not go on, or drips, leaves the peers to the others") {
    for (const bool drips : {false, true}) {
        CAPTURE(drips);
        WireWorld world;
        Worker peer(world, 8);
        WireEnd attacker = world.end();
        WireEnd victim = world.end();
        attacker.join_gamer("attacker");
        victim.join_gamer("victim");
        for (uint64_t id = 1; id <= 64; ++id) {
            attacker.submit_first(id, {0, 300'000}, {}, "x", 5'000'000);
        }
        constexpr uint64_t kFrames = 120;
        for (uint64_t frame = 1; frame <= kFrames; ++frame) {
            if (frame % 30 == 0) peer.beat({&attacker, &victim});
            victim.submit(frame, "frame", 100'000);
            for (uint64_t id = 1; drips && id <= 64; ++id) {
                attacker.chunk(Message::kTaskSubmit, id, {}, "x", false);
            }
            peer.work(16'000);
        }
        peer.work(100'000);
        CHECK(good(victim) == kFrames);
        CHECK(victim.count(Message::kTaskTimeout) == 0);
        CHECK_FALSE(attacker.closed());
        CHECK(world.coordinator->stats().peer_failures == 0);
        CHECK(world.coordinator->stats().timeouts == 0);
        // Once it was known for it, no more of them went anywhere.
        CHECK(peer.orders.size() <= kFrames + 16);
    }
}

// 5 MB over 10 Mbit/s.
TEST_CASE("pace: a slow line's input passes through as it comes, and whole where others wait") {
    for (const bool others_wait : {false, true}) {
        CAPTURE(others_wait);
        WireWorld world;
        Worker peer(world, 1);
        WireEnd slow = world.end();
        WireEnd quick = world.end();
        slow.join_gamer("slow");
        quick.join_gamer("quick");
        const std::string chunk(250'000, 's');
        constexpr uint64_t kChunks = 20;
        slow.submit_first(1, {0, kChunks * chunk.size()}, {}, chunk, 10'000'000);
        uint64_t asked = 0;
        for (uint64_t i = 1; i < kChunks; ++i) {
            if (others_wait) quick.submit(++asked, "frame", 100'000);
            peer.work(200'000);
            if (i % 5 == 0) peer.beat({&slow, &quick});
            slow.chunk(Message::kTaskSubmit, 1, {}, chunk, i + 1 == kChunks);
            // Without others the peer has all that has come, and its one attempt.
            if (others_wait) continue;
            CHECK(peer.orders.size() == 1);
            peer.work(1'000);
            CHECK(peer.inputs.begin()->second.size() == (i + 1) * chunk.size());
        }
        peer.work(100'000);
        CHECK(good(quick) == asked);
        REQUIRE(slow.count(Message::kResultDelivery) > 0);
        const WireEnd::Got first = slow.all(Message::kResultDelivery).front();
        CHECK(first.as<wire::ResultDelivery>().status == Status::kOk);
        CHECK(first.as<wire::ResultDelivery>().attempts == 1);
        CHECK(peer.inputs[peer.end.last(Message::kTaskAssign).id].size() == kChunks * chunk.size());
        CHECK(peer.orders.size() == (others_wait ? asked + 2 : 1));
        CHECK(world.coordinator->stats().pending_tasks == 0);
        CHECK(world.coordinator->stats().timeouts == 0);
        CHECK_FALSE(peer.end.closed());
    }
}

TEST_CASE("pace: one that stalled ends with its gamer, its deadline or its cancel as any other") {
    for (const int way : {0, 1, 2}) {
        CAPTURE(way);
        WireWorld world;
        Worker peer(world, 1);
        WireEnd slow = world.end();
        WireEnd quick = world.end();
        slow.join_gamer("slow");
        quick.join_gamer("quick");
        slow.submit_first(1, {0, 1'000}, {}, "begin", 300'000);
        peer.work(20'000);
        quick.submit(1, "frame");
        peer.work(80'000);
        CHECK(good(quick) == 1);
        if (way == 0) slow.send(Message::kTaskCancel, 1, wire::TaskCancel{});
        if (way == 1) slow.cut();
        if (way == 2) {
            peer.work(300'000);
            const WireEnd::Got told = slow.last(Message::kTaskTimeout);
            CHECK(told.as<wire::TaskTimeout>().error ==
                  "the deadline passed before an answer came; 5 of 1000 bytes of the input had "
                  "come");
        }
        CHECK(world.coordinator->stats().pending_tasks == 0);
        quick.submit(2, "frame");
        peer.work(20'000);
        CHECK(good(quick) == 2);
    }
}
