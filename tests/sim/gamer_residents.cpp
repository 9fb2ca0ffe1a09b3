// What a gamer does with results that stay: goes on from them, asks for their bytes, lets them go.
#include "model/value_writer.h"
#include "sim/gamer.h"

namespace p2c2r::sim {

namespace {

constexpr size_t kResidentsMost = 6;  // that it still knows
constexpr uint64_t kAskedUs = 1'000'000;

// Of a chain in a whole cluster, which has room for this in any store that it has at all.
constexpr size_t kChainSize = 2'000;
constexpr uint32_t kChainStages = 3;
constexpr uint64_t kChainUs = 4'000'000;

}  // namespace

void GamerNode::draw_stage(DrawnTask& drawn) {
    const Options& options = stage_.options;
    if (options.resident_chance <= 0) return;
    drawn.goes_on = !residents_.empty() && resident_prng_.chance(options.stage_chance);
    // A chain mostly goes on for a while.
    drawn.stays = resident_prng_.chance(drawn.goes_on ? 0.5 : options.resident_chance);
}

void GamerNode::go_on_from(const Resident& before, TaskSpec& spec, Checkers::Asked& asked,
                           uint64_t token) {
    asked.input = before.made;
    asked.is_stage = true;
    asked.made_by = before.made_by;
    asked.goes_out = false;
    spec.content = before.content;
    spec.data = {};
    stage_.coverage.hit(Sometimes::kStage);
    if (asked.input.size < Origin::kHeadSize) return;
    // Unchanged every second stage makes the same bytes, which are one content. What is let go of a
    // chain is its own.
    if (!stage_.healed && resident_prng_.chance(0.5)) return;
    change_head(spec, asked, token);
    stage_.coverage.hit(Sometimes::kStageChanged);
}

void GamerNode::stage_ended(uint64_t task, const TaskResult& result) {
    const auto staying = staying_.extract(task);
    if (staying.empty() || !role_) return;
    if (result.status == Status::kOk && result.content) {
        keep({result.content, staying.mapped().answered(),
              decode_word('s', result.info.span()).value_or(0), false});
    }
    if (task == chain_task_) submit_stage();
}

void GamerNode::keep(Resident&& made) {
    const bool plain = stage_.healed;
    // Most hosts make a content of it, and some go on from the result alone.
    made.is_put = plain || resident_prng_.chance(0.7);
    if (made.is_put) role_->put(made.content);
    if (plain) chain_.push_back(made);
    residents_.push_back(std::move(made));
    if (residents_.size() <= kResidentsMost) return;
    const Resident oldest = std::move(residents_.front());
    residents_.pop_front();
    if (oldest.is_put && resident_prng_.chance(0.7)) let_go(oldest);
}

void GamerNode::play_with_residents() {
    if (residents_.empty()) return;
    if (resident_prng_.chance(0.05)) {
        ask_for_bytes(residents_[resident_prng_.below(residents_.size())],
                      Checkers::Expected::kEither, kAskedUs);
    }
    if (!resident_prng_.chance(0.03)) return;
    const size_t at = resident_prng_.below(residents_.size());
    if (!residents_[at].is_put) return;
    const Resident gone = residents_[at];
    residents_.erase(residents_.begin() + static_cast<ptrdiff_t>(at));
    let_go(gone);
}

void GamerNode::ask_for_bytes(const Resident& one, Checkers::Expected expected,
                              uint64_t timeout_us) {
    const uint64_t call = ++next_task_;
    calls_[call] = {one.made, expected};
    ValueWriter writer;
    writer.map(1).key("digest").bytes(one.content->digest);
    role_->call(call, "content", writer.take(), timeout_us);
}

void GamerNode::let_go(const Resident& one) {
    stage_.coverage.hit(Sometimes::kLetGo);
    role_->drop(one.content->digest);
}

// ---- in a whole cluster ------------------------------------------------------------------------

void GamerNode::begin_chain() {
    if (!role_) return;
    residents_.clear();
    chain_.clear();
    chain_left_ = kChainStages + 1;
    loop_.turn([this] { submit_stage(); });
}

void GamerNode::submit_stage() {
    if (--chain_left_ == 0) return;
    DrawnTask drawn;
    drawn.task_type = kTypeEcho;
    drawn.size = kChainSize;
    drawn.deadline_us = kChainUs;
    drawn.goes_on = !residents_.empty();
    drawn.stays = true;
    chain_task_ = next_task_ + 1;
    submit(drawn, true);
}

void GamerNode::ask_for_chain(size_t gone) {
    if (!role_) return;
    loop_.turn([this, gone] {
        for (size_t i = 0; i < chain_.size(); ++i) {
            const bool is_gone = i + gone >= chain_.size();
            ask_for_bytes(chain_[i],
                          is_gone ? Checkers::Expected::kGone : Checkers::Expected::kThere,
                          kChainUs);
        }
    });
}

void GamerNode::let_last_go() {
    if (!role_ || chain_.empty()) return;
    loop_.turn([this] { let_go(chain_.back()); });
}

}  // namespace p2c2r::sim
