#include "sim/sim_origin.h"

#include <algorithm>
#include <cstring>

#include "sim/sim_runner.h"

namespace p2c2r::sim {

namespace {

static_assert(Origin::kHeadSize == sizeof(uint64_t));

uint64_t word_of(const Origin& origin, size_t index) {
    const bool is_head = index == 0 && origin.head != 0;
    const uint64_t word = input_word(is_head ? origin.head : origin.token, index);
    return (is_head ? origin.is_head_flipped : origin.is_flipped) ? answer_word(word) : word;
}

}  // namespace

Bytes bytes_of(const Origin& origin) {
    if (origin.size == 0) return {};
    Buffer buffer = Buffer::allocate(origin.size);
    for (size_t at = 0; at < origin.size; at += 8) {
        const uint64_t word = word_of(origin, at / 8);
        std::memcpy(buffer.data() + at, &word, std::min<size_t>(8, origin.size - at));
    }
    return std::move(buffer).freeze(origin.size);
}

bool are_bytes_of(std::span<const uint8_t> data, const Origin& origin) {
    if (data.size() != origin.size) return false;
    for (size_t at = 0; at < data.size(); at += 8) {
        const uint64_t word = word_of(origin, at / 8);
        const size_t size = std::min<size_t>(8, data.size() - at);
        if (std::memcmp(data.data() + at, &word, size) != 0) return false;
    }
    return true;
}

}  // namespace p2c2r::sim
