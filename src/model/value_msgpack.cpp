// The one place that includes msgpack-c. It writes: its packer chooses the shortest form of every
// integer and head. It does not read: its decoder makes 24 bytes of each element, be that a single
// byte in the input, and believes every count (see the scanner).
#include <msgpack/pack.h>

#include <algorithm>
#include <new>

#include "core/check.h"
#include "model/value_writer.h"

namespace p2c2r {

struct ValueSink {
    static int write(void* writer, const char* data, size_t size) {
        static_cast<ValueWriter*>(writer)->append(data, size);
        return 0;
    }
};

namespace {

msgpack_packer packer_of(ValueWriter* writer) {
    return {writer, &ValueSink::write};
}

}  // namespace

ValueWriter::ValueWriter(size_t capacity, const MemoryHook* hook)
    : first_capacity_(std::max<size_t>(capacity, 16)), hook_(hook) {}

void ValueWriter::reserve(size_t more) {
    if (buffer_.capacity() - size_ >= more) return;
    if (more > SIZE_MAX / 4 || size_ > SIZE_MAX / 4) throw std::bad_alloc();
    const size_t capacity = std::max({size_ + more, buffer_.capacity() * 2, first_capacity_});
    Buffer larger = Buffer::allocate(capacity, hook_);
    if (size_ > 0) std::memcpy(larger.data(), buffer_.data(), size_);
    buffer_ = std::move(larger);
}

void ValueWriter::append(const void* data, size_t size) {
    if (size == 0) return;
    reserve(size);
    std::memcpy(buffer_.data() + size_, data, size);
    size_ += size;
}

void ValueWriter::count_value(uint64_t announced) {
    P2C2R_CHECK(owed_ > 0);  // more values than the counts announced
    owed_ += announced - 1;
}

ValueWriter& ValueWriter::nil() {
    count_value(0);
    msgpack_packer packer = packer_of(this);
    msgpack_pack_nil(&packer);
    return *this;
}

ValueWriter& ValueWriter::boolean(bool value) {
    count_value(0);
    msgpack_packer packer = packer_of(this);
    value ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer);
    return *this;
}

ValueWriter& ValueWriter::integer(int64_t value) {
    count_value(0);
    msgpack_packer packer = packer_of(this);
    msgpack_pack_int64(&packer, value);
    return *this;
}

ValueWriter& ValueWriter::unsigned_integer(uint64_t value) {
    count_value(0);
    msgpack_packer packer = packer_of(this);
    msgpack_pack_uint64(&packer, value);
    return *this;
}

ValueWriter& ValueWriter::number(double value) {
    count_value(0);
    msgpack_packer packer = packer_of(this);
    msgpack_pack_double(&packer, value);
    return *this;
}

ValueWriter& ValueWriter::number32(float value) {
    count_value(0);
    msgpack_packer packer = packer_of(this);
    msgpack_pack_float(&packer, value);
    return *this;
}

ValueWriter& ValueWriter::text(std::string_view value) {
    count_value(0);
    P2C2R_CHECK(value.size() <= UINT32_MAX);
    reserve(value.size() + 5);  // so that a large one makes the buffer grow once
    msgpack_packer packer = packer_of(this);
    msgpack_pack_str(&packer, value.size());
    msgpack_pack_str_body(&packer, value.data(), value.size());
    return *this;
}

ValueWriter& ValueWriter::bytes(std::span<const uint8_t> value) {
    count_value(0);
    P2C2R_CHECK(value.size() <= UINT32_MAX);
    reserve(value.size() + 5);
    msgpack_packer packer = packer_of(this);
    msgpack_pack_bin(&packer, value.size());
    msgpack_pack_bin_body(&packer, value.data(), value.size());
    return *this;
}

ValueWriter& ValueWriter::array(uint32_t count) {
    count_value(count);
    msgpack_packer packer = packer_of(this);
    msgpack_pack_array(&packer, count);
    return *this;
}

ValueWriter& ValueWriter::map(uint32_t count) {
    count_value(uint64_t{count} * 2);
    msgpack_packer packer = packer_of(this);
    msgpack_pack_map(&packer, count);
    return *this;
}

ValueWriter& ValueWriter::value(const Value& value) {
    count_value(0);
    const std::span<const uint8_t> encoded = value.encoded();
    append(encoded.data(), encoded.size());
    return *this;
}

Bytes ValueWriter::take() {
    P2C2R_CHECK(owed_ == 0);  // fewer values than the counts announced
    owed_ = 1;
    return std::move(buffer_).freeze(std::exchange(size_, 0));
}

}  // namespace p2c2r
