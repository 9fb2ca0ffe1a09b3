// Values: the MessagePack of params and results, read where it lies.
//
// A Value is a cursor over bytes that the scanner has accepted: no tree is built, so reading costs
// no memory whatever a stranger sends. Five bytes can claim four thousand million elements, and
// decoders that trust such a count ask for gigabytes; here a count is believed only as far as there
// are bytes behind it.
//
//   parse_value()   scan + Value: the one door for bytes that came from outside
//   Value           kind, scalars, items of an array, fields of a map
//   value_writer.h  the other direction, and the canonical form
//   params_reader.h named fields of a task's params with types, ranges and defaults
//   value_json.h    the same values as JSON
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include "core/status.h"
#include "core/stop_looks.h"
#include "model/task.h"

namespace p2c2r {

// ---- scanner ------------------------------------------------------------------------------------

struct ScanLimits {
    enum class Keys : uint8_t { kTexts, kIntegers };  // what keys of maps must be
    enum class Trailing : uint8_t { kRefused, kAllowed };

    uint64_t size_max = limits::kPayloadSizeMax;         // bytes of the value
    uint64_t elements_max = limits::kParamsElementsMax;  // values of all levels, keys included
    uint32_t depth_max = limits::kParamsDepthMax;        // containers inside each other
    uint32_t map_max = UINT32_MAX;                       // fields of one map
    uint32_t array_max = UINT32_MAX;                     // items of one array
    Keys keys = Keys::kTexts;
    Trailing trailing = Trailing::kRefused;  // bytes behind the value
};

// Params and results of tasks.
inline constexpr ScanLimits kParamsScan{};
// Envelopes of messages.
inline constexpr ScanLimits kEnvelopeScan{
    limits::kEnvelopeSizeMax,      limits::kEnvelopeSizeMax,  limits::kEnvelopeDepthMax,
    limits::kEnvelopeMapMax,       limits::kEnvelopeArrayMax, ScanLimits::Keys::kIntegers,
    ScanLimits::Trailing::kRefused};

struct ScanReport {
    size_t size = 0;        // bytes of the value
    uint64_t elements = 0;  // as ScanLimits counts them
    uint32_t depth = 0;     // 0 for a scalar
};

// Walks one MessagePack value without decoding it. Refused, with what and at which offset: values
// that are cut, too deep or too many, counts above what the remaining bytes can hold, extension
// types, keys of another kind or given twice, NaN and infinities, text that is not UTF-8. Status:
// kLimit for limits, else kParams; where keys are texts the error's field is the place of what is
// wrong inside the value ("objects[3].radius"), or "" for all of it. Memory: none, but for 8 bytes
// a field where a map of more than 128 fields does not list them in ascending order. With `looks`
// kCancelled when they said so; a single text, and sorting the keys of a large map, are not left
// half way.
Result<ScanReport> scan_value(std::span<const uint8_t> bytes, const ScanLimits& limits,
                              StopLooks* looks = nullptr);

// ---- Value --------------------------------------------------------------------------------------

enum class ValueKind : uint8_t { kNil, kBool, kInteger, kFloat, kText, kBytes, kArray, kMap };

// "nil", "a boolean", "an integer", ... for error texts.
const char* value_kind_name(ValueKind kind);

// One value inside scanned bytes, which MUST outlive it. Two pointers; copy it freely.
class Value {
  public:
    class Items;
    class Fields;

    Value() = default;  // nil
    // `bytes` MUST begin with a value that scan_value() accepted.
    explicit Value(std::span<const uint8_t> bytes)
        : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    [[nodiscard]] ValueKind kind() const;
    [[nodiscard]] bool is(ValueKind kind) const { return this->kind() == kind; }

    // ---- scalars: nothing when the value is of another kind or does not fit
    [[nodiscard]] std::optional<bool> boolean() const;
    // Integers, and floats that are whole numbers.
    [[nodiscard]] std::optional<int64_t> integer() const;
    [[nodiscard]] std::optional<uint64_t> unsigned_integer() const;
    // Floats and integers.
    [[nodiscard]] std::optional<double> number() const;
    [[nodiscard]] bool is_float32() const;
    [[nodiscard]] std::optional<std::string_view> text() const;
    [[nodiscard]] std::optional<std::span<const uint8_t>> bytes() const;

    // ---- containers
    // Items of an array, fields of a map, 0 for scalars.
    [[nodiscard]] uint32_t count() const;
    // for (Value item : value.items()); empty when this is no array.
    [[nodiscard]] Items items() const;
    // for (auto [key, item] : value.fields()); empty when this is no map. `key` is a Value too.
    [[nodiscard]] Fields fields() const;
    // The field of a map with text keys. Walks the map: whoever reads several fields of a map that
    // may be large uses ParamsReader, which walks it once.
    [[nodiscard]] std::optional<Value> find(std::string_view key) const;
    // An array of exactly out.size() numbers (or integers), copied; false otherwise.
    [[nodiscard]] bool numbers(std::span<float> out) const;
    [[nodiscard]] bool numbers(std::span<double> out) const;
    [[nodiscard]] bool integers(std::span<int64_t> out) const;

    // The bytes of this value alone. Walks it.
    [[nodiscard]] std::span<const uint8_t> encoded() const;
    // The same and whatever scanned bytes follow it. Free.
    [[nodiscard]] std::span<const uint8_t> rest() const { return {at_, end_}; }

  private:
    // Where the first item or key of this container begins, and how many items or fields it has.
    const uint8_t* inside(uint32_t& count) const;

    static constexpr uint8_t kNilByte = 0xc0;
    const uint8_t* at_ = &kNilByte;
    const uint8_t* end_ = &kNilByte + 1;  // of the scanned bytes, not of this value
};

namespace detail {
// Where the scanned value at `at` ends.
const uint8_t* value_end(const uint8_t* at, const uint8_t* end);
// The same; NULL when `looks` said to stop.
const uint8_t* value_end(const uint8_t* at, const uint8_t* end, StopLooks& looks);
}  // namespace detail

class Value::Items {
  public:
    class Iterator {
      public:
        using value_type = Value;
        using difference_type = ptrdiff_t;
        Iterator() = default;
        Iterator(const uint8_t* at, const uint8_t* end, uint32_t left)
            : at_(at), end_(end), left_(left) {}
        Value operator*() const { return Value({at_, end_}); }
        Iterator& operator++() {
            at_ = detail::value_end(at_, end_);
            --left_;
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(std::default_sentinel_t) const { return left_ == 0; }

      private:
        const uint8_t* at_ = nullptr;
        const uint8_t* end_ = nullptr;
        uint32_t left_ = 0;
    };

    Items(const uint8_t* at, const uint8_t* end, uint32_t count)
        : at_(at), end_(end), count_(count) {}
    [[nodiscard]] Iterator begin() const { return {at_, end_, count_}; }
    [[nodiscard]] std::default_sentinel_t end() const { return {}; }
    [[nodiscard]] uint32_t size() const { return count_; }

  private:
    const uint8_t* at_;
    const uint8_t* end_;
    uint32_t count_;
};

class Value::Fields {
  public:
    struct Field {
        Value key;
        Value value;
    };
    class Iterator {
      public:
        using value_type = Field;
        using difference_type = ptrdiff_t;
        Iterator() = default;
        Iterator(const uint8_t* at, const uint8_t* end, uint32_t left)
            : key_(at), end_(end), left_(left) {
            find_value();
        }
        Field operator*() const { return {Value({key_, end_}), Value({value_, end_})}; }
        Iterator& operator++() {
            key_ = detail::value_end(value_, end_);
            --left_;
            find_value();
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(std::default_sentinel_t) const { return left_ == 0; }

      private:
        void find_value() {
            if (left_ > 0) value_ = detail::value_end(key_, end_);
        }
        const uint8_t* key_ = nullptr;
        const uint8_t* value_ = nullptr;
        const uint8_t* end_ = nullptr;
        uint32_t left_ = 0;
    };

    Fields(const uint8_t* at, const uint8_t* end, uint32_t count)
        : at_(at), end_(end), count_(count) {}
    [[nodiscard]] Iterator begin() const { return {at_, end_, count_}; }
    [[nodiscard]] std::default_sentinel_t end() const { return {}; }
    [[nodiscard]] uint32_t size() const { return count_; }

  private:
    const uint8_t* at_;
    const uint8_t* end_;
    uint32_t count_;
};

// Scans `bytes` and reads them. The bytes MUST outlive the Value.
Result<Value> parse_value(std::span<const uint8_t> bytes, const ScanLimits& limits,
                          StopLooks* looks = nullptr);
// Params or a map result: a map with text keys; no bytes at all are an empty map.
Result<Value> parse_params(std::span<const uint8_t> bytes, StopLooks* looks = nullptr);

}  // namespace p2c2r
