// What a target has taken from the heap, for bounds on it. Where memory cannot be counted the peak
// is 0, so a bound holds.
#pragma once

#include <cstdint>

namespace p2c2r::test {

void watch_memory();    // begins
int64_t memory_peak();  // most bytes held at a time since then, less those held at its beginning

}  // namespace p2c2r::test
