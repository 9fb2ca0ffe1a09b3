// A file here is a stranger's: every number is checked before it is used to index or allocate.
#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "cli/files.h"
#include "cli/json_text.h"
#include "cli/model_import.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr int kDepthMax = 64;  // of nodes inside each other, and of the JSON
constexpr uint32_t kGlbMagic = 0x46546C67;
constexpr uint32_t kGlbJson = 0x4E4F534A;
constexpr uint32_t kGlbBinary = 0x004E4942;
constexpr uint64_t kTriangles = 4;  // the mode of a primitive

uint32_t little_endian_at(std::string_view bytes, size_t at) {
    uint32_t word = 0;
    for (size_t i = 0; i < 4; ++i) {
        word |= uint32_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
    }
    return word;
}

// Columns, as glTF has them.
using Matrix = std::array<double, 16>;
constexpr Matrix kIdentity{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};

Matrix multiply(const Matrix& a, const Matrix& b) {
    Matrix product{};
    for (size_t column = 0; column < 4; ++column) {
        for (size_t row = 0; row < 4; ++row) {
            for (size_t k = 0; k < 4; ++k) {
                product[column * 4 + row] += a[k * 4 + row] * b[column * 4 + k];
            }
        }
    }
    return product;
}

std::string from_base64(std::string_view text) {
    std::string bytes;
    uint32_t group = 0;
    int bits = 0;
    for (const char letter : text) {
        uint32_t value = 0;
        if (letter >= 'A' && letter <= 'Z')
            value = static_cast<uint32_t>(letter - 'A');
        else if (letter >= 'a' && letter <= 'z')
            value = static_cast<uint32_t>(letter - 'a') + 26;
        else if (letter >= '0' && letter <= '9')
            value = static_cast<uint32_t>(letter - '0') + 52;
        else if (letter == '+')
            value = 62;
        else if (letter == '/')
            value = 63;
        else
            break;
        group = group << 6 | value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes += static_cast<char>(group >> bits & 0xFF);
        }
    }
    return bytes;
}

// "a b" of "a%20b"; a sign without two digits stays as it is.
std::string from_percent(std::string_view text) {
    std::string bytes;
    for (size_t i = 0; i < text.size(); ++i) {
        uint32_t byte = 0;
        const char* const digits = text.data() + i + 1;
        if (text[i] == '%' && text.size() - i > 2 &&
            std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
            bytes += static_cast<char>(byte);
            i += 2;
        } else {
            bytes += text[i];
        }
    }
    return bytes;
}

class GltfReader {
  public:
    GltfReader(const std::string& path, const ReadBeside& read) : path_(path), read_(read) {}

    Result<std::vector<ModelPart>> run() {
        Result<std::string> file = read_file(path_);
        if (!file) return file.failure();
        if (Outcome failure = split(*file)) return *failure;
        try {
            if (Outcome failure = read_all()) return *failure;
        } catch (const std::exception& missing) {  // a field, a wrong kind, an index
            return usage_failure(path_ + ": " + missing.what());
        }
        if (parts_.empty()) return usage_failure(path_ + " has no triangles");
        return std::move(parts_);
    }

  private:
    Failure wrong(const std::string& what) const { return usage_failure(path_ + ": " + what); }

    // The text, and the bytes of a binary file.
    Outcome split(const std::string& file) {
        std::string_view text = file;
        if (file.size() >= 20 && little_endian_at(file, 0) == kGlbMagic) {
            size_t at = 12;
            text = {};
            while (file.size() - at >= 8) {
                const size_t size = little_endian_at(file, at);
                const uint32_t kind = little_endian_at(file, at + 4);
                if (size > file.size() - at - 8) return wrong("a chunk is cut");
                const std::string_view chunk = std::string_view(file).substr(at + 8, size);
                if (kind == kGlbJson && text.empty()) text = chunk;
                if (kind == kGlbBinary && !binary_) binary_ = std::make_shared<std::string>(chunk);
                at += 8 + size;
            }
        }
        JsonText read = read_json(std::string(text), "JSON", kDepthMax);
        if (!read.error.empty()) return wrong("is no glTF: " + read.error);
        root_ = std::move(read.value);
        if (!root_.is_object()) return wrong("is no glTF: its text is not a JSON object");
        return std::nullopt;
    }

    Outcome read_all() {
        const std::string version = root_.at("asset").at("version");
        if (!version.starts_with("2.")) return wrong("is glTF " + version + ", 2.0 is read here");
        if (root_.contains("extensionsRequired") && !root_["extensionsRequired"].empty()) {
            return wrong("requires " + root_["extensionsRequired"].dump() +
                         ", which is not read here");
        }
        for (const json& buffer : list("buffers")) {
            if (Outcome failure = read_buffer(buffer)) return failure;
        }
        const json& scenes = list("scenes");
        if (scenes.empty()) return wrong("has no scene");
        const size_t scene = root_.value("scene", size_t{0});
        if (scene >= scenes.size())
            return wrong("scene " + std::to_string(scene) + " is not there");
        for (const json& node : scenes[scene].value("nodes", json::array())) {
            if (Outcome failure = read_node(node.get<size_t>(), kIdentity, 0)) return failure;
        }
        return std::nullopt;
    }

    [[nodiscard]] const json& list(const char* name) const {
        static const json kNone = json::array();
        const auto found = root_.find(name);
        return found == root_.end() ? kNone : *found;
    }

    Outcome read_buffer(const json& buffer) {
        const size_t size = buffer.at("byteLength");
        std::shared_ptr<const std::string> bytes = std::make_shared<std::string>();
        if (!buffer.contains("uri")) {
            if (binary_) bytes = binary_;
        } else {
            const std::string uri = buffer.at("uri");
            if (uri.starts_with("data:")) {
                const size_t comma = uri.find(',');
                if (comma != std::string::npos) {
                    bytes = std::make_shared<std::string>(
                        from_base64(std::string_view(uri).substr(comma + 1)));
                }
            } else {
                Result<std::shared_ptr<const std::string>> read = read_named(from_percent(uri));
                if (!read) return read.failure();
                bytes = std::move(*read);
            }
        }
        if (bytes->size() < size) {
            return wrong("buffer " + std::to_string(buffers_.size()) + " has " +
                         std::to_string(bytes->size()) + " bytes, it says " + std::to_string(size));
        }
        buffers_.push_back(std::move(bytes));
        return std::nullopt;
    }

    // Once, in whatever spellings a file is named.
    Result<std::shared_ptr<const std::string>> read_named(const std::string& name) {
        const std::string one_name = name_beside(name).value_or(name);  // refused below
        std::shared_ptr<const std::string>& known = files_[one_name];
        if (!known) {
            Result<std::string> read = read_(path_, one_name);
            if (!read) return read.failure();
            known = std::make_shared<std::string>(std::move(*read));
        }
        return known;
    }

    Outcome read_node(size_t number, const Matrix& parent, int depth) {
        if (number >= list("nodes").size()) {
            return wrong("node " + std::to_string(number) + " is not there");
        }
        // A node inside itself ends here, too.
        if (depth > kDepthMax) return wrong("nodes are nested too deeply");
        if (++nodes_ > kModelPartsMax) return wrong("has too many nodes");
        const json& node = list("nodes")[number];
        const Matrix matrix = multiply(parent, local_matrix(node));
        if (node.contains("mesh")) {
            if (Outcome failure = read_mesh(node.at("mesh"), matrix)) return failure;
        }
        for (const json& child : node.value("children", json::array())) {
            if (Outcome failure = read_node(child.get<size_t>(), matrix, depth + 1)) {
                return failure;
            }
        }
        return std::nullopt;
    }

    static Matrix local_matrix(const json& node) {
        if (node.contains("matrix")) return node.at("matrix").get<Matrix>();
        const auto move = node.value("translation", std::array<double, 3>{0, 0, 0});
        const auto turn = node.value("rotation", std::array<double, 4>{0, 0, 0, 1});
        const auto size = node.value("scale", std::array<double, 3>{1, 1, 1});
        const auto [x, y, z, w] = turn;
        Matrix matrix{1 - 2 * (y * y + z * z),
                      2 * (x * y + z * w),
                      2 * (x * z - y * w),
                      0,
                      2 * (x * y - z * w),
                      1 - 2 * (x * x + z * z),
                      2 * (y * z + x * w),
                      0,
                      2 * (x * z + y * w),
                      2 * (y * z - x * w),
                      1 - 2 * (x * x + y * y),
                      0,
                      move[0],
                      move[1],
                      move[2],
                      1};
        for (size_t i = 0; i < 12; ++i) matrix[i] *= size[i / 4];
        return matrix;
    }

    Outcome read_mesh(size_t number, const Matrix& matrix) {
        if (number >= list("meshes").size()) {
            return wrong("mesh " + std::to_string(number) + " is not there");
        }
        for (const json& primitive : list("meshes")[number].at("primitives")) {
            // Counted even where they have nothing: a mesh may stand at many nodes.
            if (++primitives_ > kModelPartsMax) return wrong("has too many parts");
            // Points and lines have no surface.
            if (primitive.value("mode", kTriangles) != kTriangles) continue;
            ModelPart part;
            if (Outcome failure = read_triangles(primitive, matrix, part)) return failure;
            if (primitive.contains("material")) read_material(primitive.at("material"), part);
            if (!part.indices.empty()) parts_.push_back(std::move(part));
        }
        return std::nullopt;
    }

    // Where the elements of an accessor lie.
    struct Elements {
        std::string_view bytes;
        size_t first, stride, size, count;

        [[nodiscard]] std::string_view at(size_t index) const {
            return bytes.substr(first + index * stride, size);
        }
    };

    Result<Elements> elements_of(size_t number, size_t element_size, size_t count_max) const {
        const json& accessor = list("accessors").at(number);
        const std::string name = "accessor " + std::to_string(number);
        if (accessor.contains("sparse")) return wrong(name + " is sparse, which is not read here");
        const json& view = list("bufferViews").at(accessor.at("bufferView").get<size_t>());
        const std::string_view bytes = *buffers_.at(view.at("buffer").get<size_t>());
        const size_t count = accessor.at("count");
        const size_t stride = view.value("byteStride", element_size);
        const size_t view_first = view.value("byteOffset", size_t{0});
        const size_t first = accessor.value("byteOffset", size_t{0});
        if (count > count_max) {
            return wrong(name + " has " + std::to_string(count) + " elements, the limit is " +
                         std::to_string(count_max));
        }
        // All below 2^33: nothing wraps.
        if (view_first > bytes.size() || first > bytes.size() || stride > 256 ||
            (count > 0 &&
             view_first + first + (count - 1) * stride + element_size > bytes.size())) {
            return wrong(name + " reaches beyond its buffer");
        }
        return Elements{bytes, view_first + first, stride, element_size, count};
    }

    // Many primitives may refer to the same accessors: indices are bounded over the file, before
    // they are read, and of places a part gets those alone that its triangles use.
    Outcome read_triangles(const json& primitive, const Matrix& matrix, ModelPart& part) {
        const size_t number = primitive.at("attributes").at("POSITION");
        const json& accessor = list("accessors").at(number);
        if (accessor.at("type") != "VEC3" || accessor.at("componentType") != 5126) {
            return wrong("accessor " + std::to_string(number) + " is no list of float places");
        }
        Result<Elements> places = elements_of(number, 12, kModelVerticesMax);
        if (!places) return places.failure();
        std::optional<Elements> indices;
        if (primitive.contains("indices")) {
            const size_t list_number = primitive.at("indices");
            const uint64_t kind = list("accessors").at(list_number).at("componentType");
            const size_t size = kind == 5121 ? 1 : kind == 5123 ? 2 : kind == 5125 ? 4 : 0;
            if (size == 0) {
                return wrong("accessor " + std::to_string(list_number) + " is no list of indices");
            }
            Result<Elements> found = elements_of(list_number, size, kModelTrianglesMax * 3);
            if (!found) return found.failure();
            indices = *found;
        }
        const size_t corners = (indices ? indices->count : places->count) / 3 * 3;
        triangles_ += corners / 3;
        if (triangles_ > kModelTrianglesMax) {
            return wrong("has more than " + std::to_string(kModelTrianglesMax) + " triangles");
        }
        ++stamp_;
        if (vertices_.size() < places->count) vertices_.resize(places->count);
        part.indices.reserve(corners);
        for (size_t i = 0; i < corners; ++i) {
            const size_t index = indices ? index_in(indices->at(i)) : i;
            if (index >= places->count) {
                return wrong("index " + std::to_string(index) + " is none of " +
                             std::to_string(places->count) + " vertices");
            }
            Vertex& vertex = vertices_[index];
            if (vertex.stamp != stamp_) {
                vertex = {stamp_, static_cast<uint32_t>(part.vertices.size() / 3)};
                add_place(places->at(index), matrix, part);
            }
            part.indices.push_back(vertex.number);
        }
        return std::nullopt;
    }

    static size_t index_in(std::string_view bytes) {
        size_t index = 0;
        for (size_t i = 0; i < bytes.size(); ++i) {
            index |= size_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
        }
        return index;
    }

    static void add_place(std::string_view bytes, const Matrix& matrix, ModelPart& part) {
        double place[3];
        for (size_t i = 0; i < 3; ++i)
            place[i] = std::bit_cast<float>(little_endian_at(bytes, i * 4));
        for (size_t row = 0; row < 3; ++row) {
            part.vertices.push_back(
                static_cast<float>(matrix[row] * place[0] + matrix[4 + row] * place[1] +
                                   matrix[8 + row] * place[2] + matrix[12 + row]));
        }
    }

    void read_material(size_t number, ModelPart& part) const {
        const json& material = list("materials").at(number);
        const json rough = material.value("pbrMetallicRoughness", json::object());
        const auto color = rough.value("baseColorFactor", std::array<double, 4>{1, 1, 1, 1});
        const auto glow = material.value("emissiveFactor", std::array<double, 3>{0, 0, 0});
        for (size_t i = 0; i < 3; ++i) part.color[i] = std::clamp(color[i], 0.0, 1.0);
        if (rough.value("metallicFactor", 1.0) >= 0.5 &&
            rough.value("roughnessFactor", 1.0) <= 0.25) {
            part.material = "mirror";
        }
        if (*std::max_element(glow.begin(), glow.end()) > 0) {
            part.material = "emissive";
            for (size_t i = 0; i < 3; ++i) part.color[i] = std::clamp(glow[i], 0.0, 1.0);
        }
    }

    const std::string& path_;
    const ReadBeside& read_;
    json root_;
    // A vertex of the file in the part that is being read, if `stamp` is the part's.
    struct Vertex {
        uint32_t stamp = 0;
        uint32_t number = 0;
    };

    std::shared_ptr<const std::string> binary_;
    std::map<std::string, std::shared_ptr<const std::string>> files_;  // by their names
    std::vector<std::shared_ptr<const std::string>> buffers_;
    size_t nodes_ = 0;
    size_t primitives_ = 0;
    size_t triangles_ = 0;
    std::vector<Vertex> vertices_;
    uint32_t stamp_ = 0;
    std::vector<ModelPart> parts_;
};

}  // namespace

Result<std::vector<ModelPart>> import_gltf(const std::string& path, const ReadBeside& read) {
    return GltfReader(path, read).run();
}

}  // namespace p2c2r::cli
