// Moving frames from one still picture: a slow pan and zoom, so that a demonstration has real
// detail in motion without a video at hand.
#pragma once

#include <string>

#include "cli/picture.h"

namespace p2c2r::cli {

struct PanZoom {
    size_t count = 60;
    PictureSize size = {1280, 720};
    int jpeg_quality = 90;
};

// Writes frame_000.jpg and so on into `directory`, which exists.
Outcome write_pan_zoom(Session& session, const Picture& picture, const PanZoom& options,
                       const std::string& directory);

// Where the camera is at `time` (0..1): a rectangle with the shape of `frame` inside `picture`.
struct Window {
    uint32_t x = 0;
    uint32_t y = 0;
    uint32_t width = 0;
    uint32_t height = 0;
};
Window pan_zoom_window(PictureSize picture, PictureSize frame, double time);

}  // namespace p2c2r::cli
