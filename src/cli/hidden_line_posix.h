// A secret that somebody types at a terminal: it is not shown there.
#pragma once

#include <cstddef>
#include <string>

#include "cli/failure.h"

namespace p2c2r::cli {

// One line of standard input, which is a terminal, after `prompt` on standard error. The terminal
// does not show what is typed, and shows it again however this ends: also when a signal ends or
// stops the program meanwhile. A usage failure for a line that is longer than `size_max`.
Result<std::string> read_hidden_line(const char* prompt, size_t size_max);

}  // namespace p2c2r::cli
