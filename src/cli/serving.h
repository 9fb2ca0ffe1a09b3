// How many gamers a helper can serve: arithmetic and plain words, apart from measuring.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace p2c2r::cli {

struct ServingLimits {
    double fps = 60;         // frames a second of one gamer
    double duty = 1;         // share of the machine's time that its owner gives
    double uplink_mbps = 0;  // 10^6 bits a second; 0: not known
};

struct ServedType {
    std::string task_type;
    std::string frame;
    double frame_ms = 0;      // of this machine, all of it at work on one frame
    uint64_t bytes_up = 0;    // to this machine
    uint64_t bytes_down = 0;  // from it: what its uplink carries
    // By judge_serving():
    uint64_t by_time = 0;
    uint64_t by_uplink = 0;  // with an uplink that is known
    uint64_t gamers = 0;     // the smaller one
};

void judge_serving(ServedType& served, const ServingLimits& limits);

// "With rt_shadows this machine can serve 12 gamers at 60 frames a second; your uplink of 10
// Mbit/s limits you to 4." for the type that serves most, and what holds back the rest.
std::string serving_text(const std::vector<ServedType>& all, const ServingLimits& limits);

}  // namespace p2c2r::cli
