// The directions in which a probe looks: over the half of the sphere around each of six axes, as
// densely as their share in what a surface facing there receives. So their plain mean is that
// light.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/raytrace_request.h"

namespace p2c2r::kernels {

// `count` unit vectors around +z, three floats each; the same on every machine.
std::vector<float> make_probe_directions(uint32_t count);

// Puts `directions`, turned to side 0..5 (+x, -x, +y, -y, +z, -z), into the frame.
void set_probe_side(RtFrame& frame, const std::vector<float>& directions, uint32_t side);

}  // namespace p2c2r::kernels
