// Where the bytes of an input come from, however many tasks have handed them on. What a task
// answers is its input with every byte flipped, so that of a chain of stages, each of which works
// on what the one before it made, the bytes are known from the first one's token alone.
#pragma once

#include <cstdint>
#include <span>

#include "core/bytes.h"

namespace p2c2r::sim {

struct Origin {
    static constexpr size_t kHeadSize = 8;

    uint64_t token = 0;  // whose input it was
    uint64_t head = 0;   // whose the first bytes are, which were changed; 0: nobody's
    size_t size = 0;
    bool is_flipped = false;
    bool is_head_flipped = false;

    // What a task answers to it.
    [[nodiscard]] Origin answered() const {
        return {token, head, size, !is_flipped, !is_head_flipped};
    }
    // With the first bytes of another one's input in place of its own.
    [[nodiscard]] Origin changed_by(uint64_t other) const {
        return {token, other, size, is_flipped, false};
    }
};

// The bytes themselves, and whether these are they.
Bytes bytes_of(const Origin& origin);
bool are_bytes_of(std::span<const uint8_t> data, const Origin& origin);

}  // namespace p2c2r::sim
