// What one account may ask of a coordinator, who gives way while memory is short, and who is too
// slow to be kept: the real role on a fake clock.
#include <doctest/doctest.h>

#include "roles/content_inbox.h"
#include "roles/shares.h"
#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

CoordinatorOptions limited(uint32_t in_flight, uint32_t queued, uint64_t tasks_per_second = 0,
                           uint64_t bytes_per_second = 0) {
    CoordinatorOptions options;
    options.limit_operator = true;
    options.share.in_flight = in_flight;
    options.share.queued = queued;
    options.share.tasks = {tasks_per_second, tasks_per_second};
    options.share.bytes = {bytes_per_second, bytes_per_second};
    options.local_execution = false;
    return options;
}

wire::ResultDelivery last_of(const WireEnd& gamer, WireEnd::Got& keep) {
    keep = gamer.last(Message::kResultDelivery);
    return keep.as<wire::ResultDelivery>();
}

void submit(WireEnd& gamer, uint64_t id, int priority, std::string_view data) {
    wire::TaskSubmit message;
    message.task_type = "echo";
    message.deadline_us = 4'000'000;
    message.priority = priority;
    gamer.send(Message::kTaskSubmit, id, message, {}, data);
}

// The digest of such bytes, and a frame that brings them, or their beginning.
std::string digest_of_bytes(std::string_view bytes) {
    const Digest256 digest = sha256({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    return std::string(digest_text(digest));
}
void put(WireEnd& gamer, uint64_t id, std::string_view bytes, size_t first = SIZE_MAX) {
    const std::string digest = digest_of_bytes(bytes);
    wire::ContentPut message{digest, std::nullopt};
    const bool more = first < bytes.size();
    if (more) message.sizes = wire::PayloadSizes{0, bytes.size()};
    gamer.send(Message::kContentPut, kContentIdBit | id, message, {}, bytes.substr(0, first),
               more ? wire::kFlagMore : 0);
}
void submit_content(WireEnd& gamer, uint64_t id, std::string_view bytes) {
    const std::string digest = digest_of_bytes(bytes);
    wire::TaskSubmit message;
    message.task_type = "echo";
    message.deadline_us = 4'000'000;
    message.payload_place = 1;
    message.digest = digest;
    gamer.send(Message::kTaskSubmit, id, message);
}

}  // namespace

TEST_CASE("limits: what an account has queued and in flight is bounded, and BUSY says when") {
    WireWorld world(limited(2, 3));
    WireEnd peer = world.end();
    WireEnd gamer = world.end();
    WireEnd other = world.end();
    peer.join_peer("p", 16);
    gamer.join_gamer("gamer");
    other.join_gamer("other");
    for (uint64_t id = 1; id <= 6; ++id) gamer.submit(id, "x");
    // Two at the peer although it takes more, three that wait, and the sixth is refused.
    CHECK(peer.count(Message::kTaskAssign) == 2);
    REQUIRE(gamer.count(Message::kResultDelivery) == 1);
    WireEnd::Got got;
    const wire::ResultDelivery refused = last_of(gamer, got);
    CHECK(got.id == 6);
    CHECK(refused.status == Status::kBusy);
    CHECK(refused.field == "gamer_queued_max");
    CHECK(refused.retry_after_ms > 0);
    CHECK(world.coordinator->stats().refused_share == 1);
    // Nobody else waits for that.
    other.submit(1, "y");
    CHECK(peer.count(Message::kTaskAssign) == 3);
    // One that ends makes room for the next that waits, and in the queue.
    peer.answer(peer.all(Message::kTaskAssign).at(0), "done");
    CHECK(peer.count(Message::kTaskAssign) == 4);
    gamer.submit(7, "x");
    CHECK(gamer.count(Message::kResultDelivery) == 2);
    // All of them come to their end.
    for (size_t i = 1; i < peer.count(Message::kTaskAssign); ++i) {
        peer.answer(peer.all(Message::kTaskAssign).at(i), "done");
    }
    CHECK(gamer.count(Message::kResultDelivery) == 7);
    CHECK(world.coordinator->stats().pending_tasks == 0);
}

TEST_CASE("limits: of what waits the most urgent goes first, and what was cancelled not at all") {
    WireWorld world(limited(1, 10));
    WireEnd peer = world.end();
    WireEnd gamer = world.end();
    peer.join_peer("p", 16);
    gamer.join_gamer("gamer");
    submit(gamer, 1, 0, "first");
    submit(gamer, 2, 0, "low");
    submit(gamer, 3, 5, "high");
    submit(gamer, 4, 9, "cancelled");
    gamer.send(Message::kTaskCancel, 4, wire::TaskCancel{});
    for (size_t i = 0; i < 3; ++i) {
        REQUIRE(peer.count(Message::kTaskAssign) == i + 1);
        peer.answer(peer.all(Message::kTaskAssign).at(i), "done");
    }
    CHECK(peer.all(Message::kTaskAssign).at(1).data == "high");
    CHECK(peer.all(Message::kTaskAssign).at(2).data == "low");
}

TEST_CASE("limits: a task that waits for its turn still ends by its deadline") {
    WireWorld world(limited(1, 10));
    WireEnd peer = world.end();
    WireEnd gamer = world.end();
    peer.join_peer("p", 16);
    gamer.join_gamer("gamer");
    gamer.submit(1, "long", 3'000'000);
    gamer.submit(2, "late", 500'000);
    world.loop.advance(600'000);
    REQUIRE(gamer.count(Message::kTaskTimeout) == 1);
    CHECK(gamer.last(Message::kTaskTimeout).id == 2);
    peer.answer(peer.all(Message::kTaskAssign).at(0), "done");
    gamer.submit(3, "next");
    CHECK(peer.count(Message::kTaskAssign) == 2);
}

TEST_CASE("limits: a task that depends on another takes its turn when that has ended") {
    WireWorld world(limited(1, 10));
    WireEnd peer = world.end();
    WireEnd gamer = world.end();
    peer.join_peer("p", 16);
    gamer.join_gamer("gamer");
    gamer.submit(1, "first");
    wire::TaskSubmit message;
    message.task_type = "echo";
    message.deadline_us = 4'000'000;
    message.depends_on = {1};
    gamer.send(Message::kTaskSubmit, 2, message, {}, "depends");
    gamer.submit(3, "other");
    peer.answer(peer.all(Message::kTaskAssign).at(0), "done");
    REQUIRE(peer.count(Message::kTaskAssign) == 2);
    peer.answer(peer.all(Message::kTaskAssign).at(1), "done");
    REQUIRE(peer.count(Message::kTaskAssign) == 3);
    peer.answer(peer.all(Message::kTaskAssign).at(2), "done");
    CHECK(gamer.count(Message::kResultDelivery) == 3);
}

TEST_CASE("limits: tasks and bytes a second, and cancels cost as much as tasks") {
    WireWorld world(limited(1000, 1000, 10, 100'000));
    WireEnd gamer = world.end();
    WireEnd peer = world.end();
    peer.join_peer("p", 16);
    gamer.join_gamer("gamer");
    WireEnd::Got got;
    for (uint64_t id = 1; id <= 10; ++id) gamer.submit(id, "x");
    CHECK(gamer.count(Message::kResultDelivery) == 0);
    gamer.submit(11, "x");
    wire::ResultDelivery refused = last_of(gamer, got);
    CHECK(refused.status == Status::kBusy);
    CHECK(refused.field == "gamer_tasks_per_s");
    CHECK(refused.retry_after_ms == 101);
    world.loop.advance(refused.retry_after_ms * 1000);
    gamer.submit(12, "x");
    CHECK(gamer.count(Message::kResultDelivery) == 1);
    // A cancel takes what the next task would have had.
    gamer.send(Message::kTaskCancel, 12, wire::TaskCancel{});
    world.loop.advance(100'000);
    gamer.submit(13, "x");
    CHECK(last_of(gamer, got).field == "gamer_tasks_per_s");
    world.loop.advance(1'000'000);
    gamer.submit(14, std::string(90'000, 'b'));
    gamer.submit(15, std::string(90'000, 'b'));
    refused = last_of(gamer, got);
    CHECK(got.id == 15);
    CHECK(refused.field == "gamer_bytes_per_s");
    CHECK(refused.retry_after_ms >= 700);
}

TEST_CASE("limits: a content counts like a task of its size, and one above that does not come in") {
    WireWorld world(limited(1000, 1000, 10, 100'000));
    WireEnd gamer = world.end();
    WireEnd peer = world.end();
    peer.join_peer("p", 16);
    gamer.join_gamer("gamer");
    WireEnd::Got got;
    const std::string level(90'000, 'l');
    const std::string mesh(20'000, 'm');
    put(gamer, 1, level);
    CHECK(world.coordinator->stats().content_bytes == 90'000);
    submit_content(gamer, 1, mesh);
    REQUIRE(gamer.count(Message::kContentWant) == 1);
    put(gamer, 2, mesh);
    const wire::ResultDelivery refused = last_of(gamer, got);
    CHECK(got.id == 1);
    CHECK(refused.status == Status::kBusy);
    CHECK(refused.field == "gamer_bytes_per_s");
    CHECK(refused.retry_after_ms == 101);
    CHECK(world.coordinator->stats().content_bytes == 90'000);
    world.loop.advance(refused.retry_after_ms * 1000);
    submit_content(gamer, 2, mesh);
    put(gamer, 3, mesh);
    REQUIRE(peer.count(Message::kTaskAssign) == 1);
    CHECK(peer.last(Message::kTaskAssign).data == mesh);
    // In chunks: it counts with the first, and what follows one that is refused is not kept.
    const std::string other(50'000, 'o');
    put(gamer, 4, other, 10'000);
    CHECK(world.coordinator->stats().payload_bytes_held < 150'000);
    gamer.chunk(Message::kContentPut, kContentIdBit | 4, {}, other.substr(10'000), true);
    CHECK(world.coordinator->stats().content_bytes == 110'000);
    CHECK_FALSE(gamer.closed());
    // Small ones count as tasks do.
    world.loop.advance(2'000'000);
    for (uint64_t id = 5; id <= 14; ++id) put(gamer, id, std::string(id, 's'));
    submit_content(gamer, 3, level);
    CHECK(last_of(gamer, got).field == "gamer_tasks_per_s");
}

TEST_CASE("limits: a task that waits for its content or for more of itself takes its turn then") {
    WireWorld world(limited(1, 10));
    WireEnd gamer = world.end();
    WireEnd peer = world.end();
    peer.join_peer("p", 16);
    gamer.join_gamer("gamer");
    submit_content(gamer, 1, "level");
    gamer.submit(2, "now");
    REQUIRE(peer.count(Message::kTaskAssign) == 1);
    put(gamer, 1, "level");
    CHECK(peer.count(Message::kTaskAssign) == 1);
    peer.answer(peer.all(Message::kTaskAssign).at(0), "done");
    REQUIRE(peer.count(Message::kTaskAssign) == 2);
    CHECK(peer.last(Message::kTaskAssign).data == "level");
    gamer.submit(3, "next");
    CHECK(peer.count(Message::kTaskAssign) == 2);
    peer.answer(peer.last(Message::kTaskAssign), "done");
    CHECK(peer.count(Message::kTaskAssign) == 3);
}

TEST_CASE("limits: the operator's own machines have none unless it is asked for") {
    CoordinatorOptions options = limited(1, 1, 1, 1);
    options.limit_operator = false;
    WireWorld world(options);
    WireEnd peer = world.end();
    WireEnd gamer = world.end();
    peer.join_peer("p", 64);
    gamer.join_gamer("gamer");
    for (uint64_t id = 1; id <= 50; ++id) gamer.submit(id, "x");
    CHECK(peer.count(Message::kTaskAssign) == 50);
}

TEST_CASE("limits: where anybody comes in, strangers of one network have one account's share") {
    CoordinatorOptions options = limited(1, 1);
    options.limit_operator = false;
    options.plaintext_anywhere = true;
    options.listen_address = "0.0.0.0";
    WireWorld world(options);
    WireEnd peer = world.end();
    peer.join_peer("p", 64);
    const auto send_three = [&](WireEnd& gamer) {
        wire::TaskSubmit message;
        message.task_type = "echo";
        message.circle = Circle::kInvited;
        message.deadline_us = 4'000'000;
        const size_t before = peer.count(Message::kTaskAssign);
        for (uint64_t id = 1; id <= 3; ++id) gamer.send(Message::kTaskSubmit, id, message);
        return peer.count(Message::kTaskAssign) - before;
    };
    const auto come_from = [&](const char* address, const char* id) {
        auto gamer = std::make_unique<WireEnd>(world.loop, world.network.accept);
        gamer->far().pretend(address, "");
        gamer->join_gamer(id);
        return gamer;
    };
    const auto one = come_from("192.0.2.9:7", "one");
    const auto renamed = come_from("192.0.2.9:8", "renamed");
    const auto other = come_from("192.0.2.10:7", "other");
    CHECK(send_three(*one) == 1);
    CHECK(one->count(Message::kResultDelivery) == 1);  // one queued, one refused
    CHECK(send_three(*renamed) == 0);
    CHECK(renamed->count(Message::kResultDelivery) == 3);
    CHECK(send_three(*other) == 1);
    // This machine is the operator's.
    WireEnd near = world.end();
    near.join_gamer("near");
    CHECK(send_three(near) == 3);
}

TEST_CASE("limits: a share goes with the last gamer that has it") {
    Shares shares;
    ShareLimits limits;
    limits.connections = 2;
    Share& first = shares.take("account", limits);
    CHECK(shares.has_place("account", limits));
    CHECK(&shares.take("account", limits) == &first);
    CHECK_FALSE(shares.has_place("account", limits));
    CHECK(shares.has_place("another", limits));
    shares.drop(first);
    CHECK(shares.has_place("account", limits));
    CHECK(shares.size() == 1);
    shares.drop(first);
    CHECK(shares.size() == 0);
}

TEST_CASE("limits: memory at 80 % makes less urgent tasks give way, at 90 % all are refused") {
    CoordinatorOptions options;
    options.local_execution = false;
    options.memory_max = 1'000'000;
    options.gamer_window_bytes = 1ull << 40;
    WireWorld world(options);
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    WireEnd peer = world.end();
    peer.join_peer("p", 1);
    submit(gamer, 1, -9, std::string(100'000, 'a'));  // begun, so it stays
    REQUIRE(peer.count(Message::kTaskAssign) == 1);
    for (uint64_t id = 2; id <= 7; ++id) submit(gamer, id, 0, std::string(100'000, 'a'));
    submit(gamer, 8, -1, std::string(80'000, 'a'));
    CHECK(gamer.count(Message::kResultDelivery) == 0);
    // As urgent as what is there: nothing gives way but the one below it.
    world.loop.advance(20'000);
    submit(gamer, 9, 0, std::string(60'000, 'a'));
    WireEnd::Got got;
    wire::ResultDelivery answer = last_of(gamer, got);
    CHECK(gamer.count(Message::kResultDelivery) == 1);
    CHECK(got.id == 8);
    CHECK(answer.status == Status::kBusy);
    CHECK(answer.field == "memory");
    CHECK(answer.retry_after_ms > 0);
    CHECK(world.coordinator->stats().shed_tasks == 1);
    // Up to 90 % they come in, above they are refused.
    submit(gamer, 10, 0, std::string(100'000, 'a'));
    submit(gamer, 11, 0, std::string(100'000, 'a'));
    answer = last_of(gamer, got);
    CHECK(got.id == 11);
    CHECK(answer.status == Status::kBusy);
    CHECK(answer.field == "memory");
    CHECK(world.coordinator->stats().refused_memory == 1);
    // A more urgent one makes room for itself: the last deadline goes first.
    world.loop.advance(200'000);
    submit(gamer, 12, 1, std::string(100'000, 'a'));
    CHECK(world.coordinator->stats().shed_tasks >= 2);
    CHECK(last_of(gamer, got).field == "memory");
    CHECK(got.id != 12);
    CHECK(got.id != 1);
    CHECK(world.coordinator->stats().payload_bytes_held <= 900'000);
}

TEST_CASE("limits: a content that nobody uses now gives way before any task does") {
    CoordinatorOptions options;
    options.local_execution = false;
    options.memory_max = 1'000'000;
    options.gamer_window_bytes = 1ull << 40;
    WireWorld world(options);
    WireEnd gamer = world.end();
    WireEnd peer = world.end();
    gamer.join_gamer("gamer");
    peer.join_peer("p", 1);
    put(gamer, 1, std::string(200'000, 'c'));
    for (uint64_t id = 1; id <= 5; ++id) submit(gamer, id, -5, std::string(100'000, 'a'));
    CHECK(world.coordinator->stats().content_bytes == 200'000);
    submit(gamer, 6, 0, std::string(100'000, 'a'));
    CHECK(world.coordinator->stats().content_bytes == 0);
    CHECK(world.coordinator->stats().shed_tasks == 0);
    CHECK(gamer.count(Message::kResultDelivery) == 0);
}

TEST_CASE("limits: a frame that has begun comes at 64 KiB a second after two, or its end comes") {
    WireWorld world;
    WireEnd slow = world.end();
    WireEnd steady = world.end();
    WireEnd peer = world.end();
    slow.join_gamer("slow");
    steady.join_gamer("steady");
    peer.join_peer("p");
    const uint64_t begun = world.loop.now_us();
    // One that begins while the clock of the turn is still a little behind is none of the slow.
    WireEnd fresh = world.end();
    fresh.join_gamer("fresh");
    slow.far().begin_frame({100, 200'000, begun});
    peer.far().begin_frame({100, 200'000, begun});
    for (uint64_t ms = 0; ms < 10'000; ms += 100) {
        // As fast as asked for, and a little.
        steady.far().begin_frame({100 + ms * 67, 1'000'000, begun});
        fresh.far().begin_frame({10, 1'000'000, world.loop.now_us() + 600'000});
        for (WireEnd* end : {&slow, &steady, &peer, &fresh}) {
            if (!end->closed()) end->send(Message::kHeartbeat, 0, wire::Heartbeat{});
        }
        world.loop.advance(100'000);
        if (ms == 1'800) {
            CHECK_FALSE(slow.closed());
            CHECK_FALSE(peer.closed());
        }
    }
    CHECK(slow.closed());
    CHECK(peer.closed());
    CHECK_FALSE(steady.closed());
    CHECK_FALSE(fresh.closed());
    CHECK(slow.last(Message::kGoodbye).as<wire::Goodbye>().status == Status::kLimit);
    CHECK(world.coordinator->stats().slow_connections == 2);
}

TEST_CASE("limits: the five hundred and thirteenth that has not registered is closed unheard") {
    WireWorld world;
    std::deque<WireEnd> ends;
    for (uint32_t i = 0; i < limits::kConnectionsUnauthenticatedMax; ++i) {
        ends.emplace_back(world.loop, *world.coordinator);
    }
    world.loop.settle();
    CHECK_FALSE(ends.back().closed());
    WireEnd last = world.end();
    world.loop.settle();
    CHECK(last.closed());
    CHECK(world.coordinator->stats().rejected_connections == 1);
    world.loop.advance(2'100'000);
    for (WireEnd& end : ends) CHECK(end.closed());
}
