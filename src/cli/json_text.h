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

// `name` is what errors call the whole: "params".
JsonText read_json(const std::string& text, const std::string& name);

}  // namespace p2c2r::cli
