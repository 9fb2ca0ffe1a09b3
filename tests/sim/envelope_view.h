// Reads single fields out of an envelope: a reader of the checkers' own, so that the codec under
// test does not judge itself. Only whole, well-formed envelopes are looked at; of anything else
// every field is "not there".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace p2c2r::sim {

class EnvelopeView {
  public:
    explicit EnvelopeView(std::span<const uint8_t> envelope) : bytes_(envelope) { index(); }

    [[nodiscard]] bool has(uint8_t key) const { return key < kKeys && at_[key] != 0; }
    [[nodiscard]] std::optional<int64_t> number(uint8_t key) const {
        if (!has(key)) return std::nullopt;
        size_t at = at_[key];
        int64_t value = 0;
        if (!read_number(at, value)) return std::nullopt;
        return value;
    }
    // Of str and bin.
    [[nodiscard]] std::span<const uint8_t> bytes(uint8_t key) const {
        if (!has(key)) return {};
        size_t at = at_[key];
        size_t size = 0;
        if (!read_head(at, size)) return {};
        return bytes_.subspan(at, size);
    }
    // The sum of an array of two numbers.
    [[nodiscard]] std::optional<int64_t> sum_of_pair(uint8_t key) const {
        if (!has(key) || bytes_[at_[key]] != 0x92) return std::nullopt;
        size_t at = at_[key] + 1;
        int64_t first = 0;
        int64_t second = 0;
        if (!read_number(at, first) || !read_number(at, second)) return std::nullopt;
        return first + second;
    }
    // Of an array of numbers.
    [[nodiscard]] std::vector<uint64_t> numbers(uint8_t key) const {
        std::vector<uint64_t> all;
        if (!has(key)) return all;
        size_t at = at_[key];
        const uint8_t head = bytes_[at++];
        size_t count = head & 0x0f;
        if (head == 0xdc && there(at, 2)) {
            count = static_cast<size_t>(big_endian(at, 2));
            at += 2;
        } else if ((head & 0xf0) != 0x90) {
            return all;
        }
        for (int64_t value = 0; count > 0 && read_number(at, value); --count) {
            all.push_back(static_cast<uint64_t>(value));
        }
        return all;
    }
    [[nodiscard]] bool truth(uint8_t key) const { return has(key) && bytes_[at_[key]] == 0xc3; }

  private:
    static constexpr size_t kKeys = 96;

    [[nodiscard]] uint64_t big_endian(size_t at, size_t size) const {
        uint64_t value = 0;
        for (size_t i = 0; i < size; ++i) value = value << 8 | bytes_[at + i];
        return value;
    }
    [[nodiscard]] bool there(size_t at, size_t size) const {
        return at <= bytes_.size() && size <= bytes_.size() - at;
    }
    bool read_number(size_t& at, int64_t& value) const {
        if (!there(at, 1)) return false;
        const uint8_t head = bytes_[at++];
        if (head < 0x80 || head >= 0xe0) {
            value = static_cast<int8_t>(head);
            return true;
        }
        if (head < 0xcc || head > 0xd3) return false;
        const size_t size = size_t{1} << (head & 3);
        if (!there(at, size)) return false;
        const uint64_t raw = big_endian(at, size);
        at += size;
        const int shift = static_cast<int>(64 - 8 * size);
        value =
            head >= 0xd0 ? static_cast<int64_t>(raw << shift) >> shift : static_cast<int64_t>(raw);
        return true;
    }
    // Moves to the first byte of a str or bin.
    bool read_head(size_t& at, size_t& size) const {
        if (!there(at, 1)) return false;
        const uint8_t head = bytes_[at++];
        size_t width = 0;
        if ((head & 0xe0) == 0xa0) {
            size = head & 0x1f;
            return there(at, size);
        }
        if (head == 0xc4 || head == 0xd9) width = 1;
        if (head == 0xc5 || head == 0xda) width = 2;
        if (head == 0xc6 || head == 0xdb) width = 4;
        if (width == 0 || !there(at, width)) return false;
        size = static_cast<size_t>(big_endian(at, width));
        at += width;
        return there(at, size);
    }
    bool skip(size_t& at, int depth) const {
        if (depth > 8 || !there(at, 1)) return false;
        const uint8_t head = bytes_[at];
        int64_t number = 0;
        size_t size = 0;
        size_t count = 0;
        if (head < 0x80 || head >= 0xe0 || (head >= 0xcc && head <= 0xd3)) {
            return read_number(at, number);
        }
        if ((head & 0xf0) == 0x80 || (head & 0xf0) == 0x90) {
            count = head & 0x0f;
            if ((head & 0xf0) == 0x80) count *= 2;
            ++at;
        } else if (head == 0xdc) {
            if (!there(at, 3)) return false;
            count = static_cast<size_t>(big_endian(at + 1, 2));
            at += 3;
        } else if (head == 0xc0 || head == 0xc2 || head == 0xc3) {
            ++at;
            return true;
        } else if (head == 0xca || head == 0xcb) {
            at += head == 0xca ? 5 : 9;
            return there(at, 0);
        } else {
            if (!read_head(at, size)) return false;
            at += size;
            return true;
        }
        for (size_t i = 0; i < count; ++i) {
            if (!skip(at, depth + 1)) return false;
        }
        return true;
    }
    void index() {
        if (bytes_.empty() || (bytes_[0] & 0xf0) != 0x80) return;
        const size_t count = bytes_[0] & 0x0f;
        size_t at = 1;
        for (size_t i = 0; i < count; ++i) {
            if (!there(at, 2)) return at_.fill(0);
            const uint8_t key = bytes_[at++];
            if (key < kKeys) at_[key] = static_cast<uint32_t>(at);
            if (!skip(at, 1)) return at_.fill(0);
        }
        if (at != bytes_.size()) at_.fill(0);
    }

    std::span<const uint8_t> bytes_;
    std::array<uint32_t, kKeys> at_{};  // where the value of a key begins; 0: not there
};

}  // namespace p2c2r::sim
