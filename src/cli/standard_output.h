// Standard output as a product: a token or a list that went to a full disk has not been given.
#pragma once

#include "cli/failure.h"

namespace p2c2r::cli {

// Writes out what was printed so far. Fails, once, with the system's reason when not all of it came
// out; a reader that went away on its own (EPIPE) is no failure.
Outcome flush_standard_output();

}  // namespace p2c2r::cli
