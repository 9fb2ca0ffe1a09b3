// How wide the terminals are that read what is written.
#pragma once

#include <cstddef>

namespace p2c2r::cli {

inline constexpr size_t kLineWidth = 100;  // of what a file or another program reads

// Columns of that of standard output, from 60 up to kLineWidth; kLineWidth where there is no
// terminal.
size_t line_width();
// Of that of standard error; 0: there is none, or it does not say.
size_t error_columns();

}  // namespace p2c2r::cli
