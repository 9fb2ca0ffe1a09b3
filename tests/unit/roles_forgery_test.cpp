// Handshakes that were changed, replayed, relayed or made up on their way to a coordinator: TLS,
// hello and login as they are, over memory, with the real role behind them. Nobody gets in by one.
//
// P2C2R_FORGERIES=20000 in the environment: so many instead of a few hundred.
#include <ctime>
#include <functional>
#include <set>

#include "net/tls_session.h"
#include "roles_guarded.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::test;
using identity::LoginMethod;
using identity::Proof;
using net::TlsContext;
using net::TlsSession;

namespace {

using Stream = std::vector<uint8_t>;

// Plaintext in both directions of one end of a TLS connection.
struct TlsEnd {
    std::unique_ptr<TlsSession> session;
    Stream out;    // for the other side
    Stream plain;  // that came

    void take(const Stream& arrived) {
        session->feed(arrived);
        uint8_t bytes[4096];
        const net::IoPiece piece{bytes, sizeof bytes};
        while (const size_t size = session->read({&piece, 1}, out)) {
            plain.insert(plain.end(), bytes, bytes + size);
        }
        session->feed({});
    }
    void say(wire::Message message, uint64_t id, std::span<const uint8_t> envelope,
             std::span<const uint8_t> params = {}, std::span<const uint8_t> data = {}) {
        Stream frame(wire::kFrameHeadMax + envelope.size() + params.size() + data.size());
        size_t size =
            wire::write_frame_start(frame.data(), message, 0, id, envelope, params.size());
        size = static_cast<size_t>(
            std::copy(params.begin(), params.end(), frame.begin() + static_cast<ptrdiff_t>(size)) -
            frame.begin());
        size += wire::write_bin_header(frame.data() + size, data.size());
        size = static_cast<size_t>(
            std::copy(data.begin(), data.end(), frame.begin() + static_cast<ptrdiff_t>(size)) -
            frame.begin());
        const size_t before = out.size();
        out.resize(before + size + TlsSession::kWriteExtra);
        const net::IoPiece piece{frame.data(), size};
        out.resize(before + session->write({&piece, 1}, out.data() + before));
    }
    // The frames that are whole; false: what came is none.
    bool frames(const std::function<bool(const wire::Frame&)>& take_one) {
        while (!plain.empty()) {
            Buffer memory = Buffer::allocate(plain.size());
            std::copy(plain.begin(), plain.end(), memory.data());
            wire::FrameParse parse =
                wire::parse_frame({memory.data(), plain.size()}, wire::kLimitsAfterLogin);
            if (parse.kind == wire::FrameParse::Kind::kNeedMore) return true;
            if (parse.kind == wire::FrameParse::Kind::kBroken) return false;
            plain.erase(plain.begin(), plain.begin() + static_cast<ptrdiff_t>(parse.size));
            wire::FrameMemory frame_memory{&memory, true};
            parse.frame.memory = &frame_memory;
            if (!take_one(parse.frame)) return true;
        }
        return true;
    }
};

// The coordinator's end.
struct Served {
    TlsEnd end;
    net::ConnectionEvents* events = nullptr;
    net::Connection* connection = nullptr;
};
class ServedConnection final : public net::Connection {
  public:
    explicit ServedConnection(std::shared_ptr<Served> served) : served_(std::move(served)) {
        served_->connection = this;
    }
    ~ServedConnection() override { close(); }
    void set_events(net::ConnectionEvents* events) override { served_->events = events; }
    void set_limits(const wire::FrameLimits&) override {}
    void send(wire::Message message, uint8_t, uint64_t id, std::span<const uint8_t> envelope,
              const Bytes& params, const Bytes& data) override {
        served_->end.say(message, id, envelope, params.span(), data.span());
    }
    void send_copy(wire::Message message, uint8_t, uint64_t id, std::span<const uint8_t> envelope,
                   std::span<const uint8_t> params, std::span<const uint8_t> data) override {
        served_->end.say(message, id, envelope, params, data);
    }
    size_t queued_bytes() const override { return 0; }
    void pause_reading(bool) override {}
    void close() override { served_->events = nullptr; }
    // Where failures are not counted: each try is judged for itself.
    std::string peer_address() const override { return "127.0.0.1:1"; }
    bool is_loopback() const override { return true; }
    std::string channel_binding() const override { return served_->end.session->channel_binding(); }
    uint64_t bytes_in() const override { return 0; }
    uint64_t bytes_out() const override { return 0; }

  private:
    const std::shared_ptr<Served> served_;
};

struct Caller {
    TlsEnd end;
    std::string id = "victim";
    Nonce nonce{};
    bool said_hello = false;
    bool in = false;
    // Makes the registration once the coordinator's nonce is known.
    std::function<void(Caller&, const Nonce& server_nonce)> log_in;

    void hello(RandomSource& random) {
        said_hello = true;
        random.fill(nonce);
        wire::Hello message;
        message.versions = {wire::kProtocolVersion};
        message.role = Role::kGamer;
        message.nonce = nonce;
        wire::EnvelopeBuffer envelope;
        wire::encode(message, envelope);
        end.say(wire::Message::kHello, 0, envelope.span());
    }
    void show(const Proof& proof) {
        wire::GamerRegister message;
        message.client_id = id;
        message.login.login_method = static_cast<uint32_t>(proof.method);
        message.login.token = proof.bytes;
        wire::EnvelopeBuffer envelope;
        wire::encode(message, envelope);
        end.say(wire::Message::kGamerRegister, 0, envelope.span());
        wire::TaskSubmit submit;
        submit.task_type = "echo";
        wire::encode(submit, envelope);
        end.say(wire::Message::kTaskSubmit, 1, envelope.span());
    }
    void hear() {
        (void)end.frames([this](const wire::Frame& frame) {
            wire::HelloResponse hello_response;
            wire::RegisterResponse response;
            if (frame.message == wire::Message::kHelloResponse &&
                !wire::decode(frame.envelope, hello_response)) {
                log_in(*this, hello_response.nonce);
            }
            if (frame.message == wire::Message::kGamerRegisterResponse &&
                !wire::decode(frame.envelope, response)) {
                in = in || response.success;
            }
            if (frame.message == wire::Message::kResultDelivery) in = true;
            return true;
        });
    }
};

using Spoil = std::function<void(Stream&)>;

struct Machine {
    identity::SigningKey key = identity::SigningKey::generate();
    std::shared_ptr<TlsContext> serves;
    std::shared_ptr<TlsContext> believed;
    Machine() {
        const auto now = static_cast<uint64_t>(std::time(nullptr));
        serves = *TlsContext::server(*key.certificate("machine", now), key.to_pem());
        believed = *TlsContext::client({identity::pin_of(key.public_key()), {}});
    }
};

struct Gate : Guarded {
    Machine machine;
    std::shared_ptr<Credentials> victim = enrolled("victim", kGamer);
    std::string note;  // of the last forgery

    identity::LoginContext context(const Caller& caller, const Nonce& server_nonce) {
        return {caller.end.session->channel_binding(), Role::kGamer, caller.nonce, server_nonce,
                caller.id};
    }
    Proof proof_of(const Credentials& credentials, const identity::LoginContext& at) {
        return *credentials.prove(identity::AccessList::methods(), at, true);
    }
    std::shared_ptr<Served> serve() {
        auto served = std::make_shared<Served>();
        served->end.session = TlsSession::create(machine.serves, {});
        network.accept(std::make_unique<ServedConnection>(served));
        return served;
    }
    void arrive(Served& served, const Stream& bytes) {
        served.end.take(bytes);
        const bool whole = served.end.frames([&](const wire::Frame& frame) {
            if (!served.events) return false;
            served.events->on_frame(*served.connection, frame);
            loop.settle();
            return true;
        });
        if (!whole || served.end.session->state() == TlsSession::State::kFailed) leave(served);
    }
    void leave(Served& served) {
        net::ConnectionEvents* const events = std::exchange(served.events, nullptr);
        if (events) events->on_closed(*served.connection, Status::kDisconnected, "gone");
        loop.settle();
    }
    // A whole connection. True: somebody got in by it.
    bool run(Caller& caller, const Spoil& up = {}, const Spoil& down = {}) {
        const std::shared_ptr<Served> served = serve();
        caller.end.session = TlsSession::create(machine.believed, "127.0.0.1");
        caller.end.session->begin(caller.end.out);
        while (!caller.end.out.empty() || !served->end.out.empty()) {
            Stream sent = std::exchange(caller.end.out, {});
            if (up) up(sent);
            arrive(*served, sent);
            sent = std::exchange(served->end.out, {});
            if (down) down(sent);
            caller.end.take(sent);
            caller.hear();
            if (!caller.said_hello && caller.end.session->state() == TlsSession::State::kOpen) {
                caller.hello(random);
            }
        }
        return judge(*served, caller.in);
    }
    bool judge(Served& served, bool told) {
        const bool got_in =
            told || coordinator->stats().clients > 0 || coordinator->stats().submitted > submitted_;
        submitted_ = coordinator->stats().submitted;
        leave(served);
        return got_in;
    }
    Caller honest() {
        Caller caller;
        caller.log_in = [this](Caller& self, const Nonce& server_nonce) {
            self.show(proof_of(*victim, context(self, server_nonce)));
        };
        return caller;
    }

  private:
    uint64_t submitted_ = 0;
};

// The heads of records in the clear: their version is the one thing that nothing covers.
std::set<size_t> uncovered(const Stream& stream) {
    std::set<size_t> places;
    for (size_t at = 0; at + 5 <= stream.size();) {
        if (stream[at] != 23) places.insert({at + 1, at + 2});
        at += 5u + (static_cast<size_t>(stream[at + 3]) << 8 | stream[at + 4]);
    }
    return places;
}

// What is known of an honest connection: all that a caller sends up to its registration, and all
// that it is sent before the answer to that.
struct Recorded {
    Stream up;
    Stream down;
    Proof proof;
    Nonce nonce{};
    std::set<size_t> up_uncovered;
    std::set<size_t> down_uncovered;
    // Of the record that only old machines between the two look at (RFC 8446, appendix D.4): it may
    // be there or not.
    std::set<size_t> meaningless;

    explicit Recorded(Gate& gate) {
        Caller caller = gate.honest();
        bool shown = false;
        caller.log_in = [&](Caller& self, const Nonce& server_nonce) {
            proof = gate.proof_of(*gate.victim, gate.context(self, server_nonce));
            nonce = self.nonce;
            self.show(proof);
            shown = true;
        };
        const bool got_in = gate.run(
            caller, [&](Stream& sent) { up.insert(up.end(), sent.begin(), sent.end()); },
            [&](Stream& sent) {
                if (!shown) down.insert(down.end(), sent.begin(), sent.end());
            });
        REQUIRE(got_in);
        up_uncovered = uncovered(up);
        down_uncovered = uncovered(down);
        // Without the task that follows in a record of its own: it is no part of the handshake.
        for (size_t at = 0, next = 0; at < up.size(); at = next) {
            next = at + 5u + (static_cast<size_t>(up[at + 3]) << 8 | up[at + 4]);
            if (next == up.size()) up_of_login = at;
            if (up[at] != 20) continue;
            for (size_t i = at; i < next; ++i) meaningless.insert(i);
        }
    }
    size_t up_of_login = 0;
};

// Changes the byte that is the `place`-th of a stream.
Spoil change(size_t place, uint8_t by) {
    return [place, by, at = size_t{0}](Stream& sent) mutable {
        if (place >= at && place - at < sent.size()) sent[place - at] ^= by;
        at += sent.size();
    };
}
// Cuts or doubles a run of bytes there.
Spoil cut(size_t place, size_t size, bool doubles) {
    return [=, at = size_t{0}](Stream& sent) mutable {
        const size_t before = sent.size();
        if (place >= at && place - at < sent.size()) {
            const auto first = sent.begin() + static_cast<ptrdiff_t>(place - at);
            const size_t part = std::min(size, sent.size() - (place - at));
            const Stream run(first, first + static_cast<ptrdiff_t>(part));
            if (doubles) {
                sent.insert(first, run.begin(), run.end());
            } else {
                sent.erase(first, first + static_cast<ptrdiff_t>(part));
            }
        }
        at += before;
    };
}

size_t covered_place(Prng& chance, size_t size, const std::set<size_t>& uncovered) {
    size_t place = 0;
    do {
        place = chance.below(size);
    } while (uncovered.count(place));
    return place;
}

constexpr int kKinds = 10;
const char* const kNames[kKinds] = {
    "changed on its way to the coordinator",
    "changed on its way back",
    "cut or doubled",
    "replayed whole",
    "a recorded proof on another connection",
    "relayed by another coordinator",
    "a changed proof",
    "another method or id",
    "the key of a stranger",
    "no login at all",
};

bool forge(int kind, Gate& gate, const Recorded& recorded, Prng& chance) {
    Caller caller = gate.honest();
    const auto bit = [&] { return static_cast<uint8_t>(1u << chance.below(8)); };
    switch (kind) {
        case 0:
            return gate.run(
                caller,
                change(covered_place(chance, recorded.up_of_login, recorded.up_uncovered), bit()));
        case 1:
            return gate.run(
                caller, {},
                change(covered_place(chance, recorded.down.size(), recorded.down_uncovered),
                       bit()));
        case 2: {
            const size_t size = 1 + chance.below(chance.below(2) ? 4 : recorded.up_of_login / 2);
            size_t place = 0;
            do {
                place = chance.below(recorded.up_of_login - size);
            } while (recorded.meaningless.contains(place) &&
                     recorded.meaningless.contains(place + size - 1));
            const bool doubles = chance.below(2) == 1;
            gate.note = std::to_string(size) + " bytes at " + std::to_string(place) +
                        (doubles ? " doubled" : " cut");
            return gate.run(caller, cut(place, size, doubles));
        }
        case 3: {
            Stream again = recorded.up;
            if (chance.below(2)) again.resize(chance.below(again.size()));
            const std::shared_ptr<Served> served = gate.serve();
            for (size_t at = 0; at < again.size();) {
                const size_t part = std::min(again.size() - at, size_t{1} + chance.below(900));
                const auto from = again.begin() + static_cast<ptrdiff_t>(at);
                gate.arrive(*served, Stream(from, from + static_cast<ptrdiff_t>(part)));
                at += part;
            }
            return gate.judge(*served, false);
        }
        case 4:
            caller.log_in = [&](Caller& self, const Nonce&) {
                if (chance.below(2)) self.nonce = recorded.nonce;
                self.show(recorded.proof);
            };
            return gate.run(caller);
        case 5: {
            // The victim shakes hands with a machine that passes its login on.
            static const Machine middle;
            TlsEnd far{TlsSession::create(middle.serves, {}), {}, {}};
            TlsEnd near{TlsSession::create(middle.believed, "127.0.0.1"), {}, {}};
            near.session->begin(near.out);
            while (!near.out.empty() || !far.out.empty()) {
                far.take(std::exchange(near.out, {}));
                near.take(std::exchange(far.out, {}));
            }
            REQUIRE(near.session->state() == TlsSession::State::kOpen);
            caller.log_in = [&](Caller& self, const Nonce& server_nonce) {
                identity::LoginContext at = gate.context(self, server_nonce);
                at.channel_binding = near.session->channel_binding();
                self.show(gate.proof_of(*gate.victim, at));
            };
            return gate.run(caller);
        }
        case 6:
            caller.log_in = [&](Caller& self, const Nonce& server_nonce) {
                Proof proof = gate.proof_of(*gate.victim, gate.context(self, server_nonce));
                const uint64_t how = chance.below(4);
                const size_t place = chance.below(proof.bytes.size());
                if (how == 0) proof.bytes.resize(place);
                if (how == 1) proof.bytes += std::string(1 + chance.below(64), '\0');
                if (how >= 2) proof.bytes[place] = static_cast<char>(proof.bytes[place] ^ bit());
                self.show(proof);
            };
            return gate.run(caller);
        case 7:
            caller.log_in = [&](Caller& self, const Nonce& server_nonce) {
                identity::LoginContext at = gate.context(self, server_nonce);
                const uint64_t how = chance.below(3);
                if (how == 0) at.role = Role::kPeer;
                if (how == 1) at.id = "somebody";
                Proof proof = gate.proof_of(*gate.victim, at);
                if (how == 2) {
                    // Any number but the right one.
                    const auto method = static_cast<uint32_t>(chance.below(6));
                    proof.method = static_cast<LoginMethod>(method == 2 ? 6 : method);
                }
                self.show(proof);
            };
            return gate.run(caller);
        case 8: {
            static const std::shared_ptr<Credentials> stranger = Guarded::stranger();
            caller.log_in = [&](Caller& self, const Nonce& server_nonce) {
                Proof proof = gate.proof_of(*stranger, gate.context(self, server_nonce));
                // With the name of the victim, or with its public key in front as well.
                if (chance.below(2)) {
                    const Proof right =
                        gate.proof_of(*gate.victim, gate.context(self, server_nonce));
                    proof.bytes.replace(0, 32, right.bytes, 0, 32);
                }
                self.show(proof);
            };
            return gate.run(caller);
        }
        default:
            caller.log_in = [&](Caller& self, const Nonce&) {
                Proof proof{static_cast<LoginMethod>(chance.below(4)), {}};
                proof.bytes.resize(chance.below(2) ? 32 : chance.below(150));
                for (char& byte : proof.bytes) byte = static_cast<char>(chance.below(256));
                self.show(proof);
            };
            return gate.run(caller);
    }
}

}  // namespace

TEST_CASE("forgery: the honest caller gets in, so that the others could") {
    Gate gate;
    for (int i = 0; i < 3; ++i) {
        Caller caller = gate.honest();
        CHECK(gate.run(caller));
    }
    Caller spoiled = gate.honest();
    CHECK(gate.run(spoiled, change(1'000'000, 1)));  // behind all that is sent
}

TEST_CASE("forgery: no changed, replayed, relayed or made up handshake lets anybody in") {
    const char* const asked = std::getenv("P2C2R_FORGERIES");
    const int rounds = asked ? std::atoi(asked) : 300;
    Gate gate;
    const Recorded recorded(gate);
    Prng chance(seed());
    int accepted = 0;
    for (int round = 0; round < rounds; ++round) {
        const int kind = round % kKinds;
        gate.note.clear();
        CAPTURE(round);
        const std::string how = kNames[kind];
        CAPTURE(how);
        const bool got_in = forge(kind, gate, recorded, chance);
        CAPTURE(gate.note);
        accepted += got_in;
        CHECK_FALSE(got_in);
    }
    // Read by the table of figures.
    MESSAGE("handshakes forged " << rounds << ", accepted " << accepted);
    Caller caller = gate.honest();
    CHECK(gate.run(caller));
}
