// A node: one simulated process with its loop, machine and randomness, that starts, dies, leaves
// and comes back. What it runs is said by the forms below and in gamer.h and scripts.h.
#pragma once

#include <memory>
#include <string>

#include "core/crypto.h"
#include "roles/coordinator.h"
#include "roles/peer.h"
#include "sim/checkers.h"
#include "sim/options.h"
#include "sim/people.h"
#include "sim/sim_network.h"
#include "sim/sim_runner.h"
#include "sim/trace.h"

namespace p2c2r::sim {

// What all nodes of a run share.
struct Stage {
    World& world;
    Network& network;
    Checkers& checkers;
    Coverage& coverage;
    Trace& trace;
    const Options& options;
    People& people;
    uint64_t stamps = 0;
    bool healed = false;  // faults are off, and nobody misbehaves any more
};

class SimRandom final : public RandomSource {
  public:
    explicit SimRandom(Prng prng) : prng_(prng) {}
    void fill(std::span<uint8_t> out) override {
        for (uint8_t& byte : out) byte = static_cast<uint8_t>(prng_.next() >> 32);
    }

  private:
    Prng prng_;
};

class Node {
  public:
    Node(Stage& stage, Prng prng, const std::string& name, Checkers::Kind kind,
         RunnerOptions runner, bool real);
    virtual ~Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    void start();
    // The process dies; `silently`: the machine with it.
    void crash(bool silently);
    // Says goodbye; the process ends a moment later and comes back, unless it leaves `for_good`.
    void leave(bool for_good = false);
    // Faults are off: what is down comes up, clock and machine behave.
    void heal();
    [[nodiscard]] bool up() const { return up_; }
    [[nodiscard]] uint32_t host() const { return host_; }
    [[nodiscard]] SimLoop& loop() { return loop_; }
    [[nodiscard]] SimRunner& runner() { return runner_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] bool leaving() const { return leaving_; }

  protected:
    // Makes, closes and destroys what this node runs; in a turn of the node, but destroy().
    virtual void create() = 0;
    virtual void close() = 0;
    virtual void destroy() = 0;
    virtual void healed() {}
    void leave_later();
    // Runs `work` in a turn of this node after `delay_us`, if it is still the same process.
    void later(uint64_t delay_us, std::function<void()> work);
    Prng fork() { return prng_.fork(++forks_); }

    Stage& stage_;
    Prng prng_;
    const std::string name_;
    SimLoop loop_;
    const uint32_t host_;
    SimRunner runner_;
    std::unique_ptr<SimRandom> random_;

  private:
    void end_process();
    static LinkOptions draw_link(const Options& options, Prng prng);
    static ClockOptions draw_clock(Stage& stage, Prng prng);

    uint64_t forks_ = 0;
    bool up_ = false;
    bool was_up_ = false;
    bool leaving_ = false;
    uint64_t life_ = 0;
};

class CoordinatorNode final : public Node, private roles::CoordinatorEvents {
  public:
    static constexpr uint32_t kPort = 8765;
    CoordinatorNode(Stage& stage, Prng prng);
    ~CoordinatorNode() override { destroy(); }
    [[nodiscard]] roles::Coordinator* role() { return role_.get(); }
    // Leaves once no task is pending, which must be before `until_us`.
    void drain(uint64_t until_us);
    // The operator revokes this account. False: the coordinator does not run.
    bool revoke(const std::string& account);
    [[nodiscard]] identity::Moment moment() { return {loop_.now_us(), loop_.unix_ms()}; }

  private:
    void create() override;
    void close() override { role_->close(); }
    void destroy() override { role_.reset(); }
    void on_peer_joined(const std::string& peer_id) override;
    void on_peer_left(const std::string& peer_id, const std::string& reason) override;
    void on_peer_failed(const std::string& peer_id, const std::string& reason) override;

    bool draining_ = false;
    std::unique_ptr<roles::Coordinator> role_;
};

class PeerNode final : public Node, private roles::PeerEvents {
  public:
    PeerNode(Stage& stage, Prng prng, uint32_t number);
    ~PeerNode() override { destroy(); }
    void pause();
    void resume();
    // Leaves once all it holds is done.
    void drain();

    // From its next start on it is somebody else.
    void take_new_name();

  private:
    static RunnerOptions draw_runner(const Options& options, const Prng& prng);
    void create() override;
    void close() override;
    void destroy() override { role_.reset(); }
    void healed() override;
    void on_peer_state(Status status, const std::string& text) override;
    void draw_speed(Prng& prng);

    uint32_t slots_;
    uint32_t prefetch_;
    double speed_ = 0;             // as it says; 0: it does not
    uint64_t speed_known_us_ = 0;  // so long after its start; 0: from the start on
    uint64_t window_bytes_;
    uint32_t names_ = 0;  // that it had before this one
    std::unique_ptr<roles::Peer> role_;
};

// The runner of an honest machine with some of the drawn faults.
RunnerOptions draw_runner_options(const Options& options, Prng& prng);

}  // namespace p2c2r::sim
