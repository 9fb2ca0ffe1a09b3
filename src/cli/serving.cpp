#include "cli/serving.h"

#include <algorithm>
#include <cmath>

#include "cli/text_table.h"

namespace p2c2r::cli {

namespace {

std::string gamers_text(uint64_t count) {
    return count_text(count, "gamer");
}

}  // namespace

void judge_serving(ServedType& served, const ServingLimits& limits) {
    const double time = served.frame_ms * limits.fps / 1000;  // of a second, for one gamer
    served.by_time = time > 0 ? static_cast<uint64_t>(std::floor(limits.duty / time + 1e-9)) : 0;
    served.gamers = served.by_time;
    if (limits.uplink_mbps <= 0) return;
    const double mbps = static_cast<double>(served.bytes_down) * 8 * limits.fps / 1e6;
    served.by_uplink = mbps > 0
                           ? static_cast<uint64_t>(std::floor(limits.uplink_mbps / mbps + 1e-9))
                           : served.by_time;
    served.gamers = std::min(served.by_time, served.by_uplink);
}

std::string serving_text(const std::vector<ServedType>& all, const ServingLimits& limits) {
    const auto best = std::max_element(
        all.begin(), all.end(),
        [](const ServedType& a, const ServedType& b) { return a.gamers < b.gamers; });
    if (best == all.end()) return "";
    const std::string rate = number_text(limits.fps, 0) + " frames a second";
    const std::string share =
        limits.duty < 1 ? " with " + number_text(limits.duty * 100, 0) + " % of its time" : "";
    if (best->gamers == 0) {
        const auto nearest = std::min_element(
            all.begin(), all.end(),
            [](const ServedType& a, const ServedType& b) { return a.frame_ms < b.frame_ms; });
        if (best->by_time > 0 || nearest->by_time > 0) {
            return "Your uplink of " + number_text(limits.uplink_mbps, 1) +
                   " Mbit/s is too slow to serve a gamer at " + rate +
                   " with any of these frames.\n";
        }
        const double fps = limits.duty * 1000 / std::max(nearest->frame_ms, 1e-6);
        return "This machine" + share + " is too slow to serve a gamer at " + rate +
               "; the fastest, " + nearest->task_type + ", comes to " + number_text(fps, 1) +
               " frames a second. It can still help with work that is not due each frame.\n";
    }
    if (limits.uplink_mbps <= 0) {
        // A number of gamers alone would be a promise that the line may not keep.
        return "How many gamers this machine can serve is not known, as your uplink is not: say "
               "`p2c2r bench this-machine --uplink-mbps N`. Its time" +
               (limits.duty < 1 ? ", " + number_text(limits.duty * 100, 0) + " % of it," : "") +
               " is enough for " + gamers_text(best->by_time) + " at " + rate + " with " +
               best->task_type + ".\n";
    }
    std::string text = "With " + best->task_type + " this machine can serve " +
                       gamers_text(best->by_time) + " at " + rate + share;
    text +=
        best->by_uplink < best->by_time
            ? "; your uplink of " + number_text(limits.uplink_mbps, 1) + " Mbit/s limits you to " +
                  std::to_string(best->by_uplink) + "."
            : "; your uplink of " + number_text(limits.uplink_mbps, 1) + " Mbit/s carries that.";
    const auto held =
        static_cast<uint64_t>(std::count_if(all.begin(), all.end(), [](const ServedType& one) {
            return one.gamers == 0 && one.by_time > 0;
        }));
    if (held > 0) {
        text += " " + std::to_string(held) + " of " + count_text(all.size(), "kind") +
                " of frames " +
                (held == 1 ? "is too large for it: it is" : "are too large for it: they are") +
                " for the local network.";
    }
    return text + "\n";
}

}  // namespace p2c2r::cli
