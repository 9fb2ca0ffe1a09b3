// Images in memory and as JPEG, PNG or raw bytes.
//
// In memory: 8 bits a channel, interleaved, rows top to bottom without padding, RGB or RGBA with
// straight alpha. The header of a file is read first and judged against the limits, so a small file
// that claims a huge picture costs nothing. All functions are for any thread; errors name the field
// "data" and the sizes. `memory` is where pixels and files are allocated (NULL: the C library);
// memory that is short is std::bad_alloc, as everywhere in Bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/bytes.h"
#include "core/status.h"

namespace p2c2r::codec {

inline constexpr uint32_t kImageSideMax = 8192;
inline constexpr uint64_t kImagePixelsMax = 16ull << 20;  // 16 Mpixel
inline constexpr uint64_t kImageBytesMax = 64ull << 20;   // decoded
inline constexpr uint32_t kJpegQualityDefault = 90;
// From here on JPEG keeps full colour resolution (4:4:4), below it halves it (4:2:0): at high
// quality the halved colours would be the largest error of all.
inline constexpr uint32_t kJpegFullColorQuality = 90;

enum class ImageFormat : uint8_t { kRaw = 0, kJpeg = 1, kPng = 2 };

// "raw", "jpeg", "png": the words of params and results.
const char* format_name(ImageFormat format);

struct Image {
    uint32_t width = 0;
    uint32_t height = 0;
    uint32_t channels = 0;  // 3 RGB, 4 RGBA
    Bytes pixels;           // width * height * channels bytes
};

// What the header of a file says.
struct ImageHeader {
    ImageFormat format = ImageFormat::kRaw;
    uint32_t width = 0;
    uint32_t height = 0;
};

// By the first bytes; everything that is not JPEG or PNG is raw.
ImageFormat recognise_format(std::span<const uint8_t> file);

// Zero sizes and sizes above the limits are errors about `field`.
Result<Done> check_image_size(uint64_t width, uint64_t height, uint64_t channels,
                              const std::string& field);

// Size of a JPEG or PNG, within the limits, from its header alone: nothing is decoded or allocated.
Result<ImageHeader> read_image_header(std::span<const uint8_t> file);

// A whole JPEG or PNG. Grey and palette become RGB, 16 bits are rounded to 8, EXIF rotation and
// colour profiles are ignored; a PNG with transparency becomes RGBA. A damaged or cut file is an
// error, never a half picture.
Result<Image> decode_image(std::span<const uint8_t> file, const MemoryHook* memory = nullptr);

// Raw bytes as an image, without copying: their size must be width x height x channels.
Result<Image> raw_image(Bytes pixels, uint32_t width, uint32_t height, uint32_t channels);

// `quality` 1..100 is for JPEG only. JPEG has no transparency: the colours of an RGBA image are
// written as they are and alpha is left out. Raw gives the pixels themselves, without a copy.
Result<Bytes> encode_image(const Image& image, ImageFormat format, uint32_t quality,
                           const MemoryHook* memory = nullptr);

}  // namespace p2c2r::codec
