// What a game says at its end: frames, bytes by second of play, and how old the answers were.
#pragma once

#include <string>
#include <vector>

#include "remote.h"

namespace game {

constexpr const char* kEffectNames[kEffects] = {"shadows", "reflections", "debris", "paths"};

// "1 frame", "2 frames"
std::string counted(uint64_t number, const char* unit);

// "peer", "this machine", ...
const char* source_name(int32_t source);

class Figures {
  public:
    // Once a frame, after the answers were taken.
    void look(Remote& remote, uint64_t frame);
    void print(Remote& remote, uint64_t frames, double seconds) const;

  private:
    std::vector<double> answer_ms_[kEffects];  // of each answer
    std::vector<double> shadow_ages_;          // of the layer that each frame showed, in frames
    uint64_t answers_seen_[kEffects] = {};
};

}  // namespace game
