#include "sim/cluster.h"

#include <algorithm>

namespace p2c2r::sim {

namespace {

Checkers::Limits limits_of(const Options& options) {
    return {static_cast<size_t>(options.send_limit), options.memory_max, options.task_timeout_us};
}

bool is_script(GamerKind kind) {
    return kind >= GamerKind::kRepeat;
}

}  // namespace

Cluster::Cluster(const Options& options, Coverage& coverage, Trace& trace)
    : options_(options),
      trace_(trace),
      prng_(options.seed ^ 0xC1A0'5EED),
      network_(world_, prng_.fork(1), coverage),
      people_(options_, coverage),
      checkers_(world_, network_, people_, coverage, trace, limits_of(options_)),
      stage_{world_, network_, checkers_, coverage, trace, options_, people_},
      faults_(prng_.fork(2)),
      points_(options_.fault_points, Prng(options.seed ^ 0xFA17), coverage) {
    network_.set_short_memory(options_.short_memory_chance, Prng(options.seed ^ 0x5407));
    network_.set_observer(&checkers_);
    network_.set_send_limit(options_.send_limit);
    network_.set_user_timeout(options_.user_timeout_us);
    network_.set_place_threshold(options_.place_threshold);
    coordinator_ = std::make_unique<CoordinatorNode>(stage_, prng_.fork(3));
    nodes_.push_back(coordinator_.get());
    for (uint32_t i = 0; i < options_.peers - options_.forgers; ++i) {
        peers_.push_back(std::make_unique<PeerNode>(stage_, prng_.fork(100 + i), i));
        nodes_.push_back(peers_.back().get());
    }
    for (uint32_t i = 0; i < options_.forgers; ++i) {
        forgers_.push_back(std::make_unique<ForgerNode>(stage_, prng_.fork(200 + i), i));
        nodes_.push_back(forgers_.back().get());
    }
    const uint32_t each = options_.tasks / static_cast<uint32_t>(options_.gamers.size());
    for (uint32_t i = 0; i < options_.gamers.size(); ++i) {
        const GamerKind kind = options_.gamers[i];
        if (is_script(kind)) {
            scripts_.push_back(
                std::make_unique<ScriptGamerNode>(stage_, prng_.fork(300 + i), i, kind, each));
            nodes_.push_back(scripts_.back().get());
        } else {
            gamers_.push_back(
                std::make_unique<GamerNode>(stage_, prng_.fork(300 + i), i, kind, each));
            nodes_.push_back(gamers_.back().get());
        }
    }
    people_.open();
    const size_t peers = peers_.size() + forgers_.size();
    for (size_t i = 1; i < nodes_.size(); ++i) {
        // One peer serves everybody, so that the end can be judged.
        people_.settle(nodes_[i]->host(), nodes_[i]->name(), i <= peers, i > 1,
                       coordinator_->moment());
    }
}

Cluster::~Cluster() {
    network_.set_observer(nullptr);
}

bool Cluster::run_until(uint64_t until_us) {
    while (!checkers_.failed() && world_.step(until_us)) after_event();
    return !checkers_.failed();
}

// Looked at after every event.
void Cluster::after_event() {
    const uint64_t turns = coordinator_->loop().turns();
    const bool coordinator_turn = std::exchange(coordinator_turns_, turns) != turns;
    checkers_.after_event(coordinator_turn);
    roles::Coordinator* role = coordinator_->role();
    if (!role || !coordinator_turn) return;
    const roles::CoordinatorStats& stats = role->stats();
    checkers_.coordinator_holds(stats.payload_bytes_held,
                                network_.queued_bytes(coordinator_->host()));
}

RunReport Cluster::run() {
    const FaultPointsInForce in_force(points_);
    // The others try while the coordinator is not there yet, some of them.
    for (Node* node : nodes_) {
        const uint64_t at = node == coordinator_.get() ? 1000 : prng_.below(2'000'000);
        world_.call_at(at, [node] { node->start(); });
    }
    const uint64_t chaos_until = options_.chaos_us;
    world_.call_at(500'000, [this, chaos_until] {
        for (auto& gamer : gamers_) gamer->play(chaos_until);
        for (auto& script : scripts_) script->play(chaos_until);
        plan_faults(chaos_until);
    });
    if (run_until(chaos_until)) heal();

    RunReport report;
    report.failure = checkers_.failure();
    report.hash = world_.hash();
    report.events = world_.events();
    report.tasks_ended = checkers_.tasks_ended();
    report.tasks_good = checkers_.tasks_good();
    report.payload_held_max = checkers_.payload_held_max();
    report.queued_max = checkers_.queued_max();
    report.simulated_us = world_.now_us();
    for (Node* node : nodes_) {
        if (node->loop().late_timers() > 0) stage_.coverage.hit(Sometimes::kLateTimer);
    }
    return report;
}

RunReport run_seed(uint64_t seed, Coverage& coverage, Trace& trace) {
    Cluster cluster(draw_options(seed), coverage, trace);
    return cluster.run();
}

}  // namespace p2c2r::sim
