// What the whole process takes, beside the budget that counts announced payloads: the real role on
// a fake clock, and a process whose size the test decides.
#include <doctest/doctest.h>

#include <array>

#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

constexpr uint64_t kMax = 1'000'000;

struct Process {
    uint64_t in_use = 0;
    unsigned looks = 0;
    [[nodiscard]] CoordinatorOptions options() {
        CoordinatorOptions options;
        options.local_execution = false;
        options.in_use_max = kMax;
        options.in_use = [this] {
            ++looks;
            return in_use;
        };
        return options;
    }
};

// A coordinator in it, and a peer with so many slots.
struct Machine {
    Process process;
    WireWorld world{process.options()};
    WireEnd peer = world.end();
    explicit Machine(uint32_t slots = 16) { peer.join_peer("p", slots); }
};

const std::string kLarge(10'000, 'a');

}  // namespace

TEST_CASE("process: what it really takes refuses at 90 %, however little has been announced") {
    Machine machine;
    auto& [process, world, peer] = machine;
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    process.in_use = 895'000;
    gamer.submit(1, kLarge);
    REQUIRE(gamer.count(Message::kResultDelivery) == 1);
    const WireEnd::Got got = gamer.last(Message::kResultDelivery);
    const auto refused = got.as<wire::ResultDelivery>();
    CHECK(refused.status == Status::kBusy);
    CHECK(refused.field == "memory");
    CHECK(refused.retry_after_ms > 0);
    CHECK(world.coordinator->stats().refused_memory == 1);
    // Small ones take nothing worth a look.
    gamer.submit(2, "x");
    CHECK(peer.count(Message::kTaskAssign) == 1);
    process.in_use = 700'000;
    world.loop.advance(1'000);
    gamer.submit(3, kLarge);
    CHECK(peer.count(Message::kTaskAssign) == 2);
    CHECK_FALSE(gamer.closed());
}

TEST_CASE("process: less urgent tasks that wait give way to what takes its memory") {
    Machine machine(1);
    auto& [process, world, peer] = machine;
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    gamer.submit(1, kLarge);  // begun, so it stays
    gamer.submit(2, kLarge);
    world.loop.advance(20'000);
    process.in_use = 895'000;
    wire::TaskSubmit urgent;
    urgent.task_type = "echo";
    urgent.deadline_us = 4'000'000;
    urgent.priority = 9;
    gamer.send(Message::kTaskSubmit, 3, urgent, {}, kLarge);
    REQUIRE(gamer.count(Message::kResultDelivery) >= 1);
    CHECK(gamer.all(Message::kResultDelivery).front().id == 2);
    CHECK(world.coordinator->stats().shed_tasks == 1);
}

TEST_CASE("process: beyond its limit those with the most of a frame that is not whole are closed") {
    Machine machine;
    auto& [process, world, peer] = machine;
    std::array<WireEnd, 4> gamers{world.end(), world.end(), world.end(), world.end()};
    for (size_t i = 0; i < gamers.size(); ++i) gamers[i].join_gamer("g" + std::to_string(i));
    const uint64_t now = world.loop.now_us();
    gamers[0].far().begin_frame({50'000, 200'000, now});
    gamers[1].far().begin_frame({150'000, 200'000, now});
    gamers[2].far().begin_frame({100'000, 200'000, now});
    // Within it nobody is.
    process.in_use = kMax;
    gamers[3].submit(1, kLarge);
    for (const WireEnd& gamer : gamers) CHECK_FALSE(gamer.closed());
    process.in_use = kMax + 200'000;
    world.loop.advance(1'000);
    gamers[3].submit(2, kLarge);
    CHECK(gamers[1].closed());
    CHECK(gamers[2].closed());
    CHECK_FALSE(gamers[0].closed());
    CHECK_FALSE(gamers[3].closed());
    CHECK(gamers[1].last(Message::kGoodbye).as<wire::Goodbye>().status == Status::kBusy);
    CHECK(world.coordinator->stats().closed_for_memory == 2);
}

TEST_CASE("process: it is looked at once a turn") {
    Machine machine;
    auto& [process, world, peer] = machine;
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    for (uint64_t id = 1; id <= 5; ++id) gamer.submit(id, kLarge);
    CHECK(process.looks == 1);
    world.loop.advance(1);
    gamer.submit(6, kLarge);
    CHECK(process.looks == 2);
}

TEST_CASE("process: the rest of a refused task's chunks takes no memory") {
    Machine machine;
    auto& [process, world, peer] = machine;
    WireEnd gamer = world.end();
    WireEnd other = world.end();
    gamer.join_gamer("gamer");
    other.join_gamer("other");
    const size_t size = limits::kChunkSizeMax;
    process.in_use = kMax;
    gamer.submit_first(1, {0, kLarge.size() + size}, {}, kLarge);
    REQUIRE(gamer.count(Message::kResultDelivery) == 1);
    uint8_t* const place = gamer.far().place_of(Message::kTaskSubmit, 1, size);
    REQUIRE(place);
    CHECK(other.far().place_of(Message::kTaskSubmit, 7, size) == place);
    gamer.chunk(Message::kTaskSubmit, 1, {}, std::string(size, 'b'), true);
    CHECK_FALSE(gamer.closed());
    // What is wanted has a place of its own, and so has everything else.
    process.in_use = 0;
    world.loop.advance(1'000);
    gamer.submit_first(2, {0, kLarge.size() + size}, {}, kLarge);
    CHECK(gamer.far().place_of(Message::kTaskSubmit, 2, size) == nullptr);
    CHECK(gamer.far().place_of(Message::kContentPut, 1, size) == nullptr);
    CHECK(gamer.far().place_of(Message::kTaskSubmit, 1, size + 1) == nullptr);
    CHECK(peer.far().place_of(Message::kTaskResult, 1, size) == nullptr);
}
