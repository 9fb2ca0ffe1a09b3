// JSON that people or their scripts wrote. What no JSON can say (a number that is not finite), what
// could mean two things (a key given twice) and what is no JSON at all is an error with its place.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace p2c2r::cli {

struct JsonText {
    nlohmann::json value;  // with an error: as far as it could be read
    // Empty, or the first thing that is wrong: "params.camera.position[1]: 1e999 is no finite
    // number".
    std::string error;
};

// Containers inside each other: what the library takes as params.
inline constexpr size_t kJsonDepthMax = 16;

// `name` is what errors call the whole: "params". Copying a value and writing it down go as deep as
// it is, so what is deeper than `depth_max` is refused where it begins.
JsonText read_json(const std::string& text, const std::string& name,
                   size_t depth_max = kJsonDepthMax);

}  // namespace p2c2r::cli
