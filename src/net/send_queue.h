// SendQueue: what one connection has to send, in order: stretches of small copied bytes in chunks
// that all connections of a transport share, and references to larger parts. A connection with
// nothing to send holds no chunk.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "net/socket.h"
#include "wire/frame.h"

namespace p2c2r::net {

// Parts below this are copied into the batch: one write of a few long stretches costs less than
// counting and gathering many short ones.
inline constexpr size_t kCopyBelow = 4 * 1024;

struct BatchChunk {
    static constexpr size_t kSize = 16 * 1024 - 32;
    BatchChunk* next_free = nullptr;
    uint32_t used = 0;
    uint32_t stretches = 0;  // in the queue that it belongs to
    uint8_t bytes[kSize];
};

// Chunks of one transport; the last one given back is the next one taken, so it is still in cache.
class BatchPool {
  public:
    static constexpr size_t kFreeMax = 64;

    BatchPool() = default;
    BatchPool(const BatchPool&) = delete;
    BatchPool& operator=(const BatchPool&) = delete;
    ~BatchPool();
    BatchChunk* take();  // throws std::bad_alloc
    void give(BatchChunk* chunk);
    // Bytes of parts of kCopyBelow and more that were copied into chunks all the same.
    uint64_t payload_bytes_copied = 0;

  private:
    BatchChunk* free_ = nullptr;
    size_t free_count_ = 0;
};

class SendQueue {
  public:
    explicit SendQueue(BatchPool& pool) : pool_(pool) {}
    ~SendQueue() { clear(); }
    SendQueue(const SendQueue&) = delete;
    SendQueue& operator=(const SendQueue&) = delete;

    // Both return the size of the frame. When they throw std::bad_alloc the queue may end in a part
    // of a frame and MUST be cleared.
    size_t append(wire::Message message, uint8_t flags, uint64_t id,
                  std::span<const uint8_t> envelope, const Bytes& params, const Bytes& data);
    size_t append_copy(wire::Message message, uint8_t flags, uint64_t id,
                       std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                       std::span<const uint8_t> data) {
        // Here, so that a small frame costs little more than its bytes.
        const size_t most = wire::kFrameHeadMax + envelope.size() + params.size() + data.size();
        if (most > std::min(room_behind_, kCopyBelow)) {
            return append_parts(message, flags, id, envelope, params, data);
        }
        const size_t size = wire::write_frame(open_->bytes + open_->used, message, flags, id,
                                              envelope, params, data);
        lengthen(size);
        return size;
    }

    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    // The first pieces of what waits, at most `max`.
    struct Gathered {
        size_t count = 0;
        size_t size = 0;  // bytes in them
    };
    Gathered gather(IoPiece* pieces, size_t max) const;
    // The first `size` bytes have been sent.
    void consume(size_t size);
    void clear();

  private:
    struct Piece {
        const uint8_t* data = nullptr;
        size_t size = 0;
        BatchChunk* chunk = nullptr;  // of copied bytes; else `bytes` keeps them
        Bytes bytes;
    };
    // `size` <= BatchChunk::kSize contiguous bytes to fill and then commit().
    uint8_t* room(size_t size) {
        if (open_ && BatchChunk::kSize - open_->used >= size) return open_->bytes + open_->used;
        return new_room();
    }
    uint8_t* new_room();
    void commit(size_t size);
    // The last piece, which is a stretch at the end of open_.
    void lengthen(size_t size) {
        pieces_.back().size += size;
        open_->used += static_cast<uint32_t>(size);
        room_behind_ -= size;
        size_ += size;
    }
    size_t append_parts(wire::Message message, uint8_t flags, uint64_t id,
                        std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                        std::span<const uint8_t> data);
    void copy(std::span<const uint8_t> bytes);
    void append_part(const Bytes& part);
    void append_start(wire::Message message, uint8_t flags, uint64_t id,
                      std::span<const uint8_t> envelope, size_t params_size);
    void append_bin_header(size_t size);
    void release(Piece& piece);
    void emptied();

    BatchPool& pool_;
    std::vector<Piece> pieces_;
    size_t first_ = 0;  // pieces before it have been sent
    size_t size_ = 0;
    BatchChunk* open_ = nullptr;  // copied bytes go here
    size_t room_behind_ = 0;      // the last piece, in open_; 0: the last one is not there
};

}  // namespace p2c2r::net
