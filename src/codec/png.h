// PNG by libpng, which stays inside png.cpp together with its jumps. Used through codec/image.h.
#pragma once

#include "codec/image.h"

namespace p2c2r::codec {

// Looks at the first chunk only; the size may still be above the limits.
Result<ImageHeader> read_png_header(std::span<const uint8_t> file);

// `header` is the one of this file and within the limits.
Result<Image> decode_png(std::span<const uint8_t> file, const ImageHeader& header,
                         const MemoryHook* memory);

Result<Bytes> encode_png(const Image& image, const MemoryHook* memory);

}  // namespace p2c2r::codec
