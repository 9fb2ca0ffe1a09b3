#include <algorithm>
#include <bit>
#include <vector>

#include "model/value_head.h"
#include "model/value_writer.h"

namespace p2c2r {

namespace {

// Keys are sorted by their places, four bytes a field, and only where they do not ascend already.
// Recursion is as deep as the scanner let the value be.
class Canonical {
  public:
    Canonical(const Value& value, std::span<const uint8_t> encoded)
        : start_(encoded.data()), size_(encoded.size()), writer_(encoded.size()) {
        write(value);
    }
    Bytes take() { return writer_.take(); }

  private:
    void write(const Value& value) {
        switch (value.kind()) {
            case ValueKind::kNil:
            case ValueKind::kBool:
            case ValueKind::kFloat:
                writer_.value(value);
                break;
            case ValueKind::kInteger:
                write_integer(value);
                break;
            case ValueKind::kText:
                writer_.text(*value.text());
                break;
            case ValueKind::kBytes:
                writer_.bytes(*value.bytes());
                break;
            case ValueKind::kArray:
                writer_.array(value.count());
                for (const Value item : value.items()) write(item);
                break;
            case ValueKind::kMap:
                write_map(value);
                break;
        }
    }

    void write_integer(const Value& value) {
        if (const auto integer = value.integer()) {
            writer_.integer(*integer);
        } else {
            writer_.unsigned_integer(*value.unsigned_integer());
        }
    }

    void write_map(const Value& map) {
        writer_.map(map.count());
        if (ascends(map)) {
            for (const auto& [key, value] : map.fields()) {
                write(key);
                write(value);
            }
            return;
        }
        std::vector<uint32_t> keys;
        keys.reserve(map.count());
        for (const auto& [key, value] : map.fields()) {
            keys.push_back(static_cast<uint32_t>(key.rest().data() - start_));
        }
        std::sort(keys.begin(), keys.end(), [this](uint32_t a, uint32_t b) {
            return detail::compare_keys(start_ + a, start_ + b) < 0;
        });
        const uint8_t* const end = start_ + size_;
        for (const uint32_t key : keys) {
            write(Value({start_ + key, end}));
            write(Value({detail::value_end(start_ + key, end), end}));
        }
    }

    bool ascends(const Value& map) const {
        const uint8_t* previous = nullptr;
        for (const auto& [key, value] : map.fields()) {
            const uint8_t* const current = key.rest().data();
            if (previous && detail::compare_keys(previous, current) > 0) return false;
            previous = current;
        }
        return true;
    }

    const uint8_t* const start_;
    const size_t size_;
    ValueWriter writer_;
};

}  // namespace

Bytes canonical_value(const Value& value) {
    return Canonical(value, value.encoded()).take();
}

}  // namespace p2c2r
