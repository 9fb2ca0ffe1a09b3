#include "net/local_transport.h"

#include <cstring>
#include <deque>
#include <new>
#include <utility>

#include "net/send_queue.h"

namespace p2c2r::net {

namespace {

struct Entry {
    wire::Message message{};
    uint8_t flags = 0;
    uint64_t id = 0;
    size_t envelope_size = 0;
    size_t params_size = 0;
    size_t data_size = 0;
    Buffer small;  // the envelope and the parts that were copied, in this order
    Bytes params;  // the parts that were not
    Bytes data;

    [[nodiscard]] size_t size() const {
        return wire::kFrameHeadMax + envelope_size + params_size + data_size;
    }
};

class LocalConnection;

// What lies between two ends: for each its inbox. Both ends own it, since each may go first.
struct LocalPipe {
    struct Side {
        LocalConnection* connection = nullptr;  // NULL: destroyed
        ConnectionEvents* events = nullptr;
        wire::FrameLimits limits;
        std::deque<Entry> inbox;
        size_t inbox_bytes = 0;
        Timer deliver;
        bool open = true;
        bool paused = false;
        bool was_high = false;       // as a sender: owes an on_writable once the inbox is low
        bool owes_writable = false;  // to be told when `deliver` fires
        Status failed = Status::kOk;
        const char* why = "";
        uint64_t bytes_in = 0;
        uint64_t bytes_out = 0;
    };
    explicit LocalPipe(Loop& of) : loop(of) {}
    ~LocalPipe() {
        for (Side& side : sides) loop.disarm(side.deliver);
    }

    Loop& loop;
    Side sides[2];
};

class LocalConnection final : public Connection {
  public:
    LocalConnection(std::shared_ptr<LocalPipe> pipe, int index)
        : pipe_(std::move(pipe)), here_(pipe_->sides[index]), there_(pipe_->sides[1 - index]) {
        here_.connection = this;
        here_.deliver.fire = [this] { deliver(); };
    }
    ~LocalConnection() override {
        close();
        pipe_->loop.disarm(here_.deliver);
        here_.connection = nullptr;
    }

    void set_events(ConnectionEvents* events) override {
        here_.events = events;
        soon(here_);
    }
    void set_limits(const wire::FrameLimits& limits) override { here_.limits = limits; }

    void send(wire::Message message, uint8_t flags, uint64_t id, std::span<const uint8_t> envelope,
              const Bytes& params, const Bytes& data) override {
        put(message, flags, id, envelope, params.span(), data.span(),
            params.size() < kCopyBelow ? nullptr : &params,
            data.size() < kCopyBelow ? nullptr : &data);
    }
    void send_copy(wire::Message message, uint8_t flags, uint64_t id,
                   std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                   std::span<const uint8_t> data) override {
        put(message, flags, id, envelope, params, data, nullptr, nullptr);
    }
    [[nodiscard]] size_t queued_bytes() const override { return there_.inbox_bytes; }
    void pause_reading(bool paused) override {
        here_.paused = paused;
        if (!paused) soon(here_);
    }
    void close() override {
        if (!here_.open) return;
        here_.open = false;
        here_.events = nullptr;
        here_.inbox.clear();
        here_.inbox_bytes = 0;
        if (there_.connection) there_.connection->queue_is(0);
        soon(there_);  // it hears of the end behind what is still in its inbox
    }
    [[nodiscard]] std::string peer_address() const override { return "this process"; }
    [[nodiscard]] bool is_loopback() const override { return true; }
    [[nodiscard]] uint64_t bytes_in() const override { return here_.bytes_in; }
    [[nodiscard]] uint64_t bytes_out() const override { return here_.bytes_out; }

  private:
    using Side = LocalPipe::Side;

    // Events come from a timer that is due at once: never from inside a call of the owner.
    void soon(Side& side) noexcept {
        if (!side.connection || !side.open) return;
        try {
            pipe_->loop.arm(side.deliver, 0);
        } catch (const std::bad_alloc&) {
            side.failed = Status::kMemory;
            side.why = "memory is short";
        }
    }

    void put(wire::Message message, uint8_t flags, uint64_t id, std::span<const uint8_t> envelope,
             std::span<const uint8_t> params, std::span<const uint8_t> data,
             const Bytes* shared_params, const Bytes* shared_data) {
        if (!here_.open || !there_.open || here_.failed != Status::kOk) return;
        try {
            Entry entry;
            entry.message = message;
            entry.flags = flags;
            entry.id = id;
            entry.envelope_size = envelope.size();
            entry.params_size = params.size();
            entry.data_size = data.size();
            const std::span<const uint8_t> copied[] = {
                envelope, shared_params ? std::span<const uint8_t>() : params,
                shared_data ? std::span<const uint8_t>() : data};
            const size_t small = copied[0].size() + copied[1].size() + copied[2].size();
            if (small > 0) {
                entry.small = Buffer::allocate(small);
                uint8_t* at = entry.small.data();
                for (const auto& part : copied) {
                    if (!part.empty()) std::memcpy(at, part.data(), part.size());
                    at += part.size();
                }
            }
            if (shared_params) entry.params = *shared_params;
            if (shared_data) entry.data = *shared_data;
            const size_t size = entry.size();
            there_.inbox.push_back(std::move(entry));
            there_.inbox_bytes += size;
        } catch (const std::bad_alloc&) {
            return fail_soon(Status::kMemory, "memory is short for what is to be sent");
        }
        soon(there_);
        queue_is(there_.inbox_bytes);
        if (there_.inbox_bytes >= kSendHighMark) here_.was_high = true;
        if (there_.inbox_bytes > kSendLimit) {
            fail_soon(Status::kLimit, "the other side is more than 128 MiB behind");
        }
    }

    void fail_soon(Status status, const char* why) {
        here_.failed = status;
        here_.why = why;
        soon(here_);
    }

    void deliver() {
        // The owner may destroy this end, and the other one, in any of the events.
        const std::shared_ptr<LocalPipe> keep = pipe_;
        Side& here = here_;
        Side& there = there_;
        if (here.failed != Status::kOk) return end(here, there, here.failed, here.why);
        try {
            if (std::exchange(here.owes_writable, false) && here.events) {
                here.events->on_writable(*this);
            }
            // What is sent in answer to these comes in a later turn.
            for (size_t left = here.inbox.size(); left > 0; --left) {
                if (!here.open || here.paused || !here.events || here.inbox.empty()) break;
                const Entry entry = std::move(here.inbox.front());
                here.inbox.pop_front();
                if (const char* why = too_large(entry, here.limits)) {
                    return end(here, there, Status::kProtocol, why);
                }
                here.inbox_bytes -= entry.size();
                here.bytes_in += entry.size();
                there.bytes_out += entry.size();
                note_taken(here, there);
                hand_over(here, entry);
            }
        } catch (const std::bad_alloc&) {
            return end(here, there, Status::kMemory, "memory is short for what came");
        } catch (...) {
            return end(here, there, Status::kInternal,
                       "an internal error while a frame was handled");
        }
        if (!here.open || here.paused || !here.events) return;
        if (!here.inbox.empty()) {
            keep->loop.arm(here.deliver, 0);
        } else if (!there.open) {
            end(here, there, Status::kDisconnected, "closed by the other side");
        }
    }

    static void hand_over(Side& here, const Entry& entry) {
        wire::FrameMemory memory{&entry.small};
        wire::Frame frame;
        frame.message = entry.message;
        frame.flags = entry.flags;
        frame.id = entry.id;
        const uint8_t* at = entry.small.data();
        const auto part = [&](size_t size, const Bytes& shared) {
            if (!shared.empty()) return shared.span();
            const std::span<const uint8_t> copied(at, size);
            at += size;
            return copied;
        };
        frame.envelope = part(entry.envelope_size, {});
        frame.params = part(entry.params_size, entry.params);
        frame.data = part(entry.data_size, entry.data);
        frame.memory = &memory;
        if (!entry.params.empty()) frame.whole_params = &entry.params;
        if (!entry.data.empty()) frame.whole_data = &entry.data;
        here.events->on_frame(*here.connection, frame);
    }

    // The limits of a wire hold here too, so that what works in one process works in two.
    static const char* too_large(const Entry& entry, const wire::FrameLimits& limits) {
        if (entry.envelope_size > limits.envelope_size_max) return "the envelope is too large";
        if (entry.params_size + entry.data_size > limits::kChunkSizeMax) {
            return "params and data of a frame exceed 256 KiB";
        }
        return entry.size() > limits.frame_size_max ? "the frame is too large" : nullptr;
    }

    void note_taken(Side& here, Side& there) {
        if (there.connection) there.connection->queue_is(here.inbox_bytes);
        if (!there.was_high || here.inbox_bytes >= kSendLowMark) return;
        there.was_high = false;
        there.owes_writable = true;
        soon(there);
    }

    static void end(Side& here, Side& there, Status status, const char* why) noexcept {
        if (!here.open) return;
        ConnectionEvents* events = std::exchange(here.events, nullptr);
        LocalConnection* connection = here.connection;
        try {
            std::string text;
            try {
                text = why;
            } catch (const std::bad_alloc&) {
                // The status says enough.
            }
            // One last word may be sent from inside the event.
            if (events && connection) events->on_closed(*connection, status, text);
        } catch (...) {
            // It was the last event: there is nobody left to tell.
        }
        if (!here.open) return;  // closed or destroyed in the event
        here.open = false;
        here.inbox.clear();
        here.inbox_bytes = 0;
        if (there.connection) {
            there.connection->queue_is(0);
            there.connection->soon(there);
        }
    }

    std::shared_ptr<LocalPipe> pipe_;
    Side& here_;
    Side& there_;
};

class LocalAttempt final : public Transport::Attempt {
  public:
    LocalAttempt(Loop& loop, Transport::Accept accept, Transport::Connected connected)
        : loop_(loop), accept_(std::move(accept)), connected_(std::move(connected)) {
        timer_.fire = [this] {
            const Transport::Accept accept = std::move(accept_);
            const Transport::Connected connected = std::move(connected_);
            std::unique_ptr<Connection> near;
            try {
                auto pair = make_local_pair(loop_);
                near = std::move(pair.second);
                accept(std::move(pair.first));
            } catch (const std::bad_alloc&) {
                near.reset();
            }
            // This object may be gone after either. The text is short enough to need no memory.
            if (near) return connected(std::move(near));
            connected(make_error(Status::kMemory, "memory is short"));
        };
        loop_.arm(timer_, 0);
    }
    ~LocalAttempt() override { loop_.disarm(timer_); }

  private:
    Loop& loop_;
    Transport::Accept accept_;
    Transport::Connected connected_;
    Timer timer_;
};

}  // namespace

std::pair<std::unique_ptr<Connection>, std::unique_ptr<Connection>> make_local_pair(Loop& loop) {
    auto pipe = std::make_shared<LocalPipe>(loop);
    auto first = std::make_unique<LocalConnection>(pipe, 0);
    auto second = std::make_unique<LocalConnection>(pipe, 1);
    return {std::move(first), std::move(second)};
}

Result<std::unique_ptr<Listener>> LocalTransport::listen(const std::string&, uint32_t, Accept,
                                                         std::shared_ptr<TlsContext>) {
    return make_error(Status::kUnsupported, "connections inside one process have no address");
}

std::unique_ptr<Transport::Attempt> LocalTransport::connect(const std::string&, uint32_t, uint64_t,
                                                            Connected connected,
                                                            std::shared_ptr<TlsContext>) {
    return std::make_unique<LocalAttempt>(loop_, accept_, std::move(connected));
}

}  // namespace p2c2r::net
