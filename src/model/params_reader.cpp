#include "model/params_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <type_traits>
#include <utility>

#include "model/value_head.h"

namespace p2c2r {

namespace {

std::string number_text(double value) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    return {text, end};
}

std::string range_text(const std::string& low, const std::string& high) {
    return "allowed are " + low + " to " + high;
}

}  // namespace

ParamsReader::ParamsReader(std::span<const uint8_t> params, StopLooks* looks,
                           std::string_view whole)
    : root_(this), name_(whole), looks_(looks) {
    const Result<Value> map = parse_params(params, looks);
    if (map) {
        index_fields(*map);
        return;
    }
    error_ = true;
    first_error_ = map.error();
    if (first_error_.status == Status::kCancelled) return;
    if (first_error_.field.empty()) first_error_.field = whole;
    first_error_.text = first_error_.field + ": " + first_error_.text;
}

ParamsReader::ParamsReader(const Value& map, ParamsReader& parent, std::string_view name,
                           int64_t index)
    : root_(parent.root_), parent_(&parent), name_(name), index_(index) {
    if (map.is(ValueKind::kMap)) {
        index_fields(map);
    } else {
        fail("", std::string("is ") + value_kind_name(map.kind()) + ", expected a map");
    }
}

void ParamsReader::index_fields(const Value& map) {
    end_ = map.rest().data() + map.rest().size();
    if (map.count() > kFieldsMax) {
        fail("",
             "has " + std::to_string(map.count()) + " fields, the limit is " +
                 std::to_string(kFieldsMax),
             Status::kLimit);
        return;
    }
    const uint8_t* at = map.rest().data();
    at += detail::kHeadForms[*at].size;
    for (const uint32_t count = map.count(); count_ < count; ++count_) {
        const std::string_view name = detail::read_text(at);
        at += detail::kHeadForms[*at].size + name.size();
        const uint8_t* const value = at;
        at = end_of(at);
        if (!at) return;
        entries_[count_] = {name.data(), value, static_cast<uint32_t>(name.size()),
                            static_cast<uint32_t>(at - value)};
    }
}

const uint8_t* ParamsReader::end_of(const uint8_t* at) {
    if (!root_->looks_) return detail::value_end(at, end_);
    const uint8_t* const end = detail::value_end(at, end_, *root_->looks_);
    if (!end) cancel();
    return end;
}

void ParamsReader::cancel() {
    if (root_->error_) return;
    root_->error_ = true;
    root_->first_error_ = make_error(Status::kCancelled, "the task was cancelled");
}

const ParamsReader::Entry* ParamsReader::find(std::string_view name) const {
    for (uint32_t i = 0; i < count_; ++i) {
        if (std::string_view(entries_[i].key, entries_[i].key_size) == name) return &entries_[i];
    }
    return nullptr;
}

const ParamsReader::Entry* ParamsReader::take(std::string_view name, bool required) {
    const Entry* const entry = find(name);
    if (entry) {
        known_ |= 1ull << (entry - entries_);
    } else if (required && root_->error_) {
        return nullptr;
    } else if (const Entry* const near = required ? misspelt(name) : nullptr) {
        fail(name,
             "is required; is '" + std::string(near->key, near->key_size) + "' meant for it?");
    } else if (required) {
        fail(name, "is required");
    }
    return entry;
}

// The optimal string alignment of both is at most a third of the name: "min" is not "max".
const ParamsReader::Entry* ParamsReader::misspelt(std::string_view name) const {
    constexpr size_t kNameMost = 32;
    const size_t changes_max = name.size() / 3;
    if (name.size() > kNameMost) return nullptr;
    for (uint32_t i = 0; i < count_; ++i) {
        const std::string_view other(entries_[i].key, entries_[i].key_size);
        if ((known_ >> i & 1) || other.size() > name.size() + changes_max) continue;
        // Rows of the table: changes from the first letters of `other` to those of `name`.
        std::array<size_t, kNameMost + 1> before{};
        std::array<size_t, kNameMost + 1> last{};
        std::array<size_t, kNameMost + 1> row{};
        for (size_t at = 0; at <= name.size(); ++at) row[at] = at;
        for (size_t o = 1; o <= other.size(); ++o) {
            before = last;
            last = row;
            row[0] = o;
            for (size_t n = 1; n <= name.size(); ++n) {
                const bool same = other[o - 1] == name[n - 1];
                row[n] = std::min({last[n] + 1, row[n - 1] + 1, last[n - 1] + (same ? 0 : 1)});
                const bool turned =
                    o > 1 && n > 1 && other[o - 1] == name[n - 2] && other[o - 2] == name[n - 1];
                if (turned) row[n] = std::min(row[n], before[n - 2] + 1);
            }
        }
        if (row[name.size()] <= changes_max) return &entries_[i];
    }
    return nullptr;
}

std::string ParamsReader::path_of(std::string_view name) const {
    std::string path;
    if (parent_) {
        path = parent_->path_of(name_);
        if (index_ >= 0) path += "[" + std::to_string(index_) + "]";
        if (!name.empty()) path += ".";
    }
    path += name;
    return path;
}

void ParamsReader::fail(std::string_view name, std::string text, Status status) {
    if (root_->error_) return;
    root_->error_ = true;
    std::string path = path_of(name);
    if (path.empty()) path = root_->name_;
    text = path + " " + text;
    root_->first_error_ = field_error(status, std::move(path), std::move(text));
}

void ParamsReader::wrong_kind(std::string_view name, const char* expected, const Value& found) {
    fail(name, std::string("is ") + value_kind_name(found.kind()) + ", expected " + expected);
}

// ---- one field ----------------------------------------------------------------------------------

int64_t ParamsReader::integer(std::string_view name, int64_t low, int64_t high,
                              std::optional<int64_t> fallback) {
    const int64_t stand_in = fallback.value_or(low);
    const Entry* const entry = take(name, !fallback);
    if (!entry) return stand_in;
    const Value value = value_of(*entry);
    const std::optional<int64_t> integer = value.integer();
    if (integer && *integer >= low && *integer <= high) return *integer;
    const std::string allowed = range_text(std::to_string(low), std::to_string(high));
    if (integer) {
        fail(name, "is " + std::to_string(*integer) + ", " + allowed);
    } else if (const auto large = value.unsigned_integer()) {
        fail(name, "is " + std::to_string(*large) + ", " + allowed);
    } else if (const auto number = value.number()) {
        fail(name, "is " + number_text(*number) + ", expected an integer; " + allowed);
    } else {
        wrong_kind(name, "an integer", value);
    }
    return stand_in;
}

double ParamsReader::number(std::string_view name, double low, double high,
                            std::optional<double> fallback) {
    const double stand_in = fallback.value_or(low);
    const Entry* const entry = take(name, !fallback);
    if (!entry) return stand_in;
    const std::optional<double> number = value_of(*entry).number();
    if (number && *number >= low && *number <= high) return *number;
    if (number) {
        fail(name,
             "is " + number_text(*number) + ", " + range_text(number_text(low), number_text(high)));
    } else {
        wrong_kind(name, "a number", value_of(*entry));
    }
    return stand_in;
}

bool ParamsReader::boolean(std::string_view name, std::optional<bool> fallback) {
    const bool stand_in = fallback.value_or(false);
    const Entry* const entry = take(name, !fallback);
    if (!entry) return stand_in;
    const std::optional<bool> value = value_of(*entry).boolean();
    if (!value) wrong_kind(name, "a boolean", value_of(*entry));
    return value.value_or(stand_in);
}

std::string_view ParamsReader::text(std::string_view name, size_t size_max,
                                    std::optional<std::string_view> fallback) {
    const std::string_view stand_in = fallback.value_or(std::string_view());
    const Entry* const entry = take(name, !fallback);
    if (!entry) return stand_in;
    const std::optional<std::string_view> text = value_of(*entry).text();
    if (!text) {
        wrong_kind(name, "a text", value_of(*entry));
        return stand_in;
    }
    if (text->size() > size_max) {
        fail(name, "has " + std::to_string(text->size()) + " bytes, the limit is " +
                       std::to_string(size_max));
        return stand_in;
    }
    return *text;
}

std::string_view ParamsReader::choice(std::string_view name,
                                      std::initializer_list<std::string_view> choices,
                                      std::optional<std::string_view> fallback) {
    const std::string_view stand_in = fallback.value_or(std::string_view());
    const Entry* const entry = take(name, !fallback);
    if (!entry) return stand_in;
    const std::optional<std::string_view> text = value_of(*entry).text();
    for (const std::string_view choice : choices) {
        if (text == choice) return choice;
    }
    std::string allowed;
    for (const std::string_view choice : choices) {
        if (!allowed.empty()) allowed += ", ";
        allowed += choice;
    }
    if (!text) {
        wrong_kind(name, ("one of " + allowed).c_str(), value_of(*entry));
    } else if (text->size() > 64) {
        fail(name,
             "is a text of " + std::to_string(text->size()) + " bytes, allowed are " + allowed);
    } else {
        fail(name, "is '" + std::string(*text) + "', allowed are " + allowed);
    }
    return stand_in;
}

std::span<const uint8_t> ParamsReader::bytes(std::string_view name, size_t size_max,
                                             bool required) {
    const Entry* const entry = take(name, required);
    if (!entry) return {};
    const std::optional<std::span<const uint8_t>> bytes = value_of(*entry).bytes();
    if (!bytes) {
        wrong_kind(name, "bytes", value_of(*entry));
        return {};
    }
    if (bytes->size() > size_max) {
        fail(name, "has " + std::to_string(bytes->size()) + " bytes, the limit is " +
                       std::to_string(size_max));
        return {};
    }
    return *bytes;
}

// ---- arrays of numbers --------------------------------------------------------------------------

bool ParamsReader::integers(std::string_view name, std::span<int64_t> out, int64_t low,
                            int64_t high, bool required) {
    return read_array(name, out, low, high, required);
}

bool ParamsReader::numbers(std::string_view name, std::span<double> out, double low, double high,
                           bool required) {
    return read_array(name, out, low, high, required);
}

template <class T>
bool ParamsReader::read_array(std::string_view name, std::span<T> out, T low, T high,
                              bool required) {
    constexpr bool kIntegers = std::is_same_v<T, int64_t>;
    const auto read = [](const Value& item) {
        if constexpr (kIntegers) {
            return item.integer();
        } else {
            return item.number();
        }
    };
    const auto text_of = [](T number) {
        if constexpr (kIntegers) {
            return std::to_string(number);
        } else {
            return number_text(number);
        }
    };
    const auto expected = [&out] {
        return "an array of " + std::to_string(out.size()) + (kIntegers ? " integers" : " numbers");
    };
    const auto place = [name](size_t index) {
        return std::string(name) + "[" + std::to_string(index) + "]";
    };
    const Entry* const entry = take(name, required);
    if (!entry) return false;
    const Value value = value_of(*entry);
    if (!value.is(ValueKind::kArray)) {
        wrong_kind(name, expected().c_str(), value);
        return false;
    }
    if (value.count() != out.size()) {
        fail(name, "has " + std::to_string(value.count()) + " items, expected " + expected());
        return false;
    }
    size_t index = 0;
    for (const Value item : value.items()) {
        const std::optional<T> number = read(item);
        if (!number) {
            wrong_kind(place(index), kIntegers ? "an integer" : "a number", item);
            return false;
        }
        if (!(*number >= low && *number <= high)) {
            fail(place(index),
                 "is " + text_of(*number) + ", " + range_text(text_of(low), text_of(high)));
            return false;
        }
        out[index++] = *number;
    }
    return true;
}

// ---- parts that the caller walks itself ---------------------------------------------------------

std::optional<Value> ParamsReader::value(std::string_view name) {
    const Entry* const entry = take(name, false);
    if (!entry) return std::nullopt;
    return value_of(*entry);
}

std::span<const uint8_t> ParamsReader::encoded(std::string_view name) const {
    const Entry* const entry = find(name);
    if (!entry) return {};
    return {entry->value, entry->value_size};
}

std::optional<Value> ParamsReader::array(std::string_view name, uint32_t count_max, bool required) {
    const Entry* const entry = take(name, required);
    if (!entry) return std::nullopt;
    const Value value = value_of(*entry);
    if (!value.is(ValueKind::kArray)) {
        wrong_kind(name, "an array", value);
        return std::nullopt;
    }
    if (value.count() > count_max) {
        fail(name,
             "has " + std::to_string(value.count()) + " items, the limit is " +
                 std::to_string(count_max),
             Status::kLimit);
        return std::nullopt;
    }
    return value;
}

std::optional<Value> ParamsReader::map(std::string_view name, bool required) {
    const Entry* const entry = take(name, required);
    if (!entry) return std::nullopt;
    const Value value = value_of(*entry);
    if (!value.is(ValueKind::kMap)) {
        wrong_kind(name, "a map", value);
        return std::nullopt;
    }
    return value;
}

ParamsReader::Maps ParamsReader::maps(std::string_view name, uint32_t count_max, bool required) {
    const std::optional<Value> list = array(name, count_max, required);
    return {this, name, list ? list->items() : Value::Items(nullptr, nullptr, 0)};
}

// ---- the end ------------------------------------------------------------------------------------

void ParamsReader::done() {
    for (uint32_t i = 0; i < count_; ++i) {
        if (known_ >> i & 1) continue;
        const std::string_view name(entries_[i].key, entries_[i].key_size);
        if (name.size() <= 64) {
            fail(name, "is not a parameter here");
        } else {
            fail("", "has a field with a name of " + std::to_string(name.size()) +
                         " bytes, which is not a parameter here");
        }
        return;
    }
}

Result<Done> ParamsReader::finish() {
    done();
    if (root_->error_) return root_->first_error_;
    return Done{};
}

}  // namespace p2c2r
