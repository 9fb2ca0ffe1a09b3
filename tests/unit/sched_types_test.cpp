// The table of task types: whoever joins brings names of its own, and none fills it for good.
#include <doctest/doctest.h>

#include <algorithm>

#include "sched_world.h"

using namespace p2c2r;
using namespace p2c2r::sched;

namespace {

std::vector<std::string> names(const char* prefix, size_t count) {
    std::vector<std::string> all;
    for (size_t i = 0; i < count; ++i) all.push_back(prefix + std::to_string(i));
    return all;
}

// So many names that nobody needs any more.
void fill(World& world, size_t count = limits::kTaskTypesMax) {
    const std::vector<std::string> all = names("old", count);
    std::vector<Action> actions;
    world.scheduler.peer_left(world.join("filler", 1, 1, all), false, world.now, actions);
}

}  // namespace

TEST_CASE("types: a name that nobody needs gives its place to the next one") {
    World world;
    fill(world);
    REQUIRE(world.scheduler.types_count() == limits::kTaskTypesMax);
    CHECK(world.scheduler.types_in_use() == 0);
    const std::vector<std::string> fresh = names("new", limits::kTaskTypesMax);
    CHECK(world.scheduler.without_place(fresh) == nullptr);
    world.join("p1", 1, 4, fresh);
    for (const std::string& name : fresh) {
        const TypeIndex type = world.scheduler.find_type(name);
        REQUIRE(type != kNoType);
        CHECK(world.scheduler.type_name(type) == name);
        CHECK(world.scheduler.ever_served(type));
    }
    CHECK(world.scheduler.find_type("old0") == kNoType);
    CHECK(world.scheduler.types_replaced() == limits::kTaskTypesMax);
    CHECK(world.scheduler.types_in_use() == limits::kTaskTypesMax);
    world.admit(1'000'000, 0, false, "new7");
    const std::vector<Action> actions = world.dispatch();
    REQUIRE(actions.size() == 1);
    CHECK(actions[0].kind == Action::Kind::kAssign);
}

TEST_CASE("types: what a peer runs, a task has or the contract names keeps its place") {
    World world;
    world.scheduler.keep_types({{"kept"}});
    const uint64_t task = world.admit(1'000'000, 0, false, "pending");
    const uint64_t peer = world.join("paused", 1, 0, {"served"});
    const uint64_t own = world.join("own", 1, 4, {"limited"}, 1, Circle::kOwn);
    fill(world, limits::kTaskTypesMax - 4);
    CHECK(world.scheduler.types_in_use() == 4);

    std::vector<std::string> fresh = names("new", limits::kTaskTypesMax - 3);
    const std::string* const lost = world.scheduler.without_place(fresh);
    REQUIRE(lost != nullptr);
    CHECK(*lost == fresh.back());
    // Those that are there, and one that is named twice, need none.
    fresh.back() = "kept";
    fresh.push_back("new0");
    CHECK(world.scheduler.without_place(fresh) == nullptr);

    world.join("p1", 1, 4, fresh);
    for (const char* name : {"kept", "pending", "served", "limited"}) {
        CAPTURE(name);
        CHECK(world.scheduler.find_type(name) != kNoType);
    }
    CHECK(world.scheduler.types_replaced() == limits::kTaskTypesMax - 4);
    CHECK(world.scheduler.type_index("more") == kNoType);
    CHECK(world.scheduler.without_place({"more"}) != nullptr);

    // As soon as one of them is needed no more there is a place.
    std::vector<Action> actions;
    const char* gone = "pending";
    SUBCASE("the task") {
        world.scheduler.withdraw(task, world.now, actions);
    }
    SUBCASE("the peer") {
        world.scheduler.peer_left(peer, false, world.now, actions);
        gone = "served";
    }
    SUBCASE("its owner's machine") {
        world.scheduler.peer_left(own, false, world.now, actions);
        gone = "limited";
    }
    CHECK(world.scheduler.without_place({"more"}) == nullptr);
    CHECK(world.scheduler.type_index("more") != kNoType);
    CHECK(world.scheduler.find_type(gone) == kNoType);
}

TEST_CASE("types: a peer's own names do not take each other's places") {
    World world;
    fill(world);
    // Old ones and new ones in turn; all the old ones are known, and nobody runs them now.
    std::vector<std::string> mixed;
    for (size_t i = 0; i < limits::kTaskTypesMax / 2; ++i) {
        mixed.push_back("new" + std::to_string(i));
        mixed.push_back("old" + std::to_string(i));
    }
    CHECK(world.scheduler.without_place(mixed) == nullptr);
    const uint64_t peer = world.join("p1", 1, 4, mixed);
    std::vector<std::string> runs;
    for (const Learned& learned : world.scheduler.peers().find(peer)->learned) {
        runs.push_back(world.scheduler.type_name(learned.type));
    }
    CHECK(runs == mixed);
}

TEST_CASE("types: a new name inherits nothing that was learned under its number") {
    World world;
    const uint64_t peer = world.join("p1", 1, 4, {"old"});
    const TypeIndex type = world.scheduler.find_type("old");
    world.admit(1'000'000, 0, false, "old");
    const std::vector<Action> given = world.dispatch();
    world.now += 1'000;
    world.answer(given[0]);
    REQUIRE(world.scheduler.mean_compute_us(type) > 0);
    world.scheduler.peer_left(peer, false, world.now, world.actions);
    fill(world, limits::kTaskTypesMax - 1);
    std::vector<std::string> fresh = names("new", limits::kTaskTypesMax);
    world.join("p2", 1, 4, fresh);
    CHECK(world.scheduler.type_name(type) != "old");
    CHECK(world.scheduler.mean_compute_us(type) == 0);
}
