#include "cli/local_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "cli/layer_colors.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr double kNear = 1e-6;
constexpr double kSameSurface = 0.03;  // of the distance: so far apart is another surface
constexpr int kSeek = 1;               // pixels around, where an edge has moved

Vector vector_of(const json& numbers) {
    return {numbers.at(0), numbers.at(1), numbers.at(2)};
}

Vector times(const Vector& a, const Vector& b) {
    return {a.x * b.x, a.y * b.y, a.z * b.z};
}

// To an sRGB byte, by steps that no eye tells apart.
uint8_t shown(double linear) {
    static const std::array<uint8_t, 4096> table = [] {
        std::array<uint8_t, 4096> bytes{};
        for (size_t i = 0; i < bytes.size(); ++i) {
            bytes[i] = srgb_byte(static_cast<double>(i) / (bytes.size() - 1));
        }
        return bytes;
    }();
    return table[static_cast<size_t>(std::clamp(linear, 0.0, 1.0) * (table.size() - 1) + 0.5)];
}

}  // namespace

ViewCamera ViewCamera::looking(const Vector& position, const Vector& at, double fov_deg) {
    const Vector forward = unit(at - position);
    const Vector right = unit(cross(forward, {0, 1, 0}));
    return {position, forward,
            right,    cross(right, forward),
            fov_deg,  std::tan(fov_deg * 3.14159265358979 / 360)};
}

json ViewCamera::params() const {
    return {{"position", {position.x, position.y, position.z}},
            {"direction", {forward.x, forward.y, forward.z}},
            {"fov_deg", fov_deg}};
}

LocalView::LocalView(const json& scene, uint32_t width, uint32_t height)
    : width_(width), height_(height), ambient_(scene.value("ambient", 0.0)) {
    background_ = vector_of(scene.value("background", json{0, 0, 0}));
    for (const json& it : scene.at("objects")) {
        const std::string type = it.at("type");
        const std::string material = it.value("material", "diffuse");
        Object object{};
        object.color = vector_of(it.value("color", json{1, 1, 1}));
        object.is_mirror = material == "mirror" || material == "dielectric";
        if (type == "sphere") {
            object.kind = Object::Kind::kSphere;
            object.a = vector_of(it.at("position"));
            object.radius = it.at("radius");
        } else if (type == "box") {
            object.kind = Object::Kind::kBox;
            object.a = vector_of(it.at("min"));
            object.b = vector_of(it.at("max"));
        } else {
            object.kind = Object::Kind::kPlane;
            object.a = vector_of(it.at("position"));
            object.b = unit(vector_of(it.at("normal")));
        }
        objects_.push_back(object);
    }
    for (const json& it : scene.at("lights")) {
        lights_.push_back(
            {vector_of(it.at("position")),
             vector_of(it.value("color", json{1, 1, 1})) * it.value("intensity", 1.0)});
    }
}

Vector LocalView::ray(const ViewCamera& camera, uint32_t x, uint32_t y) const {
    const double step = 2 * camera.half_height / height_;
    return unit(camera.forward + camera.right * ((x + 0.5 - width_ / 2.0) * step) -
                camera.up * ((y + 0.5 - height_ / 2.0) * step));
}

// Infinite: it is not met.
double LocalView::distance_to(const Object& object, const Vector& from, const Vector& direction) {
    constexpr double kNever = std::numeric_limits<double>::infinity();
    if (object.kind == Object::Kind::kPlane) {
        const double towards = dot(object.b, direction);
        if (std::abs(towards) < kNear) return kNever;
        const double distance = dot(object.b, object.a - from) / towards;
        return distance > kNear ? distance : kNever;
    }
    if (object.kind == Object::Kind::kSphere) {
        const Vector to = object.a - from;
        const double along = dot(to, direction);
        const double within = along * along - dot(to, to) + object.radius * object.radius;
        if (within < 0) return kNever;
        const double distance = along - std::sqrt(within);
        return distance > kNear ? distance : kNever;
    }
    double first = 0;
    double last = kNever;
    for (const double Vector::*axis : {&Vector::x, &Vector::y, &Vector::z}) {
        const double one = (object.a.*axis - from.*axis) / direction.*axis;
        const double two = (object.b.*axis - from.*axis) / direction.*axis;
        first = std::max(first, std::min(one, two));
        last = std::min(last, std::max(one, two));
    }
    return first > kNear && first <= last ? first : kNever;
}

Vector LocalView::normal_at(const Object& object, const Vector& place, const Vector& seen_along) {
    if (object.kind == Object::Kind::kPlane) {
        return dot(object.b, seen_along) < 0 ? object.b : object.b * -1;
    }
    if (object.kind == Object::Kind::kSphere) return unit(place - object.a);
    // The side that is nearest.
    Vector normal{};
    double nearest = std::numeric_limits<double>::infinity();
    for (double Vector::*axis : {&Vector::x, &Vector::y, &Vector::z}) {
        for (const double sign : {-1.0, 1.0}) {
            const double side = (sign < 0 ? object.a : object.b).*axis;
            const double away = std::abs(place.*axis - side);
            if (away >= nearest) continue;
            nearest = away;
            normal = {};
            normal.*axis = sign;
        }
    }
    return normal;
}

ViewFrame LocalView::look(const ViewCamera& camera) const {
    ViewFrame frame{camera, std::vector<ViewHit>(size_t{width_} * height_)};
    for (size_t i = 0; i < objects_.size(); ++i) {
        const ViewTile tile = tile_of(camera, objects_[i]);
        for (uint32_t y = tile.y; y < tile.y + tile.height; ++y) {
            for (uint32_t x = tile.x; x < tile.x + tile.width; ++x) {
                const double distance =
                    distance_to(objects_[i], camera.position, ray(camera, x, y));
                ViewHit& hit = frame.hits[size_t{y} * width_ + x];
                if (std::isinf(distance)) continue;
                if (hit.object >= 0 && distance >= hit.distance) continue;
                hit = {static_cast<float>(distance), static_cast<int32_t>(i)};
            }
        }
    }
    return frame;
}

size_t LocalView::pixel_of(const ViewFrame& frame, const Vector& place, int32_t object) const {
    const size_t none = size_t{width_} * height_;
    const Vector to = place - frame.camera.position;
    const double depth = dot(to, frame.camera.forward);
    if (depth <= kNear) return none;
    const double focus = height_ / (2 * frame.camera.half_height) / depth;
    const double u = width_ / 2.0 + dot(to, frame.camera.right) * focus;
    const double v = height_ / 2.0 - dot(to, frame.camera.up) * focus;
    if (!(u >= 0 && v >= 0 && u < width_ && v < height_)) return none;
    const double distance = std::sqrt(dot(to, to));
    const int column = static_cast<int>(u);
    const int row = static_cast<int>(v);
    const size_t middle = static_cast<size_t>(row) * width_ + static_cast<size_t>(column);
    if (frame.hits[middle].object == object) return middle;
    // Or one beside it: at an edge that pixel may show what is in front.
    size_t best = none;
    double best_away = kSameSurface * distance;
    for (int y = std::max(0, row - kSeek); y <= std::min<int>(row + kSeek, height_ - 1); ++y) {
        for (int x = std::max(0, column - kSeek); x <= std::min<int>(column + kSeek, width_ - 1);
             ++x) {
            const size_t at = static_cast<size_t>(y) * width_ + static_cast<size_t>(x);
            const ViewHit& hit = frame.hits[at];
            if (hit.object != object) continue;
            const double away = std::abs(hit.distance - distance);
            if (away >= best_away) continue;
            best_away = away;
            best = at;
        }
    }
    return best;
}

Picture LocalView::shade(const ViewFrame& frame, const ShadowMasks& shadows,
                         const MirrorColors& mirrors) const {
    Picture picture = make_picture(width_, height_, {0, 0, 0});
    const size_t none = size_t{width_} * height_;
    const size_t row_bytes = (width_ + size_t{7}) / 8;
    for (uint32_t y = 0; y < height_; ++y) {
        for (uint32_t x = 0; x < width_; ++x) {
            const size_t at = size_t{y} * width_ + x;
            const ViewHit& hit = frame.hits[at];
            Vector color = background_;
            if (hit.object >= 0) {
                const Object& object = objects_[static_cast<size_t>(hit.object)];
                const Vector direction = ray(frame.camera, x, y);
                const Vector place = frame.camera.position + direction * hit.distance;
                const Vector normal = normal_at(object, place, direction);
                const size_t masked =
                    shadows.of != nullptr ? pixel_of(*shadows.of, place, hit.object) : none;
                Vector light{ambient_, ambient_, ambient_};
                for (size_t i = 0; i < lights_.size(); ++i) {
                    const double towards = dot(normal, unit(lights_[i].position - place));
                    if (towards <= 0) continue;
                    if (masked != none) {
                        const size_t byte =
                            i * mask_bytes() + masked / width_ * row_bytes + masked % width_ / 8;
                        const auto bits = static_cast<uint8_t>(shadows.bits[byte]);
                        if ((bits >> (masked % width_ % 8) & 1) != 0) continue;
                    }
                    light = light + lights_[i].color * towards;
                }
                color = times(object.color, light);
                if (object.is_mirror && mirrors.of != nullptr) {
                    const size_t seen = pixel_of(*mirrors.of, place, hit.object);
                    const auto column = static_cast<uint32_t>(seen % width_) - mirrors.tile.x;
                    const auto row = static_cast<uint32_t>(seen / width_) - mirrors.tile.y;
                    if (seen != none && column < mirrors.tile.width && row < mirrors.tile.height) {
                        const size_t first = (size_t{row} * mirrors.tile.width + column) * 3;
                        const auto channel = [&](size_t c) {
                            return static_cast<uint8_t>(mirrors.rgb[first + c]) / 255.0;
                        };
                        color = {channel(0), channel(1), channel(2)};
                    }
                }
            }
            uint8_t* pixel = &picture.pixels[at * 3];
            pixel[0] = shown(color.x);
            pixel[1] = shown(color.y);
            pixel[2] = shown(color.z);
        }
    }
    return picture;
}

ViewTile LocalView::tile_of(const ViewCamera& camera, const Object& object) const {
    if (object.kind == Object::Kind::kPlane) return {0, 0, width_, height_};
    // A ball is within its box.
    const Vector size{object.radius, object.radius, object.radius};
    const bool is_ball = object.kind == Object::Kind::kSphere;
    const Vector low = is_ball ? object.a - size : object.a;
    const Vector high = is_ball ? object.a + size : object.b;
    double left = width_, top = height_, right = 0, bottom = 0;
    for (int corner = 0; corner < 8; ++corner) {
        const Vector to =
            Vector{(corner & 1) != 0 ? high.x : low.x, (corner & 2) != 0 ? high.y : low.y,
                   (corner & 4) != 0 ? high.z : low.z} -
            camera.position;
        const double depth = dot(to, camera.forward);
        if (depth <= kNear) return {0, 0, width_, height_};
        const double focus = height_ / (2 * camera.half_height) / depth;
        left = std::min(left, width_ / 2.0 + dot(to, camera.right) * focus);
        right = std::max(right, width_ / 2.0 + dot(to, camera.right) * focus);
        top = std::min(top, height_ / 2.0 - dot(to, camera.up) * focus);
        bottom = std::max(bottom, height_ / 2.0 - dot(to, camera.up) * focus);
    }
    const auto within = [](double value, uint32_t most) {
        return static_cast<uint32_t>(std::clamp(value, 0.0, static_cast<double>(most)));
    };
    const uint32_t x = within(std::floor(left), width_), y = within(std::floor(top), height_);
    const uint32_t end_x = within(std::ceil(right), width_);
    const uint32_t end_y = within(std::ceil(bottom), height_);
    if (end_x <= x || end_y <= y) return {};
    return {x, y, end_x - x, end_y - y};
}

ViewTile LocalView::mirror_tile(const ViewCamera& camera) const {
    uint32_t left = width_, top = height_, right = 0, bottom = 0;
    for (const Object& object : objects_) {
        if (!object.is_mirror) continue;
        const ViewTile tile = tile_of(camera, object);
        if (tile.width == 0) continue;
        left = std::min(left, tile.x);
        top = std::min(top, tile.y);
        right = std::max(right, tile.x + tile.width);
        bottom = std::max(bottom, tile.y + tile.height);
    }
    if (right <= left) return {};
    return {left, top, right - left, bottom - top};
}

}  // namespace p2c2r::cli
