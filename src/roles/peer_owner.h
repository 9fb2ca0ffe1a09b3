// Owner first, in the peer role: keeps what is known of the owner, asks the policy when something
// changed or time has come, and opens and closes the gate of the peer's jobs. What follows for
// tasks is the peer's business, told by `changed`. Loop thread only.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>

#include "exec/job_gate.h"
#include "net/loop.h"
#include "owner/data_budget.h"
#include "owner/owner_policy.h"

namespace p2c2r::roles {

// Where the work of an owner-first peer meets its gate and its counts.
struct OwnerOptions {
    owner::Settings settings;
    std::shared_ptr<exec::JobGate> gate;  // NULL: jobs go on while others decide
    owner::DataBudget data;               // as the last run left it
};

class PeerOwner {
  public:
    // `bytes` is what has gone over the network since the peer was made.
    PeerOwner(net::Loop& loop, OwnerOptions options, std::function<uint64_t()> bytes,
              std::function<void()> changed);
    ~PeerOwner();

    // Begins to look at the time; without owner-first settings there is nothing to look at.
    void start();
    void stop() { loop_.disarm(timer_); }
    // What the sensors say; of `signals` all but said_active and the counts of data. `date` is
    // today, as 20261231; 0: not known.
    void sensed(const owner::Signals& signals, uint32_t date);
    void say_active(bool active);
    // The sensors have spoken, or there are none to hear.
    [[nodiscard]] bool knows() const { return has_sensed_ || !settings().looks_at_sensors(); }
    // The peer is paused: the gate stays closed whatever the policy says.
    void hold(bool paused);

    [[nodiscard]] const owner::Decision& decision() const { return decision_; }
    [[nodiscard]] const owner::Settings& settings() const { return policy_.settings(); }
    [[nodiscard]] const owner::DataBudget& data() const { return data_; }
    void count_data();
    // Bytes have come or gone: is a cap of them reached?
    void data_moved();
    // Share of the last ten seconds in which something worked.
    [[nodiscard]] uint32_t duty_used_permille();
    [[nodiscard]] uint64_t worked_us() { return gate_ ? gate_->figures().worked_us : 0; }
    [[nodiscard]] const std::shared_ptr<exec::JobGate>& gate() const { return gate_; }

  private:
    struct Sample {
        uint64_t at_us;
        uint64_t worked_us;
    };
    void decide();
    void tick();

    net::Loop& loop_;
    owner::OwnerPolicy policy_;
    const std::shared_ptr<exec::JobGate> gate_;
    owner::DataBudget data_;
    const std::function<uint64_t()> bytes_;
    const std::function<void()> changed_;
    owner::Signals signals_;
    uint32_t date_ = 0;
    bool has_sensed_ = false;
    owner::Decision decision_;
    net::Timer timer_;
    std::array<Sample, 11> samples_{};  // one a second, the latest last
};

}  // namespace p2c2r::roles
