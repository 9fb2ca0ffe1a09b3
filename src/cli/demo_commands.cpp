// The commands below `p2c2r demo`: one for each task type, by its name, and what they take.
#include <vector>

#include "cli/commands.h"
#include "cli/demo.h"

namespace p2c2r::cli {

namespace {

constexpr const char* kOutDefault = " (p2c2r-demo)";
constexpr const char* kDeviceHelp = "auto, native or vulkan[:N] (auto)";

// The four that take a scene.
struct SceneDemo {
    const char* name;
    const char* alias;  // "": none
    const char* help;
    const char* writes;
    const char* resolution;
    const char* samples;
    int (*run)(const DemoRaytracingOptions&);
    DemoRaytracingOptions options;
};
SceneDemo scene_demos[] = {
    {"raytracing",
     "ray_tracing",
     "A scene or a model as a ray-traced picture, and its layers",
     "raytracing.png, layers.png",
     "960x540",
     "16",
     run_demo_raytracing,
     {}},
    {"rt_shadows",
     "",
     "The shadow mask of each light, and on a picture",
     "rt_shadows.png, masks",
     "1280x720",
     "4",
     run_demo_shadows,
     {}},
    {"rt_reflections",
     "",
     "What mirrors and glass show, alone and in the picture",
     "rt_reflections.png, reflections.png",
     "1280x720",
     "4",
     run_demo_reflections,
     {}},
    {"rt_global_illumination",
     "",
     "Light from a grid of probes, alone and with direct light",
     "rt_global_illumination.png, composite.png",
     "1280x960",
     "4",
     run_demo_probes,
     {}},
};

std::string names_of_demos() {
    std::string names = "upscale";
    for (const SceneDemo& scene : scene_demos) names += std::string(", ") + scene.name;
    return names + ", physics, ai_pathfinding, stream, camera";
}

int run_demo_or_refuse(const DemoOptions& options) {
    if (!options.type) return run_demo(options);
    return report("demo", usage_failure("there is none of '" + *options.type + "'; there are " +
                                        names_of_demos()));
}

void add_scene_demo(Command& demo, SceneDemo& scene) {
    Command command =
        demo.add_command(scene.name, scene.help, [&scene] { return scene.run(scene.options); });
    if (*scene.alias) command.add_alias(scene.alias);
    command.add_text("source", scene.options.source,
                     "Model (.obj, .gltf, .glb) or params of a task (.json); a scene of its own");
    command.add_text(
        "-o,--out", scene.options.out,
        std::string("Directory for ") + scene.writes + " and scene.json" + kOutDefault);
    command.add_count("--samples", scene.options.samples,
                      std::string("Samples a pixel (") + scene.samples + ")");
    command.add_text("--resolution", scene.options.resolution,
                     std::string("Size of the picture (") + scene.resolution + ")");
    command.add_text("--device", scene.options.device, kDeviceHelp);
}

}  // namespace

void add_demo_command(Command& root) {
    static DemoOptions options;
    static DemoUpscaleOptions upscale;
    static DemoStreamOptions stream;
    static DemoPathOptions path;
    static DemoPhysicsOptions physics;
    static DemoCameraOptions camera;
    Command demo = root.add_command("demo", "See it work: all three roles in this process",
                                    [] { return run_demo_or_refuse(options); });
    demo.add_text("type", options.type,
                  "One of the commands below; without one frames of a picture are upscaled");
    demo.add_text("--data", options.data, "Picture to make frames of (a drawn one)");
    demo.add_text("-o,--out", options.out, "Directory for frames and contact sheet (p2c2r-demo)");

    Command command =
        demo.add_command("upscale", "A picture brought to twice its size by each algorithm",
                         [] { return run_demo_upscale(upscale); });
    command.add_alias("frame_upscale");
    command.add_alias("upscaling");
    command.add_text("source", upscale.source, "Picture, which is halved first (a drawn one)");
    command.add_text("-o,--out", upscale.out,
                     std::string("Directory for upscale.png and each result") + kOutDefault);
    command.add_text("--device", upscale.device, kDeviceHelp);

    for (SceneDemo& scene : scene_demos) add_scene_demo(demo, scene);

    command = demo.add_command("physics", "Spheres fall into a box, as a picture with a curve",
                               [] { return run_demo_physics(physics); });
    command.add_alias("physics_rigid_body");
    command.add_text("-o,--out", physics.out,
                     std::string("Directory for physics.png") + kOutDefault);
    command.add_count("--spheres", physics.spheres, "How many, up to 2000 (350)");
    command.add_text("--device", physics.device, kDeviceHelp);

    command = demo.add_command("ai_pathfinding", "Agents on a map find their ways, as a picture",
                               [] { return run_demo_path(path); });
    command.add_text("--data", path.data, "Map of the MovingAI form (a drawn one)");
    command.add_text("-o,--out", path.out, std::string("Directory for paths.png") + kOutDefault);
    command.add_text("--device", path.device, kDeviceHelp);

    command = demo.add_command(
        "stream", "A stream of frames over five processes, one of them killed half-way",
        [] { return run_demo_stream(stream); });
    command.add_text("source", stream.source,
                     "Picture to make frames of, or directory of frames (a drawn picture)");
    command.add_text("-o,--out", stream.out,
                     std::string("Directory for frames, contact sheet and report") + kOutDefault);
    command.add_count("--frames", stream.frames,
                      "Frames made of a picture, and of the camera (60)");
    command.add_real("--rate", stream.rate, "Frames a second (30)");
    command.add_count("--deadline-ms", stream.deadline_ms, "Time allowed per frame (250)");
    command.add_text("--output-res", stream.output_res, "Size to upscale to (1920x1080)");
    command.add_text("--vulkan-device", stream.vulkan_device, "Device of the first peer (vulkan)");
    command.add_flag("--camera", stream.camera, "Go on with `demo camera`, in the same report");

    command = demo.add_command(
        "camera", "A moving camera over a scene that stays with the helpers, over four processes",
        [] { return run_demo_camera(camera); });
    command.add_text("-o,--out", camera.out,
                     std::string("Directory for frames, contact sheet and report") + kOutDefault);
    command.add_count("--frames", camera.frames, "Frames after 30 of warming up (60)");
    command.add_real("--rate", camera.rate, "Frames a second (30)");
    command.add_count("--deadline-ms", camera.deadline_ms, "Time allowed per layer (250)");
    command.add_text("--resolution", camera.resolution, "Size of the picture (480x270)");
}

}  // namespace p2c2r::cli
