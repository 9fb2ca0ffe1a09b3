// Images as the C interface sees them: what a result's fields say of its bytes, and the params of
// an `upscale` task for a frame that the host owns.
#pragma once

#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "core/status.h"
#include "model/value.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::capi {

struct ImageView {
    int32_t format = 0;  // P2C2R_PIXEL_
    uint32_t width = 0;
    uint32_t height = 0;
    uint32_t channels = 0;  // of raw pixels, else 0
};

// Nothing when the result is not an image: its fields name an output_format, and its bytes are
// that.
std::optional<ImageView> image_of(const Value& info, const Bytes& data);

// The raw pixels, decoded if need be.
Result<Bytes> pixels_of(const ImageView& image, const Bytes& data);

// What an `upscale` task needs to know of `frame`, as its params. Raw rows must have no padding.
Result<Bytes> upscale_params(const p2c2r_image& frame, uint32_t width, uint32_t height,
                             int32_t quality);

// Bytes of the host as a picture of this size: JPEG or PNG by content, raw by its size. False: they
// are none of these.
bool host_image(const Bytes& data, uint32_t width, uint32_t height, p2c2r_image& out);

}  // namespace p2c2r::capi
