// A client on a fake loop, and a coordinator that says what the test wants.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "roles/client.h"
#include "support/fake_net.h"
#include "wire/codec.h"

namespace p2c2r::test {

using namespace p2c2r::roles;

struct ScriptedAnswers : ClientEvents {
    std::map<uint64_t, TaskResult> ended;
    std::vector<Status> states;
    void on_task_ended(uint64_t task, TaskResult&& result) override {
        CHECK(ended.count(task) == 0);
        result.info = result.info.owned();
        result.data = result.data.owned();
        ended[task] = std::move(result);
    }
    void on_client_state(Status status, const std::string&) override { states.push_back(status); }
    void on_peer_count(uint32_t, uint32_t) override {}
    void on_call_done(uint64_t, const Error*, Bytes, Bytes) override {}
};

// Its end of a connection: lets everybody in, whichever role it has.
struct ScriptedDoor : net::ConnectionEvents {
    std::unique_ptr<net::Connection> connection;
    wire::EnvelopeBuffer envelope;
    uint64_t window_bytes = 0;

    // True: it was one of the two with which everybody begins, and is answered.
    bool answer(const wire::Frame& frame) {
        if (frame.message == wire::Message::kHello) {
            wire::HelloResponse response;
            response.version = wire::kProtocolVersion;
            response.login_methods = {0};
            encode(response, envelope);
            send(wire::Message::kHelloResponse, 0);
            return true;
        }
        const bool is_peer = frame.message == wire::Message::kPeerRegister;
        if (!is_peer && frame.message != wire::Message::kGamerRegister) return false;
        wire::RegisterResponse response;
        response.success = true;
        response.window_bytes = window_bytes;
        is_peer ? encode_peer_response(response, envelope)
                : encode_gamer_response(response, envelope);
        send(is_peer ? wire::Message::kPeerRegisterResponse : wire::Message::kGamerRegisterResponse,
             0);
        return true;
    }
    void on_closed(net::Connection&, Status, const std::string&) override {}
    void send(wire::Message message, uint64_t id) {
        connection->send_copy(message, 0, id, envelope.span(), {}, {});
    }
};

// And keeps what is submitted.
struct ScriptedCoordinator : ScriptedDoor {
    std::vector<uint64_t> submitted;
    std::optional<Status> refuse;      // what every task is told
    std::vector<uint8_t> last_submit;  // its envelope
    uint64_t submit_frames = 0;

    void on_frame(net::Connection&, const wire::Frame& frame) override {
        if (answer(frame)) return;
        if (frame.message == wire::Message::kTaskSubmit) {
            ++submit_frames;
            if (frame.envelope.empty()) return;
            submitted.push_back(frame.id);
            last_submit.assign(frame.envelope.begin(), frame.envelope.end());
            if (!refuse) return;
            wire::ResultDelivery delivery;
            delivery.status = *refuse;
            encode(delivery, envelope);
            send(wire::Message::kResultDelivery, frame.id);
        }
    }
};

struct ScriptedWorld {
    FakeLoop loop;
    FakeRandom random{5};
    FakeTransport network{loop};
    FakeRunner runner{loop, {"echo"}};
    ScriptedAnswers answers;
    ScriptedCoordinator coordinator;
    ClientOptions options;
    std::unique_ptr<Client> client;

    ScriptedWorld() {
        options.client_id = "gamer";
        options.coordinator.host = "fake";
        network.accept = [this](std::unique_ptr<net::Connection> connection) {
            coordinator.connection = std::move(connection);
            coordinator.connection->set_events(&coordinator);
        };
    }
    ~ScriptedWorld() {
        client.reset();
        coordinator.connection.reset();
    }
    void start(bool local = false) {
        client = std::make_unique<Client>(loop, &network, local ? &runner : nullptr, random,
                                          Prng(3), Log(), options, answers);
        client->start();
        loop.settle();
    }
    void submit(uint64_t task, uint64_t deadline_us = 1'000'000) {
        TaskSpec spec;
        spec.task_type = "echo";
        spec.deadline_us = deadline_us;
        submit(task, std::move(spec));
    }
    // The client reads it until the task has ended.
    void submit(uint64_t task, TaskSpec&& spec) {
        client->submit(task, specs[task] = std::move(spec));
    }
    std::map<uint64_t, TaskSpec> specs;
    const TaskResult& result(uint64_t task) {
        REQUIRE(answers.ended.count(task) == 1);
        return answers.ended[task];
    }
};

}  // namespace p2c2r::test
