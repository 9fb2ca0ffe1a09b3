// A stream of frames: which tasks are in flight, what each frame is answered with, and what quality
// the next one is to be asked in. Decides, never acts: tasks are numbers, results stay with whoever
// drives it, and time is an argument, so that a game's thread and a simulator drive the same. Once
// it is made it needs memory in make_room() alone, so what has come is never lost.
//
// The answer of a frame, best first:
//   own        of a helper, the coordinator, or this machine where the task was placed here
//   here       of this machine, in the form that fitted, while the other one is still awaited
//   previous   the newest answer of an earlier frame, if it is not too old
//   none       then the host has a function of its own, perhaps
//
// What comes after its frame was answered is late: it is counted, and serves the frames behind it
// when it is the newest.
//
// A task may be cut into parts. Their frame is answered by all of them together, and they are told
// one by one until it is answered: whoever has asked for it then goes on without the others.
//
// Quality: over the last answers (the window) the mean of what they took, against the budget. At 60
// frames a second, 16.7 ms: above 33 ms fast, below 16 ms quality, between the two as it is; other
// budgets in proportion. After a change the window fills anew, so that what the old quality took
// does not count for the next change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace p2c2r::roles {

enum FrameQuality : int32_t { kQualityFast = 1, kQualityBalanced = 2, kQualityQuality = 3 };

class QualityWindow {
  public:
    QualityWindow(uint32_t size, int32_t first, uint64_t budget_us);
    void add(uint64_t took_us);
    [[nodiscard]] int32_t quality() const { return quality_; }

  private:
    const uint64_t slow_us_;   // more is slow
    const uint64_t quick_us_;  // less is quick
    int32_t quality_;
    std::vector<uint64_t> times_;  // the last ones, in a ring: add() needs no memory
    size_t count_ = 0;             // since the last change
    uint64_t sum_ = 0;
};

struct FrameSettings {
    static constexpr uint32_t kPipelineMax = 64;
    uint32_t budget_us = 0;     // 0: 16'666
    uint32_t pipeline_max = 0;  // 0: what 200 ms hold, from 8 to kPipelineMax
    uint32_t window = 0;        // 0: 10
    uint32_t age_max = 0;       // 0: what 134 ms hold, from 4 to kPipelineMax
    int32_t quality = 0;        // 0: balanced
    bool uses_previous = true;

    // With its defaults filled in.
    [[nodiscard]] FrameSettings complete() const;
};

class FrameStream {
  public:
    explicit FrameStream(const FrameSettings& settings);

    // ---- the next frame
    struct Wish {
        uint64_t deadline_us = 0;  // from now: after it no answer is of use
        uint64_t answer_us = 0;    // from now: when its pull is likely to end
    };
    // Of a task about to be pushed; `deadline_us` 0: for as long as a frame is in flight.
    [[nodiscard]] Wish next_wish(uint64_t deadline_us) const;
    // The quality it should be asked in.
    [[nodiscard]] int32_t quality() const { return window_.quality(); }
    struct Pushed {
        uint64_t frame = 0;
        uint64_t dropped_task = 0;  // of the oldest frame, beyond pipeline_max; 0: none
    };
    // `quality` 0: the advised one. Needs no memory after make_room().
    Pushed push(uint64_t task, int32_t quality, uint64_t now_us);
    void make_room();

    // ---- a frame is asked for
    struct Pull {
        uint64_t frame = 0;
        uint64_t task = 0;  // 0: it has ended, or was dropped
        uint64_t until_us = 0;
        bool moves = false;     // another end than the task was told: it should know
        bool is_first = false;  // it was not asked for before
    };
    // Nothing: there was no such frame.
    std::optional<Pull> begin_pull(uint64_t frame, uint64_t now_us, uint64_t budget_us);
    // Is there an answer for this frame, whatever comes?
    [[nodiscard]] bool has_previous_for(uint64_t frame) const;

    // A good answer, and what is known of it.
    struct Good {
        uint64_t total_us = 0;
        int32_t quality = 0;  // 0: as it was asked
    };
    enum class From : uint8_t { kOwn, kHere, kPrevious, kNone };
    struct Answer {
        From from = From::kNone;
        uint64_t frame = 0;  // that it was computed for
        int32_t quality = 0;
        uint64_t age_us = 0;     // since that one was pushed
        bool is_newest = false;  // it takes the place of the previous one
        // Of the frame that was asked for: into how many its task is cut, and how many came before
        // its first answer. 0: none came.
        uint32_t parts = 0;
        uint32_t parts_came = 0;
    };
    // At the end of a pull: the best of what has come. `ended`: the task is over.
    Answer end_pull(const Pull& pull, uint64_t now_us, bool ended, const std::optional<Good>& own,
                    const std::optional<Good>& here);

    // ---- parts of a frame
    // One of `parts` of this task has come. The frame that it is told for; 0: it is not told.
    uint64_t part_came(uint64_t task, uint32_t parts);
    [[nodiscard]] bool has(uint64_t task) { return find_task(task) != nullptr; }

    // ---- what comes late
    // The tasks of frames that were answered and may still end, oldest first: `look(task)`.
    template <class Look>
    void for_each_open(Look&& look) const {
        for (const Frame& frame : frames_) {
            if (frame.answered && frame.task != 0) look(frame.task);
        }
    }
    // The task of such a frame has ended without an answer.
    void came_to_nothing(uint64_t task);
    // An answer to such a frame came; `ended`: there is no other to come. True: it takes the place
    // of the previous one.
    bool came_late(uint64_t task, const Good& answer, bool ended);

    [[nodiscard]] uint32_t late_count() const { return late_count_; }
    [[nodiscard]] const FrameSettings& settings() const { return settings_; }
    [[nodiscard]] size_t in_flight() const { return frames_.size(); }
    // All tasks that have not been given back, for the end: `look(task)`.
    template <class Look>
    void for_each_task(Look&& look) const {
        for (const Frame& frame : frames_) {
            if (frame.task != 0) look(frame.task);
        }
    }

  private:
    struct Frame {
        uint64_t number = 0;
        uint64_t task = 0;  // 0: it has ended
        int32_t quality = 0;
        uint64_t pushed_us = 0;
        uint64_t answer_by_us = 0;
        bool asked = false;
        bool answered = false;
        bool counted = false;  // among the late ones
        uint32_t parts = 0;
        uint32_t parts_came = 0;
    };
    struct Previous {
        uint64_t frame = 0;  // 0: there is none
        int32_t quality = 0;
        uint64_t pushed_us = 0;
    };
    [[nodiscard]] Frame* find(uint64_t number);
    [[nodiscard]] Frame* find_task(uint64_t task);
    bool keep(const Frame& frame, int32_t quality);

    const FrameSettings settings_;
    std::vector<Frame> frames_;  // in flight or just answered, oldest first
    uint64_t newest_ = 0;
    uint64_t span_us_;  // from a push to the end of its pull, as it was last
    QualityWindow window_;
    Previous previous_;
    uint32_t late_count_ = 0;
};

}  // namespace p2c2r::roles
