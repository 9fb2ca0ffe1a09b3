// Layers from a G-buffer with everything that can be wrong with its planes.
#include <doctest/doctest.h>

#include <bit>
#include <limits>

#include "bad_scenes.h"

using namespace p2c2r;
using namespace p2c2r::test;

namespace {

constexpr size_t kPixels = 8 * 6;

json f32_plane(float depth, size_t pixels = kPixels) {
    std::vector<uint8_t> bytes;
    for (size_t i = 0; i < pixels * 4; ++i) {
        bytes.push_back(static_cast<uint8_t>(std::bit_cast<uint32_t>(depth) >> 8 * (i % 4)));
    }
    return {{"format", "f32"}, {"data", json::binary(bytes)}};
}

json plane(const char* format, size_t bytes, uint8_t value = 127) {
    return {{"format", format}, {"data", json::binary(std::vector<uint8_t>(bytes, value))}};
}

json good_request() {
    json params = json::parse("{" + kSize + "," + kCamera + R"(,"max_bounces":2,"ambient":0.25})");
    params["objects"] = kObjects;
    params["lights"] = kLights;
    params["gbuffer"] = {{"depth", f32_plane(4)}, {"normal", plane("s8x3", kPixels * 3)}};
    return params;
}

struct Row {
    const char* what;
    json change;  // merged into the good request
    Status status;
    const char* field;
    const char* part;
    size_t data_size = 0;
};

void check(RequestBench& bench, const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        CAPTURE(row.what);
        json params = good_request();
        params.merge_patch(row.change);
        const Bytes data = Bytes::copy(std::vector<uint8_t>(row.data_size, 1));
        const RequestAnswer answer = bench.run(encode(params), data);
        CHECK_MESSAGE(answer.status == row.status, answer.error);
        CHECK(answer.field == row.field);
        CHECK_MESSAGE(answer.error.find(row.part) != std::string::npos, answer.error);
    }
}

// A change of one plane or of what stands beside them.
json in_gbuffer(const char* name, json value) {
    return {{"gbuffer", {{name, std::move(value)}}}};
}

}  // namespace

TEST_CASE("bad params of a G-buffer are errors that say which plane and how much, or defined") {
    const auto bad = Status::kParams;
    const auto fine = Status::kOk;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinity = std::numeric_limits<float>::infinity();
    const json no_normal = {{"gbuffer", {{"normal", nullptr}}}};  // merge_patch takes it out
    const json resident = {{"format", "f32"}, {"data", nullptr}, {"offset", 0}};
    const json u16 = {
        {"format", "u16"}, {"range", {0.5, 100}}, {"data", plane("", kPixels * 2)["data"]}};
    const auto turned = [&](double near, double far) {
        json wrong = u16;
        wrong["range"] = {near, far};
        return in_gbuffer("depth", wrong);
    };
    const std::vector<Row> rows = {
        {"nothing wrong", json::object(), fine, "", ""},
        {"nothing anywhere", in_gbuffer("depth", f32_plane(0)), fine, "", ""},
        {"nothing, from below", in_gbuffer("depth", f32_plane(-0.0f)), fine, "", ""},
        {"a surface at the camera", in_gbuffer("depth", f32_plane(0x1p-20f)), fine, "", ""},
        {"a surface where nothing is seen", in_gbuffer("depth", f32_plane(0x1p20f)), fine, "", ""},
        {"no plane of normals", no_normal, bad, "gbuffer.normal", "required"},
        {"a plane without bytes", in_gbuffer("depth", {{"data", nullptr}}), bad,
         "gbuffer.depth.data", "required"},
        {"a depth that is no number", in_gbuffer("depth", f32_plane(nan)), bad, "gbuffer.depth[0]",
         "nan"},
        {"an infinite depth", in_gbuffer("depth", f32_plane(infinity)), bad, "gbuffer.depth[0]",
         "inf"},
        {"a depth behind the camera", in_gbuffer("depth", f32_plane(-1)), bad, "gbuffer.depth[0]",
         "-1"},
        {"a depth beyond all", in_gbuffer("depth", f32_plane(1048577)), bad, "gbuffer.depth[0]",
         "1048577"},
        {"a depth of nearly nothing", in_gbuffer("depth", f32_plane(1e-40f)), bad,
         "gbuffer.depth[0]", "1e-40"},
        {"one pixel less", in_gbuffer("depth", f32_plane(4, kPixels - 1)), bad,
         "gbuffer.depth.data", "188 bytes, expected 192"},
        {"one byte more", in_gbuffer("normal", plane("s8x3", kPixels * 3 + 1)), bad,
         "gbuffer.normal.data", "145 bytes, expected 144"},
        {"planes of the whole beside half of it",
         {{"half_resolution", true}},
         bad,
         "gbuffer.depth.data",
         "4 x 3"},
        {"planes of the whole beside a tile",
         {{"tile", {0, 0, 8, 5}}},
         bad,
         "gbuffer.depth.data",
         "8 x 5"},
        {"normals without a length", in_gbuffer("normal", plane("s8x3", kPixels * 3, 0)), bad,
         "gbuffer.normal[0]", "zero"},
        {"octahedral zeros", in_gbuffer("normal", plane("oct16", kPixels * 2, 0)), fine, "", ""},
        {"octahedral corners", in_gbuffer("normal", plane("oct32", kPixels * 4, 128)), fine, "",
         ""},
        {"a format that is not there", in_gbuffer("normal", plane("f16", kPixels * 2)), bad,
         "gbuffer.normal.format", "oct16"},
        {"u16", in_gbuffer("depth", u16), fine, "", ""},
        {"log16 over all there is",
         {{"gbuffer",
           {{"depth",
             {{"format", "log16"},
              {"range", {0x1p-20, 0x1p20}},
              {"data", plane("", kPixels * 2, 255)["data"]}}}}}},
         fine,
         "",
         ""},
        {"u16 along the camera's direction",
         {{"gbuffer",
           {{"depth",
             {{"format", "u16"},
              {"range", {1, 1048576}},
              {"along", "direction"},
              {"data", plane("", kPixels * 2, 255)["data"]}}}}},
          {"camera", {{"fov_deg", 170}}}},
         fine,
         "",
         ""},
        {"u16 without a range", in_gbuffer("depth", plane("u16", kPixels * 2)), bad,
         "gbuffer.depth.range", "required"},
        {"a range from far to near", turned(100, 0.5), bad, "gbuffer.depth.range", "near below"},
        {"a range of nothing", turned(2, 2), bad, "gbuffer.depth.range", "near below"},
        {"a range from zero", turned(0, 2), bad, "gbuffer.depth.range[0]", "is 0"},
        {"a range of f32", in_gbuffer("depth", {{"range", {1, 2}}}), bad, "gbuffer.depth.range",
         "not a parameter"},
        {"a bias below zero", in_gbuffer("bias", -1), bad, "gbuffer.bias", "-1"},
        {"a jitter of two pixels", in_gbuffer("jitter", {0, 2}), bad, "gbuffer.jitter[1]", "2"},
        {"a plane that is not known", in_gbuffer("albedo", 1), bad, "gbuffer.albedo",
         "not a parameter"},
        {"a place in no data", in_gbuffer("depth", resident), bad, "gbuffer.depth.offset",
         "0 bytes"},
        {"a plane that ends behind the data", in_gbuffer("depth", resident), bad,
         "gbuffer.depth.offset", "191 of the 191", 191},
        {"bytes behind the planes", in_gbuffer("depth", resident), bad, "data",
         "193 bytes, the planes of the G-buffer end at 192", 193},
        {"another camera before",
         {{"previous", {{"camera", kCameraParams}}}},
         bad,
         "previous.camera",
         "stays"},
        {"other lights before", {{"previous", {{"lights", kLights}}}}, fine, "", ""},
    };
    RequestBench shadows("rt_shadows");
    check(shadows, rows);
    check(shadows, {{"how strong mirrors are", in_gbuffer("reflectivity", 1), bad,
                     "gbuffer.reflectivity", "not a parameter"}});
    RequestBench reflections("rt_reflections");
    check(reflections, rows);
    check(reflections,
          {{"a plane of strengths", in_gbuffer("reflectivity", plane("u8", kPixels, 99)), fine, "",
            ""},
           {"strengths of half", in_gbuffer("reflectivity", plane("u8", kPixels / 2)), bad,
            "gbuffer.reflectivity.data", "expected 48"},
           {"no strength at all", in_gbuffer("reflectivity", 0), fine, "", ""},
           {"more than all", in_gbuffer("reflectivity", 1.5), bad, "gbuffer.reflectivity", "1.5"}});
    RequestBench light("rt_global_illumination");
    check(light, rows);
    check(light, {{"probes as well",
                   {{"probes", {{"min", {0, 0, 0}}, {"max", {1, 1, 1}}, {"counts", {1, 1, 1}}}}},
                   bad,
                   "probes",
                   "not a parameter"}});
    RequestBench picture("raytracing");
    check(picture, {{"a picture of it", json::object(), bad, "gbuffer", "not a parameter"}});
}

TEST_CASE("bad params of a G-buffer at every place and at random") {
    RequestBench bench("rt_reflections");
    json params = good_request();
    params["resolution"] = {4, 2};
    params["output_format"] = "raw";
    params["gbuffer"] = {{"bias", 0.25},
                         {"depth", {{"format", "f32"}, {"offset", 0}, {"size", 32}}},
                         {"jitter", {0.25, -0.5}},
                         {"normal", {{"format", "oct16"}, {"offset", 32}, {"size", 16}}},
                         {"reflectivity", {{"format", "u8"}, {"offset", 48}}}};
    std::vector<uint8_t> planes(56, 77);
    for (size_t i = 3; i < 32; i += 4) planes[i] = 0x40;
    test::Partners partners = kPartners;
    partners["resolution"] = {"tile", "gbuffer", "data"};
    partners["gbuffer"] = {"data", "objects", "lights", "ambient"};
    test::try_everything(bench, {{params, Bytes::copy(planes)}}, partners);
}
