// Tasks that are cut: the client makes parts of them, peers compute these, and the client puts them
// together. Over the real roles; each byte of a task takes a microsecond.
#include <doctest/doctest.h>

#include <set>

#include "model/patches.h"
#include "roles/part_plan.h"
#include "roles/part_work.h"
#include "roles_scripted.h"
#include "support/byte_splitter.h"
#include "support/fake_coder.h"
#include "support/role_cluster.h"
#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

std::string text_of(size_t size) {
    std::string text(size, 'a');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
    return text;
}

std::string text_of(std::span<const uint8_t> bytes) {
    return {bytes.begin(), bytes.end()};
}

TaskSpec task_in_parts(const std::string& text, int32_t split) {
    TaskSpec spec;
    spec.task_type = "echo";
    spec.data = Bytes::copy(text);
    spec.deadline_us = 4'000'000;
    spec.splitter = &byte_splitter();
    spec.split = split;
    return spec;
}

struct PartsWorld : Cluster {
    explicit PartsWorld(size_t count, bool local = false, uint64_t takes_us = 1'000) {
        for (size_t i = 0; i < count; ++i) add_worker("p" + std::to_string(i), takes_us);
        client_runner.behave = turn_bytes;
        client_runner.takes_us = takes_us;
        add_client(local);
    }
    FakeRunner& add_worker(const std::string& id, uint64_t takes_us) {
        FakeRunner& runner = *add_peer(id).runner;
        runner.behave = turn_bytes;
        runner.takes_us = takes_us;
        return runner;
    }
    uint64_t ask(const std::string& text, int32_t split) { return ask(task_in_parts(text, split)); }
    uint64_t ask(TaskSpec&& spec) {
        specs[next_task] = std::move(spec);
        client->submit(next_task, specs[next_task]);
        return next_task++;
    }
    const TaskResult& answer(uint64_t task) {
        for (int i = 0; i < 10'000 && answers.times[task] == 0; ++i) loop.advance(1'000);
        return result(task);
    }
    void check_nothing_is_left() {
        loop.advance(100'000);
        CHECK(coordinator->stats().pending_tasks == 0);
        for (const PeerNode& node : peers) CHECK(node.runner->running() == 0);
        CHECK(client_runner.running() == 0);
    }
};

// What the coordinator is asked for.
struct PartsDoor : ScriptedDoor {
    struct Asked {
        uint64_t id;
        std::string task_type;
        int priority;
        Circle circle;
        uint32_t flags;
        uint64_t deadline_us;
        uint64_t price;
        std::string params;
        std::string data;
    };
    std::vector<Asked> asked;
    std::set<uint64_t> cancelled;
    void on_frame(net::Connection&, const wire::Frame& frame) override {
        if (answer(frame)) return;
        if (frame.message == wire::Message::kTaskCancel) cancelled.insert(frame.id);
        if (frame.message != wire::Message::kTaskSubmit || frame.envelope.empty()) return;
        wire::TaskSubmit message;
        REQUIRE(decode(frame.envelope, message) == nullptr);
        asked.push_back({frame.id, std::string(message.task_type), message.priority, message.circle,
                         message.task_flags, message.deadline_us.value_or(0), message.price,
                         text_of(frame.params), text_of(frame.data)});
    }
    void give(uint64_t id, Status status, const std::string& data, const std::string& error = {}) {
        wire::ResultDelivery delivery;
        delivery.status = status;
        delivery.error = error;
        delivery.attempts = 1;
        encode(delivery, envelope);
        const Bytes bytes = Bytes::copy(data);
        connection->send_copy(wire::Message::kResultDelivery, 0, id, envelope.span(), {},
                              bytes.span());
    }
    void tell_peers(uint32_t count) {
        encode(wire::PeerCountUpdate{count, count}, envelope);
        send(wire::Message::kPeerCountUpdate, 0);
    }
};

struct PartsScript {
    FakeLoop loop;
    FakeRandom random{5};
    FakeTransport network{loop};
    FakeRunner runner{loop, {"echo"}};
    ClusterAnswers answers;
    PartsDoor door;
    ClientOptions options;
    std::unique_ptr<Client> client;
    std::map<uint64_t, TaskSpec> specs;

    explicit PartsScript(bool with_runner = false) {
        options.client_id = "gamer";
        options.coordinator.host = "fake";
        network.accept = [this](std::unique_ptr<net::Connection> connection) {
            door.connection = std::move(connection);
            door.connection->set_events(&door);
        };
        runner.behave = turn_bytes;
        client = std::make_unique<Client>(loop, &network, with_runner ? &runner : nullptr, random,
                                          Prng(3), Log(), options, answers);
        client->start();
        loop.settle();
    }
    ~PartsScript() {
        client.reset();
        door.connection.reset();
    }
    void ask(uint64_t id, TaskSpec&& spec) {
        client->submit(id, specs[id] = std::move(spec));
        loop.settle();
    }
    // The peer that has it answers what was asked for as the number `index`.
    void come(size_t index, const std::string& text, uint64_t unit_us = 1) {
        const auto asked = door.asked[index];
        exec::JobSpec job;
        const Bytes params = Bytes::copy(asked.params);
        job.params = params;
        job.data = Bytes::copy(text);
        const exec::Output output = turn_bytes(job);
        wire::ResultDelivery delivery;
        delivery.processing_us = output.data.size() * unit_us;
        delivery.attempts = 1;
        encode(delivery, door.envelope);
        door.connection->send_copy(wire::Message::kResultDelivery, 0, asked.id,
                                   door.envelope.span(), {}, output.data.span());
        loop.settle();
    }
    const TaskResult& result(uint64_t id) {
        REQUIRE(answers.times[id] == 1);
        return answers.ended[id];
    }
};

PartWish auto_wish(uint32_t peers, double unit_us = 0, double handle_us = 0) {
    return {kSplitAuto, peers, unit_us, handle_us};
}

}  // namespace

// ---- how many -----------------------------------------------------------------------------------

TEST_CASE("part plan: a number of parts is kept as far as there are pieces") {
    CHECK(parts_for({4, 0, 0, 0}, 100) == 4);
    CHECK(parts_for({4, 0, 0, 0}, 3) == 3);
    CHECK(parts_for({1, 8, 1e6, 0}, 100) == 1);
    CHECK(stays_whole({1, 8, 0, 0}, 0));
    CHECK_FALSE(stays_whole({2, 0, 0, 0}, 0));
}

TEST_CASE("part plan: small tasks and those of one peer stay whole and large ones have several") {
    CHECK(parts_for(auto_wish(1, 1'000), 1'000) == 1);
    CHECK(parts_for(auto_wish(0, 1'000), 1'000) == 1);
    // A second of work: several for each peer.
    CHECK(parts_for(auto_wish(2, 1'000), 1'000) == 2 * kPartsPerPeer);
    CHECK(parts_for(auto_wish(8, 1'000), 1'000) == 8 * kPartsPerPeer);
    CHECK(parts_for(auto_wish(8, 1'000'000), 5) == 5);
    // Nothing is known.
    CHECK(parts_for(auto_wish(3), 1'000) == 3 * kPartsPerPeer);
    CHECK(parts_for(auto_wish(3), 2) == 2);
    CHECK(parts_for(auto_wish(3), 1) == 1);
    // A part that is not worth its messages.
    CHECK(parts_for(auto_wish(8, 5), 1'000) == 1);
    CHECK(stays_whole(auto_wish(8), 5'000));
    CHECK(parts_for(auto_wish(8, 10), 1'000) == 3);
    CHECK(parts_for(auto_wish(100, 1e6), 1'000'000) == 100 * kPartsPerPeer);
    CHECK(parts_for(auto_wish(1'000'000, 1e6), 1'000'000) == limits::kPartsMax);
    // Cutting and putting together would take what is gained.
    CHECK(parts_for(auto_wish(2, 1'000, 400'000), 1'000) == 1);
    CHECK(parts_for(auto_wish(2, 1'000, 100'000), 1'000) == 2 * kPartsPerPeer);
}

TEST_CASE("part plan: auto counts on twice as many as have shared the work of late") {
    PartWish wish = auto_wish(20, 1'000);
    CHECK(parts_for(wish, 10'000) == 20 * kPartsPerPeer);
    wish.at_once = 3;
    CHECK(parts_for(wish, 10'000) == 6 * kPartsPerPeer);
    wish.at_once = 12;
    CHECK(parts_for(wish, 10'000) == 20 * kPartsPerPeer);
    // One has done all of it.
    wish.at_once = 1.1;
    CHECK(stays_whole(wish, 0));
    CHECK(parts_for(wish, 10'000) == 1);
    wish.at_once = 1.3;
    CHECK(parts_for(wish, 10'000) == 3 * kPartsPerPeer);
    // A number that was asked for is kept.
    wish.split = 7;
    wish.at_once = 1;
    CHECK(parts_for(wish, 10'000) == 7);
}

TEST_CASE("part plan: what tasks take is told apart by type and size and has an end") {
    PartTimes times;
    times.find("a", 1000, 0)->unit_us.add(5);
    CHECK(times.find("a", 1020, 0)->unit_us.value() == 5);
    CHECK_FALSE(times.find("a", 1024, 0)->is_known());
    CHECK_FALSE(times.find("a", 1000, 64)->is_known());
    CHECK_FALSE(times.find("b", 1000, 0)->is_known());
    for (size_t i = 0; i < 2 * PartTimes::kKnownMost; ++i) {
        (void)times.find("type " + std::to_string(i), 1, 1);
    }
    CHECK(times.find("one more", 1, 1) == nullptr);
    CHECK(times.find("a", 1000, 0)->unit_us.value() == 5);
}

// ---- the bytes ----------------------------------------------------------------------------------

TEST_CASE("parts: the result is the bytes of the whole for any number of parts") {
    for (const size_t size : {size_t{5}, size_t{1'000}, size_t{9'000}, size_t{300'000}}) {
        for (const int32_t split : {0, 1, 2, 3, 16, 4096}) {
            CAPTURE(size);
            CAPTURE(split);
            PartsWorld world(3);
            const std::string text = text_of(size);
            const uint64_t before = world.client->stats().bytes_out;
            const uint64_t task = world.ask(text, split);
            const TaskResult& got = world.answer(task);
            CHECK(got.status == Status::kOk);
            CHECK(got.data.text() == turned(text));
            CHECK(got.source == Source::kPeer);
            CHECK(got.attempts == 1);
            const size_t expected =
                split > 1 ? std::min<size_t>(static_cast<size_t>(split), size) : 0;
            const ClientStats& stats = world.client->stats();
            CHECK(stats.submitted == 1);
            CHECK(stats.completed == 1);
            CHECK(stats.cut == (expected > 0 ? 1 : 0));
            CHECK(stats.parts == expected);
            // What is large has gone once.
            if (size >= 9'000) CHECK(stats.bytes_out - before < size + 200 * (expected + 2));
            CHECK(stats.contents_sent == (size >= 9'000 && expected > 0 ? 1 : 0));
            world.check_nothing_is_left();
        }
    }
}

TEST_CASE("parts: work on large payloads is a job and goes on the loop where no thread is free") {
    for (const bool refuses : {false, true}) {
        CAPTURE(refuses);
        PartsWorld world(2, true);
        world.client_runner.refuses_given = refuses;
        const std::string text = text_of(200'000);
        CHECK(world.answer(world.ask(text, 4)).data.text() == turned(text));
        CHECK(world.client_runner.given == 2);
        CHECK(world.client_runner.started == 0);
        const std::string small = text_of(2'000);
        CHECK(world.answer(world.ask(small, 4)).data.text() == turned(small));
        CHECK(world.client_runner.given == 2);
    }
}

TEST_CASE("parts: a content with changes is referred to by all parts") {
    for (const bool changed : {false, true}) {
        CAPTURE(changed);
        PartsWorld world(2);
        std::string text = text_of(50'000);
        auto content = std::make_shared<Content>();
        content->bytes = Bytes::copy(text);
        content->digest = sha256(content->bytes.span());
        world.client->put(content);
        TaskSpec spec = task_in_parts("", 5);
        spec.content = content;
        if (changed) {
            const std::string patch = "other";
            const std::vector<Patch> patches = {
                {7, {reinterpret_cast<const uint8_t*>(patch.data()), patch.size()}}};
            spec.data = pack_patches(patches, text.size(), "patches").value();
            text.replace(7, patch.size(), patch);
        }
        CHECK(world.answer(world.ask(std::move(spec))).data.text() == turned(text));
        CHECK(world.client->stats().contents_sent == 1);
        world.client->drop(content->digest);
        world.check_nothing_is_left();
    }
}

TEST_CASE("parts: results of parts may come coded") {
    PartsWorld world(0);
    world.client.reset();
    world.coder = std::make_shared<FakeCoder>();
    world.lag_us = 20'000;
    world.add_worker("p", 1'000);
    world.add_worker("q", 1'000);
    world.add_client(true);
    const std::string text(100'000, 'r');
    CHECK(world.answer(world.ask(text, 4)).data.text() == turned(text));
    CHECK(world.client->stats().coded == 4);
}

// ---- what is told -------------------------------------------------------------------------------

TEST_CASE("parts: each part is told once with its place and before the whole") {
    PartsWorld world(2);
    const std::string text = text_of(1'003);
    const uint64_t task = world.ask(text, 4);
    world.answer(task);
    REQUIRE(world.answers.parts.size() == 4);
    std::set<uint32_t> seen;
    for (const auto& part : world.answers.parts) {
        CHECK(part.task == task);
        CHECK(part.which.count == 4);
        CHECK(part.which.units == 1'003);
        CHECK(std::string(part.which.unit_name) == "bytes");
        CHECK(part.result.data.text() ==
              turned(text.substr(part.which.first_unit, part.which.unit_count)));
        CHECK(part.result.source == Source::kPeer);
        seen.insert(part.which.index);
    }
    CHECK(seen.size() == 4);
    // What stays whole has no parts.
    world.answer(world.ask(text, 0));
    CHECK(world.answers.parts.size() == 4);
}

TEST_CASE("parts: whoever is told of a part may cancel the whole") {
    PartsWorld world(2);
    world.answers.on_part = [&](const ClusterAnswers::Part& part) {
        world.client->cancel(part.task);
    };
    const uint64_t task = world.ask(text_of(1'000), 300);
    CHECK(world.answer(task).status == Status::kCancelled);
    CHECK(world.answers.parts.size() == 1);
    world.check_nothing_is_left();
}

TEST_CASE("parts: they have priority, circle, flags, a share of the price and of the time left") {
    PartsScript world;
    TaskSpec spec = task_in_parts(text_of(100), 4);
    spec.priority = 7;
    spec.circle = Circle::kOwn;
    spec.flags = task_flag::kNoCache;
    spec.deadline_us = 500'000;
    spec.price = 20;
    world.ask(1, std::move(spec));
    REQUIRE(world.door.asked.size() == 4);
    for (const auto& asked : world.door.asked) {
        CHECK(asked.task_type == "echo");
        CHECK(asked.priority == 7);
        CHECK(asked.circle == Circle::kOwn);
        CHECK(asked.flags == task_flag::kNoCache);
        CHECK(asked.deadline_us <= 500'000);
        CHECK(asked.deadline_us >= 490'000);
        CHECK(asked.price == 5);
    }
    // Of the type's own deadline, too.
    spec = task_in_parts(text_of(100), 4);
    spec.deadline_us = 0;
    world.ask(2, std::move(spec));
    CHECK(world.door.asked.back().deadline_us > 1'000'000);
}

TEST_CASE("parts: not more than a few are under way at a time") {
    PartsScript world;
    const std::string text = text_of(1'000);
    world.ask(1, task_in_parts(text, 1'000));
    size_t answered = 0;
    size_t most = 0;
    while (answered < world.door.asked.size()) {
        most = std::max(most, world.door.asked.size() - answered);
        world.come(answered++, text);
    }
    CHECK(answered == 1'000);
    CHECK(most == 128);
    CHECK(world.result(1).data.text() == turned(text));
}

TEST_CASE("parts: who registers is told of the peers that have just come") {
    Cluster world;
    world.add_peer("first");
    world.loop.advance(1'000'000);
    world.add_peer("second");
    world.add_peer("third");  // the others are told of it a little later
    world.add_client();
    CHECK(world.client->stats().peers_available == 3);
    CHECK(world.client->stats().peers_total == 3);
}

TEST_CASE("parts: auto waits until the coordinator has said how many peers there are") {
    PartsScript world;
    const std::string text = text_of(2'000);
    world.ask(1, task_in_parts(text, kSplitAuto));
    world.ask(2, task_in_parts(text, 4));  // the number is known
    CHECK(world.door.asked.size() == 4);
    world.door.tell_peers(2);
    world.loop.settle();
    CHECK(world.door.asked.size() == 4 + 2 * kPartsPerPeer);
    // It is told once more to a new connection; what went whole goes whole again.
    world.door.tell_peers(0);
    world.loop.settle();
    world.ask(3, task_in_parts(text, kSplitAuto));
    world.door.asked.clear();
    world.door.connection.reset();
    world.loop.advance(500'000);
    CHECK(world.door.asked.size() == 4 + 2 * kPartsPerPeer + 1);
    world.ask(4, task_in_parts(text, kSplitAuto));
    CHECK(world.door.asked.size() == 4 + 2 * kPartsPerPeer + 1);
    world.door.tell_peers(0);
    world.loop.settle();
    CHECK(world.door.asked.size() == 4 + 2 * kPartsPerPeer + 2);
}

TEST_CASE("parts: the most urgent task's go first and a few of each are under way beside many") {
    PartsScript world;
    const std::string text = text_of(1'000);
    const auto ask = [&](uint64_t id, int8_t priority, uint64_t deadline_us) {
        TaskSpec spec = task_in_parts(text, 1'000);
        spec.priority = priority;
        spec.deadline_us = deadline_us;
        world.ask(id, std::move(spec));
        return world.door.asked.size();
    };
    CHECK(ask(1, 0, 4'000'000) == 128);
    CHECK(ask(2, 0, 3'000'000) == 128 + 16);
    CHECK(ask(3, 1, 5'000'000) == 128 + 32);
    // Those of the first that come make room for the third, and when that is over for the second.
    const auto priority_of = [&](size_t index) { return world.door.asked[index].priority; };
    const auto left_of = [&](size_t index) { return world.door.asked[index].deadline_us; };
    for (size_t i = 0; i < 112; ++i) world.come(i, text);
    CHECK(world.door.asked.size() == 160 + 112 - 32);
    for (size_t i = 160; i < world.door.asked.size(); ++i) CHECK(priority_of(i) == 1);
    size_t answered = 112;
    while (world.answers.times[3] == 0) world.come(answered++, text);
    const size_t from = world.door.asked.size();
    CHECK(world.answers.times[1] + world.answers.times[2] == 0);
    while (answered < world.door.asked.size()) world.come(answered++, text);
    CHECK(left_of(from) == 3'000'000);
    CHECK(left_of(world.door.asked.size() - 1) == 4'000'000);
    CHECK(answered == 3'000);
    for (const uint64_t id : {1, 2, 3}) CHECK(world.result(id).data.text() == turned(text));
}

TEST_CASE("parts: one that there is no room for waits for other tasks' parts, too") {
    PartsScript world;
    const std::string text = text_of(100);
    world.ask(1, task_in_parts(text, 2));
    world.ask(2, task_in_parts(text, 2));
    REQUIRE(world.door.asked.size() == 4);
    for (const size_t index : {2, 3}) {
        world.door.give(world.door.asked[index].id, Status::kBusy, "");
        world.loop.settle();
    }
    CHECK(world.answers.times[2] == 0);
    world.come(0, text);
    REQUIRE(world.door.asked.size() == 5);
    world.come(4, text);
    REQUIRE(world.door.asked.size() == 6);
    world.come(5, text);
    world.come(1, text);
    CHECK(world.result(1).data.text() == turned(text));
    CHECK(world.result(2).data.text() == turned(text));
}

TEST_CASE("parts: while tasks are refused a task is held back whole or not at all") {
    PartsScript world;
    const std::string text = text_of(100);
    const auto refuse = [&](uint64_t id) {
        wire::ResultDelivery delivery;
        delivery.status = Status::kBusy;
        encode(delivery, world.door.envelope);
        world.door.connection->send_copy(wire::Message::kResultDelivery, 0, id,
                                         world.door.envelope.span(), {}, {});
    };
    uint64_t id = 0;
    while (world.client->stats().held_back == 0 && id < 100) {
        world.ask(++id, task_in_parts(text, 0));
        refuse(id);
        world.loop.settle();
    }
    REQUIRE(id < 100);
    const size_t before = world.door.asked.size();
    const uint64_t first = id + 1;
    while (id < first + 40) world.ask(++id, task_in_parts(text, 4));
    const uint64_t cut = world.client->stats().cut;
    CHECK(cut > 0);
    CHECK(world.door.asked.size() - before == 4 * cut);
    uint64_t held = 0;
    for (uint64_t task = first; task <= id; ++task) {
        if (world.answers.times[task] == 0) continue;
        ++held;
        CHECK(world.result(task).error.starts_with("not sent"));
    }
    CHECK(held + cut == id + 1 - first);
    CHECK(held > 0);
}

TEST_CASE("parts: where one peer does all of it tasks stay whole and one in a while is cut") {
    PartsScript world;
    const std::string text = text_of(2'000);
    world.door.tell_peers(5);
    world.loop.settle();
    // Of five that are there one runs the type.
    const auto run_one = [&](uint64_t id) {
        const size_t from = world.door.asked.size();
        world.ask(id, task_in_parts(text, kSplitAuto));
        const size_t parts = world.door.asked.size() - from;
        for (size_t i = from; i < from + parts; ++i) {
            world.loop.advance(100 * text.size() / parts);
            world.come(i, text, 100);
        }
        REQUIRE(world.result(id).status == Status::kOk);
        return parts;
    };
    CHECK(run_one(1) == 5 * kPartsPerPeer);
    uint32_t whole = 0;
    uint64_t id = 2;
    while (run_one(id++) == 1) ++whole;
    CHECK(whole == kKeptWholeMost - 1);
    CHECK(run_one(id++) == 1);
}

TEST_CASE("parts: one that there is no room for goes again when another one has come") {
    PartsScript world;
    const std::string text = text_of(100);
    world.ask(1, task_in_parts(text, 4));
    REQUIRE(world.door.asked.size() == 4);
    world.door.give(world.door.asked[1].id, Status::kBusy, "");
    world.door.give(world.door.asked[3].id, Status::kBusy, "");
    world.loop.settle();
    CHECK(world.door.asked.size() == 4);
    // Two were under way then, and not more are.
    world.come(0, text);
    REQUIRE(world.door.asked.size() == 5);
    CHECK(world.door.asked[4].params == world.door.asked[3].params);
    world.come(2, text);
    REQUIRE(world.door.asked.size() == 6);
    CHECK(world.door.asked[5].params == world.door.asked[1].params);
    world.come(4, text);
    world.come(5, text);
    CHECK(world.result(1).data.text() == turned(text));
}

TEST_CASE("parts: one that is refused a third time or alone ends the whole") {
    PartsScript world;
    const auto refuse = [&](size_t index) {
        REQUIRE(index < world.door.asked.size());
        world.door.give(world.door.asked[index].id, Status::kBusy, "");
        world.loop.settle();
    };
    const std::string text = text_of(100);
    world.ask(1, task_in_parts(text, 2));
    refuse(0);  // the other is under way
    CHECK(world.answers.times[1] == 0);
    refuse(1);
    CHECK(world.result(1).status == Status::kBusy);

    world.ask(2, task_in_parts(text, 4));  // the third to the sixth
    refuse(2);
    world.come(3, text);
    refuse(6);
    world.come(4, text);
    CHECK(world.answers.times[2] == 0);
    refuse(7);
    CHECK(world.result(2).status == Status::kBusy);
    CHECK(world.result(2).error.starts_with("part 1 of 4"));
}

// ---- ends ---------------------------------------------------------------------------------------

TEST_CASE("parts: the first part that fails ends the whole and says which and the others go") {
    PartsScript world;
    world.ask(1, task_in_parts(text_of(100), 4));
    REQUIRE(world.door.asked.size() == 4);
    world.door.give(world.door.asked[0].id, Status::kOk, turned(text_of(100).substr(0, 25)));
    world.door.give(world.door.asked[2].id, Status::kExecutor, "", "it broke");
    world.loop.settle();
    const TaskResult& got = world.result(1);
    CHECK(got.status == Status::kExecutor);
    CHECK(got.error == "part 3 of 4 (bytes 50 to 74): it broke");
    CHECK(got.attempts == 1);
    CHECK(world.door.cancelled ==
          std::set<uint64_t>{world.door.asked[1].id, world.door.asked[3].id});
    CHECK(world.client->stats().failed == 1);
    CHECK(world.client->stats().cancelled == 0);
}

TEST_CASE("parts: a result that does not fit its part is told by the number of it") {
    PartsScript world;
    world.ask(1, task_in_parts(text_of(100), 2));
    world.door.give(world.door.asked[0].id, Status::kOk, "short");
    world.door.give(world.door.asked[1].id, Status::kOk, std::string(50, 'x'));
    world.loop.settle();
    CHECK(world.result(1).status == Status::kExecutor);
    CHECK(world.result(1).field == "parts[0]");
    CHECK(world.result(1).data.empty());
}

TEST_CASE("parts: cancel and close and the deadline take all of them along") {
    for (const int how : {0, 1, 2}) {
        CAPTURE(how);
        PartsScript world(true);
        TaskSpec spec = task_in_parts(text_of(100), 4);
        spec.place = Place::kRemote;
        spec.deadline_us = 200'000;
        world.ask(1, std::move(spec));
        REQUIRE(world.door.asked.size() == 4);
        world.door.give(world.door.asked[0].id, Status::kOk, turned(text_of(25)));
        world.loop.settle();
        if (how == 0) world.client->cancel(1);
        if (how == 1) world.client->close();
        if (how == 2) world.loop.advance(300'000);
        world.loop.settle();
        const Status expected[] = {Status::kCancelled, Status::kClosed, Status::kDeadline};
        CHECK(world.result(1).status == expected[how]);
        if (how == 1) {
            CHECK(world.result(1).error == "the client was closed");
        } else {
            CHECK(world.door.cancelled.size() == 3);
        }
        CHECK(world.answers.times.size() == 1);
    }
}

TEST_CASE("parts: a task may end while it is cut or put together") {
    for (const bool merging : {false, true}) {
        CAPTURE(merging);
        PartsWorld world(2, true);
        const std::string text = text_of(200'000);
        const uint64_t task = world.ask(text, 4);
        if (merging) {
            while (world.answers.parts.size() < 4) world.loop.advance(100);
        }
        REQUIRE(world.answers.times[task] == 0);
        world.client->cancel(task);
        CHECK(world.answer(task).status == Status::kCancelled);
        world.check_nothing_is_left();
        CHECK(world.answers.times[task] == 1);
    }
}

TEST_CASE("parts: a task is not cut before what it depends on has ended") {
    PartsScript world;
    TaskSpec first = task_in_parts("x", 0);
    world.ask(1, std::move(first));
    TaskSpec spec = task_in_parts(text_of(100), 4);
    spec.depends_on = {1};
    world.ask(2, std::move(spec));
    spec = task_in_parts("y", 0);
    spec.depends_on = {2};
    world.ask(3, std::move(spec));
    REQUIRE(world.door.asked.size() == 1);
    world.door.give(1, Status::kOk, "y");
    world.loop.settle();
    REQUIRE(world.door.asked.size() == 5);
    for (size_t i = 1; i < 5; ++i) {
        world.door.give(world.door.asked[i].id, Status::kOk,
                        turned(text_of(100).substr(25 * (i - 1), 25)));
    }
    world.loop.settle();
    CHECK(world.result(2).status == Status::kOk);
    REQUIRE(world.door.asked.size() == 6);
    CHECK(world.door.asked[5].id == 3);
}

TEST_CASE("parts: a task that cannot be cut goes as it is and a wrong one fails as ever") {
    PartsWorld world(2);
    // It has no units.
    const uint64_t task = world.ask("", 4);
    CHECK(world.answer(task).status == Status::kOk);
    CHECK(world.client->stats().cut == 0);
}

// ---- elsewhere and here -------------------------------------------------------------------------

TEST_CASE("parts: what runs here is never cut") {
    PartsWorld world(2, true);
    TaskSpec spec = task_in_parts(text_of(1'000), 4);
    spec.place = Place::kLocal;
    const uint64_t task = world.ask(std::move(spec));
    CHECK(world.answer(task).source == Source::kLocal);
    CHECK(world.client->stats().cut == 0);
    CHECK(world.client_runner.started == 1);
}

TEST_CASE("parts: when the coordinator goes this machine computes the parts that are left") {
    PartsScript world(true);
    const std::string text = text_of(100);
    world.ask(1, task_in_parts(text, 4));
    REQUIRE(world.door.asked.size() == 4);
    world.door.give(world.door.asked[0].id, Status::kOk, turned(text.substr(0, 25)));
    world.loop.settle();
    world.network.reachable = false;
    world.door.connection.reset();
    world.loop.advance(500'000);
    CHECK(world.result(1).status == Status::kOk);
    CHECK(world.result(1).data.text() == turned(text));
    CHECK(world.result(1).source == Source::kPeer);  // of one part
    CHECK(world.runner.started == 3);
    REQUIRE(world.answers.parts.size() == 4);
    CHECK(world.answers.parts[3].result.source == Source::kLocal);
}

TEST_CASE("parts: they are asked for again by a new connection under their ids") {
    PartsScript world;
    const std::string text = text_of(100);
    world.ask(1, task_in_parts(text, 4));
    const std::vector<PartsDoor::Asked> before = world.door.asked;
    world.door.give(before[0].id, Status::kOk, turned(text.substr(0, 25)));
    world.loop.settle();
    world.door.asked.clear();
    world.door.connection.reset();
    world.loop.advance(500'000);
    std::set<uint64_t> ids;
    for (const auto& asked : world.door.asked) ids.insert(asked.id);
    CHECK(ids == std::set<uint64_t>{before[1].id, before[2].id, before[3].id});
}

TEST_CASE(
    "parts: auto cuts what is large for as many peers as there are and learns what is small") {
    PartsScript world;
    const auto give_all = [&](size_t from, const std::string& text, uint64_t unit_us) {
        for (size_t i = from; i < world.door.asked.size(); ++i) world.come(i, text, unit_us);
        return world.door.asked.size() - from;
    };
    const std::string text = text_of(2'000);
    // Nobody is there, and then one: there is nobody to share it.
    world.door.tell_peers(0);
    world.ask(1, task_in_parts(text, kSplitAuto));
    CHECK(give_all(0, text, 1) == 1);
    world.door.tell_peers(1);
    world.loop.settle();
    world.ask(2, task_in_parts(text, kSplitAuto));
    CHECK(give_all(1, text, 1) == 1);
    // Nothing is known of such tasks.
    world.door.tell_peers(3);
    world.loop.settle();
    world.ask(3, task_in_parts(text, kSplitAuto));
    CHECK(give_all(2, text, 1) == 3 * kPartsPerPeer);
    // It is small: two milliseconds.
    world.ask(4, task_in_parts(text, kSplitAuto));
    CHECK(give_all(2 + 3 * kPartsPerPeer, text, 100) == 1);
    for (uint64_t id = 5; id < 20; ++id) {
        const size_t from = world.door.asked.size();
        world.ask(id, task_in_parts(text, kSplitAuto));
        give_all(from, text, 100);
    }
    // And now large.
    const size_t from = world.door.asked.size();
    world.ask(20, task_in_parts(text, kSplitAuto));
    CHECK(give_all(from, text, 100) == 3 * kPartsPerPeer);
    for (uint64_t id = 1; id <= 20; ++id) CHECK(world.result(id).data.text() == turned(text));
}
