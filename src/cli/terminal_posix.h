// How wide the terminal is that reads standard output.
#pragma once

#include <cstddef>

namespace p2c2r::cli {

inline constexpr size_t kLineWidth = 100;  // of what a file or another program reads

// Its columns, from 60 up to kLineWidth; kLineWidth where there is no terminal.
size_t line_width();

}  // namespace p2c2r::cli
