// The coordinator role against gamers that speak the wire themselves.
#include <doctest/doctest.h>

#include <map>

#include "roles/coordinator.h"
#include "support/fake_net.h"
#include "wire/codec.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

struct Nobody : CoordinatorEvents {
    void on_peer_joined(const std::string&) override {}
    void on_peer_left(const std::string&, const std::string&) override {}
    void on_peer_failed(const std::string&, const std::string&) override {}
};

// A registered gamer whose tasks wait: nobody runs their type any more.
struct World : net::ConnectionEvents {
    FakeLoop loop;
    FakeRandom random{5};
    FakeTransport network{loop};
    FakeRunner runner{loop, {"echo"}};
    Nobody nobody;
    std::unique_ptr<Coordinator> coordinator;
    std::unique_ptr<FakeConnection> gamer;
    wire::EnvelopeBuffer envelope;
    std::map<uint64_t, Status> ended;

    World() {
        runner.takes_us = 1'000'000;
        CoordinatorOptions options;
        options.resume_grace_us = 1'000'000;
        coordinator = std::make_unique<Coordinator>(loop, network, &runner, random, Prng(1), Log(),
                                                    options, nobody);
        auto [near, far] = FakeConnection::pair(loop);
        gamer = std::move(near);
        gamer->set_events(this);
        coordinator->accept(std::move(far));
        wire::Hello hello;
        hello.versions = {wire::kProtocolVersion};
        hello.role = Role::kGamer;
        encode(hello, envelope);
        send(wire::Message::kHello);
        wire::GamerRegister message;
        message.client_id = "gamer";
        encode(message, envelope);
        send(wire::Message::kGamerRegister);
    }
    ~World() {
        gamer.reset();
        coordinator.reset();
    }
    void on_frame(net::Connection&, const wire::Frame& frame) override {
        if (frame.message != wire::Message::kResultDelivery) return;
        wire::ResultDelivery delivery;
        REQUIRE(decode(frame.envelope, delivery) == nullptr);
        CHECK(ended.count(frame.id) == 0);
        ended[frame.id] = delivery.status;
    }
    void on_closed(net::Connection&, Status, const std::string&) override {}
    void send(wire::Message message, uint64_t id = 0, uint8_t flags = 0) {
        gamer->send_copy(message, flags, id, envelope.span(), {}, {});
        loop.settle();
    }
    void submit(uint64_t id, std::vector<uint64_t> depends_on, bool half = false) {
        wire::TaskSubmit message;
        message.task_type = "echo";
        message.depends_on = std::move(depends_on);
        if (half) message.sizes = wire::PayloadSizes{0, 1000};
        encode(message, envelope);
        send(wire::Message::kTaskSubmit, id, half ? wire::kFlagMore : 0);
    }
};

}  // namespace

TEST_CASE("coordinator: a gamer that goes takes its chain of dependent tasks along") {
    for (const bool half : {false, true}) {
        CAPTURE(half);
        World world;
        world.submit(1, {}, half);
        world.submit(2, {1});
        world.submit(3, {2, 1});
        CHECK(world.coordinator->stats().pending_tasks == 3);
        world.gamer->cut();
        world.loop.advance(10'000'000);
        CHECK(world.coordinator->stats().pending_tasks == 0);
        CHECK(world.coordinator->stats().clients == 0);
        CHECK(world.coordinator->stats().payload_bytes_held == 0);
    }
}

TEST_CASE("coordinator: a gamer that says goodbye takes its chain of dependent tasks along") {
    World world;
    world.submit(1, {});
    world.submit(2, {1});
    encode(wire::Goodbye{}, world.envelope);
    world.send(wire::Message::kGoodbye);
    CHECK(world.coordinator->stats().pending_tasks == 0);
}

TEST_CASE("coordinator: closing ends a chain of dependent tasks each once") {
    World world;
    world.submit(1, {});
    world.submit(2, {1});
    world.submit(3, {2});
    world.coordinator->close();
    world.loop.settle();
    CHECK(world.ended.size() == 3);
    CHECK(world.ended[1] == Status::kClosed);
}
