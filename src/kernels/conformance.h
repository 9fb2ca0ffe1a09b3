// Does a device compute what it must? Run before a task type is first used there: hardware, drivers
// and their updates are the part of the system that nobody here has read.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "gpu/compute.h"
#include "kernels/upscale_gpu.h"

namespace p2c2r::kernels {

// Slices never have more turns of a loop in one invocation than this.
inline constexpr uint32_t kLoopTurnsMax = 50'000;

// kDevice unless the device really runs kLoopTurnsMax turns in one dispatch (some end long loops
// silently), and twice as many in two.
Result<Done> check_loop_count(gpu::Device& device);

// A resize whose result is known.
struct UpscaleAnswer {
    uint32_t input_width, input_height;
    uint32_t output_width, output_height;
    uint32_t channels;
    ResampleFilter filter;
    std::string_view sha256;  // of the pixels, 64 hex digits
};
std::span<const UpscaleAnswer> upscale_answers();
// The input of an answer: noise and hard edges from integers.
std::vector<uint8_t> make_answer_input(const UpscaleAnswer& answer);
// The digest of what `resize` makes of the answer's input.
using Resize =
    std::function<Result<Done>(const UpscalePlan& plan, const uint8_t* source, uint8_t* target)>;
Result<std::string> answer_digest(const UpscaleAnswer& answer, const Resize& resize);

// kDevice, naming the first answer that is wrong.
Result<Done> check_upscale_answers(UpscaleGpu& upscale);

}  // namespace p2c2r::kernels
