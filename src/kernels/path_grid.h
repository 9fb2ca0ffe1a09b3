// The map of `ai_pathfinding`: blocked cells as bits, costs as bytes where they differ.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace p2c2r::kernels {

inline constexpr uint32_t kPathSideMax = 4096;

// Reading 64 cells at any place is two loads and two shifts.
static_assert(std::endian::native == std::endian::little, "bit rows are read as little endian");

struct PathCell {
    int32_t x = 0;
    int32_t y = 0;
    bool operator==(const PathCell&) const = default;
};

enum class PathRule : uint8_t {
    kFour,        // no diagonals
    kOctile,      // a diagonal only where both cells beside it are free
    kOctileCuts,  // a diagonal wherever its end is free
};

// Lines of bits to read, 1: blocked; see BitLines. Two words; copy it freely.
class BitView {
  public:
    BitView(const uint64_t* first_line, size_t stride) : first_line_(first_line), stride_(stride) {}

    // 64 cells of line -1..lines from `at` = -65..length + 1 on.
    [[nodiscard]] uint64_t block(int32_t line, int32_t at) const {
        const auto bit = static_cast<uint32_t>(at + kFront);
        const uint64_t* const words = this->words(line) + (bit >> 6);
        return words[0] >> (bit & 63) | words[1] << 1 << (~bit & 63);
    }
    [[nodiscard]] bool blocked(int32_t line, int32_t at) const {
        const auto bit = static_cast<uint32_t>(at + kFront);
        return words(line)[bit >> 6] >> (bit & 63) & 1;
    }
    // The three cells at - 1, at, at + 1.
    [[nodiscard]] uint32_t three(int32_t line, int32_t at) const {
        const auto bit = static_cast<uint32_t>(at - 1 + kFront);
        uint32_t bits = 0;
        std::memcpy(&bits, reinterpret_cast<const uint8_t*>(words(line)) + (bit >> 3), sizeof bits);
        return bits >> (bit & 7) & 7;
    }

    // The same of three lines, line - 1 first.
    [[nodiscard]] uint32_t nine(int32_t line, int32_t at) const {
        const auto bit = static_cast<uint32_t>(at - 1 + kFront);
        const uint8_t* bytes = reinterpret_cast<const uint8_t*>(words(line - 1)) + (bit >> 3);
        uint32_t all = 0;
        for (uint32_t i = 0; i < 3; ++i, bytes += stride_ * sizeof(uint64_t)) {
            uint16_t bits = 0;
            std::memcpy(&bits, bytes, sizeof bits);
            all |= (uint32_t{bits} >> (bit & 7) & 7) << 3 * i;
        }
        return all;
    }

    static constexpr int32_t kFront = 128;  // blocked cells before each line

  private:
    [[nodiscard]] const uint64_t* words(int32_t line) const {
        return first_line_ + line * static_cast<ptrdiff_t>(stride_);
    }
    const uint64_t* first_line_;
    size_t stride_;
};

// Lines of bits, 1: blocked. Each line has 128 blocked cells on either side, and there is a blocked
// line before the first and behind the last, so that whoever looks past the map sees walls.
class BitLines {
  public:
    BitLines() = default;
    BitLines(uint32_t lines, uint32_t length);

    [[nodiscard]] BitView view() const { return {words_.data() + stride_, stride_}; }
    void set(uint32_t line, uint32_t at) { cells(line)[at >> 6] |= uint64_t{1} << (at & 63); }
    // The words that hold cells 0..63, 64..127, ... of a line.
    [[nodiscard]] uint64_t* cells(uint32_t line) {
        return words_.data() + (line + size_t{1}) * stride_ + BitView::kFront / 64;
    }
    [[nodiscard]] const uint64_t* cells(uint32_t line) const {
        return words_.data() + (line + size_t{1}) * stride_ + BitView::kFront / 64;
    }

  private:
    size_t stride_ = 0;
    std::vector<uint64_t> words_;
};

class PathGrid {
  public:
    PathGrid() = default;
    // All free.
    PathGrid(uint32_t width, uint32_t height);

    [[nodiscard]] uint32_t width() const { return width_; }
    [[nodiscard]] uint32_t height() const { return height_; }
    [[nodiscard]] bool inside(PathCell cell) const {
        return cell.x >= 0 && cell.y >= 0 && cell.x < static_cast<int32_t>(width_) &&
               cell.y < static_cast<int32_t>(height_);
    }
    // Inside, or up to one cell outside.
    [[nodiscard]] bool blocked(PathCell cell) const { return rows_.view().blocked(cell.y, cell.x); }
    // True when cells cost more than others; cost_low() is the least there is.
    [[nodiscard]] bool weighted() const { return !costs_.empty(); }
    [[nodiscard]] uint32_t cost_low() const { return cost_low_; }
    // Of a free cell.
    [[nodiscard]] uint32_t cost(PathCell cell) const {
        return weighted() ? costs_[static_cast<uint32_t>(cell.y) * size_t{width_} +
                                   static_cast<uint32_t>(cell.x)]
                          : cost_low_;
    }
    [[nodiscard]] const BitLines& rows() const { return rows_; }
    // The same cells, column by column; made by make_columns().
    [[nodiscard]] const BitLines& columns() const { return columns_; }
    void make_columns();

    // ---- filling
    void block(PathCell cell) {
        rows_.set(static_cast<uint32_t>(cell.y), static_cast<uint32_t>(cell.x));
    }
    // A byte a cell, rows top to bottom: 0 blocked, else its cost. MUST be width x height.
    void set_costs(std::span<const uint8_t> costs);
    // A bit a cell, 1 blocked, the lowest bit of a byte first; each row begins a byte. MUST be
    // bits_size(width, height).
    void set_bits(std::span<const uint8_t> bits);
    static uint64_t bits_size(uint32_t width, uint32_t height) {
        return uint64_t{(width + 7) / 8} * height;
    }
    // The cost of one row of cells into `out`, 0 where blocked; for the GPU.
    void write_costs(uint32_t row, uint8_t* out) const;

  private:
    uint32_t width_ = 0;
    uint32_t height_ = 0;
    uint32_t cost_low_ = 1;
    BitLines rows_;
    BitLines columns_;
    std::vector<uint8_t> costs_;  // empty where all free cells cost the same
};

}  // namespace p2c2r::kernels
