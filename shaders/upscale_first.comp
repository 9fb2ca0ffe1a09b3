// The horizontal pass of `upscale`: see upscale.h for the arithmetic and the buffers. Compiled once
// per CHANNELS (3 and 4), so that the division by it is one by a constant.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "upscale.h"

layout(local_size_x = kUpscaleGroupSize) in;

layout(std430, binding = 0) readonly buffer Image { uint image[]; };
layout(std430, binding = 1) readonly buffer Axis { uint axis[]; };
layout(std430, binding = 2) writeonly buffer Middle { uint middle[]; };
layout(push_constant) uniform Push { UpscaleSlice slice; };

// The 32 bits that begin at byte `at` of the image; the image has a word behind its end.
uint bytes_at(uint row_begin, uint at) {
#if CHANNELS == 4
    return image[row_begin + (at >> 2)];
#else
    uint word = row_begin + (at >> 2);
    uint bit = at << 3;
    // The upper part is shifted by 32 less the lower part's shift. That can be 32, which is not
    // defined, so it is done in two steps: 1 and the rest.
    return image[word] >> (bit & 31u) | (image[word + 1u] << 1) << (~bit & 31u);
#endif
}

// The samples of pixel x of the result, those beyond CHANNELS without meaning.
ivec4 filtered(uint row_begin, uint x) {
    uint entry = x * slice.axis_stride;
    uint at = axis[entry] * CHANNELS;
    uint weight = entry + kUpscaleAxisHead;
    uint weight_end = weight + axis[entry + 1u];
    ivec4 sums = ivec4(kUpscaleFirstRounding);
    for (; weight < weight_end; ++weight) {
        uint bytes = bytes_at(row_begin, at);
        ivec4 values = ivec4(int(bytes & 255u), int((bytes >> 8) & 255u),
                             int((bytes >> 16) & 255u), int(bytes >> 24));
        sums += values * int(axis[weight]);
        at += CHANNELS;
    }
    return sums >> kUpscaleFirstShift;
}

uint packed(int low, int high) { return (uint(low) & 0xFFFFu) | uint(high) << 16; }

void main() {
    uint pair = gl_GlobalInvocationID.x;
    if (pair >= slice.units_per_row) return;
    uint row = slice.row_first + gl_GlobalInvocationID.y;
    uint row_begin = (row - slice.source_row) * slice.source_stride;
    uint x = slice.column_first + pair * 2u;
    ivec4 left = filtered(row_begin, x);
    ivec4 right = filtered(row_begin, min(x + 1u, slice.column_last));
    uint target = (row - slice.target_row) * slice.target_stride + pair * CHANNELS;
#if CHANNELS == 4
    middle[target] = packed(left.x, left.y);
    middle[target + 1u] = packed(left.z, left.w);
    middle[target + 2u] = packed(right.x, right.y);
    middle[target + 3u] = packed(right.z, right.w);
#else
    middle[target] = packed(left.x, left.y);
    middle[target + 1u] = packed(left.z, right.x);
    middle[target + 2u] = packed(right.y, right.z);
#endif
}
