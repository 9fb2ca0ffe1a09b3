// ReadBlocks: the counted memory that all connections of one transport receive into.
//
// There is one current block. Frames are handed out as slices of it; as soon as nobody refers to
// any of them the block is filled again from its beginning, so that a relay which sends on in the
// same turn stays in the core's cache. While somebody does, filling goes on behind; a full block is
// set aside and comes back when its last slice is gone. An idle connection therefore holds nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/bytes.h"
#include "wire/frame.h"

namespace p2c2r::net {

struct ReadBlock {
    Buffer buffer;
    uint32_t pins = 0;  // unfinished frames that are being completed in place
};

class ReadBlocks {
  public:
    static constexpr size_t kReadSize = 256 * 1024;
    // Behind that: room to complete, in place, a frame whose beginning was the end of a read. Only
    // what is written to becomes resident.
    static constexpr size_t kTailSize = limits::kChunkSizeMax + 4 * 1024;
    static constexpr size_t kReadSizeMin = 64 * 1024;
    static constexpr size_t kReadSizeCrowded = 16 * 1024;
    static constexpr size_t kSpareMax = 4;      // free blocks that are kept
    static constexpr size_t kCrowdedFrom = 32;  // blocks that slices keep
    static constexpr size_t kCrowdedTo = 16;
    static constexpr size_t kRoomyBelow = 4;  // blocks that slices keep
    static constexpr size_t kPinsMax = 16;    // so that slow senders cannot keep many blocks

    explicit ReadBlocks(const MemoryHook* hook) : hook_(hook) {}

    struct Space {
        ReadBlock* block = nullptr;
        size_t offset = 0;
        size_t size = 0;  // at least kReadSizeMin, or kReadSizeCrowded
    };
    // Where the next bytes are to be received. Throws std::bad_alloc when memory is short.
    Space space();
    // The current block is in use up to `end`.
    void used_until(size_t end) {
        used_ = (end + kPayloadAlign - 1) / kPayloadAlign * kPayloadAlign;
    }
    [[nodiscard]] bool crowded() const { return crowded_; }
    // True while slices keep so few blocks that some more do no harm.
    [[nodiscard]] bool roomy() const { return kept_ < kRoomyBelow; }
    // False when no further frame should be completed in place.
    [[nodiscard]] bool pin(ReadBlock& block);
    void unpin(ReadBlock& block);

    [[nodiscard]] const MemoryHook* hook() const { return hook_; }
    // Bytes of large payloads that had to be moved because a frame came in pieces.
    uint64_t payload_bytes_copied = 0;

  private:
    static bool is_free(const ReadBlock& block) {
        return block.pins == 0 && block.buffer.is_unique();
    }

    // Drops what is free beyond the spare blocks and sees how many are kept.
    void sweep();
    void replace();

    const MemoryHook* hook_;
    std::unique_ptr<ReadBlock> current_;
    size_t used_ = 0;
    size_t pins_ = 0;
    size_t kept_ = 0;  // blocks set aside that slices kept at the last sweep
    bool crowded_ = false;
    uint32_t reads_until_sweep_ = 0;  // while crowded
    // Those that slices keep first, free ones behind, as far as the last sweep knew.
    std::vector<std::unique_ptr<ReadBlock>> aside_;
};

}  // namespace p2c2r::net
