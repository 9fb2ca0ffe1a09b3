// Lines on standard error for whoever watches: between them a progress line may stand, which has no
// end of its own, and a terminal would break them inside words.
#pragma once

#include <string>

namespace p2c2r::cli {

// A line that is drawn over in place stands there until something else is said. Terminals alone.
void draw_status_line(const std::string& text);
// That line stays as it is: what follows begins a new one.
void end_status_line();
// Takes it away: what is printed on standard error next begins a line.
void clear_status_line();

// A line of its own; on a terminal broken between words at its edge.
void say(const std::string& text);
// The same for a terminal of so many columns; 0: as it is. Without the last end of line.
std::string broken_at(const std::string& text, size_t columns);

}  // namespace p2c2r::cli
