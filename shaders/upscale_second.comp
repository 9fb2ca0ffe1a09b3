// The vertical pass of `upscale`: see upscale.h for the arithmetic and the buffers. Samples of a row
// are alike here, whatever their channel.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "upscale.h"

layout(local_size_x = kUpscaleGroupSize) in;

layout(std430, binding = 0) readonly buffer Middle { uint middle[]; };
layout(std430, binding = 1) readonly buffer Axis { uint axis[]; };
layout(std430, binding = 2) writeonly buffer Image { uint image[]; };
layout(push_constant) uniform Push { UpscaleSlice slice; };

uint finished(int sum) { return uint(clamp(sum >> kUpscaleSecondShift, 0, 255)); }

void main() {
    uint word = gl_GlobalInvocationID.x;
    if (word >= slice.units_per_row) return;
    uint row = slice.row_first + gl_GlobalInvocationID.y;
    uint entry = row * slice.axis_stride;
    uint at = (axis[entry] - slice.source_row) * slice.source_stride + word * 2u;
    uint weight = entry + kUpscaleAxisHead;
    uint weight_end = weight + axis[entry + 1u];
    ivec4 sums = ivec4(kUpscaleSecondRounding);
    for (; weight < weight_end; ++weight) {
        uint low = middle[at];
        uint high = middle[at + 1u];
        ivec4 values =
            ivec4(int(low << 16) >> 16, int(low) >> 16, int(high << 16) >> 16, int(high) >> 16);
        sums += values * int(axis[weight]);
        at += slice.source_stride;
    }
    image[(row - slice.target_row) * slice.target_stride + word] =
        finished(sums.x) | finished(sums.y) << 8 | finished(sums.z) << 16 |
        finished(sums.w) << 24;
}
