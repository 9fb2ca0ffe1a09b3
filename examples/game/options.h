// What the command line asks for, and what of it cannot be meant.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "remote.h"

namespace game {

using Schedule = std::vector<std::pair<uint64_t, std::string>>;

struct Options {
    RemoteOptions remote;
    int width = 1280;
    int height = 720;
    int view_scale = 2;  // the local picture is drawn in 1/view_scale of the window
    uint64_t frames = 0;
    std::string keys;         // "30:up,90:o": a key pressed at a frame, for runs without a player
    std::string screenshots;  // "60:off.bmp,120:on.png"
    // Of these.
    Schedule scheduled_keys, scheduled_screenshots;
    bool starts_off = false;
    uint32_t seed = 7;
    std::string font = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf";
};

// What cannot be meant, before anything is opened; "": nothing.
std::string fault_of(Options& options);

// As ".png"; capitals are the same.
bool ends_in(const std::string& file, const std::string& ending);

}  // namespace game
