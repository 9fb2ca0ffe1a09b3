// UTF-8: is it well formed, and where may it be cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace p2c2r::wire {

namespace detail {
bool is_utf8_beyond_ascii(std::string_view text);
}

// True for well-formed UTF-8: shortest forms, no surrogates, nothing above U+10FFFF.
inline bool is_utf8(std::string_view text) {
    // Nearly all text here is short ASCII: eight bytes a look, the last eight overlapping.
    constexpr uint64_t kHighBits = 0x8080808080808080ull;
    const char* at = text.data();
    size_t left = text.size();
    uint64_t any = 0;
    if (left >= 8) {
        for (; left > 8; at += 8, left -= 8) {
            uint64_t word;
            std::memcpy(&word, at, 8);
            any |= word;
        }
        uint64_t word;
        std::memcpy(&word, text.data() + text.size() - 8, 8);
        any |= word;
    } else if (left >= 4) {
        uint32_t first, last;
        std::memcpy(&first, at, 4);
        std::memcpy(&last, at + left - 4, 4);
        any = first | last;
    } else {
        for (; left > 0; ++at, --left) any |= static_cast<uint8_t>(*at);
    }
    return (any & kHighBits) == 0 || detail::is_utf8_beyond_ascii(text);
}

// The longest start of well-formed `text` that has at most `size_max` bytes and no cut character.
std::string_view cut_utf8(std::string_view text, size_t size_max);

// Copies `text` to `out`, each byte that is no part of well-formed UTF-8 as '?'. Returns its size,
// which is that of `text`.
size_t copy_as_utf8(uint8_t* out, std::string_view text);

}  // namespace p2c2r::wire
