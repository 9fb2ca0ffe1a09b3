// p2c2r_...: what needs no runtime.
#include <cstring>

#include "bindings/c/clock.h"
#include "bindings/c/failure.h"
#include "bindings/c/structs.h"
#include "model/value.h"
#include "model/value_json.h"

using namespace p2c2r;
using namespace p2c2r::capi;

namespace {

#define P2C2R_TEXT_OF(number) P2C2R_TEXT_OF_(number)
#define P2C2R_TEXT_OF_(number) #number
#if defined(__clang__)
#define P2C2R_COMPILER "clang-" P2C2R_TEXT_OF(__clang_major__)
#else
#define P2C2R_COMPILER "gcc-" P2C2R_TEXT_OF(__GNUC__)
#endif
constexpr const char* kVersionText =
    P2C2R_VERSION_STRING " " P2C2R_COMPILER " vulkan jpeg png msgpack-json";

// *out_size: room in, need out.
p2c2r_status give(const void* data, size_t size, void* out, size_t* out_size, p2c2r_error* why) {
    const size_t room = *out_size;
    *out_size = size;
    if (!out || room < size) {
        return fail(why, Status::kSize, "out_size",
                    "the output needs " + std::to_string(size) + " bytes");
    }
    if (size > 0) std::memcpy(out, data, size);
    return P2C2R_OK;
}

}  // namespace

extern "C" {

uint32_t P2C2R_CALL p2c2r_abi_version(void) {
    return P2C2R_ABI_VERSION;
}

const char* P2C2R_CALL p2c2r_version_text(void) {
    return kVersionText;
}

const char* P2C2R_CALL p2c2r_status_name(p2c2r_status status) {
    return status_name(static_cast<Status>(status));
}

const char* P2C2R_CALL p2c2r_status_text(p2c2r_status status) {
    return status_text(static_cast<Status>(status));
}

uint64_t P2C2R_CALL p2c2r_now_us(void) {
    return now_us();
}

p2c2r_status P2C2R_CALL p2c2r_params_from_json(const char* json, size_t size, void* out,
                                               size_t* out_size, p2c2r_error* why) {
    return boundary(why, [&]() -> p2c2r_status {
        if (!json) return fail_null(why, "json");
        if (!out_size) return fail_null(why, "out_size");
        const Result<Bytes> value = json_to_value({json, size});
        if (!value) return fail(why, value.error());
        return give(value->data(), value->size(), out, out_size, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_params_to_json(const void* params, size_t size, char* out,
                                             size_t* out_size, p2c2r_error* why) {
    return boundary(why, [&]() -> p2c2r_status {
        if (!params && size > 0) return fail_null(why, "params");
        if (!out_size) return fail_null(why, "out_size");
        const Result<std::string> json = value_to_json({static_cast<const uint8_t*>(params), size});
        if (!json) return fail(why, json.error());
        return give(json->data(), json->size(), out, out_size, why);
    });
}

}  // extern "C"
