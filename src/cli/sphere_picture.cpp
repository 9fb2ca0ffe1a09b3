#include "cli/sphere_picture.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "cli/vector3.h"

namespace p2c2r::cli {

namespace {

constexpr uint32_t kOversample = 2;
constexpr Color kBackground{24, 27, 34};
constexpr Color kFloor{58, 64, 76};
constexpr Color kEdge{120, 130, 150};
constexpr Color kText{225, 228, 235};
constexpr Color kCurve{255, 176, 64};
constexpr Color kGrid{52, 57, 68};

void set_pixel(Picture& picture, int x, int y, Color color) {
    if (x < 0 || y < 0 || x >= static_cast<int>(picture.width) ||
        y >= static_cast<int>(picture.height)) {
        return;
    }
    uint8_t* at = &picture.pixels[(static_cast<size_t>(y) * picture.width + x) * 3];
    at[0] = color.red;
    at[1] = color.green;
    at[2] = color.blue;
}

void draw_line(Picture& picture, double x0, double y0, double x1, double y1, int thick,
               Color color) {
    const double length = std::max({std::abs(x1 - x0), std::abs(y1 - y0), 1.0});
    for (double step = 0; step <= length; ++step) {
        const double part = step / length;
        const int x = static_cast<int>(std::lround(x0 + (x1 - x0) * part));
        const int y = static_cast<int>(std::lround(y0 + (y1 - y0) * part));
        for (int down = 0; down < thick; ++down) {
            for (int right = 0; right < thick; ++right) {
                set_pixel(picture, x + right, y + down, color);
            }
        }
    }
}

// A camera that looks at the box, and what it sees.
class View {
  public:
    View(const DrawnBox& box, uint32_t width, uint32_t height)
        : picture_(make_picture(width, height, kBackground)),
          depth_(size_t{width} * height, std::numeric_limits<double>::infinity()) {
        const Vector middle{(box.min[0] + box.max[0]) / 2, (box.min[1] + box.max[1]) / 2,
                            (box.min[2] + box.max[2]) / 2};
        const double across = std::max(box.max[0] - box.min[0], box.max[1] - box.min[1]);
        const double away = across * 1.6 + (box.max[2] - box.min[2]) / 2;
        eye_ = middle + Vector{0.25 * away, 0.35 * away, away};
        forward_ = unit(middle - eye_);
        right_ = unit(cross(forward_, {0, 1, 0}));
        up_ = cross(right_, forward_);
        focus_ = 0.76 * std::min(width, height) * away / across;
    }

    Picture take() { return std::move(picture_); }

    void draw_box(const DrawnBox& box) {
        const auto corner = [&](int index) {
            return Vector{index & 1 ? box.max[0] : box.min[0], index & 2 ? box.max[1] : box.min[1],
                          index & 4 ? box.max[2] : box.min[2]};
        };
        // The floor, by lines close to each other.
        for (int row = 0; row <= 1200; ++row) {
            const double z = box.min[2] + (box.max[2] - box.min[2]) * row / 1200;
            draw_edge({box.min[0], box.min[1], z}, {box.max[0], box.min[1], z}, 2, kFloor);
        }
        for (int from = 0; from < 8; ++from) {
            for (const int axis : {1, 2, 4}) {
                // The front stays open.
                if ((from & axis) != 0 || ((from & 4) != 0 && axis == 2)) continue;
                draw_edge(corner(from), corner(from | axis), 2, kEdge);
            }
        }
    }

    void draw_sphere(const DrawnSphere& sphere) {
        const Vector centre{sphere.position[0], sphere.position[1], sphere.position[2]};
        const Vector seen = to_camera(centre);
        if (seen.z < sphere.radius * 2) return;
        const double size = focus_ * sphere.radius / (seen.z - sphere.radius) + 2;
        const double at_x = column(seen), at_y = row(seen);
        const Vector light = unit({-0.5, 0.8, 0.55});
        for (int y = static_cast<int>(at_y - size); y <= static_cast<int>(at_y + size); ++y) {
            for (int x = static_cast<int>(at_x - size); x <= static_cast<int>(at_x + size); ++x) {
                if (x < 0 || y < 0 || x >= static_cast<int>(picture_.width) ||
                    y >= static_cast<int>(picture_.height)) {
                    continue;
                }
                const Vector ray =
                    unit(forward_ * focus_ + right_ * (x + 0.5 - picture_.width / 2.0) +
                         up_ * (picture_.height / 2.0 - y - 0.5));
                const Vector apart = eye_ - centre;
                const double along = dot(apart, ray);
                const double inside =
                    along * along - dot(apart, apart) + sphere.radius * sphere.radius;
                if (inside < 0) continue;
                const double distance = -along - std::sqrt(inside);
                double& nearest = depth_[static_cast<size_t>(y) * picture_.width + x];
                if (distance <= 0 || distance >= nearest) continue;
                nearest = distance;
                const Vector normal = unit(eye_ + ray * distance - centre);
                const double bright = 0.25 + 0.75 * std::max(0.0, dot(normal, light));
                const auto shade = [bright](uint8_t value) {
                    return static_cast<uint8_t>(std::min(255.0, value * bright));
                };
                set_pixel(
                    picture_, x, y,
                    {shade(sphere.color.red), shade(sphere.color.green), shade(sphere.color.blue)});
            }
        }
    }

  private:
    [[nodiscard]] Vector to_camera(const Vector& point) const {
        const Vector apart = point - eye_;
        return {dot(apart, right_), dot(apart, up_), dot(apart, forward_)};
    }
    [[nodiscard]] double column(const Vector& seen) const {
        return picture_.width / 2.0 + focus_ * seen.x / seen.z;
    }
    [[nodiscard]] double row(const Vector& seen) const {
        return picture_.height / 2.0 - focus_ * seen.y / seen.z;
    }
    void draw_edge(const Vector& from, const Vector& to, int thick, Color color) {
        const Vector a = to_camera(from), b = to_camera(to);
        if (a.z <= 0 || b.z <= 0) return;
        draw_line(picture_, column(a), row(a), column(b), row(b), thick, color);
    }

    Picture picture_;
    std::vector<double> depth_;
    Vector eye_{}, forward_{}, right_{}, up_{};
    double focus_ = 0;
};

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, std::abs(value) >= 100 ? "%.0f" : "%.2f", value);
    return text;
}

}  // namespace

Picture sphere_picture(const std::vector<DrawnSphere>& spheres, const DrawnBox& box, uint32_t width,
                       uint32_t height) {
    View view(box, width * kOversample, height * kOversample);
    view.draw_box(box);
    for (const DrawnSphere& sphere : spheres) view.draw_sphere(sphere);
    return shrink(view.take(), width, height);
}

Picture curve_picture(const std::vector<std::pair<double, double>>& points,
                      const std::string& title, const std::string& x_unit, uint32_t width,
                      uint32_t height) {
    Picture picture = make_picture(width, height, kBackground);
    draw_text(picture, title, 20, 14, 2, kText);
    if (points.size() < 2) return picture;
    const double left = 110, right = width - 30.0, top = 46, bottom = height - 44.0;
    double most = points[0].second;
    for (const auto& [x, y] : points) most = std::max(most, y);
    const double first = points.front().first, last = points.back().first;
    const auto at_x = [&](double x) {
        return left + (right - left) * (x - first) / (last - first);
    };
    const auto at_y = [&](double y) { return bottom - (bottom - top) * y / most; };
    for (int line = 0; line <= 4; ++line) {
        const double value = most * line / 4;
        draw_line(picture, left, at_y(value), right, at_y(value), 1, kGrid);
        draw_text(picture, number(value), 20, static_cast<uint32_t>(at_y(value)) - 7, 2, kText);
        const double time = first + (last - first) * line / 4;
        draw_line(picture, at_x(time), top, at_x(time), bottom, 1, kGrid);
        draw_text(picture, number(time) + x_unit,
                  static_cast<uint32_t>(std::min(at_x(time) - 20, width - 90.0)),
                  static_cast<uint32_t>(bottom) + 16, 2, kText);
    }
    for (size_t i = 1; i < points.size(); ++i) {
        draw_line(picture, at_x(points[i - 1].first), at_y(points[i - 1].second),
                  at_x(points[i].first), at_y(points[i].second), 3, kCurve);
    }
    return picture;
}

}  // namespace p2c2r::cli
