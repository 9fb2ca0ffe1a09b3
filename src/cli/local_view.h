// The picture that a gamer's own machine draws of a scene of a few spheres, boxes and planes: each
// in plain light, without shadows and without mirrors, and how far each pixel is. Layers that
// others have computed for an earlier camera are laid by the place in the world that a pixel shows.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/picture.h"
#include "cli/vector3.h"

namespace p2c2r::cli {

struct ViewCamera {
    Vector position, forward, right, up;
    double fov_deg;
    double half_height;  // of the picture, at a distance of one

    static ViewCamera looking(const Vector& position, const Vector& at, double fov_deg);
    [[nodiscard]] nlohmann::json params() const;  // as ray-tracing tasks have it
};

struct ViewTile {
    uint32_t x = 0, y = 0, width = 0, height = 0;
};

// What each pixel shows.
struct ViewHit {
    float distance = 0;   // from the camera
    int32_t object = -1;  // of the scene; -1: nothing is there
};
struct ViewFrame {
    ViewCamera camera;
    std::vector<ViewHit> hits;
};

// Layers for the camera of `of`, as the tasks' results have them.
struct ShadowMasks {
    const ViewFrame* of = nullptr;  // nullptr: there is none
    std::string bits;               // a mask a light, one after the other
};
struct MirrorColors {
    const ViewFrame* of = nullptr;
    ViewTile tile;
    std::string rgb;  // linear
};

class LocalView {
  public:
    // Params of a ray-tracing task: `objects` of spheres, boxes and planes, `lights`, `ambient`,
    // `background`.
    LocalView(const nlohmann::json& scene, uint32_t width, uint32_t height);

    [[nodiscard]] ViewFrame look(const ViewCamera& camera) const;
    [[nodiscard]] Picture shade(const ViewFrame& frame, const ShadowMasks& shadows,
                                const MirrorColors& mirrors) const;
    // The part of the picture that mirrors and glass of the scene may cover; of no size: none.
    [[nodiscard]] ViewTile mirror_tile(const ViewCamera& camera) const;
    [[nodiscard]] size_t lights() const { return lights_.size(); }
    [[nodiscard]] size_t mask_bytes() const { return (width_ + size_t{7}) / 8 * height_; }

  private:
    struct Object {
        enum class Kind { kSphere, kBox, kPlane } kind;
        Vector a, b;  // centre; corners; a point and the normal
        double radius;
        Vector color;
        bool is_mirror;
    };
    struct Light {
        Vector position, color;
    };
    [[nodiscard]] Vector ray(const ViewCamera& camera, uint32_t x, uint32_t y) const;
    static double distance_to(const Object& object, const Vector& from, const Vector& direction);
    static Vector normal_at(const Object& object, const Vector& place, const Vector& seen_along);
    // The pixels that a ball, or a box, may cover.
    [[nodiscard]] ViewTile tile_of(const ViewCamera& camera, const Object& object) const;
    // The pixel of `frame` that shows this place of the object; width_ * height_: none does.
    [[nodiscard]] size_t pixel_of(const ViewFrame& frame, const Vector& place,
                                  int32_t object) const;

    uint32_t width_, height_;
    std::vector<Object> objects_;
    std::vector<Light> lights_;
    double ambient_;
    Vector background_;
};

}  // namespace p2c2r::cli
