// Plain tables: numbers to the right, words to the left, a header. What others wrote is made
// printable.
//
// Widths are characters, one for each code point: what a terminal draws twice as wide counts once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace p2c2r::cli {

class TextTable {
  public:
    explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}
    void add(std::vector<std::string> row);
    [[nodiscard]] bool empty() const { return rows_.size() == 1; }
    // Columns whose cells are all empty leave with their header.
    [[nodiscard]] TextTable without_empty_columns() const;
    // Lines, each with its end. With a width none is wider: the longest words are shortened, as far
    // as that leaves a few letters of each.
    [[nodiscard]] std::string text(size_t width_max = SIZE_MAX) const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

// Names and values below each other, a line each.
std::string rows_text(const std::vector<std::pair<std::string, std::string>>& rows);

size_t width_of(std::string_view text);
// "a long na…", at most so many characters.
std::string shortened(const std::string& text, size_t width);
// Broken between words, printable, each line with its end; all but the first begin with so many
// spaces.
std::string wrapped(const std::string& text, size_t width, size_t indent = 0);

// "1 peer", "2 peers".
std::string count_text(uint64_t count, const std::string& noun);
// "40 s", "3 min", "2.5 h", "4 days".
std::string duration_text(double seconds);
// "12.3" with so many digits behind the point.
std::string number_text(double value, int digits);
// "2026-11-27", of seconds of Unix time.
std::string day_text(uint64_t unix_seconds);
// "2026-11-27 04:46 UTC"
std::string minute_text(uint64_t unix_seconds);
// "1.4 MiB"
std::string bytes_text(uint64_t bytes);

}  // namespace p2c2r::cli
