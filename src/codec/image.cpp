#include "codec/image.h"

#include <algorithm>
#include <array>

#include "codec/jpeg.h"
#include "codec/png.h"

namespace p2c2r::codec {

namespace {

constexpr std::array<uint8_t, 3> kJpegMagic{0xFF, 0xD8, 0xFF};
constexpr std::array<uint8_t, 8> kPngMagic{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

template <size_t kSize>
bool starts_with(std::span<const uint8_t> file, const std::array<uint8_t, kSize>& magic) {
    return file.size() >= kSize && std::equal(magic.begin(), magic.end(), file.begin());
}

std::string size_text(uint64_t width, uint64_t height) {
    return std::to_string(width) + " x " + std::to_string(height);
}

}  // namespace

const char* format_name(ImageFormat format) {
    switch (format) {
        case ImageFormat::kJpeg:
            return "jpeg";
        case ImageFormat::kPng:
            return "png";
        case ImageFormat::kRaw:
            break;
    }
    return "raw";
}

ImageFormat recognise_format(std::span<const uint8_t> file) {
    if (starts_with(file, kJpegMagic)) return ImageFormat::kJpeg;
    if (starts_with(file, kPngMagic)) return ImageFormat::kPng;
    return ImageFormat::kRaw;
}

Result<Done> check_image_size(uint64_t width, uint64_t height, uint64_t channels,
                              const std::string& field) {
    const std::string size = "image of " + size_text(width, height);
    if (width == 0 || height == 0) {
        return field_error(Status::kParams, field, size + " pixels has no pixel");
    }
    if (width > kImageSideMax || height > kImageSideMax) {
        return field_error(
            Status::kLimit, field,
            size + " passes the limit of " + std::to_string(kImageSideMax) + " pixels a side");
    }
    if (width * height > kImagePixelsMax) {
        return field_error(Status::kLimit, field,
                           size + " is " + std::to_string(width * height) +
                               " pixels, the limit is " + std::to_string(kImagePixelsMax));
    }
    if (width * height * channels > kImageBytesMax) {
        return field_error(Status::kLimit, field,
                           size + " takes " + std::to_string(width * height * channels) +
                               " bytes, the limit is " + std::to_string(kImageBytesMax));
    }
    return Done{};
}

Result<ImageHeader> read_image_header(std::span<const uint8_t> file) {
    const ImageFormat format = recognise_format(file);
    if (format == ImageFormat::kRaw) {
        return field_error(
            Status::kParams, "data",
            "the " + std::to_string(file.size()) + " bytes do not start like a JPEG or a PNG");
    }
    Result<ImageHeader> header =
        format == ImageFormat::kJpeg ? read_jpeg_header(file) : read_png_header(file);
    if (!header) return header;
    // 4 channels: what a header promises is judged by the largest form it can decode to.
    Result<Done> fits = check_image_size(header->width, header->height, 4, "data");
    if (!fits) return fits.error();
    return header;
}

Result<Image> decode_image(std::span<const uint8_t> file, const MemoryHook* memory) {
    const Result<ImageHeader> header = read_image_header(file);
    if (!header) return header.error();
    return header->format == ImageFormat::kJpeg ? decode_jpeg(file, *header, memory)
                                                : decode_png(file, *header, memory);
}

Result<Image> raw_image(Bytes pixels, uint32_t width, uint32_t height, uint32_t channels) {
    Result<Done> fits = check_image_size(width, height, channels, "data");
    if (!fits) return fits.error();
    const uint64_t expected = uint64_t{width} * height * channels;
    if (pixels.size() != expected) {
        return field_error(Status::kSize, "data",
                           "raw image of " + size_text(width, height) + " x " +
                               std::to_string(channels) + " channels needs " +
                               std::to_string(expected) + " bytes, there are " +
                               std::to_string(pixels.size()));
    }
    return Image{width, height, channels, std::move(pixels)};
}

Result<Bytes> encode_image(const Image& image, ImageFormat format, uint32_t quality,
                           const MemoryHook* memory) {
    P2C2R_CHECK(image.channels == 3 || image.channels == 4);
    P2C2R_CHECK(image.pixels.size() == uint64_t{image.width} * image.height * image.channels);
    switch (format) {
        case ImageFormat::kJpeg:
            return encode_jpeg(image, quality, memory);
        case ImageFormat::kPng:
            return encode_png(image, memory);
        case ImageFormat::kRaw:
            break;
    }
    return image.pixels;
}

}  // namespace p2c2r::codec
