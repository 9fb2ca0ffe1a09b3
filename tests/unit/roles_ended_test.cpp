// What the coordinator remembers of a gamer's tasks that have ended.
#include <doctest/doctest.h>

#include <cstdint>

#include "roles/coordinator_records.h"

using p2c2r::roles::EndedTasks;

TEST_CASE("ended tasks: how the last ones of them ended is known, and no more of them") {
    EndedTasks ended;
    CHECK(ended.find(1) == nullptr);
    for (uint64_t task = 1; task <= EndedTasks::kMost; ++task) ended.add(task, task % 2 == 0);
    for (uint64_t task = 1; task <= EndedTasks::kMost; ++task) {
        const bool* const good = ended.find(task);
        REQUIRE(good != nullptr);
        CHECK(*good == (task % 2 == 0));
    }
    for (uint64_t more = 1; more <= 3; ++more) ended.add(EndedTasks::kMost + more, true);
    for (uint64_t gone = 1; gone <= 3; ++gone) CHECK(ended.find(gone) == nullptr);
    CHECK(ended.find(4) != nullptr);
    CHECK(ended.find(EndedTasks::kMost + 3) != nullptr);
}

TEST_CASE("ended tasks: of a task that was submitted again its last end counts") {
    EndedTasks ended;
    ended.add(7, false);
    ended.add(7, true);
    REQUIRE(ended.find(7) != nullptr);
    CHECK(*ended.find(7));
    for (uint64_t task = 100; task < 100 + EndedTasks::kMost - 2; ++task) ended.add(task, true);
    ended.add(7, false);
    REQUIRE(ended.find(7) != nullptr);
    CHECK_FALSE(*ended.find(7));
}
