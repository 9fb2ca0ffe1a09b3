// Points spread over a disc, lifted to the sphere above it (Malley's method). The points are those
// of a two-dimensional golden-ratio sequence over the square around the disc that lie inside: no
// sines, and integers but for the root.
#include "kernels/raytrace_probes.h"

#include <bit>
#include <cmath>

#include "kernels/float_scope.h"

namespace p2c2r::kernels {

namespace {

float fine(double value) {
    return static_cast<float>(std::nearbyint(value * kRtFineGrid) / kRtFineGrid);
}

}  // namespace

std::vector<float> make_probe_directions(uint32_t count) {
    const FloatScope floats;
    std::vector<float> directions;
    directions.reserve(size_t{count} * 3);
    uint32_t x_word = 0x80000000u;
    uint32_t y_word = 0x80000000u;
    while (directions.size() < size_t{count} * 3) {
        const double x = static_cast<double>(x_word >> 8) / (kRtFineGrid / 2) - 1;
        const double y = static_cast<double>(y_word >> 8) / (kRtFineGrid / 2) - 1;
        x_word += 0xC13FA9A9u;
        y_word += 0x91E10DA5u;
        const double rest = 1 - x * x - y * y;
        if (rest <= 0) continue;
        directions.insert(directions.end(), {fine(x), fine(y), fine(std::sqrt(rest))});
    }
    return directions;
}

void set_probe_side(RtFrame& frame, const std::vector<float>& directions, uint32_t side) {
    const uint32_t axis = side / 2;
    const float sign = side % 2 == 0 ? 1.0f : -1.0f;
    for (size_t i = 0; i < directions.size(); i += 3) {
        // (x, y, z) of +z becomes the components behind the axis, in turn.
        float turned[3];
        turned[axis] = directions[i + 2] * sign;
        turned[(axis + 1) % 3] = directions[i];
        turned[(axis + 2) % 3] = directions[i + 1];
        for (size_t part = 0; part < 3; ++part) {
            frame[kRtFrameWords + i + part] = std::bit_cast<uint32_t>(turned[part]);
        }
    }
}

}  // namespace p2c2r::kernels
