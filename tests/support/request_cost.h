// Whether a request of a built-in type is one that tests can afford to compute, wherever chance has
// led its numbers. Its bounds say nothing about what the library takes.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include "kernels/path_request.h"
#include "kernels/physics_request.h"
#include "kernels/raytrace_request.h"
#include "kernels/upscale_request.h"

namespace p2c2r::test {

inline constexpr const char* kBuiltinTypes[] = {
    "upscale", "raytracing",    "rt_shadows", "rt_reflections", "rt_global_illumination",
    "physics", "ai_pathfinding"};

inline kernels::RaytraceKind raytrace_kind(std::string_view task_type) {
    if (task_type == "rt_shadows") return kernels::RaytraceKind::kShadows;
    if (task_type == "rt_reflections") return kernels::RaytraceKind::kReflections;
    if (task_type == "rt_global_illumination") return kernels::RaytraceKind::kProbes;
    return kernels::RaytraceKind::kPicture;
}

// A request that is refused costs nothing.
inline bool is_affordable(std::string_view task_type, std::span<const uint8_t> params,
                          std::span<const uint8_t> data) {
    using namespace kernels;
    if (task_type == "upscale") {
        const Result<UpscaleRequest> request = read_upscale_request(params);
        if (!request) return true;
        ImageSize input = request->input_size.value_or(ImageSize{1, 1});
        if (const Result<codec::ImageHeader> header = codec::read_image_header(data)) {
            input = {std::max(input.width, header->width), std::max(input.height, header->height)};
        }
        const Result<ImageSize> output = output_size_of(*request, input);
        return !output || (uint64_t{output->width} * output->height <= 1u << 17 &&
                           uint64_t{input.width} * input.height <= 1u << 20);
    }
    if (task_type == "ai_pathfinding") {
        const Result<PathRequest> request = read_path_request(params, data);
        if (!request) return true;
        const uint64_t cells = uint64_t{request->grid.width()} * request->grid.height();
        return cells * std::max<uint64_t>(request->agents.size(), 1) <= 1u << 17;
    }
    if (task_type == "physics") {
        const Result<PhysicsRequest> request = read_physics_request(params, data);
        if (!request) return true;
        const PhysicsWorld& world = request->world;
        const uint64_t turns = uint64_t{world.steps} * world.substeps;
        return turns <= 16 && turns * world.iterations * world.bodies.size() <= 1u << 14;
    }
    RtSceneCache scenes;
    const Result<RaytraceRequest> request =
        read_raytrace_request(raytrace_kind(task_type), params, data, scenes);
    if (!request) return true;
    const uint64_t rays = request->tile.pixels() * request->sample_count *
                          (request->frame[kRtFrameBounces] + 1) *
                          (task_type == "rt_global_illumination" ? kRtProbeSides : 1);
    return rays <= 1u << 14;
}

}  // namespace p2c2r::test
