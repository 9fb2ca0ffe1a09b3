// What exact_steps.comp computes and how its words lie, shared with the test.
#ifndef P2C2R_TESTS_EXACT_STEPS_H
#define P2C2R_TESTS_EXACT_STEPS_H

#include "shaders/exact.h"

#ifdef __cplusplus
namespace p2c2r::kernels {
#endif

const uint kExactGroupSize = 64u;
const int kExactShiftMax = 3;
const uint kExactInputWords = 2u;   // a, b
const uint kExactOutputWords = 4u;  // quotient, root, shifts that gave something else, helpers

// All the small helpers of exact.h in one word.
P2C2R_SHARED uint helpers_word(float a, float b) {
    uint word = hash_u32(float_bits(exact_min(a, b)));
    word = hash_u32(word ^ float_bits(exact_max(a, b)));
    word = hash_u32(word ^ float_bits(exact_clamp(a, -2.5f, 1024.0f)));
    word = hash_u32(word ^ float_bits(flush_tiny(a)));
    word = hash_u32(word ^ uint(exact_floor_int(exact_clamp(b, -3000000.0f, 3000000.0f))));
    return hash_u32(word ^ float_bits(exact_abs(b)));
}

#ifdef __cplusplus
}  // namespace p2c2r::kernels
#endif

#endif
