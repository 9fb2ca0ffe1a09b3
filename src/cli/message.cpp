#include "cli/message.h"

#include <cstdio>
#include <sstream>

#include "cli/terminal_posix.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

namespace {
bool is_drawn = false;  // one thread speaks
}  // namespace

void draw_status_line(const std::string& text) {
    const size_t columns = error_columns();
    // One that reaches the edge would take a second line, which is not drawn over.
    const bool fits = columns == 0 || width_of(text) < columns;
    std::fprintf(stderr, "\r\x1b[K%s", fits ? text.c_str() : shortened(text, columns - 1).c_str());
    std::fflush(stderr);
    is_drawn = true;
}

void end_status_line() {
    if (is_drawn) std::fputc('\n', stderr);
    is_drawn = false;
}

void clear_status_line() {
    if (is_drawn) std::fputs("\r\x1b[K", stderr);
    is_drawn = false;
}

void say(const std::string& text) {
    clear_status_line();
    std::fprintf(stderr, "%s\n", broken_at(text, error_columns()).c_str());
}

// With a word that has no room, a path say, it stays whole: it may be copied from there.
std::string broken_at(const std::string& text, size_t columns) {
    if (columns == 0 || width_of(text) <= columns) return text;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        if (width_of(word) > columns) return text;
    }
    std::string lines = wrapped(text, columns);
    if (!lines.empty()) lines.pop_back();
    return lines;
}

}  // namespace p2c2r::cli
