// Small tasks of every type that can be cut, and a bench that computes wholes and parts.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "codec/image.h"
#include "core/prng.h"
#include "exec/job_control.h"
#include "kernels/builtin_types.h"
#include "kernels/kernels.h"
#include "kernels/raytrace_gbuffer.h"
#include "model/value_json.h"

namespace p2c2r::test {

struct SplitCase {
    std::string name;
    std::string type;
    std::string split;
    TaskInput whole;
};

inline TaskInput task_of(const std::string& params, Bytes data = {}) {
    Result<Bytes> bytes = json_to_value(params);
    REQUIRE_MESSAGE(bytes.ok(), params);
    return {std::move(*bytes), std::move(data)};
}

// A mirror, a ball of glass and a small wall on a floor, in the light of a lamp and a point.
inline std::string split_scene() {
    return R"("objects":[
        {"type":"sphere","position":[0,1,0],"radius":1,"material":"mirror"},
        {"type":"sphere","position":[1.5,0.5,1],"radius":0.5,"material":"dielectric"},
        {"type":"box","min":[-3,0,-1],"max":[-1.5,2,0],"color":[0.9,0.2,0.1]},
        {"type":"plane","position":[0,0,0],"normal":[0,1,0],"color":[0.5,0.6,0.5]}],
        "lights":[{"position":[3,6,2],"intensity":0.5,"radius":0.5},{"position":[-4,5,3],
        "intensity":0.4}],"ambient":0.2,"background":[0.1,0.2,0.8])";
}

inline std::string split_view(uint32_t width, uint32_t height) {
    return "\"resolution\":[" + std::to_string(width) + "," + std::to_string(height) +
           R"(],"camera":{"position":[0,2,8],"direction":[0,-0.15,-1],"fov_deg":40})";
}

inline std::string ray_task(const std::string& fields, uint32_t width = 19, uint32_t height = 21) {
    return "{" + split_view(width, height) + "," + split_scene() + "," + fields + "}";
}

// What a game has drawn of it: a slope and a piece of sky.
struct SplitPlanes {
    explicit SplitPlanes(uint32_t width, uint32_t height) {
        for (uint32_t i = 0; i < width * height; ++i) {
            const bool sky = i % 7 == 0;
            const auto near = static_cast<uint16_t>(20'000 + 900 * (i / width) + 31 * (i % width));
            depth.push_back(static_cast<uint8_t>(sky ? 0 : near));
            depth.push_back(static_cast<uint8_t>(sky ? 0 : near >> 8));
            normal.push_back(static_cast<uint8_t>(i % 90));
            normal.push_back(static_cast<uint8_t>(40 + i % 60));
            strength.push_back(static_cast<uint8_t>(i * 5));
        }
    }
    std::vector<uint8_t> depth, normal, strength;
};

inline TaskInput with_planes(const std::string& params, const SplitPlanes& planes, bool strength,
                             Bytes data = {}) {
    kernels::RtGbuffer gbuffer;
    gbuffer.depth_format = kernels::RtGbuffer::Depth::kU16;
    gbuffer.normal_format = kernels::RtGbuffer::Normal::kOct16;
    gbuffer.range[0] = 1;
    gbuffer.range[1] = 20;
    gbuffer.bias = 0.25;
    gbuffer.depth = planes.depth;
    gbuffer.normal = planes.normal;
    if (strength) gbuffer.reflectivity = planes.strength;
    const TaskInput task = task_of(params, std::move(data));
    return {edit_params(Value(task.params.span()), {}, 1,
                        [&](ValueWriter& writer) {
                            kernels::write_rt_gbuffer(writer.key("gbuffer"), gbuffer);
                        }),
            task.data};
}

inline TaskInput with_planes_as_data(const std::string& fields, const SplitPlanes& planes,
                                     uint32_t width, uint32_t height) {
    const std::string place = std::to_string(planes.depth.size());
    const std::string gbuffer =
        R"("gbuffer":{"depth":{"format":"u16","range":[1,20],"along":"direction","offset":0},
           "normal":{"format":"oct16","offset":)" +
        place + R"(},"jitter":[0.25,-0.25]})";
    std::vector<uint8_t> data = planes.depth;
    data.insert(data.end(), planes.normal.begin(), planes.normal.end());
    return task_of(ray_task(fields + (fields.empty() ? "" : ",") + gbuffer, width, height),
                   Bytes::copy(data));
}

inline std::vector<SplitCase> raytrace_split_cases() {
    const Bytes scene = json_to_value("{" + split_scene() + "}").value();
    const std::string small_view = "{" + split_view(9, 8) + ",\"samples_per_pixel\":18}";
    return {
        {"a picture as PNG", "raytracing", "rows", task_of(ray_task(R"("samples_per_pixel":2)"))},
        {"a tile as JPEG", "raytracing", "rows",
         task_of(ray_task(R"("tile":[3,2,11,17],"output_format":"jpeg","transfer":"srgb")"))},
        {"raw, the scene as data", "raytracing", "rows",
         task_of("{" + split_view(10, 23) + R"(,"output_format":"raw"})", scene)},
        {"all layers", "raytracing", "rows",
         task_of(ray_task(R"("layers":["normal","color","hit_id","depth"])"))},
        {"sums and depth", "raytracing", "rows",
         task_of(ray_task(R"("layers":["color","depth"],"output_format":"sums")"))},
        {"samples as PNG", "raytracing", "samples",
         task_of(ray_task(R"("samples_per_pixel":18,"seed":7)", 9, 8))},
        {"samples of a part, sRGB raw", "raytracing", "samples",
         task_of(ray_task(R"("samples_per_pixel":40,"sample_first":5,"sample_count":17,
                              "transfer":"srgb","output_format":"raw","tile":[2,1,5,6])",
                          9, 8))},
        {"samples as sums", "raytracing", "samples",
         task_of(ray_task(R"("samples_per_pixel":18,"output_format":"sums")", 9, 8))},
        {"samples beside layers", "raytracing", "samples",
         task_of(ray_task(R"("samples_per_pixel":18,"layers":["hit_id","color","normal"])", 9, 8))},
        {"masks of two lights", "rt_shadows", "rows",
         task_of(ray_task(R"("half_resolution":true)", 39, 43))},
        {"a reflection", "rt_reflections", "rows", task_of(ray_task(R"("max_bounces":3)"))},
        {"samples of a reflection", "rt_reflections", "samples",
         task_of(ray_task(R"("samples_per_pixel":18)", 9, 8))},
        {"masks from planes in the data", "rt_shadows", "rows",
         with_planes_as_data(R"("half_resolution":true)", SplitPlanes(20, 22), 39, 43)},
        {"a reflection from planes, the scene as data", "rt_reflections", "rows",
         with_planes("{" + split_view(19, 21) + "}", SplitPlanes(19, 21), true, scene)},
        {"samples of a reflection from planes", "rt_reflections", "samples",
         with_planes(small_view, SplitPlanes(9, 8), false, scene)},
        {"light on planes in the data", "rt_global_illumination", "rows",
         with_planes_as_data(R"("samples_per_pixel":2)", SplitPlanes(19, 21), 19, 21)},
        {"samples of light on planes", "rt_global_illumination", "samples",
         with_planes_as_data(R"("samples_per_pixel":18)", SplitPlanes(9, 8), 9, 8)},
        {"probes", "rt_global_illumination", "probes",
         task_of("{" + split_scene() + R"(,"rays_per_side":4,
                 "probes":{"min":[-2,0.5,-2],"max":[2,3,2],"counts":[4,3,2]}})")},
        {"some of the probes", "rt_global_illumination", "probes",
         task_of(R"({"rays_per_side":3,"owned":[2,21],
                 "probes":{"min":[-2,0.5,-2],"max":[2,3,2],"counts":[3,4,2]}})",
                 scene)},
    };
}

// A heap of balls that touch from the start.
inline std::string physics_task(uint32_t bodies, const std::string& fields) {
    std::string objects;
    for (uint32_t i = 0; i < bodies; ++i) {
        objects += std::string(i > 0 ? "," : "") + R"({"position":[)" +
                   std::to_string(0.9 * (i % 3)) + "," + std::to_string(0.5 + 0.85 * (i / 9)) +
                   "," + std::to_string(0.95 * (i / 3 % 3)) + R"(],"velocity":[0,-)" +
                   std::to_string(i % 5) + R"(,0],"mass":)" + std::to_string(1 + i % 4) + "}";
    }
    return R"({"bounds":{"min":[-1,0,-1],"max":[3,9,3]},"restitution":0.25,"friction":0.5,)" +
           fields + R"(,"objects":[)" + objects + "]}";
}

inline std::vector<SplitCase> physics_split_cases() {
    return {
        {"objects", "physics", "bodies", task_of(physics_task(20, R"("num_steps":3)"))},
        {"packed, with energy", "physics", "bodies",
         task_of(physics_task(22, R"("num_steps":5,"energy_every":2,"result":"packed")"))},
        {"a delta of some", "physics", "bodies",
         task_of(physics_task(27, R"("num_steps":2,"owned":[3,25],"result":"delta")"))},
        {"without collisions", "physics", "bodies",
         task_of(physics_task(20, R"("num_steps":2,"collisions":false)"))},
    };
}

inline std::string path_task(const std::string& fields, uint32_t agents, bool own_goals) {
    std::string list;
    for (uint32_t i = 0; i < agents; ++i) {
        list += (i > 0 ? ",[" : "[") + std::to_string(i * 5 % 12) + "," + std::to_string(i * 7 % 9);
        if (own_goals) {
            list += "," + std::to_string(11 - i * 3 % 12) + "," + std::to_string(8 - i % 9);
        }
        list += "]";
    }
    return R"({"diagonal":true,"goal":[11,8],"agents":[)" + list + "]," + fields + "}";
}

inline std::vector<SplitCase> path_split_cases() {
    const std::string rows = R"("grid":["............",".####.#####.",".#......#...",".#.####.#.#.",
        ".#.#..#.#.#.",".#.##.#...#.",".#....###.#.",".######...#.","..........#."])";
    // The same as costs, one a byte.
    std::string text = R"(............
.####.#####.
.#......#...
.#.####.#.#.
.#.#..#.#.#.
.#.##.#...#.
.#....###.#.
.######...#.
..........#.)";
    text.erase(std::remove(text.begin(), text.end(), '\n'), text.end());
    std::vector<uint8_t> costs;
    for (const char letter : text) {
        const auto cost = static_cast<uint8_t>(1 + costs.size() % 3);
        costs.push_back(letter == '.' ? cost : uint8_t{0});
    }
    const TaskInput goals = task_of(path_task(R"("width":12,"height":9)", 64, true));
    const Value params(goals.params.span());
    ValueWriter writer;
    writer.map(params.count() + 1);
    for (const auto& [key, value] : params.fields()) writer.value(key).value(value);
    writer.key("grid").bytes(costs);
    return {
        {"A* on rows of text", "ai_pathfinding", "agents", task_of(path_task(rows, 64, false))},
        {"JPS, packed", "ai_pathfinding", "agents",
         task_of(path_task(rows + R"(,"algorithm":"jps","output":"packed")", 40, true))},
        {"Dijkstra on bytes of params", "ai_pathfinding", "agents", {writer.take(), {}}},
        {"a flow field over data", "ai_pathfinding", "agents",
         task_of(path_task(R"("width":12,"height":9,"algorithm":"flow_field","obstacles":[[4,0]])",
                           64, false),
                 Bytes::copy(costs))},
        {"few nodes", "ai_pathfinding", "agents",
         task_of(path_task(rows + R"(,"max_nodes":9,"algorithm":"dijkstra")", 30, false))},
    };
}

// Soft shapes and noise, some of it beside a border.
inline Bytes split_picture(uint32_t width, uint32_t height, uint32_t channels,
                           codec::ImageFormat format) {
    Prng prng(7);
    std::vector<uint8_t> pixels;
    for (uint32_t i = 0; i < width * height * channels; ++i) {
        const uint32_t x = i / channels % width;
        const uint32_t y = i / channels / width;
        const uint32_t shape = (x * x + y * y * 2) / 9 % 2 == 0 ? 40 + 5 * x : 190 - 3 * y;
        pixels.push_back(static_cast<uint8_t>(shape + prng.below(9) + 3 * (i % channels)));
    }
    const codec::Image image{width, height, channels, Bytes::copy(pixels)};
    return codec::encode_image(image, format, 90).value();
}

inline std::vector<SplitCase> upscale_split_cases() {
    using codec::ImageFormat;
    const Bytes raw = split_picture(17, 13, 3, ImageFormat::kRaw);
    return {
        {"lanczos, raw to PNG", "upscale", "rows",
         task_of(R"({"input_res":[17,13],"output_res":[26,31],"output_format":"png"})", raw)},
        {"edge, raw", "upscale", "rows",
         task_of(R"({"input_res":[17,13],"output_res":[25,22],"algorithm":"edge"})", raw)},
        {"edge of rows, PNG with alpha", "upscale", "rows",
         task_of(R"({"scale":2,"algorithm":"edge","rows":[3,22]})",
                 split_picture(9, 12, 4, ImageFormat::kPng))},
        {"JPEG both ways, bicubic", "upscale", "rows",
         task_of(R"({"output_res":[30,20],"quality":"fast","jpeg_quality":70})",
                 split_picture(16, 12, 3, ImageFormat::kJpeg))},
        {"alpha to JPEG", "upscale", "rows",
         task_of(R"({"input_res":[8,9],"output_res":[12,19],"output_format":"jpeg"})",
                 split_picture(8, 9, 4, ImageFormat::kRaw))},
        {"much smaller", "upscale", "rows",
         task_of(R"({"input_res":[17,90],"output_res":[5,18],"algorithm":"edge"})",
                 split_picture(17, 90, 3, ImageFormat::kRaw))},
    };
}

inline std::vector<SplitCase> split_cases() {
    std::vector<SplitCase> all = raytrace_split_cases();
    for (const auto& more : {physics_split_cases(), path_split_cases(), upscale_split_cases()}) {
        all.insert(all.end(), more.begin(), more.end());
    }
    return all;
}

// Executors on one device; the same part is computed once.
class SplitBench {
  public:
    explicit SplitBench(kernels::KernelOptions options = native()) {
        const Result<kernels::BuiltinDevices> added =
            kernels::add_builtin_executors(registry_, options);
        REQUIRE_MESSAGE(added.ok(), added.error().text);
    }

    static kernels::KernelOptions native() {
        kernels::KernelOptions options;
        options.device = kernels::DeviceChoice::kNative;
        return options;
    }

    TaskOutput run(const std::string& type, const TaskInput& input) {
        const std::string key =
            type + '\n' + std::string(input.params.text()) + '\n' + std::string(input.data.text());
        const auto known = outputs_.find(key);
        if (known != outputs_.end()) return known->second;
        const TaskOutput output = compute(type, input);
        outputs_.emplace(key, output);
        return output;
    }

    TaskOutput compute(const std::string& type, const TaskInput& input) {
        exec::Job* job = exec::JobControl::make();
        job->task_type = type;
        job->params = input.params;
        job->data = input.data;
        const Status status = exec::JobControl::run(*job, *registry_.find(type));
        exec::Output output = std::move(job->output);
        job->release();
        REQUIRE_MESSAGE(status == Status::kOk, type << ": " << output.error);
        return {output.info, output.data};
    }

    // The parts in a random order, merged.
    Result<TaskOutput> run_split(const SplitCase& of, const TaskSplitter& splitter,
                                 std::span<const uint64_t> cuts, Prng& prng) {
        const Result<std::vector<TaskInput>> parts = splitter.split(of.whole, cuts);
        REQUIRE_MESSAGE(parts.ok(), of.name << ": " << parts.error().text);
        std::vector<size_t> order(parts->size());
        for (size_t i = 0; i < order.size(); ++i) order[i] = i;
        for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[prng.below(i)]);
        std::vector<TaskOutput> results(parts->size());
        for (const size_t i : order) results[i] = run(of.type, (*parts)[i]);
        return splitter.merge(of.whole, cuts, results);
    }

  private:
    exec::Registry registry_;
    std::map<std::string, TaskOutput> outputs_;  // by what was asked
};

inline std::shared_ptr<const TaskSplitter> splitter_of(const SplitCase& of) {
    Result<std::shared_ptr<const TaskSplitter>> found = kernels::find_splitter(of.type, of.split);
    REQUIRE_MESSAGE(found.ok(), found.error().text);
    return *found;
}

// `parts` ranges of any size, none empty.
inline std::vector<uint64_t> random_cuts(Prng& prng, uint64_t units, uint64_t parts) {
    std::vector<uint64_t> inner;
    for (uint64_t at = 1; at < units; ++at) inner.push_back(at);
    for (size_t i = inner.size(); i > 1; --i) std::swap(inner[i - 1], inner[prng.below(i)]);
    inner.resize(std::min(parts, units) - 1);
    std::sort(inner.begin(), inner.end());
    inner.insert(inner.begin(), 0);
    inner.push_back(units);
    return inner;
}

}  // namespace p2c2r::test
