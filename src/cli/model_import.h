// 3D models as scenes of the ray tracer: Wavefront OBJ (with its MTL) and glTF 2.0 (.gltf, .glb).
// Positions, faces and plain materials are read; textures, normals, skins and animations are not.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
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

Result<std::vector<ModelPart>> import_obj(const std::string& path);
Result<std::vector<ModelPart>> import_gltf(const std::string& path);

// The parts as `objects`, their numbers as bytes.
nlohmann::json model_objects(const std::vector<ModelPart>& parts);

// A file that a model names, in the model's own directory; nothing outside of it is opened.
Result<std::string> read_beside(const std::string& model_path, const std::string& name);

}  // namespace p2c2r::cli
