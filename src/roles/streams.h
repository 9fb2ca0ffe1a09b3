// Payloads that travel in chunks. OutStreams sends them on one connection, a chunk of each in turn
// and never more than the send mark ahead, so that a large payload does not block small frames.
// Assembler puts the chunks of one direction together again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/flat_map.h"
#include "core/status.h"
#include "net/transport.h"
#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/messages.h"

namespace p2c2r::roles {

// The next bytes of a payload: params first, then data.
struct Chunk {
    Bytes params;
    Bytes data;
    [[nodiscard]] size_t size() const { return params.size() + data.size(); }
};

// Bytes of params and data in one chunk of our own making. Small enough to stay in a core's cache
// on its way through a relay.
inline constexpr size_t kOwnChunkSize = 128 * 1024;

inline bool needs_chunks(size_t params_size, size_t data_size) {
    return params_size + data_size > limits::kChunkSizeMax;
}

class OutStreams {
  public:
    // Sends a whole payload: one frame, or a stream when it needs chunks (then the envelope MUST
    // carry its sizes).
    void send(net::Connection& connection, wire::Message message, uint8_t flags, uint64_t id,
              std::span<const uint8_t> envelope, const Bytes& params, const Bytes& data) {
        if (!needs_chunks(params.size(), data.size())) {
            connection.send(message, flags, id, envelope, params, data);
        } else {
            send_chunks(connection, message, flags, id, envelope, params, data);
        }
    }
    // A stream whose chunks come later. One of the same message and id is dropped.
    void open(wire::Message message, uint8_t flags, uint64_t id, std::span<const uint8_t> envelope);
    // The next chunk of an open stream; `last` closes it. Ignored when there is no such stream.
    void append(uint64_t id, Chunk&& chunk, bool last);
    // What has not been sent is not sent any more. True: there was such a stream, and nothing of it
    // has left, so that the other side has never heard of it.
    bool drop(uint64_t id) {
        return (streams_.empty() && ends_.empty()) ? false : drop_waiting(id);
    }
    void clear();
    // From now on what waits here and is held by nobody else is counted in `*total` too: answers,
    // and not the inputs and contents of tasks. It MUST outlive the streams. To be called while
    // nothing waits.
    void count_in(uint64_t* total) { total_ = total; }
    // From now on it is remembered where the inputs of tasks that were sent in chunks end, until
    // drop().
    void remember_ends() { remembers_ends_ = true; }
    // How many bytes of this payload the other side has not got yet, at most; `end`: what the
    // connection will have sent once it has sent all of it, 0: as remembered.
    [[nodiscard]] uint64_t unsent(uint64_t id, uint64_t end, const net::Connection& connection);
    // Sends as much as the marks allow. To be called when something was appended and on_writable.
    void pump(net::Connection& connection);
    [[nodiscard]] bool idle() const { return streams_.empty(); }
    // There is such a stream, and its last chunk has not left.
    [[nodiscard]] bool has(uint64_t id) { return find(id) != nullptr; }
    // Payload bytes that wait here.
    [[nodiscard]] uint64_t waiting_bytes() const { return waiting_bytes_; }

  private:
    struct Stream {
        wire::Message message{};
        uint8_t flags = 0;  // without "more"
        uint64_t id = 0;
        std::vector<uint8_t> envelope;
        std::deque<Chunk> chunks;
        bool started = false;
        bool complete = false;

        // The bytes of other payloads are those of a task's input, or of a content.
        [[nodiscard]] bool counts() const {
            return message == wire::Message::kResultDelivery ||
                   message == wire::Message::kCallResponse;
        }
    };
    void send_chunks(net::Connection& connection, wire::Message message, uint8_t flags, uint64_t id,
                     std::span<const uint8_t> envelope, const Bytes& params, const Bytes& data);
    Stream* find(uint64_t id);
    bool drop_waiting(uint64_t id);
    void close_at(size_t position);
    void count_more(const Stream& stream, uint64_t bytes) {
        waiting_bytes_ += bytes;
        if (total_ && stream.counts()) *total_ += bytes;
    }
    void count_less(const Stream& stream, uint64_t bytes) {
        waiting_bytes_ -= bytes;
        if (total_ && stream.counts()) *total_ -= bytes;
    }

    std::vector<std::unique_ptr<Stream>> streams_;
    bool remembers_ends_ = false;
    FlatMap<uint64_t> ends_;
    size_t turn_ = 0;  // whose chunk goes next
    uint64_t waiting_bytes_ = 0;
    uint64_t* total_ = nullptr;
};

// What has come of a payload in chunks that is passed on as it comes, against the sizes that its
// first frame announced: what the last receiver checks as well, before it gets the bytes.
class Passage {
  public:
    void begin(const wire::PayloadSizes& sizes) {
        params_left_ = sizes.params_size;
        data_left_ = sizes.data_size;
    }
    [[nodiscard]] uint64_t left() const { return params_left_ + data_left_; }
    // Counts the next frame. NULL, or static text: what is wrong with it.
    const char* add(const wire::Frame& frame) {
        if (frame.params.size() > params_left_ || frame.data.size() > data_left_) {
            return "a payload of more than its announced size";
        }
        params_left_ -= frame.params.size();
        data_left_ -= frame.data.size();
        if (params_left_ > 0 && !frame.data.empty()) return "data before the end of params";
        const bool last = !(frame.flags & wire::kFlagMore);
        return last && (params_left_ > 0 || data_left_ > 0)
                   ? "a payload that ends before its announced size"
                   : nullptr;
    }

  private:
    uint64_t params_left_ = 0;
    uint64_t data_left_ = 0;
};

// Small payloads are copied out of the block they arrived in: one result that is kept must not keep
// a whole read block alive.
inline constexpr size_t kHoldThreshold = 4096;
// For whoever is done with a small part before the frame goes.
inline Bytes hold_or_borrow(const wire::Frame& frame, std::span<const uint8_t> part) {
    return part.size() >= kHoldThreshold ? frame.hold(part) : Bytes::borrow(part);
}
inline Bytes hold_or_copy(const wire::Frame& frame, std::span<const uint8_t> part,
                          const MemoryHook* hook = nullptr) {
    return part.size() >= kHoldThreshold ? frame.hold(part)
           : part.empty()                ? Bytes()
                                         : Bytes::copy(part, hook);
}

struct Payload {
    Bytes params;
    Bytes data;
    // For keeping it beyond the call that it came with.
    void own() {
        if (params.is_borrowed()) params = params.owned();
        if (data.is_borrowed()) data = data.owned();
    }
};

class Assembler {
  public:
    explicit Assembler(const MemoryHook* hook = nullptr) : hook_(hook) {}
    enum class State { kWhole, kMore, kIgnored, kBroken };

    // The first frame of a stream (it has an envelope). What was there under this id is dropped.
    // The small parts of a payload in one frame are borrowed from that frame: see Payload::own.
    State first(const wire::Frame& frame, const std::optional<wire::PayloadSizes>& sizes,
                Payload& whole) {
        // What nearly all are: small, and whole, while nothing else is on its way.
        const size_t larger = std::max(frame.params.size(), frame.data.size());
        if (larger >= kHoldThreshold || (frame.flags & wire::kFlagMore) || !open_.empty()) {
            return take_first(frame, sizes, whole);
        }
        placed_ = 0;
        whole.params = Bytes::borrow(frame.params);
        whole.data = Bytes::borrow(frame.data);
        return State::kWhole;
    }
    // A later frame. kIgnored: no stream of this id is open.
    State next(const wire::Frame& frame, Payload& whole);
    // Where the next `size` data bytes of this stream belong, or NULL.
    uint8_t* place(uint64_t id, size_t size);
    // Memory that a connection is reading into lives on until its frame has been delivered.
    void drop(uint64_t id) {
        if (!open_.empty()) drop_open(id);
    }
    // Only when the connection reads no more.
    void clear();
    [[nodiscard]] size_t open_count() const { return open_.size(); }
    // Why the last call said kBroken; static text.
    [[nodiscard]] const char* why() const { return why_; }

  private:
    struct Part {
        Buffer buffer;
        uint64_t size = 0;  // as announced
        uint64_t received = 0;
    };
    struct Assembly {
        Part params;
        Part data;
    };
    State take_first(const wire::Frame& frame, const std::optional<wire::PayloadSizes>& sizes,
                     Payload& whole);
    void drop_open(uint64_t id);
    State add(Assembly& assembly, const wire::Frame& frame, Payload& whole);
    bool room(Part& part, size_t more);
    State broken(const char* why) {
        why_ = why;
        return State::kBroken;
    }

    FlatMap<std::unique_ptr<Assembly>> open_;
    uint64_t placed_ = 0;               // whose buffer the connection reads into
    std::unique_ptr<Assembly> parked_;  // dropped while it was placed
    const MemoryHook* hook_;
    const char* why_ = "";
};

// XXH3-64 over params and data, as the checksum field has it.
uint64_t payload_checksum(const Bytes& params, const Bytes& data);

// References to the blocks that small payloads lie in, counted once for all payloads in a block:
// one for each would cost as much as the copy that it saves. For one thread.
class SmallHolds {
  public:
    struct Hold {
        Bytes block;
        uint32_t users = 0;
    };
    // The parts of this frame stay where they are until drop(). NULL: they must be copied.
    Hold* hold(const wire::Frame& frame) {
        if (!frame.memory || !frame.memory->may_hold_small) return nullptr;
        const uint8_t* const block = frame.memory->block->data();
        if (!last_ || last_->block.data() != block) last_ = find(*frame.memory, block);
        ++last_->users;
        frame.memory->held = true;
        return last_;
    }
    void drop(Hold* hold) {
        if (--hold->users > 0) return;
        hold->block = Bytes();
        if (hold == last_) last_ = nullptr;
    }

  private:
    Hold* find(wire::FrameMemory& memory, const uint8_t* block);

    std::vector<std::unique_ptr<Hold>> holds_;  // few
    Hold* last_ = nullptr;
};

}  // namespace p2c2r::roles
