// Frames: the only thing that travels (contract: "Wire"; PROTOCOL.md beside this file).
//
//   offset 0      0x96                an array of 6
//          1..2   cc MM               message number
//          3..4   cc FF               flags
//          5..13  cf IIIIIIIIIIIIIIII task id, big endian
//          14..   bin envelope, bin params, bin data, each in its shortest form
//
// The splitter turns a byte stream into frames without copying: a frame is a contiguous run of one
// counted block, and its parts are slices of it. The first 14 bytes can be read, and the id be
// rewritten, in place and without a decoder.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>

#include "core/bytes.h"
#include "core/status.h"
#include "model/task.h"

namespace p2c2r::wire {

enum class Message : uint8_t {
    kNone = 0,
    kHello = 1,
    kHelloResponse = 2,
    kGoodbye = 3,
    kPeerRegister = 10,
    kPeerRegisterResponse = 11,
    kGamerRegister = 12,
    kGamerRegisterResponse = 13,
    kPeerDisconnect = 14,
    kTaskSubmit = 20,
    kTaskAssign = 21,
    kTaskResult = 22,
    kResultDelivery = 23,
    kTaskTimeout = 24,
    kTaskCancel = 25,
    kTaskRefuse = 26,
    kHeartbeat = 30,
    kPeerCountUpdate = 31,
    kCall = 40,
    kCallResponse = 41,
    kContentPut = 50,
    kContentWant = 51,
    kContentDrop = 52,
};

// The canonical name of a message ("task_submit"), or NULL.
const char* message_name(Message message);
// The message of a canonical name or alias ("register_peer"); kNone for an unknown one.
Message message_by_name(std::string_view name);

inline constexpr uint8_t kFlagMore = 1;      // more chunks of this stream follow
inline constexpr uint8_t kFlagChecksum = 2;  // the envelope carries XXH3-64 over params and data

// What the frames of one read lie in.
struct FrameMemory {
    const Buffer* block = nullptr;
    // Few blocks are held, so parts too small to keep a whole one alive may be held as well.
    bool may_hold_small = false;
    bool held = false;  // some part of some frame is

    [[nodiscard]] Bytes hold(std::span<const uint8_t> part) {
        held = true;
        return block->share(static_cast<size_t>(part.data() - block->data()), part.size());
    }
};

// One frame as it arrived. The parts point into `memory`, which keeps them alive; whoever wants a
// part for longer than the call it was handed over in takes a slice.
struct Frame {
    Message message = Message::kNone;
    uint8_t flags = 0;
    uint64_t id = 0;
    std::span<const uint8_t> envelope;
    std::span<const uint8_t> params;
    std::span<const uint8_t> data;
    FrameMemory* memory = nullptr;
    // What stands where the id of the frame behind this one would be, or 0: a hint.
    uint64_t next_id = 0;
    // A part that was handed over inside one process, as it was sent, lies here instead.
    const Bytes* whole_params = nullptr;
    const Bytes* whole_data = nullptr;

    // Counted slices of the frame's block.
    [[nodiscard]] Bytes hold(std::span<const uint8_t> part) const;
};

// Sizes a connection may use; raised after login.
struct FrameLimits {
    size_t frame_size_max = limits::kFrameSizeMaxBeforeLogin;
    size_t envelope_size_max = limits::kEnvelopeSizeMaxBeforeLogin;
};
inline constexpr FrameLimits kLimitsAfterLogin{
    limits::kFrameHeadSize + 15 + limits::kEnvelopeSizeMax + limits::kChunkSizeMax,
    limits::kEnvelopeSizeMax};

// The first frame in `bytes`, looked at but not consumed.
struct FrameParse {
    enum class Kind { kFrame, kNeedMore, kBroken } kind = Kind::kNeedMore;
    size_t size = 0;         // kFrame: bytes of the frame; kNeedMore: bytes it will have at least
    size_t data_offset = 0;  // where data begins, once known, else 0
    // kFrame: the frame, without its memory. kNeedMore with a data_offset: all but its data, which
    // will be size - data_offset bytes.
    Frame frame;
    const char* why = nullptr;  // kBroken: static text
};
FrameParse parse_frame(std::span<const uint8_t> bytes, const FrameLimits& limits);

namespace detail {
inline constexpr uint8_t kArrayOfSix = 0x96;
inline constexpr uint8_t kUint8 = 0xcc;
inline constexpr uint8_t kUint64 = 0xcf;
inline constexpr uint8_t kBin8 = 0xc4;
inline constexpr uint8_t kBin16 = 0xc5;
inline constexpr uint8_t kBin32 = 0xc6;

inline uint64_t big_endian(uint64_t value) {
    return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
}
inline uint64_t load_u64(const uint8_t* from) {
    uint64_t value;
    std::memcpy(&value, from, sizeof value);
    return big_endian(value);
}
inline void store_u64(uint8_t* to, uint64_t value) {
    value = big_endian(value);
    std::memcpy(to, &value, sizeof value);
}
size_t write_long_bin_header(uint8_t* out, size_t size);
// The first eight bytes of a frame, but for its message, its flags and the beginning of its id.
inline constexpr uint64_t kHeadBytes = 0x96CC00CC00CF0000;
inline constexpr uint64_t kHeadMask = 0xFFFF00FF00FF0000;
}  // namespace detail

// The id of the frame that begins at `bytes`, if one does; 0 when there is less than its head.
inline uint64_t peek_id(std::span<const uint8_t> bytes) {
    return bytes.size() >= limits::kFrameHeadSize ? detail::load_u64(bytes.data() + 6) : 0;
}

// What most frames are: whole, envelope and params below 256 bytes, data below 64 KiB. Fills
// `frame` (not its memory) and returns its size; 0: ask parse_frame(), which says the same of these
// frames and knows what to say of all others.
inline size_t parse_small_frame(std::span<const uint8_t> bytes, const FrameLimits& limits,
                                Frame& frame) {
    using namespace detail;
    constexpr size_t kHead = limits::kFrameHeadSize;
    const uint8_t* const at = bytes.data();
    const size_t size = bytes.size();
    if (size < kHead + 6 || (load_u64(at) & kHeadMask) != kHeadBytes || at[kHead] != kBin8) {
        return 0;
    }
    const size_t envelope_size = at[kHead + 1];
    const size_t params_at = kHead + 2 + envelope_size;
    if (size < params_at + 4 || at[params_at] != kBin8) return 0;
    const size_t params_size = at[params_at + 1];
    size_t data_at = params_at + 2 + params_size;
    if (size < data_at + 2) return 0;
    size_t data_size = at[data_at + 1];
    if (at[data_at] == kBin8) {
        data_at += 2;
    } else {
        if (at[data_at] != kBin16 || size < data_at + 3 || data_size == 0) return 0;
        data_size = data_size << 8 | at[data_at + 2];
        data_at += 3;
    }
    if (size - data_at < data_size || data_at + data_size > limits.frame_size_max ||
        envelope_size > limits.envelope_size_max) {
        return 0;
    }
    frame.message = static_cast<Message>(at[2]);
    frame.flags = at[4];
    frame.id = load_u64(at + 6);
    frame.envelope = {at + kHead + 2, envelope_size};
    frame.params = {at + params_at + 2, params_size};
    frame.data = {at + data_at, data_size};
    return data_at + data_size;
}

// Room for the 14 fixed bytes and the three bin headers.
inline constexpr size_t kFrameHeadMax = limits::kFrameHeadSize + 15;

// The header of one bin part, at most 5 bytes.
inline size_t write_bin_header(uint8_t* out, size_t size) {
    if (size >= 0x100) return detail::write_long_bin_header(out, size);
    out[0] = detail::kBin8;
    out[1] = static_cast<uint8_t>(size);
    return 2;
}

// Writes head, envelope and the headers of params and data so that only the bytes of params and
// data themselves remain to be sent behind: [head][envelope][params header] params [data header]
// data. `out` MUST have room for kFrameHeadMax - 5 + envelope.size() bytes (up to and with the
// params header).
inline size_t write_frame_start(uint8_t* out, Message message, uint8_t flags, uint64_t id,
                                std::span<const uint8_t> envelope, size_t params_size) {
    uint8_t* at = out;
    detail::store_u64(at, detail::kHeadBytes | static_cast<uint64_t>(message) << 40 |
                              static_cast<uint64_t>(flags) << 24);
    detail::store_u64(at + 6, id);
    at += limits::kFrameHeadSize;
    at += write_bin_header(at, envelope.size());
    copy_run(at, envelope.data(), envelope.size());
    at += envelope.size();
    at += write_bin_header(at, params_size);
    return static_cast<size_t>(at - out);
}

// A whole frame. `out` MUST have room for kFrameHeadMax and the bytes of the parts.
inline size_t write_frame(uint8_t* out, Message message, uint8_t flags, uint64_t id,
                          std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                          std::span<const uint8_t> data) {
    uint8_t* at = out;
    at += write_frame_start(at, message, flags, id, envelope, params.size());
    copy_run(at, params.data(), params.size());
    at += params.size();
    at += write_bin_header(at, data.size());
    copy_run(at, data.data(), data.size());
    return static_cast<size_t>(at - out) + data.size();
}

// Rewrites the task id of a frame in place.
void rewrite_id(uint8_t* frame, uint64_t id);

}  // namespace p2c2r::wire
