// The steps that GLSL divides and takes roots by, compiled as C++: they give the results of / and
// std::sqrt wherever the estimate begins, so that this is known without a Vulkan device too.
#include "shaders/exact.h"

#include <doctest/doctest.h>

#include <limits>
#include <set>

#include "support/exact_inputs.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

TEST_CASE("the steps of a division and a root are exact for estimates 3 units off") {
    const std::vector<test::ExactInput> inputs = test::make_exact_inputs(test::seed());
    REQUIRE(inputs.size() >= 1'000'000);
    size_t wrong = 0;
    for (const test::ExactInput& input : inputs) {
        const uint32_t quotient = float_bits(input.a / input.b);
        const float radicand = test::radicand_of(input);
        const uint32_t root = float_bits(std::sqrt(radicand));
        for (int shift = -3; shift <= 3; ++shift) {
            const bool right = float_bits(exact_div_steps(input.a, input.b, shift)) == quotient &&
                               float_bits(exact_sqrt_steps(radicand, shift)) == root;
            if (!right && ++wrong <= 5) {
                MESSAGE(input.a << " / " << input.b << " with a shift of " << shift);
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("estimates may be off by 60 units in all and a wrong residual is noticed") {
    // The steps leave 27 units in a quotient and 13 in a root.
    const std::vector<test::ExactInput> inputs = test::make_exact_inputs(test::seed());
    size_t wrong = 0;
    size_t noticed = 0;
    for (size_t i = 0; i < inputs.size(); i += 50) {
        const test::ExactInput& input = inputs[i];
        const float radicand = test::radicand_of(input);
        for (const int shift : {-33, 33}) {
            wrong += float_bits(exact_div_steps(input.a, input.b, shift)) !=
                     float_bits(input.a / input.b);
            wrong +=
                float_bits(exact_sqrt_steps(radicand, shift)) != float_bits(std::sqrt(radicand));
        }
        // Far outside the residual no longer fits a word: the comparison above can fail.
        noticed +=
            float_bits(exact_div_steps(input.a, input.b, 5000)) != float_bits(input.a / input.b);
    }
    CHECK(wrong == 0);
    CHECK(noticed > 1000);
}

TEST_CASE("hard quotients and roots are among the inputs") {
    // How near to halfway: the residual of the quotient below by half a unit, in units of 2^-25.
    std::vector<test::ExactInput> inputs;
    Prng prng(test::seed());
    test::exact_inputs::add_near_halfway(inputs, 1000, prng);
    REQUIRE(inputs.size() > 500);
    for (const test::ExactInput& input : inputs) {
        const double quotient = std::fabs(double{input.a} / double{input.b});
        int exponent = 0;
        const double mantissa = std::frexp(quotient, &exponent) * (1 << 24);
        CHECK(std::fabs(mantissa - std::floor(mantissa) - 0.5) < 1e-6);
    }
    inputs.clear();
    test::exact_inputs::add_roots_near_halfway(inputs);
    REQUIRE(inputs.size() > 5000);
    for (const test::ExactInput& input : inputs) {
        int exponent = 0;
        const double mantissa = std::frexp(std::sqrt(double{input.a}), &exponent) * (1 << 24);
        CHECK(std::fabs(mantissa - std::floor(mantissa) - 0.5) < 0.001);
    }
}

TEST_CASE("signed zeros and quotients beyond the range are IEEE's and those below are zero") {
    const float largest = std::numeric_limits<float>::max();
    const float smallest = std::numeric_limits<float>::min();
    CHECK(float_bits(exact_div_steps(0.0f, 3.0f, 0)) == 0);
    CHECK(float_bits(exact_div_steps(-0.0f, 3.0f, 0)) == 0x80000000u);
    CHECK(float_bits(exact_div_steps(0.0f, -3.0f, 0)) == 0x80000000u);
    CHECK(float_bits(exact_div_steps(-0.0f, -3.0f, 0)) == 0);
    CHECK(float_bits(exact_sqrt_steps(0.0f, 0)) == 0);
    CHECK(float_bits(exact_sqrt_steps(-0.0f, 0)) == 0x80000000u);
    CHECK(exact_div_steps(largest, 0.5f, 0) == std::numeric_limits<float>::infinity());
    CHECK(exact_div_steps(largest, -smallest, 0) == -std::numeric_limits<float>::infinity());
    CHECK(exact_div_steps(largest, 1.0f, 0) == largest);
    CHECK(exact_div_steps(smallest, 1.0f, 0) == smallest);
    CHECK(float_bits(exact_div_steps(smallest, 1.5f, 0)) == 0);
    CHECK(float_bits(exact_div_steps(smallest, -1.5f, 0)) == 0x80000000u);
    CHECK(float_bits(flush_tiny(exact_div(smallest, -1.5f))) == 0);
    CHECK(float_bits(flush_tiny(exact_div_steps(smallest, -1.5f, 0))) == 0);
}

TEST_CASE("the helpers of shaders do what they say") {
    CHECK(float_bits(exact_min(0.0f, -0.0f)) == 0);
    CHECK(float_bits(exact_max(-0.0f, 0.0f)) == 0x80000000u);
    CHECK(exact_min(1.0f, 2.0f) == 1.0f);
    CHECK(exact_max(1.0f, 2.0f) == 2.0f);
    CHECK(exact_clamp(-7.0f, -1.0f, 1.0f) == -1.0f);
    CHECK(exact_clamp(7.0f, -1.0f, 1.0f) == 1.0f);
    CHECK(exact_floor_int(-0.5f) == -1);
    CHECK(exact_floor_int(2.75f) == 2);
    const float tiny = 0x1p-60f;
    CHECK(kTinyFloat == tiny);
    CHECK(flush_tiny(tiny) == tiny);
    CHECK(flush_tiny(-tiny) == -tiny);
    CHECK(float_bits(flush_tiny(-std::nextafter(tiny, 0.0f))) == 0);
    CHECK(float_bits(flush_tiny(std::numeric_limits<float>::denorm_min())) == 0);
}

TEST_CASE("the hash is one to one over what was tried and spreads neighbours") {
    std::set<uint32_t> seen;
    uint32_t flips[32] = {};
    constexpr uint32_t kCount = 20'000;
    for (uint32_t i = 0; i < kCount; ++i) {
        seen.insert(hash_u32(i));
        const uint32_t changed = hash_u32(i) ^ hash_u32(i + 1);
        for (uint32_t bit = 0; bit < 32; ++bit) flips[bit] += changed >> bit & 1;
    }
    CHECK(seen.size() == kCount);
    // Half of the cases; 5 standard deviations of chance are 0.018.
    for (const uint32_t count : flips) {
        CHECK(std::abs(static_cast<double>(count) / kCount - 0.5) < 0.02);
    }
}
