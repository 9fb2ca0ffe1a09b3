// Envelopes written by hand: raw MessagePack piece by piece, and a table of every message with the
// fields it knows and its smallest well-formed form.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "wire/codec.h"
#include "wire/fields.h"

namespace p2c2r::test {

// Raw MessagePack, piece by piece.
struct Raw {
    std::vector<uint8_t> bytes;

    Raw& add(std::initializer_list<int> values) {
        for (const int value : values) bytes.push_back(static_cast<uint8_t>(value));
        return *this;
    }
    Raw& text(const std::string& value) {
        if (value.size() < 32) {
            add({0xa0 | static_cast<int>(value.size())});
        } else {
            add({0xda, static_cast<int>(value.size() >> 8), static_cast<int>(value.size() & 255)});
        }
        for (const char byte : value) bytes.push_back(static_cast<uint8_t>(byte));
        return *this;
    }
    Raw& binary(size_t size) {
        add({0xc5, static_cast<int>(size >> 8), static_cast<int>(size & 255)});
        bytes.insert(bytes.end(), size, 0x11);
        return *this;
    }
    Raw& raw(const std::vector<uint8_t>& more) {
        bytes.insert(bytes.end(), more.begin(), more.end());
        return *this;
    }
};

inline Raw raw(std::initializer_list<int> values) {
    return Raw().add(values);
}

using Decode = const char* (*)(std::span<const uint8_t>);

template <class Envelope>
const char* decode_into(std::span<const uint8_t> bytes) {
    Envelope envelope;
    return wire::decode(bytes, envelope);
}

struct Field {
    uint8_t key;
    const char* name;
};

struct Kind {
    const char* message;
    Decode decode;
    std::vector<Field> known;
    std::vector<uint8_t> required;  // well-formed fields that must be there, as key and value
    int required_count;
};

inline std::vector<uint8_t> nonce_field(uint8_t key) {
    Raw field = raw({key, 0xc4, 16});
    field.bytes.resize(field.bytes.size() + 16);
    return field.bytes;
}

inline std::vector<uint8_t> digest_field() {
    Raw field = raw({wire::field::kDigest, 0xc4, 32});
    field.bytes.resize(field.bytes.size() + 32);
    return field.bytes;
}

inline std::vector<uint8_t> joined(std::initializer_list<std::vector<uint8_t>> all) {
    Raw out;
    for (const auto& one : all) out.raw(one);
    return out.bytes;
}

// Every message with every field it knows, and the smallest well-formed form of it.
inline const std::vector<Kind>& kinds() {
    using namespace wire;
    using namespace wire::field;
    const std::vector<uint8_t> type = {kTaskType, 0xa4, 'e', 'c', 'h', 'o'};
    const std::vector<Field> response = {{kSuccess, "success"},
                                         {kResume, "resume"},
                                         {kHeartbeatIntervalMs, "heartbeat_interval_ms"},
                                         {kTaskTimeoutMs, "task_timeout_ms"},
                                         {kWindowBytes, "window_bytes"},
                                         {kStatus, "status"},
                                         {kError, "error"},
                                         {kPeerId, "peer_id"},
                                         {kClientId, "client_id"},
                                         {kContentBytes, "content_bytes"},
                                         {kBeatIntervalMs, "beat_interval_ms"}};
    static const std::vector<Kind> all = {
        {"hello",
         decode_into<Hello>,
         {{kVersions, "versions"}, {kRole, "role"}, {kNonce, "nonce"}, {kLibrary, "library"}},
         joined({{kVersions, 0x91, 1}, {kRole, 1}, nonce_field(kNonce)}),
         3},
        {"hello_response",
         decode_into<HelloResponse>,
         {{kVersion, "version"},
          {kNonce, "nonce"},
          {kLibrary, "library"},
          {kLoginMethods, "login_methods"}},
         {kVersion, 1},
         1},
        {"goodbye",
         decode_into<Goodbye>,
         {{kStatus, "status"}, {kError, "error"}, {kRetryAfterMs, "retry_after_ms"}},
         {},
         0},
        {"peer_register",
         decode_into<PeerRegister>,
         {{kPeerId, "peer_id"},
          {kCapabilities, "capabilities"},
          {kSlots, "slots"},
          {kLoginMethod, "login_method"},
          {kToken, "token"},
          {kResume, "resume"},
          {kWindowBytes, "window_bytes"},
          {kWindowTasks, "window_tasks"},
          {kCircle, "circle"},
          {kCircleAccepted, "circle_accepted"},
          {kCodecClass, "codec_class"},
          {kContentBytes, "content_bytes"},
          {kBeatIntervalMs, "beat_interval_ms"},
          {kSpeed, "speed"}},
         {kCapabilities, 0x80},
         1},
        {"peer_register_response", decode_into<RegisterResponse>, response, {kSuccess, 0xc3}, 1},
        {"gamer_register",
         decode_into<GamerRegister>,
         {{kClientId, "client_id"},
          {kLoginMethod, "login_method"},
          {kToken, "token"},
          {kResume, "resume"}},
         {},
         0},
        {"peer_disconnect",
         decode_into<PeerDisconnect>,
         {{kPeerId, "peer_id"}, {kReason, "reason"}},
         {},
         0},
        {"task_submit",
         decode_into<TaskSubmit>,
         {{kTaskType, "task_type"},
          {kRequesterId, "requester_id"},
          {kPriority, "priority"},
          {kDeadline, "deadline"},
          {kCircle, "circle"},
          {kVerify, "verify"},
          {kPrice, "price"},
          {kTaskFlags, "task_flags"},
          {kPayloadPlace, "payload_place"},
          {kDigest, "digest"},
          {kDependsOn, "depends_on"},
          {kChecksum, "checksum"},
          {kSizes, "sizes"}},
         type,
         1},
        {"task_assign",
         decode_into<TaskAssign>,
         {{kTaskType, "task_type"},
          {kAttempt, "attempt"},
          {kDeadline, "deadline"},
          {kPayloadPlace, "payload_place"},
          {kDigest, "digest"},
          {kChecksum, "checksum"},
          {kSizes, "sizes"},
          {kTaskFlags, "task_flags"},
          {kOutputSizeMax, "output_size_max"}},
         joined({type, nonce_field(kAttempt)}),
         2},
        {"task_result",
         decode_into<wire::TaskResult>,
         {{kAttempt, "attempt"},
          {kStatus, "status"},
          {kError, "error"},
          {kField, "field"},
          {kProcessingTime, "processing_time_ms"},
          {kResourceUsage, "resource_usage"},
          {kLoad, "load"},
          {kSlotsFree, "slots_free"},
          {kPeerId, "peer_id"},
          {kChecksum, "checksum"},
          {kSizes, "sizes"},
          {kCoding, "coding"},
          {kPlainSizes, "plain_sizes"}},
         nonce_field(kAttempt),
         1},
        {"result_delivery",
         decode_into<ResultDelivery>,
         {{kStatus, "status"},
          {kError, "error"},
          {kField, "field"},
          {kProcessingTime, "processing_time_ms"},
          {kNetworkLatency, "network_latency_ms"},
          {kQueueTime, "queue_us"},
          {kAttempts, "attempts"},
          {kSource, "source"},
          {kRetryAfterMs, "retry_after_ms"},
          {kChecksum, "checksum"},
          {kSizes, "sizes"},
          {kCoding, "coding"},
          {kPlainSizes, "plain_sizes"},
          {kDigest, "digest"},
          {kContentSize, "content_size"}},
         {},
         0},
        {"task_timeout", decode_into<TaskTimeout>, {{kError, "error"}}, {}, 0},
        {"task_cancel", decode_into<TaskCancel>, {{kAttempt, "attempt"}}, {}, 0},
        {"task_refuse",
         decode_into<TaskRefuse>,
         {{kAttempt, "attempt"}, {kStatus, "status"}, {kError, "error"}},
         nonce_field(kAttempt),
         1},
        {"heartbeat",
         decode_into<Heartbeat>,
         {{kPeerId, "peer_id"},
          {kTimestamp, "timestamp"},
          {kLoad, "load"},
          {kTasksCompleted, "tasks_completed"},
          {kTasksFailed, "tasks_failed"},
          {kSlotsFree, "slots_free"},
          {kWindowTasks, "window_tasks"}},
         {},
         0},
        {"peer_count_update",
         decode_into<PeerCountUpdate>,
         {{kAvailablePeers, "available_peers"}, {kTotalPeers, "total_peers"}},
         {},
         0},
        {"call", decode_into<Call>, {{kName, "name"}}, {kName, 0xa1, 'x'}, 1},
        {"call_response",
         decode_into<CallResponse>,
         {{kStatus, "status"}, {kError, "error"}, {kField, "field"}, {kSizes, "sizes"}},
         {},
         0},
        {"content_put",
         decode_into<ContentPut>,
         {{kDigest, "digest"}, {kSizes, "sizes"}},
         digest_field(),
         1},
        {"content_want", decode_into<ContentWant>, {{kDigest, "digest"}}, digest_field(), 1},
        {"content_drop", decode_into<ContentDrop>, {{kDigest, "digest"}}, digest_field(), 1},
    };
    return all;
}

// The smallest well-formed form of `kind` with more fields behind it.
inline std::vector<uint8_t> with_more(const Kind& kind, int more,
                                      const std::vector<uint8_t>& fields) {
    return raw({0x80 | (kind.required_count + more)}).raw(kind.required).raw(fields).bytes;
}

inline std::string why(const char* said) {
    return said ? said : "accepted";
}

inline bool starts_with(const std::string& text, const std::string& start) {
    return text.compare(0, start.size(), start) == 0;
}

}  // namespace p2c2r::test
