// ContentInbox: contents on their way in over one connection, in any number of chunks. It computes
// their digests as they come, so that the end of a large one does not stop the loop; what it gives
// out is known to be of that digest, or known not to be of the one that was stated.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/crypto.h"
#include "core/flat_map.h"
#include "roles/streams.h"
#include "wire/codec.h"

namespace p2c2r::roles {

class ContentInbox {
  public:
    // Of those that are open at the same time; one of any size may come alone.
    struct Limits {
        size_t open_max = 8;
        uint64_t bytes_max = limits::kPayloadSizeMax;
    };

    explicit ContentInbox(const Limits& limits, const MemoryHook* hook = nullptr)
        : limits_(limits), assembler_(hook) {}

    enum class State {
        kMore,     // taken; nothing to do
        kWhole,    // `stated` and `bytes` are set, and `bytes` are of that digest
        kForged,   // they are not: `stated` is all there is
        kRefused,  // of more than `size_max`, or too many: `stated` says which; it is not read
        kIgnored,  // a later chunk of one that was refused
        kBroken,   // the other side broke the protocol: why()
    };
    struct Taken {
        State state = State::kIgnored;
        Digest256 stated{};
        Bytes bytes;
        bool too_large = false;  // of kRefused
        // With its first frame, unless it was refused: of the whole content.
        std::optional<uint64_t> size;
    };
    // The next frame of a content_put. Throws std::bad_alloc; the content is then lost.
    Taken take(const wire::Frame& frame, uint64_t size_max);
    // Where the next data bytes of that stream belong, or NULL.
    uint8_t* place(uint64_t id, size_t size) { return assembler_.place(id, size); }
    // A content of this digest has begun to come in.
    [[nodiscard]] bool is_coming(const Digest256& digest);
    // Bytes of the open ones, as announced.
    [[nodiscard]] uint64_t announced_bytes() const { return announced_bytes_; }
    // It is not read any further.
    void refuse(uint64_t id) { end(id); }
    // Those of which less than `bytes_least` have come since the last time that this was asked.
    // They are not read any further.
    std::vector<Digest256> refuse_slow(uint64_t bytes_least);
    [[nodiscard]] bool is_idle() const { return open_.size() == 0; }
    void clear();
    [[nodiscard]] const char* why() const { return why_; }

  private:
    struct Incoming {
        Digest256 stated{};
        uint64_t size = 0;
        uint64_t come = 0;   // since `is_new`, or the last look
        bool is_new = true;  // it has not been looked at
        Sha256 digest;
    };
    Taken first(const wire::Frame& frame, uint64_t size_max);
    Taken next(const wire::Frame& frame);
    Taken whole(Digest256 stated, Digest256 computed, Bytes&& bytes);
    void end(uint64_t id);

    const Limits limits_;
    FlatMap<std::unique_ptr<Incoming>> open_;
    Assembler assembler_;
    uint64_t announced_bytes_ = 0;
    const char* why_ = "";
};

// The digest that an envelope states, which the codec has found to be one.
inline Digest256 digest_of(std::string_view stated) {
    Digest256 digest{};
    copy_run(digest.data(), stated.data(), std::min(stated.size(), digest.size()));
    return digest;
}
inline std::string_view digest_text(const Digest256& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// Ids of content streams: apart from those of tasks, which never reach this bit.
inline constexpr uint64_t kContentIdBit = 1ull << 63;

}  // namespace p2c2r::roles
