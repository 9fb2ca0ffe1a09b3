#include "roles/frame_stream.h"

#include <algorithm>

namespace p2c2r::roles {

namespace {

constexpr uint32_t kBudgetDefaultUs = 16'666;  // 60 frames a second
constexpr uint32_t kWindowDefault = 10;
// Enough for tasks of 100 ms, with some that take longer.
constexpr uint32_t kPipelineHoldsUs = 200'000;
constexpr uint32_t kAgeHoldsUs = 134'000;
constexpr uint32_t kPipelineLeast = 8;
constexpr uint32_t kAgeLeast = 4;
// Of a budget of kBudgetDefaultUs.
constexpr uint64_t kSlowUs = 33'000;
constexpr uint64_t kQuickUs = 16'000;
// A pull that ends so much earlier or later than its task was told is worth telling.
constexpr uint64_t kMovesUs = 500;

uint32_t frames_in(uint32_t time_us, uint32_t budget_us, uint32_t least) {
    return std::clamp(time_us / budget_us, least, FrameSettings::kPipelineMax);
}

uint64_t in_proportion(uint64_t us, uint64_t budget_us) {
    return us * budget_us / kBudgetDefaultUs;
}

}  // namespace

// ---- quality ----------------------------------------------------------------------------------

QualityWindow::QualityWindow(uint32_t size, int32_t first, uint64_t budget_us)
    : slow_us_(in_proportion(kSlowUs, budget_us)),
      quick_us_(in_proportion(kQuickUs, budget_us)),
      quality_(first),
      times_(size) {}

void QualityWindow::add(uint64_t took_us) {
    uint64_t& oldest = times_[count_ % times_.size()];
    if (count_ >= times_.size()) sum_ -= oldest;
    oldest = took_us;
    sum_ += took_us;
    if (++count_ < times_.size()) return;
    const uint64_t mean = sum_ / times_.size();
    const int32_t before = quality_;
    if (mean > slow_us_) {
        quality_ = kQualityFast;
    } else if (mean < quick_us_) {
        quality_ = kQualityQuality;
    }
    if (quality_ == before) return;
    count_ = 0;
    sum_ = 0;
}

FrameSettings FrameSettings::complete() const {
    FrameSettings all = *this;
    if (all.budget_us == 0) all.budget_us = kBudgetDefaultUs;
    if (all.pipeline_max == 0) {
        all.pipeline_max = frames_in(kPipelineHoldsUs, all.budget_us, kPipelineLeast);
    }
    if (all.window == 0) all.window = kWindowDefault;
    if (all.age_max == 0) all.age_max = frames_in(kAgeHoldsUs, all.budget_us, kAgeLeast);
    if (all.quality == 0) all.quality = kQualityBalanced;
    return all;
}

FrameStream::FrameStream(const FrameSettings& settings)
    : settings_(settings.complete()),
      span_us_(settings_.budget_us),
      window_(settings_.window, settings_.quality, settings_.budget_us) {}

FrameStream::Frame* FrameStream::find(uint64_t number) {
    for (Frame& frame : frames_) {
        if (frame.number == number) return &frame;
    }
    return nullptr;
}

FrameStream::Frame* FrameStream::find_task(uint64_t task) {
    for (Frame& frame : frames_) {
        if (frame.task == task) return &frame;
    }
    return nullptr;
}

// ---- the next frame ---------------------------------------------------------------------------

FrameStream::Wish FrameStream::next_wish(uint64_t deadline_us) const {
    Wish wish;
    wish.deadline_us = deadline_us;
    if (deadline_us == 0) {
        const uint64_t flight_us = uint64_t{settings_.pipeline_max} * settings_.budget_us;
        // A host that leaves much time between push and pull asks for frames that much later.
        wish.deadline_us = flight_us + (span_us_ > settings_.budget_us ? span_us_ : 0);
    }
    wish.answer_us = std::min(span_us_, wish.deadline_us);
    return wish;
}

void FrameStream::make_room() {
    frames_.reserve(settings_.pipeline_max + 1);
}

FrameStream::Pushed FrameStream::push(uint64_t task, int32_t quality, uint64_t now_us) {
    std::erase_if(frames_, [](const Frame& old) { return old.task == 0; });
    Frame added;
    added.number = ++newest_;
    added.task = task;
    added.quality = quality != 0 ? quality : window_.quality();
    added.pushed_us = now_us;
    added.answer_by_us = now_us + span_us_;
    frames_.push_back(added);
    Pushed pushed{added.number, 0};
    if (frames_.size() > settings_.pipeline_max) {
        pushed.dropped_task = frames_.front().task;
        frames_.erase(frames_.begin());
    }
    return pushed;
}

// ---- a frame is asked for ---------------------------------------------------------------------

std::optional<FrameStream::Pull> FrameStream::begin_pull(uint64_t frame, uint64_t now_us,
                                                         uint64_t budget_us) {
    if (frame == 0 || frame > newest_) return std::nullopt;
    Pull pull;
    pull.frame = frame;
    pull.until_us = now_us + (budget_us != 0 ? budget_us : settings_.budget_us);
    Frame* const pushed = find(frame);
    if (!pushed) return pull;
    pull.task = pushed->task;
    const uint64_t apart = pull.until_us > pushed->answer_by_us
                               ? pull.until_us - pushed->answer_by_us
                               : pushed->answer_by_us - pull.until_us;
    pull.moves = apart > kMovesUs;
    pushed->answer_by_us = pull.until_us;
    pull.is_first = !pushed->asked;
    if (pull.is_first) span_us_ = pull.until_us - std::min(pull.until_us, pushed->pushed_us);
    pushed->asked = true;
    return pull;
}

bool FrameStream::has_previous_for(uint64_t frame) const {
    return settings_.uses_previous && previous_.frame != 0 && previous_.frame <= frame &&
           frame - previous_.frame <= settings_.age_max;
}

bool FrameStream::keep(const Frame& frame, int32_t quality) {
    if (frame.number < previous_.frame) return false;
    previous_ = {frame.number, quality, frame.pushed_us};
    return true;
}

FrameStream::Answer FrameStream::end_pull(const Pull& pull, uint64_t now_us, bool ended,
                                          const std::optional<Good>& own,
                                          const std::optional<Good>& here) {
    Answer answer;
    answer.quality = window_.quality();
    answer.frame = pull.frame;
    Frame* const pushed = find(pull.frame);
    const std::optional<Good>& best = own ? own : here;
    if (best && pushed) {
        answer.from = own ? From::kOwn : From::kHere;
        answer.quality = best->quality != 0 ? best->quality : pushed->quality;
        answer.age_us = now_us - std::min(now_us, pushed->pushed_us);
        answer.is_newest = keep(*pushed, answer.quality);
    } else if (has_previous_for(pull.frame)) {
        answer.from = From::kPrevious;
        answer.frame = previous_.frame;
        answer.quality = previous_.quality;
        answer.age_us = now_us - std::min(now_us, previous_.pushed_us);
    } else if (pushed) {
        answer.quality = pushed->quality;
    }
    if (pushed) {
        answer.parts = pushed->parts;
        answer.parts_came = pushed->parts_came;
        if (pull.is_first) {
            window_.add(own ? own->total_us : now_us - std::min(now_us, pushed->pushed_us));
        }
        pushed->answered = true;
        if (ended) pushed->task = 0;
    }
    return answer;
}

// ---- parts of a frame -------------------------------------------------------------------------

uint64_t FrameStream::part_came(uint64_t task, uint32_t parts) {
    Frame* const frame = find_task(task);
    if (!frame || frame->answered) return 0;
    frame->parts = parts;
    ++frame->parts_came;
    return frame->number;
}

// ---- what comes late --------------------------------------------------------------------------

void FrameStream::came_to_nothing(uint64_t task) {
    if (Frame* frame = find_task(task)) frame->task = 0;
}

bool FrameStream::came_late(uint64_t task, const Good& answer, bool ended) {
    Frame* const frame = find_task(task);
    if (!frame) return false;
    if (ended) frame->task = 0;
    if (!frame->counted) ++late_count_;
    frame->counted = true;
    return keep(*frame, answer.quality != 0 ? answer.quality : frame->quality);
}

}  // namespace p2c2r::roles
