// Scenes and requests of the ray-tracing types to put wrong things into.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "model/value_json.h"
#include "request_sweep.h"

namespace p2c2r::test {

using nlohmann::json;

inline const std::string kCamera = R"("camera":{"position":[0,1,5],"direction":[0,0,-1]})";
inline const std::string kSize = R"("resolution":[8,6])";
inline const std::string kSphere = R"({"type":"sphere","position":[0,1,0],"radius":1})";

// A request with these objects, and more fields.
inline std::string with(const std::string& objects, const std::string& more = "") {
    return "{" + kSize + "," + kCamera + R"(,"objects":[)" + objects + "]" +
           (more.empty() ? "" : "," + more) + "}";
}

inline std::string mesh(const std::string& vertices, const std::string& indices) {
    return with(R"({"type":"mesh","vertices":)" + vertices + R"(,"indices":)" + indices + "}",
                R"("layers":["color","hit_id","depth","normal"],"lights":[{"position":[3,9,4]}])");
}

inline std::string camera(const std::string& fields) {
    return "{" + kSize + R"(,"objects":[)" + kSphere + R"(],"camera":{)" + fields + "}}";
}

inline Bytes scene(const std::string& text) {
    const Result<Bytes> value = json_to_value(text);
    REQUIRE_MESSAGE(value.ok(), value.error().text);
    return *value;
}

inline const json kObjects = json::parse(R"([
    {"type":"plane","position":[0,-1,0],"normal":[0,2,0],"color":[0.5,0.5,1]},
    {"type":"sphere","position":[0,0,0],"radius":1,"material":"mirror"},
    {"type":"sphere","position":[1,0,1],"radius":0.5,"material":"dielectric","ior":1.4},
    {"type":"box","min":[-2,-1,-1],"max":[-1,0,0],"material":"emissive","emission":2},
    {"type":"mesh","vertices":[[0,0,0],[2,0,0],[0,2,0]],"indices":[0,1,2]}])");
inline const json kCameraParams =
    json::parse(R"({"position":[0,1,5],"direction":[0,0,-1],"up":[0,1,0],"fov_deg":50})");
inline const json kLights = json::parse(R"([{"position":[3,5,4],"color":[1,1,0.5],"intensity":1.5,
    "radius":0.5}])");

inline json good_picture() {
    json params = json::parse(R"({"resolution":[8,6],"tile":[1,1,6,4],"samples_per_pixel":4,
        "sample_first":1,"sample_count":2,"max_bounces":3,"seed":7,"ambient":0.1,
        "background":[0,0,0.25],"jpeg_quality":70,"transfer":"srgb"})");
    params["camera"] = kCameraParams;
    params["lights"] = kLights;
    params["objects"] = kObjects;
    return params;
}

inline const Partners kPartners{
    {"resolution", {"tile"}},
    {"samples_per_pixel", {"sample_first", "sample_count"}},
    {"sample_first", {"sample_count"}},
    {"layers", {"output_format"}},
    {"half_resolution", {"tile"}},
    // A scene without these: their fields are not known, or missing.
    {"lights", {"previous"}},
};

}  // namespace p2c2r::test
