// Which form of a frame's answer this machine computes itself, and when it must begin, so that it
// is done when the answer is wanted. Decides, never acts; time is an argument.
//
// What a run takes is learned for each task type and quality: the 95th percentile of the last 64,
// from the wish to the answer, so that waiting for a worker counts as well. A run that was stopped
// before its end tells that it takes longer than that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"

namespace p2c2r::roles {

// One way to compute the answer to a frame on the gamer's own machine: its task with other params.
struct LocalForm {
    int32_t quality = 0;  // of the answer, as the C interface numbers it: higher is better
    Bytes params;
};

// Of a task that answers a frame: what is computed here in time for it, should no answer have come.
struct FrameWish {
    uint64_t answer_us = 0;        // from now: when the answer is wanted, long before the deadline
    std::vector<LocalForm> forms;  // best first; there is one at least
    size_t own = 0;                // the form that is the task as it is, whose params are not here
};

class LocalTimes {
  public:
    static constexpr size_t kSamples = 64;
    static constexpr size_t kKnownMost =
        256;  // types times qualities; what is beyond stays unknown

    void learn(std::string_view task_type, int32_t quality, uint64_t took_us);
    void learn_longer_than(std::string_view task_type, int32_t quality, uint64_t us);
    // 0: not known.
    [[nodiscard]] uint64_t p95_us(std::string_view task_type, int32_t quality) const;

  private:
    struct Times {
        std::string task_type;
        int32_t quality = 0;
        std::array<uint32_t, kSamples> took_us{};
        size_t count = 0;  // so far; the last kSamples are kept
        uint64_t p95_us = 0;
    };
    [[nodiscard]] const Times* find(std::string_view task_type, int32_t quality) const;

    std::vector<Times> times_;
};

struct LocalChoice {
    size_t form = 0;        // the index of it
    uint64_t begin_us = 0;  // at the latest
    bool fits = false;      // it is known, or likely, to be done in time
};

// Of `forms` (best first, at least one) the best that fits into the time until `answer_by_us`;
// where none does, the quickest, from half of the time on. A form that is not known yet is taken
// for twice the one below it. Those that would have to begin in the first quarter of the time come
// last: they would leave the helpers none.
LocalChoice choose_form(const LocalTimes& times, std::string_view task_type,
                        const std::vector<LocalForm>& forms, uint64_t now_us,
                        uint64_t answer_by_us);

}  // namespace p2c2r::roles
