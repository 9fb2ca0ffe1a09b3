// Text that others wrote, made fit for a terminal. A name with an escape sequence in it could move
// the cursor, recolour what follows or rename the window.
#pragma once

#include <string>
#include <string_view>

namespace p2c2r::cli {

// Control characters (below 0x20, 0x7f to 0x9f) and bytes that are no UTF-8 are written as \x1b.
std::string printable(std::string_view text);

}  // namespace p2c2r::cli
