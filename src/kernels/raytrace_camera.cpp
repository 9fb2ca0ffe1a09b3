#include "kernels/raytrace_camera.h"

#include <cmath>

#include "kernels/raytrace_scene.h"

namespace p2c2r::kernels {

namespace {

constexpr double kLengthLeast = 1e-6;

double length(const double (&a)[3]) {
    return std::sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]);
}

void cross(const double (&a)[3], const double (&b)[3], double (&out)[3]) {
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

bool make_unit(double (&a)[3]) {
    const double size = length(a);
    if (!(size >= kLengthLeast)) return false;
    for (double& part : a) part /= size;
    return true;
}

// What is nearer to zero than 2^-60 is zero: see flush_tiny().
float word(double value) {
    return std::fabs(value) < 0x1p-60 ? 0.0f : static_cast<float>(value);
}

}  // namespace

double tangent_of_degrees(double degrees) {
    constexpr double kRadians = 0.017453292519943295;
    const double x = degrees * kRadians;
    const double square = x * x;
    // The power series; the first terms left out are below 1e-17 for x <= pi / 2.
    double sine = 0;
    double cosine = 0;
    for (int n = 12; n >= 0; --n) {
        cosine = 1 - square / ((2 * n + 1) * (2 * n + 2)) * cosine;
        sine = 1 - square / ((2 * n + 2) * (2 * n + 3)) * sine;
    }
    return x * sine / cosine;
}

std::optional<std::array<float, 12>> make_camera_words(const RtCamera& camera, uint32_t height) {
    double forward[3];
    double up[3];
    for (int axis = 0; axis < 3; ++axis) {
        forward[axis] = camera.direction[axis];
        up[axis] = camera.up[axis];
    }
    double right[3];
    double down[3];
    if (!make_unit(forward) || !make_unit(up)) return std::nullopt;
    cross(forward, up, right);
    if (!make_unit(right)) return std::nullopt;
    cross(forward, right, down);
    // Half the height of the picture at distance 1 is the tangent of half the angle; a step is
    // 1/1024 of a pixel, and pixels are square.
    const double step = tangent_of_degrees(camera.fov_degrees / 2) * 2 / height / 1024;
    std::array<float, 12> words;
    for (size_t axis = 0; axis < 3; ++axis) {
        words[axis] = rt_grid_place(camera.position[axis]);
        words[3 + axis] = word(forward[axis]);
        words[6 + axis] = word(right[axis] * step);
        words[9 + axis] = word(down[axis] * step);
    }
    return words;
}

}  // namespace p2c2r::kernels
