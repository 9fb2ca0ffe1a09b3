// Four floats at a time, as gcc and clang have them on every processor: what the files of physics
// that need it share. Each operation does on every lane what its namesake in exact.h or physics.h
// does, bit for bit.
#pragma once

#include <cstdint>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "shaders/physics.h"

namespace p2c2r::kernels::lanes {

constexpr uint32_t kCount = 4;
using Floats = float __attribute__((vector_size(16)));
using Masks = int32_t __attribute__((vector_size(16)));

inline Floats all(float value) {
    return Floats{value, value, value, value};
}
inline Masks bits(Floats value) {
    return reinterpret_cast<Masks>(value);
}
inline Floats floats(Masks bits) {
    return reinterpret_cast<Floats>(bits);
}
inline Floats select(Masks condition, Floats yes, Floats no) {
    return floats((condition & bits(yes)) | (~condition & bits(no)));
}
inline Floats only(Masks condition, Floats value) {
    return floats(condition & bits(value));
}
// A bit a lane.
inline uint32_t ones(Masks condition) {
#ifdef __SSE2__
    return static_cast<uint32_t>(_mm_movemask_ps(reinterpret_cast<__m128>(condition)));
#else
    return (condition[0] & 1u) | (condition[1] & 2u) | (condition[2] & 4u) | (condition[3] & 8u);
#endif
}
inline Floats flush(Floats value) {
    const Floats size = floats(bits(value) & 0x7FFFFFFF);
    return only(size >= all(kPhysicsTiny), value);
}
inline Floats max(Floats a, Floats b) {
    return select(b > a, b, a);
}
inline Floats min(Floats a, Floats b) {
    return select(b < a, b, a);
}
inline Floats root(Floats value) {
    return Floats{exact_sqrt(value[0]), exact_sqrt(value[1]), exact_sqrt(value[2]),
                  exact_sqrt(value[3])};
}
// Four floats from (to) anywhere.
inline Floats load(const void* from) {
    Floats value;
    std::memcpy(&value, from, sizeof value);
    return value;
}
inline void store(void* to, Floats value) {
    std::memcpy(to, &value, sizeof value);
}

// Four vectors, a coordinate each.
struct Columns {
    Floats x, y, z;
};
inline Floats dot(const Columns& a, const Columns& b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}
// From rows x y z w; `w` too.
inline Columns turned(const Floats (&rows)[kCount], Floats& w) {
    const Floats xy01 = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
    const Floats xy23 = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
    const Floats zw01 = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
    const Floats zw23 = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
    w = __builtin_shufflevector(zw01, zw23, 2, 3, 6, 7);
    return {__builtin_shufflevector(xy01, xy23, 0, 1, 4, 5),
            __builtin_shufflevector(xy01, xy23, 2, 3, 6, 7),
            __builtin_shufflevector(zw01, zw23, 0, 1, 4, 5)};
}

}  // namespace p2c2r::kernels::lanes
