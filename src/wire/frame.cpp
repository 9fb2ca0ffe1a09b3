#include "wire/frame.h"

#include <bit>
#include <cstring>
#include <string_view>

namespace p2c2r::wire {

using namespace detail;

namespace {

struct NameRow {
    Message message;
    const char* name;
};

constexpr NameRow kNames[] = {
    {Message::kHello, "hello"},
    {Message::kHelloResponse, "hello_response"},
    {Message::kGoodbye, "goodbye"},
    {Message::kPeerRegister, "peer_register"},
    {Message::kPeerRegisterResponse, "peer_register_response"},
    {Message::kGamerRegister, "gamer_register"},
    {Message::kGamerRegisterResponse, "gamer_register_response"},
    {Message::kPeerDisconnect, "peer_disconnect"},
    {Message::kTaskSubmit, "task_submit"},
    {Message::kTaskAssign, "task_assign"},
    {Message::kTaskResult, "task_result"},
    {Message::kResultDelivery, "result_delivery"},
    {Message::kTaskTimeout, "task_timeout"},
    {Message::kTaskCancel, "task_cancel"},
    {Message::kTaskRefuse, "task_refuse"},
    {Message::kHeartbeat, "heartbeat"},
    {Message::kPeerCountUpdate, "peer_count_update"},
    {Message::kCall, "call"},
    {Message::kCallResponse, "call_response"},
    {Message::kContentPut, "content_put"},
    {Message::kContentWant, "content_want"},
    {Message::kContentDrop, "content_drop"},
};

// Names of the first contract that are still accepted where messages are named (JSON).
constexpr NameRow kAliases[] = {
    {Message::kPeerRegister, "register_peer"},
    {Message::kGamerRegister, "register_user"},
    {Message::kGamerRegister, "register_gamer"},
    {Message::kPeerRegisterResponse, "registration_ack"},
    {Message::kGamerRegisterResponse, "registered"},
    {Message::kTaskSubmit, "task_request"},
    {Message::kTaskAssign, "task_assignment"},
    {Message::kTaskAssign, "execute_task"},
    {Message::kTaskResult, "task_failure"},
    {Message::kResultDelivery, "task_error"},
    {Message::kGoodbye, "error"},
};

constexpr size_t kEmptyBinSize = 2;

// The header of one bin part: how long header and part are, as far as `bytes` show it.
struct BinHeader {
    enum class Kind { kWhole, kCut, kBroken } kind;
    size_t header_size;  // kCut: at least
    size_t size;         // kWhole, else 0
    const char* why;     // kBroken
};

BinHeader read_long_bin_header(std::span<const uint8_t> bytes) {
    const uint8_t* at = bytes.data();
    if (bytes.empty()) return {BinHeader::Kind::kCut, kEmptyBinSize, 0, nullptr};
    if (at[0] < kBin8 || at[0] > kBin32) {
        return {BinHeader::Kind::kBroken, 0, 0, "envelope, params and data of a frame must be bin"};
    }
    const size_t header_size = at[0] == kBin8 ? 2 : at[0] == kBin16 ? 3 : 5;
    const size_t size_min = at[0] == kBin8 ? 0 : at[0] == kBin16 ? 0x100 : 0x10000;
    if (bytes.size() < header_size) return {BinHeader::Kind::kCut, header_size, 0, nullptr};
    size_t size = 0;
    for (size_t i = 1; i < header_size; ++i) size = size << 8 | at[i];
    if (size < size_min) {
        return {BinHeader::Kind::kBroken, 0, 0,
                "a bin header of a frame is not in its shortest form"};
    }
    return {BinHeader::Kind::kWhole, header_size, size, nullptr};
}

inline BinHeader read_bin_header(std::span<const uint8_t> bytes) {
    if (bytes.size() >= 2 && bytes[0] == kBin8) [[likely]] {
        return {BinHeader::Kind::kWhole, 2, bytes[1], nullptr};
    }
    return read_long_bin_header(bytes);
}

// Checks as much of the 14 fixed bytes as there is.
const char* check_head(std::span<const uint8_t> bytes) {
    const uint8_t* at = bytes.data();
    const size_t size = bytes.size();
    if (size > 0 && at[0] != kArrayOfSix) return "a frame must start with an array of 6 (0x96)";
    if (size > 1 && at[1] != kUint8) return "the message of a frame must be in the form 0xcc";
    if (size > 3 && at[3] != kUint8) return "the flags of a frame must be in the form 0xcc";
    if (size > 5 && at[5] != kUint64) return "the task id of a frame must be in the form 0xcf";
    return nullptr;
}

// Where the parts of a frame lie. Left without values: only what has been seen is set.
struct Layout {
    size_t size;         // of the frame, at least
    size_t data_offset;  // 0: not known yet
    size_t data_size;
    size_t envelope_offset;
    size_t envelope_size;
    size_t params_offset;
    size_t params_size;
};

// Fills `layout` with what `bytes` show of a frame. Says what is broken, or NULL.
//
// Each part moves `offset` behind itself. What is not yet seen counts as empty, so that the size
// asked for never exceeds that of the real frame. A part is below 2^32 bytes and is compared with
// its limit before the next one is looked at, so no sum can wrap.
inline const char* read_layout(std::span<const uint8_t> bytes, const FrameLimits& limits,
                               Layout& layout) {
    using Kind = BinHeader::Kind;
    size_t offset = limits::kFrameHeadSize;
    layout.size = offset + 3 * kEmptyBinSize;
    layout.data_offset = 0;
    if (const char* why = check_head(bytes)) return why;
    if (bytes.size() < offset) return nullptr;

    const BinHeader envelope = read_bin_header(bytes.subspan(offset));
    if (envelope.kind == Kind::kBroken) return envelope.why;
    if (envelope.size > limits.envelope_size_max) return "the envelope is too large";
    layout.envelope_offset = offset + envelope.header_size;
    layout.envelope_size = envelope.size;
    offset = layout.envelope_offset + envelope.size;
    layout.size = offset + 2 * kEmptyBinSize;
    if (envelope.kind == Kind::kCut || bytes.size() < offset) return nullptr;

    const BinHeader params = read_bin_header(bytes.subspan(offset));
    if (params.kind == Kind::kBroken) return params.why;
    if (params.size > limits::kChunkSizeMax) return "params of a frame exceed 256 KiB";
    layout.params_offset = offset + params.header_size;
    layout.params_size = params.size;
    offset = layout.params_offset + params.size;
    layout.size = offset + kEmptyBinSize;
    if (params.kind == Kind::kCut || bytes.size() < offset) return nullptr;

    const BinHeader data = read_bin_header(bytes.subspan(offset));
    if (data.kind == Kind::kBroken) return data.why;
    if (params.size + data.size > limits::kChunkSizeMax) {
        return "params and data of a frame exceed 256 KiB";
    }
    offset += data.header_size;
    layout.size = offset + data.size;
    if (data.kind == Kind::kCut) return nullptr;
    layout.data_offset = offset;
    layout.data_size = data.size;
    return nullptr;
}

}  // namespace

const char* message_name(Message message) {
    for (const NameRow& row : kNames) {
        if (row.message == message) return row.name;
    }
    return nullptr;
}

Message message_by_name(std::string_view name) {
    for (const NameRow& row : kNames) {
        if (name == row.name) return row.message;
    }
    for (const NameRow& row : kAliases) {
        if (name == row.name) return row.message;
    }
    return Message::kNone;
}

Bytes Frame::hold(std::span<const uint8_t> part) const {
    if (part.empty()) return {};
    for (const Bytes* whole : {whole_params, whole_data}) {
        if (whole && part.data() >= whole->data() && part.data() < whole->data() + whole->size()) {
            return whole->slice(static_cast<size_t>(part.data() - whole->data()), part.size());
        }
    }
    P2C2R_CHECK(memory != nullptr);
    return memory->hold(part);
}

FrameParse parse_frame(std::span<const uint8_t> bytes, const FrameLimits& limits) {
    using Kind = FrameParse::Kind;
    Layout layout;
    const char* why = read_layout(bytes, limits, layout);
    if (!why && layout.size > limits.frame_size_max) why = "the frame is too large";
    if (why) return {Kind::kBroken, 0, 0, {}, why};
    if (layout.data_offset == 0) return {Kind::kNeedMore, layout.size, 0, {}, nullptr};
    const bool whole = bytes.size() >= layout.size;
    return {
        whole ? Kind::kFrame : Kind::kNeedMore,
        layout.size,
        layout.data_offset,
        {static_cast<Message>(bytes[2]), bytes[4], load_u64(bytes.data() + 6),
         bytes.subspan(layout.envelope_offset, layout.envelope_size),
         bytes.subspan(layout.params_offset, layout.params_size),
         whole ? bytes.subspan(layout.data_offset, layout.data_size) : std::span<const uint8_t>(),
         nullptr},
        nullptr};
}

size_t detail::write_long_bin_header(uint8_t* out, size_t size) {
    P2C2R_CHECK(size <= 0xFFFFFFFFu);
    if (size < 0x10000) {
        out[0] = kBin16;
        out[1] = static_cast<uint8_t>(size >> 8);
        out[2] = static_cast<uint8_t>(size);
        return 3;
    }
    out[0] = kBin32;
    out[1] = static_cast<uint8_t>(size >> 24);
    out[2] = static_cast<uint8_t>(size >> 16);
    out[3] = static_cast<uint8_t>(size >> 8);
    out[4] = static_cast<uint8_t>(size);
    return 5;
}

void rewrite_id(uint8_t* frame, uint64_t id) {
    store_u64(frame + 6, id);
}

}  // namespace p2c2r::wire
