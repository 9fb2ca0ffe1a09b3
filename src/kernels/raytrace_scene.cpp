#include "kernels/raytrace_scene.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include "kernels/raytrace_bvh.h"

namespace p2c2r::kernels {

namespace {

constexpr double kGrid = 1048576;  // 2^20
constexpr double kEmissionMax = 1000;
constexpr uint32_t kVerticesMax = kRtPrimsMax;
// In a request a triangle is three numbers or more, and all other primitives are longer.
constexpr uint64_t kBytesPerPrimLeast = 3;
// What they cost, for looks at whether to stop.
constexpr uint64_t kNsPerNumber = 12;
constexpr uint64_t kNsPerTriangle = 60;
constexpr uint64_t kNsPerObject = 500;

float rounded(double value, double grid) {
    return static_cast<float>(std::nearbyint(value * grid) / grid);
}

struct FloatPlace {
    float at[3];
};

FloatPlace on_grid(const double (&place)[3]) {
    return {{rt_grid_place(place[0]), rt_grid_place(place[1]), rt_grid_place(place[2])}};
}

// A little more than low to high, so that a surface is not cut by its own box.
RtBounds padded(const FloatPlace& low, const FloatPlace& high) {
    double largest = 0;
    for (int axis = 0; axis < 3; ++axis) {
        largest =
            std::max({largest, std::fabs(double{low.at[axis]}), std::fabs(double{high.at[axis]})});
    }
    const double pad = std::ceil(largest / 4 + 2) / kGrid;
    RtBounds box;
    for (int axis = 0; axis < 3; ++axis) {
        box.low[axis] = rt_grid_place(low.at[axis] - pad);
        box.high[axis] = rt_grid_place(high.at[axis] + pad);
    }
    return box;
}

struct Material {
    uint32_t kind = kRtDiffuse;
    float words[7] = {};  // colour, ior, 1 / ior, least reflection
};

Material read_material(ParamsReader& object) {
    Material material;
    const std::string_view name =
        object.choice("material", {"diffuse", "mirror", "dielectric", "emissive"}, "diffuse");
    double color[3] = {1, 1, 1};
    object.numbers("color", color, 0, 1, false);
    double factor = 1;
    if (name == "mirror") {
        material.kind = kRtMirror;
    } else if (name == "dielectric") {
        material.kind = kRtDielectric;
        const double ior = object.number("ior", 1, 4, 1.5);
        const double share = (1 - ior) / (1 + ior);
        material.words[3] = rounded(ior, kRtFineGrid);
        material.words[4] = rounded(1 / ior, kRtFineGrid);
        material.words[5] = rounded(share * share, kRtFineGrid);
    } else if (name == "emissive") {
        material.kind = kRtEmissive;
        factor = object.number("emission", 0, kEmissionMax, 1);
    }
    for (size_t i = 0; i < 3; ++i) material.words[i] = rounded(color[i] * factor, kRtFineGrid);
    return material;
}

// The fewest digits that read back: to_string() would write 1e300 in full, and 3 as 3.000000.
std::string number_text(double value) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    return {text, end};
}

// Numbers of a mesh: an array of numbers, an array of arrays of three, or bytes (little endian).
class NumberList {
  public:
    NumberList(ParamsReader& object, const char* name, uint32_t count_max)
        : object_(object), name_(name), count_max_(count_max) {}

    // `take` gets each number as a double and returns whether it is allowed.
    template <class Word, class Take>
    bool read(const char* expected, const Take& take) {
        const std::optional<Value> value = object_.value(name_);
        if (!value) {
            object_.fail(name_, "is required");
            return false;
        }
        if (const auto bytes = value->bytes()) return read_bytes<Word>(*bytes, take);
        if (!value->is(ValueKind::kArray)) {
            object_.fail(name_, std::string("is ") + value_kind_name(value->kind()) +
                                    ", expected an array or bytes");
            return false;
        }
        for (const Value item : value->items()) {
            if (item.is(ValueKind::kArray)) {
                if (item.count() != 3)
                    return wrong("has " + std::to_string(item.count()) + " items, expected 3");
                for (const Value part : item.items()) {
                    if (!read_number(part, expected, take)) return false;
                }
            } else if (!read_number(item, expected, take)) {
                return false;
            }
        }
        return finish();
    }

    [[nodiscard]] uint32_t count() const { return count_; }
    // No more than that can come.
    [[nodiscard]] size_t count_most() const {
        const std::optional<Value> value = object_.value(name_);
        if (!value) return 0;
        const auto bytes = value->bytes();
        const size_t sent = bytes ? bytes->size() / 4 : object_.encoded(name_).size();
        return std::min(sent, size_t{count_max_} * 3);
    }

  private:
    template <class Take>
    bool read_number(const Value& item, const char* expected, const Take& take) {
        const std::optional<double> number = item.number();
        if (!number) {
            return wrong(std::string("is ") + value_kind_name(item.kind()) + ", expected " +
                         expected);
        }
        return put(*number, expected, take);
    }

    template <class Word, class Take>
    bool read_bytes(std::span<const uint8_t> bytes, const Take& take) {
        if (bytes.size() % 12 != 0) {
            object_.fail(name_, "has " + std::to_string(bytes.size()) +
                                    " bytes, expected 12 for each three numbers");
            return false;
        }
        for (size_t at = 0; at < bytes.size(); at += 4) {
            const uint32_t word = uint32_t{bytes[at]} | uint32_t{bytes[at + 1]} << 8 |
                                  uint32_t{bytes[at + 2]} << 16 | uint32_t{bytes[at + 3]} << 24;
            if (!put(static_cast<double>(std::bit_cast<Word>(word)), "a number in range", take))
                return false;
        }
        return finish();
    }

    template <class Take>
    bool put(double number, const char* expected, const Take& take) {
        if (object_.stop_after(kNsPerNumber)) return false;
        if (count_ / 3 >= count_max_) {
            object_.fail(name_, "has more than " + std::to_string(count_max_) + " times 3 numbers",
                         Status::kLimit);
            return false;
        }
        if (!take(number)) return wrong("is " + number_text(number) + ", expected " + expected);
        ++count_;
        return true;
    }

    bool finish() {
        if (count_ != 0 && count_ % 3 == 0) return true;
        object_.fail(name_, "has " + std::to_string(count_) + " numbers, expected three or a " +
                                "multiple of three");
        return false;
    }

    bool wrong(const std::string& text) {
        object_.fail(std::string(name_) + "[" + std::to_string(count_ / 3) + "]", text);
        return false;
    }

    ParamsReader& object_;
    const char* name_;
    uint32_t count_max_;
    uint32_t count_ = 0;
};

class SceneReader {
  public:
    SceneReader(ParamsReader& reader, RtScene& scene) : reader_(reader), scene_(scene) {}

    void run() {
        // All at once: growing would copy what is there, which nothing could end half way.
        const uint64_t sent = reader_.encoded("objects").size();
        const uint64_t prims = std::min<uint64_t>(kRtPrimsMax, sent / kBytesPerPrimLeast);
        scene_.prims.reserve(prims * kRtPrimWords +
                             std::min<uint64_t>(prims, kRtObjectsMax) * kRtMaterialWords);
        scene_.bounds.reserve(prims);
        for (ParamsReader object : reader_.maps("objects", kRtObjectsMax)) {
            if (!reader_.ok() || reader_.stop_after(kNsPerObject)) return;
            read_object(object);
            object.done();
        }
        if (!reader_.ok()) return;
        scene_.prims_count = static_cast<uint32_t>(scene_.bounds.size());
        scene_.objects_count = static_cast<uint32_t>(materials_.size());
        for (const Material& material : materials_) {
            scene_.prims.push_back(material.kind);
            for (const float word : material.words) {
                scene_.prims.push_back(std::bit_cast<uint32_t>(word));
            }
        }
    }

  private:
    void read_object(ParamsReader& object) {
        const std::string_view type = object.choice("type", {"sphere", "plane", "box", "mesh"});
        materials_.push_back(read_material(object));
        if (type == "sphere") {
            read_sphere(object);
        } else if (type == "plane") {
            read_plane(object);
        } else if (type == "box") {
            read_box(object);
        } else if (type == "mesh") {
            read_mesh(object);
        }
    }

    void read_sphere(ParamsReader& object) {
        double center[3] = {};
        object.numbers("position", center, -kRtPlaceMax, kRtPlaceMax);
        const float radius = rt_grid_place(object.number("radius", kRtRadiusLeast, kRtPlaceMax));
        const FloatPlace place = on_grid(center);
        FloatPlace low = place;
        FloatPlace high = place;
        for (int axis = 0; axis < 3; ++axis) {
            low.at[axis] -= radius;
            high.at[axis] += radius;
        }
        add(object, kRtSphere, {place.at[0], place.at[1], place.at[2], radius}, padded(low, high));
    }

    void read_plane(ParamsReader& object) {
        double point[3] = {};
        double normal[3] = {0, 1, 0};
        object.numbers("position", point, -kRtPlaceMax, kRtPlaceMax);
        object.numbers("normal", normal, -kRtPlaceMax, kRtPlaceMax);
        const double length =
            std::sqrt(normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2]);
        if (!(length >= 1e-6)) {
            object.fail("normal", "has no length");
            return;
        }
        if (scene_.planes.size() >= kRtPlanesMax) {
            object.fail("type",
                        "is one plane too many, the limit is " + std::to_string(kRtPlanesMax),
                        Status::kLimit);
            return;
        }
        float unit[3];
        double offset = 0;
        for (size_t i = 0; i < 3; ++i) {
            unit[i] = rounded(normal[i] / length, kRtFineGrid);
            offset += double{unit[i]} * rt_grid_place(point[i]);
        }
        scene_.planes.push_back(static_cast<uint32_t>(scene_.bounds.size()));
        add(object, kRtPlane, {unit[0], unit[1], unit[2], rt_grid_place(offset)}, RtBounds{});
    }

    void read_box(ParamsReader& object) {
        double low[3] = {};
        double high[3] = {1, 1, 1};
        object.numbers("min", low, -kRtPlaceMax, kRtPlaceMax);
        object.numbers("max", high, -kRtPlaceMax, kRtPlaceMax);
        if (!reader_.ok()) return;
        const FloatPlace a = on_grid(low);
        const FloatPlace b = on_grid(high);
        RtBounds box;
        for (size_t axis = 0; axis < 3; ++axis) {
            box.low[axis] = a.at[axis];
            box.high[axis] = b.at[axis];
            if (high[axis] - low[axis] < kRtRadiusLeast || !(b.at[axis] > a.at[axis])) {
                object.fail("max[" + std::to_string(axis) + "]",
                            "is not above min[" + std::to_string(axis) + "] by 1/4096 or more");
                return;
            }
        }
        // Its own faces bound it: what it meets is where its box is met.
        add(object, kRtBox, {a.at[0], a.at[1], a.at[2], b.at[0], b.at[1], b.at[2]}, box);
    }

    void read_mesh(ParamsReader& object) {
        std::vector<float> places;
        NumberList vertices(object, "vertices", kVerticesMax);
        places.reserve(vertices.count_most());
        const bool good = vertices.read<float>("a number from -131072 to 131072", [&](double n) {
            if (!(n >= -kRtPlaceMax && n <= kRtPlaceMax)) return false;
            places.push_back(rt_grid_place(n));
            return true;
        });
        if (!good) return;
        const uint32_t count = vertices.count() / 3;
        const auto left = static_cast<uint32_t>(kRtPrimsMax - scene_.bounds.size());
        std::vector<uint32_t> corners;
        NumberList indices(object, "indices", left);
        corners.reserve(indices.count_most());
        const std::string expected = "a whole number below " + std::to_string(count);
        const bool found = indices.read<uint32_t>(expected.c_str(), [&](double n) {
            if (!(n >= 0 && n < count) || n != std::floor(n)) return false;
            corners.push_back(static_cast<uint32_t>(n));
            return true;
        });
        if (!found) return;
        for (size_t i = 0; i < corners.size() && reader_.ok(); i += 3) {
            if (reader_.stop_after(kNsPerTriangle)) return;
            add_triangle(object, places.data() + size_t{corners[i]} * 3,
                         places.data() + size_t{corners[i + 1]} * 3,
                         places.data() + size_t{corners[i + 2]} * 3);
        }
    }

    void add_triangle(ParamsReader& object, const float* a, const float* b, const float* c) {
        FloatPlace low;
        FloatPlace high;
        float edge_1[3];
        float edge_2[3];
        for (size_t axis = 0; axis < 3; ++axis) {
            low.at[axis] = std::min({a[axis], b[axis], c[axis]});
            high.at[axis] = std::max({a[axis], b[axis], c[axis]});
            edge_1[axis] = b[axis] - a[axis];
            edge_2[axis] = c[axis] - a[axis];
        }
        add(object, kRtTriangle,
            {a[0], a[1], a[2], edge_1[0], edge_1[1], edge_1[2], edge_2[0], edge_2[1], edge_2[2]},
            padded(low, high));
    }

    void add(ParamsReader& object, uint32_t kind, std::initializer_list<float> data,
             const RtBounds& bounds) {
        if (scene_.bounds.size() >= kRtPrimsMax) {
            object.fail("type",
                        "is one primitive too many, the limit is " + std::to_string(kRtPrimsMax),
                        Status::kLimit);
            return;
        }
        const Material& material = materials_.back();
        const bool passes = material.kind == kRtDielectric || material.kind == kRtEmissive;
        const size_t first = scene_.prims.size();
        scene_.prims.resize(first + kRtPrimWords);
        uint32_t* words = scene_.prims.data() + first;
        words[0] = kind | (passes ? kRtLightPasses : 0);
        words[1] = static_cast<uint32_t>(materials_.size() - 1);
        words += kRtPrimData;
        for (const float word : data) *words++ = std::bit_cast<uint32_t>(word);
        scene_.bounds.push_back(bounds);
    }

    ParamsReader& reader_;
    RtScene& scene_;
    std::vector<Material> materials_;
};

}  // namespace

float rt_grid_place(double value) {
    return rounded(value, kGrid);
}

uint64_t RtScene::bytes() const {
    return (prims.size() + nodes.size() + planes.size()) * sizeof(uint32_t) +
           bounds.size() * sizeof(RtBounds) + wide.size() * sizeof(RtWideNode);
}

std::shared_ptr<const RtScene> read_rt_scene(ParamsReader& reader, StopLooks& looks) {
    auto scene = std::make_shared<RtScene>();
    SceneReader(reader, *scene).run();
    if (!reader.ok() || !build_rt_hierarchy(*scene, looks)) return nullptr;
    return scene;
}

}  // namespace p2c2r::kernels
