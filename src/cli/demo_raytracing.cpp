// `p2c2r demo raytracing`: coordinator, two peers and a client in this process; the picture is cut
// into bands of rows, each a task of its own, and put together again.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "cli/demo.h"
#include "cli/files.h"
#include "cli/model_import.h"
#include "cli/statistics.h"
#include "cli/task_stream.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint32_t kPeers = 2;
constexpr uint64_t kJoinTimeoutUs = 10'000'000;
constexpr uint64_t kBandDeadlineUs = 600'000'000;
// Samples of a band: well below the five seconds that a coordinator gives a task.
constexpr uint64_t kBandSamples = 1u << 20;
constexpr uint32_t kBandsLeast = 9;
constexpr uint32_t kBandsInFlight = 4;
constexpr uint32_t kSideMax = 8192;
constexpr uint32_t kSamplesMax = 4096;

// Something of everything.
const char* const kScene = R"({
 "camera":{"position":[0,2.4,8.5],"direction":[0,-0.2,-1],"fov_deg":42},
 "objects":[
  {"type":"plane","position":[0,0,0],"normal":[0,1,0],"color":[0.45,0.45,0.42]},
  {"type":"sphere","position":[-2.4,1,0],"radius":1,"color":[0.95,0.95,0.95],"material":"mirror"},
  {"type":"sphere","position":[0.1,0.9,1.8],"radius":0.9,"material":"dielectric","ior":1.5},
  {"type":"sphere","position":[-1.1,0.4,2.7],"radius":0.4,"color":[0.8,0.06,0.04]},
  {"type":"box","min":[1.5,0,-1.5],"max":[3.3,1.7,0.3],"color":[0.03,0.12,0.6]},
  {"type":"sphere","position":[2.4,2.1,-0.6],"radius":0.4,"color":[1,0.6,0.15],
   "material":"emissive"},
  {"type":"mesh","vertices":[-1.2,0,-3.4, 1.2,0,-3.4, 0,0,-1.6, 0,2.6,-2.8],
   "indices":[0,1,3, 1,2,3, 2,0,3, 0,2,1],"color":[0.8,0.45,0.04]},
  {"type":"box","min":[-5,0,-6],"max":[5,3.2,-5.5],"color":[0.85,0.9,0.88],"material":"mirror"}],
 "lights":[{"position":[6,10,6],"intensity":0.6,"radius":1.2},
  {"position":[-6,5,5],"intensity":0.3,"color":[0.7,0.85,1]}],
 "ambient":0.08,"background":[0.16,0.34,0.7],"max_bounces":8})";

// The model stands on a floor, seen from the front, a little from the left and above.
json scene_around(const std::vector<ModelPart>& parts) {
    double low[3] = {1e30, 1e30, 1e30};
    double high[3] = {-1e30, -1e30, -1e30};
    for (const ModelPart& part : parts) {
        for (size_t i = 0; i < part.vertices.size(); ++i) {
            low[i % 3] = std::min(low[i % 3], double{part.vertices[i]});
            high[i % 3] = std::max(high[i % 3], double{part.vertices[i]});
        }
    }
    double center[3];
    double square = 0;
    for (int axis = 0; axis < 3; ++axis) {
        center[axis] = (low[axis] + high[axis]) / 2;
        square += (high[axis] - low[axis]) * (high[axis] - low[axis]);
    }
    const double radius = std::max(std::sqrt(square) / 2, 1e-3);
    const double direction[3] = {0.45, -0.35, -1};
    const double distance = radius * 2.6;
    const double length = std::sqrt(0.45 * 0.45 + 0.35 * 0.35 + 1);
    json scene = {{"ambient", 0.1}, {"background", {0.2, 0.4, 0.75}}, {"max_bounces", 8}};
    json eye = json::array();
    for (int axis = 0; axis < 3; ++axis) {
        eye.push_back(center[axis] - direction[axis] / length * distance);
    }
    scene["camera"] = {{"position", eye}, {"direction", direction}, {"fov_deg", 45}};
    scene["objects"] = model_objects(parts);
    scene["objects"].push_back({{"type", "plane"},
                                {"position", {center[0], low[1] - radius * 0.001, center[2]}},
                                {"normal", {0, 1, 0}},
                                {"color", {0.45, 0.45, 0.45}}});
    const auto light = [&](double x, double y, double z, double intensity, double size) {
        return json{
            {"position", {center[0] + x * radius, center[1] + y * radius, center[2] + z * radius}},
            {"intensity", intensity},
            {"radius", size * radius}};
    };
    scene["lights"] = {light(3, 5, 4, 0.7, 0.5), light(-5, 3, 3, 0.25, 0)};
    return scene;
}

Result<json> load_scene(const std::optional<std::string>& source) {
    if (!source) return json::parse(kScene);
    if (ending_of(*source) != "json") {
        Result<std::vector<ModelPart>> parts = import_model(*source);
        if (!parts) return parts.failure();
        return scene_around(*parts);
    }
    Result<std::string> text = read_file(*source);
    if (!text) return usage_failure(text.failure().text);
    json scene = json::parse(*text, nullptr, false);
    if (!scene.is_object()) return usage_failure(*source + " is no JSON object");
    return scene;
}

// What the options say goes before the scene; then the defaults of this demonstration.
Outcome settle(const DemoRaytracingOptions& options, json& scene) {
    uint32_t width = 960;
    uint32_t height = 540;
    char end = 0;
    if (options.resolution) {
        if (std::sscanf(options.resolution->c_str(), "%ux%u%c", &width, &height, &end) != 2 ||
            width == 0 || height == 0 || width > kSideMax || height > kSideMax) {
            return usage_failure("--resolution '" + *options.resolution +
                                 "' is not WIDTHxHEIGHT, at most 8192 each");
        }
    }
    if (options.resolution || !scene.contains("resolution")) {
        scene["resolution"] = {width, height};
    }
    if (options.samples || !scene.contains("samples_per_pixel")) {
        scene["samples_per_pixel"] = options.samples.value_or(16);
    }
    if (!scene.contains("transfer")) scene["transfer"] = "srgb";
    if (!scene["samples_per_pixel"].is_number_unsigned() || scene["samples_per_pixel"] < 1 ||
        scene["samples_per_pixel"] > kSamplesMax) {
        return usage_failure("samples_per_pixel is not 1 to " + std::to_string(kSamplesMax));
    }
    const json& size = scene["resolution"];
    if (!size.is_array() || size.size() != 2 || !size[0].is_number_unsigned() ||
        !size[1].is_number_unsigned() || size[0] < 1 || size[1] < 1 || size[0] > kSideMax ||
        size[1] > kSideMax) {
        return usage_failure("resolution is not [width, height], at most 8192 each");
    }
    return std::nullopt;
}

Outcome demonstrate(const DemoRaytracingOptions& options) {
    const std::string out = options.out.value_or("p2c2r-demo");
    Result<json> loaded = load_scene(options.source);
    if (!loaded) return loaded.failure();
    json& scene = *loaded;
    if (Outcome failure = settle(options, scene)) return failure;
    if (Outcome failure = make_directories(out)) return failure;
    if (Outcome failure = write_file(join_path(out, "scene.json"), scene.dump())) return failure;

    Result<DeviceChoice> device = parse_device(options.device.value_or("auto"));
    if (!device) return device.failure();
    SessionOptions session_options;
    session_options.peers_in_process = kPeers;
    session_options.device = *device;
    Result<std::unique_ptr<Session>> opened = Session::open(session_options);
    if (!opened) return opened.failure();
    Session& session = **opened;
    if (!session.wait_for_peers(kPeers, kJoinTimeoutUs, nullptr)) {
        return Failure{kExitSomeFailed, "the peers did not join"};
    }

    const uint32_t width = scene["resolution"][0];
    const uint32_t height = scene["resolution"][1];
    Picture picture = make_picture(width, height, {0, 0, 0});
    std::vector<TaskRequest> requests;
    const uint64_t samples_of_row = uint64_t{width} * scene["samples_per_pixel"].get<uint32_t>();
    const auto rows = static_cast<uint32_t>(std::clamp<uint64_t>(
        kBandSamples / samples_of_row, 1, (height + kBandsLeast - 1) / kBandsLeast));
    for (uint32_t y = 0; y < height; y += rows) {
        TaskRequest request;
        request.name = "rows from " + std::to_string(y);
        request.params = scene;
        request.params["tile"] = {0, y, width, std::min(rows, height - y)};
        request.params["output_format"] = "raw";
        requests.push_back(std::move(request));
    }
    StreamOptions stream;
    stream.task_type = "raytracing";
    stream.deadline_us = kBandDeadlineUs;
    stream.in_flight_max = kBandsInFlight;
    stream.late_here = true;
    stream.progress = true;
    stream.noun = "bands";
    Outcome failed;
    const StreamSummary summary = run_stream(
        session, requests, stream, nullptr,
        [&](size_t index, const TaskRecord& record, const p2c2r_result* result) {
            size_t size = 0;
            const void* const bytes = result ? p2c2r_result_data(result, &size) : nullptr;
            const size_t first = index * rows * size_t{width} * 3;
            if (record.status != P2C2R_OK || !bytes || size > picture.pixels.size() - first) {
                failed = Failure{kExitSomeFailed, record.name + ": " + record.error};
                return;
            }
            std::memcpy(picture.pixels.data() + first, bytes, size);
        });
    if (failed) return failed;
    Result<std::string> png = encode_picture(session, picture, "png", 0);
    if (!png) return png.failure();
    const std::string path = join_path(out, "raytracing.png");
    if (Outcome failure = write_file(path, *png)) return failure;
    size_t by_peers = 0;
    for (const TaskRecord& record : summary.tasks) {
        if (record.source == P2C2R_SOURCE_PEER) ++by_peers;
    }
    std::printf("%u x %u in %.2f s, %zu bands, %zu of them by two peers of this process\n", width,
                height, static_cast<double>(summary.wall_us) / 1e6, summary.tasks.size(), by_peers);
    std::printf("%s; the scene: %s\n", path.c_str(), join_path(out, "scene.json").c_str());
    return std::nullopt;
}

}  // namespace

int run_demo_raytracing(const DemoRaytracingOptions& options) {
    const Outcome failure = demonstrate(options);
    return failure ? report("demo", *failure) : kExitOk;
}

}  // namespace p2c2r::cli
