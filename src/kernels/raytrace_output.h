// The bytes of a ray-tracing result, made from the words of its passes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "kernels/raytrace_request.h"

namespace p2c2r::kernels {

// The three of a job whose picture it is.
inline constexpr uint32_t kRtChannels = 3;

// The 8-bit value of a channel whose samples add up to `sum`: to nearest, half up.
uint8_t rt_mean_byte(uint32_t sum, uint32_t samples);

// One layer of a result and where it lies in the data.
struct RtLayer {
    const char* name;
    const char* format;
    uint64_t offset = 0;
    uint64_t size = 0;
};

// Those of this request, in the order of the data.
std::vector<RtLayer> rt_layers(RaytraceKind kind, const RaytraceRequest& request);

class RaytraceOutput {
  public:
    // Memory for all that is asked for: throws std::bad_alloc when it is short.
    RaytraceOutput(RaytraceKind kind, const RaytraceRequest& request, const MemoryHook* memory);

    // Pixels from `first` on, kRtWordsPerPixel words each, of a pass in this mode. Rows of masks
    // MUST be whole.
    void take(uint32_t mode, uint64_t first, std::span<const uint32_t> words);
    // The same for one of the six sides of probes.
    void take_probes(uint32_t side, uint64_t first, std::span<const uint32_t> words);

    // Bytes of a layer of layers() that were made elsewhere. They MUST fit behind `offset` in it.
    void put(size_t layer, uint64_t offset, std::span<const uint8_t> bytes);

    [[nodiscard]] const std::vector<RtLayer>& layers() const { return layers_; }
    [[nodiscard]] uint64_t size() const { return size_; }
    [[nodiscard]] Bytes finish() { return std::move(buffer_).freeze(size_); }

  private:
    uint8_t* at(const char* name, uint64_t offset);
    void take_colors(uint64_t first, std::span<const uint32_t> words);
    void take_hits(uint64_t first, std::span<const uint32_t> words);
    void take_masks(uint64_t first, std::span<const uint32_t> words);

    const RaytraceRequest& request_;
    std::vector<RtLayer> layers_;
    uint64_t size_ = 0;
    Buffer buffer_;
};

// Bytes of a row of a mask, one bit a pixel.
inline uint64_t rt_mask_row_bytes(uint32_t width) {
    return (uint64_t{width} + 7) / 8;
}

}  // namespace p2c2r::kernels
