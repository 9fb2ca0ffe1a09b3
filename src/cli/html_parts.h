// Pieces of the program's HTML pages: one file each, without scripts, nothing from elsewhere,
// charts as inline SVG, colours for light and dark surroundings.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace p2c2r::cli {

// Of a chart, in units of its own; it is as wide as the page, and on a narrow one moves in its
// place.
inline constexpr double kChartWidth = 900;
inline constexpr double kChartHeight = 300;
inline constexpr double kLeft = 52;
inline constexpr double kRight = 12;
inline constexpr double kTop = 34;
inline constexpr double kBottom = 34;

std::string escaped(const std::string& text);
std::string px(double value);
std::string svg_open(double height, const std::string& label);
std::string svg_close();
std::string svg_line(double x1, double y1, double x2, double y2, const char* kind);
std::string svg_text(double x, double y, const std::string& text, const char* anchor,
                     const char* kind = "");
std::string svg_bar(double x, double y, double width, double height, const char* kind);
// The smallest of 1, 2, 5, 10, 20 and so on that leaves at most six lines.
double step_for(double most);

// The page up to its first heading, and its end.
std::string page_open(const std::string& title);
std::string page_close();
std::string table_html(const std::vector<std::pair<std::string, std::string>>& rows);
std::string jpeg_html(const std::string& jpeg, const std::string& alt);

}  // namespace p2c2r::cli
