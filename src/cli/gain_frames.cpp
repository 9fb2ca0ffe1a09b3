#include "cli/gain_frames.h"

#include <cmath>

#include "cli/kernel_frames.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

// Walking pace, to and fro; the lamp swings as fast.
constexpr double kSwing = 2;        // metres
constexpr double kSwingRate = 0.7;  // radians a second: 1.4 m/s at most

json camera_at(double at_s) {
    return {{"position", {kSwing * std::sin(kSwingRate * at_s), 3, 16}},
            {"direction", {0, -0.15, -0.98}},
            {"fov_deg", 50}};
}

json lights_at(double at_s) {
    return {{{"position", {6 + kSwing * std::sin(kSwingRate * at_s), 10, 6}}, {"intensity", 0.7}},
            {{"position", {-8, 7, 4}}, {"intensity", 0.3}}};
}

// A ground and spheres in rows on it; each fourth of them is a mirror where `mirrors`.
json objects_of(uint32_t count, bool mirrors) {
    json objects = {{{"type", "sphere"}, {"position", {0, -1000, 0}}, {"radius", 1000}}};
    for (uint32_t i = 0; i < count; ++i) {
        const double radius = 0.4 + 0.05 * (i % 5);
        json sphere = {{"type", "sphere"},
                       {"position",
                        {(i % 10) * 1.6 - 7.2, radius + (i / 50) * 1.5,
                         static_cast<double>(i / 10 % 5) * -2.0 + 4}},
                       {"radius", radius},
                       {"color", {0.3 + 0.1 * (i % 7), 0.9 - 0.1 * (i % 5), 0.5}}};
        if (mirrors && i % 4 == 0) sphere["material"] = "mirror";
        objects.push_back(std::move(sphere));
    }
    return objects;
}

GainFrame layer(const char* type, const char* name, const json& base, const char* moves) {
    GainFrame frame;
    frame.task_type = type;
    frame.name = name;
    const bool lights = std::string(moves) == "lights";
    frame.params = [base, moves, lights](double at_s, double before_s) {
        json params = base;
        params[moves] = lights ? lights_at(at_s) : camera_at(at_s);
        if (before_s >= 0) {
            params["previous"] = {{moves, lights ? lights_at(before_s) : camera_at(before_s)}};
        }
        return params;
    };
    frame.quality = GainFrame::Quality::kBytes;
    return frame;
}

void add_layers(std::vector<GainFrame>& frames, bool small) {
    const json resolution = small ? json{160, 90} : json{1280, 720};
    json scene = {{"objects", objects_of(60, false)},
                  {"ambient", 0.2},
                  {"lights", lights_at(0)},
                  {"resolution", resolution},
                  {"half_resolution", true}};
    frames.push_back(
        layer("rt_shadows", "half resolution, 61 spheres, 2 lights, delta", scene, "camera"));
    frames.back().quality = GainFrame::Quality::kBits;
    scene["objects"] = objects_of(60, true);
    scene["output_format"] = "raw";
    frames.push_back(
        layer("rt_reflections", "half resolution, 15 mirrors, delta", scene, "camera"));
    json probes = {{"objects", objects_of(60, false)},
                   {"ambient", 0.2},
                   {"probes", {{"min", {-8, 0.2, -6}}, {"max", {8, 4, 6}}, {"counts", {8, 6, 8}}}},
                   {"rays_per_side", small ? 8 : 64}};
    frames.push_back(
        layer("rt_global_illumination", "8x6x8 probes, a lamp moves, delta", probes, "lights"));
}

}  // namespace

Result<std::vector<GainFrame>> gain_frames(Session& session, bool small) {
    std::vector<GainFrame> frames;
    add_layers(frames, small);
    for (const auto& [type, part] : {std::pair<const char*, const char*>{"physics", ", delta"},
                                     {"ai_pathfinding", "1000 agents"},
                                     {"upscale", "JPEG 80 out"}}) {
        Result<std::vector<KernelFrame>> made = kernel_frames(session, {type, std::nullopt, small});
        if (!made) return made.failure();
        // The last: the largest of its kind.
        const KernelFrame* chosen = nullptr;
        for (const KernelFrame& frame : *made) {
            if (frame.name.find(part) != std::string::npos) chosen = &frame;
        }
        if (!chosen) return Failure{kExitSomeFailed, std::string(type) + " has no such frame"};
        frames.push_back({chosen->task_type, chosen->name, chosen->data,
                          [params = chosen->params](double, double) { return params; }});
    }
    return frames;
}

}  // namespace p2c2r::cli
