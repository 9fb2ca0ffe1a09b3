// Tasks that answer frames: this machine's answer is there when it is wanted, in the best form that
// fits, and the remote one may still come.
#include <doctest/doctest.h>

#include "support/role_cluster.h"
#include "unit/roles_scripted.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

constexpr uint64_t kFrameUs = 16'666;
constexpr uint64_t kTickOfTaskUs = 512;  // a task's timer goes off a little later

// A client that computes "echo" itself: its answer is the params, and what a form takes is written
// there as well.
struct FramesWorld : ScriptedWorld {
    struct Events final : ClientEvents {
        ScriptedAnswers* ended = nullptr;
        std::map<uint64_t, TaskResult> here;
        std::map<uint64_t, uint64_t> here_us;
        FakeLoop* loop = nullptr;
        void on_task_ended(uint64_t task, TaskResult&& result) override {
            ended->on_task_ended(task, std::move(result));
        }
        std::map<uint64_t, int32_t> quality;
        void on_local_quality(uint64_t task, int32_t of) override { quality[task] = of; }
        void on_task_here(uint64_t task, int32_t of, TaskResult&& result) override {
            CHECK(here.count(task) == 0);
            quality[task] = of;
            CHECK(ended->ended.count(task) == 0);
            here_us[task] = loop->now_us();
            here[task] = std::move(result);
        }
        void on_client_state(Status, const std::string&) override {}
        void on_peer_count(uint32_t, uint32_t) override {}
        void on_call_done(uint64_t, const Error*, Bytes, Bytes) override {}
    } events;

    explicit FramesWorld(bool reachable = true) {
        events.ended = &answers;
        events.loop = &loop;
        runner.behave = [this](const exec::JobSpec& spec) {
            exec::Output output;
            output.status = fails ? Status::kExecutor : Status::kOk;
            output.info = spec.params.owned();
            return output;
        };
        network.reachable = reachable;
        client = std::make_unique<Client>(loop, &network, &runner, random, Prng(3), Log(), options,
                                          events);
        client->start();
        loop.settle();
    }
    // The best of the qualities is the task as it is.
    static std::shared_ptr<const FrameWish> wish(std::vector<int32_t> qualities = {2},
                                                 uint64_t answer_us = kFrameUs) {
        auto wish = std::make_shared<FrameWish>();
        wish->answer_us = answer_us;
        for (const int32_t quality : qualities) {
            wish->forms.push_back({quality, Bytes::copy("form " + std::to_string(quality))});
        }
        return wish;
    }
    // This form has taken so long; the next task is the `task`th.
    void know(int32_t quality, uint64_t takes_us) {
        runner.takes_us = takes_us;
        const uint64_t task = push(wish({quality}, 10 * takes_us), Place::kLocal);
        loop.advance(takes_us + 1);
        REQUIRE(result(task).source == Source::kLocal);
        REQUIRE(events.quality[task] == quality);
    }
    uint64_t push(std::shared_ptr<const FrameWish> frame = wish(), Place place = Place::kAuto) {
        TaskSpec& spec = specs[++next];
        spec.task_type = "echo";
        spec.params = Bytes::copy("as asked");
        spec.deadline_us = 10 * kFrameUs;
        spec.place = place;
        client->submit(next, spec, std::move(frame));
        loop.settle();
        return next;
    }
    void deliver(uint64_t task, Status status = Status::kOk) {
        wire::ResultDelivery delivery;
        delivery.status = status;
        encode(delivery, coordinator.envelope);
        coordinator.send(wire::Message::kResultDelivery, task);
        loop.settle();
    }
    static std::string text(const Bytes& bytes) {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    uint64_t next = 0;
    bool fails = false;
};

}  // namespace

TEST_CASE("frame tasks: this machine's answer is there when it is wanted and the task goes on") {
    FramesWorld world;
    world.know(2, 4'000);
    const uint64_t began = world.loop.now_us();
    const uint64_t task = world.push();
    world.loop.advance(kFrameUs - 6'500);
    CHECK(world.runner.started == 1);  // not before it must
    world.loop.advance(6'500);
    REQUIRE(world.events.here.count(task) == 1);
    CHECK(world.events.here_us[task] <= began + kFrameUs);
    CHECK(world.events.here[task].source == Source::kLocal);
    CHECK(world.events.quality[task] == 2);
    CHECK(FramesWorld::text(world.events.here[task].info) == "as asked");
    world.loop.advance(20'000);
    world.deliver(task);  // late, and still of use
    CHECK(world.result(task).status == Status::kOk);
    CHECK(world.result(task).source == Source::kPeer);
    CHECK(world.runner.started == 2);
}

TEST_CASE("frame tasks: a remote answer in time leaves this machine nothing to do") {
    FramesWorld world;
    world.know(2, 4'000);
    uint64_t task = world.push();
    world.loop.advance(5'000);
    world.deliver(task);
    CHECK(world.result(task).source == Source::kPeer);
    world.loop.advance(kFrameUs);
    CHECK(world.runner.started == 1);
    // One that comes while it computes stops that.
    task = world.push();
    world.loop.advance(kFrameUs - 2'000);
    CHECK(world.runner.started == 2);
    world.deliver(task);
    CHECK(world.runner.cancelled == 1);
    CHECK(world.events.here.empty());
}

TEST_CASE("frame tasks: the form is the best that fits and says its quality and has its params") {
    FramesWorld world;
    world.know(1, 1'000);
    world.know(2, 5'000);
    world.know(3, 30'000);
    world.runner.takes_us = 5'000;
    const uint64_t task = world.push(FramesWorld::wish({3, 2, 1}));
    world.loop.advance(kFrameUs);
    REQUIRE(world.events.here.count(task) == 1);
    CHECK(world.events.quality[task] == 2);
    CHECK(FramesWorld::text(world.events.here[task].info) == "form 2");
}

TEST_CASE("frame tasks: an answer that is wanted earlier or later is computed for that time") {
    FramesWorld world;
    world.know(2, 4'000);
    uint64_t task = world.push(FramesWorld::wish({2}, 100'000));
    world.client->want_answer(task, world.loop.now_us() + 10'000);
    world.loop.advance(10'000);
    CHECK(world.events.here.count(task) == 1);
    task = world.push();
    world.client->want_answer(task, world.loop.now_us() + 100'000);
    world.loop.advance(80'000);
    CHECK(world.events.here.count(task) == 0);
    world.loop.advance(20'000);
    CHECK(world.events.here.count(task) == 1);
    world.client->want_answer(task, world.loop.now_us() + 1'000);  // it is there already
    world.client->want_answer(999, world.loop.now_us());           // there is none
    world.loop.advance(2'000);
    CHECK(world.runner.started == 3);
}

TEST_CASE("frame tasks: where nobody else answers this machine's answer ends the task") {
    FramesWorld world;
    world.know(2, 4'000);
    SUBCASE("the coordinator refused it") {
        const uint64_t task = world.push();
        world.deliver(task, Status::kBusy);
        world.loop.advance(5'000);
        CHECK(world.result(task).source == Source::kLocal);
        CHECK(world.events.quality[task] == 2);
    }
    SUBCASE("it refused it while this machine computed") {
        const uint64_t task = world.push();
        world.loop.advance(kFrameUs - 2'000);
        world.deliver(task, Status::kBusy);
        world.loop.advance(2'000);
        CHECK(world.result(task).source == Source::kLocal);
    }
    SUBCASE("there is no connection") {
        world.network.reachable = false;
        world.network.made.back()->cut();
        world.loop.settle();
        const uint64_t task = world.push();
        world.loop.advance(kFrameUs);
        CHECK(world.result(task).source == Source::kLocal);
        CHECK(world.events.here.empty());
    }
    SUBCASE("it refused it afterwards") {
        const uint64_t task = world.push();
        world.loop.advance(kFrameUs);
        REQUIRE(world.events.here.count(task) == 1);
        world.deliver(task, Status::kBusy);
        CHECK(world.result(task).status == Status::kBusy);
        CHECK(world.runner.started == 2);  // once is enough
    }
}

TEST_CASE("frame tasks: one that only this machine answers waits for its worker beyond its frame") {
    FramesWorld world;
    world.runner.at_once = 1;
    world.runner.takes_us = 2 * kFrameUs;
    const uint64_t first = world.push(FramesWorld::wish(), Place::kLocal);
    const uint64_t second = world.push(FramesWorld::wish(), Place::kLocal);
    world.loop.advance(4 * kFrameUs + 1);
    CHECK(world.result(first).status == Status::kOk);
    CHECK(world.result(second).status == Status::kOk);
    // Where another answer is awaited, what would be too late for it is not begun.
    world.push(FramesWorld::wish(), Place::kLocal);
    const uint64_t awaited = world.push();
    world.loop.advance(3 * kFrameUs);
    CHECK(world.events.here.count(awaited) == 0);
    CHECK(world.answers.ended.count(awaited) == 0);
}

TEST_CASE("frame tasks: a frame whose time is over is not computed here for a late refusal") {
    FramesWorld world;
    world.know(2, 4'000);
    world.fails = true;
    const uint64_t task = world.push();
    world.loop.advance(kFrameUs + 1'000);
    CHECK(world.answers.ended.count(task) == 0);  // the remote answer may come
    CHECK(world.runner.started == 2);
    world.deliver(task, Status::kBusy);
    CHECK(world.result(task).status == Status::kBusy);
    CHECK(world.runner.started == 2);
}

TEST_CASE("frame tasks: one that ends by its deadline after this machine's answer says so once") {
    FramesWorld world;
    world.know(2, 4'000);
    const uint64_t task = world.push();
    world.loop.advance(10 * kFrameUs + kTickOfTaskUs);
    CHECK(world.events.here.count(task) == 1);
    CHECK(world.result(task).status == Status::kDeadline);
}

TEST_CASE("frame tasks: a run that was stopped is known to take longer") {
    FramesWorld world;
    world.know(2, 1'000);
    world.runner.takes_us = 12'000;
    // Begun late since it is thought to be quick, and stopped by the remote answer.
    uint64_t task = world.push();
    world.loop.advance(kFrameUs + 4'000);
    world.deliver(task);
    CHECK(world.runner.cancelled == 1);
    // The next one is begun so much earlier.
    task = world.push();
    world.loop.advance(kFrameUs - 5'000);
    CHECK(world.runner.started == 3);
}
