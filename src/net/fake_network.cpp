#include "net/fake_network.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <new>
#include <utility>

namespace p2c2r::net {

FakeLine::FakeLine(std::shared_ptr<const FakeNetwork> network, uint64_t FakeNetwork::*bytes_s,
                   Prng random)
    : network_(std::move(network)), bytes_s_(bytes_s), random_(random) {}

uint64_t FakeLine::arrival_us(uint64_t now_us, size_t size) {
    const FakeNetwork& network = *network_;
    const uint64_t bytes_s = network.*bytes_s_;
    free_us_ = std::max(free_us_, now_us);
    if (bytes_s != 0) free_us_ += static_cast<uint64_t>(size) * 1'000'000 / bytes_s;
    uint64_t at = free_us_ + network.lag_us + random_.below(network.jitter_us + 1);
    if (network.loss > 0) {
        const auto packets = static_cast<double>(size / kPacketSize + 1);
        // What is sent again may be lost again.
        const double any_lost = 1 - std::pow(1 - network.loss, packets);
        for (double chance = any_lost; at - now_us < 60'000'000 && random_.chance(chance);
             chance = network.loss) {
            at += kRetransmitUs;
        }
    }
    last_us_ = std::max(last_us_, at);
    return last_us_;
}

namespace {

// A frame that waits, in memory of its own.
struct Waiting {
    uint64_t due_us = 0;
    wire::Message message{};
    uint8_t flags = 0;
    uint64_t id = 0;
    size_t envelope_size = 0;
    size_t params_size = 0;
    size_t data_size = 0;
    Buffer bytes;  // envelope, params, data

    Waiting(wire::Message of, uint8_t with, uint64_t number, std::span<const uint8_t> envelope,
            std::span<const uint8_t> params, std::span<const uint8_t> data)
        : message(of),
          flags(with),
          id(number),
          envelope_size(envelope.size()),
          params_size(params.size()),
          data_size(data.size()),
          bytes(Buffer::allocate(std::max<size_t>(1, envelope_size + params_size + data_size))) {
        copy_run(bytes.data(), envelope.data(), envelope_size);
        copy_run(bytes.data() + envelope_size, params.data(), params_size);
        copy_run(bytes.data() + envelope_size + params_size, data.data(), data_size);
    }
    [[nodiscard]] size_t size() const {
        return wire::kFrameHeadMax + envelope_size + params_size + data_size;
    }
    [[nodiscard]] std::span<const uint8_t> part(size_t offset, size_t size) const {
        return {bytes.data() + offset, size};
    }
};

constexpr uint64_t kLookAgainUs = 5'000;

class DelayedConnection final : public Connection, private ConnectionEvents {
  public:
    DelayedConnection(Loop& loop, std::unique_ptr<Connection> inner,
                      const std::shared_ptr<const FakeNetwork>& network, Prng random)
        : loop_(loop),
          inner_(std::move(inner)),
          up_(network, &FakeNetwork::up_bytes_s, random.fork(1)),
          down_(network, &FakeNetwork::down_bytes_s, random.fork(2)) {
        timer_.fire = [this] { fire(); };
        inner_->set_events(this);
    }
    ~DelayedConnection() override {
        close();
        *alive_ = false;
    }

    void set_events(ConnectionEvents* events) override {
        events_ = events;
        arm();
    }
    void set_limits(const wire::FrameLimits& limits) override { inner_->set_limits(limits); }
    void send(wire::Message message, uint8_t flags, uint64_t id, std::span<const uint8_t> envelope,
              const Bytes& params, const Bytes& data) override {
        send_copy(message, flags, id, envelope, params.span(), data.span());
    }
    void send_copy(wire::Message message, uint8_t flags, uint64_t id,
                   std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                   std::span<const uint8_t> data) override {
        if (!open_ || memory_is_short_) return;
        try {
            Waiting waiting(message, flags, id, envelope, params, data);
            waiting.due_us = up_.arrival_us(loop_.now_us(), waiting.size());
            out_bytes_ += waiting.size();
            queue_is(out_bytes_);
            out_.push_back(std::move(waiting));
            was_high_ = was_high_ || queued_bytes() >= kSendHighMark;
            arm();
        } catch (const std::bad_alloc&) {
            memory_is_short_ = true;  // told by the timer: never from inside a send
            try {
                loop_.arm(timer_, loop_.now_us());
            } catch (const std::bad_alloc&) {
                // The next frame that comes tells it.
            }
        }
    }
    [[nodiscard]] size_t queued_bytes() const override {
        return out_bytes_ + inner_->queued_bytes();
    }
    [[nodiscard]] size_t unsent_bytes() const override {
        return out_bytes_ + inner_->unsent_bytes();
    }
    void count_queue_in(uint64_t* total) override {
        Connection::count_queue_in(total);
        queue_is(out_bytes_);
        inner_->count_queue_in(total);
    }
    void pause_reading(bool paused) override {
        paused_ = paused;
        inner_->pause_reading(paused);
        arm();
    }
    void close() override {
        if (!open_) return;
        open_ = false;
        events_ = nullptr;
        loop_.disarm(timer_);
        while (!out_.empty()) pass_on_first();
        in_.clear();
        inner_->close();
    }
    [[nodiscard]] std::string peer_address() const override { return inner_->peer_address(); }
    [[nodiscard]] bool is_loopback() const override { return inner_->is_loopback(); }
    [[nodiscard]] std::string peer_identity() const override { return inner_->peer_identity(); }
    [[nodiscard]] std::string channel_binding() const override { return inner_->channel_binding(); }
    [[nodiscard]] uint64_t bytes_in() const override { return inner_->bytes_in(); }
    [[nodiscard]] uint64_t bytes_out() const override { return inner_->bytes_out(); }
    [[nodiscard]] PartialFrame partial_frame() const override { return inner_->partial_frame(); }
    [[nodiscard]] uint64_t last_words_us() const override { return delivered_us_; }

  private:
    void on_frame(Connection&, const wire::Frame& frame) override {
        if (memory_is_short_) return end(Status::kMemory, "memory is short");
        try {
            Waiting waiting(frame.message, frame.flags, frame.id, frame.envelope, frame.params,
                            frame.data);
            waiting.due_us = down_.arrival_us(loop_.now_us(), waiting.size());
            in_.push_back(std::move(waiting));
            arm();
        } catch (const std::bad_alloc&) {
            end(Status::kMemory, "memory is short");
        }
    }
    void on_closed(Connection&, Status status, const std::string& why) override {
        // A last word may be sent from inside some of these, so they are told at once.
        const bool has_last_word = status == Status::kProtocol || status == Status::kMemory ||
                                   status == Status::kInternal || status == Status::kUnsupported;
        if (has_last_word || in_.empty()) return end(status, why);
        ended_ = status;
        why_ = why;
        is_ended_ = true;
    }
    void on_writable(Connection&) override { tell_writable(); }

    // By value: whoever hears of it may destroy this object, and reads on.
    void end(Status status, std::string why) {
        in_.clear();
        if (ConnectionEvents* events = std::exchange(events_, nullptr)) {
            events->on_closed(*this, status, why);
        }
    }

    void arm() {
        uint64_t at = UINT64_MAX;
        if (!out_.empty()) at = out_.front().due_us;
        if (!in_.empty() && !paused_ && events_) at = std::min(at, in_.front().due_us);
        // The connection below tells of its own high mark only: until both are low it is looked at.
        if (was_high_ && out_.empty()) at = std::min(at, loop_.now_us() + kLookAgainUs);
        if (at != UINT64_MAX && open_) loop_.arm(timer_, at);
    }

    void pass_on_first() {
        const Waiting first = std::move(out_.front());
        out_.pop_front();
        out_bytes_ -= first.size();
        queue_is(out_bytes_);
        inner_->send(first.message, first.flags, first.id, first.part(0, first.envelope_size),
                     first.bytes.share(first.envelope_size, first.params_size),
                     first.bytes.share(first.envelope_size + first.params_size, first.data_size));
    }

    void deliver_first() {
        const Waiting first = std::move(in_.front());
        in_.pop_front();
        wire::FrameMemory memory;
        memory.block = &first.bytes;
        memory.may_hold_small = true;
        wire::Frame frame;
        frame.message = first.message;
        frame.flags = first.flags;
        frame.id = first.id;
        frame.envelope = first.part(0, first.envelope_size);
        frame.params = first.part(first.envelope_size, first.params_size);
        frame.data = first.part(first.envelope_size + first.params_size, first.data_size);
        frame.memory = &memory;
        events_->on_frame(*this, frame);
    }

    // Whoever is told something may destroy this object.
    void fire() {
        const std::shared_ptr<bool> alive = alive_;
        try {
            pass_on(alive);
        } catch (const std::bad_alloc&) {
            // The stream would lack a frame from here on.
            if (*alive && open_) end(Status::kMemory, "memory is short");
        }
    }

    void pass_on(const std::shared_ptr<bool>& alive) {
        if (memory_is_short_) return end(Status::kMemory, "memory is short");
        const uint64_t now = loop_.now_us();
        while (!out_.empty() && out_.front().due_us <= now) pass_on_first();
        while (*alive && open_ && events_ && !paused_ && !in_.empty() &&
               in_.front().due_us <= now) {
            deliver_first();
            if (*alive) delivered_us_ = now;
        }
        if (*alive && open_ && is_ended_ && in_.empty()) return end(ended_, why_);
        if (*alive && open_) tell_writable();
        if (*alive && open_) arm();
    }

    void tell_writable() {
        if (!was_high_ || queued_bytes() > kSendLowMark || !events_) return;
        was_high_ = false;
        events_->on_writable(*this);
    }

    Loop& loop_;
    std::unique_ptr<Connection> inner_;
    FakeLine up_;
    FakeLine down_;
    ConnectionEvents* events_ = nullptr;
    Timer timer_;
    std::deque<Waiting> out_;
    std::deque<Waiting> in_;
    size_t out_bytes_ = 0;
    uint64_t delivered_us_ = 0;  // the last frame
    bool was_high_ = false;
    bool paused_ = false;
    bool open_ = true;
    bool memory_is_short_ = false;
    bool is_ended_ = false;
    Status ended_ = Status::kOk;
    std::string why_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class FakeTransport final : public Transport {
  public:
    FakeTransport(Loop& loop, Transport& inner, std::shared_ptr<const FakeNetwork> network,
                  Prng random)
        : loop_(loop), inner_(inner), network_(std::move(network)), random_(random) {}

    Result<std::unique_ptr<Listener>> listen(const std::string& address, uint32_t port,
                                             Accept accept,
                                             std::shared_ptr<TlsContext> tls) override {
        return inner_.listen(
            address, port,
            [this, accept = std::move(accept)](std::unique_ptr<Connection> connection) {
                accept(delayed(std::move(connection)));
            },
            std::move(tls));
    }
    std::unique_ptr<Attempt> connect(const std::string& host, uint32_t port, uint64_t timeout_us,
                                     Connected connected,
                                     std::shared_ptr<TlsContext> tls) override {
        return inner_.connect(
            host, port, timeout_us,
            [this,
             connected = std::move(connected)](Result<std::unique_ptr<Connection>> connection) {
                if (!connection) return connected(connection.error());
                connected(delayed(std::move(*connection)));
            },
            std::move(tls));
    }
    [[nodiscard]] uint64_t payload_bytes_copied() const override {
        return inner_.payload_bytes_copied();
    }

  private:
    std::unique_ptr<Connection> delayed(std::unique_ptr<Connection> connection) {
        return std::make_unique<DelayedConnection>(loop_, std::move(connection), network_,
                                                   random_.fork(++connections_));
    }

    Loop& loop_;
    Transport& inner_;
    const std::shared_ptr<const FakeNetwork> network_;
    Prng random_;
    uint64_t connections_ = 0;
};

}  // namespace

std::unique_ptr<Transport> make_fake_transport(Loop& loop, Transport& inner,
                                               const FakeNetwork& network, Prng random) {
    return make_fake_transport(loop, inner, std::make_shared<const FakeNetwork>(network), random);
}

std::unique_ptr<Transport> make_fake_transport(Loop& loop, Transport& inner,
                                               std::shared_ptr<const FakeNetwork> network,
                                               Prng random) {
    return std::make_unique<FakeTransport>(loop, inner, std::move(network), random);
}

}  // namespace p2c2r::net
