#include "slice_cases.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/prng.h"
#include "kernels/path_field.h"
#include "kernels/path_gpu.h"
#include "kernels/physics_gpu.h"
#include "kernels/raytrace_gpu.h"
#include "kernels/raytrace_probes.h"
#include "kernels/upscale_gpu.h"
#include "model/value_json.h"
#include "model/value_writer.h"
#include "support/physics_worlds.h"

namespace p2c2r::bench {

using namespace kernels;

namespace {

// A kernel's object on a device, and a run of it: `Gpu` is made once and shared by the runs.
template <class Gpu, class Run>
auto on_device(Run run) {
    return [run](const std::shared_ptr<gpu::Device>& device) -> Result<KernelRun> {
        Result<std::unique_ptr<Gpu>> made = Gpu::create(device);
        if (!made) return made.error();
        const std::shared_ptr<Gpu> kernel = std::move(*made);
        return KernelRun(
            [kernel, run](const std::function<bool()>& stop) { return run(*kernel, stop); });
    };
}

// ---- upscale ------------------------------------------------------------------------------------

SliceCase upscale_case(const char* name, ResampleFilter filter) {
    struct Data {
        UpscalePlan plan;
        std::vector<uint8_t> source, target;
    };
    const auto data = std::make_shared<Data>();
    data->plan = make_upscale_plan(1280, 720, 1920, 1080, 3, filter);
    data->source.resize(size_t{1280} * 720 * 3);
    data->target.resize(size_t{1920} * 1080 * 3);
    for (size_t i = 0; i < data->source.size(); ++i) {
        const double x = static_cast<double>(i / 3 % 1280);
        const double y = static_cast<double>(i / 3 / 1280);
        data->source[i] = static_cast<uint8_t>(128 + 100 * std::sin((x * x + y * y) / 30000));
    }
    SliceCase made;
    made.name = name;
    made.native = [data](const std::function<bool()>& stop) -> Result<Done> {
        if (upscale_native(data->plan, data->source.data(), data->target.data(), stop)) {
            return Done{};
        }
        return make_error(Status::kCancelled, "cancelled");
    };
    made.on_gpu = on_device<UpscaleGpu>([data](UpscaleGpu& gpu, const auto& stop) {
        return gpu.run(data->plan, data->source.data(), data->target.data(), stop);
    });
    return made;
}

// ---- ray tracing
// ----------------------------------------------------------------------------------

// Spheres in a cloud before the camera; `mixed`: a third of them mirrors, a third glass.
std::string scene_json(uint32_t spheres, bool mixed, const std::string& more) {
    Prng prng(7);
    const auto draw = [&prng](double low, double high) {
        return std::to_string(low + prng.unit() * (high - low));
    };
    std::string objects;
    for (uint32_t i = 0; i < spheres; ++i) {
        const char* materials[] = {"diffuse", "mirror", "dielectric"};
        objects += std::string(i > 0 ? "," : "") + R"({"type":"sphere","position":[)" +
                   draw(-12, 12) + "," + draw(-7, 7) + "," + draw(-8, 8) + R"(],"radius":)" +
                   draw(0.3, 1) + R"(,"material":")" + materials[mixed ? i % 3 : 0] + "\"}";
    }
    return R"({"ambient":0.2,"lights":[{"position":[20,30,25],"intensity":0.8}],"objects":[)" +
           objects + "]," + more + "}";
}

const char* const kView =
    R"("resolution":[1280,720],"camera":{"position":[0,0,24],"direction":[0,0,-1],"fov_deg":45})";

SliceCase raytrace_case(const char* name, RaytraceKind kind, uint32_t mode,
                        const std::string& params_json) {
    struct Data {
        RaytraceRequest request;
        RtPass pass;
        std::vector<uint32_t> words;
    };
    const auto data = std::make_shared<Data>();
    RtSceneCache scenes;
    const Result<Bytes> params = json_to_value(params_json);
    Result<RaytraceRequest> request =
        params ? read_raytrace_request(kind, params->span(), {}, scenes) : params.error();
    if (!request) {
        std::fprintf(stderr, "%s: %s\n", name, request.error().text.c_str());
        return {};
    }
    data->request = std::move(*request);
    data->request.frame[kRtFrameMode] = mode;
    if (kind == RaytraceKind::kProbes) {
        set_probe_side(data->request.frame, make_probe_directions(data->request.sample_count), 0);
    }
    data->pass.scene = data->request.scene.get();
    data->pass.frame = &data->request.frame;
    data->pass.tile = data->request.tile;
    data->pass.sample_count = data->request.sample_count;
    data->words.resize(data->pass.tile.pixels() * kRtWordsPerPixel);
    SliceCase made;
    made.name = name;
    made.native = [data](const std::function<bool()>& stop) {
        return raytrace_native(data->pass, data->words.data(), 1, stop);
    };
    made.on_gpu = on_device<RaytraceGpu>([data](RaytraceGpu& gpu, const auto& stop) {
        return gpu.run(data->pass, data->request.scene, data->words.data(), stop);
    });
    return made;
}

// A hilly ground of a million triangles, which a task reads and divides into boxes before the first
// ray; its numbers as bytes or as MessagePack numbers.
Bytes ground_scene(bool as_bytes) {
    constexpr uint32_t kSide = 708;  // vertices
    std::vector<float> places;
    std::vector<uint32_t> corners;
    Prng prng(9);
    for (uint32_t z = 0; z < kSide; ++z) {
        for (uint32_t x = 0; x < kSide; ++x) {
            for (const double place : {x * 0.5, prng.unit(), z * 0.5}) {
                places.push_back(static_cast<float>(place));
            }
            if (x == 0 || z == 0) continue;
            const uint32_t at = z * kSide + x;
            for (const uint32_t back : {0u, 1u, kSide, kSide, 1u, kSide + 1}) {
                corners.push_back(at - back);
            }
        }
    }
    ValueWriter writer;
    writer.map(1).key("objects").array(1).map(3);
    const auto bytes_of = [](const auto& list) {
        return std::span(reinterpret_cast<const uint8_t*>(list.data()), list.size() * 4);
    };
    writer.key("indices");
    if (as_bytes) {
        writer.bytes(bytes_of(corners));
    } else {
        writer.array(static_cast<uint32_t>(corners.size()));
        for (const uint32_t corner : corners) writer.integer(corner);
    }
    writer.key("type").text("mesh").key("vertices");
    if (as_bytes) {
        writer.bytes(bytes_of(places));
    } else {
        writer.array(static_cast<uint32_t>(places.size()));
        for (const float place : places) writer.number(place);
    }
    return writer.take();
}

SliceCase scene_case(const char* name, bool as_bytes) {
    const Bytes scene = ground_scene(as_bytes);
    const Result<Bytes> params = json_to_value(std::string("{") + kView + "}");
    SliceCase made;
    made.name = name;
    made.native = [scene, params](const std::function<bool()>& stop) -> Result<Done> {
        RtSceneCache scenes;
        const Result<RaytraceRequest> request = read_raytrace_request(
            RaytraceKind::kPicture, params->span(), scene.span(), scenes, stop);
        if (!request) return request.error();
        return Done{};
    };
    return made;
}

// The largest G-buffer that a task may have: judged, hashed as with `previous`, and put into
// frames.
SliceCase gbuffer_case(const char* name) {
    static constexpr uint32_t kWidth = 3900, kHeight = 2436;
    constexpr uint64_t kPixels = uint64_t{kWidth} * kHeight;
    std::vector<uint8_t> planes;
    for (uint64_t i = 0; i < kPixels; ++i) {
        for (const uint8_t byte : {0, 0, 0x80, 0x40}) planes.push_back(byte);  // 4.0
    }
    planes.resize(kPixels * 7, 100);
    const Bytes data = Bytes::copy(planes);
    const Result<Bytes> params = json_to_value(
        R"({"camera":{"position":[0,0,24],"direction":[0,0,-1]},"objects":[],"resolution":[)" +
        std::to_string(kWidth) + "," + std::to_string(kHeight) +
        R"(],"gbuffer":{"depth":{"format":"f32","offset":0},"normal":{"format":"s8x3","offset":)" +
        std::to_string(kPixels * 4) + "}}}");
    SliceCase made;
    made.name = name;
    made.native = [data, params](const std::function<bool()>& stop) -> Result<Done> {
        RtSceneCache scenes;
        const Result<RaytraceRequest> request = read_raytrace_request(
            RaytraceKind::kShadows, params->span(), data.span(), scenes, stop);
        if (!request) return request.error();
        StopLooks looks(stop);
        bool whole = request->gbuffer->digest(looks).has_value();
        constexpr uint32_t kRows = 268;  // 2^20 pixels, as a task takes them
        for (uint32_t row = 0; whole && row < kHeight; row += kRows) {
            RtFrame frame = request->frame;
            const uint32_t end = std::min(row + kRows, kHeight);
            whole = append_rt_gbuffer(request->gbuffer->rows(kWidth, row, end), {0, row, kWidth},
                                      frame, looks);
        }
        if (!whole) return make_error(Status::kCancelled, "cancelled");
        return Done{};
    };
    return made;
}

// ---- physics
// --------------------------------------------------------------------------------------

constexpr uint32_t kStepsToSettle = 60;
constexpr uint32_t kSteps = 4;

SliceCase physics_case(const char* name, uint32_t bodies) {
    Prng prng(1);
    const auto across = static_cast<uint32_t>(std::cbrt(static_cast<double>(bodies)));
    PhysicsWorld settled = test::pile_world(prng, bodies, across);
    settled.steps = kStepsToSettle;
    PhysicsOutcome outcome;
    const auto team = std::make_shared<PhysicsTeam>(1);
    if (Result<Done> done = physics_native(settled, 0, *team, outcome); !done) {
        std::fprintf(stderr, "%s: %s\n", name, done.error().text.c_str());
    }
    settled.steps = kSteps;
    const auto start = std::make_shared<const PhysicsWorld>(std::move(settled));
    SliceCase made;
    made.name = name;
    made.native = [start, team](const std::function<bool()>& stop) {
        PhysicsWorld world = *start;
        PhysicsOutcome outcome;
        return physics_native(world, 0, *team, outcome, stop);
    };
    made.on_gpu = on_device<PhysicsGpu>([start](PhysicsGpu& gpu, const auto& stop) {
        PhysicsWorld world = *start;
        PhysicsOutcome outcome;
        return gpu.run(world, 0, outcome, stop);
    });
    return made;
}

// ---- flow fields
// ----------------------------------------------------------------------------------

SliceCase field_case(const char* name, uint32_t side) {
    struct Data {
        PathGrid grid;
        PathScratch scratch;
        std::vector<uint8_t> field;
    };
    const auto data = std::make_shared<Data>();
    data->grid = PathGrid(side, side);
    Prng prng(1);
    for (int32_t y = 0; y < static_cast<int32_t>(side); ++y) {
        for (int32_t x = 0; x < static_cast<int32_t>(side); ++x) {
            if (prng.chance(0.2)) data->grid.block({x, y});
        }
    }
    PathCell goal{static_cast<int32_t>(side / 2), static_cast<int32_t>(side / 2)};
    while (data->grid.blocked(goal)) ++goal.x;
    data->field.resize(size_t{side} * side);
    SliceCase made;
    made.name = name;
    made.native = [data, goal](const std::function<bool()>& stop) -> Result<Done> {
        PathQuery query;
        query.rule = PathRule::kOctile;
        query.stop = stop;
        uint64_t reached = 0;
        const PathEnd end = search_field(data->grid, query, goal, data->scratch, reached);
        if (end == PathEnd::kStopped) return make_error(Status::kCancelled, "cancelled");
        FlowField field(data->grid, query.rule, data->scratch);
        if (field.write(data->field.data(), stop)) return Done{};
        return make_error(Status::kCancelled, "cancelled");
    };
    made.on_gpu = on_device<PathGpu>([data, goal](PathGpu& gpu, const auto& stop) {
        return gpu.run(data->grid, PathRule::kOctile, goal, data->field.data(), stop);
    });
    return made;
}

}  // namespace

std::vector<SliceCase> make_slice_cases(const std::string& only) {
    const std::string probes =
        R"("probes":{"min":[-12,-7,-8],"max":[12,7,8],"counts":[32,16,16]},"rays_per_side":64)";
    const std::pair<const char*, std::function<SliceCase(const char*)>> all[] = {
        {"upscale bicubic", [](auto name) { return upscale_case(name, ResampleFilter::kBicubic); }},
        {"upscale lanczos", [](auto name) { return upscale_case(name, ResampleFilter::kLanczos); }},
        {"upscale edge", [](auto name) { return upscale_case(name, ResampleFilter::kEdge); }},
        {"raytracing, 500 spheres",
         [](auto name) {
             return raytrace_case(name, RaytraceKind::kPicture, kRtModeColor,
                                  scene_json(500, false, kView));
         }},
        {"raytracing, 5 000, 64 samples",
         [](auto name) {
             return raytrace_case(
                 name, RaytraceKind::kPicture, kRtModeColor,
                 scene_json(5000, true, kView + std::string(R"(,"samples_per_pixel":64)")));
         }},
        {"rt_shadows",
         [](auto name) {
             return raytrace_case(name, RaytraceKind::kShadows, kRtModeShadows,
                                  scene_json(500, false, kView));
         }},
        {"rt_reflections",
         [](auto name) {
             return raytrace_case(name, RaytraceKind::kReflections, kRtModeReflections,
                                  scene_json(500, true, kView));
         }},
        {"rt_global_illumination",
         [probes](auto name) {
             return raytrace_case(name, RaytraceKind::kProbes, kRtModeProbes,
                                  scene_json(500, false, probes));
         }},
        {"scene, 10^6 triangles, bytes", [](auto name) { return scene_case(name, true); }},
        {"scene, 10^6 triangles, numbers", [](auto name) { return scene_case(name, false); }},
        {"G-buffer, 9.5 Mpixel", [](auto name) { return gbuffer_case(name); }},
        {"physics, 1 000", [](auto name) { return physics_case(name, 1000); }},
        {"physics, 10 000", [](auto name) { return physics_case(name, 10'000); }},
        {"flow field, 1024", [](auto name) { return field_case(name, 1024); }},
        {"flow field, 4096", [](auto name) { return field_case(name, 4096); }},
    };
    std::vector<SliceCase> cases;
    for (const auto& [name, make] : all) {
        if (std::string(name).find(only) == std::string::npos) continue;
        SliceCase made = make(name);
        if (made.native) cases.push_back(std::move(made));
    }
    return cases;
}

}  // namespace p2c2r::bench
