// Reads an envelope field by field: bounded, without allocation, never past the end. Every read
// says false on a wrong type or on a cut value, and the caller then names the field.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>

#include "model/task.h"
#include "wire/text.h"

namespace p2c2r::wire {

class EnvelopeReader {
  public:
    explicit EnvelopeReader(std::span<const uint8_t> envelope)
        : at_(envelope.data()), end_(at_ + envelope.size()) {}

    // What is wrong with the envelope itself, after open(), next_key(), skip() or close() said
    // false.
    [[nodiscard]] const char* why() const { return why_; }

    // The map header; then `fields()` times next_key() and a read.
    bool open() {
        if (!read_map_header(fields_))
            return fail("the envelope is not a map of at most 64 fields");
        return true;
    }
    [[nodiscard]] bool more() const { return fields_ > 0; }
    // Field numbers are one byte, 0 to 127.
    bool next_key(uint8_t& key) {
        --fields_;
        if (at_ == end_) return fail("the envelope ends in the middle of a field");
        key = *at_;
        if (key > 0x7f) return fail("a field number of the envelope is not 0 to 127 in one byte");
        ++at_;
        uint64_t& seen = seen_[key >> 6];
        const uint64_t bit = 1ull << (key & 63);
        if (seen & bit) return fail("a field of the envelope is given twice");
        seen |= bit;
        return true;
    }
    // True once the field has been seen.
    [[nodiscard]] bool has(uint8_t key) const { return seen_[key >> 6] >> (key & 63) & 1; }
    // Skips the value of a field that is not known here.
    bool skip() {
        if (!skip_value(2)) {
            return fail("an unknown field of the envelope is malformed or nested too deeply");
        }
        return true;
    }
    bool close() {
        if (at_ != end_) return fail("bytes follow the last field of the envelope");
        return true;
    }

    bool read_unsigned(uint64_t& value) {
        if (at_ < end_ && *at_ < 0x80) [[likely]] {
            value = *at_++;
            return true;
        }
        return read_unsigned_long(value);
    }
    bool read_unsigned(uint32_t& value) {
        uint64_t wide;
        if (!read_unsigned(wide) || wide > std::numeric_limits<uint32_t>::max()) return false;
        value = static_cast<uint32_t>(wide);
        return true;
    }
    template <class Enum>
    bool read_enum(Enum& value, Enum last) {
        uint64_t wide;
        if (!read_unsigned(wide) || wide > static_cast<uint64_t>(last)) return false;
        value = static_cast<Enum>(wide);
        return true;
    }
    bool read_signed(int64_t& value);
    bool read_status(Status& status);  // OK or an error; an unknown error reads as kInternal
    bool read_bool(bool& value) {
        if (at_ == end_ || (*at_ != 0xc2 && *at_ != 0xc3)) return false;
        value = *at_++ == 0xc3;
        return true;
    }
    bool read_number(double& value);  // finite; integers too
    // Well-formed UTF-8 of at most `size_max` bytes.
    bool read_text(std::string_view& text, size_t size_max) {
        size_t size;
        if (at_ < end_ && (*at_ & 0xe0) == 0xa0) [[likely]] {
            size = *at_++ & 0x1f;
        } else if (!read_text_header(size)) {
            return false;
        }
        if (size > size_max || size > left()) return false;
        text = {reinterpret_cast<const char*>(at_), size};
        at_ += size;
        return is_text(text);
    }
    bool read_binary(std::string_view& bytes, size_t size_max);
    bool read_nonce(Nonce& nonce) {
        if (left() < 18 || at_[0] != 0xc4 || at_[1] != 16) return false;
        std::memcpy(nonce.data(), at_ + 2, 16);
        at_ += 18;
        return true;
    }
    bool read_array_header(uint32_t& count);  // at most kEnvelopeArrayMax
    bool read_map_header(uint32_t& count) {   // at most kEnvelopeMapMax
        if (at_ < end_ && (*at_ & 0xf0) == 0x80) [[likely]] {
            count = *at_++ & 0x0f;
            return true;
        }
        return read_map_header_long(count);
    }
    // Skips one value that lies `depth` levels deep (the envelope's own fields are at 2).
    bool skip_value(int depth);

  private:
    [[nodiscard]] size_t left() const { return static_cast<size_t>(end_ - at_); }
    bool fail(const char* why) {
        why_ = why;
        return false;
    }
    bool read_big_endian(size_t size, uint64_t& value);
    bool read_unsigned_long(uint64_t& value);
    bool read_text_header(size_t& size);
    bool read_binary_header(size_t& size);
    bool read_map_header_long(uint32_t& count);
    bool skip_bytes(uint64_t size);

    const uint8_t* at_;
    const uint8_t* const end_;
    uint32_t fields_ = 0;
    std::array<uint64_t, 2> seen_{};
    const char* why_ = nullptr;
};

}  // namespace p2c2r::wire
