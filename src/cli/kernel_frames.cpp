#include "cli/kernel_frames.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "cli/demo.h"
#include "cli/picture.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kFrameDeadlineUs = 1'200'000'000;

void P2C2R_CALL keep_bytes(void*, const void*, size_t) {}  // frames live longer than their tasks

// Numbers that are the same in every run.
class Draws {
  public:
    double unit() {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<double>(state_ >> 40) / (1 << 24);
    }
    double between(double low, double high) { return low + unit() * (high - low); }

  private:
    uint64_t state_ = 7;
};

bool is_for_first_look(const std::string& name) {
    for (const char* part : {"lanczos, raw", "what changed", "are mirrors", " probes",
                             "1000 spheres in a heap, a step, delta", "across, astar"}) {
        if (name.find(part) != std::string::npos && !name.ends_with(" out")) return true;
    }
    return false;
}

class Frames {
  public:
    Frames(Session& session, const FrameOptions& options)
        : session_(session), small_(options.small), quick_(options.quick) {}

    Outcome add_upscale(const std::optional<std::string>& file);
    Outcome add_rays();
    Outcome add_gbuffer(const nlohmann::json& scene);
    Outcome add_physics();
    void add_paths();
    std::vector<KernelFrame> take() { return std::move(frames_); }

  private:
    [[nodiscard]] uint32_t side(uint32_t size) const { return small_ ? size / 8 : size; }
    void add(KernelFrame frame) {
        if (!quick_ || is_for_first_look(frame.name)) frames_.push_back(std::move(frame));
    }
    void add_scene(const char* task_type, const std::string& name, json params, uint32_t samples);
    Outcome add_heap(uint32_t count, uint32_t steps);

    Session& session_;
    const bool small_;
    const bool quick_;
    std::vector<KernelFrame> frames_;
};

std::string size_text(uint32_t width, uint32_t height) {
    return std::to_string(width) + "x" + std::to_string(height);
}

// 1280 x 720 (or the file's size) to half as much again.
Outcome Frames::add_upscale(const std::optional<std::string>& file) {
    Result<Picture> drawn = demo_picture(session_, file);
    if (!drawn) return drawn.failure();
    Picture picture = std::move(*drawn);
    if (!file) picture = shrink(picture, side(1280), side(720));
    const uint32_t width = picture.width * 3 / 2, height = picture.height * 3 / 2;
    Result<std::string> jpeg = encode_picture(session_, picture, "jpeg", 90);
    if (!jpeg) return jpeg.failure();
    const std::string raw(picture.pixels.begin(), picture.pixels.end());
    const json output = {{"output_res", {width, height}}};
    const auto add_one = [&](const std::string& name, json params, const std::string& data) {
        params.update(output);
        add({"upscale", name, std::move(params), data, double(width) * height / 1e6, "Mpixel/s"});
    };
    const std::string sizes = size_text(picture.width, picture.height) + " x 1.5, ";
    for (const char* algorithm : {"bicubic", "lanczos", "edge"}) {
        add_one(sizes + algorithm + ", raw",
                {{"algorithm", algorithm}, {"input_res", {picture.width, picture.height}}}, raw);
    }
    add_one(sizes + "lanczos, JPEG 90", json::object(), *jpeg);
    add_one(sizes + "lanczos, JPEG 80 out", {{"jpeg_quality", 80}}, *jpeg);
    add_one(sizes + "lanczos, PNG out", {{"output_format", "png"}}, *jpeg);
    add_one(sizes + "lanczos, raw out", {{"output_format", "raw"}}, *jpeg);
    return std::nullopt;
}

// The scene of the data set: a large sphere as the ground, five on it.
json six_spheres() {
    return json::parse(R"({"camera":{"position":[0,2.2,8],
      "direction":[0,-0.172380332,-0.985030467],"fov_deg":45},
     "objects":[
      {"type":"sphere","position":[0,-1000,0],"radius":1000,"color":[0.8,0.8,0.8]},
      {"type":"sphere","position":[-2.4,1,0],"radius":1,"color":[0.9,0.1,0.1]},
      {"type":"sphere","position":[0,0.7,1.2],"radius":0.7,"color":[0.1,0.9,0.1]},
      {"type":"sphere","position":[2.3,1.2,-0.8],"radius":1.2,"color":[0.1,0.1,0.9]},
      {"type":"sphere","position":[0.2,1.5,-3],"radius":1.5,"color":[0.9,0.9,0.1]},
      {"type":"sphere","position":[1.1,0.35,2.6],"radius":0.35,"color":[0.9,0.1,0.9]}],
     "lights":[{"position":[6,10,6],"intensity":0.8}],"ambient":0.2})");
}

json many_spheres(uint32_t count) {
    json scene = {
        {"camera", {{"position", {0, 0, 24}}, {"direction", {0, 0, -1}}, {"fov_deg", 45}}},
        {"ambient", 0.2},
        {"lights", {{{"position", {20, 30, 25}}, {"intensity", 0.8}}}}};
    Draws draws;
    for (uint32_t i = 0; i < count; ++i) {
        const double x = draws.between(-12, 12), y = draws.between(-7, 7);
        const double z = draws.between(-8, 8);
        scene["objects"].push_back(
            {{"type", "sphere"}, {"position", {x, y, z}}, {"radius", draws.between(0.3, 1)}});
    }
    return scene;
}

void Frames::add_scene(const char* task_type, const std::string& name, json params,
                       uint32_t samples) {
    const uint32_t width = params["resolution"][0], height = params["resolution"][1];
    if (samples > 0) params["samples_per_pixel"] = samples;
    const bool half = params.contains("half_resolution");
    const double rays = double(width) * height * std::max(samples, 1u) / (half ? 4 : 1);
    add({task_type, size_text(width, height) + ", " + name, std::move(params), "", rays / 1e6,
         "Mrays/s from the eye", true});
}

// What a game would send of its own frame: here the ray tracer's layers.
Outcome Frames::add_gbuffer(const json& scene) {
    json params = scene;
    params["layers"] = {"depth", "normal"};
    KernelFrame frame;
    frame.task_type = "raytracing";
    frame.params = params;
    const Result<std::vector<TaskRun>> seen = run_here(session_, frame, 1, true);
    if (!seen) return seen.failure();
    const TaskRun& layers = (*seen)[0];
    params = scene;
    params["gbuffer"] = {{"depth", layers.fields["layers"]["depth"]},
                         {"normal", layers.fields["layers"]["normal"]}};
    const uint32_t width = params["resolution"][0], height = params["resolution"][1];
    for (const char* type : {"rt_shadows", "rt_reflections", "rt_global_illumination"}) {
        add({type, size_text(width, height) + ", from a G-buffer", params, layers.data,
             double(width) * height / 1e6, "Mpixel/s", true});
    }
    return std::nullopt;
}

Outcome Frames::add_rays() {
    json scene = six_spheres();
    scene["resolution"] = {side(960), side(540)};
    add_scene("raytracing", "6 spheres, 1 sample", scene, 1);
    add_scene("raytracing", "6 spheres, 16 samples", scene, 16);
    json many = many_spheres(500);
    many["resolution"] = {side(1280), side(720)};
    many["output_format"] = "raw";
    add_scene("raytracing", "500 spheres, 1 sample, raw", many, 1);
    add_scene("rt_shadows", "6 spheres", scene, 0);
    json moved = scene;
    moved["half_resolution"] = true;
    moved["previous"] = {{"camera", scene["camera"]}};
    moved["camera"]["position"][0] = 0.05;
    add_scene("rt_shadows", "half, what changed", moved, 0);
    json mirrors = scene;
    mirrors["objects"][1]["material"] = mirrors["objects"][3]["material"] = "mirror";
    add_scene("rt_reflections", "2 of 6 are mirrors", mirrors, 1);
    json probes = scene;
    for (const char* name : {"camera", "resolution"}) probes.erase(name);
    const uint32_t rays = small_ ? 8 : 64;
    probes["probes"] = {{"min", {-4, 0.2, -4}}, {"max", {4, 4, 4}}, {"counts", {8, 6, 8}}};
    probes["rays_per_side"] = rays;
    add({"rt_global_illumination", "8x6x8 probes, " + std::to_string(rays) + " rays a side", probes,
         "", 8 * 6 * 8 * 6 * rays / 1e6, "Mrays/s from probes", true});
    return quick_ ? std::nullopt : add_gbuffer(scene);
}

void put_float(std::string& bytes, float value) {
    char four[4];
    std::memcpy(four, &value, 4);
    bytes.append(four, 4);
}

// Spheres that have fallen into a box, as a packed state; a step of 1/60 s.
Outcome Frames::add_heap(uint32_t count, uint32_t steps) {
    const auto across = static_cast<uint32_t>(std::cbrt(count)) + 1;
    Draws draws;
    KernelFrame fall;
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t place[3] = {i % across, i / across / across, i / across % across};
        for (const uint32_t cell : place) {
            put_float(fall.data, static_cast<float>(0.12 + 0.23 * cell + draws.between(0, 0.02)));
        }
        for (const float number : {0.0f, 0.0f, 0.0f, 1.0f, 0.1f, 0.3f, 0.4f}) {
            put_float(fall.data, number);
        }
    }
    const double width = 0.23 * across + 0.05;
    fall.task_type = "physics";
    fall.params = {{"bounds", {{"min", {0, 0, 0}}, {"max", {width, 2 * width, width}}}},
                   {"num_steps", steps},
                   {"collisions", false}};
    const Result<std::vector<TaskRun>> rest = run_here(session_, fall, 1, true);
    if (!rest) return rest.failure();
    KernelFrame step = fall;
    step.data = (*rest)[0].data.substr(0, size_t{count} * 40);
    step.params["num_steps"] = 1;
    step.work = count / 1e6;
    step.unit = "Mbodies/s";
    step.shares_threads = true;
    step.name = std::to_string(count) + " spheres in a heap, a step";
    add(step);
    step.name += ", delta";
    step.params["result"] = "delta";
    add(step);
    return std::nullopt;
}

Outcome Frames::add_physics() {
    if (Outcome failure = add_heap(small_ ? 100 : 1000, small_ ? 60 : 300)) return failure;
    return small_ || quick_ ? std::nullopt : add_heap(10000, 120);
}

// A fifth of the cells are walls; a bit a cell.
void Frames::add_paths() {
    const uint32_t size = side(1024);
    Draws draws;
    std::string bits(size_t{size} * size / 8, '\0');
    const auto blocked = [&](uint32_t x, uint32_t y) {
        return (bits[(size_t{y} * size + x) / 8] >> (x % 8) & 1) != 0;
    };
    for (uint32_t i = 0; i < size * size; ++i) {
        if (draws.unit() < 0.2) bits[i / 8] = static_cast<char>(bits[i / 8] | 1 << i % 8);
    }
    const auto free_cell = [&](double low, double high) {
        for (;;) {
            const auto x = static_cast<uint32_t>(draws.between(low, high) * size);
            const auto y = static_cast<uint32_t>(draws.between(low, high) * size);
            if (!blocked(x, y)) return json{x, y};
        }
    };
    const json base = {{"width", size},
                       {"height", size},
                       {"grid_format", "bits"},
                       {"diagonal", true},
                       {"goal", free_cell(0.9, 1)},
                       {"output", "packed"}};
    const std::string name = size_text(size, size) + ", ";
    const json start = free_cell(0, 0.1);
    for (const char* algorithm : {"astar", "jps"}) {
        json query = base;
        query.update({{"start", start}, {"algorithm", algorithm}});
        add({"ai_pathfinding", name + "across, " + algorithm, query, bits, 1e-6, "Mqueries/s"});
    }
    json crowd = base;
    crowd["algorithm"] = "flow_field";
    for (uint32_t i = 0; i < 1000; ++i) crowd["agents"].push_back(free_cell(0, 1));
    add({"ai_pathfinding", name + "1000 agents to one goal", crowd, bits, 1e-3, "Magents/s"});
    json field = base;
    field.update({{"algorithm", "flow_field"}, {"output", "field"}});
    add({"ai_pathfinding", name + "field", field, bits, double(size) * size / 1e6, "Mcells/s"});
}

Result<TaskRun> read_run(const KernelFrame& frame, const p2c2r_result* result, bool keep) {
    size_t size = 0;
    if (p2c2r_result_status(result) != P2C2R_OK) {
        const char* text = p2c2r_result_text(result, P2C2R_TEXT_MESSAGE, &size);
        return Failure{kExitSomeFailed, frame.task_type + ": " + std::string(text, size)};
    }
    TaskRun run;
    p2c2r_result_info times = {};
    times.struct_size = sizeof times;
    p2c2r_result_info_get(result, &times);
    run.processing_us = times.processing_us;
    if (!keep) return run;
    const auto* data = static_cast<const char*>(p2c2r_result_data(result, &size));
    if (data) run.data.assign(data, size);
    p2c2r_result_fields(result, P2C2R_FORMAT_MSGPACK, &size);
    run.fields_size = size;
    run.fields = fields_of(result);
    uint8_t digest[32] = {};
    if (p2c2r_result_digest(result, digest) != P2C2R_OK) {
        return Failure{kExitSomeFailed, frame.task_type + ": its result has no digest"};
    }
    for (const uint8_t byte : digest) {
        char pair[3];
        std::snprintf(pair, sizeof pair, "%02x", byte);
        run.digest += pair;
    }
    return run;
}

}  // namespace

Result<std::vector<TaskRun>> run_here(Session& session, const KernelFrame& frame, size_t together,
                                      bool keep) {
    const std::vector<uint8_t> params = json::to_msgpack(frame.params);
    // Referred to, not copied.
    const p2c2r_bytes data = {frame.data.data(), frame.data.size(), keep_bytes, nullptr};
    p2c2r_task_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.task_type = frame.task_type.c_str();
    desc.deadline_us = kFrameDeadlineUs;
    desc.place = P2C2R_PLACE_LOCAL;
    desc.params_format = P2C2R_FORMAT_MSGPACK;
    desc.params = params.data();
    desc.params_size = params.size();
    desc.data = frame.data.empty() ? nullptr : &data;
    std::vector<p2c2r_task> tasks(together);
    Outcome failed;
    for (p2c2r_task& task : tasks) {
        p2c2r_error why = {};
        if (p2c2r_client_submit(session.client(), &desc, &task, &why) == P2C2R_OK) continue;
        task = 0;
        failed = library_failure(kExitSomeFailed, frame.task_type, why);
    }
    std::vector<TaskRun> runs;
    for (const p2c2r_task task : tasks) {
        if (task == 0) continue;
        p2c2r_result* result = nullptr;
        const p2c2r_status status =
            p2c2r_client_get_result(session.client(), task, P2C2R_FOREVER, &result);
        const ResultHandle owned(result);
        if (status != P2C2R_OK) {
            failed = Failure{kExitSomeFailed, frame.task_type + ": " + p2c2r_status_name(status)};
            continue;
        }
        Result<TaskRun> run = read_run(frame, result, keep);
        if (!run) {
            failed = run.failure();
        } else {
            runs.push_back(std::move(*run));
        }
    }
    if (failed) return *failed;
    return runs;
}

Result<std::vector<KernelFrame>> kernel_frames(Session& session, const FrameOptions& options) {
    Frames frames(session, options);
    const auto wanted = [&](const char* task_type) {
        return options.task_type.empty() || options.task_type == task_type;
    };
    if (wanted("upscale")) {
        if (Outcome failure = frames.add_upscale(options.picture)) return *failure;
    }
    if (Outcome failure = frames.add_rays()) return *failure;
    if (wanted("physics")) {
        if (Outcome failure = frames.add_physics()) return *failure;
    }
    frames.add_paths();
    std::vector<KernelFrame> all = frames.take();
    std::erase_if(all, [&](const KernelFrame& frame) { return !wanted(frame.task_type.c_str()); });
    return all;
}

}  // namespace p2c2r::cli
