// What the demonstration of a moving camera showed: as numbers, a table and a part of an HTML page.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/stream_report.h"

namespace p2c2r::cli {

// A frame as it was shown, and what became of the layers that were asked for it.
struct CameraFrame {
    uint64_t bytes_up = 0;  // on the connection, from this frame to the next
    uint64_t bytes_down = 0;
    uint64_t age_frames = 0;  // of the older of the two layers that it showed
    uint64_t age_us = 0;
    uint64_t drawn_us = 0;             // what drawing it here took
    std::vector<uint64_t> answers_us;  // one a layer that came
    bool is_late = false;              // a layer missed its deadline and was computed here
    bool is_lost = false;              // a layer never came
    bool has_layers = false;
};

struct CameraFacts {
    std::string sizes;
    double rate = 0;
    uint64_t deadline_us = 0;
    uint64_t wall_us = 0;
    uint64_t scene_bytes = 0;
    std::vector<CameraFrame> frames;
    std::vector<PeerShare> peers;  // layers by peer
    uint64_t by_peers = 0, by_coordinator = 0, local = 0;
};

struct CameraFigures {
    uint64_t in_time = 0, late = 0, lost = 0, without_layers = 0;
    double frames_per_second = 0;
    double up_mean = 0, down_mean = 0;
    uint64_t up_most = 0;
};
// A frame may cost so many bytes up.
inline constexpr uint64_t kCameraBytesMax = 1000;

CameraFigures figures_of(const CameraFacts& facts);
std::vector<std::pair<std::string, std::string>> figure_rows(const CameraFacts& facts);
std::string camera_table(const CameraFacts& facts);
// From its heading on; `sheet_jpeg`: the contact sheet.
std::string camera_html(const CameraFacts& facts, const std::string& sheet_jpeg);

}  // namespace p2c2r::cli
