// A coordinator, peers and a client, the real roles, on a fake loop and network.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/fake_network.h"
#include "roles/client.h"
#include "roles/coordinator.h"
#include "roles/peer.h"
#include "support/fake_net.h"

namespace p2c2r::test {

struct ClusterEvents final : roles::PeerEvents, roles::CoordinatorEvents {
    std::vector<std::string> joined, left, failed;
    std::vector<Status> peer_states;
    void on_peer_state(Status status, const std::string&) override {
        peer_states.push_back(status);
    }
    void on_peer_joined(const std::string& id) override { joined.push_back(id); }
    void on_peer_left(const std::string& id, const std::string&) override { left.push_back(id); }
    void on_peer_failed(const std::string& id, const std::string&) override {
        failed.push_back(id);
    }
};

struct ClusterAnswers : roles::ClientEvents {
    std::map<uint64_t, TaskResult> ended;
    std::map<uint64_t, int> times;
    std::vector<Status> states;
    uint32_t peers = 0;
    void on_task_ended(uint64_t task, TaskResult&& result) override {
        ++times[task];
        result.info = result.info.owned();
        result.data = result.data.owned();
        ended[task] = std::move(result);
    }
    struct Part {
        uint64_t task;
        roles::TaskPart which;
        TaskResult result;
    };
    std::vector<Part> parts;
    std::function<void(const Part&)> on_part;
    void on_task_part(uint64_t task, const roles::TaskPart& which,
                      const TaskResult& result) override {
        CHECK(ended.count(task) == 0);
        CHECK_FALSE(result.data.is_borrowed());
        parts.push_back({task, which, result});
        if (on_part) on_part(parts.back());
    }
    void on_client_state(Status status, const std::string&) override { states.push_back(status); }
    void on_peer_count(uint32_t available, uint32_t) override { peers = available; }
    std::map<uint64_t, std::pair<Status, Bytes>> calls;
    std::map<uint64_t, Bytes> call_data;
    void on_call_done(uint64_t call, const Error* error, Bytes fields, Bytes data) override {
        call_data[call] = std::move(data);
        calls[call] = {error ? error->status : Status::kOk, std::move(fields)};
    }
};

struct PeerNode {
    std::unique_ptr<FakeRunner> runner;
    std::unique_ptr<ClusterEvents> events;
    std::unique_ptr<FakeTransport> transport;
    std::unique_ptr<net::Transport> line;
    std::unique_ptr<roles::Peer> peer;
};

struct Cluster {
    FakeLoop loop;
    FakeRandom random{11};
    ClusterEvents quiet;
    ClusterAnswers answers;
    FakeTransport network{loop};
    FakeRunner coordinator_runner{loop, {"echo"}};
    FakeRunner client_runner{loop, {"echo"}};
    std::unique_ptr<roles::Coordinator> coordinator;
    std::vector<PeerNode> peers;
    std::unique_ptr<roles::Client> client;
    roles::ReconnectOptions reconnect;
    std::shared_ptr<const PayloadCoder> coder;  // of all
    uint64_t lag_us = 0;                        // of the client's line, one way
    net::FakeNetwork peer_line;                 // of each peer that is added from then on
    std::unique_ptr<net::Transport> line;
    uint64_t next_task = 1;
    std::map<uint64_t, TaskSpec> specs;  // the client reads them until their tasks have ended
    roles::CoordinatorOptions options;

    explicit Cluster(bool local = false, roles::CoordinatorOptions with = {})
        : options(std::move(with)) {
        start_coordinator(local);
    }
    ~Cluster() {
        client.reset();
        peers.clear();
        coordinator.reset();
    }
    void start_coordinator(bool local) {
        coordinator = std::make_unique<roles::Coordinator>(loop, network,
                                                           local ? &coordinator_runner : nullptr,
                                                           random, Prng(1), Log(), options, quiet);
        REQUIRE(coordinator->start().ok());
    }
    PeerNode& add_peer(const std::string& id, std::vector<std::string> types = {"echo"},
                       roles::PeerOptions options = {}) {
        PeerNode node;
        node.runner = std::make_unique<FakeRunner>(loop, std::move(types));
        node.events = std::make_unique<ClusterEvents>();
        node.transport = std::make_unique<FakeTransport>(loop);
        node.transport->accept = [this](std::unique_ptr<net::Connection> connection) {
            if (coordinator) coordinator->accept(std::move(connection));
        };
        options.peer_id = id;
        options.reconnect = reconnect;
        options.coder = coder;
        net::Transport* way = node.transport.get();
        if (peer_line.is_any()) {
            node.line = net::make_fake_transport(loop, *node.transport, peer_line, Prng(6));
            way = node.line.get();
        }
        node.peer = std::make_unique<roles::Peer>(loop, *way, *node.runner, random, Prng(2), Log(),
                                                  options, *node.events);
        node.peer->start();
        peers.push_back(std::move(node));
        loop.settle();
        if (peer_line.is_any()) loop.advance(10 * peer_line.lag_us);
        return peers.back();
    }
    void add_client(bool local = false, bool checksum = false, bool start = true) {
        roles::ClientOptions options;
        options.client_id = "gamer";
        options.coordinator.host = "fake";
        options.checksum = checksum;
        options.reconnect = reconnect;
        options.coder = coder;
        if (lag_us > 0) {
            net::FakeNetwork fake;
            fake.lag_us = lag_us;
            line = net::make_fake_transport(loop, network, fake, Prng(5));
        }
        client = std::make_unique<roles::Client>(loop, line ? line.get() : &network,
                                                 local ? &client_runner : nullptr, random, Prng(3),
                                                 Log(), options, answers);
        if (start) client->start();
        loop.settle();
        if (line) loop.advance(10 * lag_us);
    }
    uint64_t submit(const std::string& text, uint64_t deadline_us = 0, const char* type = "echo",
                    Place place = Place::kAuto) {
        TaskSpec& spec = specs[next_task];
        spec.task_type = type;
        spec.data = Bytes::copy(text);
        spec.deadline_us = deadline_us;
        spec.place = place;
        client->submit(next_task, spec);
        return next_task++;
    }
    // A task of a content; `data` is its delta.
    uint64_t submit(std::shared_ptr<const Content> content, Bytes data = {},
                    uint64_t deadline_us = 0) {
        TaskSpec& spec = specs[next_task];
        spec.task_type = "echo";
        spec.content = std::move(content);
        spec.data = std::move(data);
        spec.deadline_us = deadline_us;
        client->submit(next_task, spec);
        return next_task++;
    }
    const TaskResult& result(uint64_t task) {
        REQUIRE(answers.times[task] == 1);
        return answers.ended[task];
    }
};

}  // namespace p2c2r::test
