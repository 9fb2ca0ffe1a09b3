#include <charconv>
#include <map>
#include <string_view>

#include "cli/files.h"
#include "cli/model_import.h"

namespace p2c2r::cli {

namespace {

struct ObjMaterial {
    std::array<double, 3> color{0.8, 0.8, 0.8};
    std::array<double, 3> glow{};
    bool mirror = false;
};

// Words of a line, one after another.
class Words {
  public:
    explicit Words(std::string_view line) : rest_(line.substr(0, line.find('#'))) {}

    std::string_view next() {
        const size_t first = rest_.find_first_not_of(" \t\r");
        if (first == std::string_view::npos) return {};
        rest_.remove_prefix(first);
        const std::string_view word = rest_.substr(0, rest_.find_first_of(" \t\r"));
        rest_.remove_prefix(word.size());
        return word;
    }
    // What is left of the line: names may hold spaces.
    std::string name() {
        const size_t first = rest_.find_first_not_of(" \t\r");
        if (first == std::string_view::npos) return {};
        const size_t last = rest_.find_last_not_of(" \t\r");
        return std::string(rest_.substr(first, last - first + 1));
    }
    template <class Number>
    bool number(Number& out) {
        const std::string_view word = next();
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
        return error == std::errc() && end == word.data() + word.size() && !word.empty();
    }

  private:
    std::string_view rest_;
};

// Calls `take(line, number)` for each line until it fails.
template <class Take>
Outcome each_line(const std::string& text, const Take& take) {
    size_t number = 0;
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find('\n', at), text.size());
        if (Outcome failure = take(std::string_view(text).substr(at, end - at), ++number)) {
            return failure;
        }
        at = end + 1;
    }
    return std::nullopt;
}

class ObjReader {
  public:
    explicit ObjReader(const std::string& path) : path_(path) {}

    Result<std::vector<ModelPart>> run() {
        Result<std::string> text = read_file(path_);
        if (!text) return text.failure();
        const Outcome failure = each_line(*text, [this](std::string_view line, size_t number) {
            line_ = number;
            return read_line(line);
        });
        if (failure) return *failure;
        std::vector<ModelPart> parts;
        for (auto& [name, part] : parts_) {
            if (!part.part.indices.empty()) parts.push_back(std::move(part.part));
        }
        if (parts.empty()) return usage_failure(path_ + " has no faces");
        return parts;
    }

  private:
    struct Part {
        ModelPart part;
        std::map<uint32_t, uint32_t> numbers;  // of the file's vertices in this part
    };

    Failure wrong(const std::string& what) const {
        return usage_failure(path_ + ", line " + std::to_string(line_) + ": " + what);
    }

    Outcome read_line(std::string_view line) {
        Words words(line);
        const std::string_view word = words.next();
        if (word == "v") return read_vertex(words);
        if (word == "f") return read_face(words);
        if (word == "usemtl") material_ = words.name();
        if (word == "mtllib") read_materials(words.name());
        return std::nullopt;
    }

    Outcome read_vertex(Words& words) {
        float place[3];
        for (float& part : place) {
            if (!words.number(part)) return wrong("a vertex is three numbers");
        }
        places_.insert(places_.end(), place, place + 3);
        return std::nullopt;
    }

    // Polygons as fans. "7", "7/1", "7/1/3", "7//3"; negative numbers count from the end.
    Outcome read_face(Words& words) {
        Part& part = part_of(material_);
        uint32_t fan[2] = {0, 0};
        size_t corners = 0;
        for (std::string_view word = words.next(); !word.empty(); word = words.next()) {
            int64_t number = 0;
            const std::string_view digits = word.substr(0, word.find('/'));
            const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
            const auto count = static_cast<int64_t>(places_.size() / 3);
            if (number < 0) number += count + 1;
            if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || number < 1 ||
                number > count) {
                return wrong("corner '" + std::string(word) + "' is none of the " +
                             std::to_string(count) + " vertices so far");
            }
            const uint32_t corner = place_in(part, static_cast<uint32_t>(number - 1));
            if (corners >= 2) {
                if (++triangles_ > kModelTrianglesMax) {
                    return wrong("more than " + std::to_string(kModelTrianglesMax) + " triangles");
                }
                part.part.indices.insert(part.part.indices.end(), {fan[0], fan[1], corner});
            }
            if (corners == 0) fan[0] = corner;
            fan[1] = corner;
            ++corners;
        }
        if (corners < 3) return wrong("a face has three corners or more");
        return std::nullopt;
    }

    uint32_t place_in(Part& part, uint32_t number) {
        const auto next = static_cast<uint32_t>(part.part.vertices.size() / 3);
        const auto [found, is_new] = part.numbers.emplace(number, next);
        if (is_new) {
            const float* const place = places_.data() + size_t{number} * 3;
            part.part.vertices.insert(part.part.vertices.end(), place, place + 3);
        }
        return found->second;
    }

    Part& part_of(const std::string& material) {
        const auto [found, is_new] = parts_.try_emplace(material);
        const auto look = materials_.find(material);
        if (is_new && look != materials_.end()) {
            ModelPart& part = found->second.part;
            part.color = look->second.color;
            if (look->second.mirror) part.material = "mirror";
            if (look->second.glow != std::array<double, 3>{}) {
                part.material = "emissive";
                part.color = look->second.glow;
            }
        }
        return found->second;
    }

    // A material file that is not there leaves everything grey: the shape is worth showing.
    void read_materials(const std::string& name) {
        Result<std::string> text = read_beside(path_, name);
        if (!text) return;
        ObjMaterial* current = nullptr;
        (void)each_line(*text, [&](std::string_view line, size_t) -> Outcome {
            Words words(line);
            const std::string_view word = words.next();
            if (word == "newmtl") current = &materials_[words.name()];
            if (!current) return std::nullopt;
            if (word == "Kd") read_color(words, current->color);
            if (word == "Ke") read_color(words, current->glow);
            int illumination = 0;
            if (word == "illum" && words.number(illumination)) current->mirror = illumination == 3;
            return std::nullopt;
        });
    }

    static void read_color(Words& words, std::array<double, 3>& color) {
        std::array<double, 3> read{};
        for (double& part : read) {
            if (!words.number(part) || !(part >= 0)) return;
            part = std::min(part, 1.0);
        }
        color = read;
    }

    const std::string& path_;
    size_t line_ = 0;
    size_t triangles_ = 0;
    std::string material_;
    std::vector<float> places_;
    std::map<std::string, ObjMaterial> materials_;
    std::map<std::string, Part> parts_;
};

}  // namespace

Result<std::vector<ModelPart>> import_obj(const std::string& path) {
    return ObjReader(path).run();
}

}  // namespace p2c2r::cli
