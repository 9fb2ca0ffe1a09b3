// Fuzz target: what decides whether a picture is decoded at all, and the decoders for small ones.
#include <cstdint>

#include "codec/image.h"
#include "core/check.h"
#include "fuzz/memory_watch.h"

using namespace p2c2r;
using namespace p2c2r::codec;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::span<const uint8_t> file(data, size);
    test::watch_memory();
    const Result<ImageHeader> header = read_image_header(file);
    // Nothing of what the header claims is allocated; 64 KiB are for the libraries themselves.
    P2C2R_CHECK(test::memory_peak() <= static_cast<int64_t>(size) * 4 + 64 * 1024);
    if (!header) {
        P2C2R_CHECK(!header.error().text.empty());
        P2C2R_CHECK(!decode_image(file).ok());
        return 0;
    }
    const uint64_t pixels = uint64_t{header->width} * header->height;
    P2C2R_CHECK(header->format == recognise_format(file) && header->format != ImageFormat::kRaw);
    P2C2R_CHECK(pixels > 0 && pixels <= kImagePixelsMax);
    P2C2R_CHECK(header->width <= kImageSideMax && header->height <= kImageSideMax);
    if (pixels > 64 * 64) return 0;
    const Result<Image> image = decode_image(file);
    if (!image) return 0;
    P2C2R_CHECK(image->width == header->width && image->height == header->height);
    P2C2R_CHECK(image->channels == 3 || image->channels == 4);
    P2C2R_CHECK(image->pixels.size() == pixels * image->channels);
    return 0;
}
