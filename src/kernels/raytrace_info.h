// The info of a ray-tracing result: what its data is. README.md in this folder lists the fields.
#pragma once

#include <optional>
#include <string>

#include "core/bytes.h"
#include "kernels/raytrace_output.h"

namespace p2c2r::kernels {

// Types whose result may be a picture alone.
inline bool rt_makes_pictures(RaytraceKind kind) {
    return kind == RaytraceKind::kPicture || kind == RaytraceKind::kReflections ||
           kind == RaytraceKind::kGather;
}

// Of a picture alone.
Bytes describe_rt_picture(const RaytraceRequest& request, const std::string& device);
// Of layers, with the size of the whole where the data is a delta. No device in here: what layers
// are is part of the digest, and where they were made is not.
Bytes describe_rt_layers(RaytraceKind kind, const RaytraceRequest& request,
                         std::optional<uint64_t> full_size = std::nullopt);

}  // namespace p2c2r::kernels
