// The seed of this test run: printed at the start, repeated with --seed.
#pragma once

#include <cstdint>

namespace p2c2r::test {

uint64_t seed();

}  // namespace p2c2r::test
