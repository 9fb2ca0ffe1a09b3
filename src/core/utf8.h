// UTF-8: is a text well formed, and fit to be a name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace p2c2r {

namespace detail {
bool is_utf8_slowly(std::string_view text);
}

// True for well-formed UTF-8: shortest forms, no surrogates, nothing above U+10FFFF.
inline bool is_utf8(std::string_view text) {
    // Most texts are names of 4 to 16 plain letters: two or four looks, overlapping, see each byte.
    const size_t size = text.size();
    if (size < 4 || size > 16) return detail::is_utf8_slowly(text);
    const auto four_from = [&text](size_t at) {
        uint32_t word;
        std::memcpy(&word, text.data() + at, 4);
        return word;
    };
    uint32_t any = four_from(0) | four_from(size - 4);
    if (size > 8) any |= four_from(4) | four_from(size - 8);
    return (any & 0x80808080u) == 0 || detail::is_utf8_slowly(text);
}

// True for UTF-8 without control characters (below U+0020, U+007F to U+009F): what a name may
// consist of that stands in logs, metrics and lists. An empty text is one.
bool is_name_text(std::string_view text);

}  // namespace p2c2r
