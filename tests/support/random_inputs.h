// Tiny random inputs of each kernel. Whole comparisons draw them from the seed of the run; the
// digests that builds are compared by (kernels/digest/) from seeds of their own. The same for the
// same generator under every compiler: never two draws in one expression whose order is open.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "core/prng.h"
#include "kernels/path_grid.h"
#include "kernels/physics_world.h"
#include "kernels/raytrace_answers.h"
#include "kernels/raytrace_probes.h"
#include "kernels/upscale_native.h"
#include "support/extreme_scenes.h"
#include "support/path_reference.h"
#include "support/physics_worlds.h"

namespace p2c2r::test {

struct ResizeCase {
    uint32_t input_width, input_height, output_width, output_height, channels;
    kernels::ResampleFilter filter;

    [[nodiscard]] kernels::UpscalePlan plan() const {
        return kernels::make_upscale_plan(input_width, input_height, output_width, output_height,
                                          channels, filter);
    }
    [[nodiscard]] size_t output_size() const {
        return size_t{output_width} * output_height * channels;
    }
};

// Both sides at most 24 and, with kEdge, none smaller than before: it looks at pixels only there.
inline ResizeCase tiny_resize(Prng& prng, kernels::ResampleFilter filter) {
    const auto side = [&prng] { return 1 + static_cast<uint32_t>(prng.below(24)); };
    const uint32_t channels = 3 + static_cast<uint32_t>(prng.below(2));
    ResizeCase row{side(), side(), side(), side(), channels, filter};
    if (filter == kernels::ResampleFilter::kEdge) {
        row.output_width += row.input_width - 1;
        row.output_height += row.input_height - 1;
    }
    return row;
}

// Noise, black and white, or slopes with little noise.
inline std::vector<uint8_t> random_pixels(const ResizeCase& row, Prng& prng) {
    std::vector<uint8_t> pixels(size_t{row.input_width} * row.input_height * row.channels);
    const bool hard = prng.chance(0.3);
    const bool soft = !hard && prng.chance(0.5);
    const uint64_t slope = 1 + prng.below(40);
    for (size_t i = 0; i < pixels.size(); ++i) {
        const uint64_t draw = prng.next();
        const size_t pixel = i / row.channels;
        const uint64_t along = (pixel % row.input_width + pixel / row.input_width) * slope;
        pixels[i] = static_cast<uint8_t>(hard   ? (draw & 1 ? 255 : 0)
                                         : soft ? along + draw % 4
                                                : draw);
    }
    return pixels;
}

inline Result<kernels::RaytraceRequest> random_picture(Prng& prng, uint32_t width, uint32_t height,
                                                       uint32_t objects) {
    const Bytes params = kernels::draw_raytrace_params(prng, width, height, objects);
    kernels::RtSceneCache scenes;
    return read_raytrace_request(kernels::RaytraceKind::kPicture, params.span(), {}, scenes);
}

inline Result<kernels::RaytraceRequest> tiny_picture(Prng& prng) {
    const auto width = 1 + static_cast<uint32_t>(prng.below(5));
    const auto height = 1 + static_cast<uint32_t>(prng.below(4));
    return random_picture(prng, width, height, 12);
}

inline Result<kernels::RaytraceRequest> extreme_picture(Prng& prng) {
    const Bytes params = draw_extreme_params(prng);
    kernels::RtSceneCache scenes;
    return read_raytrace_request(kernels::RaytraceKind::kPicture, params.span(), {}, scenes);
}

// Three probes in a random scene, one side of them.
inline Result<kernels::RaytraceRequest> tiny_probes(Prng& prng) {
    using nlohmann::json;
    const Bytes picture = kernels::draw_raytrace_params(prng, 1, 1, 12);
    json params = json::from_msgpack(picture.data(), picture.data() + picture.size());
    for (const char* field : {"camera", "resolution", "samples_per_pixel"}) params.erase(field);
    json low = json::array();
    json high = json::array();
    for (int axis = 0; axis < 3; ++axis) {
        low.push_back(prng.unit() * 8 - 4);
        high.push_back(prng.unit() * 8 - 4);
    }
    params["probes"] = {{"min", low}, {"max", high}, {"counts", {3, 1, 1}}};
    params["rays_per_side"] = 1 + prng.below(8);
    kernels::RtSceneCache scenes;
    Result<kernels::RaytraceRequest> request =
        read_raytrace_request(kernels::RaytraceKind::kProbes, json::to_msgpack(params), {}, scenes);
    if (!request) return request;
    kernels::set_probe_side(request->frame, kernels::make_probe_directions(request->sample_count),
                            static_cast<uint32_t>(prng.below(kernels::kRtProbeSides)));
    return request;
}

// What a game has drawn of it, in any format.
inline Result<kernels::RaytraceRequest> tiny_gbuffer(Prng& prng) {
    Result<kernels::RaytraceRequest> request = tiny_picture(prng);
    if (request) kernels::draw_rt_gbuffer(prng, *request);
    return request;
}

// What computes `mode` of a request; the request MUST outlive it.
inline kernels::RtPass pass_of(kernels::RaytraceRequest& request, uint32_t mode) {
    request.frame[kernels::kRtFrameMode] = mode;
    const bool one = mode == kernels::kRtModeLayers || mode == kernels::kRtModeShadows;
    return {request.scene.get(), &request.frame, request.tile, 0, one ? 1 : request.sample_count};
}

// At most 25 bodies, now and then two of them at one place.
inline kernels::PhysicsWorld tiny_world(Prng& prng) {
    const auto bodies = 1 + static_cast<uint32_t>(prng.below(24));
    kernels::PhysicsWorld world = random_world(prng, bodies, 0.5 + prng.unit());
    world.steps = 1 + static_cast<uint32_t>(prng.below(2));
    world.iterations = 1 + static_cast<uint32_t>(prng.below(3));
    world.substeps = 1;
    if (prng.chance(0.2)) world.bodies.push_back(world.bodies.front());
    return world;
}

struct PathCase {
    PathGrid grid;
    PathRule rule;
    PathCell goal;
};

inline PathCase tiny_path(Prng& prng) {
    const uint32_t costs[] = {1, 3, 255};
    PathGrid grid = random_path_grid(prng, 24, costs[prng.below(3)]);
    const PathRule rule = kPathRules[prng.below(std::size(kPathRules))];
    const PathCell goal = random_cell(prng, grid);
    return {std::move(grid), rule, goal};
}

}  // namespace p2c2r::test
