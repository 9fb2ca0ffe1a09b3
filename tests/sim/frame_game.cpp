#include "sim/frame_game.h"

#include <algorithm>
#include <vector>

namespace p2c2r::sim {

namespace {

roles::FrameSettings settings_of(const FrameOptions& options) {
    roles::FrameSettings settings;
    settings.budget_us = options.budget_us;
    return settings;
}

}  // namespace

FrameGame::FrameGame(World& world, Network& network, Coverage& coverage,
                     const FrameOptions& options, Prng prng, FrameReport& report)
    : options_(options),
      report_(report),
      base_(world, network, coverage, options, prng, "gamer", options.local_takes_us, 1),
      stream_(settings_of(options)) {
    base_.loop.turn([&] {
        roles::ClientOptions with;
        with.client_id = "gamer";
        with.coordinator.host = "coordinator";
        with.coordinator.port = kFramePort;
        roles::ClientEvents& events = *this;
        role_ = std::make_unique<roles::Client>(
            base_.loop, &network.transport(base_.host), options.local ? &base_.runner : nullptr,
            base_.random, base_.prng.fork(9), Log(), with, events);
        role_->start();
    });
}

void FrameGame::begin_tick() {
    base_.loop.turn([this] {
        const uint64_t now = base_.loop.now_us();
        look_at_late();
        push(now);
        if (++ticks_ <= options_.lag) return;
        pull_ = stream_.begin_pull(ticks_ - options_.lag, now, options_.budget_us);
        if (pull_ && pull_->moves && pull_->task != 0) {
            role_->want_answer(pull_->task, pull_->until_us);
        }
    });
}

void FrameGame::end_tick() {
    if (!pull_) return;
    base_.loop.turn([this] {
        look_at_late();
        std::optional<Stream::Good> own, here;
        bool ended = pull_->task == 0;
        if (const auto found = ended_.find(pull_->task); found != ended_.end()) {
            ended = true;
            if (found->second.good) own = found->second.facts;
            is_own_local_ = found->second.is_local;
            forget(pull_->task);
        }
        if (const auto found = here_.find(pull_->task); found != here_.end()) {
            here = found->second;
            here_.erase(found);
        }
        count(stream_.end_pull(*pull_, base_.loop.now_us(), ended, own, here));
    });
    pull_.reset();
}

void FrameGame::push(uint64_t now) {
    const uint64_t id = ++next_task_;
    stream_.make_room();
    const Stream::Wish wish = stream_.next_wish(0);
    TaskSpec& spec = specs_[id];
    spec.task_type = kTypeDwell;
    spec.params = encode_word('t', id);
    spec.data = input_of(id, 200);
    spec.deadline_us = wish.deadline_us;
    if (options_.local) {
        auto frame = std::make_shared<roles::FrameWish>();
        frame->answer_us = wish.answer_us;
        frame->forms.push_back({stream_.quality(), {}});
        role_->submit(id, spec, std::move(frame));
    } else {
        role_->submit(id, spec);
    }
    const Stream::Pushed pushed = stream_.push(id, 0, now);
    if (pushed.dropped_task == 0) return;
    role_->cancel(pushed.dropped_task);
    here_.erase(pushed.dropped_task);
    forget(pushed.dropped_task);
}

void FrameGame::look_at_late() {
    std::vector<uint64_t> open;
    stream_.for_each_open([&](uint64_t task) { open.push_back(task); });
    for (const uint64_t task : open) {
        if (const auto here = here_.find(task); here != here_.end()) {
            if (stream_.came_late(task, here->second, false)) is_previous_local_ = true;
            here_.erase(here);
        }
        const auto found = ended_.find(task);
        if (found == ended_.end()) continue;
        if (!found->second.good) {
            stream_.came_to_nothing(task);
        } else if (stream_.came_late(task, found->second.facts, true)) {
            is_previous_local_ = found->second.is_local;
        }
        forget(task);
    }
}

void FrameGame::count(const Stream::Answer& answer) {
    using From = Stream::From;
    ++report_.frames;
    const uint64_t age = pull_->frame - answer.frame;
    bool is_remote = false;
    switch (answer.from) {
        case From::kOwn:
            is_remote = !is_own_local_;
            is_remote ? ++report_.own : ++report_.local;
            break;
        case From::kHere:
            ++report_.local;
            break;
        case From::kPrevious:
            is_remote = !is_previous_local_;
            ++report_.previous;
            break;
        case From::kNone:
            ++report_.none;
            break;
    }
    if (answer.is_newest) is_previous_local_ = !is_remote;
    if (answer.from != From::kNone) {
        report_.age_max = std::max(report_.age_max, age);
        report_.age_us_max = std::max(report_.age_us_max, answer.age_us);
    }
    is_fresh_ = is_remote && age <= 2;
    if (is_fresh_) ++report_.fresh;
    report_.late = stream_.late_count();
}

void FrameGame::forget(uint64_t task) {
    ended_.erase(task);
    specs_.erase(task);
}

void FrameGame::on_task_ended(uint64_t task, TaskResult&& result) {
    if (specs_.count(task) == 0) return;
    Ended& ended = ended_[task];
    ended.good = result.success();
    ended.is_local = result.source == Source::kLocal;
    ended.facts = {result.total_us, 0};
}

void FrameGame::on_task_here(uint64_t task, int32_t quality, TaskResult&& result) {
    here_[task] = {result.total_us, quality};
}

}  // namespace p2c2r::sim
