// Owner first across roles: a peer that its owner needs back gives its tasks to others at once,
// says why, and helps again.
#include <doctest/doctest.h>

#include "model/value_json.h"
#include "roles/content_inbox.h"
#include "roles/peer.h"
#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

struct OwnerListener final : PeerEvents {
    std::vector<std::pair<bool, std::string>> accepts;
    void on_peer_state(Status, const std::string&) override {}
    void on_peer_accepts(bool accepts_now, const std::string& why) override {
        accepts.emplace_back(accepts_now, why);
    }
};

// A real peer at the coordinator of a WireWorld.
struct Helper {
    Helper(WireWorld& world, const std::string& id, owner::Settings settings = {})
        : runner(world.loop, {"echo"}), transport(world.loop) {
        transport.accept = [&world](std::unique_ptr<net::Connection> connection) {
            world.coordinator->accept(std::move(connection));
        };
        PeerOptions options;
        options.peer_id = id;
        options.owner.settings = std::move(settings);
        options.owner.gate =
            std::make_shared<exec::JobGate>([&world] { return world.loop.now_us(); });
        gate = options.owner.gate;
        peer = std::make_unique<Peer>(world.loop, transport, runner, world.random, Prng(2), Log(),
                                      options, listener);
        peer->start();
        world.loop.settle();
    }
    FakeRunner runner;
    FakeTransport transport;
    OwnerListener listener;
    std::shared_ptr<exec::JobGate> gate;
    std::unique_ptr<Peer> peer;
};

owner::Settings idle() {
    owner::Settings settings;
    settings.owner_first = true;
    settings.mode = owner::Mode::kIdle;
    settings.on_battery = false;
    return settings;
}

owner::Signals away() {
    owner::Signals signals;
    signals.sight = owner::Signals::Sight::kSees;
    signals.input_us = 1;
    return signals;
}

std::string peers_json(WireWorld& world) {
    WireEnd asker = world.end();
    asker.join_gamer("asker");
    wire::Call call;
    call.name = "peers";
    asker.send(Message::kCall, 99, call);
    const std::string params = asker.last(Message::kCallResponse).params;
    return *value_to_json({reinterpret_cast<const uint8_t*>(params.data()), params.size()});
}

}  // namespace

TEST_CASE("owner: a peer with sensors connects once they have spoken and says what it takes") {
    WireWorld world;
    world.loop.advance(3'600'000'000);
    Helper helper(world, "p1", idle());
    CHECK_FALSE(helper.peer->stats().accepts);
    CHECK(world.events.empty());
    owner::Signals signals = away();
    signals.on_battery = true;
    helper.peer->sensed(signals, 20261126);
    world.loop.advance(10'000);
    CHECK(world.events == std::vector<std::string>{"joined p1"});
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    gamer.submit(1, "x");
    CHECK(helper.runner.started == 0);
    CHECK(helper.peer->stats().why == "on battery");
    helper.peer->sensed(away(), 20261126);
    world.loop.settle();
    CHECK(helper.peer->stats().accepts);
    CHECK(helper.runner.started == 1);
    CHECK(gamer.count(Message::kResultDelivery) == 1);
}

TEST_CASE("owner: what runs when the owner comes to stay goes to another peer at once") {
    WireWorld world;
    world.loop.advance(3'600'000'000);
    Helper first(world, "p1", idle());
    first.runner.takes_us = 2'000'000;
    owner::Signals signals = away();
    first.peer->sensed(signals, 20261126);
    world.loop.settle();
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    gamer.submit(1, "x");
    CHECK(first.runner.running() == 1);
    Helper second(world, "p2");

    // At the first sign the gate closes, and the task is kept.
    signals.input_us = world.loop.now_us();
    first.peer->sensed(signals, 20261126);
    world.loop.settle();
    CHECK(first.gate->closed());
    CHECK(first.runner.cancelled == 0);
    CHECK(first.runner.running() == 1);
    CHECK_FALSE(first.peer->stats().accepts);
    CHECK(first.listener.accepts.back().first == false);
    // It lasts.
    world.loop.advance(150'000);
    signals.input_us = world.loop.now_us();
    first.peer->sensed(signals, 20261126);
    world.loop.advance(149'000);
    CHECK(first.runner.cancelled == 0);
    world.loop.advance(1'000);
    CHECK(first.runner.cancelled == 1);
    CHECK(second.runner.started == 1);
    CHECK(gamer.count(Message::kResultDelivery) == 1);
    const auto delivery = gamer.last(Message::kResultDelivery).as<wire::ResultDelivery>();
    CHECK(delivery.status == Status::kOk);
    CHECK(delivery.attempts == 1);  // neither an attempt nor a failure
    CHECK(first.peer->stats().handed_back == 1);
    CHECK(world.coordinator->stats().retries == 0);
    CHECK(world.coordinator->stats().peer_failures == 0);
    // Nothing is placed there any more.
    gamer.submit(2, "y");
    CHECK(first.runner.started == 1);
    CHECK(second.runner.started == 2);
}

TEST_CASE("owner: a bump of the desk pauses what runs and it goes on") {
    WireWorld world;
    world.loop.advance(3'600'000'000);
    Helper helper(world, "p1", idle());
    helper.runner.takes_us = 1'000'000;
    owner::Signals signals = away();
    helper.peer->sensed(signals, 20261126);
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    gamer.submit(1, "x");
    signals.input_us = world.loop.now_us();
    helper.peer->sensed(signals, 20261126);
    CHECK(helper.gate->closed());
    world.loop.advance(300'000);
    CHECK_FALSE(helper.gate->closed());
    CHECK(helper.peer->stats().accepts);
    world.loop.advance(1'000'000);
    CHECK(helper.runner.cancelled == 0);
    CHECK(gamer.count(Message::kResultDelivery) == 1);
    CHECK(helper.peer->stats().handed_back == 0);
}

TEST_CASE(
    "owner: a host that says active gets the machine and a default peer comes back after it") {
    WireWorld world;
    Helper helper(world, "p1");
    helper.runner.takes_us = 10'000'000;
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    gamer.submit(1, "x");
    CHECK(helper.runner.running() == 1);
    helper.peer->say_active(true);
    CHECK(helper.gate->closed());
    CHECK(helper.peer->stats().why == "you are using this machine");
    world.loop.advance(300'000);
    CHECK(helper.runner.cancelled == 1);
    world.loop.advance(1'000'000);
    CHECK_FALSE(helper.peer->stats().accepts);
    helper.peer->say_active(false);
    world.loop.advance(400'000);
    CHECK(helper.peer->stats().accepts);
    CHECK(helper.peer->stats().why.empty());
    CHECK_FALSE(helper.gate->closed());
    CHECK(helper.runner.started == 2);  // the task, once more
}

TEST_CASE("owner: pause hands back what runs at once and resume takes tasks again") {
    WireWorld world;
    Helper first(world, "p1");
    first.runner.takes_us = 10'000'000;
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    gamer.submit(1, "x");
    Helper second(world, "p2");
    first.peer->pause();
    CHECK(first.gate->closed());
    world.loop.settle();
    CHECK(first.runner.cancelled == 1);
    CHECK(gamer.count(Message::kResultDelivery) == 1);
    CHECK(gamer.last(Message::kResultDelivery).as<wire::ResultDelivery>().attempts == 1);
    CHECK(first.peer->stats().why == "this peer is paused");
    first.peer->resume();
    CHECK_FALSE(first.gate->closed());
    second.peer->pause();
    first.runner.takes_us = 0;
    gamer.submit(2, "y");
    world.loop.settle();
    CHECK(gamer.count(Message::kResultDelivery) == 2);
    CHECK(first.runner.started == 2);
}

TEST_CASE("owner: a cap of duty is set at the gate and told with the mode and the reason") {
    WireWorld world;
    world.loop.advance(3'600'000'000);
    owner::Settings settings = idle();
    settings.mode = owner::Mode::kWhileGaming;
    settings.duty_percent = 30;
    Helper helper(world, "p1", settings);
    owner::Signals signals = away();
    signals.fullscreen = true;
    helper.peer->sensed(signals, 20261126);
    world.loop.settle();
    CHECK(helper.peer->stats().duty_percent == 30);
    CHECK(helper.peer->stats().accepts);
    const std::string json = peers_json(world);
    CHECK(json.find(R"("mode":"while_gaming")") != std::string::npos);
    CHECK(json.find(R"("why":"at most 30 % of the time")") != std::string::npos);
    CHECK(json.find(R"("duty_permille":0)") != std::string::npos);
    // A new connection is told all of it anew.
    REQUIRE_FALSE(helper.transport.made.empty());
    helper.transport.made.back()->cut();
    world.loop.advance(3'000'000);
    CHECK(peers_json(world).find(R"("mode":"while_gaming")") != std::string::npos);
}

TEST_CASE("owner: data that is used up ends the helping and the counts are told and kept") {
    WireWorld world;
    world.loop.advance(3'600'000'000);
    owner::Settings settings = idle();
    settings.data_day_bytes = 1'000'000;
    Helper helper(world, "p1", settings);
    helper.peer->sensed(away(), 20261126);
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    // A frame through the fake network counts its payload on both ways.
    const std::string payload(200'000, 'd');
    for (uint64_t task = 1; task <= 10; ++task) {
        gamer.submit(task, payload);
        world.loop.advance(1'000'000);
    }
    const PeerStats& stats = helper.peer->stats();
    CHECK_FALSE(stats.accepts);
    CHECK(stats.why == "the 1 MB of this day are used up");
    CHECK(stats.data_day_bytes == stats.bytes_in + stats.bytes_out);
    CHECK(stats.data_day_bytes >= 1'000'000);
    CHECK(stats.data_day_bytes < 1'500'000);
    CHECK(peers_json(world).find(R"("data_used":)") != std::string::npos);
    const Result<owner::DataBudget> kept = owner::DataBudget::parse(helper.peer->data_text());
    REQUIRE(kept.ok());
    CHECK(kept->day_bytes() == stats.data_day_bytes);
    // Tomorrow is another day.
    helper.peer->sensed(away(), 20261127);
    CHECK(helper.peer->stats().accepts);
}

TEST_CASE("owner: data that is used up by a content hands back the tasks that waited for it") {
    WireWorld world;
    world.loop.advance(3'600'000'000);
    owner::Settings settings = idle();
    settings.data_day_bytes = 1'000'000;
    Helper helper(world, "p1", settings);
    helper.runner.inside = true;
    size_t level_size = 0;
    uint64_t computed = 0;
    SUBCASE("before all of it has come") {
        level_size = 1'200'000;
    }
    SUBCASE("with its last bytes, and the first of them has ended at once") {
        level_size = 1'001'004;
        computed = 1;
    }
    helper.runner.behave = [](const exec::JobSpec&) {
        exec::Output output;
        output.status = Status::kOk;
        return output;
    };
    helper.peer->sensed(away(), 20261126);
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    const std::string level(level_size, 'l');
    const Digest256 digest = sha256({reinterpret_cast<const uint8_t*>(level.data()), level.size()});
    wire::TaskSubmit message;
    message.task_type = "echo";
    message.deadline_us = 4'000'000;
    message.payload_place = 1;
    message.digest = digest_text(digest);
    for (uint64_t task = 1; task <= 3; ++task) gamer.send(Message::kTaskSubmit, task, message);
    const wire::ContentPut put{digest_text(digest), wire::PayloadSizes{0, level.size()}};
    const std::string piece = level.substr(0, level_size / 6);
    gamer.send(Message::kContentPut, kContentIdBit | 1, put, {}, piece, wire::kFlagMore);
    for (int i = 2; i <= 6; ++i) {
        gamer.chunk(Message::kContentPut, kContentIdBit | 1, {}, piece, i == 6);
    }
    world.loop.advance(1'000'000);
    CHECK(helper.runner.started == computed);
    CHECK(gamer.count(Message::kResultDelivery) == computed);
    CHECK(helper.peer->stats().why == "the 1 MB of this day are used up");
    CHECK(helper.peer->stats().running == 0);
    CHECK(world.coordinator->stats().pending_tasks == 3 - computed);
}

TEST_CASE("owner: a peer that nobody limits says nothing of an owner") {
    WireWorld world;
    Helper helper(world, "p1");
    world.loop.advance(5'000'000);
    CHECK(peers_json(world).find("\"mode\"") == std::string::npos);
}
