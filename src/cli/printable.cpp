#include "cli/printable.h"

#include <cstdint>
#include <cstdio>

namespace p2c2r::cli {

namespace {

// The bytes of the character that `text` begins with, or 0 when a terminal must not get them: a
// control character, or no character in its shortest form. The library knows the same
// (core/utf8.h), and keeps it to itself; a test asks both about all that could tell them apart.
size_t character_size(std::string_view text) {
    const auto byte = [&](size_t at) { return static_cast<uint8_t>(text[at]); };
    const uint8_t first = byte(0);
    if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
    const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
    for (size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    const uint8_t second = byte(1);
    const bool is_control = first == 0xc2 && second < 0xa0;
    const bool is_long = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool is_none = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    return is_control || is_long || is_none ? 0 : size;
}

}  // namespace

std::string printable(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    while (!text.empty()) {
        const size_t size = character_size(text);
        if (size > 0) {
            clean += text.substr(0, size);
        } else {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<uint8_t>(text[0]));
            clean += escaped;
        }
        text.remove_prefix(size > 0 ? size : 1);
    }
    return clean;
}

}  // namespace p2c2r::cli
