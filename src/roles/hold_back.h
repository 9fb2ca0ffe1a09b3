// What a client does not even send, because the coordinator would refuse it: one that is asked for
// more than it can do is not to be kept busy with refusing. Decides, never acts; time and chance
// are arguments.
//
// While tasks of a type are refused, as many are sent as were taken of late and a quarter more, so
// that it shows when more are taken; the rest is held back, and chance says which ones. One is sent
// every 10 ms whatever was refused. A task that could be taken where the others are not, since it
// is more urgent than all that were refused, has more time or is smaller, is never held back. And
// nothing is, a quarter of a second after the last refusal.
//
// Costs where nothing is refused: a comparison.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/prng.h"
#include "model/task.h"

namespace p2c2r::roles {

class HoldBack {
  public:
    static constexpr uint64_t kForgetUs = 250'000;
    static constexpr uint64_t kFadeUs = 100'000;  // what was counted so long ago counts a third
    static constexpr uint64_t kProbeUs = 10'000;
    static constexpr double kMore = 1.25;  // times what was taken
    static constexpr double kTrusted = 8;  // taken tasks that it begins with
    static constexpr size_t kKindsMax = 64;

    // A task as far as it decides whether it is taken.
    struct Wish {
        const std::string& task_type;
        Circle circle = Circle::kType;
        int8_t priority = 0;
        uint64_t time_us = 0;  // until its deadline
        uint64_t bytes = 0;
    };
    // What the coordinator said of the last one that it refused.
    struct Refusal {
        std::string field;
        std::string text;
        uint64_t ask_again_us = 0;  // absolute
    };

    // Nothing is held back now.
    [[nodiscard]] bool is_idle(uint64_t now_us) const { return now_us >= idle_from_us_; }
    // Is this one to be sent? Then it is counted, and NULL; else why not.
    [[nodiscard]] const Refusal* why_not(const Wish& wish, uint64_t now_us, Prng& chance);
    // The coordinator has refused one that was sent at `sent_us`. Throws std::bad_alloc.
    void refused(const Wish& wish, uint64_t sent_us, std::string_view field, std::string_view text,
                 uint32_t retry_after_ms, uint64_t now_us);
    // It is another coordinator, perhaps.
    void forget() noexcept {
        kinds_.clear();
        idle_from_us_ = 0;
    }

  private:
    // Of all that were refused in some time.
    struct Bounds {
        int priority_most = INT8_MIN - 1;
        uint64_t time_most_us = 0;
        uint64_t bytes_least = UINT64_MAX;
        // Other than what was refused, by more than a little.
        [[nodiscard]] bool is_beyond(const Wish& wish) const {
            return wish.priority > priority_most || wish.time_us / 5 > time_most_us / 4 ||
                   wish.bytes < bytes_least / 2;
        }
        void widen(const Bounds& other);
    };
    struct Kind {
        std::string task_type;
        Circle circle = Circle::kType;
        uint64_t since_us = 0;    // counted since then
        uint64_t counted_us = 0;  // the last time
        double asked = 0;         // tasks, held back ones too
        double taken = 0;         // sent, and not refused
        uint64_t sent_us = 0;     // the last one
        uint64_t refused_us = 0;
        // This quarter of a second, and the one before.
        uint64_t bounds_since_us = 0;
        Bounds now;
        Bounds before;
        Refusal last;

        [[nodiscard]] bool is_over(uint64_t now_us) const {
            return now_us >= refused_us + kForgetUs;
        }
        void fade(uint64_t now_us);
        void begin(uint64_t now_us);
    };
    Kind* find(const Wish& wish);
    Kind& find_or_add(const Wish& wish, uint64_t now_us);

    std::vector<Kind> kinds_;
    uint64_t idle_from_us_ = 0;
};

}  // namespace p2c2r::roles
