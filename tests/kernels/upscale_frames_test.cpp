// Real frames: the picture is as close to the original as that of the reference resizer (Pillow
// 9.4), whose figures for the same inputs stand in the data set's README.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "codec/image.h"
#include "kernels/upscale_native.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

struct Frame {
    const char* low;
    const char* original;
    double bicubic;  // PSNR in dB of the reference resizer
    double lanczos;
};

constexpr Frame kFrames[] = {
    {"etr_run.low.jpg", "etr_run.ref.png", 33.91, 34.22},
    {"neverball_menu.low.png", "neverball_menu.ref.png", 40.52, 41.12},
    {"openarena_lava.low.jpg", "openarena_lava.ref.png", 35.07, 35.25},
    {"photo_seeding.low.jpg", "photo_seeding.ref.jpg", 37.82, 38.00},
    {"openarena_lava_native.low.jpg", "openarena_lava.ref.png", 28.42, 28.34},
};

std::string data_folder() {
    const char* given = std::getenv("P2C2R_DATA");
    return given ? given : P2C2R_SOURCE_DIR "/../shared/data";
}

std::vector<uint8_t> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

codec::Image load(const std::string& name) {
    Result<codec::Image> image = codec::decode_image(read_file(data_folder() + "/frames/" + name));
    REQUIRE_MESSAGE(image.ok(), name << ": " << image.error().text);
    return *image;
}

double psnr(const std::vector<uint8_t>& a, const Bytes& b) {
    REQUIRE(a.size() == b.size());
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        const double difference = int{a[i]} - int{b.data()[i]};
        sum += difference * difference;
    }
    return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.size()) / sum);
}

}  // namespace

TEST_CASE("real frames come within a tenth of a decibel of the reference resizer") {
    if (read_file(data_folder() + "/frames/" + kFrames[0].low).empty()) {
        MESSAGE("skipped: no frames in " << data_folder());
        return;
    }
    for (const Frame& frame : kFrames) {
        const codec::Image low = load(frame.low);
        const codec::Image original = load(frame.original);
        REQUIRE(low.channels == 3);
        REQUIRE(original.channels == 3);
        for (const ResampleFilter filter : {ResampleFilter::kBicubic, ResampleFilter::kLanczos}) {
            const UpscalePlan plan = make_upscale_plan(low.width, low.height, original.width,
                                                       original.height, 3, filter);
            std::vector<uint8_t> result(original.pixels.size());
            REQUIRE(upscale_native(plan, low.pixels.data(), result.data()));
            const double reference =
                filter == ResampleFilter::kBicubic ? frame.bicubic : frame.lanczos;
            CAPTURE(frame.low);
            CHECK(std::abs(psnr(result, original.pixels) - reference) <= 0.1);
        }
    }
}

TEST_CASE("edge comes closer to real frames than lanczos") {
    if (read_file(data_folder() + "/frames/" + kFrames[0].low).empty()) {
        MESSAGE("skipped: no frames in " << data_folder());
        return;
    }
    double gain = 0;
    for (const Frame& frame : kFrames) {
        const codec::Image low = load(frame.low);
        const codec::Image original = load(frame.original);
        const auto result_of = [&](ResampleFilter filter) {
            const UpscalePlan plan = make_upscale_plan(low.width, low.height, original.width,
                                                       original.height, 3, filter);
            std::vector<uint8_t> result(original.pixels.size());
            REQUIRE(upscale_native(plan, low.pixels.data(), result.data()));
            return psnr(result, original.pixels);
        };
        const double more = result_of(ResampleFilter::kEdge) - result_of(ResampleFilter::kLanczos);
        CAPTURE(frame.low);
        CHECK(more >= -0.1);
        gain += more / static_cast<double>(std::size(kFrames));
    }
    CHECK(gain >= 0.3);
}
