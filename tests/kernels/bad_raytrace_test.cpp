// The ray-tracing types with everything that can be wrong with params and scene.
#include <doctest/doctest.h>

#include "model/value_json.h"
#include "request_sweep.h"

using namespace p2c2r;
using test::BadRow;
using json = nlohmann::json;

namespace {

const std::string kCamera = R"("camera":{"position":[0,1,5],"direction":[0,0,-1]})";
const std::string kSize = R"("resolution":[8,6])";
const std::string kSphere = R"({"type":"sphere","position":[0,1,0],"radius":1})";

// A request with these objects, and more fields.
std::string with(const std::string& objects, const std::string& more = "") {
    return "{" + kSize + "," + kCamera + R"(,"objects":[)" + objects + "]" +
           (more.empty() ? "" : "," + more) + "}";
}

std::string mesh(const std::string& vertices, const std::string& indices) {
    return with(R"({"type":"mesh","vertices":)" + vertices + R"(,"indices":)" + indices + "}",
                R"("layers":["color","hit_id","depth","normal"],"lights":[{"position":[3,9,4]}])");
}

std::string camera(const std::string& fields) {
    return "{" + kSize + R"(,"objects":[)" + kSphere + R"(],"camera":{)" + fields + "}}";
}

std::string repeated(const std::string& item, int count) {
    std::string list = item;
    for (int i = 1; i < count; ++i) list += "," + item;
    return list;
}

Bytes scene(const std::string& text) {
    const Result<Bytes> value = json_to_value(text);
    REQUIRE_MESSAGE(value.ok(), value.error().text);
    return *value;
}

const json kObjects = json::parse(R"([
    {"type":"plane","position":[0,-1,0],"normal":[0,2,0],"color":[0.5,0.5,1]},
    {"type":"sphere","position":[0,0,0],"radius":1,"material":"mirror"},
    {"type":"sphere","position":[1,0,1],"radius":0.5,"material":"dielectric","ior":1.4},
    {"type":"box","min":[-2,-1,-1],"max":[-1,0,0],"material":"emissive","emission":2},
    {"type":"mesh","vertices":[[0,0,0],[2,0,0],[0,2,0]],"indices":[0,1,2]}])");
const json kCameraParams =
    json::parse(R"({"position":[0,1,5],"direction":[0,0,-1],"up":[0,1,0],"fov_deg":50})");
const json kLights = json::parse(R"([{"position":[3,5,4],"color":[1,1,0.5],"intensity":1.5,
    "radius":0.5}])");

json good_picture() {
    json params = json::parse(R"({"resolution":[8,6],"tile":[1,1,6,4],"samples_per_pixel":4,
        "sample_first":1,"sample_count":2,"max_bounces":3,"seed":7,"ambient":0.1,
        "background":[0,0,0.25],"jpeg_quality":70,"transfer":"srgb"})");
    params["camera"] = kCameraParams;
    params["lights"] = kLights;
    params["objects"] = kObjects;
    return params;
}

const test::Partners kPartners{
    {"resolution", {"tile"}},
    {"samples_per_pixel", {"sample_first", "sample_count"}},
    {"sample_first", {"sample_count"}},
    {"layers", {"output_format"}},
    {"half_resolution", {"tile"}},
    // A scene without these: their fields are not known, or missing.
    {"lights", {"previous"}},
};

}  // namespace

TEST_CASE("bad params of raytracing are errors that say what or defined results") {
    test::RequestBench bench("raytracing");
    const auto bad = Status::kParams;
    const auto fine = Status::kOk;
    const std::string samples = R"("samples_per_pixel":4)";
    const BadRow rows[] = {
        {"nothing at all", "{}", {}, bad, "resolution", "required"},
        {"no objects", "{" + kSize + "," + kCamera + "}", {}, bad, "objects", "required"},
        {"an empty scene", with(""), {}, fine, "", ""},
        {"one pixel", R"({"resolution":[1,1],)" + kCamera + R"(,"objects":[]})", {}, fine, "", ""},
        {"one row", R"({"resolution":[2000,1],)" + kCamera + R"(,"objects":[]})", {}, fine, "", ""},
        {"no direction",
         camera(R"("position":[0,0,0],"direction":[0,0,0])"),
         {},
         bad,
         "camera.direction",
         "length"},
        {"hardly a direction",
         camera(R"("position":[0,0,0],"direction":[0,0,1e-300])"),
         {},
         bad,
         "camera.direction",
         "length"},
        {"no up",
         camera(R"("position":[0,0,0],"direction":[0,0,1],"up":[0,0,0])"),
         {},
         bad,
         "camera.direction",
         "up"},
        {"up along the direction",
         camera(R"("position":[0,0,0],"direction":[0,0,1],"up":[0,0,-3])"),
         {},
         bad,
         "camera.direction",
         "parallel"},
        {"a view of 0 degrees",
         camera(R"("position":[0,0,0],"direction":[0,0,1],"fov_deg":0)"),
         {},
         bad,
         "camera.fov_deg",
         "is 0"},
        {"inside of a sphere",
         camera(R"("position":[0,1,0],"direction":[0,0,1])"),
         {},
         fine,
         "",
         ""},
        {"on a sphere",
         camera(R"("position":[0,2,0],"direction":[0,-1,0],"up":[1,0,0])"),
         {},
         fine,
         "",
         ""},
        {"no radius",
         with(R"({"type":"sphere","position":[0,0,0],"radius":0})"),
         {},
         bad,
         "objects[0].radius",
         "is 0"},
        {"a radius below zero",
         with(R"({"type":"sphere","position":[0,0,0],"radius":-1})"),
         {},
         bad,
         "objects[0].radius",
         "-1"},
        {"the same sphere three times", with(repeated(kSphere, 3)), {}, fine, "", ""},
        {"the same glass sphere three times",
         with(repeated(R"({"type":"sphere","position":[0,1,0],"radius":1,"material":"dielectric"})",
                       3)),
         {},
         fine,
         "",
         ""},
        {"the same plane twice",
         with(repeated(R"({"type":"plane","position":[0,0,0],"normal":[0,1,0]})", 2)),
         {},
         fine,
         "",
         ""},
        {"the same box twice",
         with(repeated(R"({"type":"box","min":[-1,0,-1],"max":[1,1,1]})", 2)),
         {},
         fine,
         "",
         ""},
        {"a light inside of a sphere",
         with(kSphere, R"("lights":[{"position":[0,1,0]}])"),
         {},
         fine,
         "",
         ""},
        {"a light in the eye",
         with(kSphere, R"("lights":[{"position":[0,1,5]}])"),
         {},
         fine,
         "",
         ""},
        {"two planes that are one too many",
         with(repeated(R"({"type":"plane","position":[0,0,0],"normal":[0,1,0]})", 33)),
         {},
         Status::kLimit,
         "objects[32].type",
         "32"},
        {"lights that are one too many",
         with("", R"("lights":[)" + repeated(R"({"position":[0,0,0]})", 33) + "]"),
         {},
         Status::kLimit,
         "lights",
         "33"},
        {"a point for a triangle", mesh("[0,1,0]", "[0,0,0]"), {}, fine, "", ""},
        {"a line for a triangle", mesh("[[-1,0,0],[0,1,0],[1,2,0]]", "[0,1,2]"), {}, fine, "", ""},
        {"a corner twice", mesh("[[-1,0,0],[0,2,0],[1,0,0]]", "[0,1,1,0,1,2]"), {}, fine, "", ""},
        {"a triangle three times",
         mesh("[[-1,0,0],[0,2,0],[1,0,0]]", "[0,1,2,0,1,2,2,1,0]"),
         {},
         fine,
         "",
         ""},
        {"a sliver", mesh("[[-1,0,0],[1,0,0],[1,0.00001,0]]", "[0,1,2]"), {}, fine, "", ""},
        {"a corner that is not there",
         mesh("[[-1,0,0],[0,2,0],[1,0,0]]", "[0,1,3]"),
         {},
         bad,
         "objects[0].indices[0]",
         "below 3"},
        {"a corner before the first",
         mesh("[[-1,0,0],[0,2,0],[1,0,0]]", "[0,1,-1]"),
         {},
         bad,
         "objects[0].indices[0]",
         "-1"},
        {"two corners",
         mesh("[[-1,0,0],[0,2,0],[1,0,0]]", "[0,1]"),
         {},
         bad,
         "objects[0].indices",
         "2 numbers"},
        {"no triangles",
         mesh("[[-1,0,0],[0,2,0],[1,0,0]]", "[]"),
         {},
         bad,
         "objects[0].indices",
         "0 numbers"},
        {"no corners", mesh("[]", "[0,0,0]"), {}, bad, "objects[0].vertices", "0 numbers"},
        {"bytes that are no triples",
         mesh(R"({"$bytes":"AAAAAA=="})", "[0,0,0]"),
         {},
         bad,
         "objects[0].vertices",
         "4 bytes"},
        {"an infinite corner",
         mesh(R"({"$bytes":"AACAfwAAAAAAAAAA"})", "[0,0,0]"),
         {},
         bad,
         "objects[0].vertices[0]",
         "inf"},
        {"an index of bytes that is not there",
         mesh("[0,1,0]", R"({"$bytes":"AAAAAAAAAAD/////"})"),
         {},
         bad,
         "objects[0].indices[0]",
         "4294967295"},
        {"a tile of no width", with(kSphere, R"("tile":[0,0,0,1])"), {}, bad, "tile", "empty"},
        {"a tile that begins below zero",
         with(kSphere, R"("tile":[-1,0,1,1])"),
         {},
         bad,
         "tile[0]",
         "-1"},
        {"a tile that ends outside",
         with(kSphere, R"("tile":[1,0,8,1])"),
         {},
         bad,
         "tile",
         "8 x 6"},
        {"a tile of one pixel", with(kSphere, R"("tile":[7,5,1,1])"), {}, fine, "", ""},
        {"samples that begin behind the last",
         with(kSphere, samples + R"(,"sample_first":4)"),
         {},
         bad,
         "sample_first",
         "is 4"},
        {"one sample too many",
         with(kSphere, samples + R"(,"sample_first":3,"sample_count":2)"),
         {},
         bad,
         "sample_count",
         "is 2"},
        {"no samples",
         with(kSphere, samples + R"(,"sample_count":0)"),
         {},
         bad,
         "sample_count",
         "is 0"},
        {"more samples than a task has",
         R"({"resolution":[4096,4096],"samples_per_pixel":4096,)" + kCamera + R"(,"objects":[]})",
         {},
         Status::kLimit,
         "sample_count",
         "68719476736"},
        {"a bounce too many", with(kSphere, R"("max_bounces":17)"), {}, bad, "max_bounces", "17"},
        {"a layer twice",
         with(kSphere, R"("layers":["depth","depth"])"),
         {},
         bad,
         "layers[1]",
         "again"},
        {"layers as png",
         with(kSphere, R"("layers":["depth"],"output_format":"png")"),
         {},
         bad,
         "output_format",
         "raw"},
        {"a scene in the data", "{" + kSize + "," + kCamera + "}",
         scene(R"({"objects":[)" + kSphere + "]}"), fine, "", ""},
        {"a scene in the data without objects", "{" + kSize + "," + kCamera + "}", scene("{}"), bad,
         "objects", "required"},
        {"a scene twice", with(kSphere), scene(R"({"objects":[]})"), bad, "objects", "not"},
        {"a list for a scene", "{" + kSize + "," + kCamera + "}", scene("[1]"), bad, "data", "map"},
        {"data that is no value", "{" + kSize + "," + kCamera + "}",
         Bytes::copy(std::vector<uint8_t>{0xdd, 0xff, 0xff, 0xff, 0xff}), bad, "data",
         "4294967295 items"},
        {"fields of a scene that are not known", "{" + kSize + "," + kCamera + "}",
         scene(R"({"objects":[],"wind":1})"), bad, "wind", "not a parameter"},
    };
    bench.check(rows);
}

TEST_CASE("bad params of the layers of ray tracing are errors that say what or defined results") {
    const auto bad = Status::kParams;
    const auto fine = Status::kOk;
    {
        test::RequestBench bench("rt_shadows");
        const std::string light = R"("lights":[{"position":[3,9,4]}])";
        const BadRow rows[] = {
            {"nothing at all", "{}", {}, bad, "resolution", "required"},
            {"no lights", with(kSphere), {}, fine, "", ""},
            {"a light at a sphere's centre",
             with(kSphere, R"("lights":[{"position":[0,1,0]}])"),
             {},
             fine,
             "",
             ""},
            {"half of one pixel",
             R"({"resolution":[1,1],"half_resolution":true,)" + kCamera + R"(,"objects":[]})",
             {},
             fine,
             "",
             ""},
            {"a tile of the whole beside half of it",
             with(kSphere, R"("half_resolution":true,"tile":[0,0,8,6])"),
             {},
             bad,
             "tile",
             "4 x 3"},
            {"a lone output format",
             with(kSphere, R"("output_format":"raw")"),
             {},
             bad,
             "output_format",
             "not a parameter"},
            {"another number of lights before",
             with(kSphere, light + R"(,"previous":{"lights":[]})"),
             {},
             bad,
             "previous.lights",
             "are 0, now they are 1"},
            {"a camera that saw nothing before",
             with(kSphere, light + R"(,"previous":{"camera":{"position":[0,0,0],
                 "direction":[0,0,0]}})"),
             {},
             bad,
             "previous.camera.direction",
             "length"},
            {"nothing different before",
             with(kSphere, light + R"(,"previous":{})"),
             {},
             fine,
             "",
             ""},
            {"another scene before",
             with(kSphere, light + R"(,"previous":{"objects":[]})"),
             {},
             fine,
             "",
             ""},
            {"what was not asked before",
             with(kSphere, light + R"(,"previous":{"tile":1})"),
             {},
             bad,
             "previous.tile",
             "not a parameter"},
        };
        bench.check(rows);
    }
    {
        test::RequestBench bench("rt_reflections");
        const BadRow rows[] = {
            {"nothing at all", "{}", {}, bad, "resolution", "required"},
            {"no mirrors", with(kSphere), {}, fine, "", ""},
            {"a mirror around the eye",
             with(R"({"type":"sphere","position":[0,1,5],"radius":2,"material":"mirror"})"),
             {},
             fine,
             "",
             ""},
            {"layers of it",
             with(kSphere, R"("layers":["color"])"),
             {},
             bad,
             "layers",
             "not a parameter"},
        };
        bench.check(rows);
    }
    test::RequestBench bench("rt_global_illumination");
    const auto probes = [](const std::string& fields, const std::string& more = "") {
        return R"({"objects":[)" + kSphere + R"(],"probes":{)" + fields + "}" + more + "}";
    };
    const std::string place = R"("min":[0,0,0],"max":[1,1,1],)";
    const BadRow rows[] = {
        {"nothing at all", "{}", {}, bad, "probes", "required"},
        {"a grid of none",
         probes(place + R"("counts":[0,1,1])"),
         {},
         bad,
         "probes.counts[0]",
         "is 0"},
        {"a grid of too many",
         probes(place + R"("counts":[32,32,33])"),
         {},
         Status::kLimit,
         "probes.counts",
         "33792"},
        {"a grid beyond 64 bits",
         probes(place + R"("counts":[32768,32768,32768])"),
         {},
         Status::kLimit,
         "probes.counts",
         "35184372088832"},
        {"all probes at one place",
         probes(R"("min":[0,1,0],"max":[0,1,0],"counts":[2,2,1])", R"(,"rays_per_side":2)"),
         {},
         fine,
         "",
         ""},
        {"a grid from right to left",
         probes(R"("min":[1,2,1],"max":[-1,0,0],"counts":[2,2,2])", R"(,"rays_per_side":2)"),
         {},
         fine,
         "",
         ""},
        {"no rays",
         probes(place + R"("counts":[1,1,1])", R"(,"rays_per_side":0)"),
         {},
         bad,
         "rays_per_side",
         "is 0"},
        {"a ray too many",
         probes(place + R"("counts":[1,1,1])", R"(,"rays_per_side":1025)"),
         {},
         bad,
         "rays_per_side",
         "1025"},
        {"one ray of a side",
         probes(R"("min":[0,3,0],"max":[0,3,0],"counts":[1,1,1])", R"(,"rays_per_side":1)"),
         {},
         fine,
         "",
         ""},
        {"a camera",
         probes(place + R"("counts":[1,1,1])", "," + kCamera),
         {},
         bad,
         "camera",
         "not a parameter"},
        {"a camera before",
         probes(place + R"("counts":[1,1,1])", R"(,"previous":{)" + kCamera + "}"),
         {},
         bad,
         "previous.camera",
         "not a parameter"},
    };
    bench.check(rows);
}

TEST_CASE("bad params of raytracing at every place and at random") {
    test::RequestBench bench("raytracing");
    json picture = good_picture();
    picture["output_format"] = "raw";
    json layers = good_picture();
    layers.erase("jpeg_quality");
    layers.erase("objects");
    layers.erase("lights");
    layers.erase("ambient");
    layers.erase("background");
    layers["layers"] = {"color", "depth", "hit_id", "normal"};
    const json in_data{{"objects", kObjects}, {"lights", kLights}, {"ambient", 0.5}};
    test::Partners partners = kPartners;
    partners["layers"].push_back("output_format");
    test::try_everything(bench, {{picture, {}}, {layers, test::encode(in_data)}}, partners);
}

TEST_CASE("bad params of rt_shadows and rt_reflections at every place and at random") {
    json params = good_picture();
    params["half_resolution"] = true;
    params["resolution"] = {15, 11};
    params["previous"] = {{"camera", kCameraParams},
                          {"lights", kLights},
                          {"ambient", 0.2},
                          {"background", {0, 0, 0}},
                          {"objects", json::array({kObjects[1]})}};
    json shadows = params;
    shadows.erase("jpeg_quality");
    shadows.erase("transfer");
    test::RequestBench shadow_bench("rt_shadows");
    test::try_everything(shadow_bench, {{shadows, {}}}, kPartners);
    test::RequestBench bench("rt_reflections");
    test::try_everything(bench, {{params, {}}}, kPartners);
}

TEST_CASE("bad params of rt_global_illumination at every place and at random") {
    test::RequestBench bench("rt_global_illumination");
    json params = json::parse(R"({"probes":{"min":[-1,0,-1],"max":[1,2,1],"counts":[2,1,1]},
        "rays_per_side":2,"max_bounces":1,"seed":9,"ambient":0.25,"background":[0,0.5,1]})");
    params["objects"] = kObjects;
    params["lights"] = kLights;
    params["previous"] = {{"lights", kLights}, {"ambient", 0.5}};
    test::try_everything(bench, {{params, {}}}, kPartners);
}
