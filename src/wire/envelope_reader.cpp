#include "wire/envelope_reader.h"

#include <bit>
#include <cmath>

namespace p2c2r::wire {

namespace {

// Fixed sizes, so that each becomes one load and a swap.
template <size_t kSize>
uint64_t load_big_endian(const uint8_t* from) {
    uint64_t value = 0;
    for (size_t i = 0; i < kSize; ++i) value = value << 8 | from[i];
    return value;
}

}  // namespace

bool EnvelopeReader::read_big_endian(size_t size, uint64_t& value) {
    if (left() < size) return false;
    switch (size) {
        case 1:
            value = *at_;
            break;
        case 2:
            value = load_big_endian<2>(at_);
            break;
        case 4:
            value = load_big_endian<4>(at_);
            break;
        default:
            value = load_big_endian<8>(at_);
            break;
    }
    at_ += size;
    return true;
}

bool EnvelopeReader::read_unsigned_long(uint64_t& value) {
    const size_t size = left();
    const uint8_t form = size > 0 ? *at_ : 0;
    if (form == 0xce && size >= 5) {
        value = load_big_endian<4>(at_ + 1);
        at_ += 5;
        return true;
    }
    if (form == 0xcd && size >= 3) {
        value = load_big_endian<2>(at_ + 1);
        at_ += 3;
        return true;
    }
    if (form == 0xcc && size >= 2) {
        value = at_[1];
        at_ += 2;
        return true;
    }
    if (form == 0xcf && size >= 9) {
        value = load_big_endian<8>(at_ + 1);
        at_ += 9;
        return true;
    }
    int64_t number;
    if (!read_signed(number) || number < 0) return false;
    value = static_cast<uint64_t>(number);
    return true;
}

bool EnvelopeReader::read_signed(int64_t& value) {
    if (at_ == end_) return false;
    const uint8_t form = *at_;
    if (form < 0x80 || form >= 0xe0) {
        value = static_cast<int8_t>(form);
        ++at_;
        return true;
    }
    uint64_t bits;
    if (form >= 0xcc && form <= 0xcf) {
        ++at_;
        if (!read_big_endian(size_t{1} << (form - 0xcc), bits)) return false;
        value = static_cast<int64_t>(bits);
        return value >= 0;
    }
    if (form >= 0xd0 && form <= 0xd3) {
        ++at_;
        const size_t size = size_t{1} << (form - 0xd0);
        if (!read_big_endian(size, bits)) return false;
        const int unused = static_cast<int>(64 - 8 * size);
        value = static_cast<int64_t>(bits << unused) >> unused;
        return true;
    }
    // Libraries without 64-bit integers write large ones as floats.
    double number;
    if (!read_number(number) || std::trunc(number) != number || std::fabs(number) > 0x1p53) {
        return false;
    }
    value = static_cast<int64_t>(number);
    return true;
}

bool EnvelopeReader::read_status(Status& status) {
    int64_t number;
    if (!read_signed(number) || number > 0 || number < std::numeric_limits<int32_t>::min()) {
        return false;
    }
    status = is_known_status(static_cast<int32_t>(number)) ? static_cast<Status>(number)
                                                           : Status::kInternal;
    return true;
}

bool EnvelopeReader::read_number(double& value) {
    if (at_ == end_) return false;
    uint64_t bits;
    if (*at_ == 0xca) {
        ++at_;
        if (!read_big_endian(4, bits)) return false;
        value = std::bit_cast<float>(static_cast<uint32_t>(bits));
        return std::isfinite(value);
    }
    if (*at_ == 0xcb) {
        ++at_;
        if (!read_big_endian(8, bits)) return false;
        value = std::bit_cast<double>(bits);
        return std::isfinite(value);
    }
    if (*at_ == 0xcf) {
        ++at_;
        if (!read_big_endian(8, bits)) return false;
        value = static_cast<double>(bits);
        return true;
    }
    // Every other form that read_signed() knows is an integer, so the two never call each other
    // more than once.
    int64_t number;
    const bool is_integer = *at_ < 0x80 || *at_ >= 0xe0 || (*at_ >= 0xcc && *at_ <= 0xd3);
    if (!is_integer || !read_signed(number)) return false;
    value = static_cast<double>(number);
    return true;
}

bool EnvelopeReader::read_text_header(size_t& size) {
    if (at_ == end_) return false;
    const uint8_t form = *at_;
    if (form < 0xd9 || form > 0xdb) return false;
    ++at_;
    uint64_t wide;
    if (!read_big_endian(size_t{1} << (form - 0xd9), wide)) return false;
    size = static_cast<size_t>(wide);
    return true;
}

bool EnvelopeReader::read_binary_header(size_t& size) {
    if (at_ == end_) return false;
    const uint8_t form = *at_;
    if (form < 0xc4 || form > 0xc6) return false;
    ++at_;
    uint64_t wide;
    if (!read_big_endian(size_t{1} << (form - 0xc4), wide)) return false;
    size = static_cast<size_t>(wide);
    return true;
}

bool EnvelopeReader::read_binary(std::string_view& bytes, size_t size_max) {
    size_t size;
    if (!read_binary_header(size) || size > size_max || size > left()) return false;
    bytes = {reinterpret_cast<const char*>(at_), size};
    at_ += size;
    return true;
}

bool EnvelopeReader::read_array_header(uint32_t& count) {
    if (at_ == end_) return false;
    const uint8_t form = *at_;
    uint64_t wide = form & 0x0f;
    if ((form & 0xf0) == 0x90) {
        ++at_;
    } else if (form == 0xdc || form == 0xdd) {
        ++at_;
        if (!read_big_endian(form == 0xdc ? 2 : 4, wide)) return false;
    } else {
        return false;
    }
    count = static_cast<uint32_t>(wide);
    return wide <= limits::kEnvelopeArrayMax;
}

bool EnvelopeReader::read_map_header_long(uint32_t& count) {
    if (at_ == end_ || (*at_ != 0xde && *at_ != 0xdf)) return false;
    uint64_t wide;
    const size_t size = *at_++ == 0xde ? 2 : 4;
    if (!read_big_endian(size, wide)) return false;
    count = static_cast<uint32_t>(wide);
    return wide <= limits::kEnvelopeMapMax;
}

bool EnvelopeReader::skip_bytes(uint64_t size) {
    if (size > left()) return false;
    at_ += size;
    return true;
}

// Recursion ends at the depth limit, and every value takes at least one byte: the work is bounded
// by the size of the envelope.
bool EnvelopeReader::skip_value(int depth) {
    if (at_ == end_) return false;
    const uint8_t form = *at_;
    if (form < 0x80 || form >= 0xe0 || form == 0xc0 || form == 0xc2 || form == 0xc3) {
        ++at_;
        return true;
    }
    uint32_t count;
    if ((form & 0xf0) == 0x90 || form == 0xdc || form == 0xdd) {
        if (depth > limits::kEnvelopeDepthMax || !read_array_header(count)) return false;
        for (; count > 0; --count) {
            if (!skip_value(depth + 1)) return false;
        }
        return true;
    }
    if ((form & 0xf0) == 0x80 || form == 0xde || form == 0xdf) {
        if (depth > limits::kEnvelopeDepthMax || !read_map_header(count)) return false;
        for (; count > 0; --count) {
            if (!skip_value(depth + 1) || !skip_value(depth + 1)) return false;
        }
        return true;
    }
    size_t size;
    if ((form & 0xe0) == 0xa0) return skip_bytes(1u + (form & 0x1f));
    if (form >= 0xd9 && form <= 0xdb) return read_text_header(size) && skip_bytes(size);
    if (form >= 0xc4 && form <= 0xc6) return read_binary_header(size) && skip_bytes(size);
    if (form >= 0xcc && form <= 0xcf) return skip_bytes(1u + (1u << (form - 0xcc)));
    if (form >= 0xd0 && form <= 0xd3) return skip_bytes(1u + (1u << (form - 0xd0)));
    if (form == 0xca) return skip_bytes(5);
    if (form == 0xcb) return skip_bytes(9);
    return false;  // extension types, and 0xc1, which MessagePack never uses
}

}  // namespace p2c2r::wire
