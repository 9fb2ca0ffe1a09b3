// One run of one seed: a coordinator, its gamers and peers, and the faults between them. First
// chaos, then healing: with the faults off everything must come to rest, be whole again and work.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/checkers.h"
#include "sim/fault_points.h"
#include "sim/gamer.h"
#include "sim/options.h"
#include "sim/scripts.h"
#include "sim/trace.h"

namespace p2c2r::sim {

struct RunReport {
    std::optional<Failure> failure;
    uint64_t hash = 0;
    uint64_t events = 0;
    uint64_t tasks_ended = 0;
    uint64_t tasks_good = 0;
    uint64_t payload_held_max = 0;
    uint64_t queued_max = 0;
    uint64_t simulated_us = 0;
};

class Cluster {
  public:
    // `trace` and `coverage` outlive it.
    Cluster(const Options& options, Coverage& coverage, Trace& trace);
    ~Cluster();
    RunReport run();

  private:
    struct Rate {
        double per_minute;
        std::function<void()> happen;
    };

    // True while nothing has been violated.
    bool run_until(uint64_t until_us);
    void after_event();

    // faults.cpp
    void plan_faults(uint64_t until_us);
    void repeat(Rate rate, uint64_t until_us);
    uint64_t drawn_length(uint64_t low_us, uint64_t high_us);
    void fault_reset();
    void fault_half_open();
    void fault_hole();
    void fault_partition();
    void fault_stall();
    void fault_peer_crash();
    void fault_peer_pause();
    void fault_peer_leave();
    void fault_types_change();
    void fault_gamer_crash();
    void fault_coordinator_crash();
    void fault_revoke();
    void fault_move();
    // Revoked hosts come back with an account that is good.
    void settle_again(Node& node);
    Node& any_peer();

    // heal.cpp
    bool heal();
    bool all_registered() const;
    bool check_at_rest();
    bool check_own_circles();
    bool check_windows_fill();
    bool check_turns();   // turns.cpp
    bool check_chains();  // chains.cpp
    bool check_gone_with_gamers();
    bool check_failover();
    bool check_closed();

    const Options options_;
    Trace& trace_;
    World world_;
    Prng prng_;
    Network network_;
    People people_;
    Checkers checkers_;
    Stage stage_;
    Prng faults_;
    SeedFaultPoints points_;
    std::unique_ptr<CoordinatorNode> coordinator_;
    std::vector<std::unique_ptr<PeerNode>> peers_;
    std::vector<std::unique_ptr<ForgerNode>> forgers_;
    std::vector<std::unique_ptr<GamerNode>> gamers_;
    std::vector<std::unique_ptr<ScriptGamerNode>> scripts_;
    std::vector<Node*> nodes_;  // all of them
    uint64_t coordinator_turns_ = 0;
};

// Draws the options of this seed and runs it.
RunReport run_seed(uint64_t seed, Coverage& coverage, Trace& trace);

}  // namespace p2c2r::sim
