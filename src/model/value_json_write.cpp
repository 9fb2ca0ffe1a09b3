// Values as JSON text.
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include "model/base64.h"
#include "model/value_json.h"

namespace p2c2r {

namespace {

// Up to here every integer is a float64 too, which is what most readers of JSON make of a number.
constexpr int64_t kExactMax = int64_t{1} << 53;

// Recursion is as deep as the scanner let the value be.
class Writer {
  public:
    bool write(const Value& value) {
        switch (value.kind()) {
            case ValueKind::kNil:
                text_ += "null";
                return true;
            case ValueKind::kBool:
                text_ += *value.boolean() ? "true" : "false";
                return true;
            case ValueKind::kInteger:
                write_integer(value);
                return true;
            case ValueKind::kFloat:
                write_float(value);
                return true;
            case ValueKind::kText:
                write_text(*value.text());
                return true;
            case ValueKind::kBytes:
                write_bytes(*value.bytes());
                return true;
            case ValueKind::kArray:
                return write_array(value);
            case ValueKind::kMap:
                return write_map(value);
        }
        return false;
    }

    std::string text_;
    Error error_;

  private:
    template <class T>
    void append_integer(T number) {
        char digits[24];
        text_.append(digits, std::to_chars(digits, std::end(digits), number).ptr);
    }

    void write_integer(const Value& value) {
        const std::optional<int64_t> small = value.integer();
        const bool exact = small && *small >= -kExactMax && *small <= kExactMax;
        if (!exact) text_ += '"';
        if (small) {
            append_integer(*small);
        } else {
            append_integer(*value.unsigned_integer());
        }
        if (!exact) text_ += '"';
    }

    // The fewest digits that read back at the value's own width, and always a point or an exponent,
    // so that it stays a float.
    void write_float(const Value& value) {
        const double number = *value.number();
        if (value.is_float32()) {
            append_float(static_cast<float>(number));
        } else {
            append_float(number);
        }
    }
    template <class T>
    void append_float(T number) {
        // Above the last gapless integer the plain form would print digits that say nothing.
        constexpr T kGapless = static_cast<T>(uint64_t{1} << std::numeric_limits<T>::digits);
        char digits[40];
        const char* const end =
            std::fabs(number) > kGapless
                ? std::to_chars(digits, std::end(digits), number, std::chars_format::scientific).ptr
                : std::to_chars(digits, std::end(digits), number).ptr;
        const std::string_view text(digits, static_cast<size_t>(end - digits));
        text_ += text;
        if (text.find_first_of(".e") == std::string_view::npos) text_ += ".0";
    }

    void write_text(std::string_view text) {
        static constexpr char kDigits[] = "0123456789abcdef";
        text_ += '"';
        for (size_t start = 0; start < text.size();) {
            size_t end = start;
            while (end < text.size() && static_cast<uint8_t>(text[end]) >= 0x20 &&
                   text[end] != '"' && text[end] != '\\') {
                ++end;
            }
            text_ += text.substr(start, end - start);
            if (end == text.size()) break;
            const char letter = text[end];
            switch (letter) {
                case '"':
                    text_ += "\\\"";
                    break;
                case '\\':
                    text_ += "\\\\";
                    break;
                case '\n':
                    text_ += "\\n";
                    break;
                case '\r':
                    text_ += "\\r";
                    break;
                case '\t':
                    text_ += "\\t";
                    break;
                default:
                    text_ += "\\u00";
                    text_ += kDigits[letter >> 4];
                    text_ += kDigits[letter & 15];
            }
            start = end + 1;
        }
        text_ += '"';
    }

    void write_bytes(std::span<const uint8_t> bytes) {
        text_ += "{\"$bytes\":\"";
        append_base64(text_, bytes);
        text_ += "\"}";
    }

    bool write_array(const Value& array) {
        char separator = '[';
        for (const Value item : array.items()) {
            text_ += std::exchange(separator, ',');
            if (!write(item)) return false;
        }
        if (separator == '[') text_ += '[';
        text_ += ']';
        return true;
    }

    bool write_map(const Value& map) {
        char separator = '{';
        for (const auto& [key, value] : map.fields()) {
            const std::optional<std::string_view> name = key.text();
            if (!name) {
                error_ = make_error(Status::kUnsupported, "a key that is not a text has no JSON");
                return false;
            }
            // It would read back as something else.
            if (*name == "$bytes") {
                error_ = make_error(Status::kUnsupported,
                                    "a field named $bytes stands for bytes in JSON, so a map that "
                                    "has one has no JSON");
                return false;
            }
            text_ += std::exchange(separator, ',');
            write_text(*name);
            text_ += ':';
            if (!write(value)) return false;
        }
        if (separator == '{') text_ += '{';
        text_ += '}';
        return true;
    }
};

}  // namespace

Result<std::string> value_to_json(const Value& value) {
    Writer writer;
    if (!writer.write(value)) return std::move(writer.error_);
    return std::move(writer.text_);
}

Result<std::string> value_to_json(std::span<const uint8_t> bytes) {
    if (bytes.empty()) return std::string("{}");
    const Result<Value> value = parse_value(bytes, kParamsScan);
    if (!value) return value.error();
    return value_to_json(*value);
}

}  // namespace p2c2r
