// The params of an `upscale` task: what is asked for, before the picture has been looked at.
// README.md in this folder lists the fields.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "codec/image.h"
#include "core/status.h"
#include "kernels/resample_axis.h"

namespace p2c2r::kernels {

struct ImageSize {
    uint32_t width = 0;
    uint32_t height = 0;

    bool operator==(const ImageSize&) const = default;
};

// "1280 x 720"
std::string size_text(const ImageSize& size);
// "bicubic", "lanczos", "edge": as in `algorithm_used`.
const char* filter_name(ResampleFilter filter);
// kEdge is kLanczos where a side becomes smaller.
ResampleFilter filter_used(ResampleFilter wanted, const ImageSize& input, const ImageSize& output);

struct UpscaleRequest {
    std::optional<ImageSize> input_size;
    std::optional<ImageSize> output_size;  // or the scale
    double scale = 0;
    std::string output_field;  // the parameter that gave either, for errors
    std::optional<uint32_t> channels;
    // Of the result: these alone are made. Nothing: all.
    std::optional<uint32_t> row_first;
    uint32_t row_end = 0;
    ResampleFilter filter = ResampleFilter::kLanczos;
    std::optional<codec::ImageFormat> output_format;
    uint32_t jpeg_quality = codec::kJpegQualityDefault;
};

// `params` is MessagePack. The first thing that is wrong is an error that names its field.
Result<UpscaleRequest> read_upscale_request(std::span<const uint8_t> params);

// The size of the result for a picture of `input`, within the limits; `rows` lie inside it.
Result<ImageSize> output_size_of(const UpscaleRequest& request, const ImageSize& input);

// What is known of a task before its picture is decoded.
struct UpscaleSizes {
    codec::ImageFormat format = codec::ImageFormat::kRaw;  // of the input
    ImageSize input;
    ImageSize output;        // the whole picture
    uint32_t row_first = 0;  // of it
    uint32_t row_end = 0;
    std::optional<uint32_t> channels;  // those of a PNG are seen when it is decoded
};
Result<UpscaleSizes> read_upscale_sizes(const UpscaleRequest& request,
                                        std::span<const uint8_t> data);

// The info of a result: a picture of this size in this format.
Bytes describe_upscale(const ImageSize& size, uint32_t channels, codec::ImageFormat format,
                       ResampleFilter used, const std::string& device);

}  // namespace p2c2r::kernels
