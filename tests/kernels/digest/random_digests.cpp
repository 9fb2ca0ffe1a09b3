#include "digest/random_digests.h"

#include <bit>
#include <fstream>
#include <memory>

#include "core/crypto.h"
#include "kernels/conformance.h"
#include "kernels/path_conformance.h"
#include "kernels/path_search.h"
#include "kernels/physics_answers.h"
#include "support/random_inputs.h"

namespace p2c2r::digest {

namespace {

using namespace kernels;  // each kernel has its part of this file
using Answer = Result<std::vector<uint8_t>>;

void add_number(std::vector<uint8_t>& bytes, uint64_t number) {
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<uint8_t>(number >> 8 * i));
}

// ---- upscale ------------------------------------------------------------------------------------

constexpr struct {
    const char* name;
    ResampleFilter filter;
} kFilters[] = {{"upscale_bicubic", ResampleFilter::kBicubic},
                {"upscale_lanczos", ResampleFilter::kLanczos},
                {"upscale_edge", ResampleFilter::kEdge}};

RandomForm upscale_form(std::string name, ResampleFilter filter, Resize resize) {
    return {std::move(name), [filter, resize = std::move(resize)](Prng& prng) -> Answer {
                const test::ResizeCase row = test::tiny_resize(prng, filter);
                const std::vector<uint8_t> source = test::random_pixels(row, prng);
                std::vector<uint8_t> target(row.output_size());
                const Result<Done> done = resize(row.plan(), source.data(), target.data());
                if (!done) return done.error();
                return target;
            }};
}

RandomForm native_upscale(ResampleFilter filter, const UpscalePasses& passes,
                          const EdgeRows& edge) {
    const auto resize = [&passes, &edge](const UpscalePlan& plan, const uint8_t* source,
                                         uint8_t* target) -> Result<Done> {
        upscale_native(plan, source, target, {}, passes, edge);
        return Done{};
    };
    return upscale_form(passes.name, filter, resize);
}

// ---- ray tracing --------------------------------------------------------------------------------

constexpr struct {
    const char* name;
    Result<RaytraceRequest> (*draw)(Prng&);
    uint32_t mode;
} kScenes[] = {{"raytracing", test::tiny_picture, kRtModeColor},
               {"raytracing_extreme", test::extreme_picture, kRtModeColor},
               {"raytracing_layers", test::tiny_picture, kRtModeLayers},
               {"rt_reflections", test::tiny_picture, kRtModeReflections},
               {"rt_shadows", test::tiny_picture, kRtModeShadows},
               {"rt_global_illumination", test::tiny_probes, kRtModeProbes},
               {"rt_reflections_gbuffer", test::tiny_gbuffer, kRtModeReflections},
               {"rt_shadows_gbuffer", test::tiny_gbuffer, kRtModeShadows},
               {"rt_global_illumination_gbuffer", test::tiny_gbuffer, kRtModeGather}};

RandomForm raytrace_form(std::string name, Result<RaytraceRequest> (*draw)(Prng&), uint32_t mode,
                         Trace trace) {
    return {std::move(name), [draw, mode, trace = std::move(trace)](Prng& prng) -> Answer {
                Result<RaytraceRequest> request = draw(prng);
                if (!request) return request.error();
                const RtPass pass = test::pass_of(*request, mode);
                std::vector<uint32_t> words(pass.tile.pixels() * kRtWordsPerPixel);
                const Result<Done> done = trace(pass, request->scene, words.data());
                if (!done) return done.error();
                std::vector<uint8_t> bytes;
                for (const uint32_t word : words) add_number(bytes, word);
                return bytes;
            }};
}

Trace trace_by(const RtWalk& walk) {
    return [&walk](const RtPass& pass, const std::shared_ptr<const RtScene>&, uint32_t* words) {
        return raytrace_native(pass, words, 1, {}, walk);
    };
}

// ---- physics ------------------------------------------------------------------------------------

RandomForm physics_form(std::string name, PhysicsCompute compute) {
    return {std::move(name), [compute = std::move(compute)](Prng& prng) -> Answer {
                PhysicsWorld world = test::tiny_world(prng);
                PhysicsOutcome outcome;
                const Result<Done> done = compute(world, outcome);
                if (!done) return done.error();
                std::vector<uint8_t> bytes(world.bodies.size() * kPhysicsRecordSize);
                pack_bodies(world.bodies, bytes.data());
                for (const uint64_t pair : outcome.collisions) add_number(bytes, pair);
                add_number(bytes, outcome.contacts);
                for (const PhysicsOutcome::Energy& entry : outcome.energy) {
                    add_number(bytes, entry.step);
                    add_number(bytes, std::bit_cast<uint64_t>(entry.energy));
                }
                return bytes;
            }};
}

// ---- paths --------------------------------------------------------------------------------------

RandomForm field_form(std::string name, MakeField make) {
    return {std::move(name), [make = std::move(make)](Prng& prng) -> Answer {
                const test::PathCase tiny = test::tiny_path(prng);
                std::vector<uint8_t> field(size_t{tiny.grid.width()} * tiny.grid.height());
                const Result<Done> done = make(tiny.grid, tiny.rule, tiny.goal, field.data());
                if (!done) return done.error();
                return field;
            }};
}

// Every search that the grid may be given to.
Answer search_paths(Prng& prng) {
    test::PathCase tiny = test::tiny_path(prng);
    const PathCell start = test::random_cell(prng, tiny.grid);
    tiny.grid.make_columns();
    PathScratch scratch;
    std::vector<uint8_t> bytes;
    for (const PathAlgorithm algorithm :
         {PathAlgorithm::kAstar, PathAlgorithm::kDijkstra, PathAlgorithm::kJps}) {
        if (algorithm == PathAlgorithm::kJps && tiny.grid.weighted()) continue;
        PathQuery query;
        query.rule = tiny.rule;
        query.algorithm = algorithm;
        const PathAnswer answer = find_path(tiny.grid, query, start, tiny.goal, scratch);
        add_number(bytes, static_cast<uint64_t>(answer.end));
        add_number(bytes, answer.nodes_explored);
        add_number(bytes, std::bit_cast<uint64_t>(answer.distance()));
        for (const PathCell& cell : answer.path) add_number(bytes, PathScratch::cell_number(cell));
    }
    return bytes;
}

}  // namespace

std::vector<RandomKernel> native_kernels() {
    std::vector<RandomKernel> kernels;
    const UpscalePasses* passes = upscale_passes_avx2();
    const EdgeRows* edge = edge_rows_avx2();
    for (const auto& [name, filter] : kFilters) {
        kernels.push_back(
            {name, {native_upscale(filter, upscale_passes_plain(), edge_rows_plain())}});
        if (passes && edge) {
            kernels.back().forms.push_back(native_upscale(filter, *passes, *edge));
        }
    }
    for (const auto& [name, draw, mode] : kScenes) {
        kernels.push_back({name, {}});
        for (const RtWalk* walk : {&rt_walk_plain(), rt_walk_avx2()}) {
            if (!walk) continue;
            kernels.back().forms.push_back(raytrace_form(walk->name, draw, mode, trace_by(*walk)));
        }
    }
    const auto team = std::make_shared<PhysicsTeam>(1);
    const auto run = [team](PhysicsWorld& world, PhysicsOutcome& outcome) {
        return physics_native(world, 1, *team, outcome);
    };
    kernels.push_back({"physics", {physics_form("plain", run)}});
    kernels.push_back({"flow_field", {field_form("plain", make_field_native)}});
    kernels.push_back({"path_searches", {{"plain", search_paths}}});
    return kernels;
}

Result<std::vector<RandomKernel>> vulkan_kernels(const std::shared_ptr<gpu::Device>& device,
                                                 const std::string& name) {
    Result<std::unique_ptr<UpscaleGpu>> upscale = UpscaleGpu::create(device);
    if (!upscale) return upscale.error();
    Result<std::unique_ptr<RaytraceGpu>> raytrace = RaytraceGpu::create(device);
    if (!raytrace) return raytrace.error();
    Result<std::unique_ptr<PhysicsGpu>> physics = PhysicsGpu::create(device);
    if (!physics) return physics.error();
    Result<std::unique_ptr<PathGpu>> path = PathGpu::create(device);
    if (!path) return path.error();
    std::vector<RandomKernel> kernels;
    const std::shared_ptr<UpscaleGpu> resizer = std::move(*upscale);
    for (const auto& [kernel, filter] : kFilters) {
        const auto run = [resizer](const UpscalePlan& plan, const uint8_t* source,
                                   uint8_t* target) { return resizer->run(plan, source, target); };
        kernels.push_back({kernel, {upscale_form(name, filter, run)}});
    }
    const std::shared_ptr<RaytraceGpu> tracer = std::move(*raytrace);
    for (const auto& [kernel, draw, mode] : kScenes) {
        const auto run = [tracer](const RtPass& pass, const std::shared_ptr<const RtScene>& scene,
                                  uint32_t* words) { return tracer->run(pass, scene, words); };
        kernels.push_back({kernel, {raytrace_form(name, draw, mode, run)}});
    }
    const std::shared_ptr<PhysicsGpu> mover = std::move(*physics);
    const auto run_world = [mover](PhysicsWorld& world, PhysicsOutcome& outcome) {
        return mover->run(world, 1, outcome);
    };
    kernels.push_back({"physics", {physics_form(name, run_world)}});
    const std::shared_ptr<PathGpu> finder = std::move(*path);
    const auto run_field = [finder](const PathGrid& grid, PathRule rule, PathCell goal,
                                    uint8_t* field) {
        return finder->run(grid, rule, goal, field);
    };
    kernels.push_back({"flow_field", {field_form(name, run_field)}});
    return kernels;
}

Result<std::string> input_digest(const RandomForm& form, uint64_t index) {
    Prng prng(index);
    const Answer answer = form.answer(prng);
    if (!answer) return answer.error();
    return to_hex(sha256(*answer));
}

Result<std::string> folded_digest(const RandomForm& form, uint64_t count) {
    std::string digests;
    for (uint64_t index = 0; index < count; ++index) {
        const Result<std::string> digest = input_digest(form, index);
        if (!digest) return digest;
        digests += *digest;
    }
    return to_hex(sha256({reinterpret_cast<const uint8_t*>(digests.data()), digests.size()}));
}

std::vector<RandomGolden> read_random_golden() {
    std::ifstream file(P2C2R_SOURCE_DIR "/tests/kernels/random_golden.txt");
    std::vector<RandomGolden> rows;
    RandomGolden row;
    while (file >> row.kernel >> row.count >> row.digest) rows.push_back(row);
    return rows;
}

}  // namespace p2c2r::digest
