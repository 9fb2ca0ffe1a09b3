// The peer role against a scripted coordinator: what it offers, and which tasks it begins.
#include <doctest/doctest.h>

#include <map>

#include "roles/least_times.h"
#include "roles/peer.h"
#include "roles_scripted.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

std::vector<std::string> names(size_t count, size_t length) {
    std::vector<std::string> list;
    for (size_t i = 0; i < count; ++i) {
        std::string name = "type" + std::to_string(i) + "-";
        name.resize(length, 'x');
        list.push_back(std::move(name));
    }
    return list;
}

class ChangingRunner : public FakeRunner {
  public:
    using FakeRunner::FakeRunner;
    std::vector<std::string> types;
    uint64_t changes = 1;
    std::vector<std::string> task_types() const override { return types; }
    uint64_t revision() const override { return changes; }
};

struct Listener : ScriptedDoor {
    size_t registrations = 0;
    size_t envelope_size = 0;
    std::vector<std::string> offered;

    void on_frame(net::Connection&, const wire::Frame& frame) override {
        if (frame.message == wire::Message::kPeerRegister) {
            wire::PeerRegister message;
            REQUIRE(decode(frame.envelope, message) == nullptr);
            offered = message.capabilities.task_types;
            envelope_size = frame.envelope.size();
            ++registrations;
        }
        answer(frame);
    }
};

struct Quiet final : PeerEvents {
    void on_peer_state(Status, const std::string&) override {}
};

}  // namespace

TEST_CASE("peer: an offer that a coordinator would not read is refused before it is sent") {
    PeerOptions options;
    CHECK(check_offer(options, names(64, 20)).ok());
    CHECK(check_offer(options, {}).ok());
    for (const auto& types : {names(64, 63), names(65, 10)}) {
        const Result<Done> refused = check_offer(options, types);
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().status == Status::kLimit);
        CHECK(refused.error().field == "task_types");
        CHECK(refused.error().text.find(std::to_string(types.size())) != std::string::npos);
    }
    // The rest of what a peer says of itself counts as well.
    size_t length = 64;
    while (!check_offer(options, names(64, length)).ok()) --length;
    options.peer_id = std::string(128, 'p');
    options.capabilities.location = std::string(128, 'l');
    options.capabilities.gpu_model = std::string(128, 'g');
    options.codec_class = std::string(32, 'c');
    CHECK_FALSE(check_offer(options, names(64, length)).ok());
}

TEST_CASE("peer: executors that come later are offered as far as they fit and never too many") {
    FakeLoop loop;
    FakeRandom random{7};
    FakeTransport network{loop};
    ChangingRunner runner{loop, {"echo"}};
    Listener coordinator;
    Quiet quiet;
    network.accept = [&](std::unique_ptr<net::Connection> connection) {
        coordinator.connection = std::move(connection);
        coordinator.connection->set_events(&coordinator);
    };
    runner.types = {"echo", "mine"};
    PeerOptions options;
    options.withheld_types = {"echo"};
    Peer peer(loop, network, runner, random, Prng(1), Log(), options, quiet);
    peer.start();
    loop.settle();
    CHECK(coordinator.offered == std::vector<std::string>{"mine"});
    for (const auto& types : {names(64, 63), names(200, 10), names(1, 10)}) {
        runner.types = types;
        ++runner.changes;
        const size_t before = coordinator.registrations;
        loop.advance(3'000'000);  // the next heartbeat
        CHECK(coordinator.registrations == before + 1);
        CHECK(coordinator.envelope_size <= limits::kEnvelopeSizeMaxBeforeLogin);
        CHECK(coordinator.offered.size() <= limits::kTaskTypesPerPeerMax);
        CHECK(coordinator.offered.size() >= std::min<size_t>(types.size(), 40));
        for (size_t i = 0; i < coordinator.offered.size(); ++i) {
            CHECK(coordinator.offered[i] == types[i]);
        }
    }
    coordinator.connection->set_events(nullptr);
}

TEST_CASE("peer: a second start changes nothing and between two tries neither") {
    FakeLoop loop;
    FakeRandom random{7};
    FakeTransport network{loop};
    FakeRunner runner{loop, {"echo"}};
    Listener coordinator;
    Quiet quiet;
    network.reachable = false;
    network.accept = [&](std::unique_ptr<net::Connection> connection) {
        coordinator.connection = std::move(connection);
        coordinator.connection->set_events(&coordinator);
    };
    Peer peer(loop, network, runner, random, Prng(1), Log(), {}, quiet);
    peer.start();
    loop.advance(1'000);  // the first try has failed, the next one waits
    network.reachable = true;
    peer.start();
    loop.settle();
    CHECK(coordinator.registrations == 0);
    loop.advance(500'000);
    peer.start();
    loop.advance(500'000);
    CHECK(coordinator.registrations == 1);
    CHECK(peer.stats().connected);
    coordinator.connection->set_events(nullptr);
}

namespace {

// Gives tasks of 20 ms to a peer with one slot.
struct TimedWorld : Listener {
    static constexpr uint64_t kTakesUs = 20'000;
    FakeLoop loop;
    FakeRandom random{7};
    FakeTransport network{loop};
    FakeRunner runner{loop, {"echo"}};
    Quiet quiet;
    Peer peer{loop, network, runner, random, Prng(1), Log(), {}, quiet};
    std::map<uint64_t, Status> answers;
    std::map<uint64_t, std::string> errors;
    uint64_t last = 0;

    explicit TimedWorld(uint64_t way_us = 0) {
        network.delay_us = way_us;
        runner.takes_us = kTakesUs;
        runner.at_once = 1;
        runner.behave = [](const exec::JobSpec&) {
            exec::Output output;
            output.status = Status::kOk;
            output.processing_us = kTakesUs;
            return output;
        };
        network.accept = [this](std::unique_ptr<net::Connection> arriving) {
            connection = std::move(arriving);
            connection->set_events(this);
        };
        peer.start();
        loop.advance(500'000);
        REQUIRE(peer.stats().connected);
    }
    ~TimedWorld() {
        connection->set_events(nullptr);
        connection.reset();  // before the loop that it is on
    }
    void on_frame(net::Connection& from, const wire::Frame& frame) override {
        if (frame.message != wire::Message::kTaskResult) return Listener::on_frame(from, frame);
        wire::TaskResult result;
        REQUIRE(decode(frame.envelope, result) == nullptr);
        answers[frame.id] = result.status;
        errors[frame.id] = std::string(result.error);
    }
    uint64_t assign(uint64_t deadline_us) {
        wire::TaskAssign message;
        message.task_type = "echo";
        message.deadline_us = deadline_us;
        encode(message, envelope);
        send(wire::Message::kTaskAssign, ++last);
        loop.settle();
        return last;
    }
    // What each of them takes is known then.
    void teach() {
        for (uint32_t i = 0; i < LeastTimes::kWindow; ++i) {
            const uint64_t task = assign(10 * kTakesUs);
            loop.advance(kTakesUs);
            REQUIRE(answers.at(task) == Status::kOk);
        }
    }
};

}  // namespace

TEST_CASE("peer: a task that has less time than any has taken of late is not begun") {
    TimedWorld world;
    const uint64_t unknown = world.assign(TimedWorld::kTakesUs / 2);
    world.loop.advance(TimedWorld::kTakesUs);
    CHECK(world.answers.at(unknown) == Status::kOk);  // nothing is known yet
    world.teach();
    const uint64_t begun = world.runner.started;
    const uint64_t late = world.assign(TimedWorld::kTakesUs - 1);
    CHECK(world.answers.at(late) == Status::kDeadline);
    CHECK(world.errors.at(late) == "it could not be done by its deadline any more");
    CHECK(world.runner.started == begun);
    const uint64_t just = world.assign(TimedWorld::kTakesUs + 1);
    world.loop.advance(TimedWorld::kTakesUs);
    CHECK(world.answers.at(just) == Status::kOk);
}

TEST_CASE("peer: a task without an id is a breach and costs the connection") {
    TimedWorld world;
    world.last = UINT64_MAX;  // the next one is 0
    CHECK(world.assign(1'000'000) == 0);
    CHECK_FALSE(world.peer.stats().connected);
    CHECK(world.answers.empty());
    world.loop.advance(2'000'000);
    CHECK(world.peer.stats().connected);  // to a new one
}

TEST_CASE("peer: a task whose answer could not be back by its deadline is not begun") {
    constexpr uint64_t kWayUs = 1'000;
    TimedWorld world(kWayUs);
    for (uint32_t i = 0; i < LeastTimes::kWindow; ++i) {
        const uint64_t task = world.assign(10 * TimedWorld::kTakesUs);
        world.loop.advance(TimedWorld::kTakesUs + 3 * kWayUs);
        REQUIRE(world.answers.at(task) == Status::kOk);
    }
    const uint64_t begun = world.runner.started;
    const uint64_t late = world.assign(TimedWorld::kTakesUs + 2 * kWayUs - 1);
    world.loop.advance(3 * kWayUs);
    CHECK(world.answers.at(late) == Status::kDeadline);
    CHECK(world.runner.started == begun);
    const uint64_t just = world.assign(TimedWorld::kTakesUs + 2 * kWayUs + 1);
    world.loop.advance(TimedWorld::kTakesUs + 3 * kWayUs);
    CHECK(world.answers.at(just) == Status::kOk);
    // A greeting that took long says little: no more than an eighth is left for it.
    constexpr uint64_t kLongWayUs = 15'000;
    TimedWorld slow(kLongWayUs);
    for (uint32_t i = 0; i < LeastTimes::kWindow; ++i) {
        const uint64_t task = slow.assign(10 * TimedWorld::kTakesUs);
        slow.loop.advance(TimedWorld::kTakesUs + 3 * kLongWayUs);
        REQUIRE(slow.answers.at(task) == Status::kOk);
    }
    const uint64_t tight = slow.assign(TimedWorld::kTakesUs * 9 / 8 + 1);
    slow.loop.advance(TimedWorld::kTakesUs + 3 * kLongWayUs);
    CHECK(slow.answers.at(tight) == Status::kOk);
}

TEST_CASE("peer: a task whose time has run out while it waited there is not begun") {
    TimedWorld world;
    world.teach();
    const uint64_t first = world.assign(10 * TimedWorld::kTakesUs);
    const uint64_t second = world.assign(TimedWorld::kTakesUs * 3 / 2);
    world.loop.advance(3 * TimedWorld::kTakesUs);
    CHECK(world.answers.at(first) == Status::kOk);
    CHECK(world.answers.at(second) == Status::kDeadline);
}

TEST_CASE("peer: what tasks took is forgotten after a second without one") {
    TimedWorld world;
    world.teach();
    world.loop.advance(LeastTimes::kForgetUs + 1);
    const uint64_t task = world.assign(TimedWorld::kTakesUs - 1);
    world.loop.advance(TimedWorld::kTakesUs);
    CHECK(world.answers.at(task) == Status::kOk);
}

TEST_CASE("peer: the least time is that of the last windows and of each type by itself") {
    LeastTimes times;
    uint64_t now = 1;
    const auto took = [&](const char* type, uint64_t us, uint32_t count) {
        for (uint32_t i = 0; i < count; ++i) times.took(type, us, now += 10);
    };
    took("a", 100, 1);
    took("a", 300, LeastTimes::kWindow - 2);
    CHECK(times.of("a", now) == 0);
    took("a", 300, 1);
    CHECK(times.of("a", now) == 100);
    CHECK(times.of("b", now) == 0);
    took("b", 7, LeastTimes::kWindow);
    CHECK(times.of("b", now) == 7);
    CHECK(times.of("a", now) == 100);
    took("a", 300, LeastTimes::kWindow - 1);
    CHECK(times.of("a", now) == 100);
    took("a", 300, LeastTimes::kWindow + 1);
    CHECK(times.of("a", now) == 300);
    took("untimed", 0, LeastTimes::kWindow);
    CHECK(times.of("untimed", now) == 0);
}
