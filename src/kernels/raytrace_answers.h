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

struct RtAnswer {
    uint64_t seed;
    uint32_t mode;
    std::string_view sha256;  // of the words of the pass, 64 hex digits
};
// Of each task type one or more.
std::span<const RtAnswer> raytrace_answers();

// Params of a `raytracing` task with up to `objects_max` objects of all types and materials, drawn
// from `prng`.
Bytes draw_raytrace_params(Prng& prng, uint32_t width, uint32_t height, uint32_t objects_max);

// The digest of what `trace` makes of the answer's scene.
using Trace = std::function<Result<Done>(
    const RtPass& pass, const std::shared_ptr<const RtScene>& scene, uint32_t* words)>;
Result<std::string> raytrace_answer_digest(const RtAnswer& answer, const Trace& trace);

// kDevice, naming the type and the first answer that is wrong.
Result<Done> check_raytrace_answers(const Trace& trace);
Result<Done> check_raytrace_answers(RaytraceGpu& raytrace);

}  // namespace p2c2r::kernels
