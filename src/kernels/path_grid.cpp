#include "kernels/path_grid.h"

#include <algorithm>

#include "core/check.h"

namespace p2c2r::kernels {

namespace {

constexpr uint64_t kAllBlocked = ~uint64_t{0};

// Turns 64 words of 64 bits about their diagonal: bit j of word i becomes bit i of word j. Blocks
// of 32, then 16, ... change places.
void transpose(uint64_t (&block)[64]) {
    uint64_t mask = 0x00000000FFFFFFFFull;
    for (uint32_t size = 32; size != 0; size >>= 1, mask ^= mask << size) {
        for (uint32_t i = 0; i < 64; i = (i + size + 1) & ~size) {
            const uint64_t swapped = (block[i] >> size ^ block[i + size]) & mask;
            block[i] ^= swapped << size;
            block[i + size] ^= swapped;
        }
    }
}

// Ones from bit `count` on, for the cells of a last word that lie outside.
uint64_t outside_mask(uint32_t count) {
    return (count & 63) == 0 ? 0 : kAllBlocked << (count & 63);
}

}  // namespace

BitLines::BitLines(uint32_t lines, uint32_t length)
    : stride_(BitView::kFront / 64 + (length + 63) / 64 + 2),
      words_((lines + size_t{2}) * stride_, kAllBlocked) {
    for (uint32_t line = 0; line < lines; ++line) {
        uint64_t* const words = cells(line);
        std::fill_n(words, length / 64, 0);
        if (length & 63) words[length / 64] = outside_mask(length);
    }
}

PathGrid::PathGrid(uint32_t width, uint32_t height)
    : width_(width), height_(height), rows_(height, width) {}

void PathGrid::make_columns() {
    columns_ = BitLines(width_, height_);
    uint64_t block[64];
    for (uint32_t y = 0; y < height_; y += 64) {
        for (uint32_t x = 0; x < width_; x += 64) {
            for (uint32_t i = 0; i < 64; ++i) {
                block[i] = y + i < height_ ? rows_.cells(y + i)[x / 64] : kAllBlocked;
            }
            transpose(block);
            const uint32_t lines = std::min(64u, width_ - x);
            for (uint32_t i = 0; i < lines; ++i) columns_.cells(x + i)[y / 64] = block[i];
        }
    }
}

void PathGrid::set_costs(std::span<const uint8_t> costs) {
    P2C2R_CHECK(costs.size() == size_t{width_} * height_);
    uint8_t low = 255;
    uint8_t high = 0;
    for (uint32_t y = 0; y < height_; ++y) {
        const uint8_t* const row = costs.data() + size_t{y} * width_;
        uint64_t* const words = rows_.cells(y);
        for (uint32_t x = 0; x < width_; x += 64) {
            const uint32_t count = std::min(64u, width_ - x);
            uint64_t bits = outside_mask(count);
            for (uint32_t i = 0; i < count; ++i) {
                const uint8_t cost = row[x + i];
                bits |= uint64_t{cost == 0} << i;
                high = std::max(high, cost);
                // 0 becomes 255 and never counts as the least.
                low = std::min(low, static_cast<uint8_t>(cost - 1));
            }
            words[x / 64] = bits;
        }
    }
    cost_low_ = high == 0 ? 1u : low + 1u;
    costs_.clear();
    if (high > cost_low_) costs_.assign(costs.begin(), costs.end());
}

void PathGrid::set_bits(std::span<const uint8_t> bits) {
    P2C2R_CHECK(bits.size() == bits_size(width_, height_));
    const size_t row_size = (width_ + 7) / 8;
    for (uint32_t y = 0; y < height_; ++y) {
        uint64_t* const words = rows_.cells(y);
        std::memcpy(words, bits.data() + y * row_size, row_size);
        // What a sender left behind the last cell counts for nothing: there are walls.
        if (width_ & 63) words[width_ / 64] |= outside_mask(width_);
    }
    cost_low_ = 1;
    costs_.clear();
}

void PathGrid::write_costs(uint32_t row, uint8_t* out) const {
    const uint64_t* const words = rows_.cells(row);
    for (uint32_t x = 0; x < width_; ++x) {
        const bool blocked = words[x / 64] >> (x & 63) & 1;
        const uint32_t cost = weighted() ? costs_[size_t{row} * width_ + x] : cost_low_;
        out[x] = static_cast<uint8_t>(blocked ? 0 : cost);
    }
}

}  // namespace p2c2r::kernels
