// Scenes made from integers, and what the ray tracer must make of them: the known answers of a
// device's self-test. Tests draw many more scenes from the same source.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/prng.h"
#include "kernels/raytrace_gpu.h"

namespace p2c2r::kernels {

// Of a mode: paths begin at a G-buffer of any depths and normals.
inline constexpr uint32_t kRtAnswerGbuffer = 256;

struct RtAnswer {
    uint64_t seed;
    uint32_t mode;            // may have kRtAnswerGbuffer added
    std::string_view sha256;  // of the words of the pass, 64 hex digits
};
// Of each task type one or more.
std::span<const RtAnswer> raytrace_answers();

// Params of a `raytracing` task with up to `objects_max` objects of all types and materials, drawn
// from `prng`.
Bytes draw_raytrace_params(Prng& prng, uint32_t width, uint32_t height, uint32_t objects_max);

// Puts a G-buffer of the request's tile, drawn from `prng`, into its frame.
void draw_rt_gbuffer(Prng& prng, RaytraceRequest& request);

// The digest of what `trace` makes of the answer's scene.
using Trace = std::function<Result<Done>(
    const RtPass& pass, const std::shared_ptr<const RtScene>& scene, uint32_t* words)>;
Result<std::string> raytrace_answer_digest(const RtAnswer& answer, const Trace& trace);

// kDevice, naming the type and the first answer that is wrong.
Result<Done> check_raytrace_answers(const Trace& trace);
Result<Done> check_raytrace_answers(RaytraceGpu& raytrace);

}  // namespace p2c2r::kernels
