#include "model/value_json.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "model/base64.h"
#include "model/value_writer.h"
#include "model_random_value.h"
#include "support/seed.h"

using namespace p2c2r;

namespace {

std::string to_json(const Bytes& bytes) {
    Result<std::string> json = value_to_json(bytes.span());
    return json ? *json : json.error().text;
}

// There and back: what JSON becomes, printed again.
std::string through(std::string_view json) {
    const Result<Bytes> bytes = json_to_value(json);
    return bytes ? to_json(*bytes) : bytes.error().text;
}

std::string hex(std::string_view json) {
    const Result<Bytes> bytes = json_to_value(json);
    if (!bytes) return bytes.error().text;
    std::string text;
    static constexpr char kDigits[] = "0123456789abcdef";
    for (const uint8_t byte : bytes->span()) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

}  // namespace

TEST_CASE("json: each kind becomes its MessagePack form") {
    CHECK(hex("null") == "c0");
    CHECK(hex(" true ") == "c3");
    CHECK(hex("0") == "00");
    CHECK(hex("-0") == "00");
    CHECK(hex("-1") == "ff");
    CHECK(hex("300") == "cd012c");
    CHECK(hex("18446744073709551615") == "cfffffffffffffffff");
    CHECK(hex("-9223372036854775808") == "d38000000000000000");
    CHECK(hex("1.0") == "cb3ff0000000000000");
    CHECK(hex("1e0") == "cb3ff0000000000000");
    CHECK(hex("-0.0") == "cb8000000000000000");
    CHECK(hex("1E2") == "cb4059000000000000");
    CHECK(hex("1e-400") == "cb0000000000000000");
    CHECK(hex(R"("\u00e9\ud83c\udfae\n")") == "a7c3a9f09f8eae0a");
    CHECK(hex(R"({"$bytes": "AP8="})") == "c40200ff");
    CHECK(hex(R"({"$bytes": ""})") == "c400");
    CHECK(hex("[]") == "90");
    CHECK(hex("{}") == "80");
    CHECK(hex(R"({"a": [1, {"b": {"$bytes": "AQ=="}}], "c": []})") ==
          "82a1619201"
          "81a162c40101a16390");
}

TEST_CASE("json: what is refused and why") {
    const struct {
        std::string json;
        const char* text;
    } rows[] = {
        {"", "JSON: not JSON at byte 1"},
        {"{", "JSON: not JSON at byte 2"},
        {"[1,]", "JSON: not JSON at byte 4"},
        {"[1] 2", "JSON: not JSON at byte 5"},
        {"nul", "JSON: not JSON at byte 4"},
        {"NaN", "JSON: not JSON at byte 1"},
        {"[Infinity]", "JSON: not JSON at byte 2"},
        {"// comment\n1", "JSON: not JSON at byte 1"},
        {"'single'", "JSON: not JSON at byte 1"},
        {"01", "JSON: not JSON at byte 2"},
        {"\"\xff\"", "JSON: not JSON at byte 2"},
        {R"("\ud800")", "JSON: not JSON at byte 8"},
        {"\"a\nb\"", "JSON: not JSON at byte 3"},
        {"1e400", "JSON: a number beyond float64 at byte 5"},
        {"18446744073709551616", "JSON: the integer 18446744073709551616 is beyond 64 bits"},
        {"[-9223372036854775809]", "JSON: the integer -9223372036854775809 is beyond 64 bits"},
        {R"({"a": 1, "b": 2, "a": 3})", "JSON: the key 'a' is given twice"},
        {R"([{"x": {"a": 1, "a": 3}}])", "JSON: the key 'a' is given twice"},
        {R"({"$bytes": "AQ"})", "JSON: $bytes is not base64"},
        {R"({"$bytes": "AR=="})", "JSON: $bytes is not base64"},  // bits that nobody reads
        {R"({"$bytes": "A Q="})", "JSON: $bytes is not base64"},
        {R"({"$bytes": 5})", "JSON: $bytes is not a text"},
        {R"({"$bytes": []})", "JSON: $bytes is not a text"},
        {R"({"$bytes": {"$bytes": ""}})", "JSON: $bytes is not a text"},
        {R"({"$bytes": "", "x": 1})", "JSON: an object with $bytes has other keys too"},
        {R"({"x": 1, "$bytes": ""})", "JSON: an object with $bytes has other keys too"},
        {R"({"$bytes": "", "$bytes": ""})", "JSON: an object with $bytes has other keys too"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.json);
        const Result<Bytes> bytes = json_to_value(row.json);
        REQUIRE_FALSE(bytes.ok());
        CHECK(bytes.error().text == row.text);
        CHECK(bytes.error().status == Status::kParams);
    }
}

TEST_CASE("json: limits hold for depth and elements and size and counts") {
    const std::string deepest = std::string(16, '[') + std::string(16, ']');
    CHECK(json_to_value(deepest).ok());
    CHECK(json_to_value("[" + deepest + "]").error().status == Status::kLimit);
    // Bytes are no container, so they may lie at the deepest place.
    CHECK(
        json_to_value(std::string(16, '[') + R"({"$bytes": "AQ=="})" + std::string(16, ']')).ok());
    CHECK(json_to_value(std::string(1000000, '[')).error().text ==
          "JSON: nested more than 16 deep");
    ScanLimits limits = kParamsScan;
    limits.elements_max = 5;
    CHECK(json_to_value("[1,2,3,4]", limits).ok());
    CHECK(json_to_value(R"({"a":1,"b":2})", limits).ok());
    CHECK(json_to_value("[1,2,3,[4]]", limits).error().text ==
          "JSON: the value has more than 5 elements");
    CHECK(json_to_value(R"([1,2,3,{"$bytes":""}])", limits).ok());
    CHECK(json_to_value(R"({"a":1,"b":{}, "c":1})", limits).error().status == Status::kLimit);
    limits.size_max = 10;
    CHECK(json_to_value("\"123456789\"", limits).ok());
    CHECK(json_to_value("\"1234567890\"", limits).error().text ==
          "JSON: the value is longer than the limit of 10 bytes");
    limits.array_max = 2;
    CHECK(json_to_value("[1,2]", limits).ok());
    CHECK(json_to_value("[1,2,3]", limits).error().text ==
          "JSON: an array of 3 items exceeds the limit of 2");
}

TEST_CASE("json: integers outside +-2^53 are printed as decimal texts") {
    CHECK(to_json(ValueWriter().integer(9007199254740992).take()) == "9007199254740992");
    CHECK(to_json(ValueWriter().integer(-9007199254740992).take()) == "-9007199254740992");
    CHECK(to_json(ValueWriter().integer(9007199254740993).take()) == "\"9007199254740993\"");
    CHECK(to_json(ValueWriter().integer(-9007199254740993).take()) == "\"-9007199254740993\"");
    CHECK(to_json(ValueWriter().unsigned_integer(UINT64_MAX).take()) == "\"18446744073709551615\"");
    CHECK(to_json(ValueWriter().integer(INT64_MIN).take()) == "\"-9223372036854775808\"");
}

TEST_CASE("json: floats keep a point or an exponent and have the fewest digits") {
    const auto number = [](double value) { return to_json(ValueWriter().number(value).take()); };
    const auto number32 = [](float value) { return to_json(ValueWriter().number32(value).take()); };
    CHECK(number(1) == "1.0");
    CHECK(number(-0.0) == "-0.0");
    CHECK(number(0.1) == "0.1");
    CHECK(number(1e30) == "1e+30");
    CHECK(number(5e-324) == "5e-324");
    CHECK(number(123456789012345680000.0) == "1.2345678901234568e+20");
    CHECK(number(9007199254740992.0) == "9007199254740992.0");
    CHECK(number(-1e22) == "-1e+22");
    CHECK(number32(123456792.0f) == "1.2345679e+08");
    CHECK(number32(0.1f) == "0.1");
    CHECK(number32(16777216.0f) == "16777216.0");
    CHECK(number32(1.0f / 3.0f) == "0.33333334");
    CHECK(number(static_cast<double>(0.1f)) == "0.10000000149011612");
}

TEST_CASE("json: texts are escaped where JSON asks for it and nowhere else") {
    using namespace std::string_view_literals;
    const Bytes text =
        ValueWriter().text("q\" b\\ n\n r\r t\t z\0 d\x7f s/ \u00e9 \U0001F3AE"sv).take();
    CHECK(to_json(text) == "\"q\\\" b\\\\ n\\n r\\r t\\t z\\u0000 d\x7f s/ \u00e9 \U0001F3AE\"");
    CHECK(through(to_json(text)) == to_json(text));
}

TEST_CASE("json: containers and bytes are printed compactly in their own order") {
    CHECK(through(R"( { "b" : [ 1 , [ ] , { } ] , "a" : { "$bytes" : "AQID" } , "c" : null } )") ==
          R"({"b":[1,[],{}],"a":{"$bytes":"AQID"},"c":null})");
    CHECK(*value_to_json(std::span<const uint8_t>()) == "{}");
}

TEST_CASE("json: what would not read back is refused") {
    const Bytes clash = ValueWriter().map(1).key("$bytes").text("AQID").take();
    CHECK(value_to_json(clash.span()).error().status == Status::kUnsupported);
    const Bytes nested = ValueWriter().array(1).map(2).key("a").nil().key("$bytes").nil().take();
    CHECK_FALSE(value_to_json(nested.span()).ok());
    const uint8_t broken[] = {0xdd, 0xff, 0, 0, 0};
    CHECK_FALSE(value_to_json(broken).ok());
    const Bytes integer_key = ValueWriter().map(1).integer(1).nil().take();
    CHECK(value_to_json(Value(integer_key.span())).error().text ==
          "a key that is not a text has no JSON");
}

TEST_CASE("json: random values come back byte for byte") {
    Prng prng(test::seed());
    for (int round = 0; round < 2000; ++round) {
        const Bytes value = test::random_value(prng, 5, true);
        const Result<std::string> json = value_to_json(value.span());
        REQUIRE(json.ok());
        const Result<Bytes> back = json_to_value(*json);
        REQUIRE_MESSAGE(back.ok(), *json);
        REQUIRE_MESSAGE(back->text() == value.text(), *json);
    }
}

TEST_CASE("json: every printed float reads back as the same bits at its own width") {
    Prng prng(test::seed());
    for (int round = 0; round < 20000; ++round) {
        const double wide = test::random_double(prng);
        const std::string digits = to_json(ValueWriter().number(wide).take());
        REQUIRE(std::bit_cast<uint64_t>(std::strtod(digits.c_str(), nullptr)) ==
                std::bit_cast<uint64_t>(wide));
        const float narrow = test::random_float(prng);
        const std::string fewer = to_json(ValueWriter().number32(narrow).take());
        REQUIRE(std::bit_cast<uint32_t>(std::strtof(fewer.c_str(), nullptr)) ==
                std::bit_cast<uint32_t>(narrow));
    }
}

TEST_CASE("base64: the vectors of RFC 4648 and every byte value come back") {
    const std::pair<const char*, const char*> rows[] = {{"", ""},
                                                        {"f", "Zg=="},
                                                        {"fo", "Zm8="},
                                                        {"foo", "Zm9v"},
                                                        {"foob", "Zm9vYg=="},
                                                        {"fooba", "Zm9vYmE="},
                                                        {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, encoded] : rows) {
        std::string text;
        append_base64(text, Bytes::copy(std::string_view(plain)).span());
        CHECK(text == encoded);
        CHECK(base64_decoded_size(encoded) == std::string_view(plain).size());
        CHECK(base64_decode(encoded).text() == plain);
    }
    std::vector<uint8_t> all(1024);
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint8_t>(i * 7);
    std::string text;
    append_base64(text, all);
    const Bytes back = base64_decode(text);
    CHECK(std::vector<uint8_t>(back.data(), back.data() + back.size()) == all);
    for (const char* bad : {"A", "AB", "ABC", "====", "A===", "AB=C", "=ABC", "AB==CD==", "AB-_"}) {
        CAPTURE(bad);
        CHECK_FALSE(base64_decoded_size(bad).has_value());
    }
}
