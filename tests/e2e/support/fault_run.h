// One workload for all faults: a coordinator, peers and a gamer as processes of their own, tasks
// whose answers are known, and the checkers of what must hold whatever the network does. They judge
// by what the processes report and by the bytes on the gamer's link, and ask no code of the roles.
//
//   each submitted task ends exactly once, and its answer is delivered once
//   an answer is the known one, byte for byte (SHA-256)
//   no task is tried more than three times at peers
//   no task ends later than its deadline and kSlackUs
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "delivery_count.h"
#include "program.h"
#include "proxy/fault_proxy_posix.h"

namespace p2c2r::test {

// What a machine that runs three tests at once may be late with a timer, and with an answer that
// was there in time. It is no figure of ours: that a task ends at all, and not much later, is.
inline constexpr uint64_t kSlackUs = 5'000'000;
inline constexpr uint32_t kAttemptsMost = 3;

struct Workload {
    size_t count = 60;
    uint32_t width = 320;  // of the answers, 3 bytes a pixel, 16:9; task i has i pixels more
    uint64_t deadline_ms = 20'000;
    size_t in_flight = 16;
};

// Peers behind proxies of their own, and the gamer behind one that is its witness.
struct FaultCluster {
    Workplace here;
    cli::CoordinatorProcess coordinator;
    std::vector<std::unique_ptr<FaultProxy>> links;  // of the peers, where they have a plan
    std::vector<cli::Process> peers;
    DeliveryCount delivered;
    std::unique_ptr<FaultProxy> gamer_link;

    // A plan for each peer, "": a whole link without a proxy. All are connected when it returns.
    explicit FaultCluster(const std::vector<std::string>& peer_plans,
                          const std::string& gamer_plan = "");
};

// The gamer, `p2c2r submit --remote-only`, and what came of it.
class FaultRun {
  public:
    // Starts to submit through `gamer_port`.
    FaultRun(const Workplace& here, const Workload& workload, uint32_t gamer_port);
    // Until it has ended, and checks the four promises; with `witness` also on the wire. How the
    // tasks ended is in report().
    void finish(const DeliveryCount* witness);
    // As finish, of a run in which every task has to succeed.
    void finish_whole(const DeliveryCount* witness);
    [[nodiscard]] size_t succeeded() const { return report_.value("succeeded", size_t{0}); }
    [[nodiscard]] const nlohmann::json& report() const { return report_; }

  private:
    const Workplace& here_;
    const Workload workload_;
    cli::Process gamer_;
    nlohmann::json report_;
};

// The coordinator's own books after a run: all ended, none twice, nothing held.
void check_books(const Workplace& here, const std::string& url, size_t completed);

}  // namespace p2c2r::test
