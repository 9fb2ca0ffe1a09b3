#include "cli/layer_colors.h"

#include <algorithm>
#include <cmath>

namespace p2c2r::cli {

namespace {

void put(Picture& picture, size_t pixel, double red, double green, double blue) {
    uint8_t* const bytes = &picture.pixels[pixel * 3];
    bytes[0] = static_cast<uint8_t>(red * 255 + 0.5);
    bytes[1] = static_cast<uint8_t>(green * 255 + 0.5);
    bytes[2] = static_cast<uint8_t>(blue * 255 + 0.5);
}

// A channel of the hue 0..1, pale enough to look at.
double hue_channel(double hue, double offset) {
    const double turned = std::fmod(hue + offset, 1.0) * 6;
    return 0.25 + 0.7 * std::clamp(std::abs(turned - 3) - 1, 0.0, 1.0);
}

}  // namespace

Picture id_colors(const std::vector<uint32_t>& ids, uint32_t width, uint32_t height) {
    Picture picture = make_picture(width, height, {0, 0, 0});
    for (size_t i = 0; i < ids.size(); ++i) {
        if (ids[i] == 0) continue;
        const double hue = std::fmod(ids[i] * 0.618033988749895, 1.0);  // the golden section
        put(picture, i, hue_channel(hue, 0), hue_channel(hue, 2.0 / 3), hue_channel(hue, 1.0 / 3));
    }
    return picture;
}

Picture depth_colors(const std::vector<float>& depths, uint32_t width, uint32_t height) {
    Picture picture = make_picture(width, height, {0, 0, 0});
    float nearest = 0;
    for (const float depth : depths) {
        if (depth > 0 && (nearest == 0 || depth < nearest)) nearest = depth;
    }
    // By the inverse: what is twice as far is half as bright, a plane's horizon is dark.
    constexpr double kStops[][3] = {{0.05, 0.03, 0.25},
                                    {0.45, 0.1, 0.45},
                                    {0.87, 0.32, 0.28},
                                    {0.99, 0.72, 0.25},
                                    {1, 1, 0.75}};
    for (size_t i = 0; i < depths.size(); ++i) {
        if (!(depths[i] > 0)) continue;
        const double at = std::clamp<double>(nearest / depths[i], 0, 1) * 4;
        const auto stop = std::min<size_t>(static_cast<size_t>(at), 3);
        const double share = at - static_cast<double>(stop);
        double mixed[3];
        for (size_t c = 0; c < 3; ++c) {
            mixed[c] = kStops[stop][c] * (1 - share) + kStops[stop + 1][c] * share;
        }
        put(picture, i, mixed[0], mixed[1], mixed[2]);
    }
    return picture;
}

Picture normal_colors(const std::vector<int8_t>& normals, uint32_t width, uint32_t height) {
    Picture picture = make_picture(width, height, {0, 0, 0});
    for (size_t i = 0; i + 2 < normals.size(); i += 3) {
        if (normals[i] == 0 && normals[i + 1] == 0 && normals[i + 2] == 0) continue;
        put(picture, i / 3, (normals[i] + 127) / 254.0, (normals[i + 1] + 127) / 254.0,
            (normals[i + 2] + 127) / 254.0);
    }
    return picture;
}

uint8_t srgb_byte(double linear) {
    const double value = std::clamp(linear, 0.0, 1.0);
    const double encoded =
        value <= 0.0031308 ? 12.92 * value : 1.055 * std::pow(value, 1 / 2.4) - 0.055;
    return static_cast<uint8_t>(encoded * 255 + 0.5);
}

}  // namespace p2c2r::cli
