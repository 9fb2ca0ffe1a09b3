#include "model/value.h"

#include <doctest/doctest.h>

#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "model/value_writer.h"
#include "model_random_value.h"
#include "support/seed.h"

using namespace p2c2r;

namespace {

constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();

std::vector<uint8_t> raw(std::initializer_list<int> list) {
    std::vector<uint8_t> bytes;
    for (const int byte : list) bytes.push_back(static_cast<uint8_t>(byte));
    return bytes;
}

std::vector<uint8_t> vector_of(const Bytes& bytes) {
    return {bytes.data(), bytes.data() + bytes.size()};
}

Bytes integer_bytes(int64_t value) {
    return ValueWriter().integer(value).take();
}

}  // namespace

TEST_CASE("value: integers are written in their shortest form and read back") {
    const struct {
        int64_t value;
        size_t size;
    } rows[] = {{0, 1},      {127, 1},    {128, 2},        {255, 2},         {256, 3},
                {65535, 3},  {65536, 5},  {4294967295, 5}, {4294967296, 9},  {kHighest, 9},
                {-1, 1},     {-32, 1},    {-33, 2},        {-128, 2},        {-129, 3},
                {-32768, 3}, {-32769, 5}, {INT32_MIN, 5},  {-2147483649, 9}, {kLowest, 9}};
    for (const auto& row : rows) {
        CAPTURE(row.value);
        const Bytes bytes = integer_bytes(row.value);
        CHECK(bytes.size() == row.size);
        CHECK(Value(bytes.span()).integer() == row.value);
        CHECK(Value(bytes.span()).number() == static_cast<double>(row.value));
        CHECK(Value(bytes.span()).unsigned_integer().has_value() == (row.value >= 0));
    }
    const Bytes large = ValueWriter().unsigned_integer(UINT64_MAX).take();
    CHECK(Value(large.span()).unsigned_integer() == UINT64_MAX);
    CHECK_FALSE(Value(large.span()).integer().has_value());
}

TEST_CASE("value: the signed forms of positive integers read like the unsigned ones") {
    CHECK(Value(raw({0xd0, 5})).integer() == 5);
    CHECK(Value(raw({0xd1, 0, 5})).unsigned_integer() == 5);
    CHECK(Value(raw({0xd2, 0x7f, 0xff, 0xff, 0xff})).unsigned_integer() == 2147483647u);
    CHECK(Value(raw({0xd2, 0x80, 0, 0, 0})).integer() == INT32_MIN);
    CHECK(Value(raw({0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0})).integer() == kLowest);
}

TEST_CASE("value: a whole float is an integer and another is not") {
    const auto integer = [](double value) {
        const Bytes bytes = ValueWriter().number(value).take();
        return Value(bytes.span()).integer();
    };
    CHECK(integer(3.0) == 3);
    CHECK(integer(-0.0) == 0);
    CHECK(integer(-0x1p63) == kLowest);
    CHECK_FALSE(integer(0x1p63).has_value());
    CHECK_FALSE(integer(2.5).has_value());
    CHECK_FALSE(integer(-1e300).has_value());
    const Bytes large = ValueWriter().number(0x1p63).take();
    CHECK(Value(large.span()).unsigned_integer() == uint64_t{1} << 63);
    const Bytes larger = ValueWriter().number(0x1p64).take();
    CHECK_FALSE(Value(larger.span()).unsigned_integer().has_value());
    const Bytes narrow = ValueWriter().number32(7.0f).take();
    CHECK(Value(narrow.span()).integer() == 7);
    CHECK(Value(narrow.span()).is_float32());
}

TEST_CASE("value: each getter answers for its own kind only") {
    ValueWriter writer;
    writer.array(8).nil().boolean(true).integer(1).number(1.5).text("t");
    writer.bytes(raw({1})).array(0).map(0);
    const Bytes bytes = writer.take();
    std::string answers;
    for (const Value item : Value(bytes.span()).items()) {
        answers += item.boolean() ? 'b' : '-';
        answers += item.integer() ? 'i' : '-';
        answers += item.number() ? 'n' : '-';
        answers += item.text() ? 't' : '-';
        answers += item.bytes() ? 'y' : '-';
        answers += item.items().size() == 0 && item.fields().size() == 0 ? ' ' : '?';
    }
    CHECK(answers == "----- b---- -in-- --n-- ---t- ----y ----- ----- ");
    CHECK(Value().is(ValueKind::kNil));
    CHECK(Value().count() == 0);
}

TEST_CASE("value: fields are found by name and iterated in their order") {
    ValueWriter writer;
    writer.map(3).key("b").integer(1).key("").text("empty").key("a").array(2).nil().nil();
    const Bytes bytes = writer.take();
    const Value map = parse_params(bytes.span()).value();
    CHECK(map.count() == 3);
    CHECK(map.find("b")->integer() == 1);
    CHECK(map.find("")->text() == "empty");
    CHECK(map.find("a")->count() == 2);
    CHECK_FALSE(map.find("c").has_value());
    CHECK_FALSE(map.find("b")->find("x").has_value());
    std::string order;
    for (const auto& [key, value] : map.fields()) order += std::string(*key.text()) + ",";
    CHECK(order == "b,,a,");
    CHECK(map.find("")->encoded().size() == 6);
    CHECK(map.encoded().size() == bytes.size());
}

TEST_CASE("value: arrays of numbers are copied whole or not at all") {
    ValueWriter writer;
    writer.array(4).integer(1).number(2.5).number32(-3.0f).unsigned_integer(4);
    const Bytes bytes = writer.take();
    const Value array(bytes.span());
    double doubles[4];
    CHECK(array.numbers(doubles));
    CHECK(doubles[1] == 2.5);
    CHECK(doubles[2] == -3);
    float floats[4];
    CHECK(array.numbers(floats));
    CHECK(floats[3] == 4.0f);
    int64_t integers[4];
    CHECK_FALSE(array.integers(integers));  // 2.5
    CHECK_FALSE(array.numbers(std::span(doubles).first(3)));
    const Bytes text = ValueWriter().array(1).text("1").take();
    CHECK_FALSE(Value(text.span()).numbers(std::span(doubles).first(1)));
    const Bytes huge = ValueWriter().array(1).number(1e300).take();
    CHECK(Value(huge.span()).numbers(std::span(doubles).first(1)));
    CHECK_FALSE(Value(huge.span()).numbers(std::span(floats).first(1)));
    CHECK_FALSE(Value().integers(std::span(integers).first(0)));  // nil is no empty array
}

TEST_CASE("value: params are a map and no bytes are an empty one") {
    CHECK(parse_params({})->count() == 0);
    CHECK(parse_params({})->is(ValueKind::kMap));
    CHECK(parse_params(raw({0x80}))->count() == 0);
    CHECK(parse_params(raw({0x93, 1, 2, 3})).error().text == "expected a map, found an array");
    CHECK(parse_params(raw({0x81})).error().status == Status::kParams);
}

TEST_CASE("writer: texts and bytes of every head size read back") {
    for (const size_t size : {0u, 1u, 31u, 32u, 255u, 256u, 65535u, 65536u, 200000u}) {
        CAPTURE(size);
        const std::string text(size, 'x');
        const Bytes texts = ValueWriter().text(text).take();
        CHECK(texts.size() == size + (size < 32 ? 1 : size < 256 ? 2 : size < 65536 ? 3 : 5));
        CHECK(parse_value(texts.span(), kParamsScan)->text() == text);
        const std::span<const uint8_t> data(reinterpret_cast<const uint8_t*>(text.data()), size);
        const Bytes binary = ValueWriter().bytes(data).take();
        CHECK(binary.size() == size + (size < 256 ? 2 : size < 65536 ? 3 : 5));
        const Value value = parse_value(binary.span(), kParamsScan).value();
        CHECK(value.bytes()->size() == size);
    }
}

TEST_CASE("writer: containers of every head size read back") {
    for (const uint32_t count : {0u, 15u, 16u, 65535u, 65536u}) {
        CAPTURE(count);
        ValueWriter writer(1);  // grows from the smallest buffer
        writer.array(count);
        for (uint32_t i = 0; i < count; ++i) writer.integer(i);
        const Bytes bytes = writer.take();
        int64_t expected = 0;
        for (const Value item : parse_value(bytes.span(), kParamsScan)->items()) {
            REQUIRE(item.integer() == expected++);
        }
        CHECK(expected == count);
    }
}

TEST_CASE("writer: is empty again after take and copies values byte for byte") {
    const std::vector<uint8_t> long_form = raw({0xcd, 0, 5});  // not the shortest form
    ValueWriter writer;
    writer.array(2).value(Value(long_form)).value(Value());
    CHECK(vector_of(writer.take()) == raw({0x92, 0xcd, 0, 5, 0xc0}));
    CHECK(vector_of(writer.text("again").take()) == raw({0xa5, 'a', 'g', 'a', 'i', 'n'}));
}

TEST_CASE("canonical: keys sorted by bytes and shortest forms and floats as they are") {
    const std::vector<uint8_t> input =
        raw({0xdf, 0,    0,    0,    4,    0xd9, 1,    'b',  0xd3,
             0,    0,    0,    0,    0,    0,    0,    7,     // b: 7 in 9 bytes
             0xa2, 0xc3, 0xa9, 0xca, 0x3f, 0x80, 0,    0,     // e acute: float32
             0xa2, 'a',  'a',  0xdc, 0,    1,    0xd0, 0xff,  // aa: [-1]
             0xa1, 'a',  0xc5, 0,    1,    9});               // a: bytes
    const Value value = parse_value(input, kParamsScan).value();
    CHECK(vector_of(canonical_value(value)) ==
          raw({0x84, 0xa1, 'a', 0xc4, 1,    9,    0xa2, 'a',  'a',  0x91, 0xff,
               0xa1, 'b',  7,   0xa2, 0xc3, 0xa9, 0xca, 0x3f, 0x80, 0,    0}));
}

TEST_CASE("canonical: is the same for every order of the keys and does not change when repeated") {
    Prng prng(test::seed());
    for (int round = 0; round < 500; ++round) {
        const Bytes value = test::random_map(prng, 4);
        const Bytes canonical = canonical_value(Value(value.span()));
        CHECK(scan_value(canonical.span(), kParamsScan).ok());
        CHECK(canonical.size() <= value.size());
        CHECK(canonical_value(Value(canonical.span())).text() == canonical.text());
        // The fields of the outermost map in another order, in longer heads.
        std::vector<Value::Fields::Field> fields;
        for (const auto field : Value(value.span()).fields()) fields.push_back(field);
        for (size_t i = fields.size(); i > 1; --i) std::swap(fields[i - 1], fields[prng.below(i)]);
        std::vector<uint8_t> shuffled = raw({0xdf, 0, 0, 0, static_cast<int>(fields.size())});
        for (const auto& [key, item] : fields) {
            shuffled.insert(shuffled.end(), key.encoded().begin(), key.encoded().end());
            shuffled.insert(shuffled.end(), item.encoded().begin(), item.encoded().end());
        }
        const Value again = parse_value(shuffled, kParamsScan).value();
        CHECK(canonical_value(again).text() == canonical.text());
    }
}
