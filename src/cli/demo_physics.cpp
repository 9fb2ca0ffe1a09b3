// `p2c2r demo physics`: spheres fall into a box, computed by the peers of this process in three
// tasks, each resumed from what the one before left, and shown as a picture with the energy's
// curve.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "cli/demo.h"
#include "cli/demo_peers.h"
#include "cli/files.h"
#include "cli/sphere_picture.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr double kStep = 1.0 / 240;
constexpr double kRadius = 0.1;
constexpr uint32_t kAcross = 7;
constexpr double kSide = 0.24 * kAcross;
// Steps of the tasks; after the first and the last is a picture.
constexpr uint32_t kParts[] = {92, 68, 800};
constexpr uint32_t kPanelWidth = 560;
constexpr uint32_t kPanelHeight = 560;
constexpr uint32_t kCurveHeight = 300;

// Layers above each other, each sphere a little aside so that none stands on top of another.
json falling_spheres(uint32_t count) {
    json objects = json::array();
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t layer = i / (kAcross * kAcross);
        const double aside = 0.02 * std::sin(i * 2.399963);
        objects.push_back({{"position",
                            {0.24 * (i % kAcross) + 0.12 + aside, 0.3 + 0.24 * layer,
                             0.24 * (i / kAcross % kAcross) + 0.12 - aside}},
                           {"velocity", {0.0, 0.0, 0.0}},
                           {"mass", 1.0},
                           {"radius", kRadius},
                           {"restitution", 0.3}});
    }
    return objects;
}

Color color_of(size_t index) {
    constexpr Color kColors[] = {{235, 94, 85},   {247, 178, 74}, {250, 231, 110},
                                 {120, 200, 120}, {86, 172, 226}, {150, 120, 220}};
    return kColors[index / (kAcross * kAcross) % std::size(kColors)];
}

Picture panel(const json& objects, const DrawnBox& box, const std::string& title) {
    std::vector<DrawnSphere> spheres;
    for (size_t i = 0; i < objects.size(); ++i) {
        const json& at = objects[i]["position"];
        spheres.push_back({{at[0].get<double>(), at[1].get<double>(), at[2].get<double>()},
                           kRadius,
                           color_of(i)});
    }
    Picture picture = sphere_picture(spheres, box, kPanelWidth, kPanelHeight);
    draw_text(picture, title, 16, 16, 2, {225, 228, 235});
    return picture;
}

struct Fall {
    json objects;
    std::vector<std::pair<double, double>> energy;
    size_t pairs = 0;  // of the last part
    uint64_t processing_us = 0;
};

// One part: a task from the present objects.
Outcome fall_on(Session& session, uint32_t steps, const DrawnBox& box, Fall& fall) {
    const json params = {{"objects", fall.objects},
                         {"timestep", kStep},
                         {"num_steps", steps},
                         {"gravity", {0.0, -9.81, 0.0}},
                         {"bounds", {{"min", box.min}, {"max", box.max}}},
                         {"energy_every", 2}};
    const Result<DemoAnswer> answer = ask_peers(session, "physics", params);
    if (!answer) return answer.failure();
    const double begin = fall.energy.empty() ? 0 : fall.energy.back().first;
    for (const json& entry : answer->fields.at("energy")) {
        fall.energy.emplace_back(begin + entry[0].get<double>(), entry[1].get<double>());
    }
    for (size_t i = 0; i < fall.objects.size(); ++i) {
        fall.objects[i].update(answer->fields.at("objects")[i]);
    }
    fall.pairs = answer->fields.at("collisions").size();
    fall.processing_us += answer->processing_us;
    return std::nullopt;
}

Outcome demonstrate_physics(const DemoPhysicsOptions& options) {
    const std::string out = options.out.value_or("p2c2r-demo");
    const auto count = static_cast<uint32_t>(options.spheres.value_or(350));
    if (count < 1 || count > 2000) {
        return usage_failure("--spheres " + std::to_string(count) + " is not in 1 to 2000");
    }
    if (Outcome failure = make_directories(out)) return failure;
    Result<std::unique_ptr<Session>> opened = open_demo_session(options.device);
    if (!opened) return opened.failure();
    Session& session = **opened;
    Fall fall;
    fall.objects = falling_spheres(count);
    const double height = 0.3 + 0.24 * (1 + (count - 1) / (kAcross * kAcross));
    const DrawnBox box{{0, 0, 0}, {kSide, std::max(height, kSide), kSide}};
    Picture sheet = make_picture(3 * kPanelWidth, kPanelHeight + kCurveHeight, {24, 27, 34});
    paste(sheet, panel(fall.objects, box, "BEFORE"), 0, 0);
    uint32_t steps = 0;
    for (size_t part = 0; part < std::size(kParts); ++part) {
        if (Outcome failure = fall_on(session, kParts[part], box, fall)) return failure;
        steps += kParts[part];
        if (part == 1) continue;
        char title[48];
        std::snprintf(title, sizeof title, "AFTER %.2f S%s", steps * kStep,
                      part == 0 ? "" : ", AT REST");
        paste(sheet, panel(fall.objects, box, title), (part == 0 ? 1 : 2) * kPanelWidth, 0);
    }
    paste(sheet,
          curve_picture(fall.energy, "ENERGY IN J, KINETIC + POTENTIAL", " S", sheet.width,
                        kCurveHeight),
          0, kPanelHeight);
    Result<std::string> png = encode_picture(session, sheet, "png", 0);
    if (!png) return png.failure();
    const std::string path = join_path(out, "physics.png");
    if (Outcome failure = write_file(path, *png)) return failure;

    double least = fall.energy.front().second, rise = 0;
    for (const auto& [time, energy] : fall.energy) {
        least = std::min(least, energy);
        rise = std::max(rise, energy - least);
    }
    std::printf("%u spheres, %u steps of 1/240 s in %zu tasks by peers of this process\n", count,
                steps, std::size(kParts));
    std::printf("%.3f ms of computing a step, %zu pairs touched in the last task\n",
                static_cast<double>(fall.processing_us) / 1000 / steps, fall.pairs);
    std::printf("energy %.1f J at the start, %.1f J at the end, largest rise %.4f J\n",
                fall.energy.front().second, fall.energy.back().second, rise);
    std::printf("picture: %s\n", path.c_str());
    return std::nullopt;
}

}  // namespace

int run_demo_physics(const DemoPhysicsOptions& options) {
    const Outcome failure = demonstrate_physics(options);
    return failure ? report("demo physics", *failure) : kExitOk;
}

}  // namespace p2c2r::cli
