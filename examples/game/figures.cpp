#include "figures.h"

#include <algorithm>
#include <cstdio>

namespace game {

namespace {

double percentile(std::vector<double> values, size_t percent) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[(values.size() - 1) * percent / 100];
}

}  // namespace

std::string counted(uint64_t number, const char* unit) {
    return std::to_string(number) + " " + unit + (number == 1 ? "" : "s");
}

const char* source_name(int32_t source) {
    switch (source) {
        case P2C2R_SOURCE_PEER:
            return "peer";
        case P2C2R_SOURCE_COORDINATOR:
            return "coordinator";
        case P2C2R_SOURCE_LOCAL:
            return "this machine";
        default:
            return "-";
    }
}

void Figures::look(Remote& remote, uint64_t frame) {
    for (int i = 0; i < kEffects; ++i) {
        const EffectState& state = remote.state(static_cast<Effect>(i));
        if (state.answers != answers_seen_[i]) answer_ms_[i].push_back(state.answer_ms);
        answers_seen_[i] = state.answers;
    }
    if (remote.shadows() != nullptr) {
        shadow_ages_.push_back(static_cast<double>(frame - remote.state(kShadows).asked_at));
    }
}

// A second of play is 60 frames, however long they took.
void Figures::print(Remote& remote, uint64_t frames, double seconds) const {
    const p2c2r_client_stats stats = remote.stats();
    const double played = static_cast<double>(frames) / 60;
    std::printf("%s in %.1f s; up %.2f down %.2f Mbit a second of play\n",
                counted(frames, "frame").c_str(), seconds,
                static_cast<double>(stats.bytes_sent) * 8e-6 / played,
                static_cast<double>(stats.bytes_received) * 8e-6 / played);
    for (int i = 0; i < kEffects; ++i) {
        const EffectState& state = remote.state(static_cast<Effect>(i));
        std::printf("  %-12s %s, %s", kEffectNames[i], state.is_on ? "on" : "off",
                    counted(state.answers, "answer").c_str());
        if (state.answers > 0) std::printf(", the last from %s", source_name(state.source));
        std::printf("%s%s\n", state.trouble.empty() ? "" : "; ", state.trouble.c_str());
        const LayerPlan* plan = remote.plan(static_cast<Effect>(i));
        if (plan != nullptr && !plan->text().empty()) {
            std::printf("  %-12s %s\n", "", plan->text().c_str());
        }
        if (answer_ms_[i].empty()) continue;
        std::printf("  %-12s answered in %.0f ms, 95 %% in %.0f ms\n", "",
                    percentile(answer_ms_[i], 50), percentile(answer_ms_[i], 95));
    }
    if (!shadow_ages_.empty()) {
        const auto usual = static_cast<uint64_t>(percentile(shadow_ages_, 50));
        std::printf("  shadows shown were %s old, 95 %% at most %.0f\n",
                    counted(usual, "frame").c_str(), percentile(shadow_ages_, 95));
    }
    const Resident& resident = remote.resident();
    std::printf("  scene of %zu bytes put %s; %s elsewhere in the last frame\n",
                resident.scene_size(), counted(resident.scenes_put(), "time").c_str(),
                counted(resident.patches(), "ball").c_str());
    if (remote.connection().is_missed()) {
        std::printf("  %s\n", "the coordinator was not reached in the whole run");
    }
}

}  // namespace game
