// Envelopes of what ends a task: task_result and result_delivery on the hot path, task_timeout,
// task_cancel and task_refuse beside it. Fields that have their default are left out.
#include "wire/codec.h"
#include "wire/codec_shared.h"

namespace p2c2r::wire {

namespace {

constexpr const char* kWhyNetwork =
    "network_latency_ms must be an unsigned integer of microseconds";
constexpr const char* kWhyQueue = "queue_us must be an unsigned integer of microseconds";
constexpr const char* kWhyAttempts = "attempts must be an unsigned integer of 32 bits";
constexpr const char* kWhySource = "source must be 0 to 6";
constexpr const char* kWhyContentSize = "content_size must be an unsigned integer of bytes";
constexpr const char* kWhyUsage =
    "resource_usage must be a map of at most 64 names, memory_peak an unsigned integer of bytes";

// To its defaults. By field: a whole new value would be built on the stack and copied, which costs
// as much as the decoding.
// One by one: a text that is copied from one that has just been emptied waits until that has left
// the core.
void reset(TaskResult& out) {
    out.attempt = {};
    out.status = Status::kOk;
    out.processing_us = 0;
    out.field = {};
    out.error = {};
    out.peer_id = {};
    out.slots_free.reset();
    out.load.reset();
    out.memory_peak = 0;
    out.checksum.reset();
    out.sizes.reset();
    out.coding = Coding::kNone;
    out.plain_sizes.reset();
}
void reset(ResultDelivery& out) {
    out.status = Status::kOk;
    out.processing_us = out.network_latency_us = out.queue_us = 0;
    out.attempts = 0;
    out.source = Source::kPeer;
    out.field = {};
    out.error = {};
    out.retry_after_ms = 0;
    out.checksum.reset();
    out.sizes.reset();
    out.coding = Coding::kNone;
    out.plain_sizes.reset();
    out.digest.reset();
    out.content_size = 0;
}

constexpr std::string_view kMemoryPeak = "memory_peak";

bool read_resource_usage(EnvelopeReader& reader, uint64_t& memory_peak) {
    uint32_t count;
    if (!reader.read_map_header(count)) return false;
    bool seen = false;
    for (; count > 0; --count) {
        std::string_view name;
        if (!reader.read_text(name, limits::kIdLengthMax)) return false;
        if (name != kMemoryPeak) {
            if (!reader.skip_value(3)) return false;
            continue;
        }
        if (seen || !reader.read_unsigned(memory_peak)) return false;
        seen = true;
    }
    return true;
}

}  // namespace

// ---- task_result ------------------------------------------------------------------------------

void encode(const TaskResult& result, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, result.field.size() + result.error.size() + result.peer_id.size());
    if (result.slots_free) writer.unsigned_field(field::kSlotsFree, *result.slots_free);
    write_checksum_and_sizes(writer, result.checksum, result.sizes);
    writer.binary_field(field::kAttempt, result.attempt);
    if (result.status != Status::kOk) write_status(writer, result.status);
    write_error_and_field(writer, result.error, result.field);
    if (result.processing_us != 0) {
        writer.unsigned_field(field::kProcessingTime, result.processing_us);
    }
    if (result.memory_peak != 0) {
        writer.map_field(field::kResourceUsage, 1);
        writer.write_text(kMemoryPeak, kMemoryPeak.size());
        writer.write_unsigned(result.memory_peak);
    }
    if (result.load) write_load(writer, *result.load);
    if (!result.peer_id.empty()) {
        writer.text_field(field::kPeerId, result.peer_id, limits::kIdLengthMax);
    }
    write_coding(writer, result.coding, result.plain_sizes);
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, TaskResult& out) {
    reset(out);
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kSlotsFree:
                if (!reader.read_unsigned(out.slots_free.emplace())) return kWhySlotsFree;
                break;
            case field::kChecksum:
                if (!read_checksum(reader, out.checksum)) return kWhyChecksum;
                break;
            case field::kSizes:
                if (!read_sizes(reader, out.sizes)) return kWhySizes;
                break;
            case field::kCoding:
                if (!reader.read_enum(out.coding, Coding::kZstd)) return kWhyCoding;
                break;
            case field::kPlainSizes:
                if (!read_sizes(reader, out.plain_sizes)) return kWhyPlainSizes;
                break;
            case field::kAttempt:
                if (!reader.read_nonce(out.attempt)) return kWhyAttempt;
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
            case field::kProcessingTime:
                if (!reader.read_unsigned(out.processing_us)) return kWhyProcessing;
                break;
            case field::kResourceUsage:
                if (!read_resource_usage(reader, out.memory_peak)) return kWhyUsage;
                break;
            case field::kLoad:
                if (!read_load(reader, out.load.emplace())) return kWhyLoad;
                break;
            case field::kPeerId:
                if (!reader.read_text(out.peer_id, limits::kIdLengthMax)) return kWhyPeerId;
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    if (!reader.has(field::kAttempt)) return "attempt is missing";
    return reader.close() ? nullptr : reader.why();
}

// ---- result_delivery --------------------------------------------------------------------------

void encode(const ResultDelivery& delivery, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, delivery.field.size() + delivery.error.size());
    if (delivery.retry_after_ms != 0) {
        writer.unsigned_field(field::kRetryAfterMs, delivery.retry_after_ms);
    }
    if (delivery.digest) writer.binary_field(field::kDigest, *delivery.digest);
    write_checksum_and_sizes(writer, delivery.checksum, delivery.sizes);
    if (delivery.status != Status::kOk) write_status(writer, delivery.status);
    write_error_and_field(writer, delivery.error, delivery.field);
    if (delivery.processing_us != 0) {
        writer.unsigned_field(field::kProcessingTime, delivery.processing_us);
    }
    if (delivery.network_latency_us != 0) {
        writer.unsigned_field(field::kNetworkLatency, delivery.network_latency_us);
    }
    if (delivery.queue_us != 0) writer.unsigned_field(field::kQueueTime, delivery.queue_us);
    if (delivery.attempts != 0) writer.unsigned_field(field::kAttempts, delivery.attempts);
    if (delivery.source != Source::kPeer) {
        writer.unsigned_field(field::kSource, static_cast<uint64_t>(delivery.source));
    }
    write_coding(writer, delivery.coding, delivery.plain_sizes);
    if (delivery.content_size != 0) {
        writer.unsigned_field(field::kContentSize, delivery.content_size);
    }
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, ResultDelivery& out) {
    reset(out);
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kRetryAfterMs:
                if (!reader.read_unsigned(out.retry_after_ms)) return kWhyRetryAfter;
                break;
            case field::kChecksum:
                if (!read_checksum(reader, out.checksum)) return kWhyChecksum;
                break;
            case field::kSizes:
                if (!read_sizes(reader, out.sizes)) return kWhySizes;
                break;
            case field::kCoding:
                if (!reader.read_enum(out.coding, Coding::kZstd)) return kWhyCoding;
                break;
            case field::kPlainSizes:
                if (!read_sizes(reader, out.plain_sizes)) return kWhyPlainSizes;
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
            case field::kProcessingTime:
                if (!reader.read_unsigned(out.processing_us)) return kWhyProcessing;
                break;
            case field::kNetworkLatency:
                if (!reader.read_unsigned(out.network_latency_us)) return kWhyNetwork;
                break;
            case field::kQueueTime:
                if (!reader.read_unsigned(out.queue_us)) return kWhyQueue;
                break;
            case field::kAttempts:
                if (!reader.read_unsigned(out.attempts)) return kWhyAttempts;
                break;
            case field::kSource:
                if (!reader.read_enum(out.source, Source::kHost)) return kWhySource;
                break;
            case field::kDigest: {
                std::string_view digest;
                if (!read_digest(reader, digest)) return kWhyDigest;
                copy_run(out.digest.emplace().data(), digest.data(), digest.size());
                break;
            }
            case field::kContentSize:
                if (!reader.read_unsigned(out.content_size)) return kWhyContentSize;
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    return reader.close() ? nullptr : reader.why();
}

// ---- task_timeout, task_cancel, task_refuse ---------------------------------------------------

void encode(const TaskTimeout& timeout, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, timeout.error.size());
    if (!timeout.error.empty()) {
        writer.text_field(field::kError, timeout.error, limits::kTextLengthMax);
    }
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, TaskTimeout& out) {
    out = TaskTimeout{};
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kError:
                if (!reader.read_text(out.error, limits::kTextLengthMax)) return kWhyError;
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    return reader.close() ? nullptr : reader.why();
}

void encode(const TaskCancel& cancel, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, 0);
    if (cancel.attempt) writer.binary_field(field::kAttempt, *cancel.attempt);
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, TaskCancel& out) {
    out = TaskCancel{};
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kAttempt:
                if (!reader.read_nonce(out.attempt.emplace())) return kWhyAttempt;
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    return reader.close() ? nullptr : reader.why();
}

void encode(const TaskRefuse& refuse, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, refuse.error.size());
    writer.binary_field(field::kAttempt, refuse.attempt);
    write_status(writer, refuse.status);
    write_error_and_field(writer, refuse.error, {});
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, TaskRefuse& out) {
    out = TaskRefuse{};
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kAttempt:
                if (!reader.read_nonce(out.attempt)) return kWhyAttempt;
                break;
            case field::kStatus:
                if (!reader.read_status(out.status) || out.status == Status::kOk) {
                    return "status of a refusal must be a negative number of 32 bits";
                }
                break;
            case field::kError:
                if (!reader.read_text(out.error, limits::kTextLengthMax)) return kWhyError;
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    if (!reader.has(field::kAttempt)) return "attempt is missing";
    return reader.close() ? nullptr : reader.why();
}

}  // namespace p2c2r::wire
