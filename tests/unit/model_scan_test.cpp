// The scanner against hand-made bytes, against limits, and against the decoder of msgpack-c as an
// independent reader.
#include <doctest/doctest.h>
#include <msgpack.h>

#include <bit>
#include <string>
#include <vector>

#include "model/value.h"
#include "model_random_value.h"
#include "support/seed.h"

using namespace p2c2r;

namespace {

using Raw = std::vector<uint8_t>;

Raw raw(std::initializer_list<int> list) {
    Raw bytes;
    for (const int byte : list) bytes.push_back(static_cast<uint8_t>(byte));
    return bytes;
}

std::string refusal(const Raw& bytes, const ScanLimits& limits = kParamsScan) {
    const Result<ScanReport> scanned = scan_value(bytes, limits);
    return scanned ? "accepted" : scanned.error().text;
}

// `depth` arrays inside each other with nil inside the last.
Raw nested(int depth) {
    Raw bytes(static_cast<size_t>(depth), 0x91);
    bytes.push_back(0xc0);
    return bytes;
}

// A map of `fields` keys of two letters in descending order, all nil.
Raw descending_map(uint32_t fields, int twice = -1) {
    Raw bytes = raw({0xde, static_cast<int>(fields >> 8), static_cast<int>(fields & 255)});
    for (uint32_t i = fields; i-- > 0;) {
        const uint32_t name = static_cast<int>(i) == twice ? i + 1 : i;
        bytes.insert(bytes.end(), {0xa2, static_cast<uint8_t>('A' + name / 64),
                                   static_cast<uint8_t>('0' + name % 64), 0xc0});
    }
    return bytes;
}

}  // namespace

TEST_CASE("scanner: accepts every form of every kind and reports size and elements and depth") {
    const struct {
        Raw bytes;
        uint64_t elements;
        uint32_t depth;
    } rows[] = {
        {raw({0xc0}), 1, 0},
        {raw({0xc3}), 1, 0},
        {raw({0x7f}), 1, 0},
        {raw({0xe0}), 1, 0},
        {raw({0xcc, 1}), 1, 0},
        {raw({0xcf, 1, 2, 3, 4, 5, 6, 7, 8}), 1, 0},
        {raw({0xd3, 0xff, 2, 3, 4, 5, 6, 7, 8}), 1, 0},
        {raw({0xca, 0x7f, 0x7f, 0xff, 0xff}), 1, 0},
        {raw({0xcb, 0x7f, 0xef, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), 1, 0},
        {raw({0xa0}), 1, 0},
        {raw({0xd9, 2, 'h', 'i'}), 1, 0},
        {raw({0xda, 0, 1, 'x'}), 1, 0},
        {raw({0xdb, 0, 0, 0, 1, 'x'}), 1, 0},
        {raw({0xc4, 2, 0xff, 0xfe}), 1, 0},
        {raw({0xc5, 0, 1, 0xff}), 1, 0},
        {raw({0xc6, 0, 0, 0, 0}), 1, 0},
        {raw({0x90}), 1, 1},
        {raw({0x80}), 1, 1},
        {raw({0xdc, 0, 2, 1, 2}), 3, 1},
        {raw({0xdd, 0, 0, 0, 1, 0x91, 0x80}), 3, 3},
        {raw({0xde, 0, 1, 0xa1, 'k', 0x05}), 3, 1},
        {raw({0xdf, 0, 0, 0, 1, 0xa1, 'k', 0x92, 1, 2}), 5, 2},
    };
    for (const auto& row : rows) {
        const Result<ScanReport> scanned = scan_value(row.bytes, kParamsScan);
        REQUIRE(scanned.ok());
        CHECK(scanned->size == row.bytes.size());
        CHECK(scanned->elements == row.elements);
        CHECK(scanned->depth == row.depth);
    }
}

TEST_CASE("scanner: refuses with what and where") {
    const struct {
        Raw bytes;
        const char* text;
    } rows[] = {
        {{}, "a value needs 1 bytes but only 0 remain at byte 0"},
        {raw({0xcd, 1}), "an integer needs 3 bytes but only 2 remain at byte 0"},
        {raw({0xcb, 0, 0, 0}), "a float needs 9 bytes but only 4 remain at byte 0"},
        {raw({0x91, 0xa5, 'a', 'b'}), "a text needs 6 bytes but only 3 remain at byte 1"},
        {raw({0xc6, 0xff, 0xff, 0xff, 0xff, 1}),
         "bytes needs 4294967300 bytes but only 6 remain at byte 0"},
        {raw({0xdd, 0xff, 0, 0, 0}),
         "an array of 4278190080 items does not fit into the 0 bytes that remain at byte 0"},
        {raw({0xdf, 0, 0, 0, 2, 0xa0, 0xc0, 0xa1}),
         "a map of 2 fields does not fit into the 3 bytes that remain at byte 0"},
        // Both arrays alone would fit; together they cannot.
        {raw({0x92, 0x93, 1, 2, 3}),
         "an array of 3 items does not fit into the 3 bytes that remain at byte 1"},
        {raw({0x92, 1, 0xd4, 1, 2}), "extension types are not accepted at byte 2"},
        {raw({0x91, 0xc7, 0, 1}), "extension types are not accepted at byte 1"},
        {raw({0xc1}), "0xc1 is not a value at byte 0"},
        {raw({0x91, 0xca, 0x7f, 0xc0, 0, 0}), "a float is not a number or infinite at byte 1"},
        {raw({0xca, 0xff, 0x80, 0, 0}), "a float is not a number or infinite at byte 0"},
        {raw({0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0}),
         "a float is not a number or infinite at byte 0"},
        {raw({0x91, 0xa2, 0xc3, 0x28}), "a text is not UTF-8 at byte 1"},
        {raw({0x81, 0xa1, 0xff, 0xc0}), "a text is not UTF-8 at byte 1"},
        {raw({0x81, 0x01, 0xc0}), "a key is an integer and not a text at byte 1"},
        {raw({0x82, 0xa1, 'a', 1, 0xa1, 'a', 2}), "the key 'a' is given twice at byte 4"},
        {raw({0x83, 0xa1, 'b', 1, 0xa1, 'a', 2, 0xd9, 1, 'b', 3}),
         "the key 'b' is given twice at byte 7"},
        {raw({0xc0, 0xc0}), "1 bytes follow the value at byte 1"},
        {raw({0x90, 1, 2, 3}), "3 bytes follow the value at byte 1"},
        {nested(17), "an array of 1 items is nested more than 16 deep at byte 16"},
    };
    for (const auto& row : rows) CHECK(refusal(row.bytes) == row.text);
    CHECK(refusal(nested(16)) == "accepted");
}

TEST_CASE("scanner: an error names the field or item it is about") {
    const auto place = [](const Raw& bytes, const ScanLimits& limits = kParamsScan) {
        const Result<ScanReport> scanned = scan_value(bytes, limits);
        return scanned ? "accepted" : scanned.error().field;
    };
    const Raw broken = raw({0xca, 0x7f, 0xc0, 0, 0});
    const auto then = [&](Raw start, const Raw& end) {
        start.insert(start.end(), end.begin(), end.end());
        return start;
    };
    CHECK(place(broken).empty());
    CHECK(place(then(raw({0x93, 1, 0x92, 1, 2}), broken)) == "[2]");
    CHECK(place(then(raw({0x81, 0xa1, 'a'}), broken)) == "a");
    // {"x": {}, "o": [{"p": 1}, {"q": [7], "r": [broken
    CHECK(place(then(raw({0x82, 0xa1, 'x', 0x80, 0xa1, 'o', 0x92, 0x81, 0xa1, 'p', 1, 0x82, 0xa1,
                          'q', 0x91, 7, 0xa1, 'r', 0x91}),
                     broken)) == "o[1].r[0]");
    // A key is no field yet: its map is named.
    CHECK(place(raw({0x81, 0xa1, 'a', 0x82, 0xa1, 'b', 1, 0xa1, 'b', 2})) == "a");
    CHECK(place(raw({0x81, 0xa1, 0xff, 1})).empty());
    CHECK(place(raw({0x90, 1})).empty());
    // A path for people: it ends before it becomes longer than 160 bytes.
    CHECK(place(nested(17)) == "[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]");
    Raw name = raw({0x81, 0xd9, 200});
    name.insert(name.end(), 200, 'n');
    CHECK(place(then(name, broken)).empty());
    // Keys of envelopes are numbers.
    CHECK(place(then(raw({0x81, 0x01}), broken), kEnvelopeScan).empty());
}

TEST_CASE("scanner: a limit is kLimit and everything else is kParams") {
    CHECK(scan_value(nested(17), kParamsScan).error().status == Status::kLimit);
    CHECK(scan_value(raw({0xc1}), kParamsScan).error().status == Status::kParams);
}

TEST_CASE("scanner: each limit lets its value through and refuses one more") {
    ScanLimits limits = kParamsScan;
    limits.array_max = 3;
    CHECK(refusal(raw({0x93, 1, 2, 3}), limits) == "accepted");
    CHECK(refusal(raw({0x94, 1, 2, 3, 4}), limits) ==
          "an array of 4 items exceeds the limit of 3 at byte 0");
    limits.map_max = 1;
    CHECK(refusal(raw({0x81, 0xa0, 1}), limits) == "accepted");
    CHECK(refusal(raw({0x82, 0xa0, 1, 0xa1, 'a', 2}), limits) ==
          "a map of 2 fields exceeds the limit of 1 at byte 0");
    limits.elements_max = 4;
    CHECK(refusal(raw({0x93, 1, 2, 3}), limits) == "accepted");
    CHECK(refusal(raw({0x93, 1, 2, 0x91, 3}), limits) ==
          "with an array of 1 items the value has more than 4 elements at byte 3");
    limits.size_max = 4;
    CHECK(refusal(raw({0xa3, 'a', 'b', 'c'}), limits) == "accepted");
    CHECK(refusal(raw({0xa4, 'a', 'b', 'c', 'd'}), limits) ==
          "the value is longer than the limit of 4 bytes");
    limits.trailing = ScanLimits::Trailing::kAllowed;
    CHECK(refusal(raw({0xa3, 'a', 'b', 'c', 0xc1, 0xc1}), limits) == "accepted");
    CHECK(scan_value(raw({0xa3, 'a', 'b', 'c', 0xc1, 0xc1}), limits)->size == 4);
    CHECK(refusal(raw({0xa4, 'a', 'b', 'c', 'd'}), limits) ==
          "the value is longer than the limit of 4 bytes");
}

TEST_CASE("scanner: envelopes have integer keys and their own limits") {
    CHECK(refusal(raw({0x82, 1, 0xc0, 2, 0xa1, 'x'}), kEnvelopeScan) == "accepted");
    CHECK(refusal(raw({0x81, 0xa1, 'x', 0xc0}), kEnvelopeScan) ==
          "a key is a text and not an integer at byte 1");
    // The same number in two forms is the same key, in ascending order or not.
    CHECK(refusal(raw({0x82, 1, 0xc0, 0xcc, 1, 0xc0}), kEnvelopeScan) ==
          "the key 1 is given twice at byte 3");
    CHECK(refusal(raw({0x83, 5, 0xc0, 1, 0xc0, 0xd1, 0, 5, 0xc0}), kEnvelopeScan) ==
          "the key 5 is given twice at byte 5");
    CHECK(refusal(raw({0x83, 5, 0xc0, 0xff, 0xc0, 0xd0, 0xff, 0xc0}), kEnvelopeScan) ==
          "the key -1 is given twice at byte 5");
    CHECK(refusal(raw({0x82, 0xcf, 255, 255, 255, 255, 255, 255, 255, 255, 0xc0, 0xff, 0xc0}),
                  kEnvelopeScan) == "accepted");
    CHECK(refusal(nested(8), kEnvelopeScan) == "accepted");
    CHECK(refusal(nested(9), kEnvelopeScan) ==
          "an array of 1 items is nested more than 8 deep at byte 8");
    Raw array = raw({0xdc, 0x10, 0x01});
    array.resize(3 + 4097, 0xc0);
    CHECK(refusal(array, kEnvelopeScan) ==
          "an array of 4097 items exceeds the limit of 4096 at byte 0");
    Raw map = raw({0xde, 0, 65});
    for (int i = 0; i < 65; ++i) map.insert(map.end(), {static_cast<uint8_t>(i), 0xc0});
    CHECK(refusal(map, kEnvelopeScan) == "a map of 65 fields exceeds the limit of 64 at byte 0");
}

TEST_CASE("scanner: keys given twice are found in maps of any size and order") {
    for (const uint32_t fields : {2u, 3u, 100u, 255u, 256u, 257u, 1000u, 4000u}) {
        CAPTURE(fields);
        CHECK(refusal(descending_map(fields)) == "accepted");
        for (const uint32_t twice : {0u, (fields - 2) / 2, fields - 2}) {
            const std::string text = refusal(descending_map(fields, static_cast<int>(twice)));
            CHECK(text.find("is given twice at byte") != std::string::npos);
        }
    }
    // The same key inside and outside is no repetition, whatever the order.
    CHECK(refusal(raw({0x82, 0xa1, 'b', 0x82, 0xa1, 'b', 1, 0xa1, 'a', 2, 0xa1, 'a', 0x81, 0xa1,
                       'b', 0xc0})) == "accepted");
    CHECK(refusal(raw({0x82, 0xa1, 'b', 0x83, 0xa1, 'b', 1, 0xa1, 'a', 2, 0xa1, 'b', 3, 0xa1, 'a',
                       0xc0})) == "the key 'b' is given twice at byte 10");
}

TEST_CASE("scanner: a long key is shortened in the error without cutting a character") {
    std::string key(63, 'k');
    key += "\u20ac and more";
    ValueWriter writer;
    writer.map(2).key(key).nil().key(key).nil();
    const Bytes bytes = writer.take();
    CHECK(scan_value(bytes.span(), kParamsScan).error().text ==
          "the key '" + std::string(63, 'k') + "...' is given twice at byte 79");
}

TEST_CASE("scanner: every cut of a good value is refused") {
    Prng prng(test::seed());
    for (int round = 0; round < 300; ++round) {
        const Bytes value = test::random_map(prng, 4);
        REQUIRE(scan_value(value.span(), kParamsScan).ok());
        for (size_t size = 0; size < value.size(); ++size) {
            // A copy of just that size, so that a read behind it shows under a sanitizer.
            const Raw cut(value.data(), value.data() + size);
            const Result<ScanReport> scanned = scan_value(cut, kParamsScan);
            REQUIRE_FALSE(scanned.ok());
        }
    }
}

namespace {

// What msgpack-c makes of bytes that the scanner let through must be what Value shows.
bool same(const Value& value, const msgpack_object& object) {
    switch (object.type) {
        case MSGPACK_OBJECT_NIL:
            return value.is(ValueKind::kNil);
        case MSGPACK_OBJECT_BOOLEAN:
            return value.boolean() == object.via.boolean;
        case MSGPACK_OBJECT_POSITIVE_INTEGER:
            return value.is(ValueKind::kInteger) && value.unsigned_integer() == object.via.u64;
        case MSGPACK_OBJECT_NEGATIVE_INTEGER:
            return value.is(ValueKind::kInteger) && value.integer() == object.via.i64 &&
                   !value.unsigned_integer();
        case MSGPACK_OBJECT_FLOAT32:
        case MSGPACK_OBJECT_FLOAT64:
            return value.is(ValueKind::kFloat) &&
                   value.is_float32() == (object.type == MSGPACK_OBJECT_FLOAT32) &&
                   std::bit_cast<uint64_t>(*value.number()) ==
                       std::bit_cast<uint64_t>(object.via.f64);
        case MSGPACK_OBJECT_STR:
            return value.text() == std::string_view(object.via.str.ptr, object.via.str.size);
        case MSGPACK_OBJECT_BIN: {
            const auto bytes = value.bytes();
            return bytes && bytes->size() == object.via.bin.size &&
                   (bytes->empty() ||
                    std::memcmp(bytes->data(), object.via.bin.ptr, bytes->size()) == 0);
        }
        case MSGPACK_OBJECT_ARRAY: {
            if (!value.is(ValueKind::kArray) || value.count() != object.via.array.size)
                return false;
            uint32_t index = 0;
            for (const Value item : value.items()) {
                if (!same(item, object.via.array.ptr[index++])) return false;
            }
            return true;
        }
        case MSGPACK_OBJECT_MAP: {
            if (!value.is(ValueKind::kMap) || value.count() != object.via.map.size) return false;
            uint32_t index = 0;
            for (const auto& [key, item] : value.fields()) {
                const msgpack_object_kv& pair = object.via.map.ptr[index++];
                if (!same(key, pair.key) || !same(item, pair.val)) return false;
            }
            return true;
        }
        default:
            return false;
    }
}

bool reference_agrees(std::span<const uint8_t> bytes) {
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    size_t offset = 0;
    const auto result = msgpack_unpack_next(&unpacked, reinterpret_cast<const char*>(bytes.data()),
                                            bytes.size(), &offset);
    const bool agrees = result == MSGPACK_UNPACK_SUCCESS && offset == bytes.size() &&
                        same(Value(bytes), unpacked.data);
    msgpack_unpacked_destroy(&unpacked);
    return agrees;
}

}  // namespace

TEST_CASE("scanner: what it accepts reads the same with msgpack-c") {
    Prng prng(test::seed());
    int accepted = 0;
    for (int round = 0; round < 3000; ++round) {
        const Bytes value = test::random_value(prng, 5);
        REQUIRE(scan_value(value.span(), kParamsScan).ok());
        REQUIRE(reference_agrees(value.span()));
        // Damaged: a few bytes changed, and whatever still passes must still agree.
        for (int damage = 0; damage < 8; ++damage) {
            Raw bytes(value.data(), value.data() + value.size());
            for (uint64_t changes = 1 + prng.below(3); changes > 0; --changes) {
                bytes[prng.below(bytes.size())] = static_cast<uint8_t>(prng.next());
            }
            if (!scan_value(bytes, kParamsScan)) continue;
            ++accepted;
            REQUIRE(reference_agrees(bytes));
        }
    }
    CHECK(accepted > 1000);
}
