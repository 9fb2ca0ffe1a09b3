// What the coordinator computes itself, and the memory for what comes of it.
#include <doctest/doctest.h>

#include <algorithm>

#include "unit/roles_content_tasks.h"

using namespace p2c2r;
using namespace p2c2r::test;

namespace {

constexpr uint64_t kHereMs = 1000;
constexpr size_t kLevelSize = 200'000;
constexpr uint64_t kTasks = 30;

roles::CoordinatorOptions one_megabyte() {
    roles::CoordinatorOptions options;
    options.memory_max = 1'000'000;
    return options;
}

// The coordinator computes for one gamer, all of whose tasks have the same large content.
struct Here : ContentCluster {
    std::shared_ptr<const Content> level = content_of(kLevelSize, 'l');
    size_t most_at_once = 0;
    uint64_t most_held = 0;

    Here() : ContentCluster(true, one_megabyte()) {
        coordinator_runner.takes_us = 10 * kHereMs;
        add_client();
    }
    void submit_all() {
        for (uint64_t i = 0; i < kTasks; ++i) {
            next_spec(level).deadline_us = 2'000 * kHereMs;
            submit_next();
        }
    }
    bool all_ended(uint64_t within_us) {
        return loop.run_until(
            [&] {
                most_at_once = std::max(most_at_once, coordinator_runner.running());
                most_held = std::max(most_held, coordinator->stats().payload_bytes_held);
                return answers.ended.size() == specs.size();
            },
            within_us);
    }
};

}  // namespace

TEST_CASE("here: tasks whose data is a content run as long as there is memory for their results") {
    Here here;
    here.submit_all();
    CHECK(here.all_ended(1'000 * kHereMs));
    for (const auto& [task, spec] : here.specs) {
        CHECK(here.result(task).status == Status::kOk);
        CHECK(here.result(task).data.size() == kLevelSize);
    }
    CHECK(here.most_at_once == 3);  // and the content itself, within nine tenths of the memory
    CHECK(here.most_held <= here.options.memory_max);
}

TEST_CASE("here: for who does not read one more runs when there is no room, and then none") {
    Here here;
    here.next_spec(here.level);
    here.submit_next();
    CHECK(here.all_ended(1'000 * kHereMs));
    net::Connection& line = *here.network.made.back()->other_end();
    line.pause_reading(true);
    here.submit_all();
    CHECK_FALSE(here.all_ended(1'000 * kHereMs));
    CHECK(here.coordinator_runner.started == 1 + 4);
    CHECK(here.coordinator_runner.running() == 0);
    CHECK(here.most_held <= here.options.memory_max + kLevelSize);
    line.pause_reading(false);
    CHECK(here.all_ended(1'000 * kHereMs));
    for (const auto& [task, spec] : here.specs) CHECK(here.result(task).status == Status::kOk);
}

TEST_CASE("here: what is set aside for a task is free when it is cancelled or over") {
    Here here;
    for (const bool cancelled : {true, false}) {
        CAPTURE(cancelled);
        here.coordinator_runner.takes_us = 100 * kHereMs;
        const uint64_t first = here.next_task;
        for (uint64_t i = 0; i < kTasks; ++i) {
            here.next_spec(here.level).deadline_us = 50 * kHereMs;
            here.submit_next();
        }
        here.loop.advance(10 * kHereMs);
        CHECK(here.coordinator_runner.running() == 3);
        for (uint64_t task = first; cancelled && task < here.next_task; ++task) {
            here.client->cancel(task);
        }
        CHECK(here.all_ended(100 * kHereMs));
        CHECK(here.coordinator_runner.running() == 0);
        CHECK(here.coordinator->stats().payload_bytes_held == kLevelSize);
        // None of it is missing for the next ones.
        here.coordinator_runner.takes_us = 10 * kHereMs;
        for (int i = 0; i < 3; ++i) {
            here.next_spec(here.level).deadline_us = 500 * kHereMs;
            here.submit_next();
        }
        here.loop.advance(5 * kHereMs);
        CHECK(here.coordinator_runner.running() == 3);
        CHECK(here.all_ended(100 * kHereMs));
        CHECK(here.result(here.next_task - 1).status == Status::kOk);
    }
}
