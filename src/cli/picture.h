// Pictures in memory, for the demonstration: cut out, put together, labelled. Decoding, resampling
// and encoding are `upscale` tasks on this machine, so the program needs no image library of its
// own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/session.h"

namespace p2c2r::cli {

struct Picture {
    uint32_t width = 0;
    uint32_t height = 0;
    std::vector<uint8_t> pixels;  // RGB, rows top to bottom
};

struct PictureSize {
    uint32_t width = 0;
    uint32_t height = 0;
};

struct Color {
    uint8_t red, green, blue;
};

// From the header of a JPEG or PNG.
Result<PictureSize> picture_size(std::string_view file);

// `session` needs no coordinator; transparency is dropped.
Result<Picture> decode_picture(Session& session, const std::string& file);

// Resamples to `size` and encodes: format jpeg or png.
struct EncodeJob {
    Picture picture;
    PictureSize size;
    std::string format;
    int jpeg_quality = 90;
};
// Several at a time; the results in the order of the jobs. `make(i)` is called when there is room
// for job i, so that only a few pictures are in memory.
Outcome encode_pictures(Session& session, size_t count,
                        const std::function<EncodeJob(size_t)>& make,
                        const std::function<Outcome(size_t, std::string_view)>& take);
Result<std::string> encode_picture(Session& session, const Picture& picture,
                                   const std::string& format, int jpeg_quality);

Picture make_picture(uint32_t width, uint32_t height, Color color);
// 1920x1080 with structure at every scale, for when there is no photograph at hand; its encoded
// size is about that of a game's frame.
Picture drawn_picture();
// The part of `picture` at (x, y); it must lie inside.
Picture cut_out(const Picture& picture, uint32_t x, uint32_t y, uint32_t width, uint32_t height);
// By the nearest pixel: shows the pixels as they are.
Picture enlarge(const Picture& picture, uint32_t width, uint32_t height);
// By the mean of the pixels that fall together.
Picture shrink(const Picture& picture, uint32_t width, uint32_t height);
void paste(Picture& target, const Picture& source, uint32_t x, uint32_t y);
// Capital letters, digits and a few signs, 5 x 7 dots of `scale` pixels; others stay blank.
void draw_text(Picture& target, std::string_view text, uint32_t x, uint32_t y, uint32_t scale,
               Color color);

}  // namespace p2c2r::cli
