// What a game would ask for at a moment of play, for `bench gain`: layers of a scene through which
// a camera moves or whose lights do, and steps that cost the same at every moment.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/session.h"

namespace p2c2r::cli {

struct GainFrame {
    std::string task_type;
    std::string name;
    std::string data;
    // Params at a moment; `before_s`: the moment of the layer that the game has, below 0: none, or
    // the whole is wanted.
    std::function<nlohmann::json(double at_s, double before_s)> params;
    enum class Quality { kNone, kBytes, kBits } quality = Quality::kNone;  // how layers compare
};

// A frame each, in this order.
inline constexpr const char* kGainTypes[] = {
    "rt_shadows", "rt_reflections", "rt_global_illumination",
    "physics",    "ai_pathfinding", "upscale"};

Result<std::vector<GainFrame>> gain_frames(Session& session, bool small);

}  // namespace p2c2r::cli
