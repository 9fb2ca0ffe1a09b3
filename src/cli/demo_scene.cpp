#include "cli/demo_scene.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/files.h"
#include "cli/json_text.h"
#include "cli/model_import.h"
#include "cli/task_stream.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kBandDeadlineUs = 600'000'000;
// Samples of a band: well below the five seconds that a coordinator gives a task.
constexpr uint64_t kBandSamples = 1u << 20;
constexpr uint32_t kBandsLeast = 9;
constexpr uint32_t kBandsInFlight = 4;
constexpr uint32_t kSideMax = 8192;
constexpr uint32_t kSamplesMax = 4096;

const char* const kShowScene = R"({
 "camera":{"position":[0,2.4,8.5],"direction":[0,-0.2,-1],"fov_deg":42},
 "objects":[
  {"type":"plane","position":[0,0,0],"normal":[0,1,0],"color":[0.45,0.45,0.42]},
  {"type":"sphere","position":[-2.4,1,0],"radius":1,"color":[0.95,0.95,0.95],"material":"mirror"},
  {"type":"sphere","position":[0.1,0.9,1.8],"radius":0.9,"material":"dielectric","ior":1.5},
  {"type":"sphere","position":[-1.1,0.4,2.7],"radius":0.4,"color":[0.8,0.06,0.04]},
  {"type":"box","min":[1.5,0,-1.5],"max":[3.3,1.7,0.3],"color":[0.03,0.12,0.6]},
  {"type":"sphere","position":[2.4,2.1,-0.6],"radius":0.4,"color":[1,0.6,0.15],
   "material":"emissive"},
  {"type":"box","min":[-5,0,-6],"max":[5,3.2,-5.5],"color":[0.85,0.9,0.88],"material":"mirror"}],
 "lights":[{"position":[6,10,6],"intensity":0.6,"radius":1.2},
  {"position":[-6,5,5],"intensity":0.3,"color":[0.7,0.85,1]}],
 "ambient":0.08,"background":[0.16,0.34,0.7],"max_bounces":8})";

const char* const kRoomScene = R"({
 "camera":{"position":[0,1.5,6.6],"direction":[0,0,-1],"fov_deg":36},
 "objects":[
  {"type":"box","min":[-2.1,-0.1,-2.1],"max":[2.1,0,2.1],"color":[0.75,0.75,0.72]},
  {"type":"box","min":[-2.1,3,-2.1],"max":[2.1,3.1,2.1],"color":[0.75,0.75,0.72]},
  {"type":"box","min":[-2.1,0,-2.1],"max":[2.1,3,-2],"color":[0.75,0.75,0.72]},
  {"type":"box","min":[-2.1,0,-2],"max":[-2,3,2.1],"color":[0.75,0.08,0.05]},
  {"type":"box","min":[2,0,-2],"max":[2.1,3,2.1],"color":[0.08,0.5,0.1]},
  {"type":"box","min":[-1.3,0,-1.3],"max":[-0.2,1.7,-0.3],"color":[0.75,0.75,0.72]},
  {"type":"sphere","position":[0.9,0.6,0.3],"radius":0.6,"color":[0.75,0.75,0.72]}],
 "lights":[{"position":[0.2,2.6,0.2],"intensity":0.9,"radius":0.25}],
 "ambient":0,"background":[0,0,0],"max_bounces":4,
 "probes":{"min":[-1.8,0.2,-1.8],"max":[1.8,2.8,1.8],"counts":[8,6,8]}})";

// A ring with a thick rim, standing on the floor: curved, with a hole.
ModelPart ring() {
    constexpr uint32_t kAround = 96, kAcross = 40;
    constexpr double kTurn = 6.283185307179586;
    constexpr double kRadius = 0.95, kThick = 0.34;
    constexpr double kPlace[3] = {-0.35, kRadius + kThick, -2.6};
    ModelPart part;
    part.color = {0.8, 0.45, 0.04};
    for (uint32_t i = 0; i < kAround; ++i) {
        for (uint32_t j = 0; j < kAcross; ++j) {
            const double along = kTurn * i / kAround, across = kTurn * j / kAcross;
            const double out = kRadius + kThick * std::cos(across);
            part.vertices.push_back(static_cast<float>(kPlace[0] + out * std::cos(along)));
            part.vertices.push_back(static_cast<float>(kPlace[1] + out * std::sin(along)));
            part.vertices.push_back(static_cast<float>(kPlace[2] + kThick * std::sin(across)));
            const uint32_t next_i = (i + 1) % kAround, next_j = (j + 1) % kAcross;
            const uint32_t here = i * kAcross + j, right = next_i * kAcross + j;
            const uint32_t below = i * kAcross + next_j, beyond = next_i * kAcross + next_j;
            for (const uint32_t corner : {here, right, beyond, here, beyond, below}) {
                part.indices.push_back(corner);
            }
        }
    }
    return part;
}

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
    json& probes = scene["probes"] = {{"counts", {8, 8, 8}}};
    for (int axis = 0; axis < 3; ++axis) {
        probes["min"].push_back(axis == 1 ? low[1] + radius * 0.05 : low[axis] - radius * 0.5);
        probes["max"].push_back(high[axis] + radius * 0.5);
    }
    return scene;
}

Result<json> load_scene(const std::string& source) {
    if (ending_of(source) != "json") {
        Result<std::vector<ModelPart>> parts = import_model(source);
        if (!parts) return usage_failure(parts.failure().text);
        return scene_around(*parts);
    }
    Result<std::string> text = read_file(source);
    if (!text) return usage_failure(text.failure().text);
    JsonText scene = read_json(*text, "scene");
    if (!scene.error.empty()) return usage_failure(source + ": " + scene.error);
    if (!scene.value.is_object()) return usage_failure(source + " is no JSON object");
    return std::move(scene.value);
}

Outcome settle(const DemoRaytracingOptions& options, const json& defaults, json& scene) {
    uint32_t width = 0;
    uint32_t height = 0;
    char end = 0;
    if (options.resolution) {
        if (std::sscanf(options.resolution->c_str(), "%ux%u%c", &width, &height, &end) != 2 ||
            width == 0 || height == 0 || width > kSideMax || height > kSideMax) {
            return usage_failure("--resolution '" + *options.resolution +
                                 "' is not WIDTHxHEIGHT, at most 8192 each");
        }
    }
    if (options.resolution) scene["resolution"] = {width, height};
    if (options.samples) scene["samples_per_pixel"] = *options.samples;
    for (const auto& [name, value] : defaults.items()) {
        if (!scene.contains(name)) scene[name] = value;
    }
    if (!scene.contains("transfer")) scene["transfer"] = "srgb";
    if (!scene["samples_per_pixel"].is_number_integer() || scene["samples_per_pixel"] < 1 ||
        scene["samples_per_pixel"] > kSamplesMax) {
        return usage_failure("samples_per_pixel is not 1 to " + std::to_string(kSamplesMax));
    }
    const json& size = scene["resolution"];
    if (!size.is_array() || size.size() != 2 || !size[0].is_number_integer() ||
        !size[1].is_number_integer() || size[0] < 1 || size[1] < 1 || size[0] > kSideMax ||
        size[1] > kSideMax) {
        return usage_failure("resolution is not [width, height], at most 8192 each");
    }
    return std::nullopt;
}

// Without what `task_type` does not know.
json params_for(const std::string& task_type, json params) {
    if (task_type == "rt_shadows") {
        for (const char* name : {"transfer", "output_format", "layers"}) params.erase(name);
    }
    return params;
}

PictureSize traced_size(const json& params) {
    const PictureSize size = {params["resolution"][0], params["resolution"][1]};
    const bool half = params.contains("half_resolution") && params["half_resolution"] == true;
    return half ? PictureSize{(size.width + 1) / 2, (size.height + 1) / 2} : size;
}

}  // namespace

json show_scene() {
    json scene = json::parse(kShowScene);
    scene["objects"].push_back(model_objects({ring()})[0]);
    return scene;
}

json room_scene() {
    return json::parse(kRoomScene);
}

Result<DemoScene> load_demo_scene(const DemoRaytracingOptions& options, json own,
                                  const json& defaults) {
    Result<json> loaded = options.source ? load_scene(*options.source) : Result<json>(own);
    if (!loaded) return loaded.failure();
    DemoScene scene;
    scene.params = std::move(*loaded);
    if (Outcome failure = settle(options, defaults, scene.params)) return *failure;
    scene.width = scene.params["resolution"][0];
    scene.height = scene.params["resolution"][1];
    if (scene.params.contains("probes")) scene.probes = scene.params["probes"];
    if (!own.contains("probes")) scene.params.erase("probes");  // of no use to this demonstration
    scene.text = scene.params.dump();
    for (const char* name : {"probes", "layers", "tile", "sample_first", "sample_count"}) {
        scene.params.erase(name);
    }
    return scene;
}

Outcome write_scene(const DemoScene& scene, const std::string& out) {
    if (Outcome failure = make_directories(out)) return failure;
    return write_file(join_path(out, "scene.json"), scene.text);
}

const uint8_t* Band::layer(const char* name, size_t size_wanted) const {
    const json& layer = fields.value("layers", json::object()).value(name, json::object());
    const size_t offset = layer.value("offset", size_t{0});
    const size_t bytes = layer.value("size", size_t{0});
    if (bytes != size_wanted || offset > size || bytes > size - offset) return nullptr;
    return data + offset;
}

Result<BandsSummary> trace_bands(Session& session, const std::string& task_type, const json& params,
                                 const std::function<bool(const Band&)>& take) {
    const json base = params_for(task_type, params);
    const uint32_t width = traced_size(base).width;
    const uint32_t height = traced_size(base).height;
    const uint64_t samples_of_row = uint64_t{width} * base["samples_per_pixel"].get<uint32_t>();
    const auto rows = static_cast<uint32_t>(std::clamp<uint64_t>(
        kBandSamples / samples_of_row, 1, (height + kBandsLeast - 1) / kBandsLeast));
    std::vector<TaskRequest> requests;
    for (uint32_t y = 0; y < height; y += rows) {
        TaskRequest request;
        request.name = task_type + ", rows from " + std::to_string(y);
        request.params = base;
        request.params["tile"] = {0, y, width, std::min(rows, height - y)};
        requests.push_back(std::move(request));
    }
    StreamOptions stream;
    stream.task_type = task_type;
    stream.deadline_us = kBandDeadlineUs;
    stream.in_flight_max = kBandsInFlight;
    stream.late_here = true;
    stream.progress = true;
    stream.noun = "bands of " + task_type;
    Outcome failed;
    const StreamSummary summary = run_stream(
        session, requests, stream, nullptr,
        [&](size_t index, const TaskRecord& record, const p2c2r_result* result) {
            Band band;
            band.y = static_cast<uint32_t>(index) * rows;
            band.rows = std::min(rows, height - band.y);
            if (record.status == P2C2R_OK && result) {
                band.fields = fields_of(result);
                band.data = static_cast<const uint8_t*>(p2c2r_result_data(result, &band.size));
                if (take(band)) return;
            }
            failed = Failure{kExitSomeFailed,
                             record.name + ": " +
                                 (record.error.empty() ? "not what was asked for" : record.error)};
        });
    if (failed) return *failed;
    BandsSummary all;
    all.bands = summary.tasks.size();
    all.seconds = static_cast<double>(summary.wall_us) / 1e6;
    for (const TaskRecord& record : summary.tasks) {
        if (record.source == P2C2R_SOURCE_PEER) ++all.by_peers;
    }
    return all;
}

Result<Picture> trace_picture(Session& session, const std::string& task_type, const json& params,
                              BandsSummary* summary) {
    json asked = params;
    asked["output_format"] = "raw";
    const uint32_t width = traced_size(asked).width;
    const uint32_t height = traced_size(asked).height;
    Picture picture = make_picture(width, height, {0, 0, 0});
    const Result<BandsSummary> bands =
        trace_bands(session, task_type, asked, [&](const Band& band) {
            const size_t row_bytes = size_t{width} * 3;
            if (band.size != band.rows * row_bytes) return false;
            std::memcpy(picture.pixels.data() + band.y * row_bytes, band.data, band.size);
            return true;
        });
    if (!bands) return bands.failure();
    if (summary) *summary = *bands;
    return picture;
}

}  // namespace p2c2r::cli
