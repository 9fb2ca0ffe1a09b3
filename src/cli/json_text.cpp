#include "cli/json_text.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>
#include <vector>

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr size_t kShownMax = 40;  // of a word that is wrong

bool is_word(char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) || letter == '_' || letter == '.' ||
           letter == '+' || letter == '-';
}

// The word at which reading stopped: in its middle, behind it, or one character further.
std::string word_at(std::string_view text, size_t position) {
    size_t begin = std::min(position, text.size());
    if (begin > 0 && !is_word(text[begin - 1])) --begin;
    size_t end = begin;
    while (begin > 0 && is_word(text[begin - 1])) --begin;
    while (end < text.size() && is_word(text[end])) ++end;
    return std::string(text.substr(begin, end - begin));
}

// NaN and Infinity, as scripts write them. What is a number and was refused is too large for one.
bool is_not_finite(const std::string& word, int error_id) {
    constexpr int kNumberOverflow = 406;
    if (error_id == kNumberOverflow) return true;
    std::string name;
    for (const char letter : word) {
        if (name.empty() && (letter == '-' || letter == '+')) continue;
        name += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    }
    return name == "nan" || name == "inf" || name == "infinity";
}

// Builds the value and knows where it is.
class SaxReader final : public json::json_sax_t {
  public:
    SaxReader(const std::string& text, const std::string& name, size_t depth_max, JsonText& read)
        : text_(text), name_(name), depth_max_(depth_max), read_(read) {}

    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(int64_t value) override { return add(value); }
    bool number_unsigned(uint64_t value) override { return add(value); }
    bool number_float(double value, const std::string&) override { return add(value); }
    bool string(std::string& value) override { return add(std::move(value)); }
    bool binary(json::binary_t&) override { return false; }  // not in text

    bool start_object(size_t) override { return open(json::object()); }
    bool start_array(size_t) override { return open(json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(std::string& name) override {
        Level& level = levels_.back();
        level.key.clear();
        if (level.value->contains(name)) wrong(place() + " gives the key '" + name + "' twice");
        level.key = std::move(name);
        return true;
    }
    bool parse_error(size_t position, const std::string&, const json::exception& error) override {
        const std::string word = word_at(text_, position);
        const std::string shown = word.substr(0, kShownMax);
        if (is_not_finite(word, error.id)) {
            wrong(place() + ": " + shown + " is no finite number");
        } else if (position > text_.size() || text_.empty()) {
            wrong(place() + ": the JSON ends too early");
        } else {
            wrong(place() + ": no JSON at character " + std::to_string(position) +
                  (word.empty() ? "" : ", '" + shown + "'"));
        }
        return false;
    }

  private:
    struct Level {
        json* value;
        std::string key;  // of an object: whose value comes next
    };

    json* put(json value) {
        if (levels_.empty()) {
            read_.value = std::move(value);
            return &read_.value;
        }
        Level& level = levels_.back();
        if (level.value->is_array()) {
            level.value->push_back(std::move(value));
            return &level.value->back();
        }
        json& member = (*level.value)[level.key];
        member = std::move(value);
        return &member;
    }
    bool add(json value) {
        put(std::move(value));
        return true;
    }
    bool open(json value) {
        if (levels_.size() == depth_max_) {
            wrong(name_ + ": nested more than " + std::to_string(depth_max_) + " deep");
            return false;
        }
        levels_.push_back({put(std::move(value)), ""});
        return true;
    }
    bool close() {
        levels_.pop_back();
        return true;
    }

    // Of the value that comes next.
    [[nodiscard]] std::string place() const {
        std::string place = name_;
        for (size_t i = 0; i < levels_.size(); ++i) {
            const Level& level = levels_[i];
            if (level.value->is_array()) {
                // What is open is in it already.
                const size_t index = level.value->size() - (i + 1 < levels_.size() ? 1 : 0);
                place += "[" + std::to_string(index) + "]";
            } else if (!level.key.empty()) {
                place += "." + level.key;
            }
        }
        return place;
    }
    void wrong(std::string what) {
        if (read_.error.empty()) read_.error = std::move(what);
    }

    const std::string& text_;
    const std::string& name_;
    const size_t depth_max_;
    JsonText& read_;
    std::vector<Level> levels_;
};

}  // namespace

JsonText read_json(const std::string& text, const std::string& name, size_t depth_max) {
    JsonText read;
    SaxReader reader(text, name, depth_max, read);
    json::sax_parse(text, &reader);
    return read;
}

}  // namespace p2c2r::cli
