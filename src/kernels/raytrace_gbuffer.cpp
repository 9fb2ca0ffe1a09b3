#include "kernels/raytrace_gbuffer.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <string>

#include "kernels/float_scope.h"
#include "kernels/hash_looks.h"
#include "kernels/raytrace_scene.h"

namespace p2c2r::kernels {

namespace {

// Nearer than a step of the grid of positions is no depth; farther than kRtFar nothing is seen.
constexpr double kDepthLeast = 1.0 / 1048576;
constexpr double kBiasMax = 1024;
// A millimetre where a unit is a metre: meshes that a game draws for what are spheres here, and
// depths that went through a depth buffer.
constexpr double kBiasDefault = 1.0 / 1024;
constexpr double kU16Steps = 65534;  // from 1 to 65535
// Pixels between two looks at whether to stop.
constexpr uint64_t kPixelsPerLook = 16'384;
constexpr uint64_t kNsPerPixel = 5;

constexpr const char* kDepthNames[] = {"f32", "u16", "log16"};
constexpr uint32_t kDepthBytes[] = {4, 2, 2};
constexpr const char* kNormalNames[] = {"s8x3", "oct16", "oct32"};
constexpr uint32_t kNormalBytes[] = {3, 2, 4};

uint32_t depth_bytes(const RtGbuffer& gbuffer) {
    return kDepthBytes[static_cast<size_t>(gbuffer.depth_format)];
}

uint32_t normal_bytes(const RtGbuffer& gbuffer) {
    return kNormalBytes[static_cast<size_t>(gbuffer.normal_format)];
}

uint32_t word_of(const uint8_t* bytes, uint32_t count) {
    uint32_t word = 0;
    for (uint32_t i = 0; i < count; ++i) word |= uint32_t{bytes[i]} << (8 * i);
    return word;
}

uint32_t bits_of(double value) {
    return std::bit_cast<uint32_t>(static_cast<float>(value));
}

// What the 65536 values of 16 bits say, and how far they lie apart. In doubles of + - * / and
// square root only: the same on every machine.
struct Depths16 {
    std::vector<uint32_t> words;  // bits of float32
    double step = 0;
    double step_share = 0;  // of the distance
};

Depths16 depths_of(const RtGbuffer& gbuffer) {
    Depths16 depths;
    const double near = gbuffer.range[0];
    if (gbuffer.depth_format == RtGbuffer::Depth::kF32) return depths;
    depths.words.resize(65536);
    if (gbuffer.depth_format == RtGbuffer::Depth::kU16) {
        depths.step = (gbuffer.range[1] - near) / kU16Steps;
        for (uint32_t i = 1; i < 65536; ++i)
            depths.words[i] = bits_of(near + (i - 1) * depths.step);
        return depths;
    }
    // near * (far / near)^(i / 65536) is the product of one factor a bit of i, the highest first.
    double factors[16];
    double root = gbuffer.range[1] / near;
    for (int bit = 15; bit >= 0; --bit) factors[bit] = root = std::sqrt(root);
    depths.step_share = root - 1;
    std::vector<double> products(65535, near);
    for (uint32_t i = 1; i < 65535; ++i) {
        products[i] = products[i & (i - 1)] * factors[std::countr_zero(i)];
    }
    for (uint32_t i = 0; i < 65535; ++i) depths.words[i + 1] = bits_of(products[i]);
    return depths;
}

// ---- reading ------------------------------------------------------------------------------------

struct PlaneReader {
    std::array<uint32_t, 2> tile_size;
    std::span<const uint8_t> data;
    uint64_t data_end = 0;  // of the planes found in there
    bool in_data = false;

    // The bytes of a plane: its own `data`, or the task's from `offset` on.
    std::span<const uint8_t> read(ParamsReader& plane, uint32_t bytes_per_pixel) {
        const uint64_t pixels = uint64_t{tile_size[0]} * tile_size[1];
        const uint64_t size = pixels * bytes_per_pixel;
        const auto expected = [&] {
            return "expected " + std::to_string(size) + ": " + std::to_string(bytes_per_pixel) +
                   " for each pixel of " + std::to_string(tile_size[0]) + " x " +
                   std::to_string(tile_size[1]);
        };
        if (!plane.has("offset")) {
            if (!plane.has("data")) {
                plane.fail("data", "is required, or the offset of the plane in the task's data");
                return {};
            }
            const std::span<const uint8_t> bytes = plane.bytes("data", SIZE_MAX);
            if (plane.ok() && bytes.size() != size) {
                plane.fail("data", "has " + std::to_string(bytes.size()) + " bytes, " + expected());
                return {};
            }
            return bytes;
        }
        const auto whole = static_cast<int64_t>(data.size());
        const auto offset = static_cast<uint64_t>(plane.integer("offset", 0, whole));
        const auto given = static_cast<uint64_t>(
            plane.integer("size", 0, whole, std::min(whole, static_cast<int64_t>(size))));
        in_data = true;
        if (!plane.ok()) return {};
        if (plane.has("size") && given != size) {
            plane.fail("size", "is " + std::to_string(given) + ", " + expected());
            return {};
        }
        if (size > data.size() - offset) {
            plane.fail("offset", "leaves " + std::to_string(data.size() - offset) + " of the " +
                                     std::to_string(data.size()) + " bytes of data, " + expected());
            return {};
        }
        data_end = std::max(data_end, offset + size);
        return data.subspan(offset, size);
    }
};

void read_depth(ParamsReader& fields, PlaneReader& planes, RtGbuffer& gbuffer) {
    const std::optional<Value> map = fields.map("depth");
    if (!map) return;
    ParamsReader plane(*map, fields, "depth");
    const std::string_view name = plane.choice("format", {"f32", "u16", "log16"});
    if (name != "f32") {
        gbuffer.depth_format = name == "u16" ? RtGbuffer::Depth::kU16 : RtGbuffer::Depth::kLog16;
        plane.numbers("range", gbuffer.range, kDepthLeast, kRtFar);
        if (plane.ok() && !(gbuffer.range[0] < gbuffer.range[1])) {
            plane.fail("range", "is not [near, far] with near below far");
        }
    }
    gbuffer.along_direction = plane.choice("along", {"ray", "direction"}, "ray") == "direction";
    gbuffer.depth = planes.read(plane, depth_bytes(gbuffer));
    plane.done();
}

void read_normal(ParamsReader& fields, PlaneReader& planes, RtGbuffer& gbuffer) {
    const std::optional<Value> map = fields.map("normal");
    if (!map) return;
    ParamsReader plane(*map, fields, "normal");
    const std::string_view name = plane.choice("format", {"s8x3", "oct16", "oct32"});
    for (size_t i = 0; i < std::size(kNormalNames); ++i) {
        if (name == kNormalNames[i]) gbuffer.normal_format = static_cast<RtGbuffer::Normal>(i);
    }
    gbuffer.normal = planes.read(plane, normal_bytes(gbuffer));
    plane.done();
}

// A number for all pixels, or a plane.
void read_reflectivity(ParamsReader& fields, PlaneReader& planes, RtGbuffer& gbuffer) {
    const std::optional<Value> value = fields.value("reflectivity");
    if (!value) return;
    if (!value->is(ValueKind::kMap)) {
        gbuffer.reflectivity_of_all = fields.number("reflectivity", 0, 1);
        return;
    }
    ParamsReader plane(*value, fields, "reflectivity");
    plane.choice("format", {"u8"});
    gbuffer.reflectivity = planes.read(plane, 1);
    plane.done();
}

}  // namespace

std::optional<RtGbuffer> read_rt_gbuffer(ParamsReader& reader, bool with_reflectivity,
                                         std::array<uint32_t, 2> tile_size,
                                         std::span<const uint8_t> data) {
    const std::optional<Value> map = reader.map("gbuffer", false);
    if (!map) return std::nullopt;
    ParamsReader fields(*map, reader, "gbuffer");
    PlaneReader planes{tile_size, data};
    RtGbuffer gbuffer;
    read_depth(fields, planes, gbuffer);
    read_normal(fields, planes, gbuffer);
    if (with_reflectivity) read_reflectivity(fields, planes, gbuffer);
    fields.numbers("jitter", gbuffer.jitter, -1, 1, false);
    if (fields.has("bias")) gbuffer.bias = fields.number("bias", 0, kBiasMax);
    fields.done();
    gbuffer.in_data = planes.in_data;
    if (reader.ok() && planes.in_data && planes.data_end < data.size()) {
        reader.fail("data", "has " + std::to_string(data.size()) +
                                " bytes, the planes of the G-buffer end at " +
                                std::to_string(planes.data_end));
    }
    if (!reader.ok()) return std::nullopt;
    return gbuffer;
}

void check_rt_gbuffer(ParamsReader& reader, const RtGbuffer& gbuffer) {
    const uint32_t normal_size = normal_bytes(gbuffer);
    const bool f32 = gbuffer.depth_format == RtGbuffer::Depth::kF32;
    const bool s8x3 = gbuffer.normal_format == RtGbuffer::Normal::kS8x3;
    const uint64_t pixels = gbuffer.depth.size() / depth_bytes(gbuffer);
    const auto place = [](const char* plane, uint64_t pixel) {
        return std::string("gbuffer.") + plane + "[" + std::to_string(pixel) + "]";
    };
    for (uint64_t pixel = 0; pixel < pixels; ++pixel) {
        if (pixel % kPixelsPerLook == 0 && reader.stop_after(kPixelsPerLook * kNsPerPixel)) return;
        bool hit = false;
        if (f32) {
            const auto value = std::bit_cast<float>(word_of(gbuffer.depth.data() + pixel * 4, 4));
            hit = value != 0;
            if (hit && !(value >= kDepthLeast && value <= kRtFar)) {
                char text[32];
                *std::to_chars(text, text + sizeof text - 1, value).ptr = 0;
                reader.fail(place("depth", pixel),
                            std::string("is ") + text + ", expected 0 or 2^-20 to 2^20");
                return;
            }
        } else {
            hit = word_of(gbuffer.depth.data() + pixel * 2, 2) != 0;
        }
        if (s8x3 && hit && word_of(gbuffer.normal.data() + pixel * normal_size, 3) == 0) {
            reader.fail(place("normal", pixel), "is zero where the depth is not");
            return;
        }
    }
}

// ---- using --------------------------------------------------------------------------------------

RtGbuffer RtGbuffer::rows(uint32_t width, uint32_t first, uint32_t end) const {
    const auto cut = [&](std::span<const uint8_t> plane, uint64_t pixel_bytes) {
        if (plane.empty()) return plane;
        const uint64_t row_bytes = width * pixel_bytes;
        return plane.subspan(first * row_bytes, (end - first) * row_bytes);
    };
    RtGbuffer part = *this;
    part.depth = cut(depth, depth_bytes(*this));
    part.normal = cut(normal, normal_bytes(*this));
    part.reflectivity = cut(reflectivity, 1);
    return part;
}

std::optional<Digest256> RtGbuffer::digest(StopLooks& looks) const {
    // What it says without planes, then these: formats and tile tell their sizes.
    RtGbuffer fields = *this;
    fields.depth = fields.normal = fields.reflectivity = {};
    ValueWriter writer;
    write_rt_gbuffer(writer, fields);
    const Bytes head = writer.take();
    Sha256 hash;
    for (const auto bytes : {head.span(), depth, normal, reflectivity}) {
        if (!hash_with_looks(hash, bytes, looks)) return std::nullopt;
    }
    return hash.finish();
}

bool append_rt_gbuffer(const RtGbuffer& gbuffer, std::array<uint32_t, 3> tile,
                       std::vector<uint32_t>& frame, StopLooks& looks) {
    const FloatScope floats;
    const bool f32 = gbuffer.depth_format == RtGbuffer::Depth::kF32;
    const Depths16 depths = depths_of(gbuffer);
    const uint64_t pixels = gbuffer.depth.size() / depth_bytes(gbuffer);
    frame.resize(kRtFrameWords + kRtGbufferPixels + pixels * kRtGbufferWords);
    frame[kRtFrameGbuffer] = 1;
    uint32_t* const head = frame.data() + kRtFrameWords;
    std::copy(tile.begin(), tile.end(), head + kRtGbufferColumn);
    for (uint32_t axis = 0; axis < 2; ++axis) {
        head[kRtGbufferJitterX + axis] = static_cast<uint32_t>(
            static_cast<int32_t>(std::nearbyint(gbuffer.jitter[axis] * 1024)));
    }
    head[kRtGbufferFormat] = static_cast<uint32_t>(gbuffer.normal_format);
    head[kRtGbufferAlong] = gbuffer.along_direction ? 1 : 0;
    // A point may lie half a step of the depth off; where depth counts along the camera's
    // direction, so many times that as the pixel's direction is long.
    const double bias = gbuffer.bias.value_or(kBiasDefault);
    const double step_on_ray = gbuffer.along_direction ? 0 : depths.step;
    const double step_along = gbuffer.along_direction ? depths.step : 0;
    head[kRtGbufferBias] = std::bit_cast<uint32_t>(rt_grid_place(bias + step_on_ray));
    head[kRtGbufferBiasAlong] = std::bit_cast<uint32_t>(rt_grid_place(step_along));
    head[kRtGbufferBiasShare] = bits_of(std::ceil(depths.step_share * kRtFineGrid) / kRtFineGrid);
    const double strength = std::nearbyint(gbuffer.reflectivity_of_all * kRtFineGrid) / kRtFineGrid;
    uint32_t* words = head + kRtGbufferPixels;
    for (uint64_t pixel = 0; pixel < pixels; ++pixel, words += kRtGbufferWords) {
        if (pixel % kPixelsPerLook == 0 && looks.after(kPixelsPerLook * kNsPerPixel)) return false;
        if (f32) {
            words[0] = word_of(gbuffer.depth.data() + pixel * 4, 4);
            if (words[0] == 0x80000000u) words[0] = 0;  // the other zero
        } else {
            words[0] = depths.words[word_of(gbuffer.depth.data() + pixel * 2, 2)];
        }
        const uint32_t size = normal_bytes(gbuffer);
        words[1] = word_of(gbuffer.normal.data() + pixel * size, size);
        words[2] =
            bits_of(gbuffer.reflectivity.empty() ? strength : gbuffer.reflectivity[pixel] / 255.0);
    }
    return true;
}

void write_rt_gbuffer(ValueWriter& writer, const RtGbuffer& gbuffer) {
    const bool with_range = gbuffer.depth_format != RtGbuffer::Depth::kF32;
    const bool shines = !gbuffer.reflectivity.empty() || gbuffer.reflectivity_of_all != 1;
    writer.map(3 + (gbuffer.bias ? 1 : 0) + (shines ? 1 : 0));
    if (gbuffer.bias) writer.key("bias").number(*gbuffer.bias);
    writer.key("depth").map(with_range ? 4 : 3);
    writer.key("along").text(gbuffer.along_direction ? "direction" : "ray");
    writer.key("data").bytes(gbuffer.depth);
    writer.key("format").text(kDepthNames[static_cast<size_t>(gbuffer.depth_format)]);
    if (with_range) writer.key("range").array(2).number(gbuffer.range[0]).number(gbuffer.range[1]);
    writer.key("jitter").array(2).number(gbuffer.jitter[0]).number(gbuffer.jitter[1]);
    writer.key("normal").map(2);
    writer.key("data").bytes(gbuffer.normal);
    writer.key("format").text(kNormalNames[static_cast<size_t>(gbuffer.normal_format)]);
    if (!shines) return;
    writer.key("reflectivity");
    if (gbuffer.reflectivity.empty()) {
        writer.number(gbuffer.reflectivity_of_all);
        return;
    }
    writer.map(2);
    writer.key("data").bytes(gbuffer.reflectivity);
    writer.key("format").text("u8");
}

}  // namespace p2c2r::kernels
