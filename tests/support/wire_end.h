// One end of the protocol in a test's hands: shakes hands with a coordinator on a FakeLoop, keeps
// what it is sent, and sends what no client and no peer of ours would.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "roles/coordinator.h"
#include "support/fake_net.h"
#include "wire/codec.h"

namespace p2c2r::test {

class WireEnd final : public net::ConnectionEvents {
  public:
    struct Got {
        wire::Message message{};
        uint8_t flags = 0;
        uint64_t id = 0;
        std::vector<uint8_t> envelope;
        std::string params;
        std::string data;

        // The strings in it point into `envelope`.
        template <class Envelope>
        [[nodiscard]] Envelope as() const {
            Envelope out;
            const char* why = wire::decode(envelope, out);
            if (why) throw std::runtime_error(why);
            return out;
        }
        [[nodiscard]] bool more() const { return flags & wire::kFlagMore; }
    };

    // Of a role in the coordinator's process: the operator's.
    WireEnd(FakeLoop& loop, roles::Coordinator& coordinator)
        : WireEnd(loop, [&](std::unique_ptr<net::Connection> far) {
              coordinator.accept(std::move(far));
          }) {}
    WireEnd(FakeLoop& loop, const net::Transport::Accept& accept) : loop_(loop) {
        auto [near, far] = FakeConnection::pair(loop);
        near_ = std::move(near);
        far_ = far.get();
        near_->set_events(this);
        accept(std::move(far));
    }
    // Of somebody who logs in.
    WireEnd(FakeLoop& loop, const net::Transport::Accept& accept, const identity::Token& token)
        : WireEnd(loop, accept) {
        token_.assign(token.begin(), token.end());
        login_.login_method = static_cast<uint32_t>(identity::LoginMethod::kToken);
        login_.token = token_;
    }
    WireEnd(const WireEnd&) = delete;
    WireEnd& operator=(const WireEnd&) = delete;

    // ---- hello and registration
    wire::RegisterResponse join_gamer(const std::string& client_id,
                                      std::optional<Nonce> resume = std::nullopt) {
        hello(Role::kGamer);
        wire::GamerRegister message;
        message.client_id = client_id;
        message.login = login_;
        message.login.resume = resume;
        send(wire::Message::kGamerRegister, 0, message);
        return registered(wire::Message::kGamerRegisterResponse);
    }
    wire::RegisterResponse join_peer(wire::PeerRegister message) {
        hello(Role::kPeer);
        message.login = login_;
        send(wire::Message::kPeerRegister, 0, message);
        return registered(wire::Message::kPeerRegisterResponse);
    }
    wire::RegisterResponse join_peer(const std::string& peer_id, uint32_t slots = 2) {
        wire::PeerRegister message;
        message.peer_id = peer_id;
        message.capabilities.task_types = {"echo"};
        message.slots = slots;
        message.window_tasks = slots;
        message.window_bytes = 256u << 20;
        return join_peer(std::move(message));
    }
    void hello(Role role) {
        wire::Hello message;
        message.versions = {wire::kProtocolVersion};
        message.role = role;
        send(wire::Message::kHello, 0, message);
    }

    // ---- sending; what was sent has arrived when these return
    template <class Envelope>
    void send(wire::Message message, uint64_t id, const Envelope& envelope,
              std::string_view params = {}, std::string_view data = {}, uint8_t flags = 0) {
        wire::encode(envelope, envelope_);
        near_->send_copy(message, flags, id, envelope_.span(), bytes(params), bytes(data));
        loop_.settle();
    }
    // A later frame of a payload in chunks.
    void chunk(wire::Message message, uint64_t id, std::string_view params, std::string_view data,
               bool last) {
        near_->send_copy(message, last ? 0 : wire::kFlagMore, id, {}, bytes(params), bytes(data));
        loop_.settle();
    }
    void submit(uint64_t id, std::string_view data, uint64_t deadline_us = 4'000'000) {
        wire::TaskSubmit message;
        message.task_type = "echo";
        message.deadline_us = deadline_us;
        send(wire::Message::kTaskSubmit, id, message, {}, data);
    }
    // The first frame of an input in chunks.
    void submit_first(uint64_t id, wire::PayloadSizes sizes, std::string_view params,
                      std::string_view data, uint64_t deadline_us = 4'000'000) {
        wire::TaskSubmit message;
        message.task_type = "echo";
        message.deadline_us = deadline_us;
        message.sizes = sizes;
        send(wire::Message::kTaskSubmit, id, message, params, data, wire::kFlagMore);
    }
    // Answers an assignment.
    void answer(const Got& assign, std::string_view data, Status status = Status::kOk) {
        wire::TaskResult message;
        message.attempt = assign.as<wire::TaskAssign>().attempt;
        message.status = status;
        send(wire::Message::kTaskResult, assign.id, message, {}, data);
    }
    // The first frame of a result in chunks.
    void answer_first(const Got& assign, wire::PayloadSizes sizes, std::string_view params,
                      std::string_view data) {
        wire::TaskResult message;
        message.attempt = assign.as<wire::TaskAssign>().attempt;
        message.sizes = sizes;
        send(wire::Message::kTaskResult, assign.id, message, params, data, wire::kFlagMore);
    }

    // ---- what came
    [[nodiscard]] bool closed() const { return closed_; }
    [[nodiscard]] std::vector<Got> all(wire::Message message) const {
        std::vector<Got> found;
        for (const Got& one : got) {
            if (one.message == message) found.push_back(one);
        }
        return found;
    }
    [[nodiscard]] size_t count(wire::Message message) const { return all(message).size(); }
    // The last one; there must be one.
    [[nodiscard]] Got last(wire::Message message) const {
        const std::vector<Got> found = all(message);
        if (found.empty()) throw std::runtime_error(wire::message_name(message));
        return found.back();
    }
    std::deque<Got> got;

    // Goes away: the coordinator hears of it now.
    void cut() {
        far_->cut();
        loop_.settle();
    }
    FakeConnection& connection() { return *near_; }
    // The coordinator's end of it.
    FakeConnection& far() { return *far_; }

  private:
    void on_frame(net::Connection&, const wire::Frame& frame) override {
        const auto text = [](std::span<const uint8_t> part) {
            return std::string(part.begin(), part.end());
        };
        got.push_back({frame.message,
                       frame.flags,
                       frame.id,
                       {frame.envelope.begin(), frame.envelope.end()},
                       text(frame.params),
                       text(frame.data)});
    }
    void on_closed(net::Connection&, Status, const std::string&) override { closed_ = true; }

    wire::RegisterResponse registered(wire::Message message) {
        return last(message).as<wire::RegisterResponse>();
    }
    static std::span<const uint8_t> bytes(std::string_view text) {
        return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
    }

    FakeLoop& loop_;
    std::unique_ptr<FakeConnection> near_;
    FakeConnection* far_;
    wire::EnvelopeBuffer envelope_;
    std::string token_;
    wire::Login login_;
    bool closed_ = false;
};

}  // namespace p2c2r::test
