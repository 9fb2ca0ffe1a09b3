// Fixed inputs, fixed digests: every form on every machine gives the bytes in upscale_golden.txt.
#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "kernels/conformance.h"
#include "vulkan_devices.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

struct Golden {
    std::string line;  // without the digest, for messages
    std::string digest;
    UpscaleAnswer answer{};
};

// Lines "algorithm in-width in-height out-width out-height channels sha256".
std::vector<Golden> read_golden() {
    std::ifstream file(P2C2R_SOURCE_DIR "/tests/kernels/upscale_golden.txt");
    std::vector<Golden> all;
    std::string algorithm;
    Golden row;
    UpscaleAnswer& answer = row.answer;
    while (file >> algorithm >> answer.input_width >> answer.input_height >> answer.output_width >>
           answer.output_height >> answer.channels >> row.digest) {
        answer.filter = algorithm == "bicubic"   ? ResampleFilter::kBicubic
                        : algorithm == "lanczos" ? ResampleFilter::kLanczos
                                                 : ResampleFilter::kEdge;
        row.line = algorithm + " " + std::to_string(answer.input_width) + " " +
                   std::to_string(answer.input_height) + " " + std::to_string(answer.output_width) +
                   " " + std::to_string(answer.output_height) + " " +
                   std::to_string(answer.channels);
        all.push_back(row);
    }
    return all;
}

void check_all(const char* form, const Resize& resize) {
    const std::vector<Golden> all = read_golden();
    REQUIRE(all.size() >= 16);
    for (const Golden& golden : all) {
        const Result<std::string> digest = answer_digest(golden.answer, resize);
        REQUIRE_MESSAGE(digest.ok(), digest.error().text);
        CHECK_MESSAGE(*digest == golden.digest, form << ": " << golden.line << " " << *digest);
    }
}

void check_native(const UpscalePasses& passes, const EdgeRows& edge) {
    check_all(passes.name,
              [&](const UpscalePlan& plan, const uint8_t* source, uint8_t* target) -> Result<Done> {
                  upscale_native(plan, source, target, {}, passes, edge);
                  return Done{};
              });
}

}  // namespace

TEST_CASE("upscale gives the golden digests in plain code") {
    check_native(upscale_passes_plain(), edge_rows_plain());
}

TEST_CASE("upscale gives the golden digests with avx2") {
    if (upscale_passes_avx2()) {
        check_native(*upscale_passes_avx2(), *edge_rows_avx2());
    } else {
        MESSAGE("skipped: this processor has no AVX2");
    }
}

TEST_CASE("upscale gives the golden digests on every Vulkan device") {
    test::on_each_upscale([](UpscaleGpu& upscale) {
        check_all("vulkan", [&](const UpscalePlan& plan, const uint8_t* source, uint8_t* target) {
            return upscale.run(plan, source, target);
        });
    });
}
