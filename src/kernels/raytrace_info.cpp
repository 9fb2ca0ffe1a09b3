#include "kernels/raytrace_info.h"

#include <algorithm>

#include "model/value_writer.h"

namespace p2c2r::kernels {

namespace {

void write_range(ValueWriter& writer, const RaytraceRequest& request) {
    writer.key("sample_count").integer(request.sample_count);
    writer.key("sample_first").integer(request.sample_first);
}

void write_size(ValueWriter& writer, const RaytraceRequest& request) {
    writer.key("output_res").array(2).integer(request.tile.width).integer(request.tile.height);
}

}  // namespace

Bytes describe_rt_picture(const RaytraceRequest& request, const std::string& device) {
    ValueWriter writer;  // keys in the order of their bytes
    writer.map(7);
    writer.key("algorithm_used").text("path");
    writer.key("channels").integer(kRtChannels);
    writer.key("device").text(device);
    writer.key("output_format").text(codec::format_name(request.image_format));
    write_size(writer, request);
    write_range(writer, request);
    return writer.take();
}

Bytes describe_rt_layers(RaytraceKind kind, const RaytraceRequest& request,
                         std::optional<uint64_t> full_size) {
    const bool probes = kind == RaytraceKind::kProbes;
    const bool shadows = kind == RaytraceKind::kShadows;
    std::vector<RtLayer> layers = rt_layers(kind, request);
    ValueWriter writer;  // keys in the order of their bytes
    writer.map((probes ? 3 : shadows ? 4 : 5) + (full_size ? 2 : 0));
    writer.key("algorithm_used").text("path");
    if (probes) {
        writer.key("counts").array(3);
        for (const uint32_t count : request.probe_counts) writer.integer(count);
    }
    if (full_size) {
        writer.key("delta").boolean(true);
        writer.key("full_size").unsigned_integer(*full_size);
    }
    writer.key("layers").map(static_cast<uint32_t>(layers.size()));
    // Sorted by name, as maps are.
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
    return writer.take();
}

}  // namespace p2c2r::kernels
