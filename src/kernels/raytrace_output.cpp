#include "kernels/raytrace_output.h"

#include <cstring>
#include <string_view>

#include "core/check.h"
#include "kernels/srgb_table.h"

namespace p2c2r::kernels {

namespace {

void put_word(uint8_t* target, uint32_t word) {
    for (int i = 0; i < 4; ++i) target[i] = static_cast<uint8_t>(word >> (8 * i));
}

}  // namespace

uint8_t rt_mean_byte(uint32_t sum, uint32_t samples) {
    // sum * 255 / (samples * 65535) and a half, with 65535 = 257 * 255.
    return static_cast<uint8_t>((uint64_t{sum} * 2 + uint64_t{samples} * 257) /
                                (uint64_t{samples} * 514));
}

std::vector<RtLayer> rt_layers(RaytraceKind kind, const RaytraceRequest& request) {
    std::vector<RtLayer> layers;
    uint64_t offset = 0;
    const auto add = [&](const char* name, const char* format, uint64_t size) {
        layers.push_back({name, format, offset, size});
        offset += size;
    };
    const uint64_t pixels = request.pixels();
    if (kind == RaytraceKind::kShadows) {
        const uint64_t size = rt_mask_row_bytes(request.tile.width) * request.tile.height;
        add("shadow", "bits", size * request.lights_count);
    } else if (kind == RaytraceKind::kProbes) {
        add("probes", "u8x3", pixels * kRtProbeSides * 3);
    } else {
        const bool sums = request.format == RaytraceRequest::Format::kSums;
        if (request.layers & RaytraceRequest::kColor) {
            add("color", sums ? "u32x3" : "u8x3", pixels * (sums ? 12 : 3));
        }
        if (request.layers & RaytraceRequest::kHitId) add("hit_id", "u32", pixels * 4);
        if (request.layers & RaytraceRequest::kDepth) add("depth", "f32", pixels * 4);
        if (request.layers & RaytraceRequest::kNormal) add("normal", "s8x3", pixels * 3);
    }
    return layers;
}

RaytraceOutput::RaytraceOutput(RaytraceKind kind, const RaytraceRequest& request,
                               const MemoryHook* memory)
    : request_(request), layers_(rt_layers(kind, request)) {
    for (const RtLayer& layer : layers_) size_ += layer.size;
    buffer_ = Buffer::allocate(size_, memory);
    // Masks are put together bit by bit.
    if (kind == RaytraceKind::kShadows && size_ > 0) std::memset(buffer_.data(), 0, size_);
}

uint8_t* RaytraceOutput::at(const char* name, uint64_t offset) {
    for (const RtLayer& layer : layers_) {
        if (std::string_view(layer.name) == name) return buffer_.data() + layer.offset + offset;
    }
    return nullptr;
}

void RaytraceOutput::take(uint32_t mode, uint64_t first, std::span<const uint32_t> words) {
    if (mode == kRtModeLayers) {
        take_hits(first, words);
    } else if (mode == kRtModeShadows) {
        take_masks(first, words);
    } else {
        take_colors(first, words);
    }
}

void RaytraceOutput::put(size_t layer, uint64_t offset, std::span<const uint8_t> bytes) {
    const RtLayer& target = layers_[layer];
    P2C2R_CHECK(offset <= target.size && bytes.size() <= target.size - offset);
    if (!bytes.empty()) {
        std::memcpy(buffer_.data() + target.offset + offset, bytes.data(), bytes.size());
    }
}

void RaytraceOutput::take_colors(uint64_t first, std::span<const uint32_t> words) {
    if (request_.format == RaytraceRequest::Format::kSums) {
        uint8_t* target = at("color", first * 12);
        for (const uint32_t word : words) {
            put_word(target, word);
            target += 4;
        }
        return;
    }
    uint8_t* target = at("color", first * 3);
    const uint32_t samples = request_.sample_count;
    for (const uint32_t word : words) {
        *target++ = request_.srgb ? srgb_byte(word, samples) : rt_mean_byte(word, samples);
    }
}

void RaytraceOutput::take_probes(uint32_t side, uint64_t first, std::span<const uint32_t> words) {
    uint8_t* const probes = at("probes", 0);
    for (size_t i = 0; i < words.size(); ++i) {
        const uint64_t probe = first + i / kRtWordsPerPixel;
        probes[(probe * kRtProbeSides + side) * 3 + i % kRtWordsPerPixel] =
            rt_mean_byte(words[i], request_.sample_count);
    }
}

void RaytraceOutput::take_hits(uint64_t first, std::span<const uint32_t> words) {
    uint8_t* id = at("hit_id", first * 4);
    uint8_t* depth = at("depth", first * 4);
    uint8_t* normal = at("normal", first * 3);
    for (size_t i = 0; i < words.size() / kRtWordsPerPixel; ++i) {
        const uint32_t* const pixel = words.data() + i * kRtWordsPerPixel;
        if (id) put_word(id + i * 4, pixel[0]);
        if (depth) put_word(depth + i * 4, pixel[1]);
        if (!normal) continue;
        for (int axis = 0; axis < 3; ++axis) {
            normal[i * 3 + static_cast<size_t>(axis)] = static_cast<uint8_t>(pixel[2] >> 8 * axis);
        }
    }
}

void RaytraceOutput::take_masks(uint64_t first, std::span<const uint32_t> words) {
    const uint32_t width = request_.tile.width;
    const uint64_t row_bytes = rt_mask_row_bytes(width);
    const uint64_t mask_bytes = row_bytes * request_.tile.height;
    uint8_t* const masks = at("shadow", 0);
    for (size_t i = 0; i < words.size() / kRtWordsPerPixel; ++i) {
        const uint32_t mask = words[i * kRtWordsPerPixel + 1];
        const uint64_t y = (first + i) / width;
        const uint64_t x = (first + i) % width;
        for (uint32_t light = 0; light < request_.lights_count; ++light) {
            if (!(mask >> light & 1)) continue;
            masks[light * mask_bytes + y * row_bytes + x / 8] |=
                static_cast<uint8_t>(1u << (x % 8));
        }
    }
}

}  // namespace p2c2r::kernels
