// Where the tasks of a client go that leave it to the client (Place::kAuto): to the helpers, or
// here. Decides, never acts; time is an argument, chance has no part in it.
//
// Tasks are told apart by type, by the pixels that they ask for (model/task_scale.h) and by the
// size of their payload, a power of two each: what a task takes seldom grows evenly with its bytes
// (a grid of so many cells, a scene of so many pixels), so no line is laid through sizes;
// neighbours that differ by half are close enough to be one.
//
// All go to the helpers at first, which tells what that takes. What this machine takes is told by
// trials: copies of a few tasks, whose answers nobody waits for, so that no frame is late for what
// is learned. From then on judge_worth decides, and trials go to the losing side, so that a link
// that has changed is noticed: at most one in 64 tasks, and a twentieth of the time.
//
// Costs of a task: a comparison of names, an index, and a look at the time. Numbers are weighed
// again at most every 50 ms, and at most each millisecond's first answer is learned from.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/flow_rate.h"
#include "model/link_estimate.h"
#include "model/worth.h"

namespace p2c2r::roles {

enum class Side : uint8_t { kThere, kHere };

// Tasks of one type and about one size.
class Placed {
  public:
    // The first are slow, since nothing is warm; of tasks that are slow anyway so many are not
    // waited for.
    static constexpr uint64_t kThereSamplesLeast = 4;
    static constexpr uint64_t kThereSamplesSlow = 2;
    static constexpr uint64_t kThereSlowUs = 1'000'000;
    static constexpr uint32_t kTrialGapFirst = 4;
    static constexpr uint32_t kTrialGapMost = 64;  // of tasks
    static constexpr uint64_t kTrialRest = 20;     // times what the last trial took
    static constexpr uint64_t kLookUs = 50'000;
    static constexpr uint64_t kStayUs = 500'000;  // after a move
    static constexpr uint64_t kLearnUs = 1'000;

    // The next task's side.
    Side choose(uint64_t now_us, const LinkEstimate& link) {
        ++tasks_;
        ++tasks_in_window_;
        ++since_trial_;
        if (now_us >= look_at_us_) look(now_us, link);
        return side_;
    }
    // Is it time to try the other side with a copy of the task that choose() was asked about?
    [[nodiscard]] bool is_trial_due(uint64_t now_us) const {
        return since_trial_ >= trial_gap_ && now_us >= trial_at_us_ &&
               (side_ == Side::kHere || is_there_known_);
    }
    void trial_begins() { since_trial_ = 0; }
    // It could not be: asked again a while later.
    void trial_declined() {
        since_trial_ = 0;
        trial_gap_ = kTrialGapMost;
    }
    void trial_ended(uint64_t now_us, uint64_t took_us);
    // The link is another one: the losing side is tried soon.
    void try_soon() {
        since_trial_ = trial_gap_;
        trial_at_us_ = 0;
    }

    // Of one task. The first says if it shall be told at all.
    [[nodiscard]] bool is_learning(uint64_t now_us) const { return now_us >= learn_at_us_; }
    // What a trial tells is rare, and so weighs more.
    void learn_here(uint64_t now_us, double computing_us, double wait_us, bool is_trial = false);
    void learn_there(uint64_t now_us, double computing_us, double queue_us, double network_us,
                     uint64_t bytes_up, uint64_t bytes_down, bool is_trial = false);
    // No answer came within that time.
    void learn_late(Side side, uint64_t now_us, double waited_us);
    // A side that fails at a task is left to the other one until a trial has gone well there.
    void learn_failed(Side side);
    void learn_deadline(uint64_t deadline_us) {
        deadline_us_ = static_cast<double>(deadline_us);  // of the latest; games seldom change it
    }

    [[nodiscard]] Side side() const { return side_; }
    [[nodiscard]] uint64_t tasks() const { return tasks_; }
    [[nodiscard]] uint64_t trials() const { return trials_; }
    [[nodiscard]] bool is_known() const { return is_there_known_ && here_us_.samples() > 0; }
    // What is weighed; of use when is_known().
    [[nodiscard]] WorthCase worth_case(const LinkEstimate& link) const;
    // Why the next task goes where it goes, a sentence.
    [[nodiscard]] std::string why(const LinkEstimate& link) const;

  private:
    void look(uint64_t now_us, const LinkEstimate& link);
    void count_there(uint64_t now_us);
    void move(Side side, uint64_t now_us);

    // What choose() uses.
    Side side_ = Side::kThere;
    bool failed_here_ = false;
    bool failed_there_ = false;
    bool is_there_known_ = false;
    uint32_t since_trial_ = 0;
    uint32_t trial_gap_ = kTrialGapFirst;
    uint32_t tasks_in_window_ = 0;
    uint64_t tasks_ = 0;
    uint64_t look_at_us_ = 0;
    uint64_t trial_at_us_ = 0;
    uint64_t learn_at_us_ = 0;

    uint64_t trials_ = 0;
    uint64_t there_since_us_ = 0;  // of the first answer
    uint64_t window_since_us_ = 0;
    uint64_t stay_until_us_ = 0;
    double wanted_per_s_ = 0;  // 0: not known yet
    double deadline_us_ = 0;
    LearnedMean here_us_;
    LearnedMean here_wait_us_;
    LearnedMean there_us_;
    LearnedMean queue_us_;
    LearnedMean network_us_;
    LearnedMean bytes_up_;
    LearnedMean bytes_down_;
};

class Placement {
  public:
    static constexpr size_t kSizes = 28;  // 64 MiB and more are the last
    static constexpr size_t kTypesMost = 256;

    // Of one type and about as many pixels.
    struct Type {
        std::string name;
        size_t pixels = 0;  // size_index() of these
        std::array<Placed, kSizes> sizes;
    };

    // NULL: too many types, or short memory; such tasks go as if nothing was known.
    Placed* find(std::string_view task_type, uint64_t payload_size, uint64_t pixels = 0);
    static size_t size_index(uint64_t payload_size);

    // ---- the way to the helpers
    // What has been answered so far, when a task leaves.
    struct Mark {
        uint64_t up = 0;
        uint64_t down = 0;
        uint64_t at_us = 0;    // of the latest answer
        uint64_t sent_us = 0;  // when that task left
    };
    Mark leave(uint64_t now_us) {
        if (away_++ == 0) mark_.at_us = mark_.sent_us = now_us;
        return mark_;
    }
    void lose() {
        if (away_ > 0) --away_;
    }
    struct Answer {
        Mark left;
        uint64_t sent_us = 0;
        uint64_t now_us = 0;
        double network_us = 0;
        uint64_t bytes_up = 0;
        uint64_t bytes_down = 0;
        bool learns = false;  // of a small one; large ones always tell of the link
    };
    void arrive(const Answer& answer);
    void connected(uint64_t round_us);

    [[nodiscard]] const LinkEstimate& link() const { return link_; }
    // Of all tasks that leave, whoever placed them.
    [[nodiscard]] FlowRate& flow() { return flow_; }
    // What the line takes: of all tasks together where they fill it, else of large ones; 0:
    // unknown.
    [[nodiscard]] double up_bits_per_s() const {
        return flow_.up_bits_per_s() > 0 ? flow_.up_bits_per_s() : link_.up_bits_per_s();
    }
    [[nodiscard]] double down_bits_per_s() const {
        return flow_.down_bits_per_s() > 0 ? flow_.down_bits_per_s() : link_.down_bits_per_s();
    }
    [[nodiscard]] const std::vector<std::unique_ptr<Type>>& types() const { return types_; }

  private:
    std::vector<std::unique_ptr<Type>> types_;  // games use few
    Type* last_ = nullptr;                      // most tasks are of the type of the one before
    LinkEstimate link_;
    FlowRate flow_;
    Mark mark_;
    uint64_t away_ = 0;
};

}  // namespace p2c2r::roles
