#include "sim/speaker.h"

namespace p2c2r::sim {

namespace {

constexpr uint64_t kRetryUs = 300'000;
constexpr uint64_t kHandshakeUs = 3'000'000;
constexpr uint64_t kSilentBeats = 5;

}  // namespace

Speaker::Speaker(Stage& stage, Prng prng, const std::string& name, Checkers::Kind kind,
                 RunnerOptions runner, Role role)
    : Node(stage, prng, name, kind, std::move(runner), false), role_(role) {
    beat_timer_.fire = [this] { beat(); };
    retry_timer_.fire = [this] { connect(); };
}

void Speaker::connect() {
    if (connection_ || attempt_) return;
    attempt_ = stage_.network.transport(host_).connect(
        "coordinator", CoordinatorNode::kPort, 5'000'000,
        [this](Result<std::unique_ptr<net::Connection>> result) { connected(std::move(result)); });
}

void Speaker::connected(Result<std::unique_ptr<net::Connection>> result) {
    attempt_.reset();
    if (!result.ok()) return lost();
    // Connections of the simulated network are never of another kind.
    connection_.reset(static_cast<SimConnection*>(result->release()));
    connection_->set_events(this);
    greeted_ = ready_ = false;
    loop_.arm(beat_timer_, loop_.now_us() + kHandshakeUs);
    if (!stage_.healed && spoil_handshake()) return;
    wire::Hello hello;
    hello.versions = {wire::kProtocolVersion};
    hello.role = role_;
    random_->fill(hello.nonce);
    nonce_ = hello.nonce;
    encode(hello, envelope_);
    send(wire::Message::kHello, 0);
}

void Speaker::on_frame(net::Connection&, const wire::Frame& frame) {
    heard_us_ = loop_.now_us();
    switch (frame.message) {
        case wire::Message::kHelloResponse: {
            if (greeted_) return;
            greeted_ = true;
            wire::HelloResponse response;
            if (decode(frame.envelope, response) != nullptr) return;
            wire::Login login;
            login.resume = resume_;
            identity::Proof proof;
            if (const auto credentials = stage_.people.credentials(host_)) {
                const identity::LoginContext context{{}, role_, nonce_, response.nonce, name_};
                const auto made = credentials->prove(response.login_methods, context, true);
                if (made) proof = *made;
            }
            login.login_method = static_cast<uint32_t>(proof.method);
            login.token = proof.bytes;
            const wire::Message message = write_registration(login, envelope_);
            return send(message, 0);
        }
        case wire::Message::kPeerRegisterResponse:
        case wire::Message::kGamerRegisterResponse: {
            wire::RegisterResponse response;
            if (decode(frame.envelope, response) != nullptr || !response.success) {
                // A secret that is not right any more stays wrong.
                resume_.reset();
                drop(false);
                return lost();
            }
            resume_ = response.resume;
            beat_us_ = response.heartbeat_interval_ms * 1000ull;
            connection_->set_limits(wire::kLimitsAfterLogin);
            ready_ = true;
            loop_.arm(beat_timer_, loop_.now_us() + beat_us_);
            return on_ready();
        }
        case wire::Message::kGoodbye:
            drop(false);
            return lost();
        case wire::Message::kHeartbeat:
            return;
        default:
            if (ready_) on_message(frame);
    }
}

void Speaker::beat() {
    if (!connection_) return;
    if (!ready_ || loop_.now_us() - heard_us_ > kSilentBeats * beat_us_) {
        drop(false);
        return lost();
    }
    wire::Heartbeat beat;
    encode(beat, envelope_);
    send(wire::Message::kHeartbeat, 0);
    loop_.arm(beat_timer_, loop_.now_us() + beat_us_);
}

void Speaker::on_closed(net::Connection&, Status, const std::string&) {
    drop(false);
    lost();
}

void Speaker::lost() {
    on_lost();
    if (!connection_ && !attempt_) loop_.arm(retry_timer_, loop_.now_us() + kRetryUs);
}

void Speaker::drop(bool politely) {
    if (politely && ready_) {
        encode(wire::Goodbye{}, envelope_);
        send(wire::Message::kGoodbye, 0);
    }
    ready_ = false;
    attempt_.reset();
    loop_.disarm(beat_timer_);
    if (connection_) connection_->close();
    connection_.reset();
}

void Speaker::destroy() {
    drop(false);
    on_lost();
    loop_.disarm(retry_timer_);
    resume_.reset();
}

}  // namespace p2c2r::sim
