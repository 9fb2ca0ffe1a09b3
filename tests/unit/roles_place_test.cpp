// Tasks that leave their place to the client, over the three real roles on a fake loop and a line
// of a given rate and delay: where they end up, what it costs, and what goes wrong on the way.
#include <doctest/doctest.h>

#include <functional>
#include <map>

#include "model/layer_fit.h"
#include "model/value.h"
#include "net/fake_network.h"
#include "roles/client.h"
#include "roles/coordinator.h"
#include "roles/peer.h"
#include "support/fake_net.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

struct PlaceEvents final : PeerEvents, CoordinatorEvents, ClientEvents {
    std::map<uint64_t, TaskResult> ended;
    std::map<uint64_t, int> times;
    Bytes fields;  // of the last call
    void on_peer_state(Status, const std::string&) override {}
    void on_peer_joined(const std::string&) override {}
    void on_peer_left(const std::string&, const std::string&) override {}
    void on_peer_failed(const std::string&, const std::string&) override {}
    void on_task_ended(uint64_t task, TaskResult&& result) override {
        ++times[task];
        result.info = result.info.owned();
        result.data = result.data.owned();
        ended[task] = std::move(result);
        if (ends) ends(task);
    }
    std::function<void(uint64_t)> ends;
    void on_client_state(Status, const std::string&) override {}
    void on_peer_count(uint32_t, uint32_t) override {}
    void on_call_done(uint64_t, const Error* error, Bytes with, Bytes) override {
        REQUIRE_FALSE(error);
        fields = with.owned();
    }
};

// A runner that says what its jobs took.
struct TimedRunner : FakeRunner {
    Status fails = Status::kOk;
    TimedRunner(FakeLoop& loop, std::vector<std::string> types, uint64_t takes)
        : FakeRunner(loop, std::move(types)) {
        takes_us = takes;
        behave = [this](const exec::JobSpec& spec) {
            exec::Output output;
            output.status = fails;
            output.data = spec.data.owned();
            output.processing_us = takes_us;
            return output;
        };
    }
};

struct PlaceWorld {
    FakeLoop loop;
    FakeRandom random{11};
    PlaceEvents events;
    FakeTransport network{loop};
    FakeTransport peer_network{loop};
    std::shared_ptr<net::FakeNetwork> fake_line;
    std::unique_ptr<net::Transport> line;
    TimedRunner peer_runner{loop, {"layer"}, 2'000};
    TimedRunner client_runner{loop, {"layer"}, 10'000};
    std::unique_ptr<Coordinator> coordinator;
    std::unique_ptr<Peer> peer;
    std::unique_ptr<Client> client;
    uint64_t next_task = 1;
    std::map<uint64_t, TaskSpec> specs;

    explicit PlaceWorld(const net::FakeNetwork& fake, bool by_worth = true) {
        coordinator = std::make_unique<Coordinator>(loop, network, nullptr, random, Prng(1), Log(),
                                                    CoordinatorOptions{}, events);
        REQUIRE(coordinator->start().ok());
        peer_network.accept = [this](std::unique_ptr<net::Connection> connection) {
            coordinator->accept(std::move(connection));
        };
        PeerOptions helper;
        helper.peer_id = "helper";
        peer = std::make_unique<Peer>(loop, peer_network, peer_runner, random, Prng(2), Log(),
                                      helper, events);
        peer->start();
        fake_line = std::make_shared<net::FakeNetwork>(fake);
        line = net::make_fake_transport(loop, network, fake_line, Prng(5));
        ClientOptions options;
        options.client_id = "gamer";
        options.coordinator.host = "fake";
        options.place_by_worth = by_worth;
        client = std::make_unique<Client>(loop, line.get(), &client_runner, random, Prng(3), Log(),
                                          options, events);
        client->start();
        loop.advance(1'000'000);
        REQUIRE(client->stats().connected);
    }
    ~PlaceWorld() {
        client.reset();
        peer.reset();
        coordinator.reset();
    }
    uint64_t submit(size_t size, Place place = Place::kAuto) {
        const uint64_t task = next_task++;
        TaskSpec& spec = specs[task];
        spec.task_type = "layer";
        spec.data = Bytes::copy(std::string(size, 'x'));
        spec.deadline_us = 2'000'000;
        spec.place = place;
        client->submit(task, spec);
        return task;
    }
    // Frames of a game; who answered the last of them.
    Source play(int frames, size_t size, Place place = Place::kAuto) {
        uint64_t task = 0;
        for (int i = 0; i < frames; ++i) {
            task = submit(size, place);
            loop.advance(16'667);
        }
        loop.advance(3'000'000);
        REQUIRE(events.times[task] == 1);
        CHECK(events.ended[task].status == Status::kOk);
        return events.ended[task].source;
    }
    Value placement() {
        client->call(9'999'999, "placement", {}, 0);
        const Result<Value> map = parse_params(events.fields.span());
        REQUIRE(map.ok());
        return *map;
    }
    std::string why() {
        const Value map = placement();
        for (const Value type : map.find("types")->items()) {
            return std::string(*type.find("text")->text());
        }
        return "";
    }
};

net::FakeNetwork line_of(double up_mbps, double down_mbps, uint64_t one_way_us) {
    net::FakeNetwork fake;
    fake.lag_us = one_way_us;
    fake.up_bytes_s = static_cast<uint64_t>(up_mbps * 125'000);
    fake.down_bytes_s = static_cast<uint64_t>(down_mbps * 125'000);
    return fake;
}

}  // namespace

TEST_CASE("places: what loses over a home link stays here, and the same over a fast one is sent") {
    struct Row {
        const char* name;
        net::FakeNetwork line;
        size_t size;
        uint64_t here_us;
        Source source;
        uint64_t late = 0;  // until that was learned
    };
    for (const Row& row :
         {Row{"small and light at home", line_of(10, 50, 10'000), 2'000, 10'000, Source::kLocal},
          Row{"small and light beside", line_of(1'000, 1'000, 500), 2'000, 10'000, Source::kPeer},
          Row{"small and heavy at home", line_of(10, 50, 10'000), 2'000, 60'000, Source::kPeer},
          Row{"large and heavy at home", line_of(10, 50, 10'000), 140'000, 60'000, Source::kLocal,
              20},
          Row{"large and heavy beside", line_of(1'000, 1'000, 500), 140'000, 60'000,
              Source::kPeer}}) {
        CAPTURE(row.name);
        PlaceWorld world(row.line);
        world.client_runner.takes_us = row.here_us;
        CHECK(world.play(240, row.size) == row.source);
        const ClientStats& stats = world.client->stats();
        CHECK(stats.submitted == 240);
        CHECK(stats.completed + stats.failed == 240);
        CHECK(stats.failed <= row.late);
        CHECK((stats.kept_here > 120) == (row.source == Source::kLocal));
        CHECK(stats.trials <= 240 / 64 + 5);
        CHECK(stats.trials > 0);
        CHECK(world.why().find(row.source == Source::kLocal ? "keep here: " : "send: ") == 0);
        for (const auto& [task, times] : world.events.times) CHECK(times == 1);
    }
}

TEST_CASE("places: a task that says where it goes, or a client that was told so, is left alone") {
    PlaceWorld world(line_of(10, 50, 50'000));
    CHECK(world.play(100, 2'000, Place::kRemote) == Source::kPeer);
    CHECK(world.client_runner.started == 0);
    CHECK(world.play(100, 2'000, Place::kLocal) == Source::kLocal);
    CHECK(world.peer_runner.started == 100);
    CHECK(world.client->stats().trials == 0);
    CHECK(world.client->stats().kept_here == 0);
    PlaceWorld off(line_of(10, 50, 50'000), false);
    CHECK(off.play(100, 2'000) == Source::kPeer);
    CHECK(off.client_runner.started == 0);
}

TEST_CASE("places: a trial delays no answer, and its own is told to nobody") {
    PlaceWorld world(line_of(1'000, 1'000, 500));
    world.client_runner.takes_us = 900'000;
    CHECK(world.play(100, 2'000) == Source::kPeer);
    CHECK(world.client->stats().trials > 0);
    CHECK(world.client_runner.started == world.client->stats().trials);
    CHECK(world.events.ended.size() == 100);
    for (const auto& [task, result] : world.events.ended) CHECK(result.total_us < 10'000);
}

TEST_CASE(
    "places: one trial at a time, also for a gamer who asks for the next frame in an answer") {
    PlaceWorld world(line_of(1, 1, 20'000));
    world.client_runner.inside = true;
    world.client_runner.takes_us = 0;
    world.client_runner.behave = [](const exec::JobSpec& spec) {
        exec::Output output;
        output.status = Status::kOk;
        output.data = spec.data.owned();
        output.processing_us = 100;
        return output;
    };
    // Sizes that are placed each by itself; the larger ones are asked for inside the answers.
    uint64_t inside = 0;
    world.events.ends = [&](uint64_t task) {
        if (task % 2 == 0 || inside >= 2'000) return;
        ++inside;
        world.submit(3'000 << (inside % 5));
    };
    for (int i = 0; i < 2'000; ++i) {
        if (world.next_task % 2 == 0) ++world.next_task;
        world.submit(2'000);
        world.loop.advance(16'667);
    }
    world.loop.advance(3'000'000);
    CHECK(inside > 1'000);
    CHECK(world.client->stats().trials > 4);
    for (const auto& [task, times] : world.events.times) {
        CHECK(task < world.next_task);
        CHECK(times == 1);
    }
}

TEST_CASE("places: a kept task that fails here is sent, and further ones with it") {
    PlaceWorld world(line_of(10, 50, 30'000));
    CHECK(world.play(240, 2'000) == Source::kLocal);
    world.client_runner.fails = Status::kDevice;
    const uint64_t task = world.submit(2'000);
    world.loop.advance(1'000'000);
    CHECK(world.events.ended[task].status == Status::kOk);
    CHECK(world.events.ended[task].source == Source::kPeer);
    CHECK(world.play(10, 2'000) == Source::kPeer);
    CHECK(world.why() == "send: the last try on this machine failed");
}

TEST_CASE("places: what no helper can do any more is kept, and tried there now and then") {
    PlaceWorld world(line_of(1'000, 1'000, 500));
    world.client_runner.takes_us = 60'000;
    CHECK(world.play(100, 2'000) == Source::kPeer);
    world.peer_runner.fails = Status::kDevice;
    CHECK(world.play(100, 2'000) == Source::kLocal);
    CHECK(world.why() == "keep here: the last try at a helper failed");
    world.peer_runner.fails = Status::kOk;
    world.play(200, 2'000);
    CHECK(world.play(100, 2'000) == Source::kPeer);
}

TEST_CASE("places: a client that is closed while a trial runs tells its tasks alone") {
    PlaceWorld world(line_of(1'000, 1'000, 500));
    world.client_runner.takes_us = 900'000;
    for (int i = 0; i < 60 && world.client_runner.running() == 0; ++i) {
        world.submit(2'000);
        world.loop.advance(16'667);
    }
    REQUIRE(world.client_runner.running() == 1);
    const uint64_t task = world.submit(2'000);
    const size_t before = world.events.ended.size();
    world.client->close();
    CHECK(world.events.ended.size() == before + 1);
    CHECK(world.events.ended[task].status == Status::kClosed);
}

TEST_CASE("places: a lost connection sends what was away again, and keeps what is here") {
    PlaceWorld world(line_of(10, 50, 30'000));
    CHECK(world.play(240, 2'000) == Source::kLocal);
    const uint64_t started = world.peer_runner.started;
    world.client_runner.takes_us = 400'000;
    const uint64_t kept = world.submit(2'000);
    const uint64_t forced = world.submit(2'000, Place::kRemote);
    world.network.made.back()->cut();
    world.loop.advance(3'000'000);
    CHECK(world.events.ended[kept].source == Source::kLocal);
    CHECK(world.events.ended[forced].source == Source::kPeer);
    CHECK(world.peer_runner.started <= started + 2);  // the forced one, and a trial
}

TEST_CASE("places: what stays here does so without a connection as well") {
    PlaceWorld world(line_of(10, 50, 30'000));
    CHECK(world.play(240, 2'000) == Source::kLocal);
    world.network.reachable = false;
    world.network.made.back()->cut();
    world.loop.advance(100'000);
    REQUIRE_FALSE(world.client->stats().connected);
    const uint64_t task = world.submit(2'000);
    world.loop.advance(15'000);  // 10 of them are computing
    CHECK(world.events.ended[task].source == Source::kLocal);
}

namespace {

// A game that asks for layers as fine and as often as its client says that the line carries.
struct LayerGame : PlaceWorld {
    LayerFitCase layer;
    LayerFit fit;
    uint64_t next_us = 0;
    uint64_t look_us = 0;

    LayerGame() : PlaceWorld(line_of(50, 50, 10'000)) {
        layer.bytes = {2'000, 0, 200, 115'200};
        peer_runner.behave = [](const exec::JobSpec& spec) {
            exec::Output output;
            output.status = Status::kOk;
            output.data = Bytes::copy(std::string(std::stoul(std::string(spec.data.text())), 'l'));
            output.processing_us = 2'000;
            return output;
        };
    }
    void look() {
        const Value map = placement();
        const Value link = *map.find("link");
        const auto mbps = [&](const char* key) {
            const std::optional<Value> known = link.find(key);
            return known ? known->number().value_or(0) * 1e6 : 0;
        };
        layer.budget.measured_up_bits_per_s = mbps("up_mbps");
        layer.budget.measured_down_bits_per_s = mbps("down_mbps");
        fit = fit_layer(layer);
    }
    void ask() {
        const auto size =
            static_cast<size_t>(200 + 115'200 / static_cast<size_t>(fit.divisor * fit.divisor));
        TaskSpec& spec = specs[next_task];
        spec.task_type = "layer";
        std::string input = std::to_string(size) + " bytes";
        input.resize(2'000, ' ');
        spec.data = Bytes::copy(input);
        spec.deadline_us = 100'000;
        spec.place = Place::kRemote;
        client->submit(next_task++, spec);
    }
    // How many of the tasks of so much time came too late.
    double play(double seconds) {
        const uint64_t first = next_task;
        const uint64_t until_us = loop.now_us() + static_cast<uint64_t>(seconds * 1e6);
        while (loop.now_us() < until_us) {
            if (loop.now_us() >= look_us) {
                look();
                look_us = loop.now_us() + 100'000;
            }
            if (loop.now_us() >= next_us) {
                ask();
                next_us = loop.now_us() + static_cast<uint64_t>(1e6 / fit.rate);
            }
            loop.advance(1'000);
        }
        uint64_t late = 0;
        for (uint64_t task = first; task < next_task; ++task) {
            if (events.times[task] == 0) continue;  // on its way
            CHECK(events.times[task] == 1);
            late += events.ended[task].status == Status::kOk ? 0 : 1;
        }
        return static_cast<double>(late) / static_cast<double>(next_task - first);
    }
};

}  // namespace

TEST_CASE("places: layers shrink on a line of 4 Mbit/s and grow when it is free again") {
    LayerGame game;
    CHECK(game.play(3) == 0);
    const double whole = game.fit.down_bits_per_s;
    CHECK(whole > 13e6);
    CHECK_FALSE(game.placement().find("link")->find("down_mbps"));
    game.fake_line->up_bytes_s = game.fake_line->down_bytes_s = 500'000;
    game.play(2);
    CHECK(game.fit.down_bits_per_s < 4e6);
    game.play(4);  // until what waits on the line is through
    CHECK(game.play(20) < 0.1);
    CHECK(game.fit.down_bits_per_s < 4e6);
    game.fake_line->up_bytes_s = game.fake_line->down_bytes_s = 0;
    game.play(20);
    CHECK(game.fit.down_bits_per_s == whole);
    CHECK(game.play(5) == 0);
}

TEST_CASE(
    "places: placement says how many bytes are acknowledged and how many wait, by worth or not") {
    for (const bool by_worth : {true, false}) {
        CAPTURE(by_worth);
        PlaceWorld world(line_of(0.256, 50, 10'000), by_worth);
        const auto bytes = [&](const char* key) {
            const Value map = world.placement();
            const std::optional<Value> sending = map.find("sending");
            REQUIRE(sending);
            return static_cast<uint64_t>(sending->find(key)->integer().value_or(-1));
        };
        const uint64_t before = bytes("acknowledged_bytes");
        CHECK(bytes("unacknowledged_bytes") == 0);
        world.submit(12'000, Place::kRemote);
        CHECK(bytes("unacknowledged_bytes") >= 12'000);
        CHECK(bytes("acknowledged_bytes") == before);
        world.loop.advance(1'000'000);
        CHECK(bytes("unacknowledged_bytes") == 0);
        CHECK(bytes("acknowledged_bytes") >= before + 12'000);
    }
    PlaceWorld alone(line_of(1, 1, 0));
    alone.client->close();
    alone.loop.advance(1'000'000);
    CHECK_FALSE(alone.placement().find("sending"));
}
