// The demonstrations and their options.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/picture.h"

namespace p2c2r::cli {

// All roles in one process.
struct DemoOptions {
    std::optional<std::string> type;  // what was asked for and is none of the demonstrations
    std::optional<std::string> data;
    std::optional<std::string> out;
};
int run_demo(const DemoOptions& options);

// A picture halved and brought back by every algorithm.
struct DemoUpscaleOptions {
    std::optional<std::string> source;  // picture
    std::optional<std::string> out;
    std::optional<std::string> device;
};
int run_demo_upscale(const DemoUpscaleOptions& options);

// Ways on a map as a picture.
struct DemoPathOptions {
    std::optional<std::string> data;  // a map of the MovingAI form
    std::optional<std::string> out;
    std::optional<std::string> device;
};
int run_demo_path(const DemoPathOptions& options);

// Every role a process of its own, one of them killed and started again.
struct DemoStreamOptions {
    std::optional<std::string> source;  // picture or directory of frames
    std::optional<std::string> out;
    std::optional<uint64_t> frames;
    std::optional<double> rate;
    std::optional<uint64_t> deadline_ms;
    std::optional<std::string> output_res;
    std::optional<std::string> vulkan_device;
    bool camera = false;  // goes on with the moving camera, into camera/, in the same report
};
int run_demo_stream(const DemoStreamOptions& options);

// A camera over a scene that stays with the helpers, its layers over a local picture.
struct DemoCameraOptions {
    std::optional<std::string> out;
    std::optional<uint64_t> frames;
    std::optional<double> rate;
    std::optional<uint64_t> deadline_ms;
    std::optional<std::string> resolution;
};
int run_demo_camera(const DemoCameraOptions& options);

// A scene, or a model on a floor.
struct DemoRaytracingOptions {
    std::optional<std::string> source;  // .obj, .gltf, .glb, or .json with the params of a task
    std::optional<std::string> out;
    std::optional<uint64_t> samples;
    std::optional<std::string> resolution;
    std::optional<std::string> device;
};
int run_demo_raytracing(const DemoRaytracingOptions& options);
int run_demo_shadows(const DemoRaytracingOptions& options);
int run_demo_reflections(const DemoRaytracingOptions& options);
int run_demo_probes(const DemoRaytracingOptions& options);

// Spheres that fall into a box, as a picture.
struct DemoPhysicsOptions {
    std::optional<std::string> out;
    std::optional<std::string> device;
    std::optional<uint64_t> spheres;
};
int run_demo_physics(const DemoPhysicsOptions& options);

// A picture from a file, or the drawn one without.
Result<Picture> demo_picture(Session& session, const std::optional<std::string>& file);

// Makes the contact sheet of some of the frames, writes it into `directory` as PNG and gives it as
// JPEG too, for the page.
Result<std::string> write_contact_sheet(Session& session, const std::string& before_directory,
                                        const std::string& after_directory,
                                        const std::vector<std::string>& names,
                                        const std::string& directory);

}  // namespace p2c2r::cli
