#include "cli/text_table.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "cli/printable.h"

namespace p2c2r::cli {

namespace {

bool is_number(const std::string& cell) {
    return !cell.empty() && cell.find_first_not_of("0123456789.,-+%") == std::string::npos;
}

}  // namespace

void TextTable::add(std::vector<std::string> row) {
    for (std::string& cell : row) cell = printable(cell);
    rows_.push_back(std::move(row));
}

std::string TextTable::text() const {
    std::vector<size_t> widths;
    for (const auto& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t column = 0; column < row.size(); ++column) {
            widths[column] = std::max(widths[column], row[column].size());
        }
    }
    std::string text;
    for (const auto& row : rows_) {
        std::string line;
        for (size_t column = 0; column < row.size(); ++column) {
            const std::string& cell = row[column];
            const std::string space(widths[column] - cell.size(), ' ');
            if (column > 0) line += "  ";
            line += is_number(cell) ? space + cell : cell + space;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

std::string rows_text(const std::vector<std::pair<std::string, std::string>>& rows) {
    size_t width = 0;
    for (const auto& [name, value] : rows) width = std::max(width, name.size());
    std::string text;
    for (const auto& [name, value] : rows) {
        text += name + std::string(width - name.size() + 2, ' ') + printable(value) + "\n";
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
