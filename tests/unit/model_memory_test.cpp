// What reading costs in memory, whatever the input claims: at most 4 bytes for each byte received,
// and 64 KiB.
#include <doctest/doctest.h>

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "model/params_reader.h"
#include "model/value_json.h"
#include "model/value_writer.h"
#include "model_random_value.h"
#include "support/heap_count.h"
#include "support/seed.h"

using namespace p2c2r;

namespace {

using Raw = std::vector<uint8_t>;

// Everything a peer or gamer does with bytes from outside.
void read_all(std::span<const uint8_t> bytes) {
    const Result<Value> value = parse_value(bytes, kParamsScan);
    if (value) {
        const Bytes canonical = canonical_value(*value);
        CHECK(canonical.size() <= bytes.size());
    }
    ParamsReader reader(bytes);
    reader.integer("width", 1, 100, 1);
    (void)reader.finish().ok();
}

int64_t peak_of(const std::function<void()>& work) {
    const test::HeapWatch watch;
    work();
    return watch.peak();
}

void check_amplification(const std::string& what, std::span<const uint8_t> bytes) {
    const int64_t peak = peak_of([&] { read_all(bytes); });
    CHECK_MESSAGE(peak <= static_cast<int64_t>(bytes.size()) * 4 + 64 * 1024,
                  what << ": " << bytes.size() << " bytes cost " << peak);
}

bool counted() {
    if (!test::heap_is_counted) std::printf("skipped: memory is not counted under a sanitizer\n");
    return test::heap_is_counted;
}

// A whole megabyte of the same bytes behind a head that announces `count` of them.
Raw repeated(std::initializer_list<int> head, std::initializer_list<int> item, size_t count) {
    Raw bytes;
    for (const int byte : head) bytes.push_back(static_cast<uint8_t>(byte));
    for (size_t i = 0; i < count; ++i) {
        for (const int byte : item) bytes.push_back(static_cast<uint8_t>(byte));
    }
    return bytes;
}

Raw array_of(std::initializer_list<int> item, size_t count) {
    return repeated({0xdd, static_cast<int>(count >> 24), static_cast<int>(count >> 16 & 255),
                     static_cast<int>(count >> 8 & 255), static_cast<int>(count & 255)},
                    item, count);
}

// A map of the shortest keys there are, in descending order.
Raw descending_map(uint32_t fields) {
    Raw bytes;
    for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<uint8_t>(fields >> shift));
    bytes.insert(bytes.begin(), 0xdf);
    for (uint32_t i = fields; i-- > 0;) {
        const uint8_t size = i < 128 ? 1 : i < 16384 ? 2 : 3;
        bytes.push_back(0xa0 | size);
        for (int part = size - 1; part >= 0; --part) {
            bytes.push_back(static_cast<uint8_t>(i >> (7 * part) & 127));
        }
        bytes.push_back(0xc0);
    }
    return bytes;
}

}  // namespace

TEST_CASE("memory: the five bytes dd ff 00 00 00 cost less than 1 KiB") {
    if (!counted()) return;
    const uint8_t bytes[] = {0xdd, 0xff, 0x00, 0x00, 0x00};
    CHECK(peak_of([&] { CHECK_FALSE(scan_value(bytes, kEnvelopeScan)); }) < 1024);
    CHECK(peak_of([&] { CHECK_FALSE(parse_params(bytes)); }) < 1024);
    CHECK(peak_of([&] { CHECK_FALSE(value_to_json(bytes)); }) < 1024);
}

TEST_CASE("memory: a good value of any shape is scanned without the heap") {
    if (!counted()) return;
    Prng prng(test::seed());
    for (int round = 0; round < 200; ++round) {
        const Bytes value = test::random_map(prng, 5);
        const test::HeapWatch watch;
        const bool good = scan_value(value.span(), kParamsScan).ok();
        const uint64_t allocations = watch.allocations();
        CHECK(good);
        CHECK(allocations == 0);
    }
}

TEST_CASE("memory: values made to be costly stay within 4 bytes a byte and 64 KiB") {
    if (!counted()) return;
    constexpr size_t kMany = 1 << 20;
    check_amplification("small integers", array_of({0x01}, kMany));
    check_amplification("nils", array_of({0xc0}, kMany));
    check_amplification("empty arrays", array_of({0x90}, kMany));
    check_amplification("empty maps", array_of({0x80}, kMany));
    check_amplification("empty texts", array_of({0xa0}, kMany));
    check_amplification("small maps", array_of({0x81, 0xa0, 0xc0}, kMany / 3));
    check_amplification("unsorted small maps",
                        array_of({0x82, 0xa1, 'b', 0xc0, 0xa1, 'a', 0xc0}, kMany / 7));
    for (const uint32_t fields : {33u, 128u, 129u, 1000u, 16384u, 300000u, 1000000u}) {
        check_amplification("keys that descend", descending_map(fields));
    }
    check_amplification("heads of array16 in each other", repeated({}, {0xdc, 0xff, 0xff}, 31));
    check_amplification("heads of array32 in each other",
                        repeated({}, {0xdd, 0, 0, 0x40, 0}, kMany / 5));
    check_amplification("heads of map32 in each other",
                        repeated({}, {0xdf, 0, 0, 0x40, 0, 0xa1, 'k'}, kMany / 7));
    check_amplification("cut", repeated({0xdd, 0x10, 0, 0, 0}, {0x01}, kMany));
    // Large maps inside each other: all their keys are held at once in the second walk.
    Raw nested = descending_map(1000);
    for (int level = 0; level < 14; ++level) {
        Raw outer = descending_map(1000);
        outer.pop_back();  // the nil of the last field
        outer.insert(outer.end(), nested.begin(), nested.end());
        nested = std::move(outer);
    }
    REQUIRE(scan_value(nested, kParamsScan).ok());
    check_amplification("large maps in each other", nested);
}

TEST_CASE("memory: random and damaged bytes stay within 4 bytes a byte and 64 KiB") {
    if (!counted()) return;
    Prng prng(test::seed());
    for (int round = 0; round < 3000; ++round) {
        const Bytes value = test::random_map(prng, 6);
        Raw bytes(value.data(), value.data() + value.size());
        for (uint64_t changes = prng.below(4); changes > 0; --changes) {
            bytes[prng.below(bytes.size())] = static_cast<uint8_t>(prng.next());
        }
        check_amplification("damaged", bytes);
        for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(prng.next());
        check_amplification("random", bytes);
    }
}

TEST_CASE("memory: JSON of any shape stays within 12 bytes a byte and 64 KiB") {
    if (!counted()) return;
    // More than for MessagePack: the JSON library keeps each word twice, and several times again in
    // what it says about a bad one. JSON comes from the host or its user and not from strangers.
    const auto check = [](const std::string& what, const std::string& json) {
        const int64_t peak = peak_of([&] { (void)json_to_value(json).ok(); });
        CHECK_MESSAGE(peak <= static_cast<int64_t>(json.size()) * 12 + 64 * 1024,
                      what << ": " << json.size() << " bytes cost " << peak);
    };
    const auto list = [](const std::string& item, size_t count) {
        std::string json = "[";
        for (size_t i = 0; i < count; ++i) json += (i ? "," : "") + item;
        return json + "]";
    };
    check("arrays", list("[]", 300000));
    check("objects", list("{}", 300000));
    check("numbers", list("1", 500000));
    check("floats", list("1e1", 300000));
    check("texts", list("\"\"", 300000));
    check("deep", std::string(1000000, '['));
    check("one text", "\"" + std::string(1050000, 'x') + "\"");
    check("escapes", list("\"\\u0001\"", 100000));
    check("bytes", R"({"$bytes":")" + std::string(1050000, 'A') + "\"}");
    check("not JSON", std::string(1050000, 'x'));
    check("a long number", std::string(1050000, '7'));
}
