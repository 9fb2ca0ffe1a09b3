#include "core/utf8.h"

namespace p2c2r {

namespace {

// What may follow a first byte: how many bytes, and the range of the first of them, which is where
// long forms, surrogates and code points above U+10FFFF show.
struct Lead {
    uint8_t following;
    uint8_t second_low;
    uint8_t second_high;
};

constexpr Lead lead_of(uint8_t first) {
    if (first < 0xC2) return {0, 0, 0};  // a following byte, or a long form of ASCII
    if (first < 0xE0) return {1, 0x80, 0xBF};
    if (first == 0xE0) return {2, 0xA0, 0xBF};
    if (first == 0xED) return {2, 0x80, 0x9F};
    if (first < 0xF0) return {2, 0x80, 0xBF};
    if (first == 0xF0) return {3, 0x90, 0xBF};
    if (first < 0xF4) return {3, 0x80, 0xBF};
    if (first == 0xF4) return {3, 0x80, 0x8F};
    return {0, 0, 0};
}

}  // namespace

bool detail::is_utf8_slowly(std::string_view text) {
    const auto* at = reinterpret_cast<const uint8_t*>(text.data());
    const uint8_t* const end = at + text.size();
    while (at < end) {
        if (*at < 0x80) {
            ++at;
            // Long texts are nearly all ASCII: eight bytes a look.
            uint64_t word;
            while (end - at >= 8) {
                std::memcpy(&word, at, 8);
                if (word & 0x8080808080808080ull) break;
                at += 8;
            }
            continue;
        }
        const Lead lead = lead_of(*at);
        if (lead.following == 0 || end - at <= lead.following) return false;
        if (at[1] < lead.second_low || at[1] > lead.second_high) return false;
        for (int i = 2; i <= lead.following; ++i) {
            if ((at[i] & 0xC0) != 0x80) return false;
        }
        at += lead.following + 1;
    }
    return true;
}

bool is_name_text(std::string_view text) {
    if (!is_utf8(text)) return false;
    for (size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7f) return false;
        if (byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0) return false;
    }
    return true;
}

}  // namespace p2c2r
