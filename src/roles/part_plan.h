// Into how many parts a task is cut, and what is learned for that. Decides, never acts.
//
// A client does not know its coordinator's peers by name, and parts go to whoever is predicted to
// finish them first. So all parts of a task cost about the same, and there are several for each
// peer: a peer that is twice as fast takes twice as many by itself, and the end is late by a part
// of the slowest at most. Pieces of unlike size (large first, as in guided self-scheduling) would
// do with fewer, but to the coordinator all parts of a task are tasks of one type and input: with
// unlike ones its forecasts, and so its copies of late tasks, would be wrong for half of them.
//
// How many for each peer is a choice between that tail and what a part costs by itself. `p2c2r
// bench split` tells: of what four peers of the speeds 1, 1, 2 and 4 can do, 54 % was had with one
// part for each, 48 % with two, 59 % with four and 92 % with eight. And eight is what a peer takes
// at a time where nobody says otherwise, so that one of which too little is thought gets some, too.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/worth.h"

namespace p2c2r::roles {

// What tasks of one type and about one size take, by their smallest pieces. Told apart by powers of
// two, as in roles/placement.h.
class PartTimes {
  public:
    static constexpr size_t kKnownMost = 256;  // what is beyond stays unknown

    struct Known {
        std::string task_type;
        size_t size = 0;
        size_t pixels = 0;
        uint64_t units = 0;     // of the latest
        LearnedMean unit_us;    // computing
        LearnedMean handle_us;  // cutting and putting together
        // How many computed at the same time, on average from the first part to the last; and how
        // many tasks have stayed whole for that.
        LearnedMean at_once;
        uint32_t kept_whole = 0;
        [[nodiscard]] bool is_known() const { return unit_us.samples() > 0; }
        [[nodiscard]] double whole_us() const {
            return unit_us.value() * static_cast<double>(units);
        }
    };
    // NULL: too many types and sizes. The pointer holds until the next call.
    Known* find(std::string_view task_type, uint64_t input_bytes, uint64_t pixels);

  private:
    std::vector<Known> known_;
};

struct PartWish {
    int32_t split = 0;     // TaskSpec::split
    uint32_t peers = 0;    // that take tasks now
    double unit_us = 0;    // 0: not known
    double handle_us = 0;  // of the whole
    double at_once = 0;    // of the parts of such tasks; 0: not known
};

// As many as are worth it, at most.
inline constexpr uint32_t kPartsPerPeer = 8;
// A part that computes for less is not worth its two messages.
inline constexpr double kPartLeastUs = 3'000;
// Parts must be so much sooner than the whole.
inline constexpr double kPartsGainLeast = 1.25;
// One of so many that stay whole as nobody has shared the work is cut: others may be there by now.
inline constexpr uint32_t kKeptWholeMost = 32;

// 1: it stays whole. Never more than `units`.
[[nodiscard]] uint64_t parts_for(const PartWish& wish, uint64_t units);
// Is it certain that it stays whole, before anybody has looked at it? `whole_us` 0: not known.
[[nodiscard]] bool stays_whole(const PartWish& wish, double whole_us);

}  // namespace p2c2r::roles
