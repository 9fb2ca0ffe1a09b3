// Link: the kept connection of a client or peer to its coordinator. Hello, registration,
// heartbeats, reconnecting with capped exponential backoff and jitter, and resuming the session;
// shared by both roles. Where the coordinator may be at several places, a try is a round of all of
// them, which begins at the one that answered last and has no waits in between.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/crypto.h"
#include "core/log.h"
#include "core/prng.h"
#include "identity/login.h"
#include "net/loop.h"
#include "net/transport.h"
#include "roles/client.h"
#include "wire/codec.h"

namespace p2c2r::roles {

class LinkEvents {
  public:
    // Registration message to send: envelope and its number. `login` is filled in by the link.
    virtual wire::Message registration(const wire::Login& login, wire::EnvelopeBuffer& out) = 0;
    // The id it registers under: what a login signs.
    [[nodiscard]] virtual const std::string& link_id() const = 0;
    // Connected and registered.
    virtual void on_link_ready(const wire::RegisterResponse& response) = 0;
    // Any frame that the link does not handle itself. False: the other side broke the protocol;
    // `why`.
    virtual bool on_link_frame(const wire::Frame& frame, const char*& why) = 0;
    virtual uint8_t* on_link_place(wire::Message message, uint64_t id, size_t size) = 0;
    virtual void on_link_writable() = 0;
    // What a heartbeat says.
    virtual void fill_heartbeat(wire::Heartbeat& beat) = 0;
    // Lost; another try follows unless `given_up`.
    virtual void on_link_lost(Status status, const std::string& why, bool given_up) = 0;

  protected:
    ~LinkEvents() = default;
};

class Link final : private net::ConnectionEvents {
  public:
    Link(net::Loop& loop, net::Transport& transport, RandomSource& random, Prng prng, Log log,
         Role role, Endpoint endpoint, ReconnectOptions options, LinkEvents& events);
    ~Link();

    void start();
    // Says goodbye and stops trying; no further event.
    void close(Status status, const std::string& text);
    [[nodiscard]] bool ready() const { return phase_ == Phase::kReady; }
    // Valid while ready().
    net::Connection& connection() { return *connection_; }
    // "host:port" of the place that it is connected to or tries next.
    [[nodiscard]] std::string where() const;
    [[nodiscard]] uint64_t reconnects() const { return reconnects_; }
    [[nodiscard]] uint64_t bytes_in() const;
    [[nodiscard]] uint64_t bytes_out() const;
    [[nodiscard]] uint64_t last_heard_us() const { return last_heard_us_; }
    // What hello and its answer took on this connection: a round trip of the link.
    [[nodiscard]] uint64_t greeting_us() const { return greeting_us_; }
    // What a handshake that is not done yet has shown of the link; "" where there is none.
    [[nodiscard]] std::string handshake_so_far() const;
    // Ends the connection because the other side broke the protocol; tries again.
    void fail(Status status, const std::string& why);

  private:
    enum class Phase { kIdle, kConnecting, kHello, kRegister, kReady, kClosed };

    void on_frame(net::Connection& connection, const wire::Frame& frame) override;
    // One that is the link's own affair, or comes before it is ready.
    void on_own_frame(const wire::Frame& frame);
    void fail_frame(const char* why);
    uint8_t* place_data(net::Connection& connection, wire::Message message, uint64_t id,
                        size_t size) override;
    void on_closed(net::Connection& connection, Status status, const std::string& why) override;
    void on_writable(net::Connection& connection) override;

    // ---- link_handshake.cpp
    // It took too long, or the coordinator says so.
    [[nodiscard]] std::string handshake_text() const;
    [[nodiscard]] std::string link_text() const;
    // One side speaks TLS where the other does not.
    [[nodiscard]] std::string other_scheme_text() const;
    [[nodiscard]] uint64_t try_us() const;
    [[nodiscard]] uint64_t handshake_until_us() const;
    [[nodiscard]] uint64_t shown_round_trip_us() const;
    [[nodiscard]] bool shakes_hands() const {
        return phase_ == Phase::kHello || phase_ == Phase::kRegister;
    }
    void connect();
    void connected(Result<std::unique_ptr<net::Connection>> result);
    void hello_response(const wire::Frame& frame);
    void register_response(const wire::Frame& frame);
    // Whether the same is asked again; kElsewhere: only other places, if there are any.
    enum class Again { kNo, kElsewhere, kYes };
    void lost(Status status, const std::string& why, Again again);
    // Moves on to the next place; false: the round is over, or there is but one.
    bool next_place(bool was_ready, Again again);
    void send(wire::Message message, const wire::EnvelopeBuffer& envelope);
    void beat();
    void drop_connection();

    net::Loop& loop_;
    net::Transport& transport_;
    RandomSource& random_;
    Prng prng_;
    Log log_;
    const Role role_;
    const Endpoint endpoint_;
    std::vector<Endpoint::Place> places_;  // of the endpoint: its first, and the others
    const ReconnectOptions options_;
    LinkEvents& events_;

    bool started_ = false;
    Phase phase_ = Phase::kIdle;
    std::unique_ptr<net::Transport::Attempt> attempt_;
    std::unique_ptr<net::Connection> connection_;
    net::Timer retry_timer_;
    net::Timer beat_timer_;
    wire::EnvelopeBuffer envelope_;
    Nonce nonce_{};  // of the last hello
    Nonce resume_{};
    bool has_resume_ = false;
    size_t place_ = 0;        // of places_
    size_t tried_ = 0;        // of these, in this round and in vain
    bool may_retry_ = false;  // one of these may be asked again
    uint32_t failures_ = 0;   // rounds in a row
    uint32_t retry_after_ms_ = 0;
    uint64_t reconnects_ = 0;
    uint64_t heartbeat_us_ = limits::kHeartbeatIntervalMsDefault * 1000ull;
    uint64_t last_heard_us_ = 0;
    uint64_t connecting_us_ = 0;
    uint64_t connected_us_ = 0;
    uint64_t asked_us_ = 0;       // when this side last said what is to be answered
    uint64_t round_trip_us_ = 0;  // the longest of this handshake up to the answer to hello
    uint64_t greeting_us_ = 0;
    uint64_t bytes_in_before_ = 0;
    uint64_t bytes_out_before_ = 0;
};

// What a role tells of a lost connection. To whoever listens kDisconnected means "trying again" and
// nothing else, whatever the connection was lost for; a lost one that is not tried again is closed.
inline Status state_of_lost(Status status, bool given_up) {
    if (!given_up) return Status::kDisconnected;
    return status == Status::kOk || status == Status::kDisconnected ? Status::kClosed : status;
}

// An id for a role that was given none: "prefix-" and 12 hex digits.
std::string automatic_id(const char* prefix, RandomSource& random);

}  // namespace p2c2r::roles
