// Params of `upscale`: what they mean, and that each mistake names its field.
#include <doctest/doctest.h>

#include <string>

#include "kernels/upscale_request.h"
#include "model/value_json.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

Result<UpscaleRequest> read(const std::string& json) {
    const Result<Bytes> params = json_to_value(json);
    REQUIRE_MESSAGE(params.ok(), params.error().text);
    return read_upscale_request(params->span());
}

}  // namespace

TEST_CASE("every form of a request is read") {
    SUBCASE("arrays") {
        const auto request = read(R"({"input_res":[1280,720],"output_res":[1920,1080]})");
        REQUIRE(request.ok());
        CHECK(request->input_size == ImageSize{1280, 720});
        CHECK(request->output_size == ImageSize{1920, 1080});
        CHECK(request->filter == ResampleFilter::kLanczos);
        CHECK(!request->output_format);
        CHECK(request->jpeg_quality == 90);
    }
    SUBCASE("numbers") {
        const auto request = read(
            R"({"input_width":4,"input_height":5,"output_width":6,"output_height":7.0,
                "jpeg_quality":55,"output_format":"png","channels":4})");
        REQUIRE(request.ok());
        CHECK(request->input_size == ImageSize{4, 5});
        CHECK(request->output_size == ImageSize{6, 7});
        CHECK(request->jpeg_quality == 55);
        CHECK(request->output_format == codec::ImageFormat::kPng);
        CHECK(request->channels == 4u);
    }
    SUBCASE("qualities and algorithms") {
        const auto filter = [](const std::string& words) {
            return read("{\"output_res\":[1,1]," + words + "}")->filter;
        };
        CHECK(filter(R"("quality":"fast")") == ResampleFilter::kBicubic);
        CHECK(filter(R"("quality":"balanced")") == ResampleFilter::kLanczos);
        CHECK(filter(R"("quality":"quality")") == ResampleFilter::kEdge);
        CHECK(filter(R"("algorithm":"edge")") == ResampleFilter::kEdge);
        CHECK(filter(R"("algorithm":"bicubic")") == ResampleFilter::kBicubic);
        CHECK(filter(R"("algorithm":"lanczos")") == ResampleFilter::kLanczos);
        CHECK(filter(R"("algorithm":"lanczos3","quality":"fast")") == ResampleFilter::kLanczos);
    }
}

TEST_CASE("a scale gives the size rounded half up and at least one pixel") {
    const auto size = [](const std::string& scale, ImageSize input) {
        const auto request = read("{\"scale\":" + scale + "}");
        REQUIRE(request.ok());
        const Result<ImageSize> output = output_size_of(*request, input);
        REQUIRE_MESSAGE(output.ok(), output.error().text);
        return *output;
    };
    CHECK(size("1.5", {1280, 720}) == ImageSize{1920, 1080});
    CHECK(size("2", {3, 5}) == ImageSize{6, 10});
    CHECK(size("0.5", {3, 5}) == ImageSize{2, 3});
    CHECK(size("0.001", {3, 5}) == ImageSize{1, 1});
    CHECK(size("1.3", {10, 7}) == ImageSize{13, 9});
}

TEST_CASE("each mistake in the params is an error that names its field and value") {
    struct Case {
        const char* json;
        Status status;
        const char* field;
        const char* part;
    };
    const Case cases[] = {
        {"{}", Status::kParams, "output_res", "missing"},
        {R"({"output_width":5})", Status::kParams, "output_height", "required"},
        {R"({"output_height":5})", Status::kParams, "output_width", "required"},
        {R"({"output_res":[5,5],"input_width":5})", Status::kParams, "input_height", "required"},
        {R"({"output_res":[0,5]})", Status::kParams, "output_res[0]", "is 0"},
        {R"({"output_res":[5,8193]})", Status::kParams, "output_res[1]", "8193"},
        {R"({"output_res":[5]})", Status::kParams, "output_res", "1"},
        {R"({"output_res":[5,5,5]})", Status::kParams, "output_res", "3"},
        {R"({"output_res":"5x5"})", Status::kParams, "output_res", "text"},
        {R"({"output_res":[5,5.5]})", Status::kParams, "output_res[1]", "integer"},
        {R"({"output_width":-3,"output_height":5})", Status::kParams, "output_width", "-3"},
        {R"({"output_res":[5,5],"output_width":5})", Status::kParams, "output_width",
         "beside output_res"},
        {R"({"output_res":[5,5],"scale":2})", Status::kParams, "scale", "beside output_res"},
        {R"({"output_width":5,"output_height":5,"scale":2})", Status::kParams, "scale",
         "beside output_width"},
        {R"({"scale":0})", Status::kParams, "scale", "0"},
        {R"({"scale":-1.5})", Status::kParams, "scale", "-1.5"},
        {R"({"scale":"big"})", Status::kParams, "scale", "text"},
        {R"({"scale":9000})", Status::kParams, "scale", "9000"},
        {R"({"output_res":[5,5],"quality":"ultra"})", Status::kParams, "quality", "ultra"},
        {R"({"output_res":[5,5],"quality":3})", Status::kParams, "quality", "integer"},
        {R"({"output_res":[5,5],"algorithm":"nearest"})", Status::kParams, "algorithm", "nearest"},
        {R"({"output_res":[5,5],"algorithm":"ml"})", Status::kUnsupported, "algorithm",
         "bicubic, lanczos and edge are"},
        {R"({"output_res":[5,5],"output_format":"webp"})", Status::kParams, "output_format",
         "webp"},
        {R"({"output_res":[5,5],"jpeg_quality":0})", Status::kParams, "jpeg_quality", "0"},
        {R"({"output_res":[5,5],"jpeg_quality":101})", Status::kParams, "jpeg_quality", "101"},
        {R"({"output_res":[5,5],"channels":1})", Status::kParams, "channels", "1"},
        {R"({"output_res":[5,5],"rows":[3,3]})", Status::kParams, "rows", "[3, 3]"},
        {R"({"output_res":[5,5],"rows":[-1,3]})", Status::kParams, "rows[0]", "-1"},
        {R"({"output_res":[5,5],"rows":[1,9000]})", Status::kParams, "rows[1]", "9000"},
        {R"({"output_res":[5,5],"sharpness":2})", Status::kParams, "sharpness", "sharpness"},
    };
    for (const Case& row : cases) {
        CAPTURE(row.json);
        const auto request = read(row.json);
        REQUIRE(!request.ok());
        CHECK(request.error().status == row.status);
        CHECK(request.error().field == row.field);
        CHECK_MESSAGE(request.error().text.find(row.part) != std::string::npos,
                      request.error().text);
        CHECK_MESSAGE(request.error().text.find(row.field) != std::string::npos,
                      request.error().text);
    }
}

TEST_CASE("rows lie inside the result") {
    const auto rows_until = [](uint32_t end) {
        UpscaleRequest request;
        request.output_size = {10, 20};
        request.row_first = 3;
        request.row_end = end;
        return output_size_of(request, {5, 5});
    };
    CHECK(rows_until(20).ok());
    const Result<ImageSize> beyond = rows_until(21);
    REQUIRE(!beyond.ok());
    CHECK(beyond.error().field == "rows");
    CHECK(beyond.error().text == "rows end at 21, the result has 20");
}

TEST_CASE("a result above the limits names the field that asked for it") {
    const auto field_of = [](const std::string& json, ImageSize input) {
        const auto request = read(json);
        REQUIRE(request.ok());
        const Result<ImageSize> size = output_size_of(*request, input);
        REQUIRE(!size.ok());
        CHECK(size.error().status == Status::kLimit);
        return size.error().field;
    };
    CHECK(field_of(R"({"output_res":[8192,8192]})", {10, 10}) == "output_res");
    CHECK(field_of(R"({"output_width":8192,"output_height":8192})", {10, 10}) == "output_width");
    CHECK(field_of(R"({"scale":8192})", {8192, 10}) == "scale");
    CHECK(field_of(R"({"scale":3})", {3000, 1000}) == "scale");
}

TEST_CASE("params that are no map are an error about the params") {
    const uint8_t garbage[] = {0xDD, 0xFF, 0xFF, 0xFF, 0xFF};
    const Result<UpscaleRequest> request = read_upscale_request(garbage);
    REQUIRE(!request.ok());
    CHECK(request.error().field == "params");
}
