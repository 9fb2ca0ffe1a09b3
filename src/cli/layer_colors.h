// Layers of the ray tracer as pictures: false colours.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/picture.h"

namespace p2c2r::cli {

// A colour for each number, black for 0: neighbours in number differ in hue.
Picture id_colors(const std::vector<uint32_t>& ids, uint32_t width, uint32_t height);
// From bright yellow, the nearest, over red to dark blue; black where there is nothing (0).
Picture depth_colors(const std::vector<float>& depths, uint32_t width, uint32_t height);
// Each axis from -1..1 to a channel; black where there is nothing (0, 0, 0).
Picture normal_colors(const std::vector<int8_t>& normals, uint32_t width, uint32_t height);

// 0..1 linear to an sRGB byte.
uint8_t srgb_byte(double linear);

}  // namespace p2c2r::cli
