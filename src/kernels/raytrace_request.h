// The params of the ray-tracing types: what is asked for. README.md in this folder lists the
// fields.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "codec/image.h"
#include "core/crypto.h"
#include "core/status.h"
#include "kernels/raytrace_gbuffer.h"
#include "kernels/raytrace_scene.h"

namespace p2c2r::kernels {

inline constexpr uint32_t kRtSamplesMax = 4096;
inline constexpr uint32_t kRtBouncesMax = 16;
inline constexpr uint32_t kRtProbesMax = 32'768;
inline constexpr uint32_t kRtRaysOfProbeMax = 1024;
inline constexpr uint32_t kRtProbeSides = 6;
// What a pass computes of each pixel.
inline constexpr uint32_t kRtWordsPerPixel = 3;

// kGather is what kProbes becomes with a G-buffer.
enum class RaytraceKind : uint8_t { kPicture, kShadows, kReflections, kProbes, kGather };

// A part of the picture, in pixels.
struct RtTile {
    uint32_t x = 0, y = 0, width = 0, height = 0;

    [[nodiscard]] uint64_t pixels() const { return uint64_t{width} * height; }
};

// What the shader calls a frame, for one mode of it: kRtFrameWords, and the tables of probes or a
// G-buffer.
using RtFrame = std::vector<uint32_t>;

struct RaytraceRequest {
    enum class Format : uint8_t { kImage, kSums };
    enum Layer : uint8_t { kColor = 1, kHitId = 2, kDepth = 4, kNormal = 8 };

    RaytraceKind kind = RaytraceKind::kPicture;
    uint32_t width = 0;  // of the whole picture
    uint32_t height = 0;
    RtTile tile;
    std::optional<RtGbuffer> gbuffer;  // of the tile; refers to params or data
    uint32_t sample_first = 0;
    uint32_t sample_count = 1;
    Format format = Format::kImage;
    codec::ImageFormat image_format = codec::ImageFormat::kPng;  // of kImage
    uint32_t jpeg_quality = codec::kJpegQualityDefault;
    bool srgb = false;  // of bytes of colours; sums are linear
    uint8_t layers = kColor;
    uint32_t lights_count = 0;
    // Its mode is set for each pass, and the directions of probes.
    RtFrame frame = RtFrame(kRtFrameWords);
    std::array<uint32_t, 3> probe_counts{};
    // Those that the result tells of; their numbers go along rows of the tile, which has them all.
    uint32_t probe_first = 0;
    uint32_t probe_end = 0;
    std::shared_ptr<const RtScene> scene;
    // What the receiver has: the result is what changed since. NULL: the whole.
    std::shared_ptr<RaytraceRequest> previous;

    // Of the result; of probes, how many.
    [[nodiscard]] uint64_t pixels() const {
        return probe_end > 0 ? probe_end - probe_first : tile.pixels();
    }
    [[nodiscard]] bool is_picture() const {
        return layers == kColor && format == Format::kImage && !previous;
    }
};

// The scenes seen last, by the bytes of their objects. Any thread. Tasks that ask for the same new
// scene at the same time wait for the first of them to build it.
class RtSceneCache {
  public:
    // NULL: it is the caller's to build, and others wait until it calls add() or give_up(). `looks`
    // (may be NULL) are made before waiting and at each look_again(); kCancelled when they said so.
    Result<std::shared_ptr<const RtScene>> find_or_claim(const Digest256& digest,
                                                         StopLooks* looks = nullptr);
    void add(const Digest256& digest, std::shared_ptr<const RtScene> scene);
    // Whoever waits longest takes over.
    void give_up(const Digest256& digest);
    // Some task shall stop: those that wait look whether it is theirs.
    void look_again();
    // Scenes that are being built, and tasks that wait for one.
    [[nodiscard]] size_t claims() const;
    [[nodiscard]] size_t waiting() const;

  private:
    std::shared_ptr<const RtScene> find(const Digest256& digest);
    void end_claim(const Digest256& digest);

    static constexpr size_t kScenesMax = 4;
    static constexpr uint64_t kBytesMax = 512ull << 20;
    struct Entry {
        Digest256 digest;
        std::shared_ptr<const RtScene> scene;
    };
    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::vector<Entry> entries_;
    std::vector<Digest256> claimed_;
    size_t waiting_ = 0;
};

// `params` is MessagePack; so is `data`, which may be empty or hold the scene. The first thing that
// is wrong is an error that names its field. Large scenes take a second: `stop` (may be empty) is
// asked every millisecond or so; kCancelled when it said yes, and `scenes` then hold no part of it.
Result<RaytraceRequest> read_raytrace_request(RaytraceKind kind, std::span<const uint8_t> params,
                                              std::span<const uint8_t> data, RtSceneCache& scenes,
                                              const std::function<bool()>& stop = {});

// The same without scene and frame; the scene is not looked at but for the number of lights: what
// the result will be like. `has_previous`: it is a delta.
Result<RaytraceRequest> read_raytrace_outline(RaytraceKind kind, std::span<const uint8_t> params,
                                              std::span<const uint8_t> data, bool& has_previous);

}  // namespace p2c2r::kernels
