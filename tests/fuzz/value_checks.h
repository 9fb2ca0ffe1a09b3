// What holds for every value that the scanner has accepted; shared by the targets of model.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/check.h"
#include "fuzz/memory_watch.h"
#include "model/params_reader.h"
#include "model/value.h"
#include "model/value_json.h"
#include "model/value_writer.h"

namespace p2c2r::test {

// Visits everything there is, and returns how many bytes it was.
inline size_t check_value(const Value& value) {
    size_t inside = 0;
    uint32_t count = 0;
    for (const Value item : value.items()) {
        inside += check_value(item);
        ++count;
    }
    for (const auto& [key, item] : value.fields()) {
        inside += check_value(key) + check_value(item);
        ++count;
    }
    P2C2R_CHECK(count == value.count());
    const auto encoded = value.encoded();
    P2C2R_CHECK(inside < encoded.size());
    const std::optional<double> number = value.number();
    const bool is_number = value.is(ValueKind::kInteger) || value.is(ValueKind::kFloat);
    P2C2R_CHECK(number.has_value() == is_number);
    if (const auto integer = value.integer()) {
        P2C2R_CHECK(static_cast<double>(*integer) == *number);
        P2C2R_CHECK(value.unsigned_integer().has_value() == (*integer >= 0));
    }
    P2C2R_CHECK(value.boolean().has_value() == value.is(ValueKind::kBool));
    P2C2R_CHECK(value.text().has_value() == value.is(ValueKind::kText));
    P2C2R_CHECK(value.bytes().has_value() == value.is(ValueKind::kBytes));
    std::vector<double> numbers(std::min<size_t>(value.count(), 64));
    (void)value.numbers(numbers);
    return encoded.size();
}

inline bool same(std::span<const uint8_t> a, std::span<const uint8_t> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// Printed, read and printed again, a value does not change any more (the first time float32 becomes
// float64 and large integers become texts).
inline void check_json(const Value& value) {
    const Result<std::string> first = value_to_json(value);
    if (!first) return;  // a field "$bytes", or keys that are no texts
    const Result<Bytes> back = json_to_value(*first);
    P2C2R_CHECK(back.ok());
    const Result<std::string> second = value_to_json(back->span());
    P2C2R_CHECK(second.ok());
    const Result<Bytes> again = json_to_value(*second);
    P2C2R_CHECK(again.ok() && same(again->span(), back->span()));
    P2C2R_CHECK(*value_to_json(again->span()) == *second);
}

}  // namespace p2c2r::test
