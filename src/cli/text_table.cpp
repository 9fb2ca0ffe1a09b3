#include "cli/text_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <sstream>

#include "cli/printable.h"

namespace p2c2r::cli {

namespace {

constexpr std::string_view kBetween = "  ";
constexpr std::string_view kEllipsis = "\u2026";
constexpr size_t kShortenedMin = 6;  // what is left of a name still says which it is

// Takes from the widest column, again and again, so that short ones stay whole.
void fit(std::vector<size_t>& widths, size_t width_max) {
    if (widths.empty()) return;
    size_t width = (widths.size() - 1) * kBetween.size();
    for (const size_t column : widths) width += column;
    while (width > width_max) {
        const auto widest = std::max_element(widths.begin(), widths.end());
        if (*widest <= kShortenedMin) return;
        --*widest;
        --width;
    }
}

bool is_begin_of_character(char byte) {
    return (static_cast<uint8_t>(byte) & 0xc0) != 0x80;
}

bool is_number(const std::string& cell) {
    return !cell.empty() && cell.find_first_not_of("0123456789.,-+%") == std::string::npos;
}

}  // namespace

size_t width_of(std::string_view text) {
    return static_cast<size_t>(std::count_if(text.begin(), text.end(), is_begin_of_character));
}

std::string shortened(const std::string& text, size_t width) {
    if (width_of(text) <= width) return text;
    size_t kept = 0;
    size_t size = 0;
    for (; size < text.size(); ++size) {
        if (is_begin_of_character(text[size]) && ++kept == width) break;
    }
    return text.substr(0, size) + std::string(kEllipsis);
}

std::string wrapped(const std::string& text, size_t width, size_t indent) {
    std::string lines;
    size_t used = 0;  // of the last line
    std::istringstream words(printable(text));
    for (std::string word; words >> word;) {
        // "3 min" and "99 %" stay together.
        for (std::string unit; is_number(word) && words >> unit;) {
            const bool goes_on = is_number(unit);
            word += " " + unit;
            if (!goes_on) break;
        }
        word = shortened(word, width - indent);
        const size_t needed = width_of(word);
        if (used > indent && used + 1 + needed > width) {
            lines += "\n" + std::string(indent, ' ');
            used = indent;
        } else if (!lines.empty()) {
            lines += ' ';
            ++used;
        }
        lines += word;
        used += needed;
    }
    return lines + "\n";
}

std::string count_text(uint64_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string duration_text(double seconds) {
    if (seconds < 60) return number_text(seconds, 0) + " s";
    if (seconds < 3600) return number_text(std::floor(seconds / 60), 0) + " min";
    if (seconds < 2 * 86400) return number_text(seconds / 3600, 1) + " h";
    return number_text(std::floor(seconds / 86400), 0) + " days";
}

void TextTable::add(std::vector<std::string> row) {
    for (std::string& cell : row) cell = printable(cell);
    rows_.push_back(std::move(row));
}

TextTable TextTable::without_empty_columns() const {
    const std::vector<std::string>& header = rows_.front();
    std::vector<bool> says(header.size(), rows_.size() == 1);
    for (size_t i = 1; i < rows_.size(); ++i) {
        for (size_t column = 0; column < header.size(); ++column) {
            if (!rows_[i][column].empty()) says[column] = true;
        }
    }
    TextTable table(std::vector<std::string>{});
    table.rows_.clear();
    for (const std::vector<std::string>& row : rows_) {
        std::vector<std::string> kept;
        for (size_t column = 0; column < header.size(); ++column) {
            if (says[column]) kept.push_back(row[column]);
        }
        table.rows_.push_back(std::move(kept));
    }
    return table;
}

std::string TextTable::text(size_t width_max) const {
    std::vector<size_t> widths;
    for (const auto& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t column = 0; column < row.size(); ++column) {
            widths[column] = std::max(widths[column], width_of(row[column]));
        }
    }
    fit(widths, width_max);
    std::string text;
    for (const auto& row : rows_) {
        std::string line;
        for (size_t column = 0; column < row.size(); ++column) {
            const std::string cell = shortened(row[column], widths[column]);
            const std::string space(widths[column] - width_of(cell), ' ');
            if (column > 0) line += kBetween;
            line += is_number(cell) ? space + cell : cell + space;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

std::string rows_text(const std::vector<std::pair<std::string, std::string>>& rows) {
    size_t width = 0;
    for (const auto& [name, value] : rows) width = std::max(width, width_of(name));
    std::string text;
    for (const auto& [name, value] : rows) {
        text += name + std::string(width - width_of(name) + 2, ' ') + printable(value) + "\n";
    }
    return text;
}

std::string number_text(double value, int digits) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

std::string day_text(uint64_t unix_seconds) {
    const auto seconds = static_cast<time_t>(unix_seconds);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1,
                  parts.tm_mday);
    return text;
}

std::string minute_text(uint64_t unix_seconds) {
    char text[32];
    std::snprintf(text, sizeof text, " %02u:%02u UTC",
                  static_cast<unsigned>(unix_seconds % 86'400 / 3600),
                  static_cast<unsigned>(unix_seconds % 3600 / 60));
    return day_text(unix_seconds) + text;
}

std::string bytes_text(uint64_t bytes) {
    if (bytes < 1024) return std::to_string(bytes) + " B";
    if (bytes < 1024 * 1024) return number_text(static_cast<double>(bytes) / 1024.0, 1) + " KiB";
    return number_text(static_cast<double>(bytes) / 1048576.0, 1) + " MiB";
}

}  // namespace p2c2r::cli
