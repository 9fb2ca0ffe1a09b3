// `p2c2r demo rt_global_illumination`: a grid of probes says what light comes from everywhere; with
// it the client lights a picture that has direct light only.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/demo_scene.h"
#include "cli/files.h"
#include "cli/layer_colors.h"
#include "cli/panel_sheet.h"
#include "cli/probe_light.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint32_t kRaysPerSide = 128;
constexpr size_t kProbesShown = 1024;
constexpr double kDegree = 3.14159265358979323846 / 180;

// What the ray tracer says of each pixel.
struct Seen {
    std::vector<float> direct;  // linear, three a pixel
    std::vector<uint32_t> ids;
    std::vector<float> depths;
    std::vector<int8_t> normals;
};

Result<Seen> trace_seen(Session& session, const DemoScene& scene) {
    json params = scene.params;
    params["layers"] = {"color", "hit_id", "depth", "normal"};
    params["output_format"] = "sums";
    const float full = 65535.0f * params["samples_per_pixel"].get<float>();
    const size_t pixels = size_t{scene.width} * scene.height;
    Seen seen{std::vector<float>(pixels * 3), std::vector<uint32_t>(pixels),
              std::vector<float>(pixels), std::vector<int8_t>(pixels * 3)};
    const Result<BandsSummary> done =
        trace_bands(session, "raytracing", params, [&](const Band& band) {
            const size_t first = size_t{band.y} * scene.width;
            const size_t count = size_t{band.rows} * scene.width;
            const uint8_t* const colors = band.layer("color", count * 12);
            const uint8_t* const ids = band.layer("hit_id", count * 4);
            const uint8_t* const depths = band.layer("depth", count * 4);
            const uint8_t* const normals = band.layer("normal", count * 3);
            if (!colors || !ids || !depths || !normals) return false;
            for (size_t i = 0; i < count * 3; ++i) {
                uint32_t sum = 0;
                std::memcpy(&sum, colors + i * 4, 4);
                seen.direct[first * 3 + i] = static_cast<float>(sum) / full;
            }
            std::memcpy(&seen.ids[first], ids, count * 4);
            std::memcpy(&seen.depths[first], depths, count * 4);
            std::memcpy(&seen.normals[first * 3], normals, count * 3);
            return true;
        });
    if (!done) return done.failure();
    return seen;
}

Point unit(const Point& a) {
    const double length = std::sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]);
    return {a[0] / length, a[1] / length, a[2] / length};
}

Point cross(const Point& a, const Point& b) {
    return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

// Where the centre of a pixel shows something.
class View {
  public:
    explicit View(const DemoScene& scene) : width_(scene.width), height_(scene.height) {
        const json& camera = scene.params.at("camera");
        eye_ = camera.at("position").get<Point>();
        forward_ = unit(camera.at("direction").get<Point>());
        right_ = unit(cross(forward_, camera.value("up", Point{0, 1, 0})));
        up_ = cross(right_, forward_);
        half_height_ = std::tan(camera.value("fov_deg", 60.0) / 2 * kDegree);
    }
    [[nodiscard]] Point point(uint32_t x, uint32_t y, double depth) const {
        const double step = 2 * half_height_ / height_;
        const double across = (x + 0.5 - width_ / 2.0) * step;
        const double above = (height_ / 2.0 - y - 0.5) * step;
        Point direction;
        for (size_t i = 0; i < 3; ++i) {
            direction[i] = forward_[i] + right_[i] * across + up_[i] * above;
        }
        direction = unit(direction);
        for (size_t i = 0; i < 3; ++i) direction[i] = eye_[i] + direction[i] * depth;
        return direction;
    }

  private:
    double width_, height_;
    double half_height_ = 1;
    Point eye_{}, forward_{}, right_{}, up_{};
};

// The color of each diffuse object, by its number; others take no light from probes.
std::vector<Point> diffuse_colors(const json& objects) {
    std::vector<Point> colors;
    for (const json& object : objects) {
        const bool diffuse = object.value("material", "diffuse") == "diffuse";
        colors.push_back(diffuse ? object.value("color", Point{1, 1, 1}) : Point{});
    }
    return colors;
}

// Linear, three a pixel.
std::vector<float> light_from_probes(const DemoScene& scene, const Seen& seen,
                                     const ProbeLight& probes) {
    const View view(scene);
    const std::vector<Point> colors = diffuse_colors(scene.params.at("objects"));
    std::vector<float> light(seen.direct.size());
    for (uint32_t y = 0; y < scene.height; ++y) {
        for (uint32_t x = 0; x < scene.width; ++x) {
            const size_t pixel = size_t{y} * scene.width + x;
            const uint32_t id = seen.ids[pixel];
            if (id == 0 || id > colors.size()) continue;
            const int8_t* const normal = &seen.normals[pixel * 3];
            const Point received =
                probes.at(view.point(x, y, seen.depths[pixel]),
                          unit({double(normal[0]), double(normal[1]), double(normal[2])}));
            for (size_t c = 0; c < 3; ++c) {
                light[pixel * 3 + c] = static_cast<float>(received[c] * colors[id - 1][c]);
            }
        }
    }
    return light;
}

// Half as large, the mean of four linear pixels.
Picture picture_of(const DemoScene& scene, const std::vector<float>& a,
                   const std::vector<float>& b) {
    Picture picture = make_picture(scene.width / 2, scene.height / 2, {0, 0, 0});
    for (uint32_t y = 0; y < picture.height; ++y) {
        for (uint32_t x = 0; x < picture.width; ++x) {
            for (size_t c = 0; c < 3; ++c) {
                double sum = 0;
                for (uint32_t i = 0; i < 4; ++i) {
                    const size_t from = size_t{2 * y + i / 2} * scene.width + 2 * x + i % 2;
                    const float light = a[from * 3 + c] + b[from * 3 + c];
                    sum += std::min(light, 1.0f) / 4;
                }
                picture.pixels[(size_t{y} * picture.width + x) * 3 + c] = srgb_byte(sum);
            }
        }
    }
    return picture;
}

// A cube at the place of each probe, each side in the colour that the probe has for it.
void add_cubes(const ProbeLight& probes, double half, json& objects) {
    for (size_t probe = 0; probe < probes.count(); ++probe) {
        const Point place = probes.place(probe);
        for (size_t side = 0; side < 6; ++side) {
            Point min, max;
            for (size_t axis = 0; axis < 3; ++axis) {
                min[axis] = place[axis] - half;
                max[axis] = place[axis] + half;
            }
            // A thin plate.
            const size_t axis = side / 2;
            (side % 2 == 0 ? min : max)[axis] = place[axis] + (side % 2 == 0 ? half : -half) * 0.98;
            objects.push_back({{"type", "box"},
                               {"min", min},
                               {"max", max},
                               {"material", "emissive"},
                               {"color", probes.side(probe, side)}});
        }
    }
}

double cube_size(const json& probes) {
    double size = 1e9;
    for (size_t axis = 0; axis < 3; ++axis) {
        const int count = probes.at("counts").at(axis);
        const double length =
            probes.at("max").at(axis).get<double>() - probes.at("min").at(axis).get<double>();
        if (count > 1) size = std::min(size, length / (count - 1));
    }
    return size == 1e9 ? 0.1 : std::max(size * 0.12, 1e-3);
}

Result<ProbeLight> trace_probes(Session& session, const DemoScene& scene, uint64_t& processing_us) {
    json params = {{"probes", scene.probes}, {"rays_per_side", kRaysPerSide}};
    for (const char* name : {"objects", "lights", "ambient", "background", "max_bounces", "seed"}) {
        if (scene.params.contains(name)) params[name] = scene.params[name];
    }
    Result<DemoAnswer> answer = ask_peers(session, "rt_global_illumination", params);
    if (!answer) return answer.failure();
    processing_us = answer->processing_us;
    const auto counts = answer->fields.at("counts").get<std::array<size_t, 3>>();
    if (answer->data.size() != counts[0] * counts[1] * counts[2] * 18) {
        return Failure{kExitSomeFailed, "rt_global_illumination: not the probes asked for"};
    }
    return ProbeLight(scene.probes, {answer->data.begin(), answer->data.end()});
}

Outcome demonstrate_probes(const DemoRaytracingOptions& options) {
    const std::string out = options.out.value_or("p2c2r-demo");
    Result<DemoScene> scene = load_demo_scene(
        options, room_scene(), {{"resolution", {1280, 960}}, {"samples_per_pixel", 4}});
    if (!scene) return scene.failure();
    if (scene->probes.is_null()) {
        return usage_failure(*options.source +
                             " has no `probes` (min, max, counts): where are they to be?");
    }
    if (scene->width < 2 || scene->height < 2) {
        return usage_failure("--resolution is at least 2x2: four pixels make one of the picture");
    }
    Result<std::unique_ptr<Session>> session = open_demo_session(options.device);
    if (!session) return session.failure();
    if (Outcome failure = write_scene(*scene, out)) return failure;

    uint64_t probes_us = 0;
    const Result<ProbeLight> probes = trace_probes(**session, *scene, probes_us);
    if (!probes) return probes.failure();
    const Result<Seen> seen = trace_seen(**session, *scene);
    if (!seen) return seen.failure();
    const std::vector<float> layer = light_from_probes(*scene, *seen, *probes);
    const std::vector<float> nothing(layer.size());

    DemoScene with_cubes = *scene;
    if (probes->count() <= kProbesShown) {
        add_cubes(*probes, cube_size(scene->probes), with_cubes.params["objects"]);
    }
    const Result<Picture> cubes = trace_picture(**session, "raytracing", with_cubes.params);
    if (!cubes) return cubes.failure();

    const Picture composite = picture_of(*scene, seen->direct, layer);
    const Picture sheet =
        panel_sheet("RT_GLOBAL_ILLUMINATION: LIGHT FROM A GRID OF PROBES",
                    {{"RAYTRACING: DIRECT LIGHT ONLY", picture_of(*scene, seen->direct, nothing)},
                     {std::to_string(probes->count()) + " PROBES, A COLOUR FOR EACH SIDE",
                      shrink(*cubes, scene->width / 2, scene->height / 2)},
                     {"THE LIGHT OF THE PROBES ALONE", picture_of(*scene, layer, nothing)},
                     {"DIRECT LIGHT + PROBES", composite}},
                    2);
    if (Outcome failure = write_png(**session, sheet, out, "rt_global_illumination.png")) {
        return failure;
    }
    if (Outcome failure = write_png(**session, composite, out, "composite.png")) return failure;
    std::printf("%zu probes of six sides, %u rays each, in %.1f ms: %zu bytes\n", probes->count(),
                kRaysPerSide, static_cast<double>(probes_us) / 1000, probes->count() * 18);
    std::printf("%s, composite.png\n", join_path(out, "rt_global_illumination.png").c_str());
    return std::nullopt;
}

}  // namespace

int run_demo_probes(const DemoRaytracingOptions& options) {
    Outcome failure;
    try {
        failure = demonstrate_probes(options);
    } catch (const json::exception& error) {
        // A scene of the user's own whose camera or colours are not what a task has.
        failure = usage_failure(std::string("the scene: ") + error.what());
    }
    return failure ? report("demo rt_global_illumination", *failure) : kExitOk;
}

}  // namespace p2c2r::cli
