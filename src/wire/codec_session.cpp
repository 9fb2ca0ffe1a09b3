// Envelopes of the session: hello, goodbye, leaving, heartbeats, counts, calls.
#include "wire/codec.h"
#include "wire/codec_shared.h"

namespace p2c2r::wire {

namespace {

constexpr size_t kLibraryLengthMax = limits::kIdLengthMax;
constexpr uint32_t kVersionsMax = 16;
constexpr uint32_t kLoginMethodsMax = 16;

constexpr const char* kWhyNonce = "nonce must be 16 bytes of bin";
constexpr const char* kWhyLibrary = "library must be UTF-8 text of at most 128 bytes";

void write_list(EnvelopeWriter& writer, uint8_t key, const std::vector<uint32_t>& list,
                uint32_t count_max) {
    P2C2R_CHECK(list.size() <= count_max);
    writer.array_field(key, list.size());
    for (const uint32_t number : list) writer.write_unsigned(number);
}

bool read_list(EnvelopeReader& reader, std::vector<uint32_t>& list, uint32_t count_max) {
    uint32_t count;
    if (!reader.read_array_header(count) || count > count_max) return false;
    list.resize(count);
    for (uint32_t& number : list) {
        if (!reader.read_unsigned(number)) return false;
    }
    return true;
}

// A role that a later version may add reads as none: hello must stay readable for ever.
bool read_role(EnvelopeReader& reader, Role& role) {
    uint64_t number;
    if (!reader.read_unsigned(number)) return false;
    role = number <= static_cast<uint64_t>(Role::kAdmin) ? static_cast<Role>(number) : Role::kNone;
    return true;
}

}  // namespace

// ---- hello, hello_response --------------------------------------------------------------------

void encode(const Hello& hello, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, hello.library.size() + 5 * hello.versions.size());
    write_list(writer, field::kVersions, hello.versions, kVersionsMax);
    writer.unsigned_field(field::kRole, static_cast<uint64_t>(hello.role));
    writer.binary_field(field::kNonce, hello.nonce);
    if (!hello.library.empty()) {
        writer.text_field(field::kLibrary, hello.library, kLibraryLengthMax);
    }
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, Hello& out) {
    out = Hello{};
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kVersions:
                if (!read_list(reader, out.versions, kVersionsMax)) {
                    return "versions must be an array of at most 16 unsigned integers";
                }
                break;
            case field::kRole:
                if (!read_role(reader, out.role)) return "role must be an unsigned integer";
                break;
            case field::kNonce:
                if (!reader.read_nonce(out.nonce)) return kWhyNonce;
                break;
            case field::kLibrary:
                if (!reader.read_text(out.library, kLibraryLengthMax)) return kWhyLibrary;
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    if (!reader.has(field::kVersions)) return "versions is missing";
    if (!reader.has(field::kRole)) return "role is missing";
    if (!reader.has(field::kNonce)) return "nonce is missing";
    return reader.close() ? nullptr : reader.why();
}

void encode(const HelloResponse& response, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, response.library.size() + 5 * response.login_methods.size());
    writer.binary_field(field::kNonce, response.nonce);
    if (!response.library.empty()) {
        writer.text_field(field::kLibrary, response.library, kLibraryLengthMax);
    }
    writer.unsigned_field(field::kVersion, response.version);
    write_list(writer, field::kLoginMethods, response.login_methods, kLoginMethodsMax);
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, HelloResponse& out) {
    out = HelloResponse{};
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kNonce:
                if (!reader.read_nonce(out.nonce)) return kWhyNonce;
                break;
            case field::kLibrary:
                if (!reader.read_text(out.library, kLibraryLengthMax)) return kWhyLibrary;
                break;
            case field::kVersion:
                if (!reader.read_unsigned(out.version)) {
                    return "version must be an unsigned integer of 32 bits";
                }
                break;
            case field::kLoginMethods:
                if (!read_list(reader, out.login_methods, kLoginMethodsMax)) {
                    return "login_methods must be an array of at most 16 unsigned integers";
                }
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    if (!reader.has(field::kVersion)) return "version is missing";
    return reader.close() ? nullptr : reader.why();
}

// ---- goodbye, peer_disconnect -----------------------------------------------------------------

void encode(const Goodbye& goodbye, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, goodbye.error.size());
    if (goodbye.retry_after_ms != 0) {
        writer.unsigned_field(field::kRetryAfterMs, goodbye.retry_after_ms);
    }
    if (goodbye.status != Status::kOk) write_status(writer, goodbye.status);
    write_error_and_field(writer, goodbye.error, {});
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, Goodbye& out) {
    out = Goodbye{};
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kRetryAfterMs:
                if (!reader.read_unsigned(out.retry_after_ms)) return kWhyRetryAfter;
                break;
            case field::kStatus:
                if (!reader.read_status(out.status)) return kWhyStatus;
                break;
            case field::kError:
                if (!reader.read_text(out.error, limits::kTextLengthMax)) return kWhyError;
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    return reader.close() ? nullptr : reader.why();
}

void encode(const PeerDisconnect& disconnect, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, disconnect.peer_id.size() + disconnect.reason.size());
    if (!disconnect.peer_id.empty()) {
        writer.text_field(field::kPeerId, disconnect.peer_id, limits::kIdLengthMax);
    }
    if (!disconnect.reason.empty()) {
        writer.text_field(field::kReason, disconnect.reason, limits::kTextLengthMax);
    }
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, PeerDisconnect& out) {
    out = PeerDisconnect{};
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kPeerId:
                if (!reader.read_text(out.peer_id, limits::kIdLengthMax)) return kWhyPeerId;
                break;
            case field::kReason:
                if (!reader.read_text(out.reason, limits::kTextLengthMax)) {
                    return "reason must be UTF-8 text of at most 1024 bytes";
                }
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    return reader.close() ? nullptr : reader.why();
}

// ---- heartbeat, peer_count_update -------------------------------------------------------------

void encode(const Heartbeat& heartbeat, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, heartbeat.peer_id.size() + heartbeat.mode.value_or("").size() +
                                   heartbeat.why.value_or("").size());
    if (heartbeat.window_tasks) {
        writer.unsigned_field(field::kWindowTasks, *heartbeat.window_tasks);
    }
    if (heartbeat.slots_free) writer.unsigned_field(field::kSlotsFree, *heartbeat.slots_free);
    if (heartbeat.load != 0) write_load(writer, heartbeat.load);
    if (!heartbeat.peer_id.empty()) {
        writer.text_field(field::kPeerId, heartbeat.peer_id, limits::kIdLengthMax);
    }
    if (heartbeat.timestamp_ms != 0) {
        writer.unsigned_field(field::kTimestamp, heartbeat.timestamp_ms);
    }
    if (heartbeat.tasks_completed != 0) {
        writer.unsigned_field(field::kTasksCompleted, heartbeat.tasks_completed);
    }
    if (heartbeat.tasks_failed != 0) {
        writer.unsigned_field(field::kTasksFailed, heartbeat.tasks_failed);
    }
    if (heartbeat.mode) writer.text_field(field::kMode, *heartbeat.mode, limits::kIdLengthMax);
    if (heartbeat.why) writer.text_field(field::kWhy, *heartbeat.why, limits::kIdLengthMax);
    if (heartbeat.duty_permille) writer.unsigned_field(field::kDuty, *heartbeat.duty_permille);
    if (heartbeat.data_used) writer.unsigned_field(field::kDataUsed, *heartbeat.data_used);
    if (heartbeat.speed) write_speed(writer, *heartbeat.speed);
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, Heartbeat& out) {
    out = Heartbeat{};
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kWindowTasks:
                if (!reader.read_unsigned(out.window_tasks.emplace())) return kWhyWindowTasks;
                break;
            case field::kSlotsFree:
                if (!reader.read_unsigned(out.slots_free.emplace())) return kWhySlotsFree;
                break;
            case field::kLoad:
                if (!read_load(reader, out.load)) return kWhyLoad;
                break;
            case field::kPeerId:
                if (!reader.read_text(out.peer_id, limits::kIdLengthMax)) return kWhyPeerId;
                break;
            case field::kTimestamp:
                if (!reader.read_unsigned(out.timestamp_ms)) {
                    return "timestamp must be an unsigned integer of Unix milliseconds";
                }
                break;
            case field::kTasksCompleted:
                if (!reader.read_unsigned(out.tasks_completed)) {
                    return "tasks_completed must be an unsigned integer";
                }
                break;
            case field::kTasksFailed:
                if (!reader.read_unsigned(out.tasks_failed)) {
                    return "tasks_failed must be an unsigned integer";
                }
                break;
            case field::kMode:
                if (!reader.read_text(out.mode.emplace(), limits::kIdLengthMax)) {
                    return "mode must be a text of at most 128 bytes";
                }
                break;
            case field::kWhy:
                if (!reader.read_text(out.why.emplace(), limits::kIdLengthMax)) {
                    return "why must be a text of at most 128 bytes";
                }
                break;
            case field::kDuty:
                if (!reader.read_unsigned(out.duty_permille.emplace())) {
                    return "duty_permille must be an unsigned integer of 32 bits";
                }
                break;
            case field::kDataUsed:
                if (!reader.read_unsigned(out.data_used.emplace())) {
                    return "data_used must be an unsigned integer";
                }
                break;
            case field::kSpeed:
                if (!read_speed(reader, out.speed.emplace())) return kWhySpeed;
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    return reader.close() ? nullptr : reader.why();
}

void encode(const PeerCountUpdate& update, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, 0);
    writer.unsigned_field(field::kAvailablePeers, update.available_peers);
    writer.unsigned_field(field::kTotalPeers, update.total_peers);
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, PeerCountUpdate& out) {
    out = PeerCountUpdate{};
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kAvailablePeers:
                if (!reader.read_unsigned(out.available_peers)) {
                    return "available_peers must be an unsigned integer of 32 bits";
                }
                break;
            case field::kTotalPeers:
                if (!reader.read_unsigned(out.total_peers)) {
                    return "total_peers must be an unsigned integer of 32 bits";
                }
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    return reader.close() ? nullptr : reader.why();
}

// ---- call, call_response ----------------------------------------------------------------------

void encode(const Call& call, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, call.name.size());
    writer.text_field(field::kName, call.name, limits::kTaskTypeLengthMax);
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, Call& out) {
    out = Call{};
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kName:
                if (!reader.read_text(out.name, limits::kTaskTypeLengthMax) || out.name.empty()) {
                    return "name must be UTF-8 text of 1 to 64 bytes";
                }
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    if (!reader.has(field::kName)) return "name is missing";
    return reader.close() ? nullptr : reader.why();
}

void encode(const CallResponse& response, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, response.error.size() + response.field.size());
    if (response.retry_after_ms != 0) {
        writer.unsigned_field(field::kRetryAfterMs, response.retry_after_ms);
    }
    write_checksum_and_sizes(writer, std::nullopt, response.sizes);
    if (response.status != Status::kOk) write_status(writer, response.status);
    write_error_and_field(writer, response.error, response.field);
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, CallResponse& out) {
    out = CallResponse{};
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kRetryAfterMs:
                if (!reader.read_unsigned(out.retry_after_ms)) return kWhyRetryAfter;
                break;
            case field::kSizes:
                if (!read_sizes(reader, out.sizes)) return kWhySizes;
                break;
            case field::kStatus:
                if (!reader.read_status(out.status)) return kWhyStatus;
                break;
            case field::kError:
                if (!reader.read_text(out.error, limits::kTextLengthMax)) return kWhyError;
                break;
            case field::kField:
                if (!reader.read_text(out.field, kFieldLengthMax)) return kWhyField;
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    return reader.close() ? nullptr : reader.why();
}

}  // namespace p2c2r::wire
