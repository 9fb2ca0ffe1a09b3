// Payloads in chunks: what goes into OutStreams comes out of an Assembler, whatever the order, the
// marks and the drops in between.
#include "roles/streams.h"

#include <doctest/doctest.h>

#include <deque>
#include <map>

#include "core/prng.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::roles;

namespace {

// Keeps what is sent; queued_bytes() is what the test has not taken yet.
class Wire : public net::Connection {
  public:
    struct Sent {
        wire::Message message;
        uint8_t flags;
        uint64_t id;
        std::vector<uint8_t> envelope, params, data;
    };
    std::deque<Sent> sent;

    void send(wire::Message message, uint8_t flags, uint64_t id, std::span<const uint8_t> envelope,
              const Bytes& params, const Bytes& data) override {
        send_copy(message, flags, id, envelope, params.span(), data.span());
    }
    void send_copy(wire::Message message, uint8_t flags, uint64_t id,
                   std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                   std::span<const uint8_t> data) override {
        REQUIRE(params.size() + data.size() <= limits::kChunkSizeMax);
        sent.push_back({message,
                        flags,
                        id,
                        {envelope.begin(), envelope.end()},
                        {params.begin(), params.end()},
                        {data.begin(), data.end()}});
        queued_ += params.size() + data.size();
    }
    Sent take() {
        Sent first = std::move(sent.front());
        sent.pop_front();
        queued_ -= first.params.size() + first.data.size();
        return first;
    }
    void set_events(net::ConnectionEvents*) override {}
    void set_limits(const wire::FrameLimits&) override {}
    size_t queued_bytes() const override { return queued_; }
    void pause_reading(bool) override {}
    void close() override {}
    std::string peer_address() const override { return "test"; }
    bool is_loopback() const override { return true; }
    uint64_t bytes_in() const override { return 0; }
    uint64_t bytes_out() const override { return 0; }

  private:
    size_t queued_ = 0;
};

// A sent frame as it would arrive: contiguous in one block.
struct Arrived {
    Buffer memory;
    wire::FrameMemory frame_memory{&memory};
    wire::Frame frame;
    Arrived(const Arrived&) = delete;
    explicit Arrived(const Wire::Sent& sent) {
        const size_t size = sent.envelope.size() + sent.params.size() + sent.data.size();
        memory = Buffer::allocate(size + 1);
        uint8_t* at = memory.data();
        const auto put = [&](const std::vector<uint8_t>& part) {
            if (!part.empty()) std::memcpy(at, part.data(), part.size());
            const std::span<const uint8_t> span(at, part.size());
            at += part.size();
            return span;
        };
        frame.message = sent.message;
        frame.flags = sent.flags;
        frame.id = sent.id;
        frame.envelope = put(sent.envelope);
        frame.params = put(sent.params);
        frame.data = put(sent.data);
        frame.memory = &frame_memory;
    }
};

Bytes random_bytes(Prng& prng, size_t size) {
    Buffer buffer = Buffer::allocate(size);
    for (size_t i = 0; i < size; ++i) buffer.data()[i] = static_cast<uint8_t>(prng.next());
    return std::move(buffer).freeze(size);
}

bool same(const Bytes& a, const Bytes& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

const uint8_t kEnvelope[] = {0x80};

}  // namespace

TEST_CASE("streams: payloads of every size arrive whole and in chunks of the limit at most") {
    Prng prng(test::seed());
    for (const auto& [params_size, data_size] : {std::pair<size_t, size_t>{0, 0},
                                                 {10, 20},
                                                 {0, 256 * 1024},
                                                 {1, 256 * 1024},
                                                 {300 * 1024, 0},
                                                 {300 * 1024, 700 * 1024},
                                                 {5000, 3'000'001}}) {
        const Bytes params = random_bytes(prng, params_size);
        const Bytes data = random_bytes(prng, data_size);
        Wire wire;
        OutStreams out;
        out.send(wire, wire::Message::kTaskSubmit, 0, 9, kEnvelope, params, data);
        Assembler assembler;
        Payload whole;
        bool done = false;
        while (!done) {
            REQUIRE_FALSE(wire.sent.empty());
            const Arrived arrived(wire.take());
            const bool first = !arrived.frame.envelope.empty();
            const Assembler::State state =
                first ? assembler.first(arrived.frame, wire::PayloadSizes{params_size, data_size},
                                        whole)
                      : assembler.next(arrived.frame, whole);
            REQUIRE(state != Assembler::State::kBroken);
            REQUIRE(state != Assembler::State::kIgnored);
            done = state == Assembler::State::kWhole;
            if (done) whole.own();  // the frame goes
            out.pump(wire);
        }
        CHECK(same(whole.params, params));
        CHECK(same(whole.data, data));
        CHECK(out.idle());
        CHECK(out.waiting_bytes() == 0);
        CHECK(assembler.open_count() == 0);
    }
}

TEST_CASE("streams: never much more than the send mark is queued and streams take turns") {
    Prng prng(test::seed());
    Wire wire;
    OutStreams out;
    const Bytes data = random_bytes(prng, 8 << 20);
    out.send(wire, wire::Message::kTaskSubmit, 0, 1, kEnvelope, {}, data);
    out.send(wire, wire::Message::kTaskSubmit, 0, 2, kEnvelope, {}, data);
    CHECK(wire.queued_bytes() < net::kSendHighMark + limits::kChunkSizeMax);
    std::map<uint64_t, int> seen;
    for (int i = 0; i < 20; ++i) {
        ++seen[wire.take().id];
        out.pump(wire);
    }
    CHECK(seen[1] >= 6);
    CHECK(seen[2] >= 6);
}

TEST_CASE("streams: what waits is counted in a total until it is sent, dropped or cleared") {
    Prng prng(test::seed());
    Wire wire;
    uint64_t total = 1000;
    {
        OutStreams out;
        out.count_in(&total);
        const Bytes data = random_bytes(prng, 2 << 20);
        for (uint64_t id : {1u, 2u, 3u}) {
            out.send(wire, wire::Message::kResultDelivery, 0, id, kEnvelope, {}, data);
        }
        CHECK(total == 1000 + out.waiting_bytes());
        CHECK(total > 5 << 20);
        out.drop(2);
        CHECK(total == 1000 + out.waiting_bytes());
        while (!wire.sent.empty()) {
            wire.take();
            out.pump(wire);
        }
        CHECK(total == 1000);
        out.send(wire, wire::Message::kResultDelivery, 0, 4, kEnvelope, {}, data);
        CHECK(total > 1000);
        out.clear();
    }
    CHECK(total == 1000);
}

TEST_CASE("streams: a dropped stream says whether the other side has heard of it") {
    Prng prng(test::seed());
    Wire wire;
    OutStreams out;
    const Bytes data = random_bytes(prng, 2 << 20);
    out.send(wire, wire::Message::kTaskAssign, 0, 1, kEnvelope, {}, data);
    REQUIRE(wire.queued_bytes() >= net::kSendHighMark);
    out.send(wire, wire::Message::kTaskAssign, 0, 2, kEnvelope, {}, data);
    CHECK_FALSE(out.drop(1));  // under way
    CHECK(out.drop(2));        // queued behind it
    CHECK_FALSE(out.drop(2));
    CHECK_FALSE(out.drop(3));
    CHECK(out.idle());
}

TEST_CASE("streams: a frame with an envelope starts an open stream anew") {
    Prng prng(test::seed());
    const Bytes first = random_bytes(prng, 600 * 1024);
    const Bytes second = random_bytes(prng, 500 * 1024);
    Wire wire;
    OutStreams out;
    Assembler assembler;
    Payload whole;
    out.send(wire, wire::Message::kResultDelivery, 0, 4, kEnvelope, {}, first);
    const Arrived lost(wire.take());
    CHECK(assembler.first(lost.frame, wire::PayloadSizes{0, first.size()}, whole) ==
          Assembler::State::kMore);
    out.drop(4);
    wire.sent.clear();
    out.send(wire, wire::Message::kResultDelivery, 0, 4, kEnvelope, {}, second);
    Assembler::State state = Assembler::State::kMore;
    while (state == Assembler::State::kMore) {
        const Arrived arrived(wire.take());
        state = arrived.frame.envelope.empty()
                    ? assembler.next(arrived.frame, whole)
                    : assembler.first(arrived.frame, wire::PayloadSizes{0, second.size()}, whole);
        out.pump(wire);
    }
    CHECK(state == Assembler::State::kWhole);
    CHECK(same(whole.data, second));
}

TEST_CASE("streams: wrong sizes are broken with a reason and cost no memory") {
    Wire::Sent sent{wire::Message::kTaskSubmit, wire::kFlagMore, 5, {0x80}, {}, {1, 2, 3}};
    Payload whole;
    Assembler assembler;
    CHECK(assembler.first(Arrived(sent).frame, std::nullopt, whole) == Assembler::State::kBroken);
    CHECK(std::string(assembler.why()).find("sizes") != std::string::npos);
    sent.id = 0;
    CHECK(assembler.first(Arrived(sent).frame, wire::PayloadSizes{0, 10}, whole) ==
          Assembler::State::kBroken);
    CHECK(std::string(assembler.why()).find("id") != std::string::npos);
    sent.id = 5;
    CHECK(assembler.first(Arrived(sent).frame, wire::PayloadSizes{1, 64ull << 20}, whole) ==
          Assembler::State::kBroken);
    CHECK(assembler.first(Arrived(sent).frame, wire::PayloadSizes{0, 2}, whole) ==
          Assembler::State::kBroken);  // more than announced
    CHECK(assembler.first(Arrived(sent).frame, wire::PayloadSizes{0, 10}, whole) ==
          Assembler::State::kMore);
    sent.flags = 0;
    sent.envelope.clear();
    CHECK(assembler.next(Arrived(sent).frame, whole) == Assembler::State::kBroken);  // ends early
    CHECK(assembler.open_count() == 0);
    CHECK(assembler.next(Arrived(sent).frame, whole) == Assembler::State::kIgnored);
}

TEST_CASE("streams: memory a connection reads into outlives a dropped assembly") {
    Wire::Sent sent{wire::Message::kTaskSubmit, wire::kFlagMore, 5, {0x80}, {}, {1, 2, 3}};
    Payload whole;
    Assembler assembler;
    const Arrived first(sent);
    REQUIRE(assembler.first(first.frame, wire::PayloadSizes{0, 100'000}, whole) ==
            Assembler::State::kMore);
    uint8_t* place = assembler.place(5, 50'000);
    REQUIRE(place != nullptr);
    assembler.drop(5);
    std::memset(place, 7, 50'000);  // the address sanitizer would object
    sent.envelope.clear();
    CHECK(assembler.next(Arrived(sent).frame, whole) == Assembler::State::kIgnored);
    CHECK(assembler.place(5, 10) == nullptr);
}

TEST_CASE("borrowed bytes that have to wait are the stream's own from then on") {
    Wire connection;
    const std::vector<uint8_t> filler(limits::kChunkSizeMax);
    while (connection.queued_bytes() < net::kSendHighMark) {  // nothing goes out yet
        connection.send_copy(wire::Message::kTaskSubmit, 0, 1, {}, {}, filler);
    }
    std::vector<uint8_t> lent(2000, 7);
    const Bytes params = Bytes::copy(std::string(2 * limits::kChunkSizeMax, 'p'));
    OutStreams out;
    out.send(connection, wire::Message::kTaskSubmit, 0, 5, {}, params, Bytes::borrow(lent));
    CHECK(connection.sent.back().id == 1);
    std::fill(lent.begin(), lent.end(), 0xEE);
    std::vector<uint8_t> data;
    while (!out.idle() || !connection.sent.empty()) {
        out.pump(connection);
        const Wire::Sent sent = connection.take();
        if (sent.id == 5) data.insert(data.end(), sent.data.begin(), sent.data.end());
    }
    CHECK(data == std::vector<uint8_t>(2000, 7));
}

TEST_CASE("small payloads keep the block they lie in with one reference for all of them") {
    Buffer block = Buffer::allocate(4096);
    Buffer other = Buffer::allocate(4096);
    wire::FrameMemory memory{&block, true};
    wire::FrameMemory other_memory{&other, true};
    wire::Frame frame;
    frame.memory = &memory;
    wire::Frame elsewhere;
    elsewhere.memory = &other_memory;
    SmallHolds holds;
    SmallHolds::Hold* const first = holds.hold(frame);
    REQUIRE(first);
    CHECK(memory.held);
    CHECK_FALSE(block.is_unique());
    SmallHolds::Hold* const far = holds.hold(elsewhere);
    // The next read into the same block holds it anew, and says so to the reader.
    memory.held = false;
    SmallHolds::Hold* const second = holds.hold(frame);
    CHECK(second == first);
    CHECK(memory.held);
    CHECK(first->users == 2);
    holds.drop(first);
    CHECK_FALSE(block.is_unique());
    holds.drop(second);
    CHECK(block.is_unique());
    CHECK_FALSE(other.is_unique());
    holds.drop(far);
    CHECK(other.is_unique());
    // Its record is used again, for whichever block comes.
    SmallHolds::Hold* const again = holds.hold(elsewhere);
    CHECK((again == first || again == far));
    CHECK(again->block.data() == other.data());
    holds.drop(again);
    // Where blocks are short, and where there is none.
    memory.may_hold_small = false;
    CHECK(holds.hold(frame) == nullptr);
    frame.memory = nullptr;
    CHECK(holds.hold(frame) == nullptr);
}
