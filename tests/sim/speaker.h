// A script's end of the protocol: connects, shakes hands, registers and keeps the beat, and leaves
// everything else to the script. For what the real roles never do.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sim/node.h"
#include "wire/codec.h"

namespace p2c2r::sim {

class Speaker : public Node, private net::ConnectionEvents {
  public:
    Speaker(Stage& stage, Prng prng, const std::string& name, Checkers::Kind kind,
            RunnerOptions runner, Role role);
    ~Speaker() override = default;

  protected:
    // What the script is told, in a turn of its node.
    virtual void on_ready() = 0;
    virtual void on_message(const wire::Frame& frame) = 0;
    virtual void on_lost() = 0;
    virtual wire::Message write_registration(const wire::Login& login,
                                             wire::EnvelopeBuffer& out) = 0;
    // Before the handshake is done. True: the script has sent something else instead.
    virtual bool spoil_handshake() { return false; }

    void connect();
    // Gives the connection up; `politely` with a goodbye.
    void drop(bool politely);
    void forget_secret() { resume_.reset(); }
    [[nodiscard]] bool ready() const { return ready_; }
    [[nodiscard]] SimConnection* connection() { return connection_.get(); }
    void send(wire::Message message, uint64_t id, const Bytes& params = {}, const Bytes& data = {},
              uint8_t flags = 0) {
        connection_->send(message, flags, id, envelope_.span(), params, data);
    }
    // A later frame of a payload in chunks.
    void send_chunk(wire::Message message, uint64_t id, const Bytes& data, bool last) {
        connection_->send(message, last ? 0 : wire::kFlagMore, id, {}, {}, data);
    }

    wire::EnvelopeBuffer envelope_;

  private:
    void create() override { connect(); }
    void close() override { drop(true); }
    void destroy() override;

    void on_frame(net::Connection& connection, const wire::Frame& frame) override;
    void on_closed(net::Connection& connection, Status status, const std::string& why) override;
    void connected(Result<std::unique_ptr<net::Connection>> result);
    void lost();
    void beat();

    const Role role_;
    std::unique_ptr<net::Transport::Attempt> attempt_;
    std::unique_ptr<SimConnection> connection_;
    std::optional<Nonce> resume_;
    Nonce nonce_{};  // of this connection's hello
    net::Timer beat_timer_;
    net::Timer retry_timer_;
    uint64_t beat_us_ = 1'000'000;
    uint64_t heard_us_ = 0;
    bool greeted_ = false;
    bool ready_ = false;
};

}  // namespace p2c2r::sim
