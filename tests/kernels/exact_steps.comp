// exact_div and exact_sqrt with every estimate moved by -3 to 3 units: all must give one result.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "tests/kernels/exact_steps.h"

layout(local_size_x = kExactGroupSize) in;

layout(std430, binding = 0) readonly buffer Inputs { float inputs[]; };
layout(std430, binding = 1) writeonly buffer Outputs { uint outputs[]; };
layout(push_constant) uniform Push { uint count; };

void main() {
    uint place = gl_GlobalInvocationID.x;
    if (place >= count) return;
    float a = inputs[place * kExactInputWords];
    float b = inputs[place * kExactInputWords + 1u];
    float radicand = float_bits(a) == kFloatSign ? a : exact_abs(a);
    uint quotient = float_bits(exact_div(a, b));
    uint root = float_bits(exact_sqrt(radicand));
    uint differing = 0u;
    for (int shift = -kExactShiftMax; shift <= kExactShiftMax; ++shift) {
        differing += float_bits(exact_div_steps(a, b, shift)) == quotient ? 0u : 1u;
        differing += float_bits(exact_sqrt_steps(radicand, shift)) == root ? 0u : 256u;
    }
    outputs[place * kExactOutputWords] = quotient;
    outputs[place * kExactOutputWords + 1u] = root;
    outputs[place * kExactOutputWords + 2u] = differing;
    outputs[place * kExactOutputWords + 3u] = helpers_word(a, b);
}
