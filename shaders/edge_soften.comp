// Takes back most of what shoots over the source samples around: see upscale_edge.h. An invocation
// makes a word of a tile of the result. Compiled once per CHANNELS.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "upscale_edge.h"

layout(local_size_x = kEdgeGroupSize) in;

layout(std430, binding = 0) readonly buffer Image { uint image[]; };
layout(std430, binding = 1) readonly buffer Nearest { uint nearest[]; };
layout(std430, binding = 2) readonly buffer Result { uint result[]; };
layout(std430, binding = 3) writeonly buffer Softened { uint softened[]; };
layout(push_constant) uniform Push { EdgeSlice slice; };

#include "edge_image.glsl"

void main() {
    uint word = gl_GlobalInvocationID.x;
    if (word >= slice.units_per_row) return;
    uint row = slice.row_first + gl_GlobalInvocationID.y;
    int source_row = int(nearest[slice.result_width + row]);
    uint above = row_at(source_row - 1);
    uint here = row_at(source_row);
    uint below = row_at(source_row + 1);
    uint target = (row - slice.target_row) * slice.result_stride + word;
    uint samples = result[target];
    uint packed = 0u;
    for (uint i = 0u; i < 4u; ++i) {
        uint at = word * 4u + i;
        uint x = at / CHANNELS;
        uint channel = at - x * CHANNELS;
        // What stands behind the last pixel of a row is nobody's.
        uint column = min(slice.column_first + x, slice.result_width - 1u);
        int pixel = int(nearest[column]);
        int low = 255;
        int high = 0;
        for (int k = -1; k <= 1; ++k) {
            uint from = pixel_at(pixel + k) + channel;
            int upper = sample_at(above, from);
            int middle = sample_at(here, from);
            int lower = sample_at(below, from);
            low = min(low, min(upper, min(middle, lower)));
            high = max(high, max(upper, max(middle, lower)));
        }
        int value = int((samples >> ((i << 3) & 31u)) & 255u);
        packed |= uint(edge_soften(value, low, high)) << ((i << 3) & 31u);
    }
    softened[target] = packed;
}
