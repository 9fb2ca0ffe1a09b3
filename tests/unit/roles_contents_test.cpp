// Contents through all roles: they travel once, come again after any loss, and are nobody's but
// those who brought them.
#include <doctest/doctest.h>

#include <functional>

#include "model/patches.h"
#include "roles/content_inbox.h"
#include "support/wire_world.h"
#include "unit/roles_content_tasks.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

Bytes patch(const Content& content, uint64_t offset, std::string_view text) {
    const Patch one{offset, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}};
    return *pack_patches({&one, 1}, content.bytes.size(), "patches");
}

std::string patched(const Content& content, size_t offset, const std::string& text) {
    return std::string(content.bytes.text()).replace(offset, text.size(), text);
}

void check_echo(Cluster& cluster, uint64_t task, std::string_view expected) {
    cluster.loop.advance(10'000);
    REQUIRE(cluster.answers.times[task] == 1);
    const TaskResult& result = cluster.result(task);
    CHECK(result.status == Status::kOk);
    CHECK(result.error == "");
    CHECK(result.data.text() == expected);
}

wire::TaskSubmit task_of(const Content& content) {
    wire::TaskSubmit message;
    message.task_type = "echo";
    message.deadline_us = 4'000'000;
    message.payload_place = 1;
    message.digest = digest_text(content.digest);
    return message;
}

void put(WireEnd& end, const Content& content, std::string_view bytes, uint64_t id = 1) {
    end.send(Message::kContentPut, kContentIdBit | id,
             wire::ContentPut{digest_text(content.digest), std::nullopt}, {}, bytes);
}

wire::PeerRegister peer_that_keeps(const std::string& peer_id, uint64_t content_bytes = 1 << 20) {
    wire::PeerRegister message;
    message.peer_id = peer_id;
    message.capabilities.task_types = {"echo"};
    message.slots = message.window_tasks = 2;
    message.window_bytes = 256u << 20;
    message.content_bytes = content_bytes;
    return message;
}

// How the last task ended, in words of its own.
struct Told {
    Status status;
    std::string field;
    std::string error;
};
Told delivery(const WireEnd& gamer) {
    const WireEnd::Got got = gamer.last(Message::kResultDelivery);
    const auto told = got.as<wire::ResultDelivery>();
    return {told.status, std::string(told.field), std::string(told.error)};
}

}  // namespace

// ---- the three real roles ----------------------------------------------------------------------

TEST_CASE("contents: one travels once to the coordinator and once to the peer") {
    for (const size_t size : {size_t{0}, size_t{100}, size_t{100'000}, size_t{900'000}}) {
        CAPTURE(size);
        Cluster cluster;
        PeerNode& node = cluster.add_peer("p1");
        cluster.add_client();
        const auto level = content_of(size, 'l');
        cluster.client->put(level);
        cluster.loop.settle();
        check_echo(cluster, cluster.submit(level), level->bytes.text());
        // After that a task costs each link its envelope.
        const uint64_t up = cluster.client->stats().bytes_out;
        const uint64_t on = node.peer->stats().bytes_in;
        for (int i = 0; i < 10; ++i)
            check_echo(cluster, cluster.submit(level), level->bytes.text());
        CHECK(cluster.client->stats().bytes_out - up < 10 * 200);
        CHECK(node.peer->stats().bytes_in - on < 10 * 200);
        CHECK(cluster.client->stats().contents_sent == 1);
        CHECK(cluster.coordinator->stats().contents_sent == 1);
        CHECK(cluster.coordinator->stats().content_misses == 0);
    }
}

TEST_CASE("contents: a delta changes the content for its own task only") {
    Cluster cluster;
    cluster.add_peer("p1");
    cluster.add_client();
    const auto level = content_of(500'000, 'l');
    const uint64_t changed = cluster.submit(level, patch(*level, 499'990, "0123456789"));
    const uint64_t plain = cluster.submit(level);
    check_echo(cluster, changed, patched(*level, 499'990, "0123456789"));
    check_echo(cluster, plain, level->bytes.text());
    // A large delta comes in chunks like any input.
    const std::string large(400'000, 'x');
    check_echo(cluster, cluster.submit(level, patch(*level, 1'000, large)),
               patched(*level, 1'000, large));
}

TEST_CASE("contents: one that was never put is asked for once by however many tasks") {
    for (const bool early : {true, false}) {
        CAPTURE(early);
        Cluster cluster;
        cluster.add_peer("p1");
        const auto level = content_of(400'000, 'l');
        cluster.add_client(false, false, !early);
        if (early) cluster.client->put(level);
        std::vector<uint64_t> tasks;
        for (int i = 0; i < 20; ++i) tasks.push_back(cluster.submit(level));
        if (early) cluster.client->start();
        for (const uint64_t task : tasks) check_echo(cluster, task, level->bytes.text());
        CHECK(cluster.client->stats().contents_sent == 1);
        CHECK(cluster.coordinator->stats().contents_sent == 1);
    }
}

TEST_CASE("contents: a store that forgets asks again and the answer is right") {
    // Neither store holds two of them, so each task costs each link one.
    Cluster cluster(false, [] {
        CoordinatorOptions options;
        options.content_bytes_max = 300'000;
        return options;
    }());
    PeerOptions small;
    small.content_bytes_max = 150'000;
    PeerNode& node = cluster.add_peer("p1", {"echo"}, small);
    cluster.add_client();
    std::vector<std::shared_ptr<const Content>> levels;
    for (char fill = 'a'; fill < 'd'; ++fill) levels.push_back(content_of(120'000, fill));
    for (int round = 0; round < 4; ++round) {
        for (const auto& level : levels) {
            check_echo(cluster, cluster.submit(level), level->bytes.text());
        }
    }
    CHECK(cluster.client->stats().contents_sent == 12);
    CHECK(cluster.coordinator->stats().content_evicted > 0);
    CHECK(node.peer->stats().content_evicted > 0);
    CHECK(cluster.coordinator->stats().content_bytes <= 300'000);
    CHECK(node.peer->stats().content_bytes <= 150'000);
}

TEST_CASE("contents: what a peer's tasks use stays there, whatever the bound") {
    Cluster cluster;
    PeerOptions small;
    small.content_bytes_max = 150'000;
    PeerNode& node = cluster.add_peer("p1", {"echo"}, small);
    cluster.add_client();
    std::vector<std::shared_ptr<const Content>> levels;
    for (char fill = 'a'; fill < 'd'; ++fill) levels.push_back(content_of(120'000, fill));
    std::vector<uint64_t> tasks;
    for (int i = 0; i < 12; ++i) tasks.push_back(cluster.submit(levels[i % 3]));
    for (int i = 0; i < 12; ++i) check_echo(cluster, tasks[i], levels[i % 3]->bytes.text());
    CHECK(node.peer->stats().content_bytes <= 150'000);
}

TEST_CASE("contents: a restarted coordinator gets them again and a lost peer's task goes on") {
    Cluster cluster;
    PeerNode& first = cluster.add_peer("p1");
    cluster.add_client();
    const auto level = content_of(400'000, 'l');
    check_echo(cluster, cluster.submit(level), level->bytes.text());
    first.runner->takes_us = 100'000;
    const uint64_t task = cluster.submit(level, {}, 5'000'000);
    cluster.loop.advance(1'000);
    cluster.add_peer("p2");
    cluster.peers[0].peer->close();
    check_echo(cluster, task, level->bytes.text());
    const uint64_t later = cluster.submit(level, patch(*level, 7, "seven"), 5'000'000);
    cluster.coordinator.reset();
    cluster.start_coordinator(false);
    cluster.loop.advance(3'000'000);
    check_echo(cluster, later, patched(*level, 7, "seven"));
    CHECK(cluster.client->stats().contents_sent == 2);
}

TEST_CASE("contents: where none are kept the bytes travel with each task") {
    Cluster cluster(false, [] {
        CoordinatorOptions options;
        options.content_bytes_max = 0;
        return options;
    }());
    cluster.add_peer("p1");
    cluster.add_client(false, true);
    const auto level = content_of(300'000, 'l');
    cluster.client->put(level);
    check_echo(cluster, cluster.submit(level), level->bytes.text());
    check_echo(cluster, cluster.submit(level, patch(*level, 5, "five")),
               patched(*level, 5, "five"));
    CHECK(cluster.client->stats().contents_sent == 0);
}

TEST_CASE("contents: the coordinator and the gamer itself compute from one too") {
    for (const bool here : {true, false}) {
        CAPTURE(here);
        Cluster cluster(!here);
        cluster.add_client(here);
        const auto level = content_of(300'000, 'l');
        TaskSpec& spec = cluster.specs[cluster.next_task];
        spec.task_type = "echo";
        spec.content = level;
        spec.data = patch(*level, 5, "five");
        spec.place = here ? Place::kLocal : Place::kAuto;
        cluster.client->submit(cluster.next_task, spec);
        check_echo(cluster, cluster.next_task, patched(*level, 5, "five"));
        CHECK(cluster.result(cluster.next_task).source ==
              (here ? Source::kLocal : Source::kCoordinator));
    }
}

TEST_CASE("contents: what the store holds is all that is left when the tasks have ended") {
    Cluster cluster;
    cluster.add_peer("p1");
    cluster.add_client();
    const auto level = content_of(400'000, 'l');
    cluster.client->put(level);
    check_echo(cluster, cluster.submit(level), level->bytes.text());
    CHECK(cluster.coordinator->stats().payload_bytes_held == 400'000);
    cluster.client->drop(level->digest);
    cluster.loop.settle();
    CHECK(cluster.coordinator->stats().payload_bytes_held == 0);
    check_echo(cluster, cluster.submit(level), level->bytes.text());
    cluster.client->close();
    cluster.loop.advance(1'000);
    CHECK(cluster.coordinator->stats().payload_bytes_held == 0);
}

TEST_CASE("contents: a peer that has one is preferred to a faster one that lacks it") {
    Cluster cluster;
    cluster.add_peer("holder");
    cluster.add_client();
    const auto level = content_of(900'000, 'l');
    check_echo(cluster, cluster.submit(level), level->bytes.text());
    PeerNode& fresh = cluster.add_peer("fresh");
    cluster.peers[0].runner->takes_us = 20'000;
    for (int i = 0; i < 20; ++i) {
        cluster.submit("warm up");
        cluster.loop.advance(40'000);
    }
    const uint64_t had = fresh.runner->started;
    CHECK(had > 0);
    const uint64_t task = cluster.submit(level);
    cluster.loop.advance(30'000);
    check_echo(cluster, task, level->bytes.text());
    CHECK(fresh.runner->started == had);
    CHECK(cluster.coordinator->stats().contents_sent == 1);
}

// ---- ends in the test's hands ------------------------------------------------------------------

TEST_CASE("contents: a digest opens nothing to a gamer that has not brought the bytes") {
    WireWorld world;
    WireEnd ada = world.end();
    WireEnd bob = world.end();
    WireEnd peer = world.end();
    ada.join_gamer("ada");
    bob.join_gamer("bob");
    peer.join_peer(peer_that_keeps("p"));
    const auto secret = content_of(1000, 's');
    put(ada, *secret, secret->bytes.text());
    ada.send(Message::kTaskSubmit, 1, task_of(*secret));
    REQUIRE(peer.count(Message::kTaskAssign) == 1);
    CHECK(ada.count(Message::kContentWant) == 0);
    bob.send(Message::kTaskSubmit, 1, task_of(*secret));
    CHECK(peer.count(Message::kTaskAssign) == 1);
    REQUIRE(bob.count(Message::kContentWant) == 1);
    CHECK(bob.last(Message::kContentWant).id == 1);
    SUBCASE("he can bring them") {
        put(bob, *secret, secret->bytes.text());
        CHECK(peer.count(Message::kTaskAssign) == 2);
        CHECK(world.coordinator->stats().content_bytes == 1000);
    }
    SUBCASE("others under their digest are not taken and ada's stay") {
        put(bob, *secret, std::string(1000, 'x'));
        CHECK(delivery(bob).status == Status::kContent);
        CHECK(delivery(bob).field == "content");
        CHECK_FALSE(bob.closed());
        ada.send(Message::kTaskSubmit, 2, task_of(*secret));
        CHECK(peer.count(Message::kTaskAssign) == 2);
        CHECK(world.coordinator->stats().content_bytes == 1000);
    }
    SUBCASE("they end with the gamer where there are no accounts") {
        ada.send(Message::kGoodbye, 0, wire::Goodbye{});
        CHECK(world.coordinator->stats().content_bytes == 0);
        WireEnd next = world.end();
        next.join_gamer("ada");
        next.send(Message::kTaskSubmit, 1, task_of(*secret));
        CHECK(next.count(Message::kContentWant) == 1);
    }
}

TEST_CASE("contents: a peer gets that of a task it holds and no other") {
    WireWorld world;
    WireEnd gamer = world.end();
    WireEnd peer = world.end();
    WireEnd other = world.end();
    gamer.join_gamer("gamer");
    peer.join_peer(peer_that_keeps("p"));
    const auto level = content_of(1000, 'l');
    const auto secret = content_of(1000, 's');
    put(gamer, *level, level->bytes.text());
    put(gamer, *secret, secret->bytes.text(), 2);
    gamer.send(Message::kTaskSubmit, 1, task_of(*level));
    other.join_peer(peer_that_keeps("other"));
    const WireEnd::Got order = peer.last(Message::kTaskAssign);
    CHECK(order.as<wire::TaskAssign>().payload_place == 1);
    CHECK(order.data == "");
    const auto want = [](WireEnd& end, uint64_t id, const Content& content) {
        end.send(Message::kContentWant, id, wire::ContentWant{digest_text(content.digest)});
    };
    want(peer, order.id, *secret);
    want(peer, order.id + 1, *level);
    want(peer, 0, *level);
    want(other, order.id, *level);
    CHECK(peer.count(Message::kContentPut) == 0);
    CHECK(other.count(Message::kContentPut) == 0);
    want(peer, order.id, *level);
    REQUIRE(peer.count(Message::kContentPut) == 1);
    CHECK(peer.last(Message::kContentPut).data == level->bytes.text());
    peer.answer(order, "done");
    want(peer, order.id, *level);
    CHECK(peer.count(Message::kContentPut) == 1);
    CHECK_FALSE(peer.closed());
}

TEST_CASE("contents: a peer that keeps none gets the whole input") {
    WireWorld world;
    WireEnd gamer = world.end();
    WireEnd peer = world.end();
    gamer.join_gamer("gamer");
    peer.join_peer(peer_that_keeps("p", 999));
    const auto level = content_of(1000, 'l');
    put(gamer, *level, level->bytes.text());
    gamer.send(Message::kTaskSubmit, 1, task_of(*level), "\x80", patch(*level, 3, "three").text());
    const WireEnd::Got order = peer.last(Message::kTaskAssign);
    CHECK(order.as<wire::TaskAssign>().payload_place == 0);
    CHECK(order.params == "\x80");
    CHECK(order.data == patched(*level, 3, "three"));
    peer.answer(order, "done");
    CHECK(gamer.last(Message::kResultDelivery).data == "done");
    // A delta that does not fit is the gamer's mistake, and costs the peer nothing.
    for (uint64_t task = 2; task < 8; ++task) {
        gamer.send(Message::kTaskSubmit, task, task_of(*level), {}, "no delta");
        CHECK(delivery(gamer).status == Status::kParams);
        CHECK(delivery(gamer).field == "delta");
    }
    CHECK(peer.count(Message::kTaskAssign) == 1);
    CHECK(peer.count(Message::kTaskCancel) == 0);
    gamer.send(Message::kTaskSubmit, 9, task_of(*level));
    CHECK(peer.count(Message::kTaskAssign) == 2);
}

TEST_CASE("contents: another task asks when the one that asked has ended") {
    WireWorld world;
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    WireEnd peer = world.end();
    peer.join_peer(peer_that_keeps("p"));
    const auto level = content_of(1000, 'l');
    gamer.send(Message::kTaskSubmit, 1, task_of(*level));
    gamer.send(Message::kTaskSubmit, 2, task_of(*level));
    CHECK(gamer.count(Message::kContentWant) == 1);
    gamer.send(Message::kTaskCancel, 1, wire::TaskCancel{});
    REQUIRE(gamer.count(Message::kContentWant) == 2);
    CHECK(gamer.last(Message::kContentWant).id == 2);
    put(gamer, *level, level->bytes.text());
    CHECK(peer.count(Message::kTaskAssign) == 1);
    world.loop.advance(5'000'000);
    CHECK(world.coordinator->stats().pending_tasks == 0);
}

TEST_CASE("contents: who resumes is asked again for what was half-way") {
    WireWorld world;
    WireEnd peer = world.end();
    peer.join_peer(peer_that_keeps("p"));
    const auto level = content_of(300'000, 'l');
    WireEnd gamer = world.end();
    const Nonce resume = gamer.join_gamer("gamer").resume;
    gamer.send(Message::kTaskSubmit, 1, task_of(*level));
    const wire::ContentPut first{digest_text(level->digest), wire::PayloadSizes{0, 300'000}};
    gamer.send(Message::kContentPut, kContentIdBit | 1, first, {},
               level->bytes.text().substr(0, 1000), wire::kFlagMore);
    gamer.cut();
    WireEnd again = world.end();
    again.join_gamer("gamer", resume);
    again.send(Message::kTaskSubmit, 1, task_of(*level));
    REQUIRE(again.count(Message::kContentWant) == 1);
    again.send(Message::kContentPut, kContentIdBit | 2, first, {},
               level->bytes.text().substr(0, 200'000), wire::kFlagMore);
    again.send(Message::kTaskSubmit, 2, task_of(*level));
    CHECK(again.count(Message::kContentWant) == 1);  // it is coming
    again.chunk(Message::kContentPut, kContentIdBit | 2, {}, level->bytes.text().substr(200'000),
                true);
    CHECK(peer.count(Message::kTaskAssign) == 2);
}

TEST_CASE("contents: what is too large or broken is told and bounded") {
    WireWorld world([] {
        CoordinatorOptions options;
        options.content_bytes_max = 20'000;
        return options;
    }());
    WireEnd gamer = world.end();
    CHECK(gamer.join_gamer("gamer").content_bytes == 10'000);
    WireEnd peer = world.end();
    peer.join_peer(peer_that_keeps("p"));
    const auto huge = content_of(10'001, 'h');
    gamer.send(Message::kTaskSubmit, 1, task_of(*huge));
    put(gamer, *huge, huge->bytes.text());
    CHECK(delivery(gamer).status == Status::kSize);
    CHECK(delivery(gamer).error.find("10000") != std::string::npos);
    // Streams that never end hold no more than one gamer may have.
    const auto level = content_of(9'000, 'l');
    for (uint64_t id = 1; id <= 100; ++id) {
        const wire::ContentPut first{digest_text(level->digest), wire::PayloadSizes{0, 9'000}};
        gamer.send(Message::kContentPut, kContentIdBit | (10 + id), first, {}, "x",
                   wire::kFlagMore);
    }
    CHECK(world.coordinator->stats().payload_bytes_held <= ContentInbox::Limits{}.open_max * 9'000);
    CHECK_FALSE(gamer.closed());
    wire::TaskSubmit nothing = task_of(*level);
    nothing.digest = {};
    gamer.send(Message::kTaskSubmit, 3, nothing);
    CHECK(delivery(gamer).field == "digest");
    wire::TaskSubmit elsewhere = task_of(*level);
    elsewhere.payload_place = 2;
    gamer.send(Message::kTaskSubmit, 4, elsewhere);
    CHECK(delivery(gamer).status == Status::kUnsupported);
    for (const auto& breach : std::vector<std::function<void(WireEnd&)>>{
             [&](WireEnd& end) {
                 end.send(Message::kContentPut, 1, wire::ContentPut{digest_text(level->digest), {}},
                          "\x80", "x");
             },
             [&](WireEnd& end) {
                 end.send(Message::kContentPut, 1, wire::ContentPut{digest_text(level->digest), {}},
                          {}, "x", wire::kFlagMore);
             },
             [&](WireEnd& end) {
                 end.send(Message::kContentPut, 1,
                          wire::ContentPut{digest_text(level->digest), wire::PayloadSizes{0, 5}},
                          {}, "123456", wire::kFlagMore);
             },
             [&](WireEnd& end) {
                 end.send(Message::kContentPut, 0,
                          wire::ContentPut{digest_text(level->digest), wire::PayloadSizes{0, 5}},
                          {}, "1", wire::kFlagMore);
             }}) {
        WireEnd bad = world.end();
        bad.join_gamer("bad");
        breach(bad);
        CHECK(bad.closed());
    }
    gamer.cut();
    world.loop.advance(20'000'000);
    CHECK(world.coordinator->stats().payload_bytes_held == 0);
}
