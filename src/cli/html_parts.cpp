#include "cli/html_parts.h"

#include <algorithm>

#include "cli/result_output.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --paper: #fcfcfb; --ink: #1d2024; --quiet: #5d646d; --line: #d9dce0;
  --execution: #2f6fc4; --queue: #8a929c; --network: #d98a1f; --alarm: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e6e8eb; --quiet: #a2a9b2;
  --line: #363b42; --execution: #5b9bea; --queue: #7d8590; --network: #e6a54a; --alarm: #f2827a; } }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
  max-width: 940px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
p.lead { color: var(--quiet); margin-top: 0; }
table { border-collapse: collapse; width: 100%; } td { padding: .28rem .5rem .28rem 0;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
td:first-child { color: var(--quiet); width: 55%; }
.chart { overflow-x: auto; } svg { width: 100%; min-width: 640px; height: auto; display: block; } svg text { font: 12px system-ui, sans-serif;
  fill: var(--quiet); } svg .strong { fill: var(--ink); } svg .alarm { fill: var(--alarm); }
.grid { stroke: var(--line); } .execution { fill: var(--execution); } .queue { fill: var(--queue); }
.network { fill: var(--network); }
.late { fill: var(--alarm); opacity: .45; } .mark { stroke: var(--alarm); stroke-dasharray: 4 3; }
.deadline { stroke: var(--ink); stroke-dasharray: 2 3; }
img { width: 100%; height: auto; border-radius: 4px; }
.pair { display: inline-block; }
.again { color: var(--alarm); margin: 0 .35em 0 1em; } .key { display: inline-block; width: .8em; height: .8em; margin: 0 .35em 0 1em; border-radius: 2px; }
)";

}  // namespace

std::string escaped(const std::string& text) {
    std::string safe;
    for (const char letter : text) {
        switch (letter) {
            case '&':
                safe += "&amp;";
                break;
            case '<':
                safe += "&lt;";
                break;
            case '>':
                safe += "&gt;";
                break;
            case '"':
                safe += "&quot;";
                break;
            default:
                safe += letter;
        }
    }
    return safe;
}

std::string px(double value) {
    return number_text(value, 1);
}

std::string svg_close() {
    return "</svg></div>\n";
}

std::string svg_line(double x1, double y1, double x2, double y2, const char* kind) {
    return "<line class=\"" + std::string(kind) + "\" x1=\"" + px(x1) + "\" y1=\"" + px(y1) +
           "\" x2=\"" + px(x2) + "\" y2=\"" + px(y2) + "\"/>\n";
}

std::string svg_text(double x, double y, const std::string& text, const char* anchor,
                     const char* kind) {
    return "<text class=\"" + std::string(kind) + "\" x=\"" + px(x) + "\" y=\"" + px(y) +
           "\" text-anchor=\"" + anchor + "\">" + escaped(text) + "</text>\n";
}

std::string svg_bar(double x, double y, double width, double height, const char* kind) {
    return "<rect class=\"" + std::string(kind) + "\" x=\"" + px(x) + "\" y=\"" + px(y) +
           "\" width=\"" + px(width) + "\" height=\"" + px(std::max(0.0, height)) + "\"/>";
}

std::string svg_open(double height, const std::string& label) {
    return "<div class=\"chart\"><svg viewBox=\"0 0 " + px(kChartWidth) + " " + px(height) +
           "\" role=\"img\" aria-label=\"" + escaped(label) + "\">\n";
}

double step_for(double most) {
    for (double decade = 1;; decade *= 10) {
        for (const double step : {decade, 2 * decade, 5 * decade}) {
            if (most / step <= 6) return step;
        }
    }
}

std::string page_open(const std::string& title) {
    return "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta "
           "name=\"viewport\" content=\"width=device-width\">\n<title>" +
           escaped(title) + "</title>\n<style>" + kStyle + "</style>\n";
}

std::string page_close() {
    return "</html>\n";
}

std::string table_html(const std::vector<std::pair<std::string, std::string>>& rows) {
    std::string table = "<table>\n";
    for (const auto& [name, value] : rows) {
        table += "<tr><td>" + escaped(name) + "</td><td>" + escaped(value) + "</td></tr>\n";
    }
    return table + "</table>\n";
}

std::string jpeg_html(const std::string& jpeg, const std::string& alt) {
    return "<img alt=\"" + escaped(alt) + "\" src=\"data:image/jpeg;base64," +
           base64(jpeg.data(), jpeg.size()) + "\">\n";
}

}  // namespace p2c2r::cli
