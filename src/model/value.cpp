#include "model/value.h"

#include <bit>
#include <cmath>
#include <limits>

#include "core/check.h"
#include "model/value_head.h"

namespace p2c2r {

using detail::HeadForm;
using detail::kHeadForms;

namespace {

constexpr double kTwoTo63 = 0x1p63;
constexpr double kTwoTo64 = 0x1p64;

bool is_integer_head(uint8_t first) {
    return kHeadForms[first].kind == ValueKind::kInteger;
}

double read_float(const uint8_t* at) {
    return *at == 0xca ? static_cast<double>(std::bit_cast<float>(detail::read_u32(at + 1)))
                       : std::bit_cast<double>(detail::read_u64(at + 1));
}

// The number at `at`, which is left behind it. False for other kinds.
bool read_number(const uint8_t*& at, double& out) {
    const HeadForm form = kHeadForms[*at];
    if (form.kind == ValueKind::kFloat) {
        out = read_float(at);
    } else if (form.kind == ValueKind::kInteger) {
        const detail::IntegerBits value = detail::read_integer(at);
        out = value.negative ? static_cast<double>(static_cast<int64_t>(value.bits))
                             : static_cast<double>(value.bits);
    } else {
        return false;
    }
    at += form.size;
    return true;
}

bool read_int64(const uint8_t*& at, int64_t& out) {
    const HeadForm form = kHeadForms[*at];
    if (form.kind == ValueKind::kInteger) {
        const detail::IntegerBits value = detail::read_integer(at);
        out = static_cast<int64_t>(value.bits);
        if (!value.negative && out < 0) return false;  // above what an int64_t holds
    } else if (form.kind == ValueKind::kFloat) {
        const double value = read_float(at);
        // Written so that the comparison is false for NaN, though the scanner lets none through.
        if (!(value >= -kTwoTo63 && value < kTwoTo63) || value != std::trunc(value)) return false;
        out = static_cast<int64_t>(value);
    } else {
        return false;
    }
    at += form.size;
    return true;
}

}  // namespace

namespace {

// Walks over `owed` values and what is inside them, `turns` at most; `owed` is what is left.
const uint8_t* walk(const uint8_t* at, const uint8_t* end, uint64_t& owed, uint64_t turns) {
    using detail::head_length, detail::is_container, detail::values_inside;
    do {
        P2C2R_CHECK(at < end);
        const HeadForm form = kHeadForms[*at];
        if (form.kind >= ValueKind::kText) {
            const uint32_t length = head_length(at, form);
            if (is_container(form.kind)) {
                owed += values_inside(form.kind, length);
            } else {
                at += length;
            }
        }
        at += form.size;
    } while (--owed > 0 && --turns > 0);
    P2C2R_CHECK(at <= end);
    return at;
}

}  // namespace

const uint8_t* detail::value_end(const uint8_t* at, const uint8_t* end) {
    uint64_t owed = 1;
    return walk(at, end, owed, UINT64_MAX);
}

const uint8_t* detail::value_end(const uint8_t* at, const uint8_t* end, StopLooks& looks) {
    constexpr uint64_t kTurns = 16'384;
    constexpr uint64_t kNsPerTurn = 3;
    uint64_t owed = 1;
    for (;;) {
        at = walk(at, end, owed, kTurns);
        if (owed == 0) return at;
        if (looks.after(kTurns * kNsPerTurn)) return nullptr;
    }
}

const char* value_kind_name(ValueKind kind) {
    switch (kind) {
        case ValueKind::kNil:
            return "nil";
        case ValueKind::kBool:
            return "a boolean";
        case ValueKind::kInteger:
            return "an integer";
        case ValueKind::kFloat:
            return "a float";
        case ValueKind::kText:
            return "a text";
        case ValueKind::kBytes:
            return "bytes";
        case ValueKind::kArray:
            return "an array";
        case ValueKind::kMap:
            return "a map";
    }
    return "an unknown kind";
}

ValueKind Value::kind() const {
    return kHeadForms[*at_].kind;
}

std::optional<bool> Value::boolean() const {
    if (kind() != ValueKind::kBool) return std::nullopt;
    return *at_ == 0xc3;
}

std::optional<int64_t> Value::integer() const {
    const uint8_t* at = at_;
    int64_t value;
    if (!read_int64(at, value)) return std::nullopt;
    return value;
}

std::optional<uint64_t> Value::unsigned_integer() const {
    if (is_integer_head(*at_)) {
        const detail::IntegerBits value = detail::read_integer(at_);
        if (value.negative) return std::nullopt;
        return value.bits;
    }
    if (kind() != ValueKind::kFloat) return std::nullopt;
    const double value = read_float(at_);
    if (!(value >= 0 && value < kTwoTo64) || value != std::trunc(value)) return std::nullopt;
    return static_cast<uint64_t>(value);
}

std::optional<double> Value::number() const {
    const uint8_t* at = at_;
    double value;
    if (!read_number(at, value)) return std::nullopt;
    return value;
}

bool Value::is_float32() const {
    return *at_ == 0xca;
}

std::optional<std::string_view> Value::text() const {
    if (kind() != ValueKind::kText) return std::nullopt;
    return detail::read_text(at_);
}

std::optional<std::span<const uint8_t>> Value::bytes() const {
    if (kind() != ValueKind::kBytes) return std::nullopt;
    const HeadForm& form = kHeadForms[*at_];
    return std::span(at_ + form.size, detail::head_length(at_, form));
}

const uint8_t* Value::inside(uint32_t& count) const {
    const HeadForm& form = kHeadForms[*at_];
    count = detail::is_container(form.kind) ? detail::head_length(at_, form) : 0;
    return at_ + form.size;
}

uint32_t Value::count() const {
    uint32_t count;
    inside(count);
    return count;
}

Value::Items Value::items() const {
    uint32_t count;
    const uint8_t* first = inside(count);
    return {first, end_, is(ValueKind::kArray) ? count : 0};
}

Value::Fields Value::fields() const {
    uint32_t count;
    const uint8_t* first = inside(count);
    return {first, end_, is(ValueKind::kMap) ? count : 0};
}

std::optional<Value> Value::find(std::string_view key) const {
    for (const auto& [name, value] : fields()) {
        if (name.text() == key) return value;
    }
    return std::nullopt;
}

bool Value::numbers(std::span<double> out) const {
    uint32_t count;
    const uint8_t* at = inside(count);
    if (!is(ValueKind::kArray) || count != out.size()) return false;
    for (double& number : out) {
        if (!read_number(at, number)) return false;
    }
    return true;
}

bool Value::numbers(std::span<float> out) const {
    uint32_t count;
    const uint8_t* at = inside(count);
    if (!is(ValueKind::kArray) || count != out.size()) return false;
    for (float& number : out) {
        double wide;
        if (!read_number(at, wide)) return false;
        number = static_cast<float>(wide);
        if (!std::isfinite(number)) return false;  // too large for a float32
    }
    return true;
}

bool Value::integers(std::span<int64_t> out) const {
    uint32_t count;
    const uint8_t* at = inside(count);
    if (!is(ValueKind::kArray) || count != out.size()) return false;
    for (int64_t& integer : out) {
        if (!read_int64(at, integer)) return false;
    }
    return true;
}

std::span<const uint8_t> Value::encoded() const {
    return {at_, detail::value_end(at_, end_)};
}

Result<Value> parse_value(std::span<const uint8_t> bytes, const ScanLimits& limits,
                          StopLooks* looks) {
    const Result<ScanReport> scanned = scan_value(bytes, limits, looks);
    if (!scanned) return scanned.error();
    return Value(bytes.first(scanned->size));
}

Result<Value> parse_params(std::span<const uint8_t> bytes, StopLooks* looks) {
    static constexpr uint8_t kEmptyMap[] = {0x80};
    if (bytes.empty()) return Value(kEmptyMap);
    Result<Value> value = parse_value(bytes, kParamsScan, looks);
    if (value && !value->is(ValueKind::kMap)) {
        return make_error(Status::kParams,
                          std::string("expected a map, found ") + value_kind_name(value->kind()));
    }
    return value;
}

}  // namespace p2c2r
