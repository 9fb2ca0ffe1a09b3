#include "cli/pan_zoom.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/files.h"

namespace p2c2r::cli {

namespace {
constexpr double kPi = 3.14159265358979323846;
constexpr double kZoomMost = 1.6;
}  // namespace

Window pan_zoom_window(PictureSize picture, PictureSize frame, double time) {
    // The largest rectangle of the frame's shape, then less of it as the zoom grows and falls
    // again.
    const double shape = static_cast<double>(frame.width) / frame.height;
    const double full_width = std::min<double>(picture.width, picture.height * shape);
    const double zoom = 1.0 + (kZoomMost - 1.0) * std::sin(kPi * time);
    Window window;
    window.width = std::max(1u, static_cast<uint32_t>(full_width / zoom));
    window.height =
        std::clamp(static_cast<uint32_t>(full_width / zoom / shape), 1u, picture.height);
    const double room_x = picture.width - window.width;
    const double room_y = picture.height - window.height;
    window.x = static_cast<uint32_t>(room_x * (0.5 - 0.5 * std::cos(kPi * time)));
    window.y = static_cast<uint32_t>(room_y * (0.5 + 0.5 * std::sin(2 * kPi * time)));
    return window;
}

Outcome write_pan_zoom(Session& session, const Picture& picture, const PanZoom& options,
                       const std::string& directory) {
    const auto make = [&](size_t index) {
        const double time =
            options.count > 1 ? static_cast<double>(index) / static_cast<double>(options.count - 1)
                              : 0;
        const Window window = pan_zoom_window({picture.width, picture.height}, options.size, time);
        return EncodeJob{cut_out(picture, window.x, window.y, window.width, window.height),
                         options.size, "jpeg", options.jpeg_quality};
    };
    const auto take = [&](size_t index, std::string_view bytes) -> Outcome {
        char name[32];
        std::snprintf(name, sizeof name, "frame_%03zu.jpg", index);
        return write_file(join_path(directory, name), bytes);
    };
    return encode_pictures(session, options.count, make, take);
}

}  // namespace p2c2r::cli
