#include "sim/fleet_policy.h"

#include <algorithm>

namespace p2c2r::sim {

namespace {

using sched::PeerRecord;
using sched::TaskRecord;

class RoundRobin final : public PickingPolicy {
  public:
    [[nodiscard]] const char* name() const override { return "round_robin"; }

  private:
    size_t pick(sched::Scheduler& scheduler, const TaskRecord& task,
                const std::vector<uint64_t>& peers) override {
        for (size_t i = 0; i < peers.size(); ++i) {
            const size_t at = (next_ + i) % peers.size();
            if (!taker(scheduler, task, peers[at])) continue;
            next_ = at + 1;
            return at;
        }
        return SIZE_MAX;
    }
    size_t next_ = 0;
};

// The first of those with the highest score, from another one on each time.
template <class Score>
size_t best_of(sched::Scheduler& scheduler, const TaskRecord& task,
               const std::vector<uint64_t>& peers, size_t from, const Score& score) {
    size_t best = SIZE_MAX;
    double highest = 0;
    for (size_t i = 0; i < peers.size(); ++i) {
        const size_t at = (from + i) % peers.size();
        const PeerRecord* const peer = scheduler.peers().find(peers[at]);
        if (!peer || !peer->takes(task.bytes)) continue;
        const double value = score(*peer);
        if (value < 0 || (best != SIZE_MAX && value <= highest)) continue;
        best = at;
        highest = value;
    }
    return best;
}

const sched::Learned* learned_of(const PeerRecord& peer, sched::TypeIndex type) {
    for (const sched::Learned& learned : peer.learned) {
        if (learned.type == type) return &learned;
    }
    return nullptr;
}

class LeastLoaded final : public PickingPolicy {
  public:
    [[nodiscard]] const char* name() const override { return "least_loaded"; }

  private:
    size_t pick(sched::Scheduler& scheduler, const TaskRecord& task,
                const std::vector<uint64_t>& peers) override {
        return best_of(scheduler, task, peers, ++from_, [&](const PeerRecord& peer) {
            if (!learned_of(peer, task.type)) return -1.0;
            return 1.0 / (1.0 + static_cast<double>(peer.held) / peer.slots);
        });
    }
    size_t from_ = 0;
};

// 0.4 history + 0.3 free load + 0.2 latency + 0.1 affinity, each between 0 and 1.
class Weighted final : public PickingPolicy {
  public:
    [[nodiscard]] const char* name() const override { return "weighted"; }

  private:
    static constexpr double kFarUs = 100'000;  // a line that counts nothing

    size_t pick(sched::Scheduler& scheduler, const TaskRecord& task,
                const std::vector<uint64_t>& peers) override {
        return best_of(scheduler, task, peers, ++from_, [&](const PeerRecord& peer) {
            const sched::Learned* const learned = learned_of(peer, task.type);
            if (!learned) return -1.0;
            const double tried = static_cast<double>(peer.completed + peer.failed);
            const double history = tried > 0 ? static_cast<double>(peer.completed) / tried : 1.0;
            const double free = 1.0 - static_cast<double>(peer.held) / peer.window_tasks;
            const double near = std::max(0.0, 1.0 - peer.link_us / kFarUs);
            const double affinity = learned->samples > 0 ? 1.0 : 0.0;
            return 0.4 * history + 0.3 * free + 0.2 * near + 0.1 * affinity;
        });
    }
    size_t from_ = 0;
};

}  // namespace

const PeerRecord* PickingPolicy::taker(sched::Scheduler& scheduler, const TaskRecord& task,
                                       uint64_t peer) {
    const PeerRecord* const record = scheduler.peers().find(peer);
    return record && record->takes(task.bytes) && learned_of(*record, task.type) ? record : nullptr;
}

void PickingPolicy::place(sched::Scheduler& scheduler, const std::vector<uint64_t>& peers,
                          uint64_t now_us, std::vector<sched::Action>& actions) {
    while (!waiting_.empty()) {
        const uint64_t task = waiting_.front();
        const TaskRecord* const record = scheduler.find(task);
        if (record && record->state == TaskRecord::State::kQueued) {
            const size_t at = pick(scheduler, *record, peers);
            if (at == SIZE_MAX) return;
            if (scheduler.assign_to(task, peers[at], now_us, actions) != Status::kOk) return;
        }
        waiting_.pop_front();
    }
}

std::unique_ptr<Policy> make_policy(std::string_view name) {
    if (name == "production") return std::make_unique<ProductionPolicy>();
    if (name == "round_robin") return std::make_unique<RoundRobin>();
    if (name == "least_loaded") return std::make_unique<LeastLoaded>();
    if (name == "weighted") return std::make_unique<Weighted>();
    return nullptr;
}

}  // namespace p2c2r::sim
