// Envelopes of task_submit and task_assign: the hot path. Fields that have their default are left
// out.
#include "wire/codec.h"
#include "wire/codec_shared.h"

namespace p2c2r::wire {

namespace {

static_assert(limits::kDependsOnMax == 16);

constexpr const char* kWhyRequesterId = "requester_id must be UTF-8 text of at most 128 bytes";
constexpr const char* kWhyPriority = "priority must be an integer of -128 to 127";
constexpr const char* kWhyVerify = "verify must be 0 to 4";
constexpr const char* kWhyPrice = "price must be an unsigned integer of micro-dollars";
constexpr const char* kWhyTaskFlags = "task_flags must be an unsigned integer of 32 bits";
constexpr const char* kWhyDependsOn = "depends_on must be an array of at most 16 task ids";
constexpr const char* kWhyOutputSizeMax = "output_size_max must be an unsigned integer of bytes";

// To its defaults. By field: a whole new value would be built on the stack and copied, which costs
// as much as the decoding; and one by one, since a text that was just stored in halves is slow to
// copy. depends_on keeps its memory.
void reset(TaskSubmit& out) {
    out.task_type = {};
    out.requester_id = {};
    out.priority = 0;
    out.deadline_us.reset();
    out.circle = Circle::kType;
    out.verify = VerifyClass::kType;
    out.price = 0;
    out.task_flags = 0;
    out.payload_place = 0;
    out.digest = {};
    out.depends_on.clear();
    out.checksum.reset();
    out.sizes.reset();
}
void reset(TaskAssign& out) {
    out.task_type = {};
    out.deadline_us.reset();
    out.attempt = {};
    out.task_flags = 0;
    out.output_size_max = 0;
    out.payload_place = 0;
    out.digest = {};
    out.checksum.reset();
    out.sizes.reset();
}

bool read_priority(EnvelopeReader& reader, int32_t& priority) {
    int64_t wide;
    if (!reader.read_signed(wide) || wide < -128 || wide > 127) return false;
    priority = static_cast<int32_t>(wide);
    return true;
}

bool read_depends_on(EnvelopeReader& reader, std::vector<uint64_t>& depends_on) {
    uint32_t count;
    if (!reader.read_array_header(count) || count > limits::kDependsOnMax) return false;
    depends_on.resize(count);
    for (uint64_t& id : depends_on) {
        if (!reader.read_unsigned(id)) return false;
    }
    return true;
}

}  // namespace

// ---- task_submit ------------------------------------------------------------------------------

void encode(const TaskSubmit& submit, EnvelopeBuffer& out) {
    P2C2R_CHECK(submit.depends_on.size() <= limits::kDependsOnMax);
    EnvelopeWriter writer(out, submit.task_type.size() + submit.requester_id.size() +
                                   submit.digest.size() + 9 * submit.depends_on.size());
    writer.text_field(field::kTaskType, submit.task_type, limits::kTaskTypeLengthMax);
    if (!submit.requester_id.empty()) {
        writer.text_field(field::kRequesterId, submit.requester_id, limits::kIdLengthMax);
    }
    if (submit.priority != 0) writer.signed_field(field::kPriority, submit.priority);
    if (submit.deadline_us) writer.unsigned_field(field::kDeadline, *submit.deadline_us);
    if (submit.circle != Circle::kType) {
        writer.unsigned_field(field::kCircle, static_cast<uint64_t>(submit.circle));
    }
    if (submit.verify != VerifyClass::kType) {
        writer.unsigned_field(field::kVerify, static_cast<uint64_t>(submit.verify));
    }
    if (submit.price != 0) writer.unsigned_field(field::kPrice, submit.price);
    if (submit.task_flags != 0) writer.unsigned_field(field::kTaskFlags, submit.task_flags);
    if (submit.payload_place != 0) {
        writer.unsigned_field(field::kPayloadPlace, submit.payload_place);
    }
    if (!submit.digest.empty()) writer.binary_field(field::kDigest, bytes_of(submit.digest));
    if (!submit.depends_on.empty()) {
        writer.array_field(field::kDependsOn, submit.depends_on.size());
        for (const uint64_t id : submit.depends_on) writer.write_unsigned(id);
    }
    write_checksum_and_sizes(writer, submit.checksum, submit.sizes);
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, TaskSubmit& out) {
    reset(out);
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kTaskType:
                if (!read_task_type(reader, out.task_type)) return kWhyTaskType;
                break;
            case field::kRequesterId:
                if (!reader.read_text(out.requester_id, limits::kIdLengthMax)) {
                    return kWhyRequesterId;
                }
                break;
            case field::kPriority:
                if (!read_priority(reader, out.priority)) return kWhyPriority;
                break;
            case field::kDeadline:
                if (!reader.read_unsigned(out.deadline_us.emplace())) return kWhyDeadline;
                break;
            case field::kCircle:
                if (!reader.read_enum(out.circle, Circle::kPublic)) return kWhyCircle;
                break;
            case field::kVerify:
                if (!reader.read_enum(out.verify, VerifyClass::kD)) return kWhyVerify;
                break;
            case field::kPrice:
                if (!reader.read_unsigned(out.price)) return kWhyPrice;
                break;
            case field::kTaskFlags:
                if (!reader.read_unsigned(out.task_flags)) return kWhyTaskFlags;
                break;
            case field::kPayloadPlace:
                if (!reader.read_unsigned(out.payload_place)) return kWhyPayloadPlace;
                break;
            case field::kDigest:
                if (!read_digest(reader, out.digest)) return kWhyDigest;
                break;
            case field::kDependsOn:
                if (!read_depends_on(reader, out.depends_on)) return kWhyDependsOn;
                break;
            case field::kChecksum:
                if (!read_checksum(reader, out.checksum)) return kWhyChecksum;
                break;
            case field::kSizes:
                if (!read_sizes(reader, out.sizes)) return kWhySizes;
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    if (!reader.has(field::kTaskType)) return "task_type is missing";
    return reader.close() ? nullptr : reader.why();
}

// ---- task_assign ------------------------------------------------------------------------------

void encode(const TaskAssign& assign, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, assign.task_type.size() + assign.digest.size());
    writer.text_field(field::kTaskType, assign.task_type, limits::kTaskTypeLengthMax);
    if (assign.deadline_us) writer.unsigned_field(field::kDeadline, *assign.deadline_us);
    if (assign.task_flags != 0) writer.unsigned_field(field::kTaskFlags, assign.task_flags);
    if (assign.payload_place != 0) {
        writer.unsigned_field(field::kPayloadPlace, assign.payload_place);
    }
    if (!assign.digest.empty()) writer.binary_field(field::kDigest, bytes_of(assign.digest));
    write_checksum_and_sizes(writer, assign.checksum, assign.sizes);
    writer.binary_field(field::kAttempt, assign.attempt);
    if (assign.output_size_max != 0) {
        writer.unsigned_field(field::kOutputSizeMax, assign.output_size_max);
    }
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, TaskAssign& out) {
    reset(out);
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kTaskType:
                if (!read_task_type(reader, out.task_type)) return kWhyTaskType;
                break;
            case field::kDeadline:
                if (!reader.read_unsigned(out.deadline_us.emplace())) return kWhyDeadline;
                break;
            case field::kTaskFlags:
                if (!reader.read_unsigned(out.task_flags)) return kWhyTaskFlags;
                break;
            case field::kPayloadPlace:
                if (!reader.read_unsigned(out.payload_place)) return kWhyPayloadPlace;
                break;
            case field::kDigest:
                if (!read_digest(reader, out.digest)) return kWhyDigest;
                break;
            case field::kChecksum:
                if (!read_checksum(reader, out.checksum)) return kWhyChecksum;
                break;
            case field::kSizes:
                if (!read_sizes(reader, out.sizes)) return kWhySizes;
                break;
            case field::kAttempt:
                if (!reader.read_nonce(out.attempt)) return kWhyAttempt;
                break;
            case field::kOutputSizeMax:
                if (!reader.read_unsigned(out.output_size_max)) return kWhyOutputSizeMax;
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    if (!reader.has(field::kTaskType)) return "task_type is missing";
    if (!reader.has(field::kAttempt)) return "attempt is missing";
    return reader.close() ? nullptr : reader.why();
}

}  // namespace p2c2r::wire
