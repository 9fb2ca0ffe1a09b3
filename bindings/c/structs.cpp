#include "bindings/c/structs.h"

#include <cstdio>

namespace p2c2r::capi {

p2c2r_status fail_null(p2c2r_error* why, const char* name) noexcept {
    char text[96];
    std::snprintf(text, sizeof text, "%s is NULL", name);
    return fail(why, Status::kArgument, name, text);
}

p2c2r_status fail_struct_size(p2c2r_error* why, const char* name, uint32_t size) noexcept {
    char text[160];
    std::snprintf(text, sizeof text,
                  "struct_size of %s is %u; it must be its sizeof, a multiple of 8 up to %u", name,
                  size, kStructSizeMax);
    return fail(why, Status::kArgument, "struct_size", text);
}

p2c2r_status fail_unknown_tail(p2c2r_error* why, const char* name, size_t known,
                               uint32_t size) noexcept {
    char text[160];
    std::snprintf(text, sizeof text,
                  "%s of %u bytes asks behind byte %zu for what this library does not know", name,
                  size, known);
    return fail(why, Status::kVersion, name, text);
}

bool is_zero_tail(const void* given, size_t known, size_t size) noexcept {
    const auto* bytes = static_cast<const unsigned char*>(given);
    for (size_t at = known; at < size; ++at) {
        if (bytes[at] != 0) return false;
    }
    return true;
}

}  // namespace p2c2r::capi
