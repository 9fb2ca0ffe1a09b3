// Transport: moves frames between two ends. Implemented on libuv's TCP (uv_transport.h), inside one
// process (local_transport.h) and by the simulator. Loop thread only.
//
// Sending is by the turn: frames of one turn are gathered per connection and written together when
// the turn ends. Nothing here reads an envelope.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "core/bytes.h"
#include "core/status.h"
#include "wire/frame.h"

namespace p2c2r::net {

class Connection;
class TlsContext;

// The frame that is just arriving: since when, and how much is here of how much it has at least.
struct PartialFrame {
    size_t received = 0;
    size_t size = 0;  // 0: none
    uint64_t since_us = 0;
};

class ConnectionEvents {
  public:
    // One frame; its memory is the connection's until the call returns (see Frame::hold). After
    // Connection::close() no further event comes.
    virtual void on_frame(Connection& connection, const wire::Frame& frame) = 0;
    // Optional direct placement of a large continuation frame (no envelope, no params): where its
    // `size` data bytes shall be received, or NULL for the connection's own block. The memory must
    // stay valid until the frame is delivered, on_closed is called or the connection is closed. The
    // frame's data is that memory then and cannot be held (Frame::hold).
    virtual uint8_t* place_data(Connection& connection, wire::Message message, uint64_t id,
                                size_t size) {
        (void)connection, (void)message, (void)id, (void)size;
        return nullptr;
    }
    // The other side, the network or a broken frame ended it. Last event of this connection, which
    // may be destroyed in it. After kProtocol, kMemory and kInternal one last word may be sent from
    // inside it, and after kUnsupported: one of the two speaks TLS where the other does not.
    virtual void on_closed(Connection& connection, Status status, const std::string& why) = 0;
    // queued_bytes() has fallen below the low mark after having been above the high mark.
    virtual void on_writable(Connection& connection) { (void)connection; }

  protected:
    ~ConnectionEvents() = default;
};

class Connection {
  public:
    virtual ~Connection() { Connection::count_queue_in(nullptr); }
    virtual void set_events(ConnectionEvents* events) = 0;
    virtual void set_limits(const wire::FrameLimits& limits) = 0;
    // Queues one frame. Small parts are copied into the batch, larger ones referenced until
    // written.
    virtual void send(wire::Message message, uint8_t flags, uint64_t id,
                      std::span<const uint8_t> envelope, const Bytes& params,
                      const Bytes& data) = 0;
    // The same for small parts that need no counted owner: always copied.
    virtual void send_copy(wire::Message message, uint8_t flags, uint64_t id,
                           std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                           std::span<const uint8_t> data) = 0;
    // Bytes queued and not yet taken by the system.
    [[nodiscard]] virtual size_t queued_bytes() const = 0;
    // What the other side's machine has not said to have: these, and what the system holds of what
    // it took, as far as it tells. To be asked seldom: it costs a call of the system.
    [[nodiscard]] virtual size_t unsent_bytes() const { return queued_bytes(); }
    // From now on what is queued here counts in `*total` too, as it was when it last changed or, on
    // a socket, at the end of the last turn. Until NULL is given, or the connection closes or goes;
    // `*total` MUST live for so long.
    virtual void count_queue_in(uint64_t* total) {
        if (total_) *total_ -= std::exchange(counted_, 0);
        total_ = total;
    }
    // Stops and resumes reading: back-pressure on the other side. Frames of the last read (256 KiB
    // at most) still come; the end of the connection is noticed once reading goes on.
    virtual void pause_reading(bool paused) = 0;
    // No further events. What was sent is still written out, for at most a second, also when the
    // object is destroyed. The owner may destroy it at any time, in its own events too; that is the
    // same as close().
    virtual void close() = 0;
    [[nodiscard]] virtual std::string peer_address() const = 0;
    [[nodiscard]] virtual bool is_loopback() const = 0;
    // The pin of the other side's certificate, and what binds a login to this channel (tls.h):
    // empty without TLS and before the first frame.
    [[nodiscard]] virtual std::string peer_identity() const { return {}; }
    [[nodiscard]] virtual std::string channel_binding() const { return {}; }
    [[nodiscard]] virtual uint64_t bytes_in() const = 0;
    // Without what is queued here: it grows only while the other side reads.
    [[nodiscard]] virtual uint64_t bytes_out() const = 0;
    [[nodiscard]] virtual PartialFrame partial_frame() const { return {}; }
    // When the first byte came of the last words that the other side has said in whole: frames, or
    // its part of the handshake of TLS. 0: it has said none. That it is slow to end what it has
    // begun makes this no later. Inside on_frame it is about those before.
    [[nodiscard]] virtual uint64_t last_words_us() const { return 0; }

    // For who implements it: so much is queued now.
    void queue_is(uint64_t bytes) {
        if (!total_) return;
        *total_ += bytes - counted_;
        counted_ = bytes;
    }

  private:
    uint64_t* total_ = nullptr;
    uint64_t counted_ = 0;
};

// Marks for queued_bytes(): above high a role stops what feeds this connection, below low it goes
// on.
inline constexpr size_t kSendHighMark = 512 * 1024;
inline constexpr size_t kSendLowMark = 128 * 1024;
inline constexpr size_t kSendLimit = 128u << 20;  // a reader this far behind is closed

class Listener {
  public:
    virtual ~Listener() = default;  // stops listening
    [[nodiscard]] virtual uint32_t port() const = 0;
};

class Transport {
  public:
    virtual ~Transport() = default;
    using Accept = std::function<void(std::unique_ptr<Connection>)>;
    using Connected = std::function<void(Result<std::unique_ptr<Connection>>)>;
    // port 0: any free one. With `tls` a connection is given to `accept` before the handshake: that
    // runs while its owner waits for the first frame, and what it sends waits for the end of it.
    virtual Result<std::unique_ptr<Listener>> listen(const std::string& address, uint32_t port,
                                                     Accept accept,
                                                     std::shared_ptr<TlsContext> tls = {}) = 0;
    // Calls `connected` once, in a later turn, and with `tls` before the handshake, as above:
    // on_closed with kAuth says that the other side is not who it should be. Destroying the
    // returned handle cancels it.
    class Attempt {
      public:
        virtual ~Attempt() = default;
    };
    virtual std::unique_ptr<Attempt> connect(const std::string& host, uint32_t port,
                                             uint64_t timeout_us, Connected connected,
                                             std::shared_ptr<TlsContext> tls = {}) = 0;
    // Bytes of params and data of 4 KiB and more that were moved in memory on their way in or out.
    // Smaller ones are copied into batches by design, and not counted; nor is what a receiver has
    // put where it wants it (place_data).
    [[nodiscard]] virtual uint64_t payload_bytes_copied() const { return 0; }
};

}  // namespace p2c2r::net
