// 3D models as scenes of the ray tracer: Wavefront OBJ (with its MTL) and glTF 2.0 (.gltf, .glb).
// Positions, faces and plain materials are read; textures, normals, skins and animations are not.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/failure.h"

namespace p2c2r::cli {

// What `raytracing` allows.
inline constexpr size_t kModelTrianglesMax = 1u << 20;
inline constexpr size_t kModelVerticesMax = 1u << 20;  // of one part; in all three a triangle
inline constexpr size_t kModelPartsMax = 65'000;

// Triangles of one material.
struct ModelPart {
    std::vector<float> vertices;    // three a vertex
    std::vector<uint32_t> indices;  // three a triangle
    std::array<double, 3> color{0.8, 0.8, 0.8};
    std::string material = "diffuse";  // as an object of a request has it
    double emission = 1;
};

// By the file's ending. Failures name the file and the line or element.
Result<std::vector<ModelPart>> import_model(const std::string& path);

// A file that a model names, in the model's own directory; nothing outside of it is opened.
Result<std::string> read_beside(const std::string& model_path, const std::string& name);
// The one spelling of such a name: "m.bin" for "./m.bin" and "a/../m.bin", by the letters alone.
// Nothing where it leaves the directory.
std::optional<std::string> name_beside(std::string_view name);

Result<std::vector<ModelPart>> import_obj(const std::string& path);
// `read` is called once for each file that the buffers name.
using ReadBeside = std::function<Result<std::string>(const std::string&, const std::string&)>;
Result<std::vector<ModelPart>> import_gltf(const std::string& path,
                                           const ReadBeside& read = read_beside);

// The parts as `objects`, their numbers as bytes.
nlohmann::json model_objects(const std::vector<ModelPart>& parts);

}  // namespace p2c2r::cli
