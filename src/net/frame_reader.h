// FrameReader: turns the bytes of one connection into frames, each contiguous in one block, without
// moving payload where that can be avoided. Needs no socket: prepare() says where the next bytes
// are to be put, received() how many came.
//
// Whole frames are handed out where they lie in the shared block. What is left at the end of a read
// waits for its rest in one of four ways:
//   placed   the data of a continuation frame goes where the receiver wants it (place_data); where
//            that is done, little more than the head of the next one is read before
//   in place a larger frame is completed behind its beginning, in the same block
//   carried  a small tail is kept aside and put in front of the next read
//   own      anything else gets a block of its own, which grows with what has really arrived
// and the next read fills the rest of that frame and a fresh stretch of the shared block at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "core/bytes.h"
#include "net/read_blocks.h"
#include "net/socket.h"
#include "wire/frame.h"

namespace p2c2r::net {

class FrameSink {
  public:
    // False: no further frame is wanted.
    virtual bool take_frame(const wire::Frame& frame) = 0;
    virtual uint8_t* place_data(wire::Message message, uint64_t id, size_t size) = 0;
    // Asked after place_data().
    [[nodiscard]] virtual bool wants_frames() const = 0;

  protected:
    ~FrameSink() = default;
};

class FrameReader {
  public:
    static constexpr size_t kCarryMax = 4 * 1024;
    static constexpr size_t kPlaceMin = 16 * 1024;
    // Small frames are read in stretches that stay in the core's cache until they are dealt with.
    static constexpr size_t kSmallRead = 64 * 1024;

    explicit FrameReader(ReadBlocks& blocks) : blocks_(blocks) {}
    ~FrameReader() { reset(); }
    FrameReader(const FrameReader&) = delete;
    FrameReader& operator=(const FrameReader&) = delete;

    // One or two pieces to receive into. Throws std::bad_alloc when memory is short.
    size_t prepare(IoPiece (&pieces)[2]);
    // `size` > 0 bytes were received into what the last prepare() gave. Returns why the stream is
    // broken (static text), or NULL. Throws what the sink throws, and std::bad_alloc.
    const char* received(size_t size, const wire::FrameLimits& limits, FrameSink& sink);
    // Lets go of everything; placed memory is not touched any more.
    void reset();

    // The last read of small frames was as much as it could be: there is likely to be more.
    [[nodiscard]] bool wants_more() const { return wants_more_; }

    // The unfinished frame: bytes here, and bytes it will have at least.
    [[nodiscard]] size_t partial_received() const;
    [[nodiscard]] size_t partial_size() const { return partial_size_; }

  private:
    enum class Waiting : uint8_t { kNothing, kPlaced, kInPlace, kCarried, kOwn };

    const char* parse_space(size_t size, const wire::FrameLimits& limits, FrameSink& sink);
    const char* finish_waiting(const wire::FrameLimits& limits, FrameSink& sink);
    void keep(const uint8_t* rest, size_t size, const wire::FrameParse& parse, FrameSink& sink);
    bool place(const uint8_t* rest, size_t size, const wire::FrameParse& parse, FrameSink& sink);
    void make_own(const uint8_t* from, size_t have, size_t need, size_t data_offset);
    // The beginning of a frame, with `have` of its bytes, has been moved.
    void count_moved(size_t have, size_t frame_size, size_t data_offset);

    ReadBlocks& blocks_;
    Waiting waiting_ = Waiting::kNothing;
    bool exact_ = false;  // need_ is the size of the whole frame
    // kCarried: how much of carry_ there is. Else: what lies at memory_.
    size_t have_ = 0;
    size_t need_ = 0;      // before the next look at it
    size_t capacity_ = 0;  // of memory_
    size_t partial_size_ = 0;
    size_t data_offset_ = 0;  // kOwn: where data begins, once known
    uint8_t* memory_ = nullptr;
    ReadBlock* pinned_ = nullptr;       // kInPlace
    Buffer own_;                        // kOwn
    std::unique_ptr<uint8_t[]> carry_;  // kCarried
    // kPlaced: the frame's head
    uint64_t placed_id_ = 0;
    wire::Message placed_message_{};
    uint8_t placed_flags_ = 0;

    // Between prepare() and received().
    ReadBlocks::Space space_;
    size_t into_waiting_ = 0;  // size of the piece that completes the waiting frame
    size_t full_size_ = 0;     // of a read of small frames; 0: it is none
    bool wants_more_ = false;
    uint64_t bytes_received_ = 0;
    size_t last_frame_size_ = 0;
    bool chunk_follows_ = false;  // the last frame was a large one of a stream that goes on
    bool is_placed_here_ = true;  // as far as the last try to place one has shown
};

}  // namespace p2c2r::net
