// JPEG by libjpeg-turbo, which stays inside jpeg.cpp. Used through codec/image.h.
#pragma once

#include "codec/image.h"

namespace p2c2r::codec {

// Walks the markers up to the frame header; the size may still be above the limits.
Result<ImageHeader> read_jpeg_header(std::span<const uint8_t> file);

// `header` is the one of this file and within the limits. Fixed settings, because results are
// compared between peers: accurate DCT, smooth chroma upsampling.
Result<Image> decode_jpeg(std::span<const uint8_t> file, const ImageHeader& header,
                          const MemoryHook* memory);

Result<Bytes> encode_jpeg(const Image& image, uint32_t quality, const MemoryHook* memory);

}  // namespace p2c2r::codec
