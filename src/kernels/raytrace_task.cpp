#include "kernels/raytrace_task.h"

#include <algorithm>
#include <vector>

#include "exec/thread.h"
#include "kernels/layer_delta.h"
#include "kernels/raytrace_native.h"
#include "kernels/raytrace_probes.h"
#include "model/value_writer.h"

namespace p2c2r::kernels {

namespace {

// Pixels whose words are in memory at a time: 12 MiB.
constexpr uint64_t kBandPixels = 1u << 20;
// Fewer rays than this are not worth another thread.
constexpr uint64_t kSamplesPerThread = 16'384;

// The three of a job whose picture it is.
constexpr uint32_t kChannels = 3;

void write_range(ValueWriter& writer, const RaytraceRequest& request) {
    writer.key("sample_count").integer(request.sample_count);
    writer.key("sample_first").integer(request.sample_first);
}

void write_size(ValueWriter& writer, const RaytraceRequest& request) {
    writer.key("output_res").array(2).integer(request.tile.width).integer(request.tile.height);
}

// Everything that a layer depends on but the scene.
Digest256 digest_of(const RaytraceRequest& request) {
    RtFrame words = request.frame;
    for (const uint32_t word :
         {request.tile.x, request.tile.y, request.tile.width, request.tile.height,
          request.sample_first, request.sample_count, static_cast<uint32_t>(request.format)}) {
        words.push_back(word);
    }
    // What a pass leaves there says nothing about the request.
    words[kRtFrameMode] = 0;
    if (words[kRtFrameRays] > 0) {
        std::fill_n(words.begin() + kRtFrameWords, size_t{words[kRtFrameRays]} * 3, 0);
    }
    return sha256({reinterpret_cast<const uint8_t*>(words.data()), words.size() * 4});
}

}  // namespace

Status RaytraceExecutor::run(exec::Job& job) {
    Result<RaytraceRequest> read =
        read_raytrace_request(kind_, job.params.span(), job.data.span(), *scenes_);
    if (!read) return job.fail(read.error());
    RaytraceRequest& request = *read;
    RaytraceOutput output(kind_, request, memory_);
    std::string device;
    if (Result<Done> done = compute(job, request, output, device); !done) {
        return job.fail(done.error());
    }
    job.output.memory_peak = output.size() * (request.previous ? 2 : 1) + request.scene->bytes() +
                             std::min(request.tile.pixels(), kBandPixels) * kRtWordsPerPixel * 4;
    const bool picture = kind_ == RaytraceKind::kPicture || kind_ == RaytraceKind::kReflections;
    if (picture && request.is_picture()) return give_picture(job, request, output, device);
    return give_layers(job, request, output, device);
}

Result<Done> RaytraceExecutor::compute(const exec::Job& job, RaytraceRequest& request,
                                       RaytraceOutput& output, std::string& device) {
    if (kind_ == RaytraceKind::kShadows) {
        return compute_pass(job, request, kRtModeShadows, 0, output, device);
    }
    if (kind_ == RaytraceKind::kProbes) {
        const std::vector<float> directions = make_probe_directions(request.sample_count);
        for (uint32_t side = 0; side < kRtProbeSides; ++side) {
            set_probe_side(request.frame, directions, side);
            const Result<Done> done =
                compute_pass(job, request, kRtModeProbes, side, output, device);
            if (!done) return done;
        }
        return Done{};
    }
    if (request.layers & RaytraceRequest::kColor) {
        const uint32_t mode =
            kind_ == RaytraceKind::kReflections ? kRtModeReflections : kRtModeColor;
        if (Result<Done> done = compute_pass(job, request, mode, 0, output, device); !done) {
            return done;
        }
    }
    if ((request.layers & ~RaytraceRequest::kColor) == 0) return Done{};
    return compute_pass(job, request, kRtModeLayers, 0, output, device);
}

Result<Done> RaytraceExecutor::compute_pass(const exec::Job& job, RaytraceRequest& request,
                                            uint32_t mode, uint32_t side, RaytraceOutput& output,
                                            std::string& device) {
    request.frame[kRtFrameMode] = mode;
    const bool one_sample = mode == kRtModeLayers || mode == kRtModeShadows;
    const std::function<bool()> stop = [&job] { return job.cancelled(); };
    const auto rows_max =
        static_cast<uint32_t>(std::max<uint64_t>(kBandPixels / request.tile.width, 1));
    std::vector<uint32_t> words;
    for (uint32_t row = 0; row < request.tile.height; row += rows_max) {
        RtPass pass;
        pass.scene = request.scene.get();
        pass.frame = &request.frame;
        pass.tile = request.tile;
        pass.tile.y += row;
        pass.tile.height = std::min(rows_max, request.tile.height - row);
        // Layers and masks show the centres of pixels, which is where the first sample lies.
        pass.sample_first = one_sample ? 0 : request.sample_first;
        pass.sample_count = one_sample ? 1 : request.sample_count;
        words.resize(pass.tile.pixels() * kRtWordsPerPixel);
        const auto native = [&] {
            const uint64_t useful = pass.tile.pixels() * pass.sample_count / kSamplesPerThread + 1;
            const auto threads =
                static_cast<uint32_t>(std::min<uint64_t>(useful, exec::processors()));
            return raytrace_native(pass, words.data(), threads, stop);
        };
        const auto on_gpu = [&](GpuKernels& gpu) -> Result<Done> {
            const Result<std::shared_ptr<RaytraceGpu>> shader = gpu.raytrace();
            if (!shader) return shader.error();
            return (*shader)->run(pass, request.scene, words.data(), stop);
        };
        const Result<Done> done = compute_on(gpu_.get(), on_gpu, native, device);
        if (!done) return done;
        const uint64_t first = uint64_t{row} * request.tile.width;
        if (mode == kRtModeProbes) {
            output.take_probes(side, first, words);
        } else {
            output.take(mode, first, words);
        }
    }
    return Done{};
}

Status RaytraceExecutor::give_picture(exec::Job& job, const RaytraceRequest& request,
                                      RaytraceOutput& output, const std::string& device) {
    const codec::Image image{request.tile.width, request.tile.height, kChannels, output.finish()};
    Result<Bytes> file =
        codec::encode_image(image, request.image_format, request.jpeg_quality, memory_);
    if (!file) return job.fail(file.error());
    ValueWriter writer;  // keys in the order of their bytes
    writer.map(7);
    writer.key("algorithm_used").text("path");
    writer.key("channels").integer(kChannels);
    writer.key("device").text(device);
    writer.key("output_format").text(codec::format_name(request.image_format));
    write_size(writer, request);
    write_range(writer, request);
    job.set_output(writer.take(), std::move(*file));
    return Status::kOk;
}

// The layers of request.previous, which may be those made last.
Result<Bytes> RaytraceExecutor::previous_layers(const exec::Job& job, RaytraceRequest& request,
                                                std::string& device) {
    RaytraceRequest& previous = *request.previous;
    {
        const Digest256 digest = digest_of(previous);
        const std::lock_guard lock(mutex_);
        if (last_scene_ == previous.scene && last_digest_ == digest) return last_layers_;
    }
    RaytraceOutput before(kind_, previous, memory_);
    if (Result<Done> done = compute(job, previous, before, device); !done) return done.error();
    return before.finish();
}

// No device in here: what layers are is part of the digest, and where they were made is not.
Status RaytraceExecutor::give_layers(exec::Job& job, RaytraceRequest& request,
                                     RaytraceOutput& output, std::string& device) {
    Bytes data = output.finish();
    const uint64_t full_size = data.size();
    if (request.previous) {
        const Result<Bytes> before = previous_layers(job, request, device);
        if (!before) return job.fail(before.error());
        const std::vector<uint8_t> delta = make_layer_delta(before->span(), data.span());
        {
            const Digest256 digest = digest_of(request);
            const std::lock_guard lock(mutex_);
            last_digest_ = digest;
            last_scene_ = request.scene;
            last_layers_ = data;
        }
        data = Bytes::copy(delta, memory_);
    }
    const bool probes = kind_ == RaytraceKind::kProbes;
    const bool shadows = kind_ == RaytraceKind::kShadows;
    ValueWriter writer;  // keys in the order of their bytes
    writer.map((probes ? 3 : shadows ? 4 : 5) + (request.previous ? 2 : 0));
    writer.key("algorithm_used").text("path");
    if (probes) {
        writer.key("counts").array(3);
        for (const uint32_t count : request.probe_counts) writer.integer(count);
    }
    if (request.previous) {
        writer.key("delta").boolean(true);
        writer.key("full_size").unsigned_integer(full_size);
    }
    writer.key("layers").map(static_cast<uint32_t>(output.layers().size()));
    // Sorted by name, as maps are.
    std::vector<RtLayer> layers = output.layers();
    std::sort(layers.begin(), layers.end(),
              [](const RtLayer& a, const RtLayer& b) { return std::string_view(a.name) < b.name; });
    for (const RtLayer& layer : layers) {
        writer.key(layer.name).map(3);
        writer.key("format").text(layer.format);
        writer.key("offset").unsigned_integer(layer.offset);
        writer.key("size").unsigned_integer(layer.size);
    }
    if (shadows) writer.key("lights").integer(request.lights_count);
    if (!probes) write_size(writer, request);
    if (!probes && !shadows) write_range(writer, request);
    job.set_output(writer.take(), std::move(data));
    return Status::kOk;
}

Result<Done> add_raytrace_executors(exec::Registry& registry,
                                    const std::shared_ptr<GpuKernels>& gpu,
                                    const MemoryHook* memory) {
    const auto scenes = std::make_shared<RtSceneCache>();
    const std::pair<const char*, RaytraceKind> types[] = {
        {"raytracing", RaytraceKind::kPicture},
        {"rt_shadows", RaytraceKind::kShadows},
        {"rt_reflections", RaytraceKind::kReflections},
        {"rt_global_illumination", RaytraceKind::kProbes},
    };
    for (const auto& [name, kind] : types) {
        Result<Done> added =
            registry.add(name, std::make_shared<RaytraceExecutor>(kind, gpu, memory, scenes));
        if (!added) return added;
    }
    return Done{};
}

}  // namespace p2c2r::kernels
