// How many processors this process computes on.
#pragma once

#include <cstdint>

namespace p2c2r::cli {

// Threads that are started from now on by the calling one share the first `count` of the processors
// that this process had at the first call; 0: all of them. False: there are fewer.
bool bind_to_processors(uint32_t count);

}  // namespace p2c2r::cli
