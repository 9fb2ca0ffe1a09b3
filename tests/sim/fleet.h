// A fleet: thousands of peers and the production scheduler, driven by a heap of events in virtual
// time. Peers are queues with slots that take drawn times; no byte goes over any wire. It says how
// full the machines are, how late tasks come back, and what a decision costs.
//
// The fleet keeps books of its own and never asks the scheduler what is right: each task ends once,
// no peer is given more than its window, and an answer counts for the attempt that it is of.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/crypto.h"
#include "core/prng.h"
#include "sched/scheduler.h"
#include "sim/fleet_policy.h"

namespace p2c2r::sim {

struct FleetOptions {
    uint64_t seed = 1;
    uint32_t peers = 10'000;
    uint32_t tasks = 100'000;  // of each stage; more of one in which nobody shall be idle
    uint32_t accounts = 20;
    double churn_per_minute = 0.2;  // of each peer: it goes without a word, and another one comes
    double load = 0.8;              // of the second stage: share of what the machines can do
    double first_load = 3;          // of the first stage; above 1: nobody is ever idle
    uint32_t prefetch = 0;          // of every peer; 0: as many as its line and its speed ask for
    bool speeds_told = false;       // machines say how fast they are, within a factor of two
    double stalls_per_minute = 0;   // of each peer: what it begins meanwhile waits until it goes on
    double stall_us = 2e6;          // on average
    bool takes_back = true;         // off: what a peer was given stays there, for comparison
    bool in_hindsight = false;      // compares each choice with the best there was: slow
};

// Nanoseconds from somewhere. The simulation has no clock: whoever wants to know what decisions
// cost passes one in.
using FleetClock = uint64_t (*)();

struct StageReport {
    uint64_t tasks = 0;  // that were asked for
    uint64_t done = 0;
    uint64_t late = 0;    // ended with E_DEADLINE
    uint64_t failed = 0;  // ended in another way
    uint64_t attempts = 0;
    double utilisation = 0;  // share of slot time with work that counted, while there was enough
    double busy = 0;         // the same of any work
    uint64_t simulated_us = 0;
    double p50_ms = 0;  // from asked to answered
    double p99_ms = 0;
    double p999_ms = 0;
    double overhead_p50_ms = 0;  // of that, what was neither computing nor the line
    double overhead_p99_ms = 0;
    double regret_mean_ms = 0;  // against the best choice in hindsight
    double regret_p99_ms = 0;
    double decision_us = 0;  // of processor time for each task placed; 0: nobody measured
};

struct FleetReport {
    StageReport saturated;
    StageReport loaded;
    uint64_t taken_back = 0;  // in both
    double decision_us = 0;   // the mean of both
    uint64_t hash = 0;
    std::string broken;  // the first thing that the books do not allow; empty: none
};

class Fleet {
  public:
    // `policy` and `clock` outlive it; `clock` NULL: nothing is measured.
    Fleet(const FleetOptions& options, Policy& policy, FleetClock clock);
    FleetReport run();

  private:
    static constexpr size_t kTypes = 4;
    enum class Kind : uint32_t {
        kAsk,
        kAtPeer,
        kDone,
        kAnswer,
        kCancelAtPeer,
        kLeave,
        kStall,
        kExpire
    };
    struct Event {
        uint64_t at_us;
        uint64_t sequence;
        Kind kind;
        uint32_t index;
    };
    struct Attempt {
        enum class State : uint8_t { kUnderWay, kWaits, kRuns, kStopped, kGone };
        uint64_t task = 0;
        uint64_t id = 0;
        Nonce nonce{};
        uint32_t peer = 0;
        uint32_t asked = 0;  // which of the tasks
        uint64_t placed_us = 0;
        uint64_t begun_us = 0;
        uint64_t compute_us = 0;
        State state = State::kUnderWay;
        bool cancelled = false;
    };
    struct Machine {
        uint64_t peer = 0;         // the scheduler's; 0: it has gone
        double slow[kTypes] = {};  // factor on the time of each type; 0: it does not run it
        double tasks_per_us = 0;   // that it can do
        uint64_t one_way_us = 0;
        uint32_t slots = 1;
        uint32_t window = 1;
        uint32_t running = 0;
        uint64_t stalled_until_us = 0;
        std::vector<uint32_t> held;     // attempts, in the order in which they were given
        std::vector<uint32_t> waiting;  // those that have arrived and wait for a slot
    };
    struct Asked {
        uint64_t task = 0;
        uint64_t asked_us = 0;
        uint64_t work_us = 0;  // on a machine that is neither slow nor fast
        uint8_t type = 0;
        bool ended = false;
    };
    // What a stage adds up.
    struct Stage {
        StageReport report;
        std::vector<float> latency_ms;
        std::vector<float> overhead_ms;
        std::vector<float> regret_ms;
        uint64_t begun_us = 0;
        double load = 0;       // of what the machines can do; above 1: they are never idle
        uint64_t full_us = 0;  // since then something has been waiting
        double busy_us = 0;    // of all slots
        double wasted_us = 0;  // of these, for nothing
        double slot_us = 0;
        uint64_t left = 0;  // tasks that are still to be asked for
        uint64_t spent_ns = 0;
        uint64_t placed = 0;
        uint64_t open = 0;
    };

    void add_machine();
    void run_stage(Stage& stage, double load);
    void close_stage(Stage& stage);
    void send(uint64_t at_us, Kind kind, uint32_t index);
    void happen(const Event& event);
    void ask(uint32_t index);
    void at_peer(uint32_t index);
    void done(uint32_t index);
    void answer(uint32_t index);
    void cancel_at_peer(uint32_t index);
    void leave(uint32_t index);
    void stall(uint32_t index);
    void begin(Machine& machine, uint32_t attempt);
    void begin_next(Machine& machine);
    void place();
    void perform();
    void assign(const sched::Action& action);
    void end(uint32_t asked, Status status, const Attempt* by);
    void arm();
    void account();
    void plan_leave();
    void plan_stall();
    void let_go(Machine& machine, uint32_t attempt);
    // When the task would be back from this machine if it were given to it now.
    [[nodiscard]] uint64_t back_us(const Machine& machine, const Asked& task) const;
    [[nodiscard]] float regret_ms(const Machine& chosen, const Asked& task) const;
    void check_at_rest();
    void fail(const char* what, uint64_t number);
    void mix(uint64_t word) {
        hash_ = (hash_ ^ word) * 0x9FB21C651E98DF25ull;
        hash_ ^= hash_ >> 32;
    }
    template <class Work>
    void timed(Work&& work) {
        if (!clock_) return work();
        const uint64_t before = clock_();
        work();
        stage_->spent_ns += clock_() - before;
    }

    struct Random final : RandomSource {
        explicit Random(Prng prng) : prng_(prng) {}
        void fill(std::span<uint8_t> out) override {
            for (uint8_t& byte : out) byte = static_cast<uint8_t>(prng_.next() >> 32);
        }
        Prng prng_;
    };

    const FleetOptions options_;
    Policy& policy_;
    const FleetClock clock_;
    Prng prng_;
    Random random_;
    sched::Scheduler scheduler_;
    sched::TypeIndex types_[kTypes];
    std::vector<sched::AccountIndex> accounts_;
    std::vector<Event> heap_;
    std::vector<Machine> machines_;
    std::vector<uint32_t> machine_of_slot_;  // by the slot index of the scheduler's peer
    std::vector<uint64_t> peers_;            // the scheduler's, of machines that are there
    std::vector<Attempt> attempts_;
    std::vector<Asked> asked_;
    std::vector<uint32_t> asked_of_slot_;  // by the slot index of the scheduler's task
    std::vector<sched::Action> actions_;
    uint64_t now_us_ = 1'000'000;
    uint64_t sequence_ = 0;
    uint64_t armed_us_ = UINT64_MAX;
    uint64_t hash_ = 0x5851F42D4C957F2Dull;
    Stage* stage_ = nullptr;
    bool is_measured_ = false;  // there is enough to do for everybody
    uint64_t accounted_us_ = 0;
    double tasks_per_us_ = 0;  // that the machines can do
    uint64_t slots_ = 0;       // of all machines
    uint64_t running_ = 0;     // of these, those at work
    uint64_t forgive_at_us_ = 0;
    std::string broken_;
};

}  // namespace p2c2r::sim
