// Who holds the data of a task gets it, through all roles: chains over one content stay where that
// is, and "explain" tells so.
#include <doctest/doctest.h>

#include "model/value_json.h"
#include "unit/roles_content_tasks.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

constexpr uint64_t kMs = 1000;

// Peers of one slot on lines of 1 MB/s, 1 ms long each way.
struct HomeLines : ContentCluster {
    HomeLines() {
        peer_line.lag_us = 1 * kMs;
        peer_line.down_bytes_s = 1'000'000;
    }
    PeerNode& add(const char* id, uint64_t takes_us) {
        PeerOptions one_slot;
        one_slot.slots = 1;
        add_peer(id, {"echo"}, one_slot);
        set_pace(peers.size() - 1, takes_us);
        loop.advance(100 * kMs);
        return peers.back();
    }
    void set_pace(size_t at, uint64_t takes_us) {
        FakeRunner& runner = *peers[at].runner;
        runner.at_once = 1;
        runner.takes_us = takes_us;
        runner.behave = [takes_us](const exec::JobSpec& spec) {
            exec::Output output;
            output.status = Status::kOk;
            output.data = spec.data.owned();
            output.processing_us = takes_us;
            return output;
        };
    }
    static std::shared_ptr<const Content> level(size_t size, char fill = 'l') {
        return content_of(size, fill);
    }
    // What "tasks" says of those that are pending.
    std::string pending() {
        const Result<Bytes> answer =
            coordinator->call("tasks", json_to_value("{}")->span(), nullptr);
        REQUIRE(answer.ok());
        return *value_to_json(answer->span());
    }
    uint64_t ask(const std::shared_ptr<const Content>& content, std::vector<uint64_t> after = {}) {
        TaskSpec& spec = next_spec(content);
        spec.deadline_us = 4'000 * kMs;
        spec.depends_on = std::move(after);
        return submit_next();
    }
    void warm_up(int tasks) {
        for (int i = 0; i < tasks; ++i) ask(nullptr);
        loop.advance(3'000 * kMs);
    }
    [[nodiscard]] std::vector<uint64_t> started() const {
        std::vector<uint64_t> all;
        for (const PeerNode& node : peers) all.push_back(node.runner->started);
        return all;
    }
};

}  // namespace

TEST_CASE("residence: a chain of three stages over one content stays on one peer of four") {
    HomeLines cluster;
    cluster.add("a", 5 * kMs);
    cluster.add_client();
    const auto level = HomeLines::level(500'000);
    cluster.client->put(level);
    const uint64_t first = cluster.ask(level);
    cluster.loop.advance(2'000 * kMs);
    CHECK(cluster.result(first).status == Status::kOk);
    // The others are faster, and idle, and known to be so.
    for (const char* id : {"b", "c", "d"}) cluster.add(id, 2 * kMs);
    cluster.warm_up(24);
    const std::vector<uint64_t> before = cluster.started();
    for (const uint64_t count : before) CHECK(count > 0);
    // Geometry, lighting, post: the whole chain is submitted at once.
    std::vector<uint64_t> stages = {cluster.ask(level)};
    for (int stage = 1; stage < 3; ++stage) stages.push_back(cluster.ask(level, {stages.back()}));
    cluster.loop.advance(60 * kMs);
    for (const uint64_t stage : stages) CHECK(cluster.result(stage).status == Status::kOk);
    std::vector<uint64_t> expected = before;
    expected[0] += 3;
    CHECK(cluster.started() == expected);
    CHECK(cluster.coordinator->stats().contents_sent == 1);
}

TEST_CASE("residence: chains over contents at different peers each stay where theirs is") {
    HomeLines cluster;
    cluster.add("a", 5 * kMs);
    cluster.add("b", 5 * kMs);
    cluster.add_client();
    cluster.warm_up(8);
    const std::shared_ptr<const Content> levels[] = {HomeLines::level(400'000, 'x'),
                                                     HomeLines::level(400'000, 'y')};
    // At the same time: the second one goes to the other peer, which is as fast.
    for (const auto& level : levels) cluster.ask(level);
    cluster.loop.advance(3'000 * kMs);
    CHECK(cluster.coordinator->stats().contents_sent == 2);
    const std::vector<uint64_t> before = cluster.started();
    for (int round = 0; round < 5; ++round) {
        for (const auto& level : levels) cluster.ask(level);
        cluster.loop.advance(20 * kMs);
    }
    CHECK(cluster.coordinator->stats().contents_sent == 2);
    std::vector<uint64_t> expected = before;
    for (uint64_t& count : expected) count += 5;
    CHECK(cluster.started() == expected);
}

TEST_CASE("residence: the explanation tells who has the data and what it needs for it") {
    HomeLines cluster;
    cluster.add("a", 50 * kMs);
    cluster.add_client();
    const auto level = HomeLines::level(250'000);
    cluster.ask(level);
    cluster.loop.advance(10 * kMs);
    // Of a line that nothing large has shown yet 100 Mbit/s are believed.
    CHECK(cluster.pending().find("; needs 20.0 ms for the data") != std::string::npos);
    cluster.ask(level);
    cluster.loop.advance(1 * kMs);
    CHECK(cluster.pending().find("; the data is on its way there") != std::string::npos);
    cluster.loop.advance(3'000 * kMs);
    cluster.ask(level);
    cluster.loop.advance(10 * kMs);
    CHECK(cluster.pending().find("; it has the data") != std::string::npos);
    cluster.loop.advance(3'000 * kMs);
    // The first one has shown that line.
    const auto next = HomeLines::level(250'000, 'n');
    cluster.ask(next);
    cluster.loop.advance(10 * kMs);
    CHECK(cluster.pending().find("; needs 25") != std::string::npos);
    cluster.loop.advance(3'000 * kMs);
    cluster.ask(nullptr);
    cluster.loop.advance(10 * kMs);
    CHECK(cluster.pending().find("the data") == std::string::npos);
}

TEST_CASE("residence: a busy holder's tasks go to a second peer that gets the data once") {
    HomeLines cluster;
    cluster.add("a", 100 * kMs);
    cluster.add_client();
    const auto level = HomeLines::level(200'000);
    cluster.ask(level);
    cluster.loop.advance(3'000 * kMs);
    cluster.add("b", 100 * kMs);
    cluster.warm_up(6);
    const std::vector<uint64_t> before = cluster.started();
    std::vector<uint64_t> tasks;
    for (int i = 0; i < 10; ++i) tasks.push_back(cluster.ask(level));
    cluster.loop.advance(3'000 * kMs);
    for (const uint64_t task : tasks) CHECK(cluster.result(task).status == Status::kOk);
    const std::vector<uint64_t> after = cluster.started();
    CHECK(after[0] - before[0] >= 4);
    CHECK(after[1] - before[1] >= 3);
    CHECK(cluster.coordinator->stats().contents_sent == 2);
}

TEST_CASE("residence: who has dropped its content unsaid gets it anew and the tasks are right") {
    HomeLines cluster;
    PeerOptions small;
    small.content_bytes_max = 250'000;
    cluster.add_peer("a", {"echo"}, small);
    cluster.add_client();
    const auto one = HomeLines::level(200'000, 'x');
    const auto other = HomeLines::level(200'000, 'y');
    for (int round = 0; round < 3; ++round) {
        for (const auto& level : {one, other}) {
            const uint64_t task = cluster.ask(level);
            cluster.loop.advance(2'000 * kMs);
            CHECK(cluster.result(task).data.text() == level->bytes.text());
        }
    }
    CHECK(cluster.coordinator->stats().contents_sent == 6);
}
