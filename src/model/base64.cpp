#include "model/base64.h"

#include <array>

namespace p2c2r {

namespace {

constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNoLetter = 64;

constexpr std::array<uint8_t, 256> make_values() {
    std::array<uint8_t, 256> values{};
    for (uint8_t& value : values) value = kNoLetter;
    for (uint8_t i = 0; i < 64; ++i) values[static_cast<uint8_t>(kLetters[i])] = i;
    return values;
}
constexpr std::array<uint8_t, 256> kValues = make_values();

uint32_t value_of(char letter) {
    return kValues[static_cast<uint8_t>(letter)];
}

// The letters without the padding.
std::string_view letters_of(std::string_view text) {
    for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
    return text;
}

}  // namespace

void append_base64(std::string& text, std::span<const uint8_t> bytes) {
    const size_t start = text.size();
    text.resize(start + (bytes.size() + 2) / 3 * 4, '=');
    char* out = text.data() + start;
    for (; bytes.size() >= 3; bytes = bytes.subspan(3), out += 4) {
        const uint32_t group = uint32_t{bytes[0]} << 16 | uint32_t{bytes[1]} << 8 | bytes[2];
        for (int i = 0; i < 4; ++i) out[i] = kLetters[group >> (18 - 6 * i) & 63];
    }
    if (bytes.empty()) return;
    const uint32_t group =
        uint32_t{bytes[0]} << 16 | (bytes.size() > 1 ? uint32_t{bytes[1]} << 8 : 0);
    for (size_t i = 0; i <= bytes.size(); ++i) out[i] = kLetters[group >> (18 - 6 * i) & 63];
}

std::optional<size_t> base64_decoded_size(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    const std::string_view letters = letters_of(text);
    for (const char letter : letters) {
        if (value_of(letter) == kNoLetter) return std::nullopt;
    }
    // A last group of two or three letters carries four or two bits too many.
    const size_t rest = letters.size() % 4;
    if (rest == 2 && (value_of(letters.back()) & 15) != 0) return std::nullopt;
    if (rest == 3 && (value_of(letters.back()) & 3) != 0) return std::nullopt;
    return letters.size() * 3 / 4;
}

Bytes base64_decode(std::string_view text) {
    const std::string_view letters = letters_of(text);
    const size_t size = letters.size() * 3 / 4;
    Buffer buffer = Buffer::allocate(size);
    uint8_t* out = buffer.data();
    uint32_t group = 0;
    int bits = 0;
    for (const char letter : letters) {
        group = group << 6 | value_of(letter);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *out++ = static_cast<uint8_t>(group >> bits);
        }
    }
    return std::move(buffer).freeze(size);
}

}  // namespace p2c2r
