// A coordinator and peers of `hold` tasks as processes, and this process as their gamer; the peers
// on this machine's loopback or each behind a line of its own, and all of them breakable.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/hold_load.h"
#include "cli/network_star_posix.h"
#include "cli/role_processes.h"
#include "cli/session.h"

namespace p2c2r::cli {

struct HoldShape {
    size_t peers = 4;
    uint32_t slots = 4;
    double lag_ms = 0;  // of each peer's line, one way
    double jitter_ms = 0;
    // Above 1: one peer after the other is slow, each for so long (hold_peer.h).
    double slow_times = 1;
    uint64_t slow_ms = 1000;
    std::vector<std::string> coordinator;  // options of `p2c2r coordinator`
    // Peers are in its spokes; the calling thread MUST be in its hub, and stay there. NULL: none.
    const NetworkStar* star = nullptr;
};

class HoldCluster {
  public:
    // All peers are connected when it returns.
    static Result<std::unique_ptr<HoldCluster>> start(const HoldShape& shape, StopSignals& signals);

    [[nodiscard]] Session& session() { return *session_; }
    [[nodiscard]] p2c2r_client* client() const { return session_->client(); }
    [[nodiscard]] size_t size() const { return peers_.size(); }
    // Of the process that plays this peer now: each has a name of its own.
    [[nodiscard]] std::string peer_id(size_t index) const;
    // The next one after `last` that holds tasks now, by what the coordinator says.
    [[nodiscard]] Result<size_t> next_busy(size_t last);

    // SIGKILL; behind a line of its own: silence.
    Outcome break_peer(size_t index);
    // SIGKILL. Nobody takes its place.
    void kill_coordinator() { coordinator_.process.kill_now(); }
    // Another process takes the place. It is not waited for.
    Outcome mend_peer(size_t index);

    // Keeps the load going until `done`, which is asked after each turn; false: time is over.
    Result<bool> turn_until(HoldLoad& load, uint64_t timeout_us, const std::function<bool()>& done);
    Outcome wait_for_all(HoldLoad& load);

  private:
    HoldCluster(const HoldShape& shape, StopSignals& signals) : shape_(shape), signals_(signals) {}
    Outcome start_all();
    Outcome start_peer(size_t index);

    const HoldShape shape_;
    StopSignals& signals_;
    CoordinatorProcess coordinator_;
    std::vector<Process> peers_;
    std::vector<uint64_t> lives_;  // of each place so far
    std::unique_ptr<Session> session_;
};

// So many slots that all but one peer can hold everything, with one to spare, but no two of four:
// the load is spread.
uint32_t slots_for(uint64_t in_flight, size_t peers);

}  // namespace p2c2r::cli
