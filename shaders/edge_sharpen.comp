// Sharpens each sample by what was measured of its pixel: see upscale_edge.h. An invocation makes a
// word of the picture. Compiled once per CHANNELS, so that the division by it is one by a constant.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "upscale_edge.h"

layout(local_size_x = kEdgeGroupSize) in;

layout(std430, binding = 0) readonly buffer Image { uint image[]; };
layout(std430, binding = 1) readonly buffer Measure { uint measure[]; };
layout(std430, binding = 2) writeonly buffer Sharp { uint sharp[]; };
layout(push_constant) uniform Push { EdgeSlice slice; };

#include "edge_image.glsl"

int sharpened(int y, uint at) {
    uint x = at / CHANNELS;
    uint channel = at - x * CHANNELS;
    uint left = pixel_at(int(x) - 1) + channel;
    uint right = pixel_at(int(x) + 1) + channel;
    uint above = row_at(y - 1);
    uint here = row_at(y);
    uint below = row_at(y + 1);
    uint measured = measure[uint(y) * slice.source_width + x];
    int diagonal = sample_at(below, right) + sample_at(above, left) - sample_at(above, right) -
                   sample_at(below, left);
    return edge_sharpen(sample_at(here, at), sample_at(here, left) + sample_at(here, right),
                        sample_at(above, at) + sample_at(below, at), diagonal,
                        int(measured & 255u) - 64, int((measured >> 8) & 255u) - 64,
                        int(measured >> 16));
}

void main() {
    uint word = gl_GlobalInvocationID.x;
    if (word >= slice.units_per_row) return;
    int y = int(slice.row_first + gl_GlobalInvocationID.y);
    uint samples = slice.source_width * CHANNELS;
    uint packed = 0u;
    for (uint i = 0u; i < 4u; ++i) {
        uint at = word * 4u + i;
        if (at < samples) packed |= uint(sharpened(y, at)) << ((i << 3) & 31u);
    }
    sharp[uint(y) * slice.source_stride + word] = packed;
}
