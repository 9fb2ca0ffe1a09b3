// What passes through the coordinator, and what it does not let pass: gamers and peers here are in
// the test's hands and break the rules, and nobody but they must feel it.
#include <doctest/doctest.h>

#include "roles/coordinator.h"
#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;
using wire::PayloadSizes;

namespace {

std::string text(size_t size, char fill = 'x') {
    return std::string(size, fill);
}

}  // namespace

// ---- payloads in chunks ------------------------------------------------------------------------

TEST_CASE("relay: a submit whose chunks break their sizes costs its own connection only") {
    struct Breach {
        const char* name;
        PayloadSizes sizes;
        size_t first_params, first_data;
        size_t next_params, next_data;
        bool last;
    };
    for (const Breach& breach :
         {Breach{"more data at once", {0, 1}, 0, 100'000, 0, 0, false},
          Breach{"more params at once", {10, 100'000}, 11, 0, 0, 0, false},
          Breach{"data in the place of params", {10, 10}, 0, 20, 0, 0, false},
          Breach{"more data later", {10, 10}, 10, 5, 0, 6, false},
          Breach{"more params later", {10, 10}, 5, 0, 6, 0, false},
          Breach{"data before the end of params", {10, 10}, 5, 0, 0, 5, false},
          Breach{"params behind data", {10, 10}, 10, 5, 1, 0, false},
          Breach{"an early end", {10, 10}, 10, 5, 0, 4, true}}) {
        CAPTURE(breach.name);
        WireWorld world;
        WireEnd peer = world.end();
        WireEnd good = world.end();
        WireEnd bad = world.end();
        peer.join_peer("p");
        good.join_gamer("good");
        bad.join_gamer("bad");
        good.submit(1, "hello");
        const WireEnd::Got assigned = peer.last(Message::kTaskAssign);
        const size_t frames_before = peer.got.size();
        bad.submit_first(1, breach.sizes, text(breach.first_params), text(breach.first_data));
        if (breach.next_params + breach.next_data > 0 && !bad.closed()) {
            bad.chunk(Message::kTaskSubmit, 1, text(breach.next_params), text(breach.next_data),
                      breach.last);
        }
        CHECK(bad.last(Message::kGoodbye).as<wire::Goodbye>().status == Status::kProtocol);
        CHECK(bad.closed());
        // What the peer has seen of it keeps the sizes.
        uint64_t params = 0;
        uint64_t data = 0;
        for (size_t i = frames_before; i < peer.got.size(); ++i) {
            params += peer.got[i].params.size();
            data += peer.got[i].data.size();
        }
        CHECK(params <= breach.sizes.params_size);
        CHECK(data <= breach.sizes.data_size);
        CHECK_FALSE(peer.closed());
        peer.answer(assigned, "hello");
        CHECK(good.last(Message::kResultDelivery).data == "hello");
        CHECK_FALSE(good.closed());
    }
}

TEST_CASE("relay: a result whose chunks break their sizes costs its own connection only") {
    for (const bool at_once : {true, false}) {
        CAPTURE(at_once);
        WireWorld world;
        WireEnd liar = world.end();
        WireEnd gamer = world.end();
        liar.join_peer("liar");
        gamer.join_gamer("gamer");
        gamer.submit(7, "hello");
        const WireEnd::Got assigned = liar.last(Message::kTaskAssign);
        WireEnd honest = world.end();
        honest.join_peer("honest");
        if (at_once) {
            liar.answer_first(assigned, {0, 1}, {}, text(100'000));
        } else {
            liar.answer_first(assigned, {4, 8}, text(4), text(4));
            liar.chunk(Message::kTaskResult, assigned.id, text(1), {}, false);
        }
        CHECK(liar.last(Message::kGoodbye).as<wire::Goodbye>().status == Status::kProtocol);
        CHECK(liar.closed());
        CHECK_FALSE(gamer.closed());
        CHECK(gamer.count(Message::kResultDelivery) == (at_once ? 0 : 1));
        // Somebody else's answer is the task's one end.
        honest.answer(honest.last(Message::kTaskAssign), "hello");
        CHECK(gamer.last(Message::kResultDelivery).data == "hello");
        CHECK(world.coordinator->stats().pending_tasks == 0);
    }
}

TEST_CASE("relay: a task whose checksum does not match is tried again and costs no peer") {
    WireWorld world;
    WireEnd peers[] = {world.end(), world.end(), world.end(), world.end()};
    for (int i = 0; i < 4; ++i) peers[i].join_peer("p" + std::to_string(i));
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    wire::TaskSubmit message;
    message.task_type = "echo";
    message.checksum = 12345;
    gamer.send(Message::kTaskSubmit, 3, message, {}, "hello", wire::kFlagChecksum);
    for (int attempt = 0; attempt < 3; ++attempt) {
        for (WireEnd& peer : peers) {
            if (peer.count(Message::kTaskAssign) == 0) continue;
            const WireEnd::Got assigned = peer.last(Message::kTaskAssign);
            CHECK(assigned.as<wire::TaskAssign>().checksum == 12345);
            peer.answer(assigned, {}, Status::kContent);
            peer.got.clear();
            break;
        }
    }
    REQUIRE(gamer.count(Message::kResultDelivery) == 1);
    CHECK(gamer.last(Message::kResultDelivery).as<wire::ResultDelivery>().status ==
          Status::kContent);
    for (WireEnd& peer : peers) CHECK_FALSE(peer.closed());
}

TEST_CASE("relay: the coordinator checks the checksum of what it computes itself") {
    WireWorld world({}, true);
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    wire::TaskSubmit message;
    message.task_type = "echo";
    message.checksum = 12345;
    gamer.send(Message::kTaskSubmit, 3, message, {}, "hello", wire::kFlagChecksum);
    CHECK(gamer.last(Message::kResultDelivery).as<wire::ResultDelivery>().status ==
          Status::kContent);
    CHECK(world.runner.started == 0);
}

TEST_CASE("relay: a result never mixes the chunks of two peers and the task ends once") {
    WireWorld world;
    WireEnd first = world.end();
    WireEnd gamer = world.end();
    first.join_peer("first");
    gamer.join_gamer("gamer");
    gamer.submit(7, "hello");
    first.answer_first(first.last(Message::kTaskAssign), {0, 10}, {}, "AAAAA");
    WireEnd second = world.end();
    second.join_peer("second");
    first.cut();
    const WireEnd::Got assigned = second.last(Message::kTaskAssign);
    // The end of a result whose beginning, with the nonce, was another peer's.
    second.chunk(Message::kTaskResult, assigned.id, {}, "BBBBB", true);
    CHECK(world.coordinator->stats().completed_tasks == 0);
    CHECK(world.coordinator->stats().pending_tasks == 1);
    REQUIRE(gamer.count(Message::kResultDelivery) == 1);
    CHECK(gamer.last(Message::kResultDelivery).more());
    second.answer(assigned, "hello");
    CHECK(gamer.count(Message::kResultDelivery) == 2);
    CHECK(gamer.last(Message::kResultDelivery).data == "hello");
    world.loop.advance(6'000'000);
    CHECK(gamer.count(Message::kResultDelivery) == 2);
    CHECK(gamer.count(Message::kTaskTimeout) == 0);
    CHECK(world.coordinator->stats().completed_tasks == 1);
    CHECK(world.coordinator->stats().failed_tasks == 0);
}

TEST_CASE("relay: a whole answer behind the beginning of one in chunks is the only one") {
    WireWorld world;
    WireEnd peer = world.end();
    WireEnd gamer = world.end();
    peer.join_peer("p");
    gamer.join_gamer("gamer");
    gamer.submit(1, "large");
    gamer.submit(2, "hello");
    const std::vector<WireEnd::Got> assigned = peer.all(Message::kTaskAssign);
    REQUIRE(assigned.size() == 2);
    // As much as may be queued for a gamer that does not read, so that the next stream waits.
    gamer.connection().pause_reading(true);
    peer.answer_first(assigned[0], {0, 600'000}, {}, text(200'000));
    peer.chunk(Message::kTaskResult, assigned[0].id, {}, text(200'000), false);
    peer.chunk(Message::kTaskResult, assigned[0].id, {}, text(200'000), true);
    peer.answer_first(assigned[1], {0, 10}, {}, "begin");
    peer.answer(assigned[1], "hello");
    gamer.connection().pause_reading(false);
    world.loop.settle();
    size_t answers = 0;
    for (const WireEnd::Got& got : gamer.all(Message::kResultDelivery)) answers += got.id == 2;
    CHECK(answers == 1);
}

TEST_CASE("relay: a task that ends before its first frame has left frees its slot at once") {
    for (const bool cancelled : {true, false}) {
        CAPTURE(cancelled);
        WireWorld world;
        WireEnd peer = world.end();
        WireEnd gamer = world.end();
        peer.join_peer("p", 2);
        gamer.join_gamer("gamer");
        // As much as may be queued for a peer that does not read, so that the next input waits.
        peer.connection().pause_reading(true);
        gamer.submit_first(1, {0, 600'000}, {}, text(200'000));
        gamer.chunk(Message::kTaskSubmit, 1, {}, text(200'000), false);
        gamer.chunk(Message::kTaskSubmit, 1, {}, text(200'000), true);
        gamer.submit_first(2, {0, 10}, {}, "begin", 100'000);
        if (cancelled) {
            gamer.send(Message::kTaskCancel, 2, wire::TaskCancel{});
        } else {
            world.loop.advance(110'000);
        }
        gamer.submit(3, "hello");
        peer.connection().pause_reading(false);
        world.loop.settle();
        CHECK(peer.count(Message::kTaskCancel) == 0);
        CHECK(peer.last(Message::kTaskAssign).data == "hello");
    }
}

TEST_CASE("relay: a gamer that resumes in the middle of a result in chunks gets its one answer") {
    for (const bool replaced : {false, true}) {
        CAPTURE(replaced);
        WireWorld world;
        WireEnd peer = world.end();
        peer.join_peer("p");
        WireEnd before = world.end();
        const Nonce secret = before.join_gamer("gamer").resume;
        before.submit(7, "hello");
        const WireEnd::Got first = peer.last(Message::kTaskAssign);
        peer.answer_first(first, {0, 10}, {}, "AAAAA");
        if (!replaced) before.cut();
        WireEnd after = world.end();
        REQUIRE(after.join_gamer("gamer", secret).success);
        CHECK(before.closed());
        after.submit(7, "hello");
        // The rest of what the former connection had begun to get.
        peer.chunk(Message::kTaskResult, first.id, {}, "AAAAA", true);
        CHECK(after.count(Message::kResultDelivery) == 0);
        const WireEnd::Got second = peer.last(Message::kTaskAssign);
        CHECK(second.id != first.id);
        peer.answer(second, "hello");
        REQUIRE(after.count(Message::kResultDelivery) == 1);
        CHECK(after.last(Message::kResultDelivery).data == "hello");
        world.loop.advance(6'000'000);
        CHECK(after.count(Message::kResultDelivery) == 1);
        CHECK(after.count(Message::kTaskTimeout) == 0);
        CHECK(world.coordinator->stats().pending_tasks == 0);
    }
}

TEST_CASE("relay: a gamer that is lost in the middle of each answer gets a definite error") {
    WireWorld world;
    WireEnd peers[] = {world.end(), world.end(), world.end()};
    for (int i = 0; i < 3; ++i) peers[i].join_peer("p" + std::to_string(i));
    std::optional<Nonce> secret;
    std::vector<std::unique_ptr<WireEnd>> gamers;
    for (int attempt = 0; attempt < 4; ++attempt) {
        gamers.push_back(std::make_unique<WireEnd>(world.loop, *world.coordinator));
        secret = gamers.back()->join_gamer("gamer", secret).resume;
        gamers.back()->submit(7, "hello");
        for (WireEnd& peer : peers) {
            if (peer.count(Message::kTaskAssign) == 0) continue;
            peer.answer_first(peer.last(Message::kTaskAssign), {0, 10}, {}, "AAAAA");
            peer.got.clear();
        }
    }
    REQUIRE(gamers.back()->count(Message::kResultDelivery) == 1);
    CHECK(gamers.back()->last(Message::kResultDelivery).as<wire::ResultDelivery>().status ==
          Status::kDisconnected);
    CHECK(world.coordinator->stats().pending_tasks == 0);
}

TEST_CASE("relay: slow input is the gamer's time and a result that keeps coming is waited for") {
    WireWorld world;
    WireEnd peers[] = {world.end(), world.end()};
    WireEnd gamer = world.end();
    peers[0].join_peer("p0");
    peers[1].join_peer("p1");
    gamer.join_gamer("gamer");
    // Both are known to answer at once, and are given up when they do not.
    for (uint64_t id = 1; id <= 40; ++id) {
        gamer.submit(id, "hello");
        for (WireEnd& peer : peers) {
            for (const WireEnd::Got& assigned : peer.all(Message::kTaskAssign)) {
                peer.answer(assigned, "hello");
            }
            peer.got.clear();
        }
    }
    REQUIRE(world.coordinator->stats().completed_tasks == 40);
    gamer.got.clear();
    gamer.submit_first(100, {0, 30}, {}, text(10));
    world.loop.advance(300'000);
    gamer.chunk(Message::kTaskSubmit, 100, {}, text(10), false);
    world.loop.advance(300'000);
    gamer.chunk(Message::kTaskSubmit, 100, {}, text(10), true);
    REQUIRE(peers[0].count(Message::kTaskAssign) + peers[1].count(Message::kTaskAssign) == 3);
    WireEnd& peer = peers[peers[0].count(Message::kTaskAssign) > 0 ? 0 : 1];
    const WireEnd::Got assigned = peer.all(Message::kTaskAssign).at(0);
    peer.answer_first(assigned, {0, 60}, {}, text(10));
    for (int i = 0; i < 5; ++i) {
        world.loop.advance(40'000);
        peer.chunk(Message::kTaskResult, assigned.id, {}, text(10), i == 4);
    }
    CHECK(peer.count(Message::kTaskCancel) == 0);
    CHECK(world.coordinator->stats().completed_tasks == 41);
    CHECK(world.coordinator->stats().timeouts == 0);
    CHECK_FALSE(gamer.last(Message::kResultDelivery).more());
}

TEST_CASE("relay: a peer that has answered or refused is sent no more of the input") {
    for (const bool refuses : {true, false}) {
        CAPTURE(refuses);
        WireWorld world;
        WireEnd peer = world.end();
        WireEnd gamer = world.end();
        peer.join_peer("p", 4);
        gamer.join_gamer("gamer");
        gamer.submit_first(1, {0, 3'000'000}, {}, text(200'000));
        const WireEnd::Got assigned = peer.last(Message::kTaskAssign);
        peer.connection().pause_reading(true);
        for (int i = 1; i < 14; ++i) {
            gamer.chunk(Message::kTaskSubmit, 1, {}, text(200'000), false);
        }
        if (refuses) {
            wire::TaskRefuse refuse;
            refuse.attempt = assigned.as<wire::TaskAssign>().attempt;
            peer.send(Message::kTaskRefuse, assigned.id, refuse);
        } else {
            peer.answer(assigned, {}, Status::kExecutor);
        }
        peer.connection().pause_reading(false);
        world.loop.settle();
        size_t old_bytes = 0;
        size_t new_bytes = 0;
        for (const WireEnd::Got& got : peer.all(Message::kTaskAssign)) {
            (got.id == assigned.id ? old_bytes : new_bytes) += got.data.size();
        }
        CHECK(old_bytes < 1'200'000);
        CHECK(new_bytes == 14 * 200'000);  // it is the only peer, and is asked again
    }
}

// ---- what a gamer may have pending -------------------------------------------------------------

TEST_CASE(
    "relay: a gamer has no more payload pending than its window and hears when to try again") {
    CoordinatorOptions options;
    options.gamer_window_bytes = 1 << 20;
    WireWorld world(options);
    WireEnd peer = world.end();
    WireEnd gamer = world.end();
    WireEnd other = world.end();
    peer.join_peer("p", 16);
    REQUIRE(gamer.join_gamer("gamer").window_bytes == 1 << 20);
    other.join_gamer("other");
    for (uint64_t id = 1; id <= 6; ++id) gamer.submit(id, text(200'000));
    REQUIRE(gamer.count(Message::kResultDelivery) == 1);
    const WireEnd::Got refused = gamer.last(Message::kResultDelivery);
    CHECK(refused.id == 6);
    CHECK(refused.as<wire::ResultDelivery>().status == Status::kBusy);
    CHECK(refused.as<wire::ResultDelivery>().retry_after_ms > 0);
    CHECK_FALSE(gamer.closed());
    // It is nobody else's window, and what ends makes room.
    other.submit(1, text(200'000));
    CHECK(other.count(Message::kResultDelivery) == 0);
    peer.answer(peer.all(Message::kTaskAssign).at(0), "done");
    gamer.submit(6, text(200'000));
    CHECK(gamer.count(Message::kResultDelivery) == 2);
    for (uint64_t id = 2; id <= 6; ++id) {
        gamer.send(Message::kTaskCancel, id, wire::TaskCancel{});
    }
    // A single task may be larger than the window.
    gamer.got.clear();
    gamer.submit_first(7, {0, 3 << 20}, {}, text(200'000));
    CHECK(gamer.count(Message::kResultDelivery) == 0);
    gamer.submit(8, text(1000));
    CHECK(gamer.last(Message::kResultDelivery).as<wire::ResultDelivery>().status == Status::kBusy);
    CHECK(world.coordinator->stats().refused_tasks == 2);
}

// ---- gamers that do not read -------------------------------------------------------------------

namespace {

constexpr uint64_t kMiB = 1 << 20;

struct SlowReader : WireWorld {
    WireEnd peer = end();
    WireEnd gamer = end();
    WireEnd::Got assigned;
    uint64_t size;
    uint64_t sent = 0;

    static CoordinatorOptions options(uint64_t memory_max) {
        CoordinatorOptions options;
        options.memory_max = memory_max;
        options.task_timeout_us = 60'000'000;
        options.heartbeat_interval_us = 10'000'000;
        return options;
    }
    explicit SlowReader(uint64_t result_size, uint64_t memory_max = 512 * kMiB)
        : WireWorld(options(memory_max)), size(result_size) {
        peer.join_peer("p");
        gamer.join_gamer("gamer");
        gamer.submit(7, "hello", 60'000'000);
        assigned = peer.last(Message::kTaskAssign);
        gamer.connection().pause_reading(true);
        peer.answer_first(assigned, {0, size}, {}, {});
    }
    // What the peer can send until it is not read from any more.
    void send_what_is_read() {
        while (sent < size && !peer.far().is_paused()) {
            const uint64_t chunk = std::min<uint64_t>(200'000, size - sent);
            sent += chunk;
            peer.chunk(Message::kTaskResult, assigned.id, {}, text(chunk), sent == size);
        }
    }
};

}  // namespace

TEST_CASE("relay: a slow reader gets 64 MiB where memory has room for little of it") {
    SlowReader world(64 * kMiB, 6 * kMiB);
    uint64_t got = 0;
    for (int round = 0; round < 100 && world.sent < world.size; ++round) {
        world.send_what_is_read();
        CHECK(world.coordinator->stats().payload_bytes_held < 6 * kMiB);
        world.loop.advance(500'000);  // reads nothing for a while
        world.gamer.connection().pause_reading(false);
        world.loop.settle();
        world.gamer.connection().pause_reading(true);
    }
    world.gamer.connection().pause_reading(false);
    world.loop.settle();
    for (const WireEnd::Got& one : world.gamer.all(Message::kResultDelivery)) {
        got += one.data.size();
    }
    CHECK(got == world.size);
    CHECK_FALSE(world.gamer.last(Message::kResultDelivery).more());
    CHECK_FALSE(world.gamer.closed());
    CHECK_FALSE(world.peer.far().is_paused());
    CHECK(world.coordinator->stats().payload_bytes_held == 0);
}

TEST_CASE("relay: a gamer that does not read is closed after 5 s and costs no peer") {
    // Others have their answers meanwhile.
    SlowReader world(64 * kMiB);
    WireEnd other = world.end();
    other.join_gamer("other");
    world.send_what_is_read();
    CHECK(world.sent == world.size);
    CHECK(world.coordinator->stats().payload_bytes_held > 60 * kMiB);
    world.loop.advance(4'900'000);
    CHECK_FALSE(world.gamer.closed());
    other.submit(1, "hello");
    world.peer.answer(world.peer.last(Message::kTaskAssign), "hello");
    CHECK(other.last(Message::kResultDelivery).data == "hello");
    world.loop.advance(1'000'000);
    CHECK(world.gamer.closed());
    CHECK_FALSE(world.peer.closed());
    CHECK_FALSE(world.peer.far().is_paused());
    CHECK(world.coordinator->stats().payload_bytes_held < kMiB);
}

TEST_CASE("relay: a gamer for which more than 72 MiB wait is closed") {
    SlowReader world(64 * kMiB);
    WireEnd second = world.end();
    second.join_peer("q", 64);
    world.gamer.connection().pause_reading(false);
    for (uint64_t id = 8; id < 48; ++id) world.gamer.submit(id, "more", 60'000'000);
    world.gamer.connection().pause_reading(true);
    world.send_what_is_read();
    const std::string more = text(250'000);
    uint64_t waits = world.size;
    for (const WireEnd::Got& order : second.all(Message::kTaskAssign)) {
        if (world.gamer.closed()) break;
        second.answer(order, more);
        waits += more.size();
        CHECK(world.coordinator->stats().payload_bytes_held < 73 * kMiB);
    }
    CHECK(waits > 72 * kMiB);
    CHECK(world.gamer.closed());
    CHECK_FALSE(second.far().is_paused());
}

TEST_CASE("relay: a gamer that reads a little now and then is closed") {
    SlowReader world(64 * kMiB);
    world.send_what_is_read();
    for (int i = 0; i < 20 && !world.gamer.closed(); ++i) {
        world.loop.advance(1'000'000);
        // One frame a second; of the many small ones that may be, not of these.
        if (i % 6 == 5) world.gamer.connection().take_one();
    }
    CHECK(world.gamer.closed());
    CHECK_FALSE(world.peer.far().is_paused());
}
