// `p2c2r demo raytracing`: a picture of a scene, and its layers (what each pixel shows, how far it
// is, which way it faces) as false colours.
#include <algorithm>
#include <bit>
#include <cstdio>

#include "cli/demo_scene.h"
#include "cli/files.h"
#include "cli/layer_colors.h"
#include "cli/panel_sheet.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

struct Layers {
    std::vector<uint32_t> ids;
    std::vector<float> depths;
    std::vector<int8_t> normals;
};

Result<Layers> trace_layers(Session& session, const DemoScene& scene) {
    json params = scene.params;
    params["layers"] = {"hit_id", "depth", "normal"};
    params["samples_per_pixel"] = 1;
    const size_t pixels = size_t{scene.width} * scene.height;
    Layers layers{std::vector<uint32_t>(pixels), std::vector<float>(pixels),
                  std::vector<int8_t>(pixels * 3)};
    const Result<BandsSummary> done =
        trace_bands(session, "raytracing", params, [&](const Band& band) {
            const size_t first = size_t{band.y} * scene.width;
            const size_t count = size_t{band.rows} * scene.width;
            const uint8_t* const ids = band.layer("hit_id", count * 4);
            const uint8_t* const depths = band.layer("depth", count * 4);
            const uint8_t* const normals = band.layer("normal", count * 3);
            if (!ids || !depths || !normals) return false;
            std::memcpy(&layers.ids[first], ids, count * 4);
            std::memcpy(&layers.depths[first], depths, count * 4);
            std::memcpy(&layers.normals[first * 3], normals, count * 3);
            return true;
        });
    if (!done) return done.failure();
    return layers;
}

Outcome demonstrate_raytracing(const DemoRaytracingOptions& options) {
    const std::string out = options.out.value_or("p2c2r-demo");
    Result<DemoScene> scene = load_demo_scene(
        options, show_scene(), {{"resolution", {960, 540}}, {"samples_per_pixel", 16}});
    if (!scene) return scene.failure();
    Result<std::unique_ptr<Session>> session = open_demo_session(options.device);
    if (!session) return session.failure();
    if (Outcome failure = write_scene(*scene, out)) return failure;

    BandsSummary summary;
    Result<Picture> picture = trace_picture(**session, "raytracing", scene->params, &summary);
    if (!picture) return picture.failure();
    if (Outcome failure = write_png(**session, *picture, out, "raytracing.png")) return failure;
    const Result<Layers> layers = trace_layers(**session, *scene);
    if (!layers) return layers.failure();
    const uint32_t width = scene->width, height = scene->height;
    const Picture sheet = panel_sheet(
        "RAYTRACING: A PICTURE AND ITS LAYERS",
        {{"COLOR", *picture},
         {"HIT_ID: A COLOUR FOR EACH OBJECT", id_colors(layers->ids, width, height)},
         {"DEPTH: NEAR IS BRIGHT", depth_colors(layers->depths, width, height)},
         {"NORMAL: X, Y, Z AS RED, GREEN, BLUE", normal_colors(layers->normals, width, height)}},
        2);
    if (Outcome failure = write_png(**session, sheet, out, "layers.png")) return failure;
    std::printf("%u x %u in %.2f s, %zu bands, %zu of them by two peers of this process\n", width,
                height, summary.seconds, summary.bands, summary.by_peers);
    std::printf("%s, layers.png; the scene: %s\n", join_path(out, "raytracing.png").c_str(),
                join_path(out, "scene.json").c_str());
    return std::nullopt;
}

}  // namespace

int run_demo_raytracing(const DemoRaytracingOptions& options) {
    const Outcome failure = demonstrate_raytracing(options);
    return failure ? report("demo raytracing", *failure) : kExitOk;
}

}  // namespace p2c2r::cli
