// The golden inputs of `upscale` in each native form that this processor has.
#include <fstream>
#include <vector>

#include "digest/digest.h"
#include "kernels/conformance.h"
#include "kernels/upscale_native.h"

namespace p2c2r::digest {

namespace {

void print_resized(const std::string& line, const kernels::UpscaleAnswer& answer,
                   const kernels::UpscalePasses& passes, const kernels::EdgeRows& edge) {
    const kernels::UpscalePlan plan =
        kernels::make_upscale_plan(answer.input_width, answer.input_height, answer.output_width,
                                   answer.output_height, answer.channels, answer.filter);
    const std::vector<uint8_t> source = kernels::make_answer_input(answer);
    std::vector<uint8_t> target(size_t{answer.output_width} * answer.output_height *
                                answer.channels);
    kernels::upscale_native(plan, source.data(), target.data(), {}, passes, edge);
    print("upscale " + std::string(passes.name) + " " + line, target);
}

}  // namespace

void upscale() {
    std::ifstream file(P2C2R_SOURCE_DIR "/tests/kernels/upscale_golden.txt");
    std::string algorithm;
    std::string golden;
    kernels::UpscaleAnswer answer{};
    while (file >> algorithm >> answer.input_width >> answer.input_height >> answer.output_width >>
           answer.output_height >> answer.channels >> golden) {
        answer.filter = algorithm == "bicubic"   ? kernels::ResampleFilter::kBicubic
                        : algorithm == "lanczos" ? kernels::ResampleFilter::kLanczos
                                                 : kernels::ResampleFilter::kEdge;
        const std::string line =
            algorithm + " " + std::to_string(answer.input_width) + " " +
            std::to_string(answer.input_height) + " " + std::to_string(answer.output_width) + " " +
            std::to_string(answer.output_height) + " " + std::to_string(answer.channels);
        print_resized(line, answer, kernels::upscale_passes_plain(), kernels::edge_rows_plain());
        const kernels::UpscalePasses* passes = kernels::upscale_passes_avx2();
        const kernels::EdgeRows* edge = kernels::edge_rows_avx2();
        if (passes && edge) print_resized(line, answer, *passes, *edge);
    }
}

}  // namespace p2c2r::digest
