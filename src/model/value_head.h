// The first bytes of a MessagePack value: its kind, how long its head is, and what follows. Shared
// by the scanner, which believes none of it, and by readers of scanned bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "model/value.h"

namespace p2c2r::detail {

struct HeadForm {
    ValueKind kind;
    uint8_t size;      // of the head: a whole scalar, or the first byte with its length field
    uint8_t low_bits;  // where the length stands in the first byte: its bits there
    bool valid;        // false: an extension, or the byte that is never used
};

constexpr std::array<HeadForm, 256> make_head_forms() {
    std::array<HeadForm, 256> forms{};
    const auto set = [&forms](int first, int last, ValueKind kind, uint8_t size, uint8_t low_bits) {
        for (int i = first; i <= last; ++i)
            forms[static_cast<size_t>(i)] = {kind, size, low_bits, true};
    };
    set(0x00, 0x7f, ValueKind::kInteger, 1, 0);
    set(0x80, 0x8f, ValueKind::kMap, 1, 0x0f);
    set(0x90, 0x9f, ValueKind::kArray, 1, 0x0f);
    set(0xa0, 0xbf, ValueKind::kText, 1, 0x1f);
    set(0xc0, 0xc0, ValueKind::kNil, 1, 0);
    set(0xc2, 0xc3, ValueKind::kBool, 1, 0);
    set(0xca, 0xca, ValueKind::kFloat, 5, 0);
    set(0xcb, 0xcb, ValueKind::kFloat, 9, 0);
    for (int i = 0; i < 4; ++i) {
        const auto bytes = static_cast<uint8_t>(1 + (1 << i));
        set(0xcc + i, 0xcc + i, ValueKind::kInteger, bytes, 0);
        set(0xd0 + i, 0xd0 + i, ValueKind::kInteger, bytes, 0);
        if (i == 3) break;  // lengths have at most four bytes
        set(0xc4 + i, 0xc4 + i, ValueKind::kBytes, bytes, 0);
        set(0xd9 + i, 0xd9 + i, ValueKind::kText, bytes, 0);
    }
    set(0xdc, 0xdc, ValueKind::kArray, 3, 0);
    set(0xdd, 0xdd, ValueKind::kArray, 5, 0);
    set(0xde, 0xde, ValueKind::kMap, 3, 0);
    set(0xdf, 0xdf, ValueKind::kMap, 5, 0);
    set(0xe0, 0xff, ValueKind::kInteger, 1, 0);
    return forms;
}
inline constexpr std::array<HeadForm, 256> kHeadForms = make_head_forms();

inline uint64_t read_big_endian(const uint8_t* at, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | at[i];
    return value;
}
inline uint32_t read_u32(const uint8_t* at) {
    return static_cast<uint32_t>(read_big_endian(at, 4));
}
inline uint64_t read_u64(const uint8_t* at) {
    return read_big_endian(at, 8);
}

// Bytes of a text or binary, items of an array, fields of a map. The whole head MUST be there.
inline uint32_t head_length(const uint8_t* at, const HeadForm& form) {
    if (form.size == 1) return *at & form.low_bits;
    return static_cast<uint32_t>(read_big_endian(at + 1, form.size - 1u));
}

inline bool is_container(ValueKind kind) {
    return kind >= ValueKind::kArray;
}
// Values that follow the head of a container of `length` items or fields.
inline uint64_t values_inside(ValueKind kind, uint32_t length) {
    return kind == ValueKind::kMap ? uint64_t{length} * 2 : length;
}

// An integer of any form as sign and 64 bits.
struct IntegerBits {
    bool negative;
    uint64_t bits;  // of an int64_t when negative
};
inline IntegerBits read_integer(const uint8_t* at) {
    const uint8_t first = *at;
    if (first < 0x80) return {false, first};
    if (first >= 0xe0) return {true, ~uint64_t{0xff} | first};
    const size_t size = kHeadForms[first].size - 1u;
    const uint64_t value = read_big_endian(at + 1, size);
    const bool is_signed = first >= 0xd0;
    if (!is_signed || (value >> (size * 8 - 1)) == 0) return {false, value};
    return {true, size == 8 ? value : value | ~uint64_t{0} << (size * 8)};
}

inline std::string_view read_text(const uint8_t* at) {
    const HeadForm& form = kHeadForms[*at];
    return {reinterpret_cast<const char*>(at + form.size), head_length(at, form)};
}

// Below, equal, above, like memcmp: texts by their bytes, integers by value. Both keys MUST be of
// one of these kinds, and of the same.
inline int compare_keys(const uint8_t* a, const uint8_t* b) {
    if (kHeadForms[*a].kind == ValueKind::kText) return read_text(a).compare(read_text(b));
    const IntegerBits x = read_integer(a), y = read_integer(b);
    if (x.negative != y.negative) return x.negative ? -1 : 1;
    return x.bits < y.bits ? -1 : x.bits > y.bits;  // of two negative ones too: two's complement
}

}  // namespace p2c2r::detail
