#include "bindings/c/images.h"

#include <string>

#include "codec/image.h"
#include "model/value_writer.h"

namespace p2c2r::capi {

namespace {

int32_t pixel_format(codec::ImageFormat format, uint32_t channels) {
    switch (format) {
        case codec::ImageFormat::kJpeg:
            return P2C2R_PIXEL_JPEG;
        case codec::ImageFormat::kPng:
            return P2C2R_PIXEL_PNG;
        case codec::ImageFormat::kRaw:
            break;
    }
    return channels == 4 ? P2C2R_PIXEL_RGBA8 : P2C2R_PIXEL_RGB8;
}

// Raw pixels of this size, with the channels that their number of bytes leaves.
std::optional<ImageView> raw_view(uint64_t width, uint64_t height, uint64_t size) {
    if (width == 0 || height == 0 || width > codec::kImageSideMax ||
        height > codec::kImageSideMax) {
        return std::nullopt;
    }
    for (const uint32_t channels : {3u, 4u}) {
        if (width * height * channels != size) continue;
        return ImageView{pixel_format(codec::ImageFormat::kRaw, channels),
                         static_cast<uint32_t>(width), static_cast<uint32_t>(height), channels};
    }
    return std::nullopt;
}

std::optional<ImageView> file_view(const Bytes& data) {
    const Result<codec::ImageHeader> header = codec::read_image_header(data.span());
    if (!header) return std::nullopt;
    return ImageView{pixel_format(header->format, 0), header->width, header->height, 0};
}

const char* quality_word(int32_t quality) {
    switch (quality) {
        case P2C2R_QUALITY_FAST:
            return "fast";
        case P2C2R_QUALITY_QUALITY:
            return "quality";
        default:
            return "balanced";
    }
}

}  // namespace

std::optional<ImageView> image_of(const Value& info, const Bytes& data) {
    const auto named = info.find("output_format");
    const auto format = named ? named->text() : std::nullopt;
    if (!format || data.empty()) return std::nullopt;
    if (*format != "raw") return file_view(data);
    const auto size = info.find("output_res");
    int64_t sides[2] = {0, 0};
    if (!size || !size->integers(sides) || sides[0] < 0 || sides[1] < 0) return std::nullopt;
    return raw_view(static_cast<uint64_t>(sides[0]), static_cast<uint64_t>(sides[1]), data.size());
}

Result<Bytes> pixels_of(const ImageView& image, const Bytes& data) {
    if (image.format == P2C2R_PIXEL_RGB8 || image.format == P2C2R_PIXEL_RGBA8) return data;
    Result<codec::Image> decoded = codec::decode_image(data.span());
    if (!decoded) return decoded.error();
    return std::move(decoded->pixels);
}

Result<Bytes> upscale_params(const p2c2r_image& frame, uint32_t width, uint32_t height,
                             int32_t quality) {
    const bool is_raw = frame.format == P2C2R_PIXEL_RGB8 || frame.format == P2C2R_PIXEL_RGBA8;
    const uint32_t channels = frame.format == P2C2R_PIXEL_RGB8 ? 3 : 4;
    if (!is_raw && frame.format != P2C2R_PIXEL_JPEG && frame.format != P2C2R_PIXEL_PNG) {
        return field_error(Status::kArgument, "format",
                           "format " + std::to_string(frame.format) +
                               " of the frame is not a P2C2R_PIXEL_ constant");
    }
    if (width == 0 || height == 0 || width > codec::kImageSideMax ||
        height > codec::kImageSideMax) {
        return field_error(Status::kArgument, "width",
                           "an output of " + std::to_string(width) + " x " +
                               std::to_string(height) + " is not from 1 x 1 to 8192 x 8192");
    }
    if (quality < 0 || quality > P2C2R_QUALITY_QUALITY) {
        return field_error(
            Status::kArgument, "quality",
            "quality " + std::to_string(quality) + " is not a P2C2R_QUALITY_ constant");
    }
    if (is_raw) {
        const uint64_t row = static_cast<uint64_t>(frame.width) * channels;
        if (frame.stride != 0 && frame.stride != row) {
            return field_error(Status::kUnsupported, "stride",
                               "rows of " + std::to_string(frame.stride) + " bytes for " +
                                   std::to_string(row) + " of pixels: padding is not supported");
        }
        if (row * frame.height != frame.bytes.size) {
            return field_error(Status::kSize, "bytes",
                               "a frame of " + std::to_string(frame.width) + " x " +
                                   std::to_string(frame.height) + " x " + std::to_string(channels) +
                                   " has not " + std::to_string(frame.bytes.size) + " bytes");
        }
    }
    ValueWriter writer;
    writer.map(is_raw ? 5 : 2);
    writer.key("output_res").array(2).integer(width).integer(height);
    writer.key("quality").text(quality_word(quality));
    if (is_raw) {
        writer.key("input_res").array(2).integer(frame.width).integer(frame.height);
        writer.key("channels").integer(channels);
        writer.key("output_format").text("raw");
    }
    return writer.take();
}

bool host_image(const Bytes& data, uint32_t width, uint32_t height, p2c2r_image& out) {
    const bool is_raw = codec::recognise_format(data.span()) == codec::ImageFormat::kRaw;
    const std::optional<ImageView> view =
        is_raw ? raw_view(width, height, data.size()) : file_view(data);
    if (!view) return false;
    out.format = view->format;
    out.width = view->width;
    out.height = view->height;
    out.stride = view->channels * view->width;
    out.bytes = {data.data(), data.size(), nullptr, nullptr};
    return true;
}

}  // namespace p2c2r::capi
