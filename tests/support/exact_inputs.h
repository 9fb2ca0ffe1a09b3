// Operands that try exact_div and exact_sqrt: random ones over the whole range, and those at which
// a rounding can go wrong.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/prng.h"
#include "shaders/exact.h"

namespace p2c2r::test {

// All inside the domain of exact_div; |a| or, where that is a zero, 1 inside that of exact_sqrt.
struct ExactInput {
    float a = 0;
    float b = 1;
};

namespace exact_inputs {

using kernels::bits_float;
using kernels::float_bits;

inline float make_float(uint32_t sign, uint32_t exponent, uint32_t mantissa) {
    return bits_float(sign << 31 | exponent << 23 | (mantissa & 0x7FFFFF));
}

// Adds a / b if the quotient is in the domain, that is, not below the normal numbers.
inline void add(std::vector<ExactInput>& inputs, float a, float b) {
    const double quotient = std::fabs(double{a} / double{b});
    if (a != 0 && quotient < std::numeric_limits<float>::min()) return;
    inputs.push_back({a, b});
}

inline void add_random(std::vector<ExactInput>& inputs, size_t count, Prng& prng) {
    while (inputs.size() < count) {
        const uint64_t draw = prng.next();
        // Exponents from 1 to 254: normal numbers only.
        const auto a_exponent = static_cast<uint32_t>(1 + prng.below(254));
        const auto b_exponent = static_cast<uint32_t>(1 + prng.below(254));
        const auto a_mantissa = static_cast<uint32_t>(draw);
        const auto b_mantissa = static_cast<uint32_t>(draw >> 32);
        add(inputs, make_float(draw >> 31 & 1, a_exponent, a_mantissa),
            make_float(draw >> 63, b_exponent, b_mantissa));
    }
}

// Every pair of numbers with extreme exponents and mantissas, and zeros.
inline void add_extremes(std::vector<ExactInput>& inputs) {
    std::vector<float> values;
    for (const uint32_t exponent : {1u, 2u, 24u, 103u, 126u, 127u, 128u, 150u, 151u, 253u, 254u}) {
        for (const uint32_t mantissa :
             {0u, 1u, 2u, 0x3FFFFFu, 0x400000u, 0x400001u, 0x7FFFFEu, 0x7FFFFFu}) {
            values.push_back(make_float(0, exponent, mantissa));
            values.push_back(make_float(1, exponent, mantissa));
        }
    }
    for (const float b : values) {
        for (const float a : values) add(inputs, a, b);
        add(inputs, 0.0f, b);
        add(inputs, -0.0f, b);
    }
}

// Quotients as near to halfway between two floats as they can be: with Q the inverse of the divisor
// modulo 2^25 (or less it), Q * divisor is one beside a multiple of 2^25, so a / divisor is Q /
// 2^25 but for a part of 2^-25 / divisor; and Q is odd.
inline void add_near_halfway(std::vector<ExactInput>& inputs, size_t count, Prng& prng) {
    constexpr uint32_t kModulus = 1u << 25;
    for (size_t i = 0; i < count; ++i) {
        const uint32_t divisor = static_cast<uint32_t>(prng.next()) % (1u << 23) | 1u << 23 | 1u;
        uint32_t inverse = divisor;  // right in the lowest 3 bits; each step doubles that
        for (int step = 0; step < 4; ++step) inverse *= 2u - divisor * inverse;
        inverse %= kModulus;
        for (const uint32_t q : {inverse, kModulus - inverse}) {
            const uint64_t product = uint64_t{q} * divisor;
            const uint64_t dividend = (product + 1) / kModulus;  // to the nearest
            if (dividend < 1u << 23 || dividend >= 1u << 24) continue;
            const auto exponent = static_cast<uint32_t>(64 + prng.below(128));
            add(inputs, make_float(0, exponent, static_cast<uint32_t>(dividend)),
                make_float(i & 1, 127, divisor));
        }
    }
}

// Roots as near to halfway as they can be: with q * (q + 1) = c modulo 2^24 and c small, the
// radicand q * (q + 1) - c has a root that is q + 1/2 but for c / 2q.
inline void add_roots_near_halfway(std::vector<ExactInput>& inputs) {
    for (int32_t c = -4000; c <= 4000; c += 2) {
        for (const uint32_t start : {0u, 1u}) {
            uint32_t q = start;
            for (uint32_t bit = 1; bit < 24; ++bit) {  // one bit more is right after each turn
                const uint32_t off = q * (q + 1u) - static_cast<uint32_t>(c);
                if (off >> bit & 1u) q += 1u << bit;
            }
            q %= 1u << 24;
            if (q < 1u << 23) continue;
            const uint64_t square = uint64_t{q} * (q + 1) - static_cast<uint64_t>(int64_t{c});
            // In [2^46, 2^48): a mantissa times 2^23 or 2^24.
            const bool large = square >> 47 != 0;
            const auto mantissa = static_cast<uint32_t>(square >> (large ? 24 : 23));
            for (const uint32_t exponent : {1u, 63u, 127u, 191u, 253u}) {
                add(inputs, make_float(0, exponent + (large ? 1 : 0), mantissa), 1.0f);
            }
        }
    }
}

}  // namespace exact_inputs

// More than a million, the same for the same seed.
inline std::vector<ExactInput> make_exact_inputs(uint64_t seed) {
    Prng prng(seed);
    std::vector<ExactInput> inputs;
    exact_inputs::add_extremes(inputs);
    exact_inputs::add_roots_near_halfway(inputs);
    exact_inputs::add_near_halfway(inputs, 100'000, prng);
    exact_inputs::add_random(inputs, inputs.size() + (1u << 20), prng);
    return inputs;
}

// What exact_sqrt is tried with.
inline float radicand_of(const ExactInput& input) {
    return input.a == 0 ? input.a : std::fabs(input.a);
}

}  // namespace p2c2r::test
