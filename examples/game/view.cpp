#include "view.h"

#include <algorithm>

namespace game {

namespace {

uint32_t packed(Vec color) {
    const auto byte = [](float value) {
        return static_cast<uint32_t>(std::clamp(value, 0.0F, 1.0F) * 255.0F + 0.5F);
    };
    return 0xFF000000U | byte(color.x) << 16 | byte(color.y) << 8 | byte(color.z);
}

Vec lit(Vec color, Vec normal, Vec point) {
    const float light = kAmbient + kSun * std::max(0.0F, dot(normal, normalised(kLight - point)));
    return color * light;
}

}  // namespace

Camera Camera::looking(Vec position, Vec at) {
    Camera camera;
    camera.position = position;
    camera.forward = normalised(at - position);
    camera.right = normalised(cross(camera.forward, {0, 1, 0}));
    camera.up = cross(camera.right, camera.forward);
    return camera;
}

bool project(const Camera& camera, int width, int height, Vec point, float& x, float& y) {
    const Vec to = point - camera.position;
    const float depth = dot(to, camera.forward);
    if (depth < 0.05F) return false;
    const float scale = static_cast<float>(height) / 2 / (camera.half_height() * depth);
    x = static_cast<float>(width) / 2 + dot(to, camera.right) * scale;
    y = static_cast<float>(height) / 2 - dot(to, camera.up) * scale;
    return true;
}

Rectangle rectangle_of(const Camera& camera, int width, int height, Vec centre, float radius) {
    float x = 0;
    float y = 0;
    const float depth = dot(centre - camera.position, camera.forward);
    if (depth <= radius + 0.05F || !project(camera, width, height, centre, x, y)) return {};
    const float reach =
        radius * static_cast<float>(height) / (2 * camera.half_height() * (depth - radius)) + 2;
    const int x0 = std::max(0, static_cast<int>(std::max(x - reach, 0.0F)));
    const int x1 = std::min(width, static_cast<int>(std::max(x + reach, -1.0F)) + 1);
    const int y0 = std::max(0, static_cast<int>(std::max(y - reach, 0.0F)));
    const int y1 = std::min(height, static_cast<int>(std::max(y + reach, -1.0F)) + 1);
    if (x1 <= x0 || y1 <= y0) return {};
    return {x0, y0, x1 - x0, y1 - y0};
}

View::View(int width, int height)
    : width_(width),
      height_(height),
      samples_(static_cast<size_t>(width) * static_cast<size_t>(height)),
      pixels_(samples_.size()) {}

// Through the pixel's centre; one metre along the forward axis.
Vec View::ray(int x, int y) const {
    const float unit = camera_.half_height() * 2 / static_cast<float>(height_);
    const float right = (static_cast<float>(x) + 0.5F - static_cast<float>(width_) / 2) * unit;
    const float up = (static_cast<float>(height_) / 2 - static_cast<float>(y) - 0.5F) * unit;
    return camera_.forward + camera_.right * right + camera_.up * up;
}

void View::draw(const World& world, const Camera& camera) {
    camera_ = camera;
    floor_rows();
    for (const Box& it : world.boxes()) box(it, kBoxColor);
    ball(world.statue(), world.statue_radius(), kMirrorColor, true);
    ball(world.player(), kBallRadius, kPlayerColor, false);
    for (const Chaser& it : world.chasers()) ball(it.position, kChaserRadius, kChaserColor, false);
    for (const Body& it : world.debris()) ball(it.position, kDebrisRadius, kDebrisColor, false);
}

// The floor is a chessboard below the sky.
void View::floor_rows() {
    for (int y = 0; y < height_; ++y) {
        for (int x = 0; x < width_; ++x) {
            Sample& sample = samples_[static_cast<size_t>(y) * static_cast<size_t>(width_) +
                                      static_cast<size_t>(x)];
            const Vec direction = ray(x, y);
            sample.is_mirror = false;
            if (direction.y > -0.02F) {
                sample.depth = 0;
                sample.color = sample.color_in_shadow = packed(kSkyColor);
                continue;
            }
            sample.depth = -camera_.position.y / direction.y;
            const Vec point = camera_.position + direction * sample.depth;
            const Cell cell = World::cell_of(point);
            const float tone = ((cell.x + cell.y) & 1) != 0 ? 1.0F : 0.86F;
            sample.color = packed(lit(kFloorColor * tone, {0, 1, 0}, point));
            sample.color_in_shadow = packed(kFloorColor * (tone * kAmbient));
        }
    }
}

void View::ball(Vec centre, float radius, Vec color, bool is_mirror) {
    const Rectangle part = rectangle_of(camera_, width_, height_, centre, radius);
    const Vec from = camera_.position - centre;
    const float c = dot(from, from) - radius * radius;
    for (int y = part.y; y < part.y + part.height; ++y) {
        for (int x = part.x; x < part.x + part.width; ++x) {
            const Vec direction = ray(x, y);
            const float a = dot(direction, direction);
            const float b = dot(from, direction);
            const float inside = b * b - a * c;
            if (inside <= 0) continue;
            const float t = (-b - std::sqrt(inside)) / a;
            Sample& sample = samples_[static_cast<size_t>(y) * static_cast<size_t>(width_) +
                                      static_cast<size_t>(x)];
            if (t <= 0.05F || (sample.depth > 0 && t >= sample.depth)) continue;
            const Vec point = camera_.position + direction * t;
            const Vec normal = (point - centre) * (1 / radius);
            sample.depth = t;
            sample.color = packed(lit(is_mirror ? color * 0.6F : color, normal, point));
            sample.color_in_shadow = packed(color * kAmbient);
            sample.is_mirror = is_mirror;
        }
    }
}

void View::box(const Box& it, Vec color) {
    const Vec a = it.min;
    const Vec b = it.max;
    const Vec top[4] = {{a.x, b.y, a.z}, {b.x, b.y, a.z}, {b.x, b.y, b.z}, {a.x, b.y, b.z}};
    const Vec south[4] = {{a.x, a.y, b.z}, {b.x, a.y, b.z}, {b.x, b.y, b.z}, {a.x, b.y, b.z}};
    const Vec north[4] = {{a.x, a.y, a.z}, {b.x, a.y, a.z}, {b.x, b.y, a.z}, {a.x, b.y, a.z}};
    const Vec west[4] = {{a.x, a.y, a.z}, {a.x, a.y, b.z}, {a.x, b.y, b.z}, {a.x, b.y, a.z}};
    const Vec east[4] = {{b.x, a.y, a.z}, {b.x, a.y, b.z}, {b.x, b.y, b.z}, {b.x, b.y, a.z}};
    face(top, {0, 1, 0}, color);
    face(south, {0, 0, 1}, color);
    face(north, {0, 0, -1}, color);
    face(west, {-1, 0, 0}, color);
    face(east, {1, 0, 0}, color);
}

// A flat quadrilateral: within its rectangle on the screen each ray meets its plane, and counts
// where the meeting point lies between the corners.
void View::face(const Vec (&corners)[4], Vec normal, Vec color) {
    const float plane = dot(normal, corners[0]);
    if (dot(normal, camera_.position) <= plane) return;  // seen from behind
    float x0 = 1e9F;
    float x1 = -1e9F;
    float y0 = 1e9F;
    float y1 = -1e9F;
    for (const Vec& corner : corners) {
        float x = 0;
        float y = 0;
        if (!project(camera_, width_, height_, corner, x, y)) {
            // Partly behind the camera: the whole screen is looked at.
            x0 = y0 = 0;
            x1 = static_cast<float>(width_);
            y1 = static_cast<float>(height_);
            break;
        }
        x0 = std::min(x0, x);
        x1 = std::max(x1, x);
        y0 = std::min(y0, y);
        y1 = std::max(y1, y);
    }
    Vec low = corners[0];
    Vec high = corners[0];
    for (const Vec& corner : corners) {
        low = {std::min(low.x, corner.x), std::min(low.y, corner.y), std::min(low.z, corner.z)};
        high = {std::max(high.x, corner.x), std::max(high.y, corner.y), std::max(high.z, corner.z)};
    }
    const float slack = 1e-3F;
    const auto clamped = [](float value, int limit) {
        return std::clamp(static_cast<int>(std::clamp(value, -1.0F, 1e6F)), 0, limit);
    };
    for (int y = clamped(y0, height_); y < std::min(height_, clamped(y1, height_) + 1); ++y) {
        for (int x = clamped(x0, width_); x < std::min(width_, clamped(x1, width_) + 1); ++x) {
            const Vec direction = ray(x, y);
            const float towards = dot(normal, direction);
            if (towards >= 0) continue;
            const float t = (plane - dot(normal, camera_.position)) / towards;
            Sample& sample = samples_[static_cast<size_t>(y) * static_cast<size_t>(width_) +
                                      static_cast<size_t>(x)];
            if (t <= 0.05F || (sample.depth > 0 && t >= sample.depth)) continue;
            const Vec p = camera_.position + direction * t;
            if (p.x < low.x - slack || p.x > high.x + slack || p.y < low.y - slack ||
                p.y > high.y + slack || p.z < low.z - slack || p.z > high.z + slack) {
                continue;
            }
            sample.depth = t;
            sample.color = packed(lit(color, normal, p));
            sample.color_in_shadow = packed(color * kAmbient);
            sample.is_mirror = false;
        }
    }
}

namespace {

// Shadow of the layer at a point of the world; outside of what it shows there is none.
bool is_shadowed(const ShadowLayer& layer, Vec point) {
    float u = 0;
    float v = 0;
    if (!project(layer.camera, layer.width, layer.height, point, u, v)) return false;
    if (u < 0 || v < 0 || u >= static_cast<float>(layer.width) ||
        v >= static_cast<float>(layer.height)) {
        return false;
    }
    const auto column = static_cast<size_t>(u);
    const size_t row_bytes = static_cast<size_t>(layer.width + 7) / 8;
    return (layer.bits[static_cast<size_t>(v) * row_bytes + column / 8] >> (column % 8) & 1) != 0;
}

// What the layer shows at a point of a mirror; 0: nothing.
uint32_t mirrored(const ReflectionLayer& layer, Vec point) {
    float u = 0;
    float v = 0;
    if (!project(layer.camera, layer.width, layer.height, point, u, v)) return 0;
    const int column = static_cast<int>(u) - layer.tile.x;
    const int row = static_cast<int>(v) - layer.tile.y;
    if (column < 0 || row < 0 || column >= layer.tile.width || row >= layer.tile.height) return 0;
    const uint8_t* rgb =
        layer.rgb.data() + (static_cast<size_t>(row) * static_cast<size_t>(layer.tile.width) +
                            static_cast<size_t>(column)) *
                               3;
    if ((rgb[0] | rgb[1] | rgb[2]) == 0) return 0;
    return 0xFF000000U | static_cast<uint32_t>(rgb[0]) << 16 | static_cast<uint32_t>(rgb[1]) << 8 |
           rgb[2];
}

}  // namespace

void View::compose(const ShadowLayer* shadows, const ReflectionLayer* reflections) {
    for (int y = 0; y < height_; ++y) {
        for (int x = 0; x < width_; ++x) {
            const size_t index =
                static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x);
            const Sample& sample = samples_[index];
            pixels_[index] = sample.color;
            if (sample.depth <= 0) continue;
            if (sample.is_mirror && reflections == nullptr) continue;
            if (!sample.is_mirror && shadows == nullptr) continue;
            const Vec point = camera_.position + ray(x, y) * sample.depth;
            if (sample.is_mirror) {
                if (const uint32_t color = mirrored(*reflections, point)) pixels_[index] = color;
            } else if (is_shadowed(*shadows, point)) {
                pixels_[index] = sample.color_in_shadow;
            }
        }
    }
}

}  // namespace game
