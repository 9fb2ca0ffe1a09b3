#include "bindings/c/bytes_in.h"

#include <string>

#include "bindings/c/failure.h"
#include "bindings/c/host_scope.h"
#include "bindings/c/structs.h"
#include "model/task.h"
#include "model/value.h"
#include "model/value_json.h"

namespace p2c2r::capi {

namespace {

std::span<const uint8_t> span_of(const p2c2r_bytes& bytes) {
    return {static_cast<const uint8_t*>(bytes.data), bytes.size};
}

Bytes adopt(const p2c2r_bytes& bytes) {
    return Bytes::adopt(bytes.data, bytes.size, bytes.release, bytes.user);
}

}  // namespace

void give_back(const p2c2r_bytes& bytes) noexcept {
    const HostScope scope;
    bytes.release(bytes.user, bytes.data, bytes.size);
}

p2c2r_status fail_bytes(const p2c2r_bytes* bytes, const char* name, p2c2r_error* why) noexcept {
    if (!bytes) return fail_null(why, name);
    if (!bytes->data && bytes->size > 0) {
        return fail(why, Status::kArgument, name, "the bytes have a size, but their data is NULL");
    }
    return fail(why, Status::kSize, name, "the bytes exceed the limit of 64 MiB");
}

Bytes take_bytes(const p2c2r_bytes& bytes, const MemoryHook* hook) {
    if (!bytes.release) return bytes.size > 0 ? Bytes::copy(span_of(bytes), hook) : Bytes();
    return adopt(bytes);
}

void PendingBytes::copy(const MemoryHook* hook) {
    copy_ = Bytes::copy(span_of(*bytes_), hook);
}

Bytes PendingBytes::keep_large(p2c2r_bytes& lent) {
    if (!bytes_->release) return std::move(copy_);
    if (bytes_->size >= kCountedFrom) return adopt(*bytes_);
    lent = *bytes_;
    return Bytes::borrow(span_of(*bytes_));
}

Result<Bytes> read_map(const void* data, size_t size, int32_t format, const char* name,
                       const MemoryHook* hook) {
    if (format != P2C2R_FORMAT_MSGPACK && format != P2C2R_FORMAT_JSON) {
        return field_error(
            Status::kArgument, "format",
            "format " + std::to_string(format) + " is neither MSGPACK (0) nor JSON (1)");
    }
    if (!data && size > 0) {
        return field_error(Status::kArgument, name, std::string(name) + " has a size, but is NULL");
    }
    if (size == 0) return Bytes();
    const std::span<const uint8_t> given(static_cast<const uint8_t*>(data), size);
    if (format == P2C2R_FORMAT_JSON) {
        Result<Bytes> made = json_to_value({static_cast<const char*>(data), size});
        if (!made) return made.error();
        const Result<Value> map = parse_params(made->span());
        if (!map) return map.error();
        return std::move(*made);
    }
    const Result<Value> map = parse_params(given);
    if (!map) return map.error();
    return Bytes::copy(given, hook);
}

}  // namespace p2c2r::capi
