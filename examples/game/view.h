// The game's own simple picture: balls, boxes and a floor in plain light, without shadows or
// mirrors, drawn by the processor. It keeps how far each pixel is, so that layers which others
// computed for an earlier camera can be laid where they belong.
#pragma once

#include <cstdint>
#include <vector>

#include "world.h"

namespace game {

struct Camera {
    Vec position;
    Vec forward;  // unit
    Vec right;
    Vec up;
    float fov_deg = 55;

    static Camera looking(Vec position, Vec at);
    // Half the picture's height at a distance of one.
    float half_height() const { return std::tan(fov_deg * 3.14159265F / 360); }
};

struct Rectangle {
    int x = 0;
    int y = 0;
    int width = 0;
    int height = 0;
};

// Where a point is in a picture of `width` x `height` seen by `camera`; false: behind it.
bool project(const Camera& camera, int width, int height, Vec point, float& x, float& y);
// The part of that picture which a ball may cover; empty: it is out of sight.
Rectangle rectangle_of(const Camera& camera, int width, int height, Vec centre, float radius);

// One bit a pixel, rows begin a byte, lowest bit first: set where the light does not reach.
struct ShadowLayer {
    Camera camera;
    int width = 0;
    int height = 0;
    std::vector<uint8_t> bits;
};

// Three bytes a pixel: what mirrors show, in a part of a picture of width x height.
struct ReflectionLayer {
    Camera camera;
    int width = 0;
    int height = 0;
    Rectangle tile;
    std::vector<uint8_t> rgb;
};

class View {
  public:
    View(int width, int height);

    void draw(const World& world, const Camera& camera);
    // Lays a layer over what was drawn. Null: without that effect.
    void compose(const ShadowLayer* shadows, const ReflectionLayer* reflections);

    int width() const { return width_; }
    int height() const { return height_; }
    const std::vector<uint32_t>& pixels() const { return pixels_; }  // 0xAARRGGBB

  private:
    struct Sample {
        float depth = 0;  // along the camera's forward axis; 0: the sky
        uint32_t color = 0;
        uint32_t color_in_shadow = 0;
        bool is_mirror = false;
    };
    Vec ray(int x, int y) const;
    void floor_rows();
    void ball(Vec centre, float radius, Vec color, bool is_mirror);
    void box(const Box& box, Vec color);
    void face(const Vec (&corners)[4], Vec normal, Vec color);

    int width_;
    int height_;
    Camera camera_;
    std::vector<Sample> samples_;
    std::vector<uint32_t> pixels_;
};

// Where the sun is, for the view and for whoever traces rays.
constexpr Vec kLight = {30, 38, 44};
constexpr float kAmbient = 0.35F;
constexpr float kSun = 0.75F;

constexpr Vec kFloorColor = {0.55F, 0.52F, 0.46F};
constexpr Vec kBoxColor = {0.62F, 0.42F, 0.30F};
constexpr Vec kPlayerColor = {0.20F, 0.45F, 0.95F};
constexpr Vec kChaserColor = {0.90F, 0.25F, 0.20F};
constexpr Vec kDebrisColor = {0.75F, 0.55F, 0.40F};
constexpr Vec kMirrorColor = {0.85F, 0.88F, 0.92F};
constexpr Vec kSkyColor = {0.45F, 0.62F, 0.85F};

}  // namespace game
