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

#include <cstdint>
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
};

// The canonical name of a message ("task_submit"), or NULL.
const char* message_name(Message message);
// The message of a canonical name or alias ("register_peer"); kNone for an unknown one.
Message message_by_name(std::string_view name);

inline constexpr uint8_t kFlagMore = 1;      // more chunks of this stream follow
inline constexpr uint8_t kFlagChecksum = 2;  // the envelope carries XXH3-64 over params and data

// One frame as it arrived. The parts point into `memory`, which keeps them alive; whoever wants a
// part for longer than the call it was handed over in takes a slice.
struct Frame {
    Message message = Message::kNone;
    uint8_t flags = 0;
    uint64_t id = 0;
    std::span<const uint8_t> envelope;
    std::span<const uint8_t> params;
    std::span<const uint8_t> data;
    const Buffer* memory = nullptr;
    // A part that was handed over inside one process, as it was sent, lies here instead.
    const Bytes* whole_params = nullptr;
    const Bytes* whole_data = nullptr;

    // Counted slices of the frame's block.
    [[nodiscard]] Bytes hold(std::span<const uint8_t> part) const {
        if (part.empty()) return {};
        for (const Bytes* whole : {whole_params, whole_data}) {
            if (whole && part.data() >= whole->data() &&
                part.data() < whole->data() + whole->size()) {
                return whole->slice(static_cast<size_t>(part.data() - whole->data()), part.size());
            }
        }
        P2C2R_CHECK(memory != nullptr);
        return memory->share(static_cast<size_t>(part.data() - memory->data()), part.size());
    }
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

// Room for the 14 fixed bytes and the three bin headers.
inline constexpr size_t kFrameHeadMax = limits::kFrameHeadSize + 15;

// Writes head, envelope and the headers of params and data so that only the bytes of params and
// data themselves remain to be sent behind: [head][envelope][params header] params [data header]
// data. `out` MUST have room for kFrameHeadMax - 5 + envelope.size() bytes (up to and with the
// params header).
size_t write_frame_start(uint8_t* out, Message message, uint8_t flags, uint64_t id,
                         std::span<const uint8_t> envelope, size_t params_size);
// The header of one bin part, at most 5 bytes.
size_t write_bin_header(uint8_t* out, size_t size);

// Rewrites the task id of a frame in place.
void rewrite_id(uint8_t* frame, uint64_t id);

}  // namespace p2c2r::wire
