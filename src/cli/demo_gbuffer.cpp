#include "cli/demo_gbuffer.h"

#include <algorithm>
#include <cmath>

#include "cli/files.h"
#include "cli/task_stream.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kLayerDeadlineUs = 600'000'000;
// Steps of a hundredth of a percent and a half, whatever the scene's size.
constexpr double kNear = 1.0 / 64;
constexpr double kFar = 1 << 20;

// What the game has drawn: here the ray tracer's own layers.
struct Drawn {
    std::vector<float> depths;
    std::vector<int8_t> normals;
};

Result<Drawn> draw(Session& session, const DemoScene& scene, PictureSize size) {
    json params = scene.params;
    params["resolution"] = {size.width, size.height};
    params["samples_per_pixel"] = 1;
    params["layers"] = {"depth", "normal"};
    params["output_format"] = "raw";
    const size_t pixels = size_t{size.width} * size.height;
    Drawn drawn{std::vector<float>(pixels), std::vector<int8_t>(pixels * 3)};
    const Result<BandsSummary> done =
        trace_bands(session, "raytracing", params, [&](const Band& band) {
            const size_t first = size_t{band.y} * size.width;
            const size_t count = size_t{band.rows} * size.width;
            const uint8_t* const depths = band.layer("depth", count * 4);
            const uint8_t* const normals = band.layer("normal", count * 3);
            if (!depths || !normals) return false;
            std::memcpy(&drawn.depths[first], depths, count * 4);
            std::memcpy(&drawn.normals[first * 3], normals, count * 3);
            return true;
        });
    if (!done) return done.failure();
    return drawn;
}

// Two bytes of a depth: its logarithm between near and far, 0 where nothing is.
void pack_depth(std::string& planes, double depth) {
    uint32_t value = 0;
    if (depth > 0) {
        const double part = std::log(depth / kNear) / std::log(kFar / kNear) * 65536;
        value = static_cast<uint32_t>(std::lround(std::clamp(part, 0.0, 65534.0))) + 1;
    }
    planes += static_cast<char>(value & 0xFF);
    planes += static_cast<char>(value >> 8);
}

// Two bytes of a normal, octahedral.
void pack_normal(std::string& planes, const int8_t* normal) {
    const double x = normal[0], y = normal[1], z = normal[2];
    const double sum = std::max(std::fabs(x) + std::fabs(y) + std::fabs(z), 1.0);
    double u = x / sum, v = y / sum;
    if (z < 0) {
        const double folded = (1 - std::fabs(v)) * (u < 0 ? -1 : 1);
        v = (1 - std::fabs(u)) * (v < 0 ? -1 : 1);
        u = folded;
    }
    planes += static_cast<char>(std::lround(u * 127));
    planes += static_cast<char>(std::lround(v * 127));
}

// The bits of all masks.
Result<std::string> run_one(Session& session, const json& params, const std::string& data_path,
                            size_t size_wanted) {
    std::vector<TaskRequest> requests(1);
    requests[0].name = "rt_shadows";
    requests[0].params = params;
    requests[0].data_path = data_path;
    StreamOptions stream;
    stream.task_type = "rt_shadows";
    stream.deadline_us = kLayerDeadlineUs;
    stream.in_flight_max = 1;
    stream.late_here = true;
    std::string bits;
    std::string error = "not what was asked for";
    run_stream(session, requests, stream, nullptr,
               [&](size_t, const TaskRecord& record, const p2c2r_result* result) {
                   if (!record.error.empty()) error = record.error;
                   if (record.status != P2C2R_OK || !result) return;
                   size_t size = 0;
                   const auto* data = static_cast<const char*>(p2c2r_result_data(result, &size));
                   if (data) bits.assign(data, size);
               });
    if (bits.size() != size_wanted) {
        return Failure{kExitSomeFailed, "rt_shadows from a G-buffer: " + error};
    }
    return bits;
}

}  // namespace

Result<GbufferMasks> trace_gbuffer_masks(Session& session, const DemoScene& scene, size_t lights,
                                         const std::string& out) {
    const PictureSize size{(scene.width + 1) / 2, (scene.height + 1) / 2};
    const size_t pixels = size_t{size.width} * size.height;
    const Result<Drawn> drawn = draw(session, scene, size);
    if (!drawn) return drawn.failure();
    std::string planes;
    for (const float depth : drawn->depths) pack_depth(planes, depth);
    for (size_t i = 0; i < pixels; ++i) pack_normal(planes, &drawn->normals[i * 3]);

    json params = scene.params;
    for (const char* name : {"transfer", "samples_per_pixel", "layers"}) params.erase(name);
    params["half_resolution"] = true;
    const size_t bits_size = (size_t{size.width} + 7) / 8 * size.height * lights;
    const Result<std::string> own = run_one(session, params, "", bits_size);
    if (!own) return own.failure();
    params["gbuffer"] = {{"depth", {{"format", "log16"}, {"range", {kNear, kFar}}, {"offset", 0}}},
                         {"normal", {{"format", "oct16"}, {"offset", pixels * 2}}}};
    const std::string planes_path = join_path(out, "gbuffer.bin");
    if (Outcome failure = write_file(planes_path, planes)) return *failure;
    if (Outcome failure = write_file(join_path(out, "gbuffer.json"), params.dump())) {
        return *failure;
    }
    const Result<std::string> bits = run_one(session, params, planes_path, bits_size);
    if (!bits) return bits.failure();

    GbufferMasks result;
    result.bytes_up = planes.size();
    result.masks.assign(lights, make_picture(size.width, size.height, {255, 255, 255}));
    const size_t row_bytes = (size_t{size.width} + 7) / 8;
    size_t different = 0;
    for (size_t i = 0; i < pixels * lights; ++i) {
        const size_t light = i / pixels, pixel = i % pixels;
        const size_t x = pixel % size.width, y = pixel / size.width;
        const size_t at = (light * size.height + y) * row_bytes + x / 8;
        const int dark = (*bits)[at] >> (x % 8) & 1;
        if (dark != 0) std::memset(&result.masks[light].pixels[pixel * 3], 0, 3);
        different += dark != ((*own)[at] >> (x % 8) & 1) ? 1 : 0;
    }
    result.different = static_cast<double>(different) / static_cast<double>(pixels * lights);
    return result;
}

}  // namespace p2c2r::cli
