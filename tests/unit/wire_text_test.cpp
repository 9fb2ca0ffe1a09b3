#include "wire/text.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace p2c2r::wire;

namespace {

std::string encode_character(uint32_t code) {
    const auto byte = [](uint32_t value) { return static_cast<char>(value); };
    if (code < 0x80) return {byte(code)};
    if (code < 0x800) return {byte(0xC0 | code >> 6), byte(0x80 | (code & 63))};
    if (code < 0x10000) {
        return {byte(0xE0 | code >> 12), byte(0x80 | (code >> 6 & 63)), byte(0x80 | (code & 63))};
    }
    return {byte(0xF0 | code >> 18), byte(0x80 | (code >> 12 & 63)), byte(0x80 | (code >> 6 & 63)),
            byte(0x80 | (code & 63))};
}

}  // namespace

TEST_CASE("text: every character is accepted in any company") {
    for (uint32_t code = 0; code <= 0x10FFFF; code += code < 0x3000 ? 1 : 13) {
        if (code >= 0xD800 && code <= 0xDFFF) continue;
        const std::string character = encode_character(code);
        bool good = is_text(character);
        for (size_t before = 0; before < 9; ++before) {
            good = good && is_text(std::string(before, 'x') + character + "yz");
        }
        if (!good) FAIL("refused U+", code);
    }
}

TEST_CASE("text: of all sequences of one to three bytes exactly the characters are accepted") {
    // Characters: 128 of one byte, 1920 of two, 63488 of three less 2048 surrogates.
    const auto count = [](size_t size) {
        uint64_t accepted = 0;
        std::string bytes(size, '\0');
        for (uint32_t number = 0; number < 1u << (8 * size); ++number) {
            for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(number >> (8 * i));
            accepted += is_text(bytes);
        }
        return accepted;
    };
    CHECK(count(1) == 128);
    CHECK(count(2) == 128 * 128 + 1920);
    CHECK(count(3) == 128 * 128 * 128 + 2 * 128 * 1920 + 61440);
}

TEST_CASE("text: sequences of four bytes are accepted from U+10000 to U+10FFFF and no further") {
    uint64_t accepted = 0;
    for (int first = 0xF0; first <= 0xFF; ++first) {
        for (int second = 0; second < 256; ++second) {
            const char bytes[] = {static_cast<char>(first), static_cast<char>(second), '\x80',
                                  '\xBF'};
            accepted += is_text({bytes, 4});
        }
    }
    CHECK(accepted == 0x100000 / 4096);  // the last two bytes were fixed
    CHECK_FALSE(is_text("\xF0\x90\x80"));
    CHECK_FALSE(is_text("\xF0\x90\x80\x7F"));
    CHECK_FALSE(is_text("\xF0\x90\x7F\x80"));
}

TEST_CASE("text: a text is cut between characters") {
    const std::string text = "ab\xC3\xBC\xE2\x82\xAC\xF0\x9F\x8E\xAE";  // 2 + 2 + 3 + 4 bytes
    const size_t expected[] = {0, 1, 2, 2, 4, 4, 4, 7, 7, 7, 7, 11, 11};
    for (size_t size_max = 0; size_max <= 12; ++size_max) {
        const std::string_view cut = cut_text(text, size_max);
        CHECK(cut.size() == expected[size_max]);
        CHECK(is_text(cut));
    }
}

TEST_CASE("text: bytes that are no text become question marks and the size stays") {
    const std::pair<std::string, std::string> cases[] = {
        {"plain", "plain"}, {"\xC3\xBC", "\xC3\xBC"}, {"a\xFF\xC3\xBC\x80z", "a?\xC3\xBC?z"},
        {"\xE2\x82", "??"}, {"\xED\xA0\x80", "???"},  {"", ""},
    };
    for (const auto& [from, to] : cases) {
        std::vector<uint8_t> out(from.size() + 1);
        const size_t size = copy_as_text(out.data(), from);
        CHECK(size == from.size());
        CHECK(std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)) == to);
        CHECK(is_text(to));
    }
}
