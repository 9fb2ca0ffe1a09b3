#include "kernels/raytrace_task.h"

#include <algorithm>
#include <vector>

#include "exec/thread.h"
#include "kernels/raytrace_native.h"
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

}  // namespace

Status RaytraceExecutor::run(exec::Job& job) {
    Result<RaytraceRequest> read =
        read_raytrace_request(kind_, job.params.span(), job.data.span(), *scenes_);
    if (!read) return job.fail(read.error());
    RaytraceRequest& request = *read;
    RaytraceOutput output(kind_, request, memory_);
    std::string device;
    std::vector<uint32_t> modes;
    if (kind_ == RaytraceKind::kShadows) {
        modes.push_back(kRtModeShadows);
    } else {
        if (request.layers & RaytraceRequest::kColor) {
            modes.push_back(kind_ == RaytraceKind::kReflections ? kRtModeReflections
                                                                : kRtModeColor);
        }
        if (request.layers & ~RaytraceRequest::kColor) modes.push_back(kRtModeLayers);
    }
    for (const uint32_t mode : modes) {
        const Result<Done> done = compute(job, request, mode, output, device);
        if (!done) return job.fail(done.error());
    }
    job.output.memory_peak = output.size() + request.scene->bytes() +
                             std::min(request.tile.pixels(), kBandPixels) * kRtWordsPerPixel * 4;
    if (kind_ != RaytraceKind::kShadows && request.is_picture()) {
        return give_picture(job, request, output, device);
    }
    return give_layers(job, request, output);
}

Result<Done> RaytraceExecutor::compute(const exec::Job& job, RaytraceRequest& request,
                                       uint32_t mode, RaytraceOutput& output, std::string& device) {
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
        output.take(mode, uint64_t{row} * request.tile.width, words);
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

// No device in here: what layers are is part of the digest, and where they were made is not.
Status RaytraceExecutor::give_layers(exec::Job& job, const RaytraceRequest& request,
                                     RaytraceOutput& output) {
    ValueWriter writer;
    const bool shadows = kind_ == RaytraceKind::kShadows;
    writer.map(shadows ? 4 : 5);
    writer.key("algorithm_used").text("path");
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
    write_size(writer, request);
    if (!shadows) write_range(writer, request);
    job.set_output(writer.take(), output.finish());
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
    };
    for (const auto& [name, kind] : types) {
        Result<Done> added =
            registry.add(name, std::make_shared<RaytraceExecutor>(kind, gpu, memory, scenes));
        if (!added) return added;
    }
    return Done{};
}

}  // namespace p2c2r::kernels
