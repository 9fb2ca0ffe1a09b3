// A G-buffer: what a game has drawn, a depth and a normal a pixel, in place of rays from the
// camera. README.md in this folder lists the fields, shaders/raytrace_gbuffer.h how a place is made
// of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/crypto.h"
#include "core/status.h"
#include "core/stop_looks.h"
#include "model/params_reader.h"
#include "model/value_writer.h"

namespace p2c2r::kernels {

struct RtGbuffer {
    enum class Depth : uint8_t { kF32, kU16, kLog16 };
    enum class Normal : uint8_t { kS8x3, kOct16, kOct32 };  // as kRtNormalS8x3 and on

    // Planes of a tile, row by row. They refer to the params or the data they were read from.
    std::span<const uint8_t> depth;
    std::span<const uint8_t> normal;
    std::span<const uint8_t> reflectivity;  // a byte a pixel, or none: all have that below
    Depth depth_format = Depth::kF32;
    Normal normal_format = Normal::kS8x3;
    bool along_direction = false;  // depth counts along the camera's direction
    double range[2] = {};          // near and far, but of kF32
    double reflectivity_of_all = 1;
    double jitter[2] = {};  // in pixels
    std::optional<double> bias;
    // The task's data are planes: no scene is in there.
    bool in_data = false;

    // The planes of rows [first, end) of a tile so wide.
    [[nodiscard]] RtGbuffer rows(uint32_t width, uint32_t first, uint32_t end) const;
    // Of all that it says. Nothing when `looks` said to stop.
    [[nodiscard]] std::optional<Digest256> digest(StopLooks& looks) const;
};

// `gbuffer` of a task whose tile is so large; `with_reflectivity` where the type knows it. Nothing
// when it is absent or wrong, which `reader` then knows. Values are not looked at.
std::optional<RtGbuffer> read_rt_gbuffer(ParamsReader& reader, bool with_reflectivity,
                                         std::array<uint32_t, 2> tile_size,
                                         std::span<const uint8_t> data);

// Reports the first pixel that is none: no number, out of range, or a normal without a length.
// Looks whether to stop, as the reader does.
void check_rt_gbuffer(ParamsReader& reader, const RtGbuffer& gbuffer);

// Puts kRtGbufferPixels words and those of all pixels behind `frame`, whose kRtFrameWords are
// there. `tile`: x, y and width of the planes. False when `looks` said to stop: pixels are missing.
bool append_rt_gbuffer(const RtGbuffer& gbuffer, std::array<uint32_t, 3> tile,
                       std::vector<uint32_t>& frame, StopLooks& looks);

// The value of `gbuffer`, with its planes inside.
void write_rt_gbuffer(ValueWriter& writer, const RtGbuffer& gbuffer);

}  // namespace p2c2r::kernels
