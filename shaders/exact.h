// Division, square root and other small things that kernels need in both languages with equal bits:
// one file for GLSL and C++ (namespace p2c2r::kernels).
//
//   exact_div(a, b), exact_sqrt(a)   the IEEE result, rounded to nearest even
//   exact_min, flush_tiny, hash_u32  and more: see below
//
// In C++ they are `/` and std::sqrt, which IEEE processors round correctly. Vulkan promises 2.5 ulp
// for a division and less for a root, and every driver errs in its own way, so GLSL builds both
// from what is exact everywhere: + - * and integers. An estimate by Newton steps comes first; then
// the residual a - q * b over the integer mantissas, which is exact, says by how much the estimate
// is off and mends it. The result depends on the residual alone: whatever a device makes of the
// estimate, it gives the same bits while it is within 60 units in the last place, twice what the
// steps leave.
//
// Domain, in which both languages agree bit for bit:
//   exact_div    a is a normal number or zero, b a normal number, the true quotient is zero or at
//                least 2^-126. The sign of zero is IEEE's; a quotient beyond the range is infinity.
//   exact_sqrt   a is a normal number above zero, or a zero, which comes back with its sign.
// Outside of it callers guard. What GLSL does there: a denormal dividend or radicand counts as zero
// of its sign, a quotient below 2^-126 is zero of its sign, the rest has no meaning (b = 0, a < 0,
// infinities, NaN). flush_tiny(exact_div(a, b)) agrees for small quotients too.
#ifndef P2C2R_SHADERS_EXACT_H
#define P2C2R_SHADERS_EXACT_H

#ifdef __cplusplus
#include <bit>
#include <cmath>
#include <cstdint>
// A function of both languages, and a parameter that it changes: `P2C2R_INOUT(Ray) ray`.
#define P2C2R_SHARED inline
#define P2C2R_INOUT(type) type&
namespace p2c2r::kernels {
using uint = uint32_t;

inline uint float_bits(float value) {
    return std::bit_cast<uint>(value);
}
inline float bits_float(uint bits) {
    return std::bit_cast<float>(bits);
}
inline float exact_abs(float value) {
    return std::fabs(value);
}
inline float exact_floor(float value) {
    return std::floor(value);
}
inline float exact_div(float a, float b) {
    return a / b;
}
inline float exact_sqrt(float a) {
    return std::sqrt(a);
}
#else
#define P2C2R_SHARED
#define P2C2R_INOUT(type) inout type

uint float_bits(float value) {
    return floatBitsToUint(value);
}
float bits_float(uint bits) {
    return uintBitsToFloat(bits);
}
float exact_abs(float value) {
    return abs(value);
}
float exact_floor(float value) {
    return floor(value);
}
#endif

// ---- small helpers ------------------------------------------------------------------------------

// GLSL leaves min and max of two zeros open; these do not: the second counts where it is less
// (greater), else the first.
P2C2R_SHARED float exact_min(float a, float b) {
    return b < a ? b : a;
}
P2C2R_SHARED float exact_max(float a, float b) {
    return b > a ? b : a;
}
P2C2R_SHARED float exact_clamp(float value, float low, float high) {
    return exact_min(exact_max(value, low), high);
}

// The largest integer that is not above; |value| < 2^31.
P2C2R_SHARED int exact_floor_int(float value) {
    return int(exact_floor(value));
}

const float kTinyFloat = 8.6736174e-19f;  // 2^-60

// +0 for everything nearer to zero than 2^-60, denormals included, whatever a device makes of
// those. The product of two values that survive is a normal number again.
P2C2R_SHARED float flush_tiny(float value) {
    return exact_abs(value) < kTinyFloat ? 0.0f : value;
}

// A word with bits that look random, one to one. Shifts and odd multipliers in turn, as in the
// finalisers of hash functions; the multipliers are the first bits of the golden ratio, of pi
// behind its 32nd binary place, and of e. Over inputs that differ in one bit, counters included,
// every output bit changes in half of the cases (within what chance leaves).
P2C2R_SHARED uint hash_u32(uint value) {
    value = (value ^ (value >> 16)) * 0x9E3779B1u;
    value = (value ^ (value >> 15)) * 0x85A308D3u;
    value = (value ^ (value >> 13)) * 0xB7E15163u;
    return value ^ (value >> 16);
}

// ---- the steps of GLSL's division and square root ----------------------------------------------
//
// They compile as C++ too, so that tests reach them on machines without Vulkan. `shift` is added to
// the estimate: 0 but in tests, which show that the residual mends it.

const uint kFloatSign = 0x80000000u;
const uint kFloatMantissa = 0x7FFFFFu;
const uint kFloatHidden = 0x800000u;  // the bit of a mantissa that is not stored
const uint kFloatOne = 0x3F800000u;
const uint kFloatInfinity = 0x7F800000u;

P2C2R_SHARED float exact_div_steps(float a, float b, int shift) {
    uint a_bits = float_bits(a);
    uint b_bits = float_bits(b);
    uint a_mantissa = (a_bits & kFloatMantissa) | kFloatHidden;
    uint b_mantissa = (b_bits & kFloatMantissa) | kFloatHidden;
    bool below = a_mantissa < b_mantissa;  // the quotient of the mantissas is below 1

    // 1 / m for m in [1, 2): a line that is off by 1/17 at most, then two Newton steps. All are
    // scaled a little so that what they leave is the same to both sides: 1.8e-3, then 1.6e-6.
    float m = bits_float((b_bits & kFloatMantissa) | kFloatOne);
    float inverse = 1.41298807f - 0.470996024f * m;
    inverse = inverse * (2.0017331f - m * inverse);
    inverse = inverse * (2.0000015f - m * inverse);

    // The mantissa of the quotient, in [2^23, 2^24), off by 27 units or less.
    float n = bits_float((a_bits & kFloatMantissa) | kFloatOne);
    int quotient = int(n * inverse * (below ? 16777216.0f : 8388608.0f)) + shift;

    // What remains of the dividend, modulo 2^32; the true value fits an int up to 127 units.
    uint dividend = a_mantissa << 23;
    dividend += below ? dividend : 0u;
    int divisor = int(b_mantissa);
    int rest = int(dividend - uint(quotient) * b_mantissa);
    int units = int(float(rest) * (inverse * 1.1920928955078125e-07f));  // 2^-23
    quotient += units;
    rest = (rest - units * divisor) * 2;
    // |rest| is below 2 * divisor and a little. To nearest; halfway cannot be: that quotient would
    // have 25 bits, and its product with the divisor more than the dividend has.
    quotient += (rest > divisor ? 1 : 0) - (rest < -divisor ? 1 : 0);

    // The hidden bit of the mantissa adds 1 to the exponent.
    int exponent = int((a_bits >> 23) & 0xFFu) - int((b_bits >> 23) & 0xFFu) + (below ? 126 : 127);
    uint bits = (uint(exponent - 1) << 23) + uint(quotient);
    bits = exponent > 254 ? kFloatInfinity : bits;
    bits = exponent < 1 || (a_bits & kFloatInfinity) == 0u ? 0u : bits;
    return bits_float(((a_bits ^ b_bits) & kFloatSign) | bits);
}

P2C2R_SHARED float exact_sqrt_steps(float a, int shift) {
    uint a_bits = float_bits(a);
    int exponent = int((a_bits >> 23) & 0xFFu) - 127;
    bool odd = (exponent & 1) != 0;

    // 1 / sqrt(x) for x in [1, 4): half the exponent by integers, off by 3.7e-2, then two Newton
    // steps. The first is scaled so that what it leaves is the same to both sides: 6.5e-4, then
    // 6.9e-7.
    uint x_bits = (a_bits & kFloatMantissa) | (odd ? 0x40000000u : kFloatOne);
    float x = bits_float(x_bits);
    float inverse = bits_float(0x5F1F4000u - (x_bits >> 1));
    inverse = inverse * (1.68840556f - 0.712138298f * (x * inverse * inverse));
    inverse = inverse * (1.5f - 0.5f * (x * inverse * inverse));

    // The mantissa of the root, in [2^23, 2^24), off by 13 units or less, and what its square
    // leaves of the mantissa of a, modulo 2^32; the true value fits an int up to 63 units.
    int root = int(x * inverse * 8388608.0f) + shift;
    uint square = ((a_bits & kFloatMantissa) | kFloatHidden) << 23;
    square += odd ? square : 0u;
    int rest = int(square - uint(root) * uint(root));
    int units = int(float(rest) * (inverse * 5.9604644775390625e-08f));  // 2^-24
    rest -= units * (root * 2 + units);
    root += units;
    // To nearest: (root + 1/2)^2 is root^2 + root + 1/4, which no integer is.
    root += (rest > root ? 1 : 0) - (rest <= -root ? 1 : 0);

    // The hidden bit of the mantissa adds 1 to the exponent.
    uint bits = (uint((exponent >> 1) + 126) << 23) + uint(root);
    uint zero = a_bits & kFloatSign;
    return bits_float((a_bits & kFloatInfinity) == 0u ? zero : bits);
}

#ifdef __cplusplus
}  // namespace p2c2r::kernels
#else
float exact_div(float a, float b) {
    return exact_div_steps(a, b, 0);
}
float exact_sqrt(float a) {
    return exact_sqrt_steps(a, 0);
}
#endif

#endif
