// Envelopes of registration: who a peer or gamer is, how it logs in, and what a peer can do.
#include "wire/codec.h"
#include "wire/codec_shared.h"

namespace p2c2r::wire {

namespace {

constexpr size_t kTokenSizeMax = limits::kTextLengthMax;
constexpr size_t kCodecClassSize = 32;
constexpr size_t kCapabilityTextMax = limits::kIdLengthMax;  // gpu_model, location
static_assert(limits::kTaskTypesPerPeerMax == 64);

constexpr const char* kWhyClientId = "client_id must be UTF-8 text of at most 128 bytes";
constexpr const char* kWhyLoginMethod = "login_method must be an unsigned integer of 32 bits";
constexpr const char* kWhyToken = "token must be bin of at most 1024 bytes";
constexpr const char* kWhyResume = "resume must be 16 bytes of bin";
constexpr const char* kWhyWindowBytes = "window_bytes must be an unsigned integer";
constexpr const char* kWhyBeatInterval = "beat_interval_ms must be an unsigned integer of 32 bits";
constexpr const char* kWhyContentBytes = "content_bytes must be an unsigned integer";
constexpr const char* kWhyCapabilities =
    "capabilities must be a map of at most 64 names, each given once";

// Capabilities travel under their names, so that new ones need no number.
constexpr std::string_view kCpuCores = "cpu_cores";
constexpr std::string_view kRamGb = "ram_gb";
constexpr std::string_view kGpu = "gpu";
constexpr std::string_view kGpuModel = "gpu_model";
constexpr std::string_view kGpuVramGb = "gpu_vram_gb";
constexpr std::string_view kTaskTypes = "task_types";
constexpr std::string_view kNetworkMbps = "network_mbps";
constexpr std::string_view kLocation = "location";
constexpr size_t kNamesSize = 128;  // of all eight with their headers

void write_name(EnvelopeWriter& writer, std::string_view name) {
    writer.write_text(name, name.size());
}

size_t task_types_size(const Capabilities& capabilities) {
    size_t size = 3;
    for (const std::string& type : capabilities.task_types) size += type.size() + 2;
    return size;
}

// All eight are always there: whoever reads this needs no table of defaults.
void write_capabilities(EnvelopeWriter& writer, const Capabilities& capabilities) {
    P2C2R_CHECK(capabilities.task_types.size() <= limits::kTaskTypesPerPeerMax);
    writer.map_field(field::kCapabilities, 8);
    write_name(writer, kCpuCores);
    writer.write_unsigned(capabilities.cpu_cores);
    write_name(writer, kRamGb);
    writer.write_number(capabilities.ram_gb);
    write_name(writer, kGpu);
    writer.write_bool(capabilities.gpu);
    write_name(writer, kGpuModel);
    writer.write_text(capabilities.gpu_model, kCapabilityTextMax);
    write_name(writer, kGpuVramGb);
    writer.write_number(capabilities.gpu_vram_gb);
    write_name(writer, kTaskTypes);
    writer.write_array_header(capabilities.task_types.size());
    for (const std::string& type : capabilities.task_types) {
        writer.write_text(type, limits::kTaskTypeLengthMax);
    }
    write_name(writer, kNetworkMbps);
    writer.write_number(capabilities.network_mbps);
    write_name(writer, kLocation);
    writer.write_text(capabilities.location, kCapabilityTextMax);
}

bool read_amount(EnvelopeReader& reader, double& amount) {
    return reader.read_number(amount) && amount >= 0;
}

bool read_capability_text(EnvelopeReader& reader, std::string& text) {
    std::string_view view;
    if (!reader.read_text(view, kCapabilityTextMax)) return false;
    text = view;
    return true;
}

bool read_task_types(EnvelopeReader& reader, std::vector<std::string>& task_types) {
    uint32_t count;
    if (!reader.read_array_header(count) || count > limits::kTaskTypesPerPeerMax) return false;
    task_types.reserve(count);
    for (; count > 0; --count) {
        std::string_view type;
        if (!read_task_type(reader, type)) return false;
        task_types.emplace_back(type);
    }
    return true;
}

const char* read_capability(EnvelopeReader& reader, std::string_view name,
                            Capabilities& capabilities) {
    if (name == kCpuCores) {
        return reader.read_unsigned(capabilities.cpu_cores)
                   ? nullptr
                   : "cpu_cores must be an unsigned integer of 32 bits";
    }
    if (name == kRamGb) {
        return read_amount(reader, capabilities.ram_gb) ? nullptr
                                                        : "ram_gb must be a number of at least 0";
    }
    if (name == kGpu) {
        return reader.read_bool(capabilities.gpu) ? nullptr : "gpu must be true or false";
    }
    if (name == kGpuModel) {
        return read_capability_text(reader, capabilities.gpu_model)
                   ? nullptr
                   : "gpu_model must be UTF-8 text of at most 128 bytes";
    }
    if (name == kGpuVramGb) {
        return read_amount(reader, capabilities.gpu_vram_gb)
                   ? nullptr
                   : "gpu_vram_gb must be a number of at least 0";
    }
    if (name == kTaskTypes) {
        return read_task_types(reader, capabilities.task_types)
                   ? nullptr
                   : "task_types must be an array of at most 64 texts of 1 to 64 bytes";
    }
    if (name == kNetworkMbps) {
        return read_amount(reader, capabilities.network_mbps)
                   ? nullptr
                   : "network_mbps must be a number of at least 0";
    }
    if (name == kLocation) {
        return read_capability_text(reader, capabilities.location)
                   ? nullptr
                   : "location must be UTF-8 text of at most 128 bytes";
    }
    return reader.skip_value(3) ? nullptr : kWhyCapabilities;
}

const char* read_capabilities(EnvelopeReader& reader, Capabilities& capabilities) {
    uint32_t count;
    if (!reader.read_map_header(count)) return kWhyCapabilities;
    std::array<std::string_view, limits::kEnvelopeMapMax> seen;
    for (uint32_t index = 0; index < count; ++index) {
        std::string_view name;
        if (!reader.read_text(name, limits::kIdLengthMax)) return kWhyCapabilities;
        const auto seen_end = seen.begin() + index;
        if (std::find(seen.begin(), seen_end, name) != seen_end) return kWhyCapabilities;
        seen[index] = name;
        if (const char* why = read_capability(reader, name, capabilities)) return why;
    }
    return nullptr;
}

void write_login(EnvelopeWriter& writer, const Login& login) {
    if (login.login_method != 0) writer.unsigned_field(field::kLoginMethod, login.login_method);
    if (!login.token.empty()) writer.binary_field(field::kToken, bytes_of(login.token));
    if (login.resume) writer.binary_field(field::kResume, *login.resume);
}

// `id_field` is kPeerId or kClientId.
void write_response(const RegisterResponse& response, uint8_t id_field, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out,
                          response.id.size() + response.error.size() + response.account.size());
    if (response.resume != Nonce{}) writer.binary_field(field::kResume, response.resume);
    if (response.heartbeat_interval_ms != 0) {
        writer.unsigned_field(field::kHeartbeatIntervalMs, response.heartbeat_interval_ms);
    }
    if (response.task_timeout_ms != 0) {
        writer.unsigned_field(field::kTaskTimeoutMs, response.task_timeout_ms);
    }
    if (response.window_bytes != 0) {
        writer.unsigned_field(field::kWindowBytes, response.window_bytes);
    }
    if (response.retry_after_ms != 0) {
        writer.unsigned_field(field::kRetryAfterMs, response.retry_after_ms);
    }
    if (response.status != Status::kOk) write_status(writer, response.status);
    write_error_and_field(writer, response.error, {});
    writer.bool_field(field::kSuccess, response.success);
    if (!response.id.empty()) writer.text_field(id_field, response.id, limits::kIdLengthMax);
    if (response.content_bytes != 0) {
        writer.unsigned_field(field::kContentBytes, response.content_bytes);
    }
    if (!response.account.empty()) {
        writer.text_field(field::kAccount, response.account, limits::kIdLengthMax);
    }
    if (response.beat_interval_ms != 0) {
        writer.unsigned_field(field::kBeatIntervalMs, response.beat_interval_ms);
    }
    writer.finish();
}

}  // namespace

// ---- peer_register, gamer_register ------------------------------------------------------------

void encode(const PeerRegister& registration, EnvelopeBuffer& out) {
    const Capabilities& capabilities = registration.capabilities;
    EnvelopeWriter writer(out, registration.peer_id.size() + registration.login.token.size() +
                                   registration.codec_class.size() + kNamesSize +
                                   capabilities.gpu_model.size() + capabilities.location.size() +
                                   task_types_size(capabilities));
    write_login(writer, registration.login);
    if (registration.window_bytes != 0) {
        writer.unsigned_field(field::kWindowBytes, registration.window_bytes);
    }
    if (registration.window_tasks != 0) {
        writer.unsigned_field(field::kWindowTasks, registration.window_tasks);
    }
    if (registration.slots != 0) writer.unsigned_field(field::kSlots, registration.slots);
    if (registration.circle != Circle::kInvited) {
        writer.unsigned_field(field::kCircle, static_cast<uint64_t>(registration.circle));
    }
    if (registration.circle_accepted != Circle::kInvited) {
        writer.unsigned_field(field::kCircleAccepted,
                              static_cast<uint64_t>(registration.circle_accepted));
    }
    if (!registration.peer_id.empty()) {
        writer.text_field(field::kPeerId, registration.peer_id, limits::kIdLengthMax);
    }
    write_capabilities(writer, capabilities);
    if (!registration.codec_class.empty()) {
        writer.binary_field(field::kCodecClass, bytes_of(registration.codec_class));
    }
    if (registration.content_bytes != 0) {
        writer.unsigned_field(field::kContentBytes, registration.content_bytes);
    }
    if (registration.beat_interval_ms != 0) {
        writer.unsigned_field(field::kBeatIntervalMs, registration.beat_interval_ms);
    }
    if (registration.speed > 0) write_speed(writer, registration.speed);
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, PeerRegister& out) {
    out = PeerRegister{};
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kLoginMethod:
                if (!reader.read_unsigned(out.login.login_method)) return kWhyLoginMethod;
                break;
            case field::kToken:
                if (!reader.read_binary(out.login.token, kTokenSizeMax)) return kWhyToken;
                break;
            case field::kResume:
                if (!reader.read_nonce(out.login.resume.emplace())) return kWhyResume;
                break;
            case field::kWindowBytes:
                if (!reader.read_unsigned(out.window_bytes)) return kWhyWindowBytes;
                break;
            case field::kWindowTasks:
                if (!reader.read_unsigned(out.window_tasks)) return kWhyWindowTasks;
                break;
            case field::kSlots:
                if (!reader.read_unsigned(out.slots)) {
                    return "slots must be an unsigned integer of 32 bits";
                }
                break;
            case field::kCircle:
                if (!reader.read_enum(out.circle, Circle::kPublic)) return kWhyCircle;
                break;
            case field::kCircleAccepted:
                if (!reader.read_enum(out.circle_accepted, Circle::kPublic)) {
                    return "circle_accepted must be 0 to 3";
                }
                break;
            case field::kPeerId:
                if (!reader.read_text(out.peer_id, limits::kIdLengthMax)) return kWhyPeerId;
                break;
            case field::kCapabilities:
                if (const char* why = read_capabilities(reader, out.capabilities)) return why;
                break;
            case field::kCodecClass:
                if (!reader.read_binary(out.codec_class, kCodecClassSize) ||
                    out.codec_class.size() != kCodecClassSize) {
                    return "codec_class must be 32 bytes of bin";
                }
                break;
            case field::kContentBytes:
                if (!reader.read_unsigned(out.content_bytes)) return kWhyContentBytes;
                break;
            case field::kBeatIntervalMs:
                if (!reader.read_unsigned(out.beat_interval_ms)) return kWhyBeatInterval;
                break;
            case field::kSpeed:
                if (!read_speed(reader, out.speed)) return kWhySpeed;
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    if (!reader.has(field::kCapabilities)) return "capabilities is missing";
    return reader.close() ? nullptr : reader.why();
}

void encode(const GamerRegister& registration, EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, registration.client_id.size() + registration.login.token.size());
    write_login(writer, registration.login);
    if (!registration.client_id.empty()) {
        writer.text_field(field::kClientId, registration.client_id, limits::kIdLengthMax);
    }
    writer.finish();
}

const char* decode(std::span<const uint8_t> envelope, GamerRegister& out) {
    out = GamerRegister{};
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kLoginMethod:
                if (!reader.read_unsigned(out.login.login_method)) return kWhyLoginMethod;
                break;
            case field::kToken:
                if (!reader.read_binary(out.login.token, kTokenSizeMax)) return kWhyToken;
                break;
            case field::kResume:
                if (!reader.read_nonce(out.login.resume.emplace())) return kWhyResume;
                break;
            case field::kClientId:
                if (!reader.read_text(out.client_id, limits::kIdLengthMax)) return kWhyClientId;
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    return reader.close() ? nullptr : reader.why();
}

// ---- the two responses ------------------------------------------------------------------------

void encode_peer_response(const RegisterResponse& response, EnvelopeBuffer& out) {
    write_response(response, field::kPeerId, out);
}

void encode_gamer_response(const RegisterResponse& response, EnvelopeBuffer& out) {
    write_response(response, field::kClientId, out);
}

const char* decode(std::span<const uint8_t> envelope, RegisterResponse& out) {
    out = RegisterResponse{};
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        switch (key) {
            case field::kResume:
                if (!reader.read_nonce(out.resume)) return kWhyResume;
                break;
            case field::kHeartbeatIntervalMs:
                if (!reader.read_unsigned(out.heartbeat_interval_ms)) {
                    return "heartbeat_interval_ms must be an unsigned integer of 32 bits";
                }
                break;
            case field::kTaskTimeoutMs:
                if (!reader.read_unsigned(out.task_timeout_ms)) {
                    return "task_timeout_ms must be an unsigned integer of 32 bits";
                }
                break;
            case field::kWindowBytes:
                if (!reader.read_unsigned(out.window_bytes)) return kWhyWindowBytes;
                break;
            case field::kRetryAfterMs:
                if (!reader.read_unsigned(out.retry_after_ms)) return kWhyRetryAfter;
                break;
            case field::kStatus:
                if (!reader.read_status(out.status)) return kWhyStatus;
                break;
            case field::kError:
                if (!reader.read_text(out.error, limits::kTextLengthMax)) return kWhyError;
                break;
            case field::kSuccess:
                if (!reader.read_bool(out.success)) return "success must be true or false";
                break;
            case field::kPeerId:
                if (!reader.read_text(out.id, limits::kIdLengthMax)) return kWhyPeerId;
                break;
            case field::kClientId:
                if (!reader.read_text(out.id, limits::kIdLengthMax)) return kWhyClientId;
                break;
            case field::kContentBytes:
                if (!reader.read_unsigned(out.content_bytes)) return kWhyContentBytes;
                break;
            case field::kAccount:
                if (!reader.read_text(out.account, limits::kIdLengthMax)) {
                    return "account must be text of at most 128 bytes";
                }
                break;
            case field::kBeatIntervalMs:
                if (!reader.read_unsigned(out.beat_interval_ms)) return kWhyBeatInterval;
                break;
            default:
                if (!reader.skip()) return reader.why();
        }
    }
    if (!reader.has(field::kSuccess)) return "success is missing";
    if (reader.has(field::kPeerId) && reader.has(field::kClientId)) {
        return "peer_id and client_id exclude each other";
    }
    return reader.close() ? nullptr : reader.why();
}

}  // namespace p2c2r::wire
