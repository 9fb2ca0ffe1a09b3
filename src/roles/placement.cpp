#include "roles/placement.h"

#include <algorithm>
#include <bit>
#include <new>

namespace p2c2r::roles {

namespace {

constexpr uint64_t kWindowUs = 1'000'000;  // of counting what the game wants
constexpr double kWantedFade = 0.9;        // what it wanted before, a window later
constexpr double kWantedDefault = 60;
constexpr double kTimeLeastUs = 0.5;  // of an executor that is not timed
constexpr double kTrialWeight = 0.5;

// The first samples count alike, so that a cold start is not all that is known for long.
double weight_of(const LearnedMean& mean, bool is_trial) {
    if (is_trial) return kTrialWeight;
    return std::max(LearnedMean::kWeight, 1.0 / static_cast<double>(mean.samples() + 1));
}

constexpr double kRateUnknownBits_s = 1e13;  // bounds nothing

}  // namespace

// ---- tasks of one type and size ----------------------------------------------------------------

void Placed::look(uint64_t now_us, const LinkEstimate& link) {
    look_at_us_ = now_us + kLookUs;
    if (window_since_us_ == 0) {
        window_since_us_ = now_us;
        tasks_in_window_ = 0;
    } else if (now_us - window_since_us_ >= kWindowUs) {
        const double rate = static_cast<double>(tasks_in_window_) * 1e6 /
                            static_cast<double>(now_us - window_since_us_);
        wanted_per_s_ = std::max(rate, wanted_per_s_ * kWantedFade);
        window_since_us_ = now_us;
        tasks_in_window_ = 0;
    }
    if (failed_here_ != failed_there_) {
        move(failed_here_ ? Side::kThere : Side::kHere, now_us);
        return;
    }
    if (!is_known() || now_us < stay_until_us_) return;
    const bool there = goes_there(worth_case(link), side_ == Side::kThere);
    move(there ? Side::kThere : Side::kHere, now_us);
}

void Placed::move(Side side, uint64_t now_us) {
    if (side == side_) return;
    side_ = side;
    stay_until_us_ = now_us + kStayUs;
}

void Placed::trial_ended(uint64_t now_us, uint64_t took_us) {
    ++trials_;
    trial_gap_ = std::min(trial_gap_ * 2, kTrialGapMost);
    trial_at_us_ = now_us + took_us * kTrialRest;
    look_at_us_ = 0;
}

void Placed::learn_here(uint64_t now_us, double computing_us, double wait_us, bool is_trial) {
    const double weight = weight_of(here_us_, is_trial);
    learn_at_us_ = now_us + kLearnUs;
    failed_here_ = false;
    here_us_.add(computing_us, weight);
    here_wait_us_.add(wait_us, weight);
}

void Placed::learn_there(uint64_t now_us, double computing_us, double queue_us, double network_us,
                         uint64_t bytes_up, uint64_t bytes_down, bool is_trial) {
    const double weight = weight_of(there_us_, is_trial);
    learn_at_us_ = now_us + kLearnUs;
    failed_there_ = false;
    there_us_.add(computing_us, weight);
    queue_us_.add(queue_us, weight);
    network_us_.add(network_us, weight);
    bytes_up_.add(static_cast<double>(bytes_up), weight);
    bytes_down_.add(static_cast<double>(bytes_down), weight);
    count_there(now_us);
}

void Placed::count_there(uint64_t now_us) {
    if (there_since_us_ == 0) there_since_us_ = now_us;
    is_there_known_ =
        there_us_.samples() >= kThereSamplesLeast ||
        (there_us_.samples() >= kThereSamplesSlow && now_us - there_since_us_ >= kThereSlowUs);
}

void Placed::learn_late(Side side, uint64_t now_us, double waited_us) {
    learn_at_us_ = now_us + kLearnUs;
    if (side == Side::kHere) {
        here_wait_us_.add(std::max(waited_us - here_us_.value(), 0.0));
        if (here_us_.samples() == 0) here_us_.add(waited_us);
    } else {
        network_us_.add(std::max(waited_us - there_us_.value() - queue_us_.value(), 0.0));
        // Else a side that never answers would never be known.
        if (there_us_.samples() < kThereSamplesLeast) there_us_.add(there_us_.value());
        count_there(now_us);
    }
}

void Placed::learn_failed(Side side) {
    (side == Side::kHere ? failed_here_ : failed_there_) = true;
    look_at_us_ = 0;
}

WorthCase Placed::worth_case(const LinkEstimate& link) const {
    WorthCase task;
    task.bytes_up = static_cast<uint64_t>(bytes_up_.value());
    task.bytes_down = static_cast<uint64_t>(bytes_down_.value());
    task.local_us = std::max(here_us_.value(), kTimeLeastUs);
    task.local_wait_us = here_wait_us_.value();
    task.remote_us = std::max(there_us_.value(), kTimeLeastUs);
    task.queue_us = queue_us_.value();
    const auto known_or_any = [](double bits_per_s) {
        return bits_per_s > 0 ? bits_per_s : kRateUnknownBits_s;
    };
    task.up_bits_per_s = known_or_any(link.up_bits_per_s());
    task.down_bits_per_s = known_or_any(link.down_bits_per_s());
    // What was measured holds the transfer already; the rates bound how many get through.
    const double transfer_us =
        8e6 * (bytes_up_.value() / task.up_bits_per_s + bytes_down_.value() / task.down_bits_per_s);
    task.rtt_us = std::max(network_us_.value() - transfer_us, 0.0);
    task.wanted_per_s = wanted_per_s_ > 0 ? wanted_per_s_ : kWantedDefault;
    task.deadline_us = deadline_us_;
    return task;
}

std::string Placed::why(const LinkEstimate& link) const {
    if (failed_here_ != failed_there_) {
        return failed_here_ ? "send: the last try on this machine failed"
                            : "keep here: the last try at a helper failed";
    }
    if (!is_there_known_) {
        return "send: what a helper takes is still being learned";
    }
    if (here_us_.samples() == 0) return "send: this machine has not tried one";
    const Worth worth = judge_worth(worth_case(link));
    if (worth.send == (side_ == Side::kThere)) return worth.text;
    return std::string(side_ == Side::kHere ? "keep here" : "send") +
           " as before: the other side is not clearly better (" + worth.text + ")";
}

// ---- all of them ------------------------------------------------------------------------------

size_t Placement::size_index(uint64_t payload_size) {
    return std::min<size_t>(static_cast<size_t>(std::bit_width(payload_size)), kSizes - 1);
}

Placed* Placement::find(std::string_view task_type, uint64_t payload_size, uint64_t pixels) {
    const size_t index = size_index(payload_size);
    const size_t pixels_index = size_index(pixels);
    const auto is_it = [&](const Type& type) {
        return type.pixels == pixels_index && type.name == task_type;
    };
    if (last_ && is_it(*last_)) return &last_->sizes[index];
    for (const std::unique_ptr<Type>& type : types_) {
        if (!is_it(*type)) continue;
        last_ = type.get();
        return &last_->sizes[index];
    }
    if (types_.size() >= kTypesMost) return nullptr;
    try {
        auto type = std::make_unique<Type>();
        type->name = task_type;
        type->pixels = pixels_index;
        types_.push_back(std::move(type));
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
    last_ = types_.back().get();
    return &last_->sizes[index];
}

void Placement::arrive(const Answer& answer) {
    lose();
    mark_.up += answer.bytes_up;
    mark_.down += answer.bytes_down;
    if (answer.learns || answer.bytes_up + answer.bytes_down > LinkEstimate::kRoundBytesMost) {
        const Mark& left = answer.left;
        LinkSample sample;
        sample.now_us = answer.now_us;
        sample.network_us = answer.network_us;
        sample.bytes_up = answer.bytes_up;
        sample.bytes_down = answer.bytes_down;
        sample.moved_up = mark_.up - left.up;
        sample.moved_down = mark_.down - left.down;
        const uint64_t answering_us = answer.now_us - std::min(answer.now_us, left.at_us);
        const uint64_t leaving_us = answer.sent_us - std::min(answer.sent_us, left.sent_us);
        sample.moved_us = static_cast<double>(std::max(answering_us, leaving_us));
        link_.add(sample);
    }
    mark_.at_us = answer.now_us;
    mark_.sent_us = answer.sent_us;
}

void Placement::connected(uint64_t round_us) {
    link_.greeted(static_cast<double>(round_us));
    flow_.connected();
    away_ = 0;
    for (const std::unique_ptr<Type>& type : types_) {
        for (Placed& placed : type->sizes) placed.try_soon();
    }
}

}  // namespace p2c2r::roles
