// What the code says to the processor's cache.
#pragma once

#include <cstddef>
#include <cstdint>

namespace p2c2r {

inline constexpr size_t kCacheLine = 64;

// The first `size` bytes at `object` will be wanted soon. A hint: any address is allowed.
inline void fetch_ahead(const void* object, size_t size) {
    const auto* at = static_cast<const uint8_t*>(object);
    for (size_t line = 0; line < size; line += kCacheLine) __builtin_prefetch(at + line);
}

}  // namespace p2c2r
