#include "cli/machine_speed.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace p2c2r::cli {

namespace {

struct ReferenceFrame {
    std::string_view task_type;
    std::string_view part;  // of the frame's name
    double ms;
};

// Two cores of a shared virtual machine (Intel Xeon, AVX2), native. Which machine that is does not
// matter, as long as everybody is compared with the same one: these numbers are never changed.
constexpr ReferenceFrame kReference[] = {
    {"upscale", "1280x720 x 1.5, lanczos, raw", 1.5},
    {"rt_shadows", "half, what changed", 12},
    {"rt_reflections", "2 of 6 are mirrors", 20},
    {"rt_global_illumination", "8x6x8 probes, 64 rays", 8},
    {"physics", "1000 spheres in a heap, a step, delta", 0.75},
    {"ai_pathfinding", "1024x1024, across, astar", 6.6},
};
// One kind of work says little of the others.
constexpr size_t kFramesLeast = 3;
constexpr double kMilliMost = 1e6;

bool is_frame(const ReferenceFrame& reference, const ServedType& one) {
    return one.task_type == reference.task_type && !one.frame.ends_with(" out") &&
           one.frame.find(reference.part) != std::string::npos;
}

}  // namespace

uint32_t machine_speed_milli(const std::vector<ServedType>& measured) {
    double logs = 0;
    size_t frames = 0;
    for (const ReferenceFrame& reference : kReference) {
        const auto found =
            std::find_if(measured.begin(), measured.end(),
                         [&](const ServedType& one) { return is_frame(reference, one); });
        if (found == measured.end() || found->frame_ms <= 0) continue;
        logs += std::log(reference.ms / found->frame_ms);
        ++frames;
    }
    if (frames < kFramesLeast) return 0;
    const double milli = 1000 * std::exp(logs / static_cast<double>(frames));
    return static_cast<uint32_t>(std::lround(std::clamp(milli, 1.0, kMilliMost)));
}

}  // namespace p2c2r::cli
