// `p2c2r demo rt_shadows`: the mask of each light, as a game would lay it over a picture of its
// own.
#include <algorithm>
#include <cstdio>

#include "cli/demo_gbuffer.h"
#include "cli/demo_scene.h"
#include "cli/files.h"
#include "cli/panel_sheet.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr size_t kLightsShown = 6;
constexpr Color kTints[] = {{255, 90, 40},  {40, 120, 255}, {60, 200, 80},
                            {230, 200, 40}, {200, 70, 220}, {60, 210, 220}};

// A picture a light: black where its mask is 1, white elsewhere.
Result<std::vector<Picture>> trace_masks(Session& session, const DemoScene& scene, size_t lights) {
    std::vector<Picture> masks(lights, make_picture(scene.width, scene.height, {255, 255, 255}));
    json params = scene.params;
    params["samples_per_pixel"] = 1;
    const size_t row_bytes = (size_t{scene.width} + 7) / 8;
    const Result<BandsSummary> done =
        trace_bands(session, "rt_shadows", params, [&](const Band& band) {
            const uint8_t* const bits = band.layer("shadow", lights * band.rows * row_bytes);
            if (!bits) return false;
            for (size_t light = 0; light < lights; ++light) {
                for (size_t y = 0; y < band.rows; ++y) {
                    const uint8_t* const row = bits + (light * band.rows + y) * row_bytes;
                    for (size_t x = 0; x < scene.width; ++x) {
                        if ((row[x / 8] >> (x % 8) & 1) == 0) continue;
                        const size_t pixel = (band.y + y) * scene.width + x;
                        std::memset(&masks[light].pixels[pixel * 3], 0, 3);
                    }
                }
            }
            return true;
        });
    if (!done) return done.failure();
    return masks;
}

// The picture in grey, every light's shadow in a colour of its own.
Picture tinted(const Picture& picture, const std::vector<Picture>& masks) {
    Picture result = picture;
    for (size_t at = 0; at < result.pixels.size(); at += 3) {
        uint8_t* const pixel = &result.pixels[at];
        double mixed[3];
        std::fill_n(mixed, 3, 90 + 0.6 * ((pixel[0] + 2 * pixel[1] + pixel[2]) / 4.0));
        for (size_t light = 0; light < std::min(masks.size(), kLightsShown); ++light) {
            if (masks[light].pixels[at] != 0) continue;
            const Color tint = kTints[light];
            const double colors[3] = {double(tint.red), double(tint.green), double(tint.blue)};
            for (size_t c = 0; c < 3; ++c) mixed[c] = mixed[c] * 0.45 + colors[c] * 0.45;
        }
        for (size_t c = 0; c < 3; ++c) {
            pixel[c] = static_cast<uint8_t>(std::clamp(mixed[c], 0.0, 255.0));
        }
    }
    return result;
}

Outcome demonstrate_shadows(const DemoRaytracingOptions& options) {
    const std::string out = options.out.value_or("p2c2r-demo");
    Result<DemoScene> scene = load_demo_scene(
        options, show_scene(), {{"resolution", {1280, 720}}, {"samples_per_pixel", 4}});
    if (!scene) return scene.failure();
    const bool has_lights = scene->params.contains("lights") && scene->params["lights"].is_array();
    const size_t lights = has_lights ? scene->params["lights"].size() : 0;
    if (lights == 0) return usage_failure("the scene has no lights: there is no shadow to show");
    Result<std::unique_ptr<Session>> session = open_demo_session(options.device);
    if (!session) return session.failure();
    if (Outcome failure = write_scene(*scene, out)) return failure;

    const Result<std::vector<Picture>> masks = trace_masks(**session, *scene, lights);
    if (!masks) return masks.failure();
    const Result<Picture> picture = trace_picture(**session, "raytracing", scene->params);
    if (!picture) return picture.failure();
    const Result<GbufferMasks> from_gbuffer = trace_gbuffer_masks(**session, *scene, lights, out);
    if (!from_gbuffer) return from_gbuffer.failure();

    // Half as large: pixels fall together, so edges of masks are smooth.
    const uint32_t width = std::max(scene->width / 2, 1u);
    const uint32_t height = std::max(scene->height / 2, 1u);
    std::vector<Panel> panels = {
        {"RAYTRACING: THE WHOLE PICTURE", shrink(*picture, width, height)}};
    for (size_t light = 0; light < lights; ++light) {
        const std::string number = std::to_string(light + 1);
        if (Outcome failure =
                write_png(**session, (*masks)[light], out, "shadow_light_" + number + ".png")) {
            return failure;
        }
        if (light >= kLightsShown) continue;
        panels.push_back({"MASK OF LIGHT " + number + ": DARK WHERE IT DOES NOT REACH",
                          shrink((*masks)[light], width, height)});
    }
    panels.push_back(
        {"A COLOUR FOR THE SHADOW OF EACH LIGHT", shrink(tinted(*picture, *masks), width, height)});
    panels.push_back({"MASK OF LIGHT 1 FROM A G-BUFFER, HALF RESOLUTION",
                      shrink(from_gbuffer->masks[0], width, height)});
    const Picture sheet = panel_sheet("RT_SHADOWS: ONE MASK A LIGHT", panels, 2);
    if (Outcome failure = write_png(**session, sheet, out, "rt_shadows.png")) return failure;
    for (size_t light = 0; light < lights; ++light) {
        const std::vector<uint8_t>& pixels = (*masks)[light].pixels;
        const auto dark = static_cast<size_t>(std::count(pixels.begin(), pixels.end(), 0)) / 3;
        std::printf("light %zu: %zu of %zu pixels in its shadow\n", light + 1, dark,
                    pixels.size() / 3);
    }
    std::printf("from a G-buffer of half the resolution, %zu bytes: %.2f %% of the pixels differ\n",
                from_gbuffer->bytes_up, from_gbuffer->different * 100);
    std::printf("%s; each mask: shadow_light_N.png\n", join_path(out, "rt_shadows.png").c_str());
    return std::nullopt;
}

}  // namespace

int run_demo_shadows(const DemoRaytracingOptions& options) {
    const Outcome failure = demonstrate_shadows(options);
    return failure ? report("demo rt_shadows", *failure) : kExitOk;
}

}  // namespace p2c2r::cli
