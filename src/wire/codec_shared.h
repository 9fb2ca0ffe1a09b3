// Fields that messages of several files share: how they are written and read, and what is said of
// a wrong one.
#pragma once

#include <algorithm>
#include <limits>
#include <optional>

#include "wire/envelope_reader.h"
#include "wire/envelope_writer.h"
#include "wire/fields.h"

namespace p2c2r::wire {

inline constexpr size_t kDigestSize = 32;
inline constexpr size_t kFieldLengthMax = limits::kIdLengthMax;
// No payload is as large as this; the sum of two sizes cannot wrap.
inline constexpr uint64_t kPayloadPartEnd = 1ull << 53;

// The texts below name these numbers.
static_assert(limits::kTaskTypeLengthMax == 64 && limits::kIdLengthMax == 128 &&
              limits::kTextLengthMax == 1024);

inline constexpr const char* kWhyTaskType = "task_type must be UTF-8 text of 1 to 64 bytes";
inline constexpr const char* kWhyDeadline = "deadline must be an unsigned integer of microseconds";
inline constexpr const char* kWhyCircle = "circle must be 0 to 3";
inline constexpr const char* kWhyPayloadPlace =
    "payload_place must be an unsigned integer of 32 bits";
inline constexpr const char* kWhyDigest = "digest must be 32 bytes of bin";
inline constexpr const char* kWhyChecksum = "checksum must be an unsigned integer of 64 bits";
inline constexpr const char* kWhySizes = "sizes must be [params_size, data_size] below 2^53 each";
inline constexpr const char* kWhyAttempt = "attempt must be 16 bytes of bin";
inline constexpr const char* kWhyStatus = "status must be 0 or a negative number of 32 bits";
inline constexpr const char* kWhyError = "error must be UTF-8 text of at most 1024 bytes";
inline constexpr const char* kWhyField = "field must be UTF-8 text of at most 128 bytes";
inline constexpr const char* kWhyProcessing =
    "processing_time_ms must be an unsigned integer of microseconds";
inline constexpr const char* kWhyLoad = "load must be a number of 0 to 1";
inline constexpr const char* kWhyPeerId = "peer_id must be UTF-8 text of at most 128 bytes";
inline constexpr const char* kWhySlotsFree = "slots_free must be an unsigned integer of 32 bits";
inline constexpr const char* kWhyWindowTasks =
    "window_tasks must be an unsigned integer of 32 bits";
inline constexpr const char* kWhyRetryAfter =
    "retry_after_ms must be an unsigned integer of 32 bits";

inline std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline void write_checksum_and_sizes(EnvelopeWriter& writer,
                                     const std::optional<uint64_t>& checksum,
                                     const std::optional<PayloadSizes>& sizes) {
    if (checksum) writer.unsigned_field(field::kChecksum, *checksum);
    if (sizes) {
        writer.array_field(field::kSizes, 2);
        writer.write_unsigned(sizes->params_size);
        writer.write_unsigned(sizes->data_size);
    }
}

inline constexpr const char* kWhyCoding = "coding must be 0 or 1";
inline constexpr const char* kWhyPlainSizes =
    "plain_sizes must be [params_size, data_size] below 2^53 each";

inline void write_coding(EnvelopeWriter& writer, Coding coding,
                         const std::optional<PayloadSizes>& plain_sizes) {
    if (coding == Coding::kNone) return;
    writer.unsigned_field(field::kCoding, static_cast<uint64_t>(coding));
    if (!plain_sizes) return;
    writer.array_field(field::kPlainSizes, 2);
    writer.write_unsigned(plain_sizes->params_size);
    writer.write_unsigned(plain_sizes->data_size);
}

inline bool read_checksum(EnvelopeReader& reader, std::optional<uint64_t>& checksum) {
    return reader.read_unsigned(checksum.emplace());
}

inline bool read_sizes(EnvelopeReader& reader, std::optional<PayloadSizes>& sizes) {
    uint32_t count;
    PayloadSizes& both = sizes.emplace();
    return reader.read_array_header(count) && count == 2 &&
           reader.read_unsigned(both.params_size) && reader.read_unsigned(both.data_size) &&
           both.params_size < kPayloadPartEnd && both.data_size < kPayloadPartEnd;
}

inline bool read_task_type(EnvelopeReader& reader, std::string_view& task_type) {
    return reader.read_text(task_type, limits::kTaskTypeLengthMax) && !task_type.empty();
}

inline bool read_digest(EnvelopeReader& reader, std::string_view& digest) {
    return reader.read_binary(digest, kDigestSize) && digest.size() == kDigestSize;
}

inline void write_status(EnvelopeWriter& writer, Status status) {
    writer.signed_field(field::kStatus, static_cast<int32_t>(status));
}

inline void write_error_and_field(EnvelopeWriter& writer, std::string_view error,
                                  std::string_view field) {
    if (!error.empty()) writer.text_field(field::kError, error, limits::kTextLengthMax);
    if (!field.empty()) writer.text_field(field::kField, field, kFieldLengthMax);
}

inline void write_load(EnvelopeWriter& writer, float load) {
    writer.float_field(field::kLoad, load >= 0 ? std::min(load, 1.0f) : 0.0f);  // NaN reads as 0
}

inline bool read_load(EnvelopeReader& reader, float& load) {
    double number;
    if (!reader.read_number(number) || number < 0 || number > 1) return false;
    load = static_cast<float>(number);
    return true;
}

inline constexpr const char* kWhySpeed = "speed must be a number of at least 0";
inline constexpr float kSpeedOnWireMost = std::numeric_limits<float>::max();

inline void write_speed(EnvelopeWriter& writer, float speed) {
    // NaN reads as 0
    writer.float_field(field::kSpeed, speed >= 0 ? std::min(speed, kSpeedOnWireMost) : 0.0f);
}

inline bool read_speed(EnvelopeReader& reader, float& speed) {
    double number;
    if (!reader.read_number(number) || number < 0) return false;
    speed = static_cast<float>(std::min<double>(number, kSpeedOnWireMost));
    return true;
}

}  // namespace p2c2r::wire
