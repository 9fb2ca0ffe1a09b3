// `p2c2r demo rt_reflections`: what mirrors and glass show, alone, beside the picture without it
// and with it.
#include <algorithm>
#include <cstdio>

#include "cli/demo_scene.h"
#include "cli/files.h"
#include "cli/panel_sheet.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

Outcome demonstrate_reflections(const DemoRaytracingOptions& options) {
    const std::string out = options.out.value_or("p2c2r-demo");
    Result<DemoScene> scene = load_demo_scene(
        options, show_scene(), {{"resolution", {1280, 720}}, {"samples_per_pixel", 4}});
    if (!scene) return scene.failure();
    Result<std::unique_ptr<Session>> session = open_demo_session(options.device);
    if (!session) return session.failure();
    if (Outcome failure = write_scene(*scene, out)) return failure;

    json without = scene->params;
    without["max_bounces"] = 0;
    json half = scene->params;
    half["half_resolution"] = true;
    half["samples_per_pixel"] = 1;
    struct Part {
        const char* caption;
        const char* task_type;
        const json& params;
    };
    const Part parts[] = {
        {"RAYTRACING WITHOUT BOUNCES", "raytracing", without},
        {"RT_REFLECTIONS ALONE", "rt_reflections", scene->params},
        {"RT_REFLECTIONS, HALF RESOLUTION, 1 SAMPLE", "rt_reflections", half},
        {"RAYTRACING: THE WHOLE PICTURE", "raytracing", scene->params},
    };
    const uint32_t width = (scene->width + 1) / 2;
    const uint32_t height = (scene->height + 1) / 2;
    std::vector<Panel> panels;
    for (const Part& part : parts) {
        Result<Picture> picture = trace_picture(**session, part.task_type, part.params);
        if (!picture) return picture.failure();
        if (&part == &parts[1]) {
            if (Outcome failure = write_png(**session, *picture, out, "reflections.png")) {
                return failure;
            }
        }
        panels.push_back({part.caption, shrink(*picture, width, height)});
    }
    const Picture sheet = panel_sheet("RT_REFLECTIONS: WHAT MIRRORS AND GLASS SHOW", panels, 2);
    if (Outcome failure = write_png(**session, sheet, out, "rt_reflections.png")) return failure;
    std::printf("%s; the layer alone, %u x %u: reflections.png\n",
                join_path(out, "rt_reflections.png").c_str(), scene->width, scene->height);
    return std::nullopt;
}

}  // namespace

int run_demo_reflections(const DemoRaytracingOptions& options) {
    const Outcome failure = demonstrate_reflections(options);
    return failure ? report("demo rt_reflections", *failure) : kExitOk;
}

}  // namespace p2c2r::cli
