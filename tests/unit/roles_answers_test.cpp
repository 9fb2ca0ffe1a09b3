// Equal tasks through all roles: computed once, told to each that asked, and to nobody else.
#include <doctest/doctest.h>

#include "roles/content_inbox.h"
#include "support/role_cluster.h"
#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

// A peer whose tasks take a millisecond, so that looking them up is worth it.
PeerNode& add_slow_peer(Cluster& cluster, const std::string& id = "p") {
    PeerNode& node = cluster.add_peer(id);
    node.runner->takes_us = 1'000;
    node.runner->behave = [](const exec::JobSpec& spec) {
        exec::Output output;
        output.status = spec.data.text() == "bad" ? Status::kParams : Status::kOk;
        if (output.status != Status::kOk) output.error = "bad data";
        output.info = spec.params.owned();
        output.data = spec.data.owned();
        output.processing_us = 1'000;
        return output;
    };
    return node;
}

void warm_up(Cluster& cluster) {
    cluster.submit("warm up");
    cluster.loop.advance(10'000);
}

void check(Cluster& cluster, uint64_t task, std::string_view data, Source source) {
    const TaskResult& result = cluster.result(task);
    CHECK(result.status == Status::kOk);
    CHECK(result.data.text() == data);
    CHECK(result.source == source);
}

wire::ResultDelivery delivery(const WireEnd& gamer) {
    return gamer.last(Message::kResultDelivery).as<wire::ResultDelivery>();
}

// A coordinator whose type "echo" is known to take 1 ms, and a peer in the test's hands.
struct Asked : WireWorld {
    WireEnd peer = end();
    WireEnd ada = end();

    explicit Asked(CoordinatorOptions options = {}) : WireWorld(std::move(options)) {
        peer.join_peer("p", 8);
        ada.join_gamer("ada");
        ada.submit(1, "warm up");
        answer(peer.last(Message::kTaskAssign), "warm");
        peer.got.clear();
        ada.got.clear();
    }
    void answer(const WireEnd::Got& order, std::string_view data) {
        loop.advance(1'000);
        wire::TaskResult message;
        message.attempt = order.as<wire::TaskAssign>().attempt;
        message.processing_us = 1'000;
        peer.send(Message::kTaskResult, order.id, message, {}, data);
    }
    [[nodiscard]] size_t orders() const { return peer.count(Message::kTaskAssign); }
};

}  // namespace

TEST_CASE("answers: equal tasks in flight are computed once and each is told") {
    for (const size_t size : {size_t{0}, size_t{100}, size_t{10'000}}) {
        CAPTURE(size);
        Cluster cluster;
        PeerNode& node = add_slow_peer(cluster);
        cluster.add_client();
        warm_up(cluster);
        const uint64_t before = node.runner->started;
        const std::string question(size, 'q');
        std::vector<uint64_t> tasks;
        for (int i = 0; i < 10; ++i) tasks.push_back(cluster.submit(question));
        const uint64_t other = cluster.submit("another");
        cluster.loop.advance(10'000);
        check(cluster, tasks[0], question, Source::kPeer);
        for (int i = 1; i < 10; ++i) check(cluster, tasks[i], question, Source::kCache);
        check(cluster, other, "another", Source::kPeer);
        CHECK(node.runner->started - before == 2);
        const uint64_t later = cluster.submit(question);
        cluster.loop.settle();
        check(cluster, later, question, Source::kCache);
        CHECK(cluster.coordinator->stats().answers_followed == 9);
        CHECK(cluster.coordinator->stats().answer_hits == 1);
        CHECK(cluster.coordinator->stats().pending_tasks == 0);
        CHECK(cluster.coordinator->stats().payload_bytes_held == 0);
    }
}

TEST_CASE("answers: one in chunks is shared whole") {
    Cluster cluster;
    PeerNode& node = add_slow_peer(cluster);
    const std::string large(900'000, 'r');
    node.runner->behave = [&](const exec::JobSpec&) {
        exec::Output output;
        output.status = Status::kOk;
        output.info = Bytes::copy("\x80");
        output.data = Bytes::copy(large);
        output.processing_us = 1'000;
        return output;
    };
    cluster.add_client();
    warm_up(cluster);
    std::vector<uint64_t> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(cluster.submit("question"));
    cluster.loop.advance(10'000);
    tasks.push_back(cluster.submit("question"));
    cluster.loop.settle();
    for (size_t i = 0; i < tasks.size(); ++i) {
        check(cluster, tasks[i], large, i == 0 ? Source::kPeer : Source::kCache);
        CHECK(cluster.result(tasks[i]).info.text() == "\x80");
    }
    CHECK(node.runner->started == 2);
}

TEST_CASE("answers: a task of a content is known by its digest") {
    Cluster cluster;
    PeerNode& node = add_slow_peer(cluster);
    cluster.add_client();
    warm_up(cluster);
    const auto make = [](char fill) {
        Bytes bytes = Bytes::copy(std::string(200'000, fill));
        return std::make_shared<const Content>(Content{sha256(bytes.span()), bytes});
    };
    const auto one = make('1');
    const auto two = make('2');
    std::vector<uint64_t> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(cluster.submit(one));
    for (int i = 0; i < 3; ++i) tasks.push_back(cluster.submit(two));
    cluster.loop.advance(10'000);
    for (int i = 0; i < 6; ++i) {
        check(cluster, tasks[i], (i < 3 ? one : two)->bytes.text(),
              i % 3 == 0 ? Source::kPeer : Source::kCache);
    }
    CHECK(node.runner->started == 3);
}

TEST_CASE("answers: types that take no time are computed each time") {
    Cluster cluster;
    PeerNode& node = cluster.add_peer("p");
    cluster.add_client();
    for (int i = 0; i < 3; ++i) {
        cluster.submit("same");
        cluster.submit("same");
        cluster.loop.advance(1'000);
    }
    CHECK(node.runner->started == 6);
    CHECK(cluster.coordinator->stats().answer_bytes == 0);
}

TEST_CASE("answers: a type that is not exact and one that asks for a new answer are computed") {
    struct Row {
        const char* type;
        uint32_t flags;
        uint64_t answer_bytes_max;
    };
    for (const Row& row : {Row{"compression", 0, 1 << 20}, Row{"a host's own", 0, 1 << 20},
                           Row{"echo", task_flag::kNoCache, 1 << 20}, Row{"echo", 0, 0}}) {
        CAPTURE(row.type);
        CoordinatorOptions options;
        options.answer_bytes_max = row.answer_bytes_max;
        Cluster cluster(false, options);
        PeerNode& node = cluster.add_peer("p", {row.type});
        node.runner->takes_us = 1'000;
        node.runner->behave = [](const exec::JobSpec&) {
            exec::Output output;
            output.status = Status::kOk;
            output.processing_us = 1'000;
            return output;
        };
        cluster.add_client();
        for (int i = 0; i < 4; ++i) {
            TaskSpec& spec = cluster.specs[cluster.next_task];
            spec.task_type = row.type;
            spec.flags = row.flags;
            cluster.client->submit(cluster.next_task++, spec);
            cluster.loop.advance(10'000);
        }
        CHECK(node.runner->started == 4);
        CHECK(cluster.coordinator->stats().answer_hits == 0);
    }
}

TEST_CASE("answers: who follows one that fails or is cancelled asks itself") {
    Cluster cluster;
    PeerNode& node = add_slow_peer(cluster);
    cluster.add_client();
    warm_up(cluster);
    const uint64_t first = cluster.submit("question");
    const uint64_t second = cluster.submit("question");
    const uint64_t third = cluster.submit("question");
    cluster.loop.advance(100);
    cluster.client->cancel(first);
    cluster.loop.advance(100);
    cluster.client->cancel(third);
    cluster.loop.advance(10'000);
    CHECK(cluster.result(first).status == Status::kCancelled);
    check(cluster, second, "question", Source::kPeer);
    CHECK(cluster.result(third).status == Status::kCancelled);
    // An error is each one's own.
    const uint64_t started = node.runner->started;
    const uint64_t bad[] = {cluster.submit("bad"), cluster.submit("bad")};
    cluster.loop.advance(20'000);
    for (const uint64_t task : bad) CHECK(cluster.result(task).status == Status::kParams);
    CHECK(node.runner->started - started == 2);
    CHECK(cluster.coordinator->stats().pending_tasks == 0);
}

TEST_CASE("answers: a lost peer's question goes on for all that ask it") {
    Cluster cluster;
    add_slow_peer(cluster, "one");
    cluster.add_client();
    warm_up(cluster);
    std::vector<uint64_t> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(cluster.submit("question"));
    cluster.loop.advance(100);
    add_slow_peer(cluster, "two");
    cluster.peers[0].peer->close();
    cluster.loop.advance(20'000);
    for (const uint64_t task : tasks) {
        check(cluster, task, "question", task == tasks[0] ? Source::kPeer : Source::kCache);
    }
}

TEST_CASE("answers: are never another account's nor another circle's") {
    Asked world;
    WireEnd bob = world.end();
    bob.join_gamer("bob");
    world.ada.submit(2, "secret");
    bob.submit(2, "secret");
    REQUIRE(world.orders() == 2);
    world.answer(world.peer.all(Message::kTaskAssign)[0], "for ada");
    CHECK(world.ada.last(Message::kResultDelivery).data == "for ada");
    CHECK(bob.count(Message::kResultDelivery) == 0);
    bob.submit(3, "secret");
    CHECK(world.orders() == 2);  // it follows bob's own
    world.answer(world.peer.all(Message::kTaskAssign)[1], "for bob");
    CHECK(bob.count(Message::kResultDelivery) == 2);
    CHECK(bob.last(Message::kResultDelivery).data == "for bob");
    world.ada.submit(3, "secret");
    CHECK(world.ada.last(Message::kResultDelivery).data == "for ada");
    CHECK(delivery(world.ada).source == Source::kCache);
    // One for its own machines is another question: no peer of that circle is here.
    wire::TaskSubmit own;
    own.task_type = "echo";
    own.deadline_us = 4'000'000;
    own.circle = Circle::kOwn;
    world.ada.send(Message::kTaskSubmit, 4, own, {}, "secret");
    CHECK(world.ada.last(Message::kResultDelivery).id == 3);
}

TEST_CASE("answers: a follower is one of its account's tasks and takes its turn when it leads") {
    CoordinatorOptions options;
    options.limit_operator = true;
    options.share.in_flight = 1;
    options.share.queued = 2;
    Asked world(options);
    world.ada.submit(2, "question");
    world.ada.submit(3, "question");
    wire::TaskSubmit later;
    later.task_type = "echo";
    later.deadline_us = 4'000'000;
    later.priority = -1;
    world.ada.send(Message::kTaskSubmit, 4, later, {}, "other");
    REQUIRE(world.orders() == 1);
    world.ada.submit(5, "question");
    const WireEnd::Got refused = world.ada.last(Message::kResultDelivery);
    CHECK(refused.as<wire::ResultDelivery>().status == Status::kBusy);
    CHECK(refused.as<wire::ResultDelivery>().field == "gamer_queued_max");
    // It comes before what waited longer and is less urgent, and no two are in flight.
    world.ada.send(Message::kTaskCancel, 2, wire::TaskCancel{});
    REQUIRE(world.orders() == 2);
    CHECK(world.peer.last(Message::kTaskAssign).data == "question");
    world.answer(world.peer.last(Message::kTaskAssign), "the answer");
    CHECK(world.ada.last(Message::kResultDelivery).data == "the answer");
    CHECK(delivery(world.ada).source == Source::kPeer);
    REQUIRE(world.orders() == 3);
    CHECK(world.peer.last(Message::kTaskAssign).data == "other");
    world.answer(world.peer.last(Message::kTaskAssign), "done");
    CHECK(world.coordinator->stats().pending_tasks == 0);
    // All places are free again.
    for (uint64_t id = 6; id <= 8; ++id) world.ada.submit(id, std::to_string(id));
    CHECK(world.ada.last(Message::kResultDelivery).id == 4);
    CHECK(world.orders() == 4);
}

TEST_CASE("answers: who asks more urgently does not wait for who asked first") {
    Asked world;
    world.ada.submit(2, "question");
    wire::TaskSubmit urgent;
    urgent.task_type = "echo";
    urgent.deadline_us = 4'000'000;
    urgent.priority = 1;
    world.ada.send(Message::kTaskSubmit, 3, urgent, {}, "question");
    CHECK(world.orders() == 2);
    world.ada.submit(4, "question");
    CHECK(world.orders() == 2);
}

TEST_CASE("answers: a follower ends at its own deadline and a later task may depend on one") {
    Asked world;
    world.ada.submit(2, "question");
    world.ada.submit(3, "question", 10'000);
    world.loop.advance(20'000);
    CHECK(world.ada.count(Message::kTaskTimeout) == 1);
    CHECK(world.ada.last(Message::kTaskTimeout).id == 3);
    world.answer(world.peer.last(Message::kTaskAssign), "answer");
    CHECK(world.ada.count(Message::kResultDelivery) == 1);
    world.ada.submit(4, "question");
    CHECK(delivery(world.ada).source == Source::kCache);
    wire::TaskSubmit later;
    later.task_type = "echo";
    later.deadline_us = 4'000'000;
    later.depends_on = {4};
    world.ada.send(Message::kTaskSubmit, 5, later, {}, "later");
    CHECK(world.orders() == 2);
}

TEST_CASE("answers: are bounded in bytes and end with their gamer") {
    CoordinatorOptions options;
    options.answer_bytes_max = 10'000;
    Asked world(options);
    for (uint64_t task = 2; task < 40; ++task) {
        world.ada.submit(task, "question " + std::to_string(task));
        world.answer(world.peer.last(Message::kTaskAssign), std::string(1'000, 'a'));
        CHECK(world.coordinator->stats().answer_bytes <= 10'000);
    }
    CHECK(world.coordinator->stats().answer_bytes > 5'000);
    world.ada.send(Message::kGoodbye, 0, wire::Goodbye{});
    CHECK(world.coordinator->stats().answer_bytes == 0);
}
