#include "kernels/raytrace_task.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "kernels/layer_delta.h"
#include "kernels/raytrace_info.h"
#include "kernels/raytrace_native.h"
#include "kernels/raytrace_probes.h"

namespace p2c2r::kernels {

namespace {

// Pixels whose words are in memory at a time: 12 MiB.
constexpr uint64_t kBandPixels = 1u << 20;
// Fewer rays than this are not worth another thread.
constexpr uint64_t kSamplesPerThread = 16'384;

Error task_cancelled() {
    return make_error(Status::kCancelled, "the task was cancelled");
}

// Everything that a layer depends on but the scene. `planes`: the digest of a G-buffer.
Digest256 digest_of(const RaytraceRequest& request, const std::optional<Digest256>& planes) {
    RtFrame words = request.frame;
    for (const uint32_t word :
         {request.tile.x, request.tile.y, request.tile.width, request.tile.height,
          request.probe_first, request.probe_end, request.sample_first, request.sample_count,
          static_cast<uint32_t>(request.format), static_cast<uint32_t>(request.kind),
          request.srgb ? 1u : 0u}) {
        words.push_back(word);
    }
    // What a pass leaves there says nothing about the request.
    words[kRtFrameMode] = 0;
    if (words[kRtFrameRays] > 0) {
        std::fill_n(words.begin() + kRtFrameWords, size_t{words[kRtFrameRays]} * 3, 0);
    }
    if (planes) words.insert(words.end(), planes->begin(), planes->end());
    return sha256({reinterpret_cast<const uint8_t*>(words.data()), words.size() * 4});
}

// The range of probes in rectangles: a part of a row, whole rows, a part of a row.
std::vector<RtTile> probe_tiles(const RaytraceRequest& request) {
    const uint32_t width = request.width;
    std::vector<RtTile> tiles;
    for (uint32_t at = request.probe_first; at < request.probe_end;) {
        const uint32_t column = at % width;
        const uint32_t left = request.probe_end - at;
        RtTile tile{column, at / width, std::min(width - column, left), 1};
        if (column == 0 && left >= width) tile.height = left / width;
        tiles.push_back(tile);
        at += tile.width * tile.height;
    }
    return tiles;
}

}  // namespace

Status RaytraceExecutor::run(exec::Job& job) {
    Result<RaytraceRequest> read =
        read_raytrace_request(kind_, job.params.span(), job.data.span(), *scenes_,
                              [&job] { return job.cancelled_or_wait(); });
    if (!read) return job.fail(read.error());
    RaytraceRequest& request = *read;
    RaytraceOutput output(request.kind, request, memory_);
    std::string device;
    if (Result<Done> done = compute(job, request, output, device); !done) {
        return job.fail(done.error());
    }
    const uint64_t words_of_pixel = kRtWordsPerPixel + (request.gbuffer ? kRtGbufferWords : 0);
    job.output.memory_peak = output.size() * (request.previous ? 2 : 1) + request.scene->bytes() +
                             std::min(request.tile.pixels(), kBandPixels) * words_of_pixel * 4;
    if (rt_makes_pictures(request.kind) && request.is_picture())
        return give_picture(job, request, output, device);
    return give_layers(job, request, output, device);
}

Result<Done> RaytraceExecutor::compute(const exec::Job& job, RaytraceRequest& request,
                                       RaytraceOutput& output, std::string& device) {
    if (request.kind == RaytraceKind::kShadows) {
        return compute_tile(job, request, kRtModeShadows, output, device);
    }
    if (request.kind == RaytraceKind::kGather) {
        return compute_tile(job, request, kRtModeGather, output, device);
    }
    if (request.kind == RaytraceKind::kProbes) {
        const std::vector<float> directions = make_probe_directions(request.sample_count);
        for (uint32_t side = 0; side < kRtProbeSides; ++side) {
            set_probe_side(request.frame, directions, side);
            for (const RtTile& tile : probe_tiles(request)) {
                const RtTaker take = [&](uint64_t first, std::span<const uint32_t> words) {
                    const uint64_t number = uint64_t{tile.y} * request.width + tile.x + first;
                    output.take_probes(side, number - request.probe_first, words);
                };
                const Result<Done> done =
                    compute_pass(job, request, kRtModeProbes, tile, take, device);
                if (!done) return done;
            }
        }
        return Done{};
    }
    if (request.layers & RaytraceRequest::kColor) {
        const uint32_t mode =
            request.kind == RaytraceKind::kReflections ? kRtModeReflections : kRtModeColor;
        if (Result<Done> done = compute_tile(job, request, mode, output, device); !done) {
            return done;
        }
    }
    if ((request.layers & ~RaytraceRequest::kColor) == 0) return Done{};
    return compute_tile(job, request, kRtModeLayers, output, device);
}

Result<Done> RaytraceExecutor::compute_tile(const exec::Job& job, RaytraceRequest& request,
                                            uint32_t mode, RaytraceOutput& output,
                                            std::string& device) {
    const RtTaker take = [&](uint64_t first, std::span<const uint32_t> words) {
        output.take(mode, first, words);
    };
    return compute_pass(job, request, mode, request.tile, take, device);
}

Result<Done> RaytraceExecutor::compute_pass(const exec::Job& job, RaytraceRequest& request,
                                            uint32_t mode, const RtTile& tile, const RtTaker& take,
                                            std::string& device) {
    request.frame[kRtFrameMode] = mode;
    const bool one_sample = mode == kRtModeLayers || mode == kRtModeShadows;
    const std::function<bool()> stop = [&job] { return job.cancelled_or_wait(); };
    const auto rows_max = static_cast<uint32_t>(std::max<uint64_t>(kBandPixels / tile.width, 1));
    std::vector<uint32_t> words;
    StopLooks looks(stop);
    RtFrame with_gbuffer;
    for (uint32_t row = 0; row < tile.height; row += rows_max) {
        RtPass pass;
        pass.scene = request.scene.get();
        pass.frame = &request.frame;
        pass.tile = tile;
        pass.tile.y += row;
        pass.tile.height = std::min(rows_max, tile.height - row);
        if (request.gbuffer) {
            with_gbuffer = request.frame;
            if (!append_rt_gbuffer(request.gbuffer->rows(tile.width, row, row + pass.tile.height),
                                   {pass.tile.x, pass.tile.y, pass.tile.width}, with_gbuffer,
                                   looks)) {
                return task_cancelled();
            }
            pass.frame = &with_gbuffer;
        }
        // Layers and masks show the centres of pixels, which is where the first sample lies.
        pass.sample_first = one_sample ? 0 : request.sample_first;
        pass.sample_count = one_sample ? 1 : request.sample_count;
        words.resize(pass.tile.pixels() * kRtWordsPerPixel);
        const auto native = [&] {
            const uint64_t useful = pass.tile.pixels() * pass.sample_count / kSamplesPerThread + 1;
            const auto threads = static_cast<uint32_t>(std::min<uint64_t>(useful, threads_));
            return raytrace_native(pass, words.data(), threads, stop);
        };
        const auto on_gpu = [&](GpuKernels& gpu) -> Result<Done> {
            const Result<std::shared_ptr<RaytraceGpu>> shader = gpu.raytrace();
            if (!shader) return shader.error();
            return (*shader)->run(pass, request.scene, words.data(), stop);
        };
        const Result<Done> done = compute_on(gpu_.get(), on_gpu, native, device);
        if (!done) return done;
        take(uint64_t{row} * tile.width, words);
    }
    return Done{};
}

Status RaytraceExecutor::give_picture(exec::Job& job, const RaytraceRequest& request,
                                      RaytraceOutput& output, const std::string& device) {
    const codec::Image image{request.tile.width, request.tile.height, kRtChannels, output.finish()};
    Result<Bytes> file =
        codec::encode_image(image, request.image_format, request.jpeg_quality, memory_);
    if (!file) return job.fail(file.error());
    job.set_output(describe_rt_picture(request, device), std::move(*file));
    return Status::kOk;
}

// The layers of request.previous, which may be those made last.
Result<Bytes> RaytraceExecutor::previous_layers(const exec::Job& job, RaytraceRequest& request,
                                                const std::optional<Digest256>& planes,
                                                std::string& device) {
    RaytraceRequest& previous = *request.previous;
    {
        const Digest256 digest = digest_of(previous, planes);
        const std::lock_guard lock(mutex_);
        if (last_scene_ == previous.scene && last_digest_ == digest) return last_layers_;
    }
    RaytraceOutput before(previous.kind, previous, memory_);
    if (Result<Done> done = compute(job, previous, before, device); !done) return done.error();
    return before.finish();
}

Status RaytraceExecutor::give_layers(exec::Job& job, RaytraceRequest& request,
                                     RaytraceOutput& output, std::string& device) {
    Bytes data = output.finish();
    std::optional<uint64_t> delta_of;
    if (request.previous) {
        delta_of = data.size();
        // Of both: a G-buffer has no previous one.
        std::optional<Digest256> planes;
        if (request.gbuffer) {
            StopLooks looks([&job] { return job.cancelled_or_wait(); });
            planes = request.gbuffer->digest(looks);
            if (!planes) return job.fail(task_cancelled());
        }
        const Result<Bytes> before = previous_layers(job, request, planes, device);
        if (!before) return job.fail(before.error());
        const std::vector<uint8_t> delta = make_layer_delta(before->span(), data.span());
        {
            const Digest256 digest = digest_of(request, planes);
            const std::lock_guard lock(mutex_);
            last_digest_ = digest;
            last_scene_ = request.scene;
            last_layers_ = data;
        }
        data = Bytes::copy(delta, memory_);
    }
    job.set_output(describe_rt_layers(request.kind, request, delta_of), std::move(data));
    return Status::kOk;
}

Result<Done> add_raytrace_executors(exec::Registry& registry,
                                    const std::shared_ptr<GpuKernels>& gpu,
                                    const MemoryHook* memory, uint32_t threads) {
    const auto scenes = std::make_shared<RtSceneCache>();
    const std::pair<const char*, RaytraceKind> types[] = {
        {"raytracing", RaytraceKind::kPicture},
        {"rt_shadows", RaytraceKind::kShadows},
        {"rt_reflections", RaytraceKind::kReflections},
        {"rt_global_illumination", RaytraceKind::kProbes},
    };
    for (const auto& [name, kind] : types) {
        Result<Done> added = registry.add(
            name, std::make_shared<RaytraceExecutor>(kind, gpu, memory, scenes, threads));
        if (!added) return added;
    }
    return Done{};
}

}  // namespace p2c2r::kernels
