// Results that come coded: who asks, who codes what, and what becomes of those that are wrong. Over
// the real roles, with a coder of runs.
#include <doctest/doctest.h>

#include "roles/coding_choice.h"
#include "support/fake_coder.h"
#include "support/role_cluster.h"
#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

constexpr uint64_t kFar = 20'000;  // one way
constexpr uint64_t kNear = 1'000;

std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Half of it runs, so that its coded form is large as well.
std::string layer_of(size_t size) {
    std::string layer(size, 'r');
    Prng prng(9);
    for (size_t i = 0; i < size / 4; ++i) layer[i] = static_cast<char>(prng.next());
    return layer;
}

// Its peer answers each task with `layer` and a map.
struct Coded : Cluster {
    std::string layer;
    PeerNode* node;

    explicit Coded(size_t size, uint64_t lag = kFar, bool checksum = false)
        : layer(layer_of(size)) {
        coder = std::make_shared<FakeCoder>();
        lag_us = lag;
        PeerOptions with;
        with.checksum = checksum;
        node = &add_peer("p", {"echo"}, with);
        node->runner->behave = [this](const exec::JobSpec&) {
            exec::Output output;
            output.status = Status::kOk;
            output.info = Bytes::copy("\x80");
            output.data = Bytes::copy(layer);
            output.processing_us = 1'000;
            return output;
        };
        add_client(true);
    }
    void check_whole(uint64_t task) {
        const TaskResult& got = result(task);
        CHECK(got.status == Status::kOk);
        CHECK(got.info.text() == "\x80");
        CHECK(got.data.text() == layer);
        CHECK(got.source == Source::kPeer);
    }
};

// A gamer and a peer in the test's hands, of a coordinator that computes nothing.
struct Between : WireWorld {
    WireEnd peer = end();
    WireEnd gamer = end();
    Between() {
        peer.join_peer("p", 8);
        gamer.join_gamer("g");
    }
    WireEnd::Got ask(uint64_t id, bool may_be_coded, std::string_view data = "q") {
        wire::TaskSubmit message;
        message.task_type = "echo";
        message.deadline_us = 4'000'000;
        message.task_flags = may_be_coded ? task_flag::kCodedResult : 0;
        gamer.send(Message::kTaskSubmit, id, message, {}, data);
        return peer.last(Message::kTaskAssign);
    }
    static wire::TaskResult coded(const WireEnd::Got& assign) {
        wire::TaskResult message;
        message.attempt = assign.as<wire::TaskAssign>().attempt;
        message.processing_us = 1'000;
        message.coding = Coding::kZstd;
        message.plain_sizes = wire::PayloadSizes{1, 200'000};
        return message;
    }
};

}  // namespace

TEST_CASE("coding: small results and pictures are not coded and others as long as it helps") {
    CodingChoice choice;
    const std::string plain(5'000, 'x');
    CHECK_FALSE(choice.wants("t", CodingChoice::kSizeLeast - 1, bytes_of(plain)));
    CHECK(choice.wants("t", CodingChoice::kSizeLeast, bytes_of(plain)));
    CHECK_FALSE(choice.wants("t", 5'000, bytes_of("\xff\xd8\xff\xe0 a JPEG")));
    CHECK_FALSE(choice.wants("t", 5'000, bytes_of("\x89PNG\r\n")));
    CHECK(choice.wants("t", 5'000, {}));
    choice.learn("t", 5'000, 3'000);
    CHECK(choice.wants("t", 5'000, bytes_of(plain)));
    // It has not helped for a while: one in so many is tried.
    for (int i = 0; i < 20; ++i) choice.learn("t", 5'000, 0);
    uint32_t tries = 0;
    for (uint32_t i = 0; i < 10 * CodingChoice::kTryEvery; ++i) {
        tries += choice.wants("t", 5'000, bytes_of(plain)) ? 1 : 0;
    }
    CHECK(tries == 10);
    // It does again: at once.
    choice.learn("t", 5'000, 1'000);
    CHECK(choice.wants("t", 5'000, bytes_of(plain)));
    CHECK(CodingChoice::size_most(5'000) == 4'500);
    // More types than a table may hold are left alone.
    for (size_t i = 0; i < 2 * CodingChoice::kTypesMost; ++i) {
        const std::string type = "type " + std::to_string(i);
        CHECK(choice.wants(type, 5'000, {}) == (i < CodingChoice::kTypesMost - 1));
    }
}

TEST_CASE("coding: a result comes in fewer bytes over a far line and is the same") {
    for (const size_t size : {size_t{2'000}, size_t{60'000}, size_t{200'000}, size_t{900'000}}) {
        for (const bool checksum : {false, true}) {
            CAPTURE(size);
            CAPTURE(checksum);
            Coded world(size, kFar, checksum);
            const uint64_t before = world.client->stats().bytes_in;
            const uint64_t task = world.submit("q");
            world.loop.advance(1'000'000);
            world.check_whole(task);
            const ClientStats& stats = world.client->stats();
            CHECK(stats.coded == 1);
            CHECK(world.node->peer->stats().coded == 1);
            CHECK(stats.bytes_in - before < size * 3 / 4);
            CHECK(world.result(task).bytes_down < stats.bytes_in - before);
            CHECK(world.result(task).bytes_down > size / 8);
            CHECK(world.node->runner->given == 1);
            // Where it arrives, or on a thread.
            CHECK(world.client_runner.given == (size > 64 * 1024 ? 1 : 0));
            CHECK(world.coordinator->stats().payload_bytes_held == 0);
        }
    }
}

TEST_CASE("coding: over a near line and without a coder at either end all is as it was") {
    Coded near(200'000, kNear);
    uint64_t task = near.submit("q");
    near.loop.advance(1'000'000);
    near.check_whole(task);
    CHECK(near.client->stats().coded == 0);
    CHECK(near.node->runner->given == 0);

    Coded deaf(200'000);
    deaf.client.reset();
    deaf.coder = nullptr;
    deaf.add_client(true);
    task = deaf.submit("q");
    deaf.loop.advance(1'000'000);
    deaf.check_whole(task);
    CHECK(deaf.node->runner->given == 0);

    Coded mute(200'000);
    mute.coder = nullptr;
    mute.peers.clear();
    mute.loop.settle();
    mute.node = &mute.add_peer("old");
    mute.node->runner->behave = [&](const exec::JobSpec&) {
        exec::Output output;
        output.status = Status::kOk;
        output.info = Bytes::copy("\x80");
        output.data = Bytes::copy(mute.layer);
        return output;
    };
    task = mute.submit("q");
    mute.loop.advance(1'000'000);
    mute.check_whole(task);
    CHECK(mute.client->stats().coded == 0);
}

TEST_CASE("coding: what does not get smaller goes as it is") {
    Coded world(50'000);
    Prng prng(4);
    for (char& byte : world.layer) byte = static_cast<char>(prng.next());
    for (int i = 0; i < 20; ++i) {
        const uint64_t task = world.submit("q" + std::to_string(i));
        world.loop.advance(200'000);
        world.check_whole(task);
    }
    CHECK(world.client->stats().coded == 0);
    CHECK(world.node->runner->given == 2);  // the first, and one in 16
}

TEST_CASE("coding: a runner without room for it leaves the result as it is or decodes it here") {
    Coded world(200'000);
    world.node->runner->refuses_given = true;
    uint64_t task = world.submit("q");
    world.loop.advance(1'000'000);
    world.check_whole(task);
    CHECK(world.client->stats().coded == 0);
    CHECK(world.node->peer->stats().running == 0);
    world.node->runner->refuses_given = false;
    world.client_runner.refuses_given = true;
    task = world.submit("r");
    world.loop.advance(1'000'000);
    world.check_whole(task);
    CHECK(world.client->stats().coded == 1);
    CHECK(world.client_runner.given == 1);
    world.client_runner.refuses_given = false;
    world.node->runner->inside = world.client_runner.inside = true;
    task = world.submit("s");
    world.loop.advance(1'000'000);
    world.check_whole(task);
    CHECK(world.client->stats().coded == 2);
}

TEST_CASE("coding: a task that is cancelled while its result is coded frees its slot") {
    Coded world(200'000);
    world.node->runner->takes_us = 50'000;
    const uint64_t task = world.submit("q");
    world.loop.advance(kFar + 60'000);  // computed, and being coded
    REQUIRE(world.node->runner->given == 1);
    CHECK(world.node->peer->stats().running == 1);
    world.client->cancel(task);
    world.loop.advance(200'000);
    CHECK(world.result(task).status == Status::kCancelled);
    CHECK(world.node->peer->stats().running == 0);
    // The same when the connection goes: the task is placed again.
    const uint64_t again = world.submit("r");
    world.loop.advance(kFar + 60'000);
    REQUIRE(world.node->runner->given == 2);
    world.node->transport->made.back()->cut();
    world.loop.advance(2'000'000);
    world.check_whole(again);
    CHECK(world.node->peer->stats().running == 0);
    CHECK(world.coordinator->stats().pending_tasks == 0);
}

TEST_CASE("coding: what ends while its result is decoded ends once") {
    Coded world(200'000);
    world.client_runner.takes_us = 300'000;
    const auto begin = [&] {
        const uint64_t task = world.submit("q" + std::to_string(world.next_task), 400'000);
        world.loop.advance(2 * kFar + 20'000);
        REQUIRE(world.client_runner.running() == 1);
        return task;
    };
    const uint64_t cancelled = begin();
    world.client->cancel(cancelled);
    CHECK(world.result(cancelled).status == Status::kCancelled);
    world.loop.advance(1'000'000);
    // Without a connection the answer is here all the same.
    const uint64_t lost = begin();
    world.network.made.back()->cut();
    world.loop.advance(400'000);
    world.check_whole(lost);
    world.loop.advance(3'000'000);
    REQUIRE(world.client->stats().connected);
    world.client_runner.takes_us = 900'000;
    const uint64_t late = begin();
    world.loop.advance(2'000'000);
    CHECK(world.result(late).status == Status::kDeadline);
    const uint64_t closed = begin();
    world.client->close();
    CHECK(world.result(closed).status == Status::kClosed);
    world.client.reset();
    world.loop.advance(2'000'000);
    for (const auto& [task, times] : world.answers.times) CHECK(times == 1);
}

TEST_CASE("coding: a coded result of another size than it says is computed here") {
    for (const size_t size : {size_t{40'000}, size_t{200'000}}) {
        CAPTURE(size);
        Cluster world;
        world.coder = std::make_shared<FakeCoder>();
        world.lag_us = kFar;
        WireEnd peer(world.loop, *world.coordinator);
        peer.join_peer("p");
        world.add_client(true);
        const uint64_t task = world.submit("q");
        world.loop.advance(kFar);
        wire::TaskResult message;
        message.attempt = peer.last(Message::kTaskAssign).as<wire::TaskAssign>().attempt;
        message.coding = Coding::kZstd;
        message.plain_sizes = wire::PayloadSizes{1, size};
        peer.send(Message::kTaskResult, peer.last(Message::kTaskAssign).id, message, {},
                  "RUNS\x05x");
        world.loop.advance(200'000);
        CHECK(world.result(task).status == Status::kOk);
        CHECK(world.result(task).data.text() == "q");
        CHECK(world.result(task).source == Source::kLocal);
        CHECK(world.client->stats().connected);
        CHECK(world.client->stats().reconnects == 0);
    }
}

TEST_CASE("coding: the coordinator passes on who asks and how the bytes are coded and no more") {
    Between world;
    CHECK(world.ask(1, false).as<wire::TaskAssign>().task_flags == 0);
    const WireEnd::Got order = world.ask(2, true);
    CHECK(order.as<wire::TaskAssign>().task_flags == task_flag::kCodedResult);
    world.peer.send(Message::kTaskResult, order.id, Between::coded(order), {}, "coded bytes");
    const WireEnd::Got told = world.gamer.last(Message::kResultDelivery);
    const auto delivery = told.as<wire::ResultDelivery>();
    CHECK(told.data == "coded bytes");
    CHECK(told.params.empty());
    CHECK(delivery.coding == Coding::kZstd);
    REQUIRE(delivery.plain_sizes);
    CHECK(delivery.plain_sizes->params_size == 1);
    CHECK(delivery.plain_sizes->data_size == 200'000);
    // In chunks as well.
    const WireEnd::Got large = world.ask(3, true);
    wire::TaskResult message = Between::coded(large);
    message.sizes = wire::PayloadSizes{0, 6};
    world.peer.send(Message::kTaskResult, large.id, message, {}, "one", wire::kFlagMore);
    world.peer.chunk(Message::kTaskResult, large.id, {}, "two", true);
    const WireEnd::Got first = world.gamer.all(Message::kResultDelivery)[1];
    CHECK(first.as<wire::ResultDelivery>().coding == Coding::kZstd);
    CHECK(world.gamer.last(Message::kResultDelivery).data == "two");
}

TEST_CASE(
    "coding: a coded result that is malformed or was not asked for ends its peer's connection") {
    const auto ends = [](bool asked, auto change, std::string_view params, const char* why) {
        CAPTURE(why);
        Between world;
        const WireEnd::Got order = world.ask(1, asked);
        wire::TaskResult message = Between::coded(order);
        change(message);
        world.peer.send(Message::kTaskResult, order.id, message, params, "coded",
                        message.sizes ? wire::kFlagMore : 0);
        CHECK(world.peer.last(Message::kGoodbye).template as<wire::Goodbye>().error == why);
        CHECK_FALSE(world.gamer.closed());
    };
    const auto nothing = [](wire::TaskResult&) {};
    ends(false, nothing, {}, "a coded result that nobody asked for");
    ends(
        true, [](wire::TaskResult& m) { m.plain_sizes.reset(); }, {},
        "a coded result without plain_sizes");
    ends(true, nothing, "\x80", "a coded result with params");
    ends(
        true,
        [](wire::TaskResult& m) {
            m.sizes = wire::PayloadSizes{1, 100};
        },
        {}, "a coded result with params");
    ends(
        true, [](wire::TaskResult& m) { m.plain_sizes->data_size = 64u << 20; }, {},
        "a coded result of more than 64 MiB");
    ends(
        true, [](wire::TaskResult& m) { m.plain_sizes->params_size = uint64_t{1} << 52; }, {},
        "a coded result of more than 64 MiB");
}

TEST_CASE("coding: equal tasks share a coded answer among those that can read it") {
    Between world;
    const auto answer = [&](const WireEnd::Got& order, bool is_coded) {
        world.loop.advance(1'000);
        wire::TaskResult message = Between::coded(order);
        if (!is_coded) {
            message.coding = Coding::kNone;
            message.plain_sizes.reset();
        }
        world.peer.send(Message::kTaskResult, order.id, message, {}, is_coded ? "coded" : "plain");
    };
    answer(world.ask(1, false, "warm up"), false);
    const WireEnd::Got order = world.ask(2, true);
    world.ask(3, true);  // follows it
    CHECK(world.peer.count(Message::kTaskAssign) == 2);
    world.ask(4, false);  // could not read it
    CHECK(world.peer.count(Message::kTaskAssign) == 3);
    answer(order, true);
    world.ask(5, true);  // known by now
    CHECK(world.peer.count(Message::kTaskAssign) == 3);
    for (const uint64_t id : {uint64_t{3}, uint64_t{5}}) {
        for (const WireEnd::Got& told : world.gamer.all(Message::kResultDelivery)) {
            if (told.id != id) continue;
            CHECK(told.data == "coded");
            CHECK(told.as<wire::ResultDelivery>().coding == Coding::kZstd);
            CHECK(told.as<wire::ResultDelivery>().plain_sizes->data_size == 200'000);
            CHECK(told.as<wire::ResultDelivery>().source == Source::kCache);
        }
    }
    CHECK(world.gamer.count(Message::kResultDelivery) == 4);
    answer(world.peer.last(Message::kTaskAssign), false);
    CHECK(world.gamer.last(Message::kResultDelivery).data == "plain");
    CHECK(world.gamer.last(Message::kResultDelivery).as<wire::ResultDelivery>().coding ==
          Coding::kNone);
}
