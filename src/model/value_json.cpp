// JSON text to MessagePack, and the one place that includes the JSON library.
//
// MessagePack wants the count of a container before its contents and JSON tells it afterwards, so
// the text is read twice: the first time counts (four bytes a container, and the exact size of the
// answer), the second time writes. No tree is built, and whatever the text claims, memory stays a
// small multiple of its size.
#include "model/value_json.h"

#include <deque>
#include <nlohmann/json.hpp>

#include "core/check.h"
#include "model/base64.h"
#include "model/value_writer.h"

namespace p2c2r {

namespace {

constexpr std::string_view kBytesKey = "$bytes";
// Stands in place of the count of an object that is {"$bytes": "..."}.
constexpr uint32_t kIsBytes = UINT32_MAX;

// How many bytes MessagePack takes for it.
size_t integer_size(uint64_t value) {
    return value < 0x80 ? 1 : value <= 0xff ? 2 : value <= 0xffff ? 3 : value <= 0xffffffff ? 5 : 9;
}
size_t negative_size(int64_t value) {
    return value >= -32 ? 1 : value >= -128 ? 2 : value >= -32768 ? 3 : value >= INT32_MIN ? 5 : 9;
}
size_t text_head_size(size_t size) {
    return size < 32 ? 1 : size <= 0xff ? 2 : size <= 0xffff ? 3 : 5;
}
size_t bytes_head_size(size_t size) {
    return size <= 0xff ? 2 : size <= 0xffff ? 3 : 5;
}
size_t container_head_size(uint32_t count) {
    return count < 16 ? 1 : count <= 0xffff ? 3 : 5;
}

// What both readings have in common: the calls of the JSON library, which ask for true to go on.
class Reading {
  public:
    using number_integer_t = nlohmann::json::number_integer_t;
    using number_unsigned_t = nlohmann::json::number_unsigned_t;
    using number_float_t = nlohmann::json::number_float_t;
    using string_t = nlohmann::json::string_t;
    using binary_t = nlohmann::json::binary_t;

    [[nodiscard]] Error& error() { return error_; }

    bool binary(binary_t&) { return fail(Status::kInternal, "a kind that JSON text has not"); }
    bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& why) {
        // 406: the number is beyond float64. Everything else is grammar.
        return fail(Status::kParams,
                    (why.id == 406 ? "a number beyond float64 at byte " : "not JSON at byte ") +
                        std::to_string(position));
    }

  protected:
    bool fail(Status status, std::string text) {
        error_ = make_error(status, "JSON: " + std::move(text));
        return false;
    }

  private:
    Error error_;
};

class Counting : public Reading {
  public:
    explicit Counting(const ScanLimits& limits) : limits_(limits) {}

    [[nodiscard]] std::deque<uint32_t>& counts() { return counts_; }
    [[nodiscard]] size_t size() const { return size_; }

    bool null() { return add(1); }
    bool boolean(bool) { return add(1); }
    bool number_integer(int64_t value) {
        return add(value < 0 ? negative_size(value) : integer_size(static_cast<uint64_t>(value)));
    }
    bool number_unsigned(uint64_t value) { return add(integer_size(value)); }
    bool number_float(double, const std::string& text) {
        if (text.find_first_of(".eE") == std::string::npos) {
            return fail(Status::kParams,
                        "the integer " + text.substr(0, 40) + " is beyond 64 bits");
        }
        return add(9);
    }
    bool string(const std::string& text) {
        if (!open_.empty() && counts_[open_.back()] == kIsBytes) {
            const std::optional<size_t> size = base64_decoded_size(text);
            if (!size) return fail(Status::kParams, "$bytes is not base64");
            after_bytes_ = true;
            return add(bytes_head_size(*size) + *size);
        }
        return add(text_head_size(text.size()) + text.size());
    }
    bool start_object(size_t) { return open(); }
    bool start_array(size_t) { return open(); }
    bool key(const std::string& name) {
        uint32_t& count = counts_[open_.back()];
        if (count == kIsBytes || (name == kBytesKey && count > 0)) {
            return fail(Status::kParams, "an object with $bytes has other keys too");
        }
        if (name == kBytesKey) {
            count = kIsBytes;
            --elements_;  // the value takes the object's place
            return true;
        }
        return add(text_head_size(name.size()) + name.size(), true);
    }
    bool end_object() { return close(); }
    bool end_array() { return close(); }

  private:
    bool add(size_t size, bool is_key = false) {
        if (!is_key && !open_.empty()) {
            uint32_t& count = counts_[open_.back()];
            if (count == kIsBytes) {
                if (!std::exchange(after_bytes_, false)) {
                    return fail(Status::kParams, "$bytes is not a text");
                }
            } else {
                ++count;
            }
        }
        size_ += size;
        if (size_ > limits_.size_max) {
            return fail(Status::kLimit, "the value is longer than the limit of " +
                                            std::to_string(limits_.size_max) + " bytes");
        }
        if (++elements_ > limits_.elements_max) {
            return fail(Status::kLimit, "the value has more than " +
                                            std::to_string(limits_.elements_max) + " elements");
        }
        return true;
    }
    bool open() {
        if (!add(0)) return false;
        // One more than allowed, since an object may turn out to be bytes; the scan sees the rest.
        if (open_.size() > limits_.depth_max) {
            return fail(Status::kLimit,
                        "nested more than " + std::to_string(limits_.depth_max) + " deep");
        }
        open_.push_back(counts_.size());
        counts_.push_back(0);
        return true;
    }
    bool close() {
        const uint32_t count = counts_[open_.back()];
        if (count != kIsBytes) size_ += container_head_size(count);
        open_.pop_back();
        return true;
    }

    const ScanLimits& limits_;
    std::deque<uint32_t> counts_;  // by container, in the order they open; grows without copying
    std::vector<size_t> open_;     // their places in counts_
    uint64_t elements_ = 0;
    uint64_t size_ = 0;
    bool after_bytes_ = false;
};

class Writing : public Reading {
  public:
    explicit Writing(Counting& counting) : counts_(counting.counts()), writer_(counting.size()) {}

    [[nodiscard]] Bytes take() { return writer_.take(); }

    bool null() { return true_of(writer_.nil()); }
    bool boolean(bool value) { return true_of(writer_.boolean(value)); }
    bool number_integer(int64_t value) { return true_of(writer_.integer(value)); }
    bool number_unsigned(uint64_t value) { return true_of(writer_.unsigned_integer(value)); }
    bool number_float(double value, const std::string&) { return true_of(writer_.number(value)); }
    bool string(const std::string& text) {
        if (!is_bytes_) return true_of(writer_.text(text));
        const Bytes bytes = base64_decode(text);
        return true_of(writer_.bytes(bytes.span()));
    }
    bool start_object(size_t) {
        const uint32_t count = next_count();
        is_bytes_ = count == kIsBytes;
        if (!is_bytes_) writer_.map(count);
        return true;
    }
    bool start_array(size_t) { return true_of(writer_.array(next_count())); }
    bool key(const std::string& name) {
        if (!is_bytes_) writer_.text(name);
        return true;
    }
    bool end_object() {
        is_bytes_ = false;
        return true;
    }
    bool end_array() { return true; }

  private:
    static bool true_of(ValueWriter&) { return true; }
    uint32_t next_count() { return counts_[next_++]; }

    const std::deque<uint32_t>& counts_;
    ValueWriter writer_;
    size_t next_ = 0;
    bool is_bytes_ = false;  // inside an object that is bytes
};

template <class Sax>
bool read(std::string_view json, Sax& sax) {
    return nlohmann::json::sax_parse(json.data(), json.data() + json.size(), &sax);
}

}  // namespace

Result<Bytes> json_to_value(std::string_view json, const ScanLimits& limits) {
    Counting counting(limits);
    if (!read(json, counting)) return std::move(counting.error());
    Writing writing(counting);
    if (!read(json, writing)) return std::move(writing.error());
    Bytes bytes = writing.take();
    // What only the whole shows: keys given twice, counts above the limits.
    if (Result<ScanReport> scanned = scan_value(bytes.span(), limits); !scanned) {
        Error error = std::move(scanned.error());
        // Its place is one in the answer, not in the text.
        error.text = "JSON: " + error.text.substr(0, error.text.rfind(" at byte "));
        return error;
    }
    return bytes;
}

}  // namespace p2c2r
