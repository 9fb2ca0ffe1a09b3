// Tasks that answer frames and are cut: several helpers share the frame, and this machine's answer
// is of the whole, there when it is wanted.
#include <doctest/doctest.h>

#include <set>

#include "support/byte_splitter.h"
#include "support/fake_net.h"
#include "unit/roles_scripted.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

constexpr uint64_t kCutFrameUs = 16'666;
constexpr uint64_t kWholeHereUs = 4'000;  // a whole, here
constexpr int32_t kCutParts = 4;

struct CutDoor : ScriptedDoor {
    struct Asked {
        uint64_t id;
        std::string params;
        std::string data;
    };
    std::vector<Asked> asked;
    std::set<uint64_t> cancelled;
    void on_frame(net::Connection&, const wire::Frame& frame) override {
        if (answer(frame)) return;
        if (frame.message == wire::Message::kTaskCancel) cancelled.insert(frame.id);
        if (frame.message != wire::Message::kTaskSubmit || frame.envelope.empty()) return;
        asked.push_back({frame.id,
                         {frame.params.begin(), frame.params.end()},
                         {frame.data.begin(), frame.data.end()}});
    }
};

// A gamer whose machine and whose helpers turn the bytes of "echo".
struct CutFrames {
    struct Told final : ScriptedAnswers {
        std::map<uint64_t, TaskResult> here;
        std::map<uint64_t, uint64_t> parts;
        void on_task_here(uint64_t task, int32_t, TaskResult&& result) override {
            CHECK(here.count(task) == 0);
            CHECK(ended.count(task) == 0);
            result.data = result.data.owned();
            here[task] = std::move(result);
        }
        void on_task_part(uint64_t task, const TaskPart& part, const TaskResult&) override {
            CHECK(ended.count(task) == 0);
            CHECK(part.count == kCutParts);
            ++parts[task];
        }
    };
    FakeLoop loop;
    FakeRandom random{5};
    FakeTransport network{loop};
    FakeRunner runner{loop, {"echo"}};
    Told told;
    CutDoor door;
    ClientOptions options;
    std::unique_ptr<Client> client;
    std::map<uint64_t, TaskSpec> specs;
    uint64_t next = 0;

    explicit CutFrames(bool gives_up = false) {
        options.client_id = "gamer";
        options.coordinator.host = "fake";
        options.reconnect.backoff_first_us = 2'000;
        if (gives_up) options.reconnect.attempts_max = 0;
        network.accept = [this](std::unique_ptr<net::Connection> connection) {
            door.connection = std::move(connection);
            door.connection->set_events(&door);
        };
        runner.behave = turn_bytes;
        client = std::make_unique<Client>(loop, &network, &runner, random, Prng(3), Log(), options,
                                          told);
        client->start();
        loop.settle();
        runner.takes_us = kWholeHereUs;
        const uint64_t task = push(0, Place::kLocal);
        loop.advance(kWholeHereUs + 1);
        REQUIRE(result(task).source == Source::kLocal);
    }
    ~CutFrames() {
        client.reset();
        door.connection.reset();
    }
    static std::string text() {
        std::string text(100, 'a');
        for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
        return text;
    }
    uint64_t push(int32_t split = kCutParts, Place place = Place::kAuto) {
        TaskSpec spec;
        spec.data = Bytes::copy(text());
        return push(std::move(spec), split, place);
    }
    uint64_t push(TaskSpec&& spec, int32_t split, Place place) {
        spec.task_type = "echo";
        spec.deadline_us = 20 * kCutFrameUs;
        spec.place = place;
        spec.splitter = &byte_splitter();
        spec.split = split;
        auto wish = std::make_shared<FrameWish>();
        wish->answer_us = kCutFrameUs;
        wish->forms.push_back({2, {}});
        TaskSpec& kept = specs[++next] = std::move(spec);
        client->submit(next, kept, std::move(wish));
        loop.settle();
        return next;
    }
    // What was asked for as the number `index` is answered.
    void come(size_t index) {
        const CutDoor::Asked asked = door.asked[index];
        const Bytes params = Bytes::copy(asked.params);
        exec::JobSpec job;
        job.params = params;
        job.data = Bytes::copy(text());  // a content where there is more of it
        const exec::Output output = turn_bytes(job);
        wire::ResultDelivery delivery;
        delivery.attempts = 1;
        encode(delivery, door.envelope);
        door.connection->send_copy(wire::Message::kResultDelivery, 0, asked.id,
                                   door.envelope.span(), {}, output.data.span());
        loop.settle();
    }
    void fail(size_t index, Status status) {
        wire::ResultDelivery delivery;
        delivery.status = status;
        delivery.error = "no luck";
        delivery.attempts = 3;
        encode(delivery, door.envelope);
        door.send(wire::Message::kResultDelivery, door.asked[index].id);
        loop.settle();
    }
    void lose_connection() {
        network.reachable = false;
        door.connection.reset();
        loop.settle();
    }
    const TaskResult& result(uint64_t task) {
        REQUIRE(told.ended.count(task) == 1);
        return told.ended[task];
    }
    uint64_t runs() const { return runner.started - 1; }  // without the one that was learned from
};

}  // namespace

TEST_CASE("frame parts: this machine's answer is in time while parts are awaited and goes on") {
    CutFrames world;
    const uint64_t task = world.push();
    REQUIRE(world.door.asked.size() == kCutParts);
    world.come(2);
    world.loop.advance(kCutFrameUs - 6'500);
    CHECK(world.runs() == 0);  // not before it must
    world.loop.advance(6'500);
    REQUIRE(world.told.here.count(task) == 1);
    CHECK(world.told.here[task].source == Source::kLocal);
    CHECK(world.told.here[task].data.text() == turned(CutFrames::text()));
    CHECK(world.runs() == 1);
    world.loop.advance(20'000);
    for (const size_t index : {3, 0, 1}) world.come(index);  // late, and still of use
    CHECK(world.result(task).status == Status::kOk);
    CHECK(world.result(task).source == Source::kPeer);
    CHECK(world.result(task).data.text() == turned(CutFrames::text()));
    CHECK(world.told.parts[task] == kCutParts);
    CHECK(world.runs() == 1);
}

TEST_CASE("frame parts: all parts in time leave this machine nothing to do") {
    CutFrames world;
    uint64_t task = world.push();
    for (size_t i = 0; i < kCutParts; ++i) world.come(i);
    CHECK(world.result(task).source == Source::kPeer);
    world.loop.advance(kCutFrameUs);
    CHECK(world.runs() == 0);
    // The last one stops what has begun.
    task = world.push();
    world.loop.advance(kCutFrameUs - 2'000);
    CHECK(world.runs() == 1);
    for (size_t i = 0; i < kCutParts; ++i) world.come(kCutParts + i);
    CHECK(world.result(task).source == Source::kPeer);
    CHECK(world.runner.cancelled == 1);
    CHECK(world.told.here.empty());
}

TEST_CASE("frame parts: an answer that is wanted earlier is computed for that time") {
    CutFrames world;
    const uint64_t task = world.push();
    world.client->want_answer(task, world.loop.now_us() + 8'000);
    world.loop.advance(8'000);
    CHECK(world.told.here.count(task) == 1);
}

TEST_CASE("frame parts: where a part fails this machine's answer ends the task") {
    CutFrames world;
    const uint64_t task = world.push();
    SUBCASE("at once") {
        world.fail(1, Status::kExecutor);
        CHECK(world.runs() == 1);
        CHECK(world.door.cancelled.size() == kCutParts - 1);
        world.loop.advance(kWholeHereUs + 1);
        CHECK(world.result(task).source == Source::kLocal);
    }
    SUBCASE("while it computes") {
        world.loop.advance(kCutFrameUs - 2'000);
        world.fail(1, Status::kExecutor);
        CHECK(world.told.ended.count(task) == 0);
        world.loop.advance(2'000);
        CHECK(world.result(task).source == Source::kLocal);
        CHECK(world.runs() == 1);
    }
    SUBCASE("and not where it was told before") {
        world.loop.advance(kCutFrameUs);
        REQUIRE(world.told.here.count(task) == 1);
        world.fail(1, Status::kExecutor);
        CHECK(world.result(task).status == Status::kExecutor);
        CHECK(world.result(task).error == "part 2 of 4 (bytes 25 to 49): no luck");
        CHECK(world.result(task).attempts == 3);
        CHECK(world.runs() == 1);
    }
    SUBCASE("and not where it would fail, too") {
        world.fail(1, Status::kParams);
        CHECK(world.result(task).status == Status::kParams);
        CHECK(world.runs() == 0);
    }
    world.loop.advance(50'000);
    CHECK(world.runner.running() == 0);
}

TEST_CASE("frame parts: without a connection this machine computes the whole and no part") {
    for (const bool gives_up : {false, true}) {
        CAPTURE(gives_up);
        CutFrames world(gives_up);
        const uint64_t task = world.push();
        world.come(0);
        world.lose_connection();
        world.loop.advance(kCutFrameUs);
        CHECK(world.result(task).source == Source::kLocal);
        CHECK(world.result(task).data.text() == turned(CutFrames::text()));
        CHECK(world.told.here.empty());
        CHECK(world.runs() == 1);
    }
}

TEST_CASE("frame parts: a coordinator that is given up ends a frame that was answered here") {
    CutFrames world(true);
    const uint64_t task = world.push();
    world.loop.advance(kCutFrameUs);
    REQUIRE(world.told.here.count(task) == 1);
    world.lose_connection();
    CHECK_FALSE(world.result(task).success());
    CHECK(world.runs() == 1);
}

TEST_CASE("frame parts: a new connection has the parts again and this machine its plan") {
    CutFrames world;
    const uint64_t task = world.push();
    world.come(0);
    const size_t before = world.door.asked.size();
    world.door.connection.reset();
    world.loop.advance(kCutFrameUs);
    CHECK(world.told.here.count(task) == 1);
    CHECK(world.runs() == 1);
    REQUIRE(world.door.asked.size() == before + kCutParts - 1);
    for (size_t i = before; i < world.door.asked.size(); ++i) world.come(i);
    CHECK(world.result(task).source == Source::kPeer);
}

TEST_CASE("frame parts: one that cannot be cut goes whole while this machine computes it") {
    CutFrames world;
    world.runner.takes_us = 15'500;  // and so long it takes to find that out
    TaskSpec spec;
    spec.params = Bytes::copy(std::string(1, '\x80') + std::string(100'000, '\0'));
    const uint64_t task = world.push(std::move(spec), kCutParts, Place::kAuto);
    CHECK(world.runner.given == 1);
    CHECK(world.door.asked.empty());
    world.loop.advance(15'000);
    CHECK(world.runs() == 1);
    world.loop.advance(1'000);
    REQUIRE(world.door.asked.size() == 1);
    world.loop.advance(15'500);
    CHECK(world.runs() == 1);
    CHECK(world.told.here.count(task) == 1);
    CHECK(world.told.ended.count(task) == 0);
}

TEST_CASE("frame parts: what stays here is not cut") {
    CutFrames world;
    const uint64_t task = world.push(kCutParts, Place::kLocal);
    world.loop.advance(kWholeHereUs + 1);
    CHECK(world.result(task).source == Source::kLocal);
    CHECK(world.door.asked.empty());
    CHECK(world.client->stats().cut == 0);
}

TEST_CASE("frame parts: cancel and the deadline and close take all parts along") {
    for (const int way : {0, 1, 2}) {
        CAPTURE(way);
        CutFrames world;
        const uint64_t task = world.push();
        world.come(3);
        if (way == 0) world.client->cancel(task);
        if (way == 1) world.loop.advance(20 * kCutFrameUs + 1'000);
        if (way == 2) world.client->close();
        world.loop.settle();
        const Status expected[] = {Status::kCancelled, Status::kDeadline, Status::kClosed};
        CHECK(world.result(task).status == expected[way]);
        if (way < 2) CHECK(world.door.cancelled.size() == kCutParts - 1);
        CHECK(world.told.parts[task] == 1);
        world.loop.advance(50'000);
        CHECK(world.runner.running() == 0);
    }
}
