// Text on the wire is well-formed UTF-8: quickly told for short ASCII, cut between characters, and
// made well-formed where a host's own text is not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/utf8.h"

namespace p2c2r::wire {

// is_utf8() with nearly all text in mind, which is ASCII of a few bytes.
inline bool is_text(std::string_view text) {
    constexpr uint64_t kHighBits = 0x8080808080808080ull;
    const char* at = text.data();
    size_t left = text.size();
    uint64_t any = 0;
    if (left >= 8) {
        uint64_t word;
        for (; left > 8; at += 8, left -= 8) {
            std::memcpy(&word, at, 8);
            any |= word;
        }
        std::memcpy(&word, text.data() + text.size() - 8, 8);  // the last eight, overlapping
        any |= word;
    } else if (left >= 4) {
        uint32_t first, last;
        std::memcpy(&first, at, 4);
        std::memcpy(&last, at + left - 4, 4);
        any = first | last;
    } else {
        for (; left > 0; ++at, --left) any |= static_cast<uint8_t>(*at);
    }
    return (any & kHighBits) == 0 || is_utf8(text);
}

// The longest start of well-formed `text` that has at most `size_max` bytes and no cut character.
std::string_view cut_text(std::string_view text, size_t size_max);

// Copies `text` to `out`, each byte that is no part of a well-formed character as '?'. Returns its
// size, which is that of `text`.
size_t copy_as_text(uint8_t* out, std::string_view text);

}  // namespace p2c2r::wire
