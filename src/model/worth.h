// Is a task worth sending? What a helper and a link would make of it stands against this machine.
//
// One task on its way takes: a round trip, its bytes over both directions, the queue, and the
// helper's computing. Many in a row overlap, so what they reach each second is what the narrowest
// of the three (uplink, helper, downlink) lets through. A task loses by leaving when the rate is no
// better there, and its answer no sooner. Where only one side is in time, that one wins. Pure
// functions of their numbers.
#pragma once

#include <cstdint>
#include <string>

namespace p2c2r {

// The exponentially weighted mean of what was measured; the first sample is taken as it is.
class LearnedMean {
  public:
    static constexpr double kWeight = 1.0 / 8;  // as TCP smooths its round trips

    void add(double sample, double weight = kWeight) {
        value_ = samples_ == 0 ? sample : value_ + (sample - value_) * weight;
        ++samples_;
    }
    [[nodiscard]] double value() const { return value_; }  // 0: nothing was measured
    [[nodiscard]] uint64_t samples() const { return samples_; }

  private:
    double value_ = 0;
    uint64_t samples_ = 0;
};

// All finite and at least 0; times, rates of the link and of the game above 0.
struct WorthCase {
    uint64_t bytes_up = 0;
    uint64_t bytes_down = 0;
    double local_us = 0;       // computing, here
    double local_wait_us = 0;  // before this machine begins
    double remote_us = 0;      // computing, at the helper
    double queue_us = 0;       // before the helper begins
    double rtt_us = 0;
    double up_bits_per_s = 0;
    double down_bits_per_s = 0;
    double wanted_per_s = 60;        // more than that is no gain
    double deadline_us = 0;          // an answer that comes later is none; 0: there is no such time
    double price_per_compute_s = 0;  // what the helper earns
    double fee = 0;                  // the coordinator's share of what the gamer pays, below 1
};

enum class WorthLimit { kWanted, kHelper, kUplink, kDownlink };

struct Worth {
    bool send = false;
    WorthLimit limit = WorthLimit::kWanted;  // of the rate there
    double local_us = 0;                     // from the wish to the answer
    double remote_us = 0;
    double local_per_s = 0;  // sustained, at most what is wanted
    double remote_per_s = 0;
    double up_bits_per_s = 0;  // what remote_per_s takes of the link
    double down_bits_per_s = 0;
    double price_per_hour = 0;  // what the gamer pays for remote_per_s
    // "keep here: 60 a second take 68 Mbit/s up, the link has 10"; only of judge_worth
    std::string text;
};

// A rate there counts as better from here on: predictions are not exact, and moving costs.
inline constexpr double kWorthGainLeast = 1.1;

// The verdict and its numbers, without words: nothing is allocated.
[[nodiscard]] Worth weigh_worth(const WorthCase& task);
[[nodiscard]] Worth judge_worth(const WorthCase& task);
// Where a task goes whose like has gone to the helper (`is_there`) or stayed here: it is moved only
// when the other side wins by a quarter, so that noise moves nothing.
inline constexpr double kWorthMoveLeast = 1.25;
[[nodiscard]] bool goes_there(const WorthCase& task, bool is_there);

// "uplink", ...
[[nodiscard]] const char* worth_limit_name(WorthLimit limit);

}  // namespace p2c2r
