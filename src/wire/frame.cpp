#include "wire/frame.h"

#include <cstring>
#include <string_view>

namespace p2c2r::wire {

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

constexpr uint8_t kArrayOfSix = 0x96;
constexpr uint8_t kUint8 = 0xcc;
constexpr uint8_t kUint64 = 0xcf;
constexpr uint8_t kBin8 = 0xc4;
constexpr uint8_t kBin16 = 0xc5;
constexpr uint8_t kBin32 = 0xc6;
constexpr size_t kEmptyBinSize = 2;

uint64_t load_u64(const uint8_t* from) {
    uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | from[i];
    return value;
}

void store_u64(uint8_t* to, uint64_t value) {
    for (int i = 7; i >= 0; --i, value >>= 8) to[i] = static_cast<uint8_t>(value);
}

// The header of one bin part: how long header and part are, as far as `bytes` shows it.
struct BinHeader {
    enum class Kind { kWhole, kCut, kBroken } kind = Kind::kCut;
    size_t header_size = kEmptyBinSize;  // kCut: at least
    size_t size = 0;                     // kWhole
    const char* why = nullptr;           // kBroken
};

BinHeader read_bin_header(std::span<const uint8_t> bytes) {
    BinHeader header;
    if (bytes.empty()) return header;
    const uint8_t* at = bytes.data();
    size_t smallest = 0;
    switch (at[0]) {
        case kBin8:
            header.header_size = 2;
            break;
        case kBin16:
            header.header_size = 3;
            smallest = 0x100;
            break;
        case kBin32:
            header.header_size = 5;
            smallest = 0x10000;
            break;
        default:
            header.kind = BinHeader::Kind::kBroken;
            header.why = "envelope, params and data of a frame must be bin";
            return header;
    }
    if (bytes.size() < header.header_size) return header;
    for (size_t i = 1; i < header.header_size; ++i) header.size = header.size << 8 | at[i];
    header.kind = BinHeader::Kind::kWhole;
    if (header.size < smallest) {
        header.kind = BinHeader::Kind::kBroken;
        header.why = "a bin header of a frame is not in its shortest form";
    }
    return header;
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

FrameParse broken(const char* why) {
    FrameParse parse;
    parse.kind = FrameParse::Kind::kBroken;
    parse.why = why;
    return parse;
}

// More bytes are needed for a frame of at least `size` bytes.
FrameParse need(size_t size, const FrameLimits& limits) {
    if (size > limits.frame_size_max) return broken("the frame is too large");
    FrameParse parse;
    parse.size = size;
    return parse;
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

FrameParse parse_frame(std::span<const uint8_t> bytes, const FrameLimits& limits) {
    if (const char* why = check_head(bytes)) return broken(why);
    // Each part moves `offset` behind itself. What is not yet seen counts as empty, so that the
    // size asked for never exceeds that of the real frame. A part is below 2^32 bytes and is
    // compared with its limit before the next one is looked at, so no sum can wrap.
    size_t offset = limits::kFrameHeadSize;
    if (bytes.size() < offset) return need(offset + 3 * kEmptyBinSize, limits);

    const BinHeader envelope = read_bin_header(bytes.subspan(offset));
    if (envelope.kind == BinHeader::Kind::kBroken) return broken(envelope.why);
    offset += envelope.header_size;
    if (envelope.kind == BinHeader::Kind::kCut) return need(offset + 2 * kEmptyBinSize, limits);
    if (envelope.size > limits.envelope_size_max) return broken("the envelope is too large");
    const size_t envelope_offset = offset;
    offset += envelope.size;
    if (bytes.size() < offset) return need(offset + 2 * kEmptyBinSize, limits);

    const BinHeader params = read_bin_header(bytes.subspan(offset));
    if (params.kind == BinHeader::Kind::kBroken) return broken(params.why);
    offset += params.header_size;
    if (params.kind == BinHeader::Kind::kCut) return need(offset + kEmptyBinSize, limits);
    if (params.size > limits::kChunkSizeMax) return broken("params of a frame exceed 256 KiB");
    const size_t params_offset = offset;
    offset += params.size;
    if (bytes.size() < offset) return need(offset + kEmptyBinSize, limits);

    const BinHeader data = read_bin_header(bytes.subspan(offset));
    if (data.kind == BinHeader::Kind::kBroken) return broken(data.why);
    offset += data.header_size;
    if (data.kind == BinHeader::Kind::kCut) return need(offset, limits);
    if (params.size + data.size > limits::kChunkSizeMax) {
        return broken("params and data of a frame exceed 256 KiB");
    }

    FrameParse parse = need(offset + data.size, limits);
    if (parse.kind == FrameParse::Kind::kBroken) return parse;
    parse.data_offset = offset;
    parse.frame.message = static_cast<Message>(bytes[2]);
    parse.frame.flags = bytes[4];
    parse.frame.id = load_u64(bytes.data() + 6);
    parse.frame.envelope = bytes.subspan(envelope_offset, envelope.size);
    parse.frame.params = bytes.subspan(params_offset, params.size);
    if (bytes.size() < parse.size) return parse;
    parse.kind = FrameParse::Kind::kFrame;
    parse.frame.data = bytes.subspan(offset, data.size);
    return parse;
}

size_t write_bin_header(uint8_t* out, size_t size) {
    P2C2R_CHECK(size <= 0xFFFFFFFFu);
    if (size < 0x100) {
        out[0] = kBin8;
        out[1] = static_cast<uint8_t>(size);
        return 2;
    }
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

size_t write_frame_start(uint8_t* out, Message message, uint8_t flags, uint64_t id,
                         std::span<const uint8_t> envelope, size_t params_size) {
    uint8_t* const start = out;
    out[0] = kArrayOfSix;
    out[1] = kUint8;
    out[2] = static_cast<uint8_t>(message);
    out[3] = kUint8;
    out[4] = flags;
    out[5] = kUint64;
    store_u64(out + 6, id);
    out += limits::kFrameHeadSize;
    out += write_bin_header(out, envelope.size());
    if (!envelope.empty()) std::memcpy(out, envelope.data(), envelope.size());
    out += envelope.size();
    out += write_bin_header(out, params_size);
    return static_cast<size_t>(out - start);
}

void rewrite_id(uint8_t* frame, uint64_t id) {
    store_u64(frame + 6, id);
}

}  // namespace p2c2r::wire
