// Growing structs (abi rule R2). A struct that comes in may be older or newer than this library:
// what it lacks counts as zero, what it has more must be zero. One that goes out is filled as far
// as the caller knows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "bindings/c/failure.h"

namespace p2c2r::capi {

// No struct will be larger; it also bounds what is read when struct_size was never set.
inline constexpr uint32_t kStructSizeMax = 4096;

// struct_size grows in groups of 8 bytes, so no other number is the size of any version.
inline bool is_struct_size(uint32_t size) {
    return size >= 8 && size % 8 == 0 && size <= kStructSizeMax;
}

p2c2r_status fail_struct_size(p2c2r_error* why, const char* name, uint32_t size) noexcept;
p2c2r_status fail_null(p2c2r_error* why, const char* name) noexcept;
// True when the bytes behind the part this library knows are zero.
bool is_zero_tail(const void* given, size_t known, size_t size) noexcept;
p2c2r_status fail_unknown_tail(p2c2r_error* why, const char* name, size_t known,
                               uint32_t size) noexcept;

template <class T>
class InStruct {
    static_assert(std::is_trivial_v<T> && sizeof(T) % 8 == 0 && sizeof(T) <= kStructSizeMax);

  public:
    // `name` is the parameter's name in the header. The given struct must outlive this one.
    p2c2r_status read(const T* given, const char* name, p2c2r_error* why) noexcept {
        if (!given) return fail_null(why, name);
        const uint32_t size = given->struct_size;
        if (size == sizeof(T)) [[likely]] {
            at_ = given;
            return P2C2R_OK;
        }
        if (!is_struct_size(size)) return fail_struct_size(why, name, size);
        if (size > sizeof(T)) {
            if (!is_zero_tail(given, sizeof(T), size)) {
                return fail_unknown_tail(why, name, sizeof(T), size);
            }
            at_ = given;
            return P2C2R_OK;
        }
        std::memset(static_cast<void*>(&copy_), 0, sizeof copy_);
        std::memcpy(static_cast<void*>(&copy_), given, size);
        at_ = &copy_;
        return P2C2R_OK;
    }
    const T& operator*() const { return *at_; }
    const T* operator->() const { return at_; }

  private:
    const T* at_ = nullptr;
    T copy_;  // only written for shorter structs
};

// Checks a struct that is to be filled; to be called before anything is done.
template <class T>
p2c2r_status check_out_struct(const T* out, const char* name, p2c2r_error* why = nullptr) noexcept {
    if (!out) return fail_null(why, name);
    if (!is_struct_size(out->struct_size)) return fail_struct_size(why, name, out->struct_size);
    return P2C2R_OK;
}

// `out` has passed check_out_struct.
template <class T>
void write_struct(T* out, const T& value) noexcept {
    static_assert(offsetof(T, struct_size) == 0);
    const uint32_t size = out->struct_size;
    const size_t known = size < sizeof(T) ? size : sizeof(T);
    auto* to = reinterpret_cast<unsigned char*>(out);
    std::memcpy(to + 4, reinterpret_cast<const unsigned char*>(&value) + 4, known - 4);
    if (size > known) std::memset(to + known, 0, size - known);
}

}  // namespace p2c2r::capi
