#include "wire/utf8.h"

namespace p2c2r::wire {

namespace {

// The length of the well-formed character at the start of `text`, or 0.
size_t character_size(std::string_view text) {
    const auto byte = [&](size_t index) { return static_cast<uint8_t>(text[index]); };
    const auto follows = [&](size_t index) { return (byte(index) & 0xC0) == 0x80; };
    const uint8_t first = byte(0);
    if (first < 0x80) return 1;
    // C0 and C1 would be long forms of ASCII; above F4 lies nothing.
    if (first < 0xC2 || first > 0xF4) return 0;
    const size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (text.size() < size) return 0;
    for (size_t i = 1; i < size; ++i) {
        if (!follows(i)) return 0;
    }
    const uint8_t second = byte(1);
    if (first == 0xE0 && second < 0xA0) return 0;   // long form
    if (first == 0xED && second >= 0xA0) return 0;  // surrogate
    if (first == 0xF0 && second < 0x90) return 0;   // long form
    if (first == 0xF4 && second >= 0x90) return 0;  // above U+10FFFF
    return size;
}

}  // namespace

bool detail::is_utf8_beyond_ascii(std::string_view text) {
    while (!text.empty()) {
        const size_t size = character_size(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

std::string_view cut_utf8(std::string_view text, size_t size_max) {
    if (text.size() <= size_max) return text;
    size_t size = size_max;
    while (size > 0 && (static_cast<uint8_t>(text[size]) & 0xC0) == 0x80) --size;
    return text.substr(0, size);
}

size_t copy_as_utf8(uint8_t* out, std::string_view text) {
    uint8_t* const start = out;
    while (!text.empty()) {
        const size_t size = character_size(text);
        if (size == 0) {
            *out++ = '?';
            text.remove_prefix(1);
            continue;
        }
        std::memcpy(out, text.data(), size);
        out += size;
        text.remove_prefix(size);
    }
    return static_cast<size_t>(out - start);
}

}  // namespace p2c2r::wire
