// A coordinator that memory is short for: nothing of one task reaches another's place, and no
// account loses what it may have.
#include <doctest/doctest.h>

#include <cstring>
#include <map>

#include "roles/streams.h"
#include "support/heap_count.h"
#include "support/role_cluster.h"
#include "wire/codec.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

constexpr uint64_t kAllocationsMax = 60;  // more than any of these needs

struct Sent {
    wire::Message message{};
    uint64_t id = 0;
    std::vector<uint8_t> envelope;
    std::string data;
};

// What its far end was sent; that needs no memory, as with the sockets, which lose a connection
// rather than throw.
struct Wire {
    net::ConnectionEvents* events = nullptr;
    net::Connection* connection = nullptr;
    std::vector<Sent> sent;
};
class WireConnection final : public net::Connection {
  public:
    explicit WireConnection(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {
        wire_->connection = this;
    }
    ~WireConnection() override { close(); }
    void set_events(net::ConnectionEvents* events) override { wire_->events = events; }
    void set_limits(const wire::FrameLimits&) override {}
    void send(wire::Message message, uint8_t flags, uint64_t id, std::span<const uint8_t> envelope,
              const Bytes& params, const Bytes& data) override {
        send_copy(message, flags, id, envelope, params.span(), data.span());
    }
    void send_copy(wire::Message message, uint8_t, uint64_t id, std::span<const uint8_t> envelope,
                   std::span<const uint8_t>, std::span<const uint8_t> data) override {
        const HeapPlenty plenty;
        wire_->sent.push_back({message,
                               id,
                               {envelope.begin(), envelope.end()},
                               std::string(data.begin(), data.end())});
    }
    size_t queued_bytes() const override { return 0; }
    void pause_reading(bool) override {}
    void close() override { wire_->events = nullptr; }
    std::string peer_address() const override { return "fake"; }
    bool is_loopback() const override { return true; }
    uint64_t bytes_in() const override { return 0; }
    uint64_t bytes_out() const override { return 0; }

  private:
    const std::shared_ptr<Wire> wire_;
};

// One end of the protocol whose frames the coordinator may have to take without memory.
struct End {
    std::shared_ptr<Wire> wire = std::make_shared<Wire>();
    FakeLoop& loop;
    wire::EnvelopeBuffer envelope;
    std::string token;

    explicit End(Cluster& cluster) : loop(cluster.loop) {
        cluster.coordinator->accept(std::make_unique<WireConnection>(wire));
    }
    // Of somebody who logs in.
    End(Cluster& cluster, const identity::Token& with) : loop(cluster.loop) {
        token.assign(with.begin(), with.end());
        cluster.network.accept(std::make_unique<WireConnection>(wire));
    }
    // From the `nth` allocation on there is no memory; 0: there is. True: it was short.
    template <class Envelope>
    bool say(wire::Message message, uint64_t id, const Envelope& what, std::string_view data = {},
             uint64_t nth = 0) {
        REQUIRE(wire->events);
        encode(what, envelope);
        Buffer memory = Buffer::allocate(data.size() + 1);
        std::memcpy(memory.data(), data.data(), data.size());
        wire::FrameMemory frame_memory{&memory, true};
        wire::Frame frame;
        frame.message = message;
        frame.id = id;
        frame.envelope = envelope.span();
        frame.data = {memory.data(), data.size()};
        frame.memory = &frame_memory;
        bool was_short = false;
        bool threw = false;
        if (nth == 0) {
            wire->events->on_frame(*wire->connection, frame);
        } else {
            HeapShortage shortage(nth, true);
            try {
                wire->events->on_frame(*wire->connection, frame);
            } catch (const std::bad_alloc&) {
                threw = true;
            }
            shortage.end();
            was_short = shortage.was_felt();
        }
        // As the sockets do.
        if (threw) lose(Status::kMemory);
        loop.settle();
        return was_short;
    }
    void lose(Status status = Status::kDisconnected) {
        net::ConnectionEvents* const events = std::exchange(wire->events, nullptr);
        if (events) events->on_closed(*wire->connection, status, "lost");
        loop.settle();
    }
    void hello(Role role) {
        wire::Hello message;
        message.versions = {wire::kProtocolVersion};
        message.role = role;
        say(wire::Message::kHello, 0, message);
    }
    Nonce gamer(const char* id, std::optional<Nonce> resume = {}) {
        hello(Role::kGamer);
        wire::GamerRegister message;
        message.client_id = id;
        message.login.resume = resume;
        if (!token.empty()) {
            message.login.login_method = static_cast<uint32_t>(identity::LoginMethod::kToken);
            message.login.token = token;
        }
        say(wire::Message::kGamerRegister, 0, message);
        wire::RegisterResponse response;
        REQUIRE(decode(last(wire::Message::kGamerRegisterResponse).envelope, response) == nullptr);
        REQUIRE(response.success);
        return response.resume;
    }
    void peer(const char* id, uint32_t slots = 2) {
        hello(Role::kPeer);
        wire::PeerRegister message;
        message.peer_id = id;
        message.capabilities.task_types = {"echo"};
        message.slots = message.window_tasks = slots;
        message.window_bytes = 1 << 28;
        say(wire::Message::kPeerRegister, 0, message);
    }
    bool submit(uint64_t id, std::string_view data, uint64_t nth = 0) {
        wire::TaskSubmit message;
        message.task_type = "echo";
        message.deadline_us = 3'000'000;
        return say(wire::Message::kTaskSubmit, id, message, data, nth);
    }
    [[nodiscard]] const Sent& last(wire::Message message) const {
        for (auto one = wire->sent.rbegin(); one != wire->sent.rend(); ++one) {
            if (one->message == message) return *one;
        }
        throw std::runtime_error(wire::message_name(message));
    }
    [[nodiscard]] std::vector<std::string> assigned() const {
        std::vector<std::string> all;
        for (const Sent& one : wire->sent) {
            if (one.message == wire::Message::kTaskAssign) all.push_back(one.data);
        }
        return all;
    }
};

// A's task has ended, with too little memory to tell it; then comes B's, which may get its place.
// Whatever A says of its own, B's is given away as it came.
void check_next_task(Cluster& cluster, End& a, const Nonce& resume, End& b) {
    b.submit(7, "secret of b");
    if (!a.wire->events) {
        End again(cluster);
        again.gamer("a", resume);
        again.say(wire::Message::kTaskCancel, 1, wire::TaskCancel{});
    } else {
        a.say(wire::Message::kTaskCancel, 1, wire::TaskCancel{});
    }
    End peer(cluster);
    peer.peer("p2", 8);
    CHECK(peer.assigned() == std::vector<std::string>{"secret of b"});
    wire::TaskAssign assign;
    const Sent given = peer.last(wire::Message::kTaskAssign);
    REQUIRE(decode(given.envelope, assign) == nullptr);
    wire::TaskResult result;
    result.attempt = assign.attempt;
    peer.say(wire::Message::kTaskResult, given.id, result, "answer to b");
    CHECK(b.last(wire::Message::kResultDelivery).data == "answer to b");
    CHECK(cluster.coordinator->stats().pending_tasks == 0);
}

}  // namespace

TEST_CASE("short memory: a result that could not be told leaves nothing at its task's place") {
    if (!heap_is_counted) return;
    for (const bool is_away : {false, true}) {
        CAPTURE(is_away);
        uint64_t nth = 1;
        for (;; ++nth) {
            CAPTURE(nth);
            REQUIRE(nth < kAllocationsMax);
            Cluster cluster;
            End a(cluster);
            const Nonce resume = a.gamer("a");
            End b(cluster);
            b.gamer("b");
            End peer(cluster);
            peer.peer("p");
            a.submit(1, "from a");
            const Sent given = peer.last(wire::Message::kTaskAssign);
            wire::TaskAssign assign;
            REQUIRE(decode(given.envelope, assign) == nullptr);
            wire::TaskResult result;
            result.attempt = assign.attempt;
            const std::string text(900, 'e');
            bool was_short = false;
            if (!is_away) {
                result.status = Status::kParams;
                result.error = text;
                was_short = peer.say(wire::Message::kTaskResult, given.id, result, {}, nth);
            } else {
                a.lose();
                was_short = peer.say(wire::Message::kTaskResult, given.id, result,
                                     std::string(200, 'r'), nth);
            }
            if (peer.wire->events) peer.lose();
            // A task whose peer was lost before it had answered is placed again; nothing was told.
            if (was_short && cluster.coordinator->stats().pending_tasks == 0) {
                check_next_task(cluster, a, resume, b);
            }
            if (!was_short) break;
        }
        CHECK(nth > 1);
    }
}

TEST_CASE("short memory: what the coordinator computed and could not tell leaves nothing behind") {
    if (!heap_is_counted) return;
    uint64_t nth = 1;
    for (;; ++nth) {
        CAPTURE(nth);
        REQUIRE(nth < kAllocationsMax);
        Cluster cluster(true);
        cluster.coordinator_runner.takes_us = 1'000;
        cluster.coordinator_runner.behave = [](const exec::JobSpec&) {
            exec::Output output;
            output.status = Status::kParams;
            output.error = std::string(900, 'e');
            return output;
        };
        End a(cluster);
        const Nonce resume = a.gamer("a");
        End b(cluster);
        b.gamer("b");
        a.submit(1, "from a");
        REQUIRE(cluster.coordinator_runner.running() == 1);
        // From here on peers compute; this one has enough to do.
        End first(cluster);
        first.peer("p1", 1);
        b.submit(6, "before");
        CHECK(first.assigned() == std::vector<std::string>{"before"});
        HeapShortage shortage(nth, true);
        try {
            cluster.loop.advance(1'000);
        } catch (const std::bad_alloc&) {
            // The runner's thread would have caught it.
        }
        shortage.end();
        const bool was_short = shortage.was_felt();
        cluster.loop.settle();
        REQUIRE(cluster.coordinator->stats().pending_tasks == 1);
        if (was_short) {
            b.submit(7, "secret of b");
            if (a.wire->events) {
                a.say(wire::Message::kTaskCancel, 1, wire::TaskCancel{});
            } else {
                End again(cluster);
                again.gamer("a", resume);
                again.say(wire::Message::kTaskCancel, 1, wire::TaskCancel{});
            }
            End peer(cluster);
            peer.peer("p2", 8);
            CHECK(peer.assigned() == std::vector<std::string>{"secret of b"});
        }
        if (!was_short) break;
    }
    CHECK(nth > 1);
}

TEST_CASE("short memory: a task that found no place takes none of what its account may have") {
    if (!heap_is_counted) return;
    uint64_t nth = 1;
    for (;; ++nth) {
        CAPTURE(nth);
        REQUIRE(nth < kAllocationsMax);
        CoordinatorOptions options;
        options.share.in_flight = 1;
        options.limit_operator = true;
        Cluster cluster(false, options);
        End peer(cluster);
        peer.peer("p", 4);
        End a(cluster);
        const Nonce resume = a.gamer("a");
        const bool was_short = a.submit(1, "from a", nth);
        if (!was_short) break;
        if (!a.wire->events) {
            End again(cluster);
            again.gamer("a", resume);
            again.submit(2, "again");
            cluster.loop.advance(10'000);
            CHECK(peer.assigned() == std::vector<std::string>{"again"});
        }
    }
    CHECK(nth > 1);
}

TEST_CASE("short memory: a result that stays goes with its gamer whatever could not be kept") {
    if (!heap_is_counted) return;
    uint64_t nth = 1;
    bool was_kept = false;
    for (;; ++nth) {
        CAPTURE(nth);
        REQUIRE(nth < kAllocationsMax);
        identity::AccessList access{nullptr, nullptr};
        CoordinatorOptions options;
        options.access = &access;
        options.resume_grace_us = 1'000'000;
        Cluster cluster(false, options);
        const auto token = access.add_token("a", "", {true, true, false}, cluster.random, {1, 1});
        REQUIRE(token.ok());
        End peer(cluster);
        peer.peer("p");
        End a(cluster, *token);
        a.gamer("a");
        wire::TaskSubmit message;
        message.task_type = "echo";
        message.deadline_us = 500'000;
        message.task_flags = task_flag::kResident;
        a.say(wire::Message::kTaskSubmit, 1, message, "from a");
        const Sent given = peer.last(wire::Message::kTaskAssign);
        wire::TaskAssign assign;
        REQUIRE(decode(given.envelope, assign) == nullptr);
        wire::TaskResult result;
        result.attempt = assign.attempt;
        const bool was_short =
            peer.say(wire::Message::kTaskResult, given.id, result, std::string(300, 'r'), nth);
        was_kept |= was_short && cluster.coordinator->stats().content_bytes > 0;
        if (a.wire->events) a.lose();
        cluster.loop.advance(5'000'000);
        CHECK(cluster.coordinator->stats().content_bytes == 0);
        CHECK(cluster.coordinator->stats().payload_bytes_held == 0);
        if (!was_short) break;
    }
    CHECK(nth > 1);
    CHECK(was_kept);
}

TEST_CASE("short memory: a chunk that could not be kept is counted nowhere") {
    OutStreams out;
    uint64_t total = 0;
    out.count_in(&total);
    out.open(wire::Message::kResultDelivery, 0, 1, {});
    uint64_t kept = 0;
    uint64_t failures = 0;
    // Now and then the list of chunks has to grow.
    for (int i = 0; i < 200; ++i) {
        Chunk chunk;
        chunk.data = Bytes::copy(std::string_view("0123456789"));
        HeapShortage shortage(1, true);
        try {
            out.append(1, std::move(chunk), false);
            kept += 10;
        } catch (const std::bad_alloc&) {
            ++failures;
        }
        shortage.end();
        CHECK(out.waiting_bytes() == kept);
        CHECK(total == kept);
    }
    CHECK((failures > 0 || !heap_is_counted));
    out.clear();
    CHECK(total == 0);
}
