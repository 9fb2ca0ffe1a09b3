// Plain tables: numbers to the right, words to the left, a header. What others wrote is made
// printable.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace p2c2r::cli {

class TextTable {
  public:
    explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}
    void add(std::vector<std::string> row);
    [[nodiscard]] bool empty() const { return rows_.size() == 1; }
    [[nodiscard]] std::string text() const;  // lines, each with its end

  private:
    std::vector<std::vector<std::string>> rows_;
};

// Names and values below each other, a line each.
std::string rows_text(const std::vector<std::pair<std::string, std::string>>& rows);

// "12.3" with so many digits behind the point.
std::string number_text(double value, int digits);
// "2026-11-27", of seconds of Unix time.
std::string day_text(uint64_t unix_seconds);
// "2026-11-27 04:46 UTC"
std::string minute_text(uint64_t unix_seconds);
// "1.4 MiB"
std::string bytes_text(uint64_t bytes);

}  // namespace p2c2r::cli
