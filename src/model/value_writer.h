// Writes MessagePack values, each integer, text and header in its shortest form.
//
//   ValueWriter writer;
//   writer.map(2).key("algorithm_used").text("lanczos").key("passes").integer(2);
//   job.output.info = writer.take();
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/bytes.h"
#include "core/status.h"
#include "model/value.h"

namespace p2c2r {

// Counts are given first, as the format wants it; take() checks that all that was announced came.
// Throws std::bad_alloc when memory is short. NaN and infinities are refused by every reader: do
// not write them.
class ValueWriter {
  public:
    // `capacity` is a guess that saves growing; `hook` is where the memory comes from.
    explicit ValueWriter(size_t capacity = 256, const MemoryHook* hook = nullptr);

    ValueWriter& nil();
    ValueWriter& boolean(bool value);
    ValueWriter& integer(int64_t value);
    ValueWriter& unsigned_integer(uint64_t value);
    ValueWriter& number(double value);          // float64
    ValueWriter& number32(float value);         // float32
    ValueWriter& text(std::string_view value);  // MUST be UTF-8
    ValueWriter& bytes(std::span<const uint8_t> value);
    ValueWriter& array(uint32_t count);  // then `count` values
    ValueWriter& map(uint32_t count);    // then `count` times a key and a value
    ValueWriter& key(std::string_view name) { return text(name); }
    // A copy of a value that lies elsewhere, byte for byte.
    ValueWriter& value(const Value& value);

    [[nodiscard]] size_t size() const { return size_; }
    // The one value that was written; the writer is empty afterwards.
    [[nodiscard]] Bytes take();

  private:
    friend struct ValueSink;
    void reserve(size_t more);
    void append(const void* data, size_t size);
    void count_value(uint64_t announced);

    Buffer buffer_;
    size_t size_ = 0;
    uint64_t owed_ = 1;  // values announced and not written yet
    size_t first_capacity_;
    const MemoryHook* hook_;
};

// The one form of a value that digests are made over: keys sorted by their bytes, shortest integers
// and texts; floats keep their width.
[[nodiscard]] Bytes canonical_value(const Value& value);

}  // namespace p2c2r
