#include "roles/link.h"

#include <algorithm>
#include <utility>

#include "net/host_port.h"
#include "roles/session_rules.h"

namespace p2c2r::roles {

namespace {

// What the role behind the link never gets to see.
bool is_links_own(wire::Message message) {
    switch (message) {
        case wire::Message::kGoodbye:
        case wire::Message::kHeartbeat:
        case wire::Message::kHelloResponse:
        case wire::Message::kPeerRegisterResponse:
        case wire::Message::kGamerRegisterResponse:
            return true;
        default:
            return false;
    }
}

}  // namespace

std::string automatic_id(const char* prefix, RandomSource& random) {
    uint8_t bytes[6];
    random.fill(bytes);
    return std::string(prefix) + "-" + to_hex(bytes);
}

Link::Link(net::Loop& loop, net::Transport& transport, RandomSource& random, Prng prng, Log log,
           Role role, Endpoint endpoint, ReconnectOptions options, LinkEvents& events)
    : loop_(loop),
      transport_(transport),
      random_(random),
      prng_(prng),
      log_(log),
      role_(role),
      endpoint_(std::move(endpoint)),
      options_(options),
      events_(events) {
    places_.push_back({endpoint_.host, endpoint_.port});
    places_.insert(places_.end(), endpoint_.others.begin(), endpoint_.others.end());
    retry_timer_.fire = [this] { connect(); };
    beat_timer_.fire = [this] { beat(); };
}

Link::~Link() {
    loop_.disarm(retry_timer_);
    loop_.disarm(beat_timer_);
    drop_connection();
}

void Link::start() {
    // Once: it is idle between two tries as well, and then a second try must not run beside them.
    if (!std::exchange(started_, true) && phase_ == Phase::kIdle) connect();
}

void Link::connect() {
    phase_ = Phase::kConnecting;
    connecting_us_ = loop_.turn_us();
    greeting_us_ = round_trip_us_ = 0;
    try {
        const Endpoint::Place& at = places_[place_];
        attempt_ = transport_.connect(
            at.host, at.port, try_us(),
            [this](Result<std::unique_ptr<net::Connection>> result) {
                connected(std::move(result));
            },
            endpoint_.tls);
    } catch (const std::bad_alloc&) {
        lost(Status::kMemory, "memory is short", Again::kYes);  // so short a text needs none
    }
}

void Link::connected(Result<std::unique_ptr<net::Connection>> result) {
    attempt_.reset();
    if (phase_ != Phase::kConnecting) return;
    if (!result.ok()) {
        lost(result.error().status, result.error().text, Again::kYes);
        return;
    }
    connection_ = std::move(*result);
    phase_ = Phase::kHello;
    last_heard_us_ = connected_us_ = asked_us_ = loop_.turn_us();
    try {
        connection_->set_events(this);
        loop_.arm(beat_timer_, handshake_until_us());
        wire::Hello hello;
        hello.versions = {wire::kProtocolVersion};
        hello.role = role_;
        random_.fill(nonce_);
        hello.nonce = nonce_;
        hello.library = kLibrary;
        encode(hello, envelope_);
        send(wire::Message::kHello, envelope_);
    } catch (const std::bad_alloc&) {
        lost(Status::kMemory, "memory is short", Again::kYes);
    }
}

void Link::send(wire::Message message, const wire::EnvelopeBuffer& envelope) {
    connection_->send_copy(message, 0, 0, envelope.span(), {}, {});
}

void Link::on_frame(net::Connection&, const wire::Frame& frame) {
    last_heard_us_ = loop_.turn_us();
    if (phase_ != Phase::kReady || is_links_own(frame.message)) return on_own_frame(frame);
    const char* why = nullptr;
    if (!events_.on_link_frame(frame, why)) fail_frame(why);
}

// Beside on_frame, which is called for each task and builds no text.
void Link::fail_frame(const char* why) {
    fail(Status::kProtocol, why);
}

void Link::on_own_frame(const wire::Frame& frame) {
    switch (frame.message) {
        case wire::Message::kGoodbye: {
            wire::Goodbye goodbye;
            if (const char* why = decode(frame.envelope, goodbye)) {
                lost(Status::kProtocol, why, Again::kYes);
                return;
            }
            retry_after_ms_ = goodbye.retry_after_ms;
            if (shakes_hands() && goodbye.status == Status::kTimeout) {
                return lost(Status::kTimeout, handshake_text(), Again::kYes);
            }
            const Status status =
                goodbye.status == Status::kOk ? Status::kDisconnected : goodbye.status;
            // What will not change by asking again is not asked again.
            const bool final = status == Status::kVersion || status == Status::kAuth ||
                               status == Status::kDenied || status == Status::kArgument;
            // What was wrong with this connection, rather than with the coordinator.
            const char* const closed = status == Status::kLimit ? "the coordinator closed: " : "";
            lost(status, closed + std::string(goodbye.error), final ? Again::kNo : Again::kYes);
            return;
        }
        case wire::Message::kHeartbeat:
            if (phase_ == Phase::kReady) return;
            break;
        case wire::Message::kHelloResponse:
            if (phase_ == Phase::kHello) return hello_response(frame);
            break;
        case wire::Message::kPeerRegisterResponse:
        case wire::Message::kGamerRegisterResponse:
            if (phase_ == Phase::kRegister) return register_response(frame);
            break;
        default:
            break;
    }
    fail(Status::kProtocol,
         std::string("unexpected message ") +
             (message_name(frame.message) ? message_name(frame.message) : "of an unknown number"));
}

void Link::hello_response(const wire::Frame& frame) {
    // Over TLS, hello left with the last word of that handshake.
    const uint64_t hello_us = std::max(connected_us_, connection_->last_words_us());
    greeting_us_ = last_heard_us_ - hello_us;
    round_trip_us_ = std::max(greeting_us_, hello_us - connected_us_);
    asked_us_ = last_heard_us_;
    wire::HelloResponse response;
    if (const char* why = decode(frame.envelope, response)) return fail(Status::kProtocol, why);
    if (response.version != wire::kProtocolVersion) {
        lost(Status::kVersion,
             "the coordinator (" + std::string(response.library) + ") speaks no protocol version " +
                 std::to_string(wire::kProtocolVersion),
             Again::kNo);
        return;
    }
    const identity::Credentials nothing;
    const identity::Credentials& shown = endpoint_.credentials ? *endpoint_.credentials : nothing;
    const std::string binding = connection_->channel_binding();
    if (endpoint_.tls && binding.empty()) {
        return fail(Status::kProtocol, "this connection binds no login");
    }
    const identity::LoginContext context{binding, role_, nonce_, response.nonce, events_.link_id()};
    const Result<identity::Proof> proof =
        shown.prove(response.login_methods, context, connection_->is_loopback());
    if (!proof) return lost(proof.error().status, proof.error().text, Again::kNo);
    wire::Login login;
    login.login_method = static_cast<uint32_t>(proof->method);
    login.token = proof->bytes;
    if (has_resume_) login.resume = resume_;
    const wire::Message message = events_.registration(login, envelope_);
    phase_ = Phase::kRegister;
    send(message, envelope_);
}

void Link::register_response(const wire::Frame& frame) {
    wire::RegisterResponse response;
    if (const char* why = decode(frame.envelope, response)) return fail(Status::kProtocol, why);
    if (!response.success) {
        // An id that is still taken may be free once the coordinator has noticed that the former
        // holder is gone, and memory that was short is there again; everything else is final.
        const bool may_pass =
            response.status == Status::kExists || response.status == Status::kBusy ||
            response.status == Status::kLimit || response.status == Status::kMemory;
        retry_after_ms_ = response.retry_after_ms;
        // Or it would read as a line that does not come about while it tries again.
        const char* const refused = may_pass ? "the coordinator refused: " : "";
        lost(response.status, refused + std::string(response.error),
             may_pass ? Again::kYes : Again::kNo);
        return;
    }
    resume_ = response.resume;
    has_resume_ = true;
    if (response.heartbeat_interval_ms > 0) {
        heartbeat_us_ = response.heartbeat_interval_ms * 1000ull;
    }
    connection_->set_limits(wire::kLimitsAfterLogin);
    phase_ = Phase::kReady;
    tried_ = 0;
    may_retry_ = false;
    failures_ = 0;
    retry_after_ms_ = 0;
    loop_.arm(beat_timer_, loop_.turn_us() + heartbeat_us_);
    events_.on_link_ready(response);
}

uint8_t* Link::place_data(net::Connection&, wire::Message message, uint64_t id, size_t size) {
    return phase_ == Phase::kReady ? events_.on_link_place(message, id, size) : nullptr;
}

void Link::on_writable(net::Connection&) {
    if (phase_ == Phase::kReady) events_.on_link_writable();
}

void Link::on_closed(net::Connection&, Status status, const std::string& why) {
    // Before the end of the handshake of TLS there is no way to say why.
    const bool in_time = loop_.turn_us() - connected_us_ < kWordUs;
    if (status == Status::kDisconnected && shakes_hands() && !in_time) {
        return lost(Status::kTimeout, handshake_text(), Again::kYes);
    }
    if (status == Status::kUnsupported) {
        // It may be about to be started right, where it was right before.
        return lost(Status::kProtocol, other_scheme_text(),
                    has_resume_ ? Again::kYes : Again::kElsewhere);
    }
    // A coordinator that is not who it should be is not asked again.
    lost(status, why, status == Status::kAuth ? Again::kElsewhere : Again::kYes);
}

void Link::beat() {
    const uint64_t now = loop_.turn_us();
    if (shakes_hands()) {
        const uint64_t until_us = handshake_until_us();
        if (now < until_us) return loop_.arm(beat_timer_, until_us);
        return lost(Status::kTimeout, handshake_text(), Again::kYes);
    }
    if (phase_ != Phase::kReady) return;
    if (now - last_heard_us_ > kSilentIntervals * heartbeat_us_ + kSilentSlackUs) {
        lost(Status::kDisconnected, "the coordinator has been silent for too long", Again::kYes);
        return;
    }
    wire::Heartbeat beat;
    beat.timestamp_ms = loop_.unix_ms();
    events_.fill_heartbeat(beat);
    encode(beat, envelope_);
    send(wire::Message::kHeartbeat, envelope_);
    loop_.arm(beat_timer_, now + heartbeat_us_);
}

void Link::fail(Status status, const std::string& why) {
    if (connection_) {
        wire::Goodbye goodbye;
        goodbye.status = status;
        goodbye.error = why;
        try {
            encode(goodbye, envelope_);
            send(wire::Message::kGoodbye, envelope_);
        } catch (const std::bad_alloc&) {
            // Short of memory it goes without a goodbye.
        }
    }
    lost(status, why, Again::kYes);
}

void Link::drop_connection() {
    if (!connection_) return;
    bytes_in_before_ += connection_->bytes_in();
    bytes_out_before_ += connection_->bytes_out();
    connection_->close();
    connection_.reset();
}

std::string Link::where() const {
    const Endpoint::Place& at = places_[place_];
    return at.host.empty() ? std::string() : net::join_host_port(at.host, at.port);
}

// Who answers at one place and is somebody else may still leave the coordinator at another: in
// another house the address of the machine at home is a stranger's.
bool Link::next_place(bool was_ready, Again again) {
    if (was_ready || places_.size() == 1) return false;
    ++tried_;
    place_ = (place_ + 1) % places_.size();
    may_retry_ = may_retry_ || again == Again::kYes;
    return tried_ < places_.size() && again != Again::kNo && retry_after_ms_ == 0;
}

void Link::lost(Status status, const std::string& why, Again again) {
    if (phase_ == Phase::kClosed) return;
    const bool was_ready = phase_ == Phase::kReady;
    loop_.disarm(beat_timer_);
    attempt_.reset();
    drop_connection();
    if (was_ready) ++reconnects_;
    const Endpoint::Place& at = places_[place_];
    const bool goes_on = next_place(was_ready, again);
    const bool may_retry = again != Again::kNo && (again == Again::kYes || may_retry_);
    const bool retry = goes_on || (may_retry && failures_ < options_.attempts_max);
    if (retry) {
        // Half fixed, half chance, so that a thousand peers do not come back in the same moment.
        const uint32_t doublings = std::min(failures_, 20u);
        const uint64_t backoff =
            std::min(options_.backoff_max_us, options_.backoff_first_us << doublings);
        const uint64_t wait = goes_on ? 0 : backoff / 2 + prng_.below(backoff / 2 + 1);
        if (!goes_on) {
            ++failures_;
            tried_ = 0;
            may_retry_ = false;
        }
        phase_ = Phase::kIdle;
        // Once: it was asked for by the end of this connection, and not by what comes after.
        const uint64_t asked = std::exchange(retry_after_ms_, 0) * 1000ull;
        const uint64_t pause = std::max(wait, asked);
        loop_.arm(retry_timer_, loop_.turn_us() + pause);
        log_.format(LogLevel::kDebug, "roles", "connection to %s:%u: %s; next try in %llu ms",
                    at.host.c_str(), at.port, why.c_str(),
                    static_cast<unsigned long long>(pause / 1000));
    } else {
        phase_ = Phase::kClosed;
    }
    events_.on_link_lost(status, why, !retry);
}

void Link::close(Status status, const std::string& text) {
    if (phase_ == Phase::kClosed) return;
    if (connection_ && phase_ == Phase::kReady) {
        wire::Goodbye goodbye;
        goodbye.status = status;
        goodbye.error = text;
        encode(goodbye, envelope_);
        send(wire::Message::kGoodbye, envelope_);
        bytes_out_before_ += connection_->queued_bytes();  // leave before the connection closes
    }
    phase_ = Phase::kClosed;
    loop_.disarm(retry_timer_);
    loop_.disarm(beat_timer_);
    attempt_.reset();
    drop_connection();
}

uint64_t Link::bytes_in() const {
    return bytes_in_before_ + (connection_ ? connection_->bytes_in() : 0);
}
uint64_t Link::bytes_out() const {
    return bytes_out_before_ + (connection_ ? connection_->bytes_out() : 0);
}

}  // namespace p2c2r::roles
