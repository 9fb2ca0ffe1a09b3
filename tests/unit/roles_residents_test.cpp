// Results that stay, through all roles: their digest comes, tasks go on from them where they are,
// and whoever wants the bytes asks for these.
#include <doctest/doctest.h>

#include "model/patches.h"
#include "model/value_writer.h"
#include "unit/roles_content_tasks.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

constexpr uint64_t kStayMs = 1000;

struct Staying : ContentCluster {
    using ContentCluster::ContentCluster;

    uint64_t ask(std::shared_ptr<const Content> content, const std::string& data, bool stays,
                 Place place = Place::kAuto) {
        TaskSpec& spec = next_spec(std::move(content));
        spec.data = Bytes::copy(data);
        if (stays) spec.flags |= task_flag::kResident;
        spec.place = place;
        return submit_next();
    }
    const TaskResult& ended(uint64_t task) {
        loop.advance(50 * kStayMs);
        return result(task);
    }
    // The result of such a task, of which only the name has come.
    std::shared_ptr<const Content> stay(const std::string& data) {
        const TaskResult& told = ended(ask(nullptr, data, true));
        CHECK(told.status == Status::kOk);
        CHECK(told.data.empty());
        REQUIRE(told.content != nullptr);
        CHECK(told.content->digest == sha256(Bytes::copy(data).span()));
        CHECK(told.content->size() == data.size());
        CHECK(told.content->is_away);
        return told.content;
    }
    std::pair<Status, std::string> get(const Digest256& digest) {
        static uint64_t calls = 1'000'000;
        ValueWriter writer;
        writer.map(1).key("digest").bytes(digest);
        client->call(++calls, "content", writer.take(), 1'000 * kStayMs);
        loop.advance(20 * kStayMs);
        REQUIRE(answers.calls.count(calls) == 1);
        return {answers.calls[calls].first, std::string(answers.call_data[calls].text())};
    }
};

std::string bytes_of(size_t size, char fill = 'r') {
    return std::string(size, fill);
}

CoordinatorOptions keeping(uint64_t bytes) {
    CoordinatorOptions options;
    options.content_bytes_max = bytes;
    return options;
}

}  // namespace

TEST_CASE("residents: the data of a result stay, and their digest and size come") {
    for (const size_t size : {size_t{0}, size_t{100}, size_t{200'000}, size_t{3'000'000}}) {
        CAPTURE(size);
        Staying cluster;
        cluster.add_peer("p1");
        cluster.add_client();
        const uint64_t before = cluster.client->stats().bytes_in;
        cluster.stay(bytes_of(size));
        CHECK(cluster.client->stats().bytes_in - before < 1'000);
        CHECK(cluster.coordinator->stats().content_bytes == size);
        CHECK(cluster.coordinator->stats().payload_bytes_held == size);
    }
}

TEST_CASE("residents: the result's map comes as ever") {
    Staying cluster;
    PeerNode& node = cluster.add_peer("p1");
    node.runner->behave = [](const exec::JobSpec&) {
        exec::Output output;
        output.status = Status::kOk;
        output.info = Bytes::copy(std::string(400'000, 'i'));
        output.data = Bytes::copy(std::string(500'000, 'd'));
        return output;
    };
    cluster.add_client();
    const TaskResult& told = cluster.ended(cluster.ask(nullptr, "x", true));
    CHECK(told.info.size() == 400'000);
    CHECK(told.data.empty());
    REQUIRE(told.content);
    CHECK(told.content->size() == 500'000);
}

TEST_CASE("residents: stages go on from each other's results at the peer that made them") {
    Staying cluster;
    for (const char* id : {"a", "b", "c", "d"}) cluster.add_peer(id);
    for (PeerNode& node : cluster.peers) {
        node.runner->behave = [](const exec::JobSpec& spec) {
            exec::Output output;
            output.status = Status::kOk;
            output.data = Bytes::copy(std::string(spec.data.text()) + "+");
            output.processing_us = 10;
            return output;
        };
    }
    cluster.add_client();
    const std::string input = bytes_of(900'000);
    const auto started = [&] {
        std::vector<uint64_t> all;
        for (const PeerNode& node : cluster.peers) all.push_back(node.runner->started);
        return all;
    };
    std::shared_ptr<const Content> stage;
    std::vector<uint64_t> before;
    for (int i = 0; i < 3; ++i) {
        const TaskResult& told = cluster.ended(cluster.ask(stage, stage ? "" : input, true));
        REQUIRE(told.content);
        stage = told.content;
        if (i == 0) before = started();
    }
    const uint64_t up = cluster.client->stats().bytes_out;
    CHECK(cluster.ended(cluster.ask(stage, "", false)).data.text() == input + "++++");
    CHECK(cluster.client->stats().bytes_out - up < 500);
    // All of them where the first one was, and nothing was brought there.
    const std::vector<uint64_t> after = started();
    int peers = 0;
    for (size_t i = 0; i < after.size(); ++i) {
        if (after[i] > 0) ++peers;
        CHECK(after[i] == 4 * before[i]);
    }
    CHECK(peers == 1);
    CHECK(cluster.coordinator->stats().contents_sent == 0);
    CHECK(cluster.client->stats().contents_sent == 0);
}

TEST_CASE("residents: a lost peer's results are at the coordinator and go to the next one") {
    Staying cluster;
    cluster.add_peer("a");
    cluster.add_client();
    const auto kept = cluster.stay(bytes_of(300'000));
    cluster.add_peer("b");
    cluster.peers[0].peer->close();
    cluster.loop.advance(10 * kStayMs);
    CHECK(cluster.ended(cluster.ask(kept, "", false)).data.text() == bytes_of(300'000));
    CHECK(cluster.coordinator->stats().contents_sent == 1);
}

TEST_CASE("residents: one too large for a peer to keep is brought to it as any content") {
    Staying cluster;
    cluster.add_peer("a");
    cluster.add_client();
    const auto kept = cluster.stay(bytes_of(limits::kOwnResultKeptMax + 1));
    CHECK(cluster.ended(cluster.ask(kept, "", false)).data.size() == kept->size());
    CHECK(cluster.coordinator->stats().contents_sent == 1);
}

TEST_CASE("residents: the bytes come when they are asked for, to their gamer alone") {
    Staying cluster;
    cluster.add_peer("a");
    cluster.add_client();
    const auto small = cluster.stay("small");
    const auto large = cluster.stay(bytes_of(1'000'000));
    CHECK(cluster.get(small->digest) == std::pair(Status::kOk, std::string("small")));
    CHECK(cluster.get(large->digest) == std::pair(Status::kOk, bytes_of(1'000'000)));
    CHECK(cluster.get(Digest256{}).first == Status::kContent);
    ValueWriter writer;
    writer.map(1).key("digest").bytes(small->digest);
    const Bytes arguments = writer.take();
    CHECK(cluster.coordinator->call("content", arguments.span(), nullptr).error().status ==
          Status::kDenied);
}

TEST_CASE("residents: a task that names one which had to give way ends as E_CONTENT") {
    Staying cluster(false, keeping(300'000));
    cluster.add_peer("a");
    cluster.add_client();
    const auto gone = cluster.stay(bytes_of(100'000, 'a'));
    cluster.stay(bytes_of(100'000, 'b'));
    cluster.stay(bytes_of(100'000, 'c'));
    CHECK(cluster.get(gone->digest).first == Status::kContent);
    const TaskResult& told = cluster.ended(cluster.ask(gone, "", false));
    CHECK(told.status == Status::kContent);
    CHECK(told.field == "content");
    CHECK(told.error.find("had to give way") != std::string::npos);
    // Nothing of it is left anywhere.
    cluster.loop.advance(6'000 * kStayMs);
    CHECK(cluster.coordinator->stats().pending_tasks == 0);
    CHECK(cluster.coordinator->stats().payload_bytes_held ==
          cluster.coordinator->stats().content_bytes);
}

TEST_CASE("residents: after a restart of the coordinator they are gone, which is said") {
    Staying cluster;
    cluster.add_peer("a");
    cluster.add_client();
    const auto gone = cluster.stay(bytes_of(100'000));
    cluster.coordinator.reset();
    cluster.start_coordinator(false);
    cluster.loop.advance(3'000 * kStayMs);
    CHECK(cluster.ended(cluster.ask(gone, "", false)).status == Status::kContent);
}

TEST_CASE(
    "residents: while memory is full their bytes do not come, and their gamer may ask again") {
    CoordinatorOptions options;
    options.memory_max = 1'000'000;
    options.content_bytes_max = 1'000'000;  // that is half of the memory
    Staying cluster(false, options);
    PeerNode& node = cluster.add_peer("a");
    cluster.add_client();
    const auto kept = cluster.stay(bytes_of(200'000));
    CHECK(cluster.get(kept->digest) == std::pair(Status::kOk, bytes_of(200'000)));
    // Tasks that wait take what it would take.
    node.runner->takes_us = 100 * kStayMs;
    const std::string input = bytes_of(280'000, 'i');
    const uint64_t first = cluster.ask(nullptr, input, false);
    const uint64_t second = cluster.ask(nullptr, input, false);
    cluster.loop.advance(10 * kStayMs);
    CHECK(cluster.get(kept->digest).first == Status::kBusy);
    cluster.loop.advance(400 * kStayMs);
    CHECK(cluster.result(first).status == Status::kOk);
    CHECK(cluster.result(second).status == Status::kOk);
    CHECK(cluster.get(kept->digest) == std::pair(Status::kOk, bytes_of(200'000)));
}

TEST_CASE("residents: they go with their gamer") {
    Staying cluster;
    cluster.add_peer("a");
    cluster.add_client();
    cluster.stay(bytes_of(100'000));
    CHECK(cluster.coordinator->stats().content_bytes == 100'000);
    cluster.client->close();
    cluster.loop.advance(1 * kStayMs);
    CHECK(cluster.coordinator->stats().content_bytes == 0);
    CHECK(cluster.coordinator->stats().payload_bytes_held == 0);
}

TEST_CASE("residents: one that is dropped is gone, there and for later tasks") {
    Staying cluster;
    cluster.add_peer("a");
    cluster.add_client();
    const auto kept = cluster.stay(bytes_of(100'000));
    cluster.client->put(kept);
    cluster.loop.settle();
    CHECK(cluster.client->stats().contents_sent == 0);
    cluster.client->drop(kept->digest);
    cluster.loop.advance(1 * kStayMs);
    CHECK(cluster.coordinator->stats().content_bytes == 0);
    CHECK(cluster.ended(cluster.ask(kept, "", false)).status == Status::kContent);
}

TEST_CASE("residents: tasks that name one go on when it is dropped, also those that wait here") {
    Staying cluster;
    PeerNode& node = cluster.add_peer("a");
    cluster.add_client();
    const auto kept = cluster.stay(bytes_of(100'000));
    cluster.client->put(kept);
    node.runner->takes_us = 30 * kStayMs;
    const uint64_t before = cluster.ask(nullptr, "x", false);
    const uint64_t there = cluster.ask(kept, "", false);
    cluster.next_spec(kept).depends_on = {before};
    const uint64_t later = cluster.submit_next();
    cluster.client->drop(kept->digest);
    cluster.loop.advance(300 * kStayMs);
    CHECK(cluster.result(there).data.text() == bytes_of(100'000));
    CHECK(cluster.result(later).data.text() == bytes_of(100'000));
    CHECK(cluster.coordinator->stats().content_bytes == 0);
    CHECK(cluster.ended(cluster.ask(kept, "", false)).status == Status::kContent);
}

TEST_CASE("residents: one that is dropped without a connection is gone once there is one") {
    Staying cluster;
    cluster.add_peer("a");
    cluster.add_client();
    const auto kept = cluster.stay(bytes_of(100'000));
    const auto other = cluster.stay(bytes_of(100'000, 'o'));
    cluster.client->put(kept);
    cluster.client->put(other);
    cluster.network.made.back()->cut();
    cluster.client->drop(kept->digest);
    cluster.client->drop(other->digest);
    cluster.client->put(other);
    cluster.loop.advance(3'000 * kStayMs);
    CHECK(cluster.coordinator->stats().content_bytes == 100'000);
    CHECK(cluster.get(kept->digest).first == Status::kContent);
    CHECK(cluster.get(other->digest).first == Status::kOk);
}

TEST_CASE("residents: a gamer that has the bytes as well brings them when they are gone") {
    Staying cluster(false, keeping(300'000));
    cluster.add_peer("a");
    cluster.add_client();
    const std::string data = bytes_of(100'000, 'a');
    const auto away = cluster.stay(data);
    cluster.client->put(content_of(100'000, 'a'));
    cluster.client->put(away);
    cluster.loop.settle();
    cluster.stay(bytes_of(100'000, 'b'));
    cluster.stay(bytes_of(100'000, 'c'));
    CHECK(cluster.get(away->digest).first == Status::kContent);
    CHECK(cluster.ended(cluster.ask(away, "", false)).data.text() == data);
}

TEST_CASE("residents: where nothing is kept, or it finds no room, the result comes whole") {
    for (const uint64_t room : {uint64_t{0}, uint64_t{150'000}}) {
        for (const size_t size : {size_t{100'000}, size_t{700'000}}) {
            CAPTURE(room);
            CAPTURE(size);
            Staying cluster(false, keeping(room));
            cluster.add_peer("a");
            cluster.add_client();
            const TaskResult& told = cluster.ended(cluster.ask(nullptr, bytes_of(size), true));
            CHECK(told.status == Status::kOk);
            CHECK(told.content == nullptr);
            CHECK(told.data.text() == bytes_of(size));
            CHECK(cluster.coordinator->stats().payload_bytes_held == 0);
        }
    }
}

TEST_CASE("residents: what the coordinator computes stays too, and what the gamer does comes") {
    Staying cluster(true);
    cluster.add_client(true);
    cluster.stay("here");
    const TaskResult& own = cluster.ended(cluster.ask(nullptr, "own", true, Place::kLocal));
    CHECK(own.content == nullptr);
    CHECK(own.data.text() == "own");
    // What lies there cannot be used here.
    const auto away = cluster.stay("there");
    const TaskResult& told = cluster.ended(cluster.ask(away, "", false, Place::kLocal));
    CHECK(told.status == Status::kContent);
    CHECK(told.field == "content");
}

TEST_CASE("residents: a delta changes one for its task alone") {
    Staying cluster;
    cluster.add_peer("a");
    cluster.add_client();
    const auto kept = cluster.stay(bytes_of(1'000));
    const std::string text = "seven";
    const Patch one{7, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}};
    const Bytes delta = *pack_patches({&one, 1}, kept->size(), "patches");
    CHECK(cluster.ended(cluster.ask(kept, std::string(delta.text()), false)).data.text() ==
          bytes_of(1'000).replace(7, 5, text));
    CHECK(cluster.ended(cluster.ask(kept, "", false)).data.text() == bytes_of(1'000));
}

TEST_CASE("residents: an answer in chunks that its gamer was away for is told when it is back") {
    Staying cluster;
    PeerNode& node = cluster.add_peer("a");
    node.runner->takes_us = 30 * kStayMs;
    cluster.add_client();
    const uint64_t task = cluster.ask(nullptr, bytes_of(900'000), true);
    cluster.loop.advance(10 * kStayMs);
    cluster.network.made.back()->cut();
    cluster.loop.advance(3'000 * kStayMs);
    const TaskResult& told = cluster.result(task);
    CHECK(told.status == Status::kOk);
    REQUIRE(told.content);
    CHECK(told.content->size() == 900'000);
    CHECK(node.runner->started == 1);
}
