// A coordinator that asks for logins, and gamers of it: the real roles on a fake loop and network.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/value_json.h"
#include "roles/client.h"
#include "roles/coordinator.h"
#include "roles/peer.h"
#include "support/fake_net.h"
#include "support/wire_end.h"

namespace p2c2r::test {

using namespace p2c2r::roles;
using identity::Credentials;

struct Quiet final : CoordinatorEvents, PeerEvents {
    std::vector<std::pair<Status, std::string>> states;
    std::function<void()> joined;
    void on_peer_joined(const std::string&) override {
        if (joined) joined();
    }
    void on_peer_left(const std::string&, const std::string&) override {}
    void on_peer_failed(const std::string&, const std::string&) override {}
    void on_peer_state(Status status, const std::string& text) override {
        states.emplace_back(status, text);
    }
};

struct Answers final : ClientEvents {
    std::map<uint64_t, Status> ended;
    std::map<uint64_t, std::string> errors;
    std::vector<std::pair<Status, std::string>> states;
    std::map<uint64_t, std::pair<Status, Bytes>> calls;
    void on_task_ended(uint64_t task, TaskResult&& result) override {
        ended[task] = result.status;
        errors[task] = result.error;
    }
    void on_client_state(Status status, const std::string& text) override {
        states.emplace_back(status, text);
    }
    void on_peer_count(uint32_t, uint32_t) override {}
    void on_call_done(uint64_t call, const Error* error, Bytes fields, Bytes) override {
        calls[call] = {error ? error->status : Status::kOk, fields.owned()};
    }
};

struct Lines final : LogSink {
    std::vector<std::string> all;
    void write(LogLevel, std::string_view, std::string_view text) override {
        all.emplace_back(text);
    }
};

struct Guarded {
    FakeLoop loop;
    FakeRandom random{5};
    FakeTransport network{loop};
    identity::AccessList access;
    Lines log;
    Quiet quiet;
    FakeRunner here{loop, {"echo"}};
    std::unique_ptr<Coordinator> coordinator;
    std::map<uint64_t, TaskSpec> specs;

    explicit Guarded(identity::AuditLog* audit = nullptr, identity::AccessStore* store = nullptr,
                     ShareLimits share = {})
        : access(store, audit) {
        network.encrypted = true;
        CoordinatorOptions options;
        options.access = &access;
        options.share = share;
        coordinator = std::make_unique<Coordinator>(loop, network, &here, random, Prng(1),
                                                    Log(&log, LogLevel::kWarn), options, quiet);
        REQUIRE(coordinator->start().ok());
    }
    std::shared_ptr<Credentials> enrolled(const std::string& name, identity::Roles roles,
                                          const std::string& owner = "") {
        auto credentials = std::make_shared<Credentials>();
        credentials->key = identity::SigningKey::generate();
        REQUIRE(access.add_key(name, owner, roles, credentials->key->public_key(), {1, 1}).ok());
        return credentials;
    }
    static std::shared_ptr<Credentials> stranger() {
        auto credentials = std::make_shared<Credentials>();
        credentials->key = identity::SigningKey::generate();
        return credentials;
    }
    Result<Bytes> call(const char* name, const char* json) {
        return coordinator->call(name, json_to_value(json)->span(), nullptr);
    }
};

struct GamerNode {
    Answers answers;
    std::unique_ptr<Client> client;

    GamerNode(Guarded& world, std::shared_ptr<const Credentials> credentials,
              const std::string& id = "gamer") {
        ClientOptions options;
        options.client_id = id;
        options.coordinator.host = "fake";
        options.coordinator.credentials = std::move(credentials);
        client = std::make_unique<Client>(world.loop, &world.network, nullptr, world.random,
                                          Prng(3), Log(), options, answers);
        client->start();
        world.loop.settle();
    }
};

struct HelperNode {
    FakeRunner runner;
    Quiet events;
    std::unique_ptr<Peer> peer;

    HelperNode(Guarded& world, std::shared_ptr<const Credentials> credentials,
               const std::string& id, Circle accepted = Circle::kInvited)
        : runner(world.loop, {"echo"}) {
        PeerOptions options;
        options.peer_id = id;
        options.coordinator.host = "fake";
        options.coordinator.credentials = std::move(credentials);
        options.circle_accepted = accepted;
        peer = std::make_unique<Peer>(world.loop, world.network, runner, world.random, Prng(4),
                                      Log(), options, events);
        peer->start();
        world.loop.settle();
    }
};

inline const identity::Roles kGamer{true, false, false};
inline const identity::Roles kPeer{false, true, false};

}  // namespace p2c2r::test
