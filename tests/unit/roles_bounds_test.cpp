// What contents and shared answers may hold at most, and what nobody has to wait for because of
// them.
#include <doctest/doctest.h>

#include "model/patches.h"
#include "roles/content_inbox.h"
#include "roles/peer_contents.h"
#include "roles_guarded.h"
#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

struct Level {
    std::string bytes;
    Digest256 digest;

    explicit Level(size_t size, char fill = 'l') : bytes(size, fill) {
        digest = sha256({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    }
    [[nodiscard]] wire::TaskSubmit task(uint64_t deadline_us = 4'000'000) const {
        wire::TaskSubmit message;
        message.task_type = "echo";
        message.deadline_us = deadline_us;
        message.payload_place = 1;
        message.digest = digest_text(digest);
        return message;
    }
    void put(WireEnd& end, uint64_t id) const {
        end.send(Message::kContentPut, kContentIdBit | id,
                 wire::ContentPut{digest_text(digest), std::nullopt}, {}, bytes);
    }
    // The first `first` bytes of it.
    void begin(WireEnd& end, uint64_t id, size_t first) const {
        end.send(Message::kContentPut, kContentIdBit | id,
                 wire::ContentPut{digest_text(digest), wire::PayloadSizes{0, bytes.size()}}, {},
                 std::string_view(bytes).substr(0, first), wire::kFlagMore);
    }
};

wire::PeerRegister keeper(uint64_t content_bytes, uint32_t tasks = 2) {
    wire::PeerRegister message;
    message.peer_id = "p";
    message.capabilities.task_types = {"echo"};
    message.slots = message.window_tasks = tasks;
    message.window_bytes = 256u << 20;
    message.content_bytes = content_bytes;
    return message;
}

struct Told {
    uint64_t id;
    Status status;
    std::string field;
    std::string error;
};
Told told(const WireEnd& gamer) {
    const WireEnd::Got got = gamer.last(Message::kResultDelivery);
    const auto message = got.as<wire::ResultDelivery>();
    return {got.id, message.status, std::string(message.field), std::string(message.error)};
}

// The task that this peer was given last has taken it a millisecond.
void answer_last(WireWorld& world, WireEnd& peer, std::string_view data) {
    world.loop.advance(1'000);
    const WireEnd::Got order = peer.last(Message::kTaskAssign);
    wire::TaskResult result;
    result.attempt = order.as<wire::TaskAssign>().attempt;
    result.processing_us = 1'000;
    peer.send(Message::kTaskResult, order.id, result, {}, data);
}

}  // namespace

// ---- at the coordinator ------------------------------------------------------------------------

TEST_CASE("bounds: what one gamer's tasks use leaves the others their half of the contents") {
    CoordinatorOptions options;
    options.content_bytes_max = 400'000;
    WireWorld world(options);
    WireEnd peer = world.end();
    peer.join_peer(keeper(1 << 20, 8));
    WireEnd ada = world.end();
    WireEnd bob = world.end();
    ada.join_gamer("ada");
    bob.join_gamer("bob");
    for (uint64_t i = 1; i <= 5; ++i) {
        const Level level(90'000, static_cast<char>('a' + i));
        ada.send(Message::kTaskSubmit, i, level.task());
        level.put(ada, i);
    }
    // Two are in use, and there is no room for a third of hers before one of these has ended.
    CHECK(peer.count(Message::kTaskAssign) == 2);
    CHECK(ada.count(Message::kResultDelivery) == 3);
    CHECK(told(ada).status == Status::kBusy);
    CHECK(told(ada).field == "content");
    CHECK(world.coordinator->stats().content_bytes == 180'000);
    const Level of_bob(190'000, 'z');
    bob.send(Message::kTaskSubmit, 1, of_bob.task());
    of_bob.put(bob, 1);
    CHECK(peer.count(Message::kTaskAssign) == 3);
}

TEST_CASE("bounds: contents count in the memory that all may use, in one frame or in chunks") {
    CoordinatorOptions options;
    options.memory_max = 1'000'000;
    WireWorld world(options);
    WireEnd peer = world.end();
    peer.join_peer(keeper(1 << 20, 64));
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    for (uint64_t id = 1; id <= 3; ++id) gamer.submit(id, std::string(240'000, 'x'));
    REQUIRE(world.coordinator->stats().payload_bytes_held > 700'000);
    const Level level(200'000);
    level.put(gamer, 1);
    CHECK(world.coordinator->stats().content_bytes == 0);
    level.begin(gamer, 2, 1'000);
    CHECK(world.coordinator->stats().payload_bytes_held < 800'000);
    const WireEnd::Got order = peer.last(Message::kTaskAssign);
    peer.answer(order, "done");
    level.put(gamer, 3);
    CHECK(world.coordinator->stats().content_bytes == 200'000);
}

TEST_CASE("bounds: contents that hardly come are given up, with the tasks that wait for them") {
    WireWorld world;
    WireEnd peer = world.end();
    peer.join_peer(keeper(1 << 20));
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    const Level slow(400'000, 's');
    const Level quick(400'000, 'q');
    slow.begin(gamer, 1, 1'000);
    quick.begin(gamer, 2, 1'000);
    CHECK(world.coordinator->stats().payload_bytes_held == 800'000);
    bool is_refused = false;
    for (uint64_t second = 1; second <= 20 && !is_refused; ++second) {
        gamer.send(Message::kTaskSubmit, second, slow.task());
        gamer.send(Message::kHeartbeat, 0, wire::Heartbeat{});
        gamer.chunk(Message::kContentPut, kContentIdBit | 1, {}, "s", false);
        gamer.chunk(Message::kContentPut, kContentIdBit | 2, {}, std::string(18'000, 'q'), false);
        world.loop.advance(1'000'000);
        for (const WireEnd::Got& got : gamer.all(Message::kResultDelivery)) {
            const auto message = got.as<wire::ResultDelivery>();
            is_refused = is_refused || message.status == Status::kTimeout;
        }
    }
    CHECK(is_refused);
    CHECK(told(gamer).error.find("16 KiB a second") != std::string::npos);
    CHECK(world.coordinator->stats().payload_bytes_held == 400'000);
    CHECK_FALSE(gamer.closed());
    // The other one comes to its end.
    const size_t have = 1'000 + 18'000 * gamer.all(Message::kResultDelivery).size();
    CHECK(have > 0);
    gamer.send(Message::kTaskSubmit, 100, slow.task());
    CHECK(gamer.count(Message::kContentWant) >= 1);  // and this one is asked for again
    CHECK(gamer.last(Message::kContentWant).id == 100);
}

TEST_CASE("bounds: of one gamer 64 MiB of contents may be on their way") {
    ContentInbox inbox{ContentInbox::Limits{8, 1'000}};
    const auto begin = [&](uint64_t id, uint64_t size) {
        wire::EnvelopeBuffer envelope;
        const Level level(1, static_cast<char>('a' + id));
        wire::encode(wire::ContentPut{digest_text(level.digest), wire::PayloadSizes{0, size}},
                     envelope);
        wire::Frame frame;
        frame.message = Message::kContentPut;
        frame.flags = wire::kFlagMore;
        frame.id = id;
        frame.envelope = envelope.span();
        return inbox.take(frame, 10'000).state;
    };
    using State = ContentInbox::State;
    CHECK(begin(1, 2'000) == State::kMore);  // alone it may be of any size
    CHECK(begin(2, 1) == State::kRefused);
    inbox.refuse(1);
    for (uint64_t id = 1; id <= 4; ++id) CHECK(begin(id, 250) == State::kMore);
    CHECK(begin(5, 1) == State::kRefused);
    CHECK(inbox.announced_bytes() == 1'000);
    CHECK(inbox.refuse_slow(1).empty());  // they are new
    CHECK(inbox.refuse_slow(1).size() == 4);
    CHECK(inbox.is_idle());
    CHECK(inbox.announced_bytes() == 0);
}

TEST_CASE("bounds: changed copies for peers that keep no contents count as their tasks' bytes") {
    CoordinatorOptions options;
    options.gamer_window_bytes = 2'000'000;
    WireWorld world(options);
    WireEnd peer = world.end();
    peer.join_peer(keeper(0, 16));
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    const Level level(200'000);
    level.put(gamer, 1);
    const Patch patch{0, {reinterpret_cast<const uint8_t*>("new"), 3}};
    const std::string delta(pack_patches({&patch, 1}, level.bytes.size(), "patches")->text());
    for (uint64_t task = 1; task <= 16; ++task) {
        gamer.send(Message::kTaskSubmit, task, level.task(), {}, delta);
    }
    const size_t given = peer.count(Message::kTaskAssign);
    CHECK(given >= 8);
    CHECK(given <= 10);
    CHECK(gamer.count(Message::kResultDelivery) == 16 - given);
    CHECK(told(gamer).status == Status::kBusy);
    CHECK(world.coordinator->stats().payload_bytes_held <= 200'000 + 2'000'000 + 20'000);
    for (const WireEnd::Got& order : peer.all(Message::kTaskAssign)) {
        CHECK(order.data.substr(0, 4) == "newl");
        peer.answer(order, "done");
    }
    CHECK(world.coordinator->stats().payload_bytes_held == 200'000);
    // Unchanged ones are no copies.
    for (uint64_t task = 21; task <= 36; ++task) {
        gamer.send(Message::kTaskSubmit, task, level.task());
    }
    CHECK(peer.count(Message::kTaskAssign) == given + 16);
}

TEST_CASE("bounds: a peer gets a content once for each task that it holds") {
    WireWorld world;
    WireEnd peer = world.end();
    peer.join_peer(keeper(1 << 20, 2));
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    const Level level(50'000);
    level.put(gamer, 1);
    gamer.send(Message::kTaskSubmit, 1, level.task());
    gamer.send(Message::kTaskSubmit, 2, level.task());
    const std::vector<WireEnd::Got> orders = peer.all(Message::kTaskAssign);
    REQUIRE(orders.size() == 2);
    for (int i = 0; i < 100; ++i) {
        peer.send(Message::kContentWant, orders[0].id,
                  wire::ContentWant{digest_text(level.digest)});
    }
    CHECK(peer.count(Message::kContentPut) == 1);
    peer.send(Message::kContentWant, orders[1].id, wire::ContentWant{digest_text(level.digest)});
    CHECK(peer.count(Message::kContentPut) == 2);
}

TEST_CASE("bounds: a peer that has to be given the content again has the time for it") {
    WireWorld world;
    WireEnd peer = world.end();
    peer.join_peer(keeper(64 << 20, 1));
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    const Level level(200'000);
    level.put(gamer, 1);
    const auto want = [&](const WireEnd::Got& order) {
        peer.send(Message::kContentWant, order.id, wire::ContentWant{digest_text(level.digest)});
    };
    // It has it and answers at once, so that its next task is waited for no longer than that.
    for (uint64_t task = 1; task <= 20; ++task) {
        gamer.send(Message::kTaskSubmit, task, level.task());
        if (task == 1) {
            // 1 MB/s, as its line shows.
            want(peer.last(Message::kTaskAssign));
            world.loop.advance(199'000);
        }
        world.loop.advance(1'000);
        peer.answer(peer.last(Message::kTaskAssign), "done");
    }
    WireEnd second = world.end();
    wire::PeerRegister other = keeper(64 << 20, 1);
    other.peer_id = "second";
    gamer.send(Message::kTaskSubmit, 30, level.task());
    REQUIRE(peer.count(Message::kTaskAssign) == 21);
    second.join_peer(other);
    SUBCASE("it still has it, and is silent") {
        world.loop.advance(1'500'000);
        CHECK(second.count(Message::kTaskAssign) == 1);
    }
    SUBCASE("it has lost it") {
        want(peer.last(Message::kTaskAssign));
        CHECK(peer.count(Message::kContentPut) == 2);
        world.loop.advance(100'000);
        CHECK(second.count(Message::kTaskAssign) == 0);
        peer.answer(peer.last(Message::kTaskAssign), "done");
        CHECK(told(gamer).status == Status::kOk);
    }
}

TEST_CASE("bounds: answers give way before any task does") {
    CoordinatorOptions options;
    options.memory_max = 1'000'000;
    options.answer_bytes_max = 120'000;
    WireWorld world(options);
    WireEnd peer = world.end();
    peer.join_peer("p", 8);
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    for (uint64_t task = 1; task <= 5; ++task) {
        gamer.submit(task, "question " + std::to_string(task));
        answer_last(world, peer, std::string(20'000, 'a'));
    }
    REQUIRE(world.coordinator->stats().answer_bytes > 60'000);
    for (uint64_t id = 11; id <= 13; ++id) {
        gamer.submit(id, std::string(240'000, static_cast<char>('a' + id)));
    }
    CHECK(gamer.count(Message::kResultDelivery) == 5);
    gamer.submit(14, std::string(70'000, 'z'));
    CHECK(gamer.count(Message::kResultDelivery) == 5);
    CHECK(world.coordinator->stats().answer_bytes < 20'000);
}

// ---- whom nobody waits for ---------------------------------------------------------------------

TEST_CASE("bounds: a task that is due before the one that asked first does not follow it") {
    WireWorld world;
    WireEnd peer = world.end();
    peer.join_peer("p", 1);
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    const auto answer = [&](std::string_view data) { answer_last(world, peer, data); };
    gamer.submit(1, "warm up");
    answer("warm");
    gamer.submit(2, "in its way");
    gamer.submit(3, "question", 4'000'000);
    gamer.submit(4, "question", 1'000'000);
    gamer.submit(5, "question", 4'500'000);
    answer("done");
    // The urgent one is computed first, and for itself; the third follows the first.
    answer("urgent");
    CHECK(gamer.last(Message::kResultDelivery).id == 4);
    CHECK(gamer.last(Message::kResultDelivery).data == "urgent");
    answer("later");
    CHECK(gamer.last(Message::kResultDelivery).id == 5);
    CHECK(gamer.count(Message::kResultDelivery) == 5);
    CHECK(peer.count(Message::kTaskAssign) == 4);
}

TEST_CASE("bounds: answers of a machine that is not trusted any more are computed anew") {
    Guarded world;
    const auto peer_of = [&](const std::string& name) {
        auto node = std::make_unique<FakeRunner>(world.loop, std::vector<std::string>{"echo"});
        node->takes_us = 1'000;
        node->behave = [name](const exec::JobSpec&) {
            exec::Output output;
            output.status = Status::kOk;
            output.processing_us = 1'000;
            return output;
        };
        return node;
    };
    const auto runner = peer_of("cheat");
    Quiet quiet;
    PeerOptions options;
    options.peer_id = "cheat";
    options.coordinator.host = "fake";
    options.coordinator.credentials = world.enrolled("cheat", kPeer, "eve");
    Peer cheat(world.loop, world.network, *runner, world.random, Prng(2), Log(), options, quiet);
    cheat.start();
    world.loop.settle();
    GamerNode anna(world, world.enrolled("anna", kGamer, "anna"), "anna");
    TaskSpec question;
    question.task_type = "echo";
    for (uint64_t task = 1; task <= 3; ++task) {
        anna.client->submit(task, question);
        world.loop.advance(10'000);
        REQUIRE(anna.answers.ended[task] == Status::kOk);
    }
    // The first one has shown that they are worth looking up.
    CHECK(runner->started == 2);
    CHECK(world.coordinator->stats().answer_hits == 1);
    REQUIRE(world.call("key.revoke", R"({"name":"cheat"})").ok());
    CHECK(world.coordinator->stats().answer_bytes == 0);
    anna.client->submit(4, question);
    world.loop.advance(10'000);
    CHECK(anna.answers.ended[4] == Status::kOk);
    CHECK(world.coordinator->stats().answer_hits == 1);
}

TEST_CASE("bounds: who waits for a content with one that has gone away is asked in its place") {
    Guarded world;
    auto account = world.enrolled("anna", kGamer, "anna");
    world.here.takes_us = 1'000;
    Bytes bytes = Bytes::copy(std::string(100'000, 'l'));
    const auto level = std::make_shared<const Content>(Content{sha256(bytes.span()), bytes});
    TaskSpec spec;
    spec.task_type = "echo";
    spec.content = level;
    spec.deadline_us = 4'000'000;
    GamerNode second(world, account, "second");
    {
        GamerNode first(world, account, "first");
        first.client->submit(1, spec);
        // Its connection goes with what was asked of it on the way.
        world.network.made.back()->cut();
    }
    second.client->submit(1, spec);
    world.loop.advance(100'000);
    CHECK(second.answers.ended[1] == Status::kOk);
}

TEST_CASE(
    "bounds: a task for its owner's machines that was held for long is told that none are there") {
    WireWorld world({}, false);
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    const Level level(1'000);
    WireEnd peer = world.end();
    peer.join_peer("p");
    wire::TaskSubmit own = level.task(1'000'000);
    own.circle = Circle::kOwn;
    gamer.send(Message::kTaskSubmit, 1, own);
    REQUIRE(gamer.count(Message::kContentWant) == 1);
    peer.send(Message::kGoodbye, 0, wire::Goodbye{});
    // Its content comes after it would have been asked for.
    world.loop.advance(960'000);
    CHECK(gamer.count(Message::kResultDelivery) == 0);
    level.put(gamer, 1);
    world.loop.advance(5'000);
    REQUIRE(gamer.count(Message::kResultDelivery) == 1);
    CHECK(told(gamer).status == Status::kDisconnected);
    CHECK(told(gamer).error.find("no peer of circle own") != std::string::npos);
}

// ---- at the peer -------------------------------------------------------------------------------

TEST_CASE(
    "bounds: a peer asks for few contents at the same time and for none beside a full store") {
    PeerContents contents(1'000, nullptr);
    std::vector<Level> levels;
    for (char fill = 'a'; fill < 'k'; ++fill) levels.emplace_back(400, fill);
    const auto come = [&](const Level& level, bool is_good = true) {
        wire::EnvelopeBuffer envelope;
        wire::encode(wire::ContentPut{digest_text(level.digest), std::nullopt}, envelope);
        const std::string bytes = is_good ? level.bytes : "forged";
        wire::Frame frame;
        frame.message = Message::kContentPut;
        frame.id = 1;
        frame.envelope = envelope.span();
        frame.data = {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
        contents.take(frame);
        return contents.take_waiting(level.digest);
    };
    for (uint64_t slot = 1; slot <= levels.size(); ++slot) {
        CHECK(contents.use(levels[slot - 1].digest) == 0);
        contents.wait_for(levels[slot - 1].digest, slot);
    }
    contents.wait_for(levels[0].digest, 20);
    for (uint64_t slot = 1; slot <= PeerContents::kAskedMax; ++slot) {
        CHECK(contents.next_asker() == slot);
    }
    CHECK(contents.next_asker() == 0);
    // The one that asked is gone: the other that waits for the same asks in its place.
    contents.leave(levels[0].digest, 1);
    CHECK(contents.next_asker() == 20);
    CHECK(contents.next_asker() == 0);
    contents.leave(levels[0].digest, 20);
    CHECK(contents.next_asker() == 5);
    // One that came wrong, and two that came and are used.
    CHECK(come(levels[1], false) == std::vector<uint64_t>{2});
    CHECK(contents.use(levels[1].digest) == 0);
    CHECK(contents.next_asker() == 6);
    std::vector<uint64_t> used;
    for (size_t i = 2; i < 5; ++i) {
        CHECK(come(levels[i]) == std::vector<uint64_t>{i + 1});
        used.push_back(contents.use(levels[i].digest));
        CHECK(used.back() != 0);
    }
    CHECK(contents.store().bytes_held() == 1'200);
    CHECK(contents.next_asker() == 0);
    contents.let_go(used[0]);
    CHECK(contents.store().bytes_held() == 800);
    CHECK(contents.next_asker() == 7);
    contents.connection_lost();
    CHECK(contents.next_asker() == 0);
}
