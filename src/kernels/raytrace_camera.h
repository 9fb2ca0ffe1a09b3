// The camera as the frame holds it, in doubles of + - * / and square root only: the same words on
// every machine.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace p2c2r::kernels {

struct RtCamera {
    double position[3] = {};
    double direction[3] = {0, 0, -1};  // of any length
    double up[3] = {0, 1, 0};
    double fov_degrees = 60;  // vertical
};

// Words kRtFrameOrigin to kRtFrameDown + 2 of a frame. Nothing where direction or up has no length,
// or both are parallel. `height` of the picture in pixels.
std::optional<std::array<float, 12>> make_camera_words(const RtCamera& camera, uint32_t height);

// tan of an angle from 0 to 89 degrees.
double tangent_of_degrees(double degrees);

}  // namespace p2c2r::kernels
