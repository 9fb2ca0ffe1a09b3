// Params of the ray-tracing types: what they mean, and that each mistake names its field.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <memory>
#include <string>
#include <thread>

#include "kernels/raytrace_camera.h"
#include "kernels/raytrace_request.h"
#include "model/value_json.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

constexpr const char* kCamera =
    R"("camera":{"position":[0,1,5],"direction":[0,0,-1]},"resolution":[64,48])";
constexpr const char* kSphere = R"({"type":"sphere","position":[0,0,0],"radius":1})";

Result<RaytraceRequest> read(const std::string& json, const std::string& data = "",
                             RaytraceKind kind = RaytraceKind::kPicture) {
    const Result<Bytes> params = json_to_value(json);
    REQUIRE_MESSAGE(params.ok(), params.error().text);
    Bytes scene;
    if (!data.empty()) {
        const Result<Bytes> value = json_to_value(data);
        REQUIRE_MESSAGE(value.ok(), value.error().text);
        scene = *value;
    }
    RtSceneCache scenes;
    return read_raytrace_request(kind, params->span(), scene.span(), scenes);
}

std::string with(const std::string& fields) {
    return std::string("{") + kCamera + (fields.empty() ? "" : ",") + fields + "}";
}
std::string object(const std::string& fields) {
    return with(R"("objects":[)" + std::string(kSphere) + "," + fields + "]");
}

float frame_float(const RaytraceRequest& request, uint32_t at) {
    return std::bit_cast<float>(request.frame[at]);
}

}  // namespace

TEST_CASE("a request has the documented defaults") {
    const auto request = read(with(R"("objects":[])"));
    REQUIRE_MESSAGE(request.ok(), request.error().text);
    CHECK(request->width == 64);
    CHECK(request->height == 48);
    CHECK(request->tile.pixels() == 64 * 48);
    CHECK(request->sample_first == 0);
    CHECK(request->sample_count == 1);
    CHECK(request->layers == RaytraceRequest::kColor);
    CHECK(request->image_format == codec::ImageFormat::kPng);
    CHECK(request->frame[kRtFrameBounces] == 4);
    CHECK(request->frame[kRtFrameLightCount] == 0);
    CHECK(frame_float(*request, kRtFrameAmbient) == 0);
    // 60 degrees: half the height is tan(30 degrees).
    CHECK(frame_float(*request, kRtFrameDown + 1) * -1024 * 24 == doctest::Approx(0.57735));
    CHECK(frame_float(*request, kRtFrameRight) == -frame_float(*request, kRtFrameDown + 1));
}

TEST_CASE("every kind of object is read with its numbers") {
    const auto request = read(object(
        R"({"type":"plane","position":[0,-1,0],"normal":[0,3,0],"material":"mirror"},
           {"type":"box","min":[0,0,0],"max":[1,2,3],"color":[0.5,0.25,1]},
           {"type":"mesh","vertices":[0,0,0, 1,0,0, 0,1,0, 0,0,1],"indices":[[0,1,2],[0,2,3]],
            "material":"dielectric","ior":2},
           {"type":"sphere","position":[9,9,9],"radius":2,"material":"emissive","emission":3})"));
    REQUIRE_MESSAGE(request.ok(), request.error().text);
    const RtScene& scene = *request->scene;
    CHECK(scene.objects_count == 5);
    REQUIRE(scene.prims_count == 6);
    CHECK(scene.planes == std::vector<uint32_t>{1});
    const auto kind = [&](uint32_t prim) { return scene.prims[prim * kRtPrimWords] & kRtKindMask; };
    CHECK(kind(0) == kRtSphere);
    CHECK(kind(1) == kRtPlane);
    CHECK(kind(2) == kRtBox);
    CHECK(kind(3) == kRtTriangle);
    CHECK(kind(4) == kRtTriangle);
    CHECK(scene.prims[4 * kRtPrimWords + 1] == 3);  // both triangles are of one object
    CHECK((scene.prims[3 * kRtPrimWords] & kRtLightPasses) != 0);
    CHECK((scene.prims[2 * kRtPrimWords] & kRtLightPasses) == 0);
    const auto material = [&](uint32_t number, uint32_t word) {
        return std::bit_cast<float>(
            scene.prims[scene.materials_at() + number * kRtMaterialWords + word]);
    };
    CHECK(material(2, 2) == 0.25f);
    CHECK(material(3, 4) == 2.0f);
    CHECK(material(3, 5) == 0.5f);
    CHECK(material(4, 1) == 3.0f);  // white, three times
}

TEST_CASE("meshes come as numbers or as bytes and a scene may come as the data") {
    const std::string numbers =
        R"({"type":"mesh","vertices":[0,0,0, 1,0,0, 0,1,0],"indices":[0,1,2]})";
    // 1.0f is 00 00 80 3f
    const std::string bytes =
        R"({"type":"mesh","vertices":{"$bytes":"AAAAAAAAAAAAAAAAAACAPwAAAAAAAAAAAAAAAAAAgD8AAAAA"},
            "indices":{"$bytes":"AAAAAAEAAAACAAAA"}})";
    const auto first = read(with(R"("objects":[)" + numbers + "]"));
    const auto second = read(with(""), R"({"objects":[)" + bytes + "]}");
    REQUIRE_MESSAGE(first.ok(), first.error().text);
    REQUIRE_MESSAGE(second.ok(), second.error().text);
    CHECK(first->scene->prims == second->scene->prims);
}

TEST_CASE("a scene that was seen before is not read again") {
    RtSceneCache scenes;
    const Result<Bytes> params = json_to_value(object(kSphere));
    const Result<Bytes> other =
        json_to_value(with(R"("seed":7,"objects":[)" + std::string(kSphere) + "," + kSphere + "]"));
    const auto first = read_raytrace_request(RaytraceKind::kPicture, params->span(), {}, scenes);
    const auto second = read_raytrace_request(RaytraceKind::kPicture, other->span(), {}, scenes);
    REQUIRE(first.ok());
    REQUIRE(second.ok());
    CHECK(first->scene == second->scene);
    CHECK(second->frame[kRtFrameSeed] == 7);
}

TEST_CASE("the tangent is right to the last digits of a float") {
    for (int degrees = 0; degrees <= 89; ++degrees) {
        const double expected = std::tan(degrees * 0.017453292519943295);
        CHECK(tangent_of_degrees(degrees) == doctest::Approx(expected).epsilon(1e-12));
    }
}

TEST_CASE("layers other than color alone are raw or sums, and raw where nothing is said") {
    for (const char* layers : {R"(["color","depth"])", R"(["hit_id"])", R"(["normal","depth"])"}) {
        CAPTURE(layers);
        const std::string asks = R"("objects":[],"layers":)" + std::string(layers);
        const auto request = read(with(asks));
        REQUIRE_MESSAGE(request.ok(), request.error().text);
        CHECK(request->format == RaytraceRequest::Format::kImage);
        CHECK(request->image_format == codec::ImageFormat::kRaw);
        CHECK_FALSE(request->is_picture());
        CHECK(read(with(asks + R"(,"output_format":"raw")")).ok());
        const auto sums = read(with(asks + R"(,"output_format":"sums")"));
        REQUIRE(sums.ok());
        CHECK(sums->format == RaytraceRequest::Format::kSums);
        for (const std::string format : {"png", "jpeg"}) {
            const auto picture = read(with(asks + R"(,"output_format":")" + format + "\""));
            REQUIRE(!picture.ok());
            CHECK(picture.error().field == "output_format");
            CHECK(picture.error().text == "output_format is " + format +
                                              ", with other layers than color allowed are raw "
                                              "(the default), sums");
        }
    }
    const auto color = read(with(R"("objects":[],"layers":["color"])"));
    REQUIRE(color.ok());
    CHECK(color->image_format == codec::ImageFormat::kPng);
    CHECK(color->is_picture());
}

TEST_CASE("each mistake in a ray-tracing request is an error that names its field") {
    const std::string many_lights = [] {
        std::string list;
        for (int i = 0; i < 33; ++i)
            list += (i ? "," : "") + std::string(R"({"position":[0,0,0]})");
        return R"("objects":[],"lights":[)" + list + "]";
    }();
    const std::string many_planes = [] {
        std::string list;
        for (int i = 0; i < 33; ++i) {
            list += "," + std::string(R"({"type":"plane","position":[0,0,0],"normal":[0,1,0]})");
        }
        return object(list.substr(1));
    }();
    struct Case {
        std::string json;
        Status status;
        const char* field;
        const char* part;
    };
    const Case cases[] = {
        {"{}", Status::kParams, "resolution", "required"},
        {R"({"resolution":[64,48],"objects":[]})", Status::kParams, "camera", "required"},
        {R"({"resolution":[0,48]})", Status::kParams, "resolution[0]", "is 0"},
        {R"({"resolution":[64,8193]})", Status::kParams, "resolution[1]", "8193"},
        {R"({"resolution":[8192,8192]})", Status::kLimit, "resolution", "67108864"},
        {with(""), Status::kParams, "objects", "required"},
        {with(R"("objects":{})"), Status::kParams, "objects", "an array"},
        {with(R"("objects":[3])"), Status::kParams, "objects[0]", "a map"},
        {R"({"resolution":[4,4],"camera":{"position":[0,0,0],"direction":[0,0,0]}})",
         Status::kParams, "camera.direction", "length"},
        {R"({"resolution":[4,4],"camera":{"position":[0,0,0],"direction":[0,2,0]}})",
         Status::kParams, "camera.direction", "parallel"},
        {R"({"resolution":[4,4],"camera":{"position":[0,0],"direction":[0,2,0]}})", Status::kParams,
         "camera.position", "2 items"},
        {R"({"resolution":[4,4],"camera":{"position":[0,0,1e6],"direction":[0,0,1]}})",
         Status::kParams, "camera.position[2]", "131072"},
        {R"({"resolution":[4,4],"camera":{"position":[0,0,0],"direction":[0,0,1],"fov_deg":180}})",
         Status::kParams, "camera.fov_deg", "180"},
        {R"({"resolution":[4,4],"camera":{"position":[0,0,0],"direction":[0,0,1],"roll":1}})",
         Status::kParams, "camera.roll", "not a parameter"},
        {object(R"({"type":"cone"})"), Status::kParams, "objects[1].type", "cone"},
        {object(R"({"position":[0,0,0]})"), Status::kParams, "objects[1].type", "required"},
        {object(R"({"type":"sphere","position":[0,0,0]})"), Status::kParams, "objects[1].radius",
         "required"},
        {object(R"({"type":"sphere","position":[0,0,0],"radius":-1})"), Status::kParams,
         "objects[1].radius", "-1"},
        {object(R"({"type":"sphere","position":[0,0,0],"radius":0})"), Status::kParams,
         "objects[1].radius", "0"},
        {object(R"({"type":"sphere","position":[0,0,0],"radius":"1"})"), Status::kParams,
         "objects[1].radius", "text"},
        {object(R"({"type":"sphere","position":[0,0,0],"radius":1,"color":[0,0,2]})"),
         Status::kParams, "objects[1].color[2]", "2"},
        {object(R"({"type":"sphere","position":[0,0,0],"radius":1,"material":"wood"})"),
         Status::kParams, "objects[1].material", "wood"},
        {object(R"({"type":"sphere","position":[0,0,0],"radius":1,"ior":2})"), Status::kParams,
         "objects[1].ior", "not a parameter"},
        {object(
             R"({"type":"sphere","position":[0,0,0],"radius":1,"material":"dielectric","ior":0.5})"),
         Status::kParams, "objects[1].ior", "0.5"},
        {object(R"({"type":"plane","position":[0,0,0],"normal":[0,0,0]})"), Status::kParams,
         "objects[1].normal", "length"},
        {many_planes, Status::kLimit, "objects[33].type", "32"},
        {object(R"({"type":"box","min":[0,0,0],"max":[1,0,1]})"), Status::kParams,
         "objects[1].max[1]", "above"},
        {object(R"({"type":"mesh","vertices":[0,0,0],"indices":[0,0,1]})"), Status::kParams,
         "objects[1].indices[0]", "below 1"},
        {object(R"({"type":"mesh","vertices":[0,0,0],"indices":[0,0,0.5]})"), Status::kParams,
         "objects[1].indices[0]", "whole"},
        {object(R"({"type":"mesh","vertices":[0,0],"indices":[0,0,0]})"), Status::kParams,
         "objects[1].vertices", "multiple"},
        {object(R"({"type":"mesh","vertices":[],"indices":[0,0,0]})"), Status::kParams,
         "objects[1].vertices", "0 numbers"},
        {object(R"({"type":"mesh","vertices":[0,0,1e7],"indices":[0,0,0]})"), Status::kParams,
         "objects[1].vertices[0]", "131072"},
        {object(R"({"type":"mesh","vertices":[[0,0]],"indices":[0,0,0]})"), Status::kParams,
         "objects[1].vertices[0]", "2 items"},
        {object(R"({"type":"mesh","vertices":{"$bytes":"AAAA"},"indices":[0,0,0]})"),
         Status::kParams, "objects[1].vertices", "3 bytes"},
        // Not a number, as bytes
        {object(R"({"type":"mesh","vertices":{"$bytes":"AADAfwAAwH8AAMB/"},"indices":[0,0,0]})"),
         Status::kParams, "objects[1].vertices[0]", "nan"},
        {object(R"({"type":"mesh","indices":[0,0,0]})"), Status::kParams, "objects[1].vertices",
         "required"},
        {with(R"("objects":[],"lights":[{"intensity":1}])"), Status::kParams, "lights[0].position",
         "required"},
        {with(R"("objects":[],"lights":[{"position":[0,0,0],"radius":-1}])"), Status::kParams,
         "lights[0].radius", "-1"},
        {with(many_lights), Status::kLimit, "lights", "33"},
        {with(R"("objects":[],"ambient":-0.5)"), Status::kParams, "ambient", "-0.5"},
        {with(R"("objects":[],"background":[0,0])"), Status::kParams, "background", "2 items"},
        {with(R"("objects":[],"samples_per_pixel":0)"), Status::kParams, "samples_per_pixel", "0"},
        {with(R"("objects":[],"samples_per_pixel":4097)"), Status::kParams, "samples_per_pixel",
         "4097"},
        {with(R"("objects":[],"samples_per_pixel":4,"sample_first":4)"), Status::kParams,
         "sample_first", "4"},
        {with(R"("objects":[],"samples_per_pixel":4,"sample_first":2,"sample_count":3)"),
         Status::kParams, "sample_count", "3"},
        {with(R"("objects":[],"max_bounces":17)"), Status::kParams, "max_bounces", "17"},
        {with(R"("objects":[],"tile":[0,0,65,48])"), Status::kParams, "tile", "64 x 48"},
        {with(R"("objects":[],"tile":[64,0,1,1])"), Status::kParams, "tile", "64 x 48"},
        {with(R"("objects":[],"tile":[0,0,0,1])"), Status::kParams, "tile", "empty"},
        {with(R"("objects":[],"tile":[0,0,1])"), Status::kParams, "tile", "3 items"},
        {with(R"("objects":[],"output_format":"gif")"), Status::kParams, "output_format", "gif"},
        {with(R"("objects":[],"transfer":"gamma")"), Status::kParams, "transfer", "gamma"},
        {with(R"("objects":[],"layers":[])"), Status::kParams, "layers", "empty"},
        {with(R"("objects":[],"layers":["heat"])"), Status::kParams, "layers[0]", "not one of"},
        {with(R"("objects":[],"layers":["depth","depth"])"), Status::kParams, "layers[1]", "again"},
        {with(R"("objects":[],"layers":["color","depth"],"output_format":"png")"), Status::kParams,
         "output_format", "raw"},
        {with(R"("objects":[],"half_resolution":true)"), Status::kParams, "half_resolution",
         "not a parameter"},
        {with(R"("objects":[],"quality":1)"), Status::kParams, "quality", "not a parameter"},
    };
    for (const Case& row : cases) {
        CAPTURE(row.json);
        const auto request = read(row.json);
        REQUIRE(!request.ok());
        CAPTURE(request.error().text);
        CHECK(request.error().status == row.status);
        CHECK(request.error().field == row.field);
        CHECK(request.error().text.find(row.part) != std::string::npos);
    }
}

TEST_CASE("a scene in the data is not given twice and not something else") {
    const auto twice = read(object(kSphere), R"({"objects":[]})");
    REQUIRE(!twice.ok());
    CHECK(twice.error().field == "objects");
    const auto wrong = read(with(""), R"([1,2])");
    REQUIRE(!wrong.ok());
    CHECK(wrong.error().field == "data");
    const auto inside = read(with(""), R"({"objects":[{"type":"sphere","position":[0,0,0]}]})");
    REQUIRE(!inside.ok());
    CHECK(inside.error().field == "objects[0].radius");
}
