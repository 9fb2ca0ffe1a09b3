// Writes an envelope: one map of at most 15 fields, keys ascending, integers in their shortest
// form. Room for all of it is taken once, so that a field costs a few stores.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "core/check.h"
#include "wire/codec.h"
#include "wire/text.h"

namespace p2c2r::wire {

class EnvelopeWriter {
  public:
    // `text_size` bytes of texts, binaries and arrays at most, besides plain numbers.
    EnvelopeWriter(EnvelopeBuffer& out, size_t text_size)
        : out_(out), start_(out.begin(kNumbersSizeMax + text_size)), at_(start_ + 1) {}
    EnvelopeWriter(const EnvelopeWriter&) = delete;
    EnvelopeWriter& operator=(const EnvelopeWriter&) = delete;

    void finish() {
        P2C2R_CHECK(fields_ <= 15);
        *start_ = static_cast<uint8_t>(0x80 | fields_);
        out_.end(at_);
    }

    void unsigned_field(uint8_t key, uint64_t value) {
        begin_field(key);
        write_unsigned(value);
    }
    void signed_field(uint8_t key, int32_t value) {
        begin_field(key);
        write_signed(value);
    }
    void bool_field(uint8_t key, bool value) {
        begin_field(key);
        *at_++ = value ? 0xc3 : 0xc2;
    }
    void float_field(uint8_t key, float value) {
        begin_field(key);
        write_float(value);
    }
    // At most `size_max` bytes of it, always well-formed: what is built here, any MessagePack
    // library can read, even where a host's own text was not UTF-8.
    void text_field(uint8_t key, std::string_view value, size_t size_max) {
        begin_field(key);
        write_text(value, size_max);
    }
    void binary_field(uint8_t key, std::span<const uint8_t> value) {
        begin_field(key);
        write_binary(value);
    }
    // The values follow through write_...
    void array_field(uint8_t key, size_t count) {
        begin_field(key);
        write_array_header(count);
    }
    // `count` pairs follow through write_...
    void map_field(uint8_t key, size_t count) {
        P2C2R_CHECK(count <= 15);
        begin_field(key);
        *at_++ = static_cast<uint8_t>(0x80 | count);
    }

    void write_unsigned(uint64_t value) {
        if (value < 0x80) {
            *at_++ = static_cast<uint8_t>(value);
        } else if (value < 0x100) {
            *at_++ = 0xcc;
            *at_++ = static_cast<uint8_t>(value);
        } else if (value < 0x10000) {
            *at_++ = 0xcd;
            write_big_endian(static_cast<uint16_t>(value));
        } else if (value < 0x100000000ull) {
            *at_++ = 0xce;
            write_big_endian(static_cast<uint32_t>(value));
        } else {
            *at_++ = 0xcf;
            write_big_endian(value);
        }
    }
    void write_signed(int32_t value) {
        if (value >= 0) return write_unsigned(static_cast<uint32_t>(value));
        if (value >= -32) {
            *at_++ = static_cast<uint8_t>(value);
        } else if (value >= -128) {
            *at_++ = 0xd0;
            *at_++ = static_cast<uint8_t>(value);
        } else if (value >= -32768) {
            *at_++ = 0xd1;
            write_big_endian(static_cast<uint16_t>(value));
        } else {
            *at_++ = 0xd2;
            write_big_endian(static_cast<uint32_t>(value));
        }
    }
    void write_float(float value) {
        *at_++ = 0xca;
        write_big_endian(std::bit_cast<uint32_t>(value));
    }
    // As an integer or float32 where that loses nothing.
    void write_number(double value);
    void write_bool(bool value) { *at_++ = value ? 0xc3 : 0xc2; }
    void write_array_header(size_t count) {
        P2C2R_CHECK(count <= 0xFFFF);
        if (count < 16) {
            *at_++ = static_cast<uint8_t>(0x90 | count);
        } else {
            *at_++ = 0xdc;
            write_big_endian(static_cast<uint16_t>(count));
        }
    }
    void write_text(std::string_view text, size_t size_max) {
        if (text.size() > size_max) text = cut_text(text, size_max);
        if (text.size() < 32) {
            *at_++ = static_cast<uint8_t>(0xa0 | text.size());
        } else if (text.size() < 0x100) {
            *at_++ = 0xd9;
            *at_++ = static_cast<uint8_t>(text.size());
        } else {
            *at_++ = 0xda;
            write_big_endian(static_cast<uint16_t>(text.size()));
        }
        if (is_text(text)) [[likely]] {
            copy(text.data(), text.size());
        } else {
            at_ += copy_as_text(at_, text);
        }
    }
    void write_binary(std::span<const uint8_t> value) {
        P2C2R_CHECK(value.size() <= 0xFFFF);
        if (value.size() < 0x100) {
            *at_++ = 0xc4;
            *at_++ = static_cast<uint8_t>(value.size());
        } else {
            *at_++ = 0xc5;
            write_big_endian(static_cast<uint16_t>(value.size()));
        }
        copy(value.data(), value.size());
    }

  private:
    // 15 fields of a key and at most 9 bytes, and headers of texts and arrays.
    static constexpr size_t kNumbersSizeMax = 200;

    void begin_field(uint8_t key) {
        *at_++ = key;
        ++fields_;
    }
    template <class T>
    void write_big_endian(T value) {
        if constexpr (std::endian::native == std::endian::little) {
            if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
            if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
            if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
        }
        std::memcpy(at_, &value, sizeof value);
        at_ += sizeof value;
    }
    void copy(const void* from, size_t size) {
        copy_run(at_, from, size);
        at_ += size;
    }

    EnvelopeBuffer& out_;
    uint8_t* const start_;
    uint8_t* at_;
    uint32_t fields_ = 0;
};

}  // namespace p2c2r::wire
