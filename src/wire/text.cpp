#include "wire/text.h"

#include <algorithm>

namespace p2c2r::wire {

namespace {

// The length of the well-formed character at the start of `text`, or 0.
size_t character_size(std::string_view text) {
    for (size_t size = 1; size <= std::min<size_t>(4, text.size()); ++size) {
        if (is_utf8(text.substr(0, size))) return size;
    }
    return 0;
}

}  // namespace

std::string_view cut_text(std::string_view text, size_t size_max) {
    if (text.size() <= size_max) return text;
    size_t size = size_max;
    while (size > 0 && (static_cast<uint8_t>(text[size]) & 0xC0) == 0x80) --size;
    return text.substr(0, size);
}

size_t copy_as_text(uint8_t* out, std::string_view text) {
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
