#include "sim/node.h"

#include <algorithm>
#include <cmath>

#include "model/value_writer.h"
#include "sim/short_memory.h"

namespace p2c2r::sim {

namespace {

constexpr uint64_t kProcessEndUs = 5'000;   // between a goodbye and the end of the process
constexpr uint64_t kDownUsMax = 4'000'000;  // after it

}  // namespace

LinkOptions Node::draw_link(const Options& options, Prng prng) {
    LinkOptions link;
    // Each host has a way of its own, within twice of what the seed has drawn.
    const double factor = 0.5 + 1.5 * prng.unit();
    link.latency_us = static_cast<uint64_t>(static_cast<double>(options.latency_us) * factor);
    link.jitter_us = static_cast<uint64_t>(static_cast<double>(options.jitter_us) * factor);
    link.burst_chance = options.burst_chance;
    link.burst_us = options.burst_us;
    link.bytes_per_us = options.bytes_per_us * factor;
    link.window_bytes = options.window_bytes;
    link.pieces_max = options.pieces_max;
    link.single_byte_chance = options.single_byte_chance;
    link.reset_when_unread = options.reset_when_unread;
    return link;
}

ClockOptions Node::draw_clock(Stage& stage, Prng prng) {
    const Options& options = stage.options;
    ClockOptions clock;
    clock.offset_us = prng.between(-options.clock_offset_us_max, options.clock_offset_us_max);
    clock.drift_ppm = static_cast<int32_t>(
        prng.between(-options.clock_drift_ppm_max, options.clock_drift_ppm_max));
    clock.late_us_max = options.late_us_max;
    if (clock.offset_us != 0) stage.coverage.hit(Sometimes::kClockOff);
    if (clock.drift_ppm != 0) stage.coverage.hit(Sometimes::kClockDrift);
    return clock;
}

Node::Node(Stage& stage, Prng prng, const std::string& name, Checkers::Kind kind,
           RunnerOptions runner, bool real)
    : stage_(stage),
      prng_(prng),
      name_(name),
      // Braces: their arguments are drawn from left to right, whatever the compiler.
      loop_{stage.world, prng_.fork(101), draw_clock(stage, prng_.fork(102))},
      host_(stage.network.add_host(name, loop_, draw_link(stage.options, prng_.fork(103)))),
      runner_(stage.world, loop_, prng_.fork(104), stage.coverage, host_, std::move(runner)),
      random_(std::make_unique<SimRandom>(prng_.fork(105))) {
    runner_.share_stamps(&stage.stamps);
    runner_.set_observer(&stage.checkers);
    stage.checkers.add_host(host_, kind, loop_, 0, real);
    if (real) stage.network.may_run_short(host_);
}

void Node::start() {
    if (up_) return;
    if (was_up_) stage_.network.revive_host(host_);
    up_ = was_up_ = true;
    leaving_ = false;
    stage_.trace.line(stage_.world.now_us(), "%s starts", name_.c_str());
    loop_.turn([this] { create(); });
}

void Node::end_process() {
    stage_.checkers.jobs_forgotten(host_);
    destroy();
    if (loop_.timers_armed() > 0) {
        stage_.checkers.fail("I12", "%s left %zu timers armed when its role was destroyed",
                             name_.c_str(), loop_.timers_armed());
    }
    if (loop_.hooks_asked() > 0) {
        stage_.checkers.fail("I12", "%s left a turn-end hook when its role was destroyed",
                             name_.c_str());
    }
    loop_.forget_posted();
    up_ = false;
    ++life_;
}

void Node::crash(bool silently) {
    if (!up_) return;
    stage_.trace.line(stage_.world.now_us(), "%s %s", name_.c_str(),
                      silently ? "vanishes" : "dies");
    stage_.network.kill_host(host_, silently);
    end_process();
    runner_.kill();
}

void Node::leave(bool for_good) {
    if (!up_ || leaving_) return;
    leaving_ = true;
    stage_.trace.line(stage_.world.now_us(), "%s leaves", name_.c_str());
    loop_.turn([this] { close(); });
    const uint64_t life = life_;
    stage_.world.call_at(stage_.world.now_us() + kProcessEndUs, [this, life, for_good] {
        if (life != life_ || !up_) return;
        loop_.turn([this] { end_process(); });
        if (for_good) return;
        const uint64_t down_us = stage_.healed ? kProcessEndUs : prng_.below(kDownUsMax);
        stage_.world.call_at(stage_.world.now_us() + down_us, [this] { start(); });
    });
}

// A role must not be closed inside its own callback.
void Node::leave_later() {
    const uint64_t life = life_;
    stage_.world.call_at(stage_.world.now_us() + 1, [this, life] {
        if (life == life_) leave();
    });
}

void Node::heal() {
    loop_.calm();
    // One that is about to end comes up again right behind that.
    start();
    healed();
}

void Node::later(uint64_t delay_us, std::function<void()> work) {
    const uint64_t life = life_;
    stage_.world.call_at(stage_.world.now_us() + delay_us, [this, life, work = std::move(work)] {
        if (life == life_ && up_ && !leaving_) loop_.turn(work);
    });
}

RunnerOptions draw_runner_options(const Options& options, Prng& prng) {
    RunnerOptions runner;
    runner.task_types = {kTypeEcho, kTypeDwell, kTypeTurn};
    if (prng.chance(0.3)) runner.task_types.emplace_back(kTypeContract);
    runner.dwell_us_max = options.dwell_us_max;
    runner.slow =
        options.slow_max > 1 && prng.chance(0.4) ? 1 + prng.unit() * (options.slow_max - 1) : 1;
    if (prng.chance(0.5)) {
        runner.stall_chance = options.stall_chance;
        runner.stall_us_max = options.stall_us_max;
    }
    runner.error_chance = options.error_chance;
    runner.params_error_chance = options.params_error_chance;
    runner.refuse_chance = options.refuse_chance;
    runner.ignore_cancel_chance = options.ignore_cancel_chance;
    runner.slice_us = 1000 + prng.below(20'000);
    return runner;
}

// ---- the coordinator ---------------------------------------------------------------------------

namespace {

// A copy is drawn from: the order in which arguments are evaluated must not matter.
RunnerOptions coordinator_runner(const Options& options, const Prng& prng) {
    Prng drawn = Prng(prng).fork(1);
    RunnerOptions runner = draw_runner_options(options, drawn);
    if (!options.coordinator_computes) runner.task_types.clear();
    return runner;
}

}  // namespace

CoordinatorNode::CoordinatorNode(Stage& stage, Prng prng)
    : Node(stage, prng, "coordinator", Checkers::Kind::kCoordinator,
           coordinator_runner(stage.options, prng), true) {}

void CoordinatorNode::create() {
    roles::CoordinatorOptions options;
    options.listen_port = kPort;
    options.task_timeout_us = stage_.options.task_timeout_us;
    options.resume_grace_us = stage_.options.resume_grace_us;
    options.memory_max = stage_.options.memory_max;
    options.heartbeat_interval_us = stage_.options.heartbeat_us;
    options.content_bytes_max = stage_.options.content_bytes_max;
    options.access = stage_.people.open();
    if (!options.access && stage_.options.owners > 0) {
        stage_.checkers.fail("I15", "the list of accounts does not read back what was written");
    }
    roles::CoordinatorEvents& events = *this;
    draining_ = false;
    role_ = std::make_unique<roles::Coordinator>(loop_, stage_.network.transport(host_), &runner_,
                                                 *random_, fork(), Log(), options, events);
    const Result<Done> started = role_->start();
    if (!started.ok()) stage_.checkers.fail("I12", "%s", started.error().text.c_str());
}

void CoordinatorNode::drain(uint64_t until_us) {
    if (!up() || !role_) return;
    draining_ = true;
    loop_.turn([this] {
        role_->drain([this] {
            draining_ = false;
            stage_.coverage.hit(Sometimes::kCoordinatorDrain);
            if (role_->stats().pending_tasks > 0) {
                stage_.checkers.fail("I12", "the coordinator says it is drained with %u tasks",
                                     role_->stats().pending_tasks);
            }
            later(0, [this] { leave_later(); });
        });
    });
    const roles::Coordinator* drained = role_.get();
    stage_.world.call_at(until_us, [this, drained] {
        if (role_.get() == drained && draining_) {
            stage_.checkers.fail("I12", "the coordinator is not drained after every deadline");
        }
    });
}

bool CoordinatorNode::revoke(const std::string& account) {
    if (!up() || !role_ || leaving()) return false;
    bool good = false;
    loop_.turn([&] {
        ValueWriter writer;
        writer.map(1).key("name").text(account);
        good = role_->call("key.revoke", writer.take().span(), nullptr).ok();
    });
    if (!good) stage_.checkers.fail("I15", "%s cannot be revoked", account.c_str());
    return good;
}

void CoordinatorNode::on_peer_joined(const std::string& peer_id) {
    const Plenty plenty;
    stage_.trace.line(stage_.world.now_us(), "coordinator: %s joined", peer_id.c_str());
}

void CoordinatorNode::on_peer_left(const std::string& peer_id, const std::string& reason) {
    const Plenty plenty;
    stage_.trace.line(stage_.world.now_us(), "coordinator: %s left: %s", peer_id.c_str(),
                      reason.c_str());
}

void CoordinatorNode::on_peer_failed(const std::string& peer_id, const std::string& reason) {
    const Plenty plenty;
    stage_.trace.line(stage_.world.now_us(), "coordinator: %s failed: %s", peer_id.c_str(),
                      reason.c_str());
}

// ---- a peer ------------------------------------------------------------------------------------

RunnerOptions PeerNode::draw_runner(const Options& options, const Prng& prng) {
    Prng drawn = Prng(prng).fork(1);
    RunnerOptions runner = draw_runner_options(options, drawn);
    runner.parallel = static_cast<uint32_t>(drawn.between(1, 4));
    return runner;
}

PeerNode::PeerNode(Stage& stage, Prng prng, uint32_t number)
    : Node(stage, prng, "peer-" + std::to_string(number), Checkers::Kind::kPeer,
           draw_runner(stage.options, prng), true) {
    Prng drawn = fork();
    slots_ = runner_.parallel();
    prefetch_ = static_cast<uint32_t>(drawn.below(5));
    window_bytes_ = drawn.chance(0.5) ? 256ull << 20 : 64 * 1024 + drawn.below(4 << 20);
    draw_speed(drawn);
    stage.checkers.add_host(host_, Checkers::Kind::kPeer, loop_, slots_, true);
}

// The truth about its runner, as well as a benchmark tells it; or a lie, also beyond all bounds.
void PeerNode::draw_speed(Prng& prng) {
    if (!prng.chance(stage_.options.speed_told_chance)) return;
    const bool lies = prng.chance(stage_.options.speed_lie_chance);
    const double error = lies ? 6 : 0.3;  // powers of ten
    speed_ = std::pow(10, error * (2 * prng.unit() - 1)) / runner_.slow();
    if (prng.chance(0.5)) speed_known_us_ = 1 + prng.below(10'000'000);
    stage_.coverage.hit(lies ? Sometimes::kSpeedLie : Sometimes::kSpeedTold);
}

void PeerNode::create() {
    roles::PeerOptions options;
    options.peer_id = names_ == 0 ? name_ : name_ + "." + std::to_string(names_);
    options.coordinator.host = "coordinator";
    options.coordinator.port = CoordinatorNode::kPort;
    options.coordinator.credentials = stage_.people.credentials(host_);
    if (stage_.people.is_limited(host_)) options.circle_accepted = Circle::kOwn;
    options.slots = slots_;
    options.prefetch = prefetch_;
    options.window_bytes = window_bytes_;
    options.content_bytes_max = stage_.options.peer_content_bytes_max;
    options.checksum = stage_.options.checksum;
    if (speed_known_us_ == 0) options.speed = speed_;
    roles::PeerEvents& events = *this;
    role_ = std::make_unique<roles::Peer>(loop_, stage_.network.transport(host_), runner_, *random_,
                                          fork(), Log(), options, events);
    role_->start();
    if (speed_known_us_ == 0) return;
    later(speed_known_us_, [this] {
        if (role_) role_->set_speed(speed_);
    });
}

void PeerNode::close() {
    stage_.coverage.hit(Sometimes::kPeerLeave);
    role_->close();
    stage_.checkers.jobs_forgotten(host_);
}

void PeerNode::drain() {
    if (!up() || !role_) return;
    loop_.turn([this] {
        role_->drain([this] {
            stage_.coverage.hit(Sometimes::kPeerDrain);
            if (role_->stats().running > 0) {
                stage_.checkers.fail("I12", "%s says it is drained and runs %u jobs", name_.c_str(),
                                     role_->stats().running);
            }
            later(0, [this] { leave_later(); });
        });
    });
}

void PeerNode::take_new_name() {
    ++names_;
    stage_.coverage.hit(Sometimes::kPeerNewName);
}

void PeerNode::pause() {
    if (!up() || !role_) return;
    if (runner_.running() > 0) stage_.coverage.hit(Sometimes::kPeerPause);
    loop_.turn([this] { role_->pause(); });
}

void PeerNode::resume() {
    if (!up() || !role_) return;
    loop_.turn([this] { role_->resume(); });
}

void PeerNode::healed() {
    runner_.set_type(kTypeDwell, true);
    runner_.set_type(kTypeEcho, true);
    resume();
}

void PeerNode::on_peer_state(Status status, const std::string& text) {
    const Plenty plenty;
    stage_.trace.line(stage_.world.now_us(), "%s: %s %s", name_.c_str(), status_name(status),
                      text.c_str());
}

}  // namespace p2c2r::sim
