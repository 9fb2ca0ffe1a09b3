// Looks at the 5 x 5 window of each pixel: see upscale_edge.h for the arithmetic and the buffers.
// Compiled once per CHANNELS.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "upscale_edge.h"

layout(local_size_x = kEdgeGroupSize) in;

layout(std430, binding = 0) readonly buffer Image { uint image[]; };
layout(std430, binding = 1) writeonly buffer Measure { uint measure[]; };
layout(push_constant) uniform Push { EdgeSlice slice; };

#include "edge_image.glsl"

int luma_at(uint row_begin, int x) {
    uint at = pixel_at(x);
    return edge_luma(sample_at(row_begin, at), sample_at(row_begin, at + 1u),
                     sample_at(row_begin, at + 2u));
}

void main() {
    if (gl_GlobalInvocationID.x >= slice.units_per_row) return;
    int x = int(gl_GlobalInvocationID.x);
    int y = int(slice.row_first + gl_GlobalInvocationID.y);
    int luma[25];
    int low = 255;
    int high = 0;
    for (int i = 0; i < 5; ++i) {
        uint row_begin = row_at(y + i - 2);
        for (int k = 0; k < 5; ++k) {
            int value = luma_at(row_begin, x + k - 2);
            luma[i * 5 + k] = value;
            low = min(low, value);
            high = max(high, value);
        }
    }
    int step = 0;
    for (int i = 0; i < 5; ++i) {
        for (int k = 0; k < 4; ++k) {
            step = max(step, abs(luma[i * 5 + k + 1] - luma[i * 5 + k]));
            step = max(step, abs(luma[k * 5 + i + 5] - luma[k * 5 + i]));
        }
    }
    int xx = 0;
    int xy = 0;
    int yy = 0;
    for (int i = 1; i < 4; ++i) {
        for (int k = 1; k < 4; ++k) {
            int at = i * 5 + k;
            int gx = luma[at - 4] - luma[at - 6] + 2 * (luma[at + 1] - luma[at - 1]) +
                     luma[at + 6] - luma[at + 4];
            int gy = luma[at + 4] + 2 * luma[at + 5] + luma[at + 6] - luma[at - 6] -
                     2 * luma[at - 5] - luma[at - 4];
            int share = (i == 2 ? 2 : 1) * (k == 2 ? 2 : 1);
            xx += share * gx * gx;
            xy += share * gx * gy;
            yy += share * gy * gy;
        }
    }
    int cosine;
    int sine;
    edge_direction(edge_mean(xx), edge_mean(xy), edge_mean(yy), cosine, sine);
    int weight = edge_weight(high - low, step);
    measure[uint(y) * slice.source_width + uint(x)] =
        uint(cosine + 64) | uint(sine + 64) << 8 | uint(weight) << 16;
}
