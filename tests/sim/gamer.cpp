#include "sim/gamer.h"

#include <algorithm>
#include <cmath>

#include "model/patches.h"
#include "sim/short_memory.h"

namespace p2c2r::sim {

namespace {

// What a task type that the contract does not name has by default, and what it names for upscale.
constexpr uint64_t kDeadlineDefaultUs = 5'000'000;
constexpr uint64_t kUpscaleDeadlineUs = 250'000;
// Of the contents that each gamer has.
constexpr size_t kContentSizes[] = {0, 100, 5'000, 40'000, 130'000, 400'000};

uint32_t tasks_per_step(GamerKind kind, Prng& prng) {
    switch (kind) {
        case GamerKind::kFlood:
            return static_cast<uint32_t>(prng.between(20, 120));
        case GamerKind::kCancelStorm:
            return static_cast<uint32_t>(prng.between(5, 40));
        default:
            return static_cast<uint32_t>(prng.between(1, 3));
    }
}

uint32_t tasks_per_step_mean(GamerKind kind) {
    switch (kind) {
        case GamerKind::kFlood:
            return 70;
        case GamerKind::kCancelStorm:
            return 22;
        default:
            return 2;
    }
}

}  // namespace

DrawnTask draw_task(const Options& options, GamerKind kind, Prng& prng) {
    DrawnTask drawn;
    const double type = prng.unit();
    if (type < 0.45) {
        drawn.task_type = kTypeDwell;
    } else if (type > 0.96) {
        drawn.task_type = kTypeContract;
    } else if (type > 0.94) {
        drawn.task_type = "frame_upscale";  // an alias of it
    } else if (type > 0.935) {
        drawn.task_type = "nobody_runs_this";
    } else if (type > 0.93) {
        drawn.task_type = "physics";  // named by the contract, and run by nobody here
    }
    const double size = prng.unit();
    if (size < options.large_chance) {
        drawn.size = 300'000 + static_cast<size_t>(prng.below(700'000));
    } else if (size < options.large_chance + options.medium_chance) {
        drawn.size = 16'000 + static_cast<size_t>(prng.below(184'000));
    } else if (size > 0.9) {
        drawn.size = 200 + static_cast<size_t>(prng.below(8'000));
    } else {
        drawn.size = static_cast<size_t>(prng.below(200));
    }
    const double low = static_cast<double>(options.deadline_us_min);
    const double high = static_cast<double>(options.deadline_us_max);
    drawn.deadline_us = static_cast<uint64_t>(low * std::pow(high / low, prng.unit()));
    if (prng.chance(0.05)) drawn.deadline_us = 0;
    if (kind == GamerKind::kHasty && prng.chance(0.6)) drawn.deadline_us = 1 + prng.below(5'000);
    drawn.priority = static_cast<int8_t>(prng.between(-3, 3));
    if (options.own_chance > 0) {
        if (prng.chance(options.own_chance)) drawn.circle = Circle::kOwn;
        if (prng.chance(0.1)) drawn.circle = Circle::kInvited;  // by name
        if (prng.chance(options.public_chance)) drawn.circle = Circle::kPublic;
    }
    return drawn;
}

GamerNode::GamerNode(Stage& stage, Prng prng, uint32_t number, GamerKind kind, uint32_t tasks)
    : Node(
          stage, prng, "gamer-" + std::to_string(number), Checkers::Kind::kGamer,
          [&] {
              Prng drawn = Prng(prng).fork(1);
              return draw_runner_options(stage.options, drawn);
          }(),
          true),
      kind_(kind),
      by_worth_(Prng(prng).fork(1'000'001).chance(stage.options.by_worth_chance)),
      tasks_left_(tasks),
      content_prng_(Prng(prng).fork(1'000'000)),
      parts_prng_(Prng(prng).fork(1'000'001)),
      resident_prng_(Prng(prng).fork(1'000'002)) {}

void GamerNode::create() {
    roles::ClientOptions options;
    options.client_id = name_;
    options.coordinator.host = "coordinator";
    options.coordinator.port = CoordinatorNode::kPort;
    options.coordinator.credentials = stage_.people.credentials(host_);
    options.checksum = stage_.options.checksum;
    options.place_by_worth = by_worth_;
    if (!stage_.healed && prng_.chance(stage_.options.impatient_chance)) {
        options.reconnect.attempts_max = static_cast<uint32_t>(prng_.between(0, 4));
    }
    roles::ClientEvents& events = *this;
    role_ = std::make_unique<roles::Client>(loop_, &stage_.network.transport(host_),
                                            stage_.options.gamers_compute ? &runner_ : nullptr,
                                            *random_, fork(), Log(), options, events);
    role_->start();
}

void GamerNode::close() {
    role_->close();
    stage_.checkers.jobs_forgotten(host_);
    if (stage_.checkers.tasks_open(host_) > 0) {
        stage_.checkers.fail("I1", "%s: %zu tasks have no end after close()", name_.c_str(),
                             stage_.checkers.tasks_open(host_));
    }
    if (!calls_.empty()) {
        stage_.checkers.fail("I1", "%s: %zu calls have no answer after close()", name_.c_str(),
                             calls_.size());
    }
}

void GamerNode::destroy() {
    role_.reset();
    stage_.checkers.gamer_died(host_);
    calls_.clear();
    recent_.clear();
    contents_.clear();
    residents_.clear();
    staying_.clear();
    chain_left_ = 0;
    specs_.clear();
    ended_.clear();
}

// ---- the script --------------------------------------------------------------------------------

void GamerNode::play(uint64_t until_us) {
    until_us_ = until_us;
    if (kind_ == GamerKind::kFlood) stage_.coverage.hit(Sometimes::kFlood);
    if (kind_ == GamerKind::kCancelStorm) stage_.coverage.hit(Sometimes::kCancelStorm);
    const uint64_t steps = std::max(1u, tasks_left_ / tasks_per_step_mean(kind_));
    pause_us_ = (until_us - stage_.world.now_us()) / steps;
    stage_.world.call_at(stage_.world.now_us() + prng_.below(pause_us_ + 1), [this] { step(); });
}

void GamerNode::step() {
    if (stage_.healed || stage_.world.now_us() >= until_us_) return;
    for (const uint64_t task : std::exchange(ended_, {})) specs_.erase(task);
    const uint32_t count = std::min(tasks_left_, tasks_per_step(kind_, prng_));
    if (up() && role_) {
        loop_.turn([&] {
            for (uint32_t i = 0; i < count && up(); ++i) submit_one();
            if (prng_.chance(0.02)) ask();
            if (up()) play_with_residents();
        });
    }
    tasks_left_ -= count;
    if (tasks_left_ == 0) return;
    const double wait = std::min(-std::log(1 - prng_.unit()), 5.0) * static_cast<double>(pause_us_);
    stage_.world.call_at(stage_.world.now_us() + 1 + static_cast<uint64_t>(wait),
                         [this] { step(); });
}

void GamerNode::submit_one() {
    DrawnTask drawn = draw_task(stage_.options, kind_, prng_);
    draw_stage(drawn);
    submit(drawn, false);
}

void GamerNode::submit(const DrawnTask& drawn, bool must_succeed) {
    const uint64_t task = ++next_task_;
    const uint64_t token = token_of(host_, task);
    TaskSpec spec;
    spec.task_type = drawn.task_type;
    spec.params = encode_word('t', token);
    spec.data = input_of(token, drawn.size);
    spec.deadline_us = drawn.deadline_us;
    spec.priority = drawn.priority;
    spec.circle = drawn.circle;
    const Options& options = stage_.options;
    // What probes a healed cluster is plain.
    const bool plain = stage_.healed;
    if (!plain && prng_.chance(options.local_chance)) {
        if (prng_.chance(0.5)) {
            spec.flags |= task_flag::kLocalAtDeadline;
            stage_.coverage.hit(Sometimes::kLocalAtDeadline);
        } else {
            spec.place = prng_.chance(0.5) ? Place::kLocal : Place::kRemote;
            if (spec.place == Place::kLocal) stage_.coverage.hit(Sometimes::kLocalPlace);
        }
    }
    // What looks for the cluster shall find it.
    if (plain && by_worth_) spec.place = Place::kRemote;
    if (!plain && !recent_.empty() && prng_.chance(options.depends_chance)) {
        spec.depends_on.push_back(recent_[prng_.below(recent_.size())]);
        stage_.coverage.hit(Sometimes::kDependsOn);
    }
    recent_.push_back(task);
    if (recent_.size() > 8) recent_.pop_front();
    if (drawn.deadline_us > 0 && drawn.deadline_us < 5'000) {
        stage_.coverage.hit(Sometimes::kShortDeadline);
    }
    Checkers::Asked asked;
    asked.input = {token, 0, drawn.size};
    asked.must_succeed = must_succeed;
    if (!spec.depends_on.empty()) asked.after = spec.depends_on.front();
    asked.own = drawn.circle == Circle::kOwn;
    asked.must_wait = plain && asked.own && !must_succeed;
    asked.goes_out = drawn.size < 8'000 && spec.depends_on.empty() && spec.place != Place::kLocal &&
                     (!by_worth_ || spec.place == Place::kRemote);
    const bool contract = spec.task_type != kTypeEcho && spec.task_type != kTypeDwell;
    const uint64_t usual = contract ? kUpscaleDeadlineUs : kDeadlineDefaultUs;
    // Of the other types only an upper bound is known here.
    const uint64_t most = contract ? std::max(usual, kDeadlineDefaultUs) : usual;
    asked.remaining_us = drawn.deadline_us != 0 ? drawn.deadline_us : most;
    asked.deadline_us = loop_.now_us() + asked.remaining_us;
    if (drawn.deadline_us == 0 && contract) asked.remaining_us = UINT64_MAX;  // not known exactly
    if (!plain && content_prng_.chance(options.content_chance)) {
        refer_to_content(spec, asked, token);
    }
    if (drawn.goes_on) go_on_from(residents_.back(), spec, asked, token);
    const bool may_be_cut = !plain && parts_prng_.chance(options.parts_chance);
    asked.stays = drawn.stays;
    if (asked.stays) {
        spec.flags |= task_flag::kResident;
        staying_[task] = asked.input;
    } else if (may_be_cut && !asked.is_stage) {
        let_be_cut(spec, asked);
    }
    stage_.checkers.task_submitted(host_, task, asked);
    const bool outer = std::exchange(inside_, true);
    role_->submit(task, specs_.emplace(task, std::move(spec)).first->second);
    inside_ = outer;
    if (!plain) maybe_cancel(task);
}

void GamerNode::refer_to_content(TaskSpec& spec, Checkers::Asked& asked, uint64_t token) {
    const uint64_t number = content_prng_.below(std::size(kContentSizes));
    asked.input = {token_of(host_, (1ull << 32) + number), 0, kContentSizes[number]};
    asked.goes_out = false;
    std::shared_ptr<const Content>& content = contents_[number];
    if (!content) {
        Bytes bytes = bytes_of(asked.input);
        const Digest256 digest = sha256(bytes.span());
        content = std::make_shared<const Content>(Content{digest, std::move(bytes)});
    }
    if (content_prng_.chance(0.1)) role_->put(content);
    if (content_prng_.chance(0.02)) role_->drop(content->digest);
    spec.content = content;
    spec.data = {};
    if (asked.input.size >= Origin::kHeadSize && content_prng_.chance(0.5)) {
        change_head(spec, asked, token);
        stage_.coverage.hit(Sometimes::kContentDelta);
    }
    stage_.coverage.hit(Sometimes::kContentTask);
    if (asked.input.size > stage_.options.content_bytes_max / 2) {
        stage_.coverage.hit(Sometimes::kContentInline);
    }
}

// The first bytes become this task's own.
void GamerNode::change_head(TaskSpec& spec, Checkers::Asked& asked, uint64_t token) {
    const Bytes own = input_of(token, Origin::kHeadSize);
    const Patch patch{0, own.span()};
    spec.data = *pack_patches({&patch, 1}, asked.input.size, "patches");
    asked.input = asked.input.changed_by(token);
}

void GamerNode::let_be_cut(TaskSpec& spec, Checkers::Asked& asked) {
    spec.splitter = &sim_splitter();
    spec.split = kSplitAuto;
    if (parts_prng_.chance(0.5)) {
        const int64_t most = parts_prng_.chance(0.1) ? static_cast<int64_t>(kPartsMost) : 12;
        spec.split = static_cast<int32_t>(parts_prng_.between(2, most));
    }
    asked.may_be_cut = true;
    asked.goes_out = false;
}

void GamerNode::maybe_cancel(uint64_t task) {
    const double chance = kind_ == GamerKind::kCancelStorm ? 0.9 : stage_.options.cancel_chance;
    if (!prng_.chance(chance)) return;
    const bool at_once = prng_.chance(0.5);
    const uint64_t delay_max = kind_ == GamerKind::kCancelStorm ? 30'000 : 1'000'000;
    later(at_once ? 0 : prng_.below(delay_max), [this, task] {
        if (!role_) return;
        stage_.checkers.task_cancelled(host_, task);
        role_->cancel(task);
    });
}

void GamerNode::ask() {
    const uint64_t call = ++next_task_;
    calls_[call] = {};
    role_->call(call, prng_.chance(0.9) ? "status" : "nonsense", {}, 1'000'000);
}

void GamerNode::probe(uint32_t count, uint64_t deadline_us, bool must_succeed, Circle circle,
                      const char* task_type) {
    if (!role_) return;
    loop_.turn([&] {
        DrawnTask drawn;
        drawn.task_type = task_type;
        drawn.size = 100;
        drawn.deadline_us = deadline_us;
        drawn.circle = circle;
        for (uint32_t i = 0; i < count; ++i) submit(drawn, must_succeed);
    });
}

// ---- what it hears -----------------------------------------------------------------------------

void GamerNode::on_task_ended(uint64_t task, TaskResult&& result) {
    const Plenty plenty;
    stage_.checkers.task_ended(host_, task, result);
    ended_.push_back(task);
    stage_ended(task, result);
    if (role_ && role_->stats().kept_here > 0) stage_.coverage.hit(Sometimes::kKeptHere);
    // Hosts do as they like inside the callback: submit the next, give up another.
    if (stage_.healed || inside_ || !role_ || tasks_left_ == 0) return;
    if (prng_.chance(0.03)) {
        --tasks_left_;
        submit_one();
    } else if (prng_.chance(0.01) && !recent_.empty()) {
        const uint64_t other = recent_[prng_.below(recent_.size())];
        stage_.checkers.task_cancelled(host_, other);
        role_->cancel(other);
    }
}

void GamerNode::on_task_part(uint64_t task, const roles::TaskPart& part, const TaskResult& result) {
    const Plenty plenty;
    stage_.checkers.part_came(host_, task, part.index, part.count, result);
    // Whoever has seen enough gives the rest up.
    if (stage_.healed || !role_ || !parts_prng_.chance(0.01)) return;
    stage_.checkers.task_cancelled(host_, task);
    role_->cancel(task);
}

void GamerNode::on_client_state(Status status, const std::string& text) {
    const Plenty plenty;
    stage_.trace.line(stage_.world.now_us(), "%s: %s %s", name_.c_str(), status_name(status),
                      text.c_str());
    if (!role_ || !role_->stats().given_up) return;
    stage_.coverage.hit(Sometimes::kGivesUp);
    leave_later();
}

void GamerNode::on_call_done(uint64_t call, const Error* error, Bytes, Bytes data) {
    const Plenty plenty;
    const auto asked = calls_.extract(call);
    if (asked.empty()) {
        stage_.checkers.fail("I1", "%s: call %llu was answered twice", name_.c_str(),
                             static_cast<unsigned long long>(call));
    } else if (const Call& said = asked.mapped(); said.bytes) {
        stage_.checkers.content_told(host_, *said.bytes, error, data.span(), said.expected);
    }
    if (!error) stage_.coverage.hit(Sometimes::kCall);
}

}  // namespace p2c2r::sim
