#include "model/task_scale.h"

#include <array>
#include <optional>
#include <string_view>

#include "model/value.h"

namespace p2c2r {

namespace {

constexpr size_t kParamsMost = 16 * 1024;
constexpr int64_t kSideMost = 1 << 20;

uint64_t product(int64_t width, int64_t height) {
    const bool are_sides = width > 0 && height > 0 && width <= kSideMost && height <= kSideMost;
    return are_sides ? static_cast<uint64_t>(width) * static_cast<uint64_t>(height) : 0;
}

}  // namespace

uint64_t pixels_asked_for(std::span<const uint8_t> params) {
    if (params.empty() || params.size() > kParamsMost) return 0;
    if (!scan_value(params, kParamsScan).ok()) return 0;
    uint64_t pixels = 0;
    int64_t width = 0;
    int64_t height = 0;
    bool is_half = false;
    for (const auto [name, value] : Value(params).fields()) {
        const std::optional<std::string_view> key = name.text();
        if (!key) continue;
        if (*key == "resolution" || *key == "output_res") {
            std::array<int64_t, 2> sides{};
            if (value.integers(sides)) pixels = product(sides[0], sides[1]);
        } else if (*key == "width" || *key == "output_width") {
            width = value.integer().value_or(0);
        } else if (*key == "height" || *key == "output_height") {
            height = value.integer().value_or(0);
        } else if (*key == "half_resolution") {
            is_half = value.boolean().value_or(false);
        }
    }
    if (pixels == 0) pixels = product(width, height);
    return is_half ? pixels / 4 : pixels;
}

}  // namespace p2c2r
