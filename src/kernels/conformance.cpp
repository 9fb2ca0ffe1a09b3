#include "kernels/conformance.h"

#include <string>

#include "core/crypto.h"
#include "core/prng.h"
#include "kernels/upscale_request.h"
#include "shaders/loop_probe.h"
#include "spirv/loop_probe.h"

namespace p2c2r::kernels {

namespace {

constexpr uint64_t kTimeoutUs = 10'000'000;

uint32_t advance(uint32_t state, uint32_t turns) {
    for (uint32_t turn = 0; turn < turns; ++turn) {
        state = state * kLoopProbeFactor + kLoopProbeStep;
        state ^= state >> 15;
    }
    return state;
}

// Together they reach every path of the shaders: two and three pairs of taps and many, both
// channel counts, rows that end inside a word, growing and shrinking, one pixel, tiny inputs.
constexpr UpscaleAnswer kUpscaleAnswers[] = {
    {64, 36, 96, 54, 3, ResampleFilter::kLanczos,
     "9285acb5b546ce2d8902d6399a44df2ccc7adaf42041fea3e91e42ebf4ce762f"},
    {64, 36, 96, 54, 4, ResampleFilter::kLanczos,
     "4949f3fc9a90f39047ab8d151c728a6d8dd78e56687ec9d1d17c81b186c3bf33"},
    {64, 36, 96, 54, 3, ResampleFilter::kBicubic,
     "cfd6223d1847f414c915c5eb43f99a6220129d39a8b29cf45cb6eaad40a95977"},
    {64, 36, 96, 54, 4, ResampleFilter::kBicubic,
     "5103759eaf1aff74b5fc0159f9a5235f93eab505fcd35f815bab887fb27215b4"},
    {61, 47, 83, 31, 3, ResampleFilter::kLanczos,
     "3fe488750db49cb5b5db49f91c39eb0ca47dc7623587db87f0b64b692b62ed0f"},
    {61, 47, 29, 71, 4, ResampleFilter::kBicubic,
     "109cbe9ea0e217368d1f1d53725d12ba82928de3704daf9078c8cfbf9f76a8e2"},
    {97, 89, 5, 3, 3, ResampleFilter::kLanczos,
     "2478a5b862de6acee643e0bcf423b55ff56d5c955b2799d85375e38f9e2574b8"},
    {97, 89, 7, 2, 4, ResampleFilter::kLanczos,
     "39e0bb5800c024081ecac6bd63e2a185bf8431a224cd8c727ab181b0e2c16be6"},
    {2, 3, 37, 41, 3, ResampleFilter::kLanczos,
     "adb8ab79d52dab1f7670173a7e5f39c80f0889d6e8e56365388fcfb3d4fceca7"},
    {1, 1, 9, 4, 4, ResampleFilter::kBicubic,
     "87ba74d24f01d54beec393a16f46451d703c48a9f349422ea53d76e69bfc2632"},
    {33, 50, 1, 1, 3, ResampleFilter::kBicubic,
     "a76a564492d5ac1bc3c820b977fa9f98dac662fd632318bc52c6605bd99e76f8"},
    {64, 36, 96, 54, 3, ResampleFilter::kEdge,
     "a7127d5eb2e0a0c5e3a0823606fe7dcc677b3614eb515c2c8093913d09972639"},
    {61, 47, 83, 71, 4, ResampleFilter::kEdge,
     "dc5e14632203c6920a2bd71a3beea2da072aba6928ec1e569842a17b124f4069"},
    {2, 3, 37, 41, 3, ResampleFilter::kEdge,
     "a1ecd24cee49cf8d71813f5e8833f1fae495b41799445dada26a62d7c5a29129"},
};

}  // namespace

Result<Done> check_loop_count(gpu::Device& device) {
    Result<std::shared_ptr<gpu::Pipeline>> pipeline =
        device.make_pipeline(kLoopProbeSpirv, 1, sizeof(uint32_t));
    if (!pipeline) return pipeline.error();
    Result<std::unique_ptr<gpu::Buffer>> states =
        device.make_buffer(kLoopProbeGroupSize * sizeof(uint32_t), gpu::BufferUse::kDownload);
    if (!states) return states.error();
    const uint32_t turns = kLoopTurnsMax;
    gpu::Buffer* const buffers[] = {states->get()};
    gpu::Dispatch dispatch;
    dispatch.pipeline = pipeline->get();
    dispatch.buffers = buffers;
    dispatch.push_constants = {reinterpret_cast<const uint8_t*>(&turns), sizeof turns};
    gpu::Work work;
    work.dispatches = {&dispatch, 1};
    work.read_back = buffers;
    work.timeout_us = kTimeoutUs;
    uint32_t expected = 0;  // buffers begin with zeros
    for (int part = 0; part < 2; ++part) {
        const Result<gpu::RunTime> done = device.run(work);
        if (!done) return done.error();
        expected = advance(expected, turns);
        const auto* found = reinterpret_cast<const uint32_t*>((*states)->map());
        for (uint32_t i = 0; i < kLoopProbeGroupSize; ++i) {
            if (found[i] == expected) continue;
            return make_error(Status::kDevice, device.info().name + " does not run loops of " +
                                                   std::to_string(turns) + " turns to their end");
        }
    }
    return Done{};
}

std::span<const UpscaleAnswer> upscale_answers() {
    return kUpscaleAnswers;
}

std::vector<uint8_t> make_answer_input(const UpscaleAnswer& answer) {
    std::vector<uint8_t> pixels(size_t{answer.input_width} * answer.input_height * answer.channels);
    Prng prng(answer.input_width * 1000 + answer.output_width);
    for (size_t i = 0; i < pixels.size(); ++i) {
        const uint64_t draw = prng.next();
        // Every other block of 64 samples is black and white only: overshoot everywhere.
        const bool hard = i / 64 % 2 != 0;
        pixels[i] = hard ? static_cast<uint8_t>(draw & 1 ? 255 : 0) : static_cast<uint8_t>(draw);
    }
    return pixels;
}

Result<std::string> answer_digest(const UpscaleAnswer& answer, const Resize& resize) {
    const UpscalePlan plan =
        make_upscale_plan(answer.input_width, answer.input_height, answer.output_width,
                          answer.output_height, answer.channels, answer.filter);
    const std::vector<uint8_t> source = make_answer_input(answer);
    std::vector<uint8_t> target(size_t{answer.output_width} * answer.output_height *
                                answer.channels);
    if (Result<Done> done = resize(plan, source.data(), target.data()); !done) return done.error();
    return to_hex(sha256(target));
}

Result<Done> check_upscale_answers(UpscaleGpu& upscale) {
    for (const UpscaleAnswer& answer : kUpscaleAnswers) {
        const Result<std::string> digest = answer_digest(
            answer, [&](const UpscalePlan& plan, const uint8_t* source, uint8_t* target) {
                return upscale.run(plan, source, target);
            });
        if (!digest) return digest.error();
        if (*digest == answer.sha256) continue;
        return make_error(Status::kDevice,
                          std::string("the self-test of upscale failed: ") +
                              filter_name(answer.filter) + " " +
                              size_text({answer.input_width, answer.input_height}) + " to " +
                              size_text({answer.output_width, answer.output_height}) + ", " +
                              std::to_string(answer.channels) + " channels, gave " + *digest);
    }
    return Done{};
}

}  // namespace p2c2r::kernels
