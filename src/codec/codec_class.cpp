#include "codec/codec_class.h"

#include <vector>

#include "codec/image.h"

namespace p2c2r::codec {

namespace {

// Odd sizes, so that blocks at the edges and halved colour rows count too.
constexpr uint32_t kWidth = 83;
constexpr uint32_t kHeight = 61;

// Slopes, hard edges and noise from integers: each reaches another part of a codec.
Image make_picture(uint32_t channels) {
    Buffer pixels = Buffer::allocate(size_t{kWidth} * kHeight * channels);
    uint8_t* out = pixels.data();
    uint32_t noise = 0x9E3779B9u;
    for (uint32_t y = 0; y < kHeight; ++y) {
        for (uint32_t x = 0; x < kWidth; ++x) {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            const bool edge = (x / 9 + y / 7) % 2 != 0;
            *out++ = static_cast<uint8_t>(x * 3);
            *out++ = static_cast<uint8_t>(edge ? 240 : y * 4);
            *out++ = static_cast<uint8_t>(y < kHeight / 2 ? noise >> 24 : 255 - x);
            if (channels == 4) *out++ = static_cast<uint8_t>(x * y);
        }
    }
    const size_t size = size_t{kWidth} * kHeight * channels;
    return Image{kWidth, kHeight, channels, std::move(pixels).freeze(size)};
}

// PNG files are left out of the digest, their pixels are in: deflate may pack differently, but
// a PNG is compared by its pixels.
Result<Done> add_round_trip(const Image& picture, ImageFormat format, uint32_t quality,
                            std::vector<uint8_t>& all) {
    const Result<Bytes> file = encode_image(picture, format, quality);
    if (!file) return file.error();
    const Result<Image> back = decode_image(file->span());
    if (!back) return back.error();
    if (format == ImageFormat::kJpeg) {
        all.insert(all.end(), file->data(), file->data() + file->size());
    }
    all.insert(all.end(), back->pixels.data(), back->pixels.data() + back->pixels.size());
    return Done{};
}

}  // namespace

Result<Digest256> codec_class() {
    std::vector<uint8_t> all;
    const Image rgb = make_picture(3);
    for (const uint32_t quality : {30u, 75u, 90u, 100u}) {
        Result<Done> added = add_round_trip(rgb, ImageFormat::kJpeg, quality, all);
        if (!added) return added.error();
    }
    for (const uint32_t channels : {3u, 4u}) {
        Result<Done> added = add_round_trip(make_picture(channels), ImageFormat::kPng, 90, all);
        if (!added) return added.error();
    }
    return sha256(all);
}

}  // namespace p2c2r::codec
