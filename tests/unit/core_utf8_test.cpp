#include "core/utf8.h"

#include <doctest/doctest.h>

#include <string>

using namespace p2c2r;

namespace {

// The definition itself: decode by hand, then compare with the shortest form of the code point.
std::string encode(uint32_t point) {
    std::string text;
    const auto put = [&](uint32_t byte) { text.push_back(static_cast<char>(byte)); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xC0 | point >> 6), put(0x80 | (point & 63));
    } else if (point < 0x10000) {
        put(0xE0 | point >> 12), put(0x80 | (point >> 6 & 63)), put(0x80 | (point & 63));
    } else {
        put(0xF0 | point >> 18), put(0x80 | (point >> 12 & 63));
        put(0x80 | (point >> 6 & 63)), put(0x80 | (point & 63));
    }
    return text;
}

}  // namespace

TEST_CASE("utf8: exactly the code points that are characters are accepted") {
    for (uint32_t point = 0; point < 0x200000; ++point) {
        const bool character = point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
        if (is_utf8(encode(point)) != character) FAIL("code point " << point);
    }
}

TEST_CASE(
    "utf8: of all sequences of two and three bytes as many are accepted as there are characters") {
    // Two bytes: 128 * 128 pairs of ASCII and 1920 characters of two bytes.
    int pairs = 0;
    for (int i = 0; i < 65536; ++i) {
        const char text[] = {static_cast<char>(i >> 8), static_cast<char>(i)};
        pairs += is_utf8({text, 2});
    }
    CHECK(pairs == 128 * 128 + 1920);
    int triples = 0;
    for (int i = 0; i < 1 << 24; ++i) {
        const char text[] = {static_cast<char>(i >> 16), static_cast<char>(i >> 8),
                             static_cast<char>(i)};
        triples += is_utf8({text, 3});
    }
    CHECK(triples == 128 * 128 * 128 + 2 * 128 * 1920 + (0x10000 - 0x800 - 0x800));
}

TEST_CASE("utf8: cut characters and strays are found at every place of a long text") {
    for (size_t at = 0; at < 40; ++at) {
        std::string text(40, 'x');
        CHECK(is_utf8(text));
        text[at] = '\x80';
        CHECK_FALSE(is_utf8(text));
        text.resize(at);
        CHECK(is_utf8(text + "\xF0\x9F\x8E\xAE"));
        CHECK_FALSE(is_utf8(text + "\xF0\x9F\x8E"));
    }
}

TEST_CASE("utf8: a name has no control characters") {
    for (const char* good : {"", "echo", "stra\xc3\x9f", "two words", "\xc2\xa0", "\xc3\x80"})
        CHECK(is_name_text(good));
    for (const char* bad : {"a\n", "\x1f", "a\x7f", "\xff", "\xc3", "\xc2\x80",
                            "a\xc2\x9b"
                            "31m"}) {
        CHECK_FALSE(is_name_text(bad));
    }
    CHECK_FALSE(is_name_text(std::string_view("a\0b", 3)));
}
