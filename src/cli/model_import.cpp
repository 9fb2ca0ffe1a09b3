#include "cli/model_import.h"

#include <algorithm>
#include <bit>

#include "cli/files.h"
#include "cli/result_output.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

void put_word(std::string& bytes, uint32_t word) {
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(word >> (8 * i) & 0xFF);
}

json bytes_json(const std::string& bytes) {
    return {{"$bytes", base64(bytes.data(), bytes.size())}};
}

}  // namespace

Result<std::vector<ModelPart>> import_model(const std::string& path) {
    const std::string ending = ending_of(path);
    if (ending == "obj") return import_obj(path);
    if (ending == "gltf" || ending == "glb") return import_gltf(path);
    return usage_failure(path + " is no model that is known here: .obj, .gltf and .glb are");
}

json model_objects(const std::vector<ModelPart>& parts) {
    json objects = json::array();
    for (const ModelPart& part : parts) {
        std::string vertices;
        vertices.reserve(part.vertices.size() * 4);
        for (const float number : part.vertices)
            put_word(vertices, std::bit_cast<uint32_t>(number));
        std::string indices;
        indices.reserve(part.indices.size() * 4);
        for (const uint32_t index : part.indices) put_word(indices, index);
        json object = {{"type", "mesh"},
                       {"vertices", bytes_json(vertices)},
                       {"indices", bytes_json(indices)},
                       {"color", part.color},
                       {"material", part.material}};
        if (part.material == "emissive") object["emission"] = part.emission;
        objects.push_back(std::move(object));
    }
    return objects;
}

std::optional<std::string> name_beside(std::string_view name) {
    // A drive, another separator, or a name that ends before its end for the system.
    constexpr std::string_view kRefused("\\:\0", 3);
    if (name.starts_with('/') || name.find_first_of(kRefused) != std::string_view::npos) {
        return std::nullopt;
    }
    std::vector<std::string_view> parts;
    for (size_t first = 0; first < name.size();) {
        const size_t end = std::min(name.find('/', first), name.size());
        const std::string_view part = name.substr(first, end - first);
        first = end + 1;
        if (part.empty() || part == ".") continue;
        if (part != "..") {
            parts.push_back(part);
        } else if (!parts.empty()) {
            parts.pop_back();
        } else {
            return std::nullopt;
        }
    }
    std::string path;
    for (const std::string_view part : parts) (path += path.empty() ? "" : "/") += part;
    if (path.empty()) return std::nullopt;
    return path;
}

Result<std::string> read_beside(const std::string& model_path, const std::string& name) {
    const std::optional<std::string> inside = name_beside(name);
    if (!inside) {
        return usage_failure(model_path + " names the file '" + name +
                             "', which is not in its own directory");
    }
    const size_t slash = model_path.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : model_path.substr(0, slash);
    return read_file(join_path(directory, *inside));
}

}  // namespace p2c2r::cli
