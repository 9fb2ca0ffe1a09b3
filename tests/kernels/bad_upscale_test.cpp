// `upscale` with everything that can be wrong with its params and its picture.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "codec/image.h"
#include "request_sweep.h"

using namespace p2c2r;
using test::BadRow;
using json = nlohmann::json;

namespace {

Bytes pixels(size_t size) {
    std::vector<uint8_t> bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 37);
    return Bytes::copy(bytes);
}

Bytes file(uint32_t width, uint32_t height, uint32_t channels, codec::ImageFormat format) {
    const codec::Image image{width, height, channels, pixels(size_t{width} * height * channels)};
    const Result<Bytes> encoded = codec::encode_image(image, format, 90);
    REQUIRE(encoded.ok());
    return *encoded;
}

// One of tests/fuzz/corpus/image_header/.
Bytes corpus(const std::string& name) {
    std::ifstream in(P2C2R_SOURCE_DIR "/tests/fuzz/corpus/image_header/" + name, std::ios::binary);
    REQUIRE(in.good());
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    return Bytes::copy({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

Bytes from_hex_start(std::initializer_list<uint8_t> start, size_t size) {
    std::vector<uint8_t> bytes(size, 0x80);
    std::copy(start.begin(), start.end(), bytes.begin());
    return Bytes::copy(bytes);
}

}  // namespace

TEST_CASE("bad params and pictures of upscale are errors that say what or defined results") {
    test::RequestBench bench("upscale");
    const auto bad = Status::kParams;
    const auto fine = Status::kOk;
    const Bytes raw = pixels(5 * 4 * 3);
    const Bytes png = file(20, 10, 3, codec::ImageFormat::kPng);
    const Bytes jpeg = file(20, 10, 3, codec::ImageFormat::kJpeg);
    const std::string in = R"("input_res":[5,4],)";
    const std::string twice = R"({"scale":2,"output_format":"raw"})";
    const BadRow rows[] = {
        {"nothing at all", "{}", {}, bad, "output_res", "missing"},
        {"no data", R"({"scale":2})", {}, bad, "input_res", "0 bytes"},
        {"raw without its size", twice, raw, bad, "input_res", "60 bytes"},
        {"one byte short", "{" + in + R"("scale":2})", raw.slice(0, 59), Status::kSize, "data",
         "there are 59"},
        {"one byte long", "{" + in + R"("scale":2})", pixels(61), Status::kSize, "data",
         "there are 61"},
        {"rgba bytes said to be rgb", "{" + in + R"("scale":2,"channels":3})", pixels(80),
         Status::kSize, "data", "there are 80"},
        {"an input of no size", R"({"input_res":[0,0],"scale":2})", raw, bad, "input_res[0]",
         "is 0"},
        {"an input that is too wide", R"({"input_res":[8193,1],"scale":1})", raw, bad,
         "input_res[0]", "8193"},
        {"an output of no size", "{" + in + R"("output_res":[0,1]})", raw, bad, "output_res[0]",
         "is 0"},
        {"an output that is too wide", "{" + in + R"("output_res":[8193,1]})", raw, bad,
         "output_res[0]", "8193"},
        {"an output of too many pixels", "{" + in + R"("output_res":[8192,2049]})", raw,
         Status::kLimit, "output_res", "16785408"},
        {"one side too many", "{" + in + R"("output_res":[5,5,5]})", raw, bad, "output_res",
         "3 items"},
        {"no scale", "{" + in + R"("scale":0})", raw, bad, "scale", "is 0"},
        {"a scale below zero", "{" + in + R"("scale":-2})", raw, bad, "scale", "-2"},
        {"a scale beyond any size", "{" + in + R"("scale":8192})", raw, Status::kLimit, "scale",
         "40960 x 32768"},
        {"a cut jpeg", twice, jpeg.slice(0, jpeg.size() - 20), bad, "data", "JPEG"},
        {"a jpeg that ends in its header", twice, jpeg.slice(0, 30), bad, "data", "JPEG"},
        {"a start of a jpeg", twice, jpeg.slice(0, 3), bad, "data", "JPEG"},
        {"a cut png", twice, png.slice(0, png.size() - 20), bad, "data", "PNG"},
        {"a png that ends in its header", twice, png.slice(0, 20), bad, "data", "PNG"},
        {"a start of a png", twice, png.slice(0, 8), bad, "data", "PNG"},
        {"a jpeg that claims to be huge", twice, corpus("huge.jpg"), Status::kLimit, "data", "x"},
        {"a png that claims to be huge", twice, corpus("huge.png"), Status::kLimit, "data", "x"},
        {"a png of 16 bits and grey", twice, corpus("grey16.png"), fine, "", ""},
        {"a png with a palette", twice, corpus("palette.png"), fine, "", ""},
        {"a png with alpha", twice, corpus("rgba.png"), fine, "", ""},
        {"a jpeg of 4:2:0", twice, corpus("small_420.jpg"), fine, "", ""},
        {"one pixel of jpeg", twice, file(1, 1, 3, codec::ImageFormat::kJpeg), fine, "", ""},
        {"one pixel of png", twice, file(1, 1, 4, codec::ImageFormat::kPng), fine, "", ""},
        {"one raw pixel to one", R"({"input_res":[1,1],"output_res":[1,1]})", pixels(3), fine, "",
         ""},
        {"one raw pixel to a row", R"({"input_res":[1,1],"output_res":[8192,1]})", pixels(4), fine,
         "", ""},
        {"a row to one pixel", R"({"input_res":[8192,1],"output_res":[1,1]})", pixels(8192 * 3),
         fine, "", ""},
        {"a row to a column", R"({"input_res":[4000,1],"output_res":[1,4000]})", pixels(4000 * 4),
         fine, "", ""},
        {"edge of a column", R"({"input_res":[1,900],"output_res":[2,901],"quality":"quality"})",
         pixels(900 * 3), fine, "", ""},
        {"the least scale", R"({"input_res":[1,900],"scale":0.0001220703125})", pixels(900 * 3),
         fine, "", ""},
        {"a scale below the least", R"({"input_res":[1,900],"scale":0.0001})", pixels(900 * 3), bad,
         "scale", "0.0001"},
        {"raw pixels that begin as a jpeg does", "{" + in + R"("scale":2})",
         from_hex_start({0xff, 0xd8, 0xff}, 60), fine, "", ""},
        {"raw pixels that begin as a png does", "{" + in + R"("scale":2})",
         from_hex_start({0x89, 'P', 'N', 'G', 13, 10, 26, 10}, 80), fine, "", ""},
        {"a file that is not of the size given", R"({"input_res":[20,11],"scale":1})", jpeg, bad,
         "input_res", "20 x 10"},
        {"rgba asked of an rgb file", R"({"channels":4,"scale":1})", png, bad, "channels", "has 3"},
    };
    bench.check(rows);
}

TEST_CASE("bad params of upscale at every place and at random") {
    test::RequestBench bench("upscale");
    const json arrays = json::parse(R"({"algorithm":"edge","channels":3,"input_res":[5,4],
        "jpeg_quality":80,"output_format":"raw","output_res":[9,7],"quality":"fast"})");
    const json numbers = json::parse(R"({"input_height":4,"input_width":5,"output_format":"png",
        "output_height":3,"output_width":2})");
    const json file_params = json::parse(R"({"scale":1.5,"quality":"quality",
        "output_format":"jpeg"})");
    const test::Partners partners{{"input_res", {"data"}},
                                  {"input_width", {"data", "input_res", "input_height"}},
                                  {"input_height", {"data", "input_res", "input_width"}},
                                  {"channels", {"data"}},
                                  {"output_width", {"output_res", "output_height"}},
                                  {"output_height", {"output_res", "output_width"}},
                                  {"scale", {"output_res"}}};
    test::try_everything(bench,
                         {{arrays, pixels(60)},
                          {numbers, pixels(80)},
                          {file_params, file(6, 5, 4, codec::ImageFormat::kPng)},
                          {file_params, file(6, 5, 3, codec::ImageFormat::kJpeg)}},
                         partners);
}
