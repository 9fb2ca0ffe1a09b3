// Stream: one TCP connection. StreamTable: all of one transport, with the memory they share, and
// their part in the turns of the loop.
//
// A stream outlives the Connection object that its owner holds, so that the owner may destroy that
// at any time: it first sends what is left, then tells the other side, then waits for it to close
// too (closing with unread bytes would reset the connection and could destroy the last words on
// their way), all within a second. Streams are deleted by the table only, when none of their
// functions can be running.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "net/frame_reader.h"
#include "net/read_blocks.h"
#include "net/send_queue.h"
#include "net/socket.h"
#include "net/tls_session.h"
#include "net/transport.h"
#include "net/uv_loop.h"
#include "net/uv_watch.h"

namespace p2c2r::net {

class Stream;

class StreamTable final : public TurnPart {
  public:
    static constexpr size_t kLingeringMax = 256;
    static constexpr uint64_t kLingerUs = 1'000'000;
    // Answering a caller's first words takes longer than all else that one connection can ask for.
    // Others have their turn after so many, however many call.
    static constexpr int kCallersPerTurn = 4;

    StreamTable(UvLoop& loop, const MemoryHook* memory);
    ~StreamTable();

    // NULL when the system refuses or memory is short. `tls`: NULL for bytes as they are; `host` is
    // who was called.
    std::unique_ptr<Connection> adopt(Socket socket, const Address& peer,
                                      std::shared_ptr<TlsContext> tls, const std::string& host);

    [[nodiscard]] uint64_t payload_bytes_copied() const {
        return blocks_.payload_bytes_copied + pool_.payload_bytes_copied;
    }

  private:
    friend class Stream;
    using List = std::list<std::unique_ptr<Stream>>;

    // What encrypted connections share, since each is done with it before the next one's turn: an
    // idle one holds no buffer.
    struct Sealing {
        static constexpr size_t kArrivedSize = 128 * 1024;
        static constexpr size_t kAtOnce = 128 * 1024;  // sealed before it is sent
        static constexpr size_t kSealedSize =
            kAtOnce + TlsSession::kRecordSize + TlsSession::kWriteExtra;
        static constexpr size_t kSpareMax = 8;
        // Where the system takes less than was sealed, the stream keeps the whole block until the
        // rest is sent, so that it is not copied; then it comes back.
        using Block = std::unique_ptr<uint8_t[]>;
        uint8_t arrived[kArrivedSize];
        Block sealed;
        size_t sealed_size = 0;
        std::vector<Block> spare;
        std::vector<uint8_t> answers;  // of a session to what was read
    };

    void notify() override;
    void flush() noexcept override;
    [[nodiscard]] bool wants_notify() const override { return !writable_.empty(); }
    [[nodiscard]] bool wants_flush() const override { return dirty_first_ || !dead_.empty(); }

    [[nodiscard]] bool may_meet_caller();
    void mark_dirty(Stream& stream);
    void begin_linger(Stream& stream);
    void end_overdue();
    void bury(Stream& stream, List& from);

    UvLoop& loop_;
    ReadBlocks blocks_;
    BatchPool pool_;
    List open_;
    List lingering_;  // the longest first
    List dead_;
    Stream* dirty_first_ = nullptr;
    Stream* dirty_last_ = nullptr;
    uint64_t callers_turn_us_ = 0;
    int callers_left_ = 0;           // of that turn
    std::vector<Stream*> writable_;  // owed an on_writable; NULL: dead meanwhile
    Timer linger_timer_;
    std::unique_ptr<IoPiece[]> pieces_;  // for gathering
    std::unique_ptr<Sealing> sealing_;   // from the first encrypted connection on
};

class Stream final : private WatchEvents, private FrameSink {
  public:
    Stream(StreamTable& table, Socket socket, const Address& peer);

    // ---- for the Connection ----
    void set_events(ConnectionEvents* events);
    void set_limits(const wire::FrameLimits& limits) { limits_ = limits; }
    void send(wire::Message message, uint8_t flags, uint64_t id, std::span<const uint8_t> envelope,
              const Bytes& params, const Bytes& data);
    void send_copy(wire::Message message, uint8_t flags, uint64_t id,
                   std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                   std::span<const uint8_t> data);
    [[nodiscard]] size_t queued_bytes() const { return queue_.size() + unsent_left(); }
    [[nodiscard]] size_t unsent_bytes() const {
        return queued_bytes() + (socket_.valid() ? unacknowledged(socket_) : 0);
    }
    void pause_reading(bool paused);
    void close();
    void connection_gone();
    [[nodiscard]] const Address& peer() const { return peer_; }
    [[nodiscard]] uint64_t bytes_in() const { return bytes_in_; }
    [[nodiscard]] uint64_t bytes_out() const { return bytes_out_; }
    [[nodiscard]] PartialFrame partial_frame() const;
    [[nodiscard]] uint64_t last_words_us() const { return last_words_us_; }
    [[nodiscard]] std::string peer_identity() const;
    [[nodiscard]] std::string channel_binding() const;

  private:
    friend class StreamTable;
    enum class State : uint8_t {
        kOpen,
        kEnding,     // inside the last on_closed: may send, hears nothing
        kLingering,  // closed by its owner, has something left to send
        kDraining,   // has told the other side that nothing follows
        kClosed,
    };

    void on_ready(bool readable, bool writable) noexcept override;
    bool take_frame(const wire::Frame& frame) override;
    uint8_t* place_data(wire::Message message, uint64_t id, size_t size) override;
    [[nodiscard]] bool wants_frames() const override { return state_ == State::kOpen; }

    [[nodiscard]] bool is_reading() const { return state_ == State::kOpen && !paused_ && events_; }
    bool read() noexcept;
    bool is_received(const IoResult& result) noexcept;
    void take(size_t size);
    void words_ended();
    void discard() noexcept;
    void write() noexcept;
    bool is_sent(const IoResult& result, size_t offered) noexcept;
    // ---- encrypted (uv_stream_tls.cpp)
    void read_sealed();
    void write_sealed();
    void seal();
    bool send_sealed();
    bool send_unsent();
    void keep_unsent(const uint8_t* from, size_t size);
    bool send_unsent_block();
    void give_block_back() noexcept;
    void end_sealed() noexcept;
    [[nodiscard]] size_t unsent_left() const {
        return block_last_ - block_first_ + unsent_.size() - unsent_first_;
    }
    [[nodiscard]] bool is_encrypted() const { return tls_ || called_with_; }
    [[nodiscard]] bool shakes_hands() const {
        return called_with_ || (tls_ && tls_->state() == TlsSession::State::kHandshake);
    }
    void meet_caller();
    [[nodiscard]] bool has_to_send() const {
        return unsent_left() > 0 || (!queue_.empty() && !shakes_hands());
    }
    void flush() noexcept;
    void sent_more(size_t before) noexcept;
    void notify_writable() noexcept;
    void fail(Status status, const char* why) noexcept;
    void fail_in_turn(Status status, const char* why);
    void finish() noexcept;
    void update_watch();
    template <class Append>
    void queue_frame(const Append& append);

    StreamTable& table_;
    StreamTable::List::iterator self_;
    Connection* connection_ = nullptr;  // NULL: destroyed
    ConnectionEvents* events_ = nullptr;
    State state_ = State::kOpen;
    bool paused_ = false;
    bool blocked_ = false;         // waits until the system takes more
    bool dirty_ = false;           // in the table's list
    bool was_high_ = false;        // owes an on_writable once low
    bool notified_ = false;        // in the table's writable_
    Status failed_ = Status::kOk;  // to be told in this turn's flush
    const char* failed_why_ = "";
    Stream* next_dirty_ = nullptr;

    Socket socket_;
    SocketWatch watch_;
    FrameReader reader_;
    SendQueue queue_;
    wire::FrameLimits limits_;
    Address peer_;
    std::unique_ptr<TlsSession> tls_;
    // Of a server's connection until the first byte comes: who is turned away costs no session.
    std::shared_ptr<TlsContext> called_with_;
    // Encrypted, and more than the system would take: first what was sealed in one go, then the
    // rest. What is before block_first_ and unsent_first_ has been sent.
    StreamTable::Sealing::Block block_;
    size_t block_first_ = 0;
    size_t block_last_ = 0;
    std::vector<uint8_t> unsent_;
    size_t unsent_first_ = 0;
    uint64_t bytes_in_ = 0;
    uint64_t bytes_out_ = 0;
    uint64_t frames_in_ = 0;
    uint64_t partial_since_us_ = 0;
    uint64_t record_since_us_ = 0;  // the same of a record of which only the beginning is here
    uint64_t words_since_us_ = 0;   // of words that have begun; 0: none have
    uint64_t last_words_us_ = 0;
    uint64_t linger_until_us_ = 0;
    size_t discarded_ = 0;
};

}  // namespace p2c2r::net
