// Who is given a task: a choice that can be swapped, so that others can be measured beside the
// scheduler's own.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "sched/scheduler.h"

namespace p2c2r::sim {

class Policy {
  public:
    virtual ~Policy() = default;
    [[nodiscard]] virtual const char* name() const = 0;
    // This task waits, or waits again.
    virtual void waits(uint64_t task) = 0;
    // Places what waits as long as there is room; `peers` are those that are connected.
    virtual void place(sched::Scheduler& scheduler, const std::vector<uint64_t>& peers,
                       uint64_t now_us, std::vector<sched::Action>& actions) = 0;
};

// What the coordinator does.
class ProductionPolicy final : public Policy {
  public:
    [[nodiscard]] const char* name() const override { return "production"; }
    void waits(uint64_t) override {}
    void place(sched::Scheduler& scheduler, const std::vector<uint64_t>&, uint64_t now_us,
               std::vector<sched::Action>& actions) override {
        scheduler.dispatch(now_us, actions);
    }
};

// One that knows what the scheduler knows, and picks a peer for one task after the other.
class PickingPolicy : public Policy {
  public:
    void waits(uint64_t task) final { waiting_.push_back(task); }
    void place(sched::Scheduler& scheduler, const std::vector<uint64_t>& peers, uint64_t now_us,
               std::vector<sched::Action>& actions) final;

  protected:
    // The position in `peers`; SIZE_MAX: none of them can take it.
    virtual size_t pick(sched::Scheduler& scheduler, const sched::TaskRecord& task,
                        const std::vector<uint64_t>& peers) = 0;
    [[nodiscard]] static const sched::PeerRecord* taker(sched::Scheduler& scheduler,
                                                        const sched::TaskRecord& task,
                                                        uint64_t peer);

  private:
    std::deque<uint64_t> waiting_;
};

// "production", "round_robin", "least_loaded", "weighted"; NULL: there is no such policy.
std::unique_ptr<Policy> make_policy(std::string_view name);
inline constexpr const char* kPolicies[] = {"production", "round_robin", "least_loaded",
                                            "weighted"};

}  // namespace p2c2r::sim
