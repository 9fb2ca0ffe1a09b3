#include "sim/frame_world.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "roles/coordinator.h"
#include "roles/peer.h"
#include "sim/frame_game.h"

namespace p2c2r::sim {

namespace {

constexpr uint64_t kStartUs = 1'000'000;  // until everybody has joined
constexpr uint64_t kFaultUsMin = 500'000;
constexpr uint64_t kFaultUsMax = 3'000'000;
constexpr double kSlowFactor = 10;

class FramePeer final : private roles::PeerEvents {
  public:
    FramePeer(World& world, Network& network, Coverage& coverage, const FrameOptions& options,
              Prng prng, uint32_t number)
        : network_(network),
          base_(world, network, coverage, options, prng, "peer-" + std::to_string(number),
                options.takes_us, 2) {}

    void start() {
        if (was_up_) network_.revive_host(base_.host);
        was_up_ = true;
        base_.loop.turn([this] {
            roles::PeerOptions options;
            options.peer_id = base_.name;
            options.coordinator.host = "coordinator";
            options.coordinator.port = kFramePort;
            options.slots = 2;
            roles::PeerEvents& events = *this;
            role_ = std::make_unique<roles::Peer>(
                base_.loop, network_.transport(base_.host), base_.runner, base_.random,
                base_.prng.fork(++lives_), Log(), options, events);
            role_->start();
        });
    }
    void begin(FrameFault fault, uint64_t until_us) {
        fault_ = fault;
        switch (fault) {
            case FrameFault::kKill:
                end_process();
                break;
            case FrameFault::kFreeze:  // neither reads nor computes nor sends
                base_.runner.freeze(until_us);
                network_.stall_reading(base_.host, until_us);
                network_.hold(base_.host, true, until_us);
                break;
            case FrameFault::kBlackHole:
                for (const Network::Open& open : network_.open_pipes()) {
                    if (open.host != base_.host) continue;
                    network_.drop_silently(open.pipe, true);
                    network_.drop_silently(open.pipe, false);
                }
                network_.hold(base_.host, false, until_us);  // nor does it get through anew
                network_.hold(base_.host, true, until_us);
                break;
            case FrameFault::kSlow:
                base_.runner.set_slow(kSlowFactor);
                break;
        }
    }
    void end() {
        if (*fault_ == FrameFault::kKill) start();
        if (*fault_ == FrameFault::kSlow) base_.runner.set_slow(1);
        fault_.reset();
    }
    [[nodiscard]] std::optional<FrameFault> fault() const { return fault_; }

  private:
    void end_process() {
        network_.kill_host(base_.host, false);
        role_.reset();
        base_.loop.forget_posted();
        base_.runner.kill();
    }
    void on_peer_state(Status, const std::string&) override {}

    Network& network_;
    FrameHost base_;
    std::unique_ptr<roles::Peer> role_;
    std::optional<FrameFault> fault_;
    uint64_t lives_ = 100;
    bool was_up_ = false;
};

class FrameCoordinator final : private roles::CoordinatorEvents {
  public:
    FrameCoordinator(World& world, Network& network, Coverage& coverage,
                     const FrameOptions& options, Prng prng)
        : base_(world, network, coverage, options, prng, "coordinator", options.takes_us, 1) {
        base_.loop.turn([&] {
            roles::CoordinatorOptions with;
            with.listen_port = kFramePort;
            roles::CoordinatorEvents& events = *this;
            role_ = std::make_unique<roles::Coordinator>(base_.loop, network.transport(base_.host),
                                                         nullptr, base_.random, base_.prng.fork(9),
                                                         Log(), with, events);
            (void)role_->start();
        });
    }
    void tell(FrameReport& report) {
        const roles::CoordinatorStats& stats = role_->stats();
        report.suspected = stats.copies.suspects;
        report.silent = stats.copies.deaths;
        report.peer_failures = stats.peer_failures;
    }

  private:
    void on_peer_joined(const std::string&) override {}
    void on_peer_left(const std::string&, const std::string&) override {}
    void on_peer_failed(const std::string&, const std::string&) override {}

    FrameHost base_;
    std::unique_ptr<roles::Coordinator> role_;
};

class FrameWorld {
  public:
    FrameWorld(const FrameOptions& options, Coverage& coverage)
        : options_(options),
          prng_(options.seed ^ 0xF4A3'E5EE'D000),
          network_(world_, prng_.fork(1), coverage),
          coordinator_(world_, network_, coverage, options_, prng_.fork(2)) {
        for (uint32_t i = 0; i < options_.peers; ++i) {
            peers_.push_back(std::make_unique<FramePeer>(world_, network_, coverage, options_,
                                                         prng_.fork(100 + i), i));
        }
        game_ = std::make_unique<FrameGame>(world_, network_, coverage, options_, prng_.fork(3),
                                            report_);
    }

    FrameReport run() {
        for (auto& peer : peers_) peer->start();
        run_until(kStartUs);
        const auto bad = static_cast<uint32_t>(options_.share * options_.peers + 0.5);
        for (uint32_t i = 0; i < bad; ++i) begin_fault();
        for (uint64_t frame = 0; frame < options_.frames + options_.lag; ++frame) {
            game_->begin_tick();
            // The end of this tick comes before what happens at the same time.
            run_until(world_.now_us() + options_.budget_us - 1);
            game_->end_tick();
            if (!game_->is_fresh()) blame();
            run_until(world_.now_us() + 1);
        }
        coordinator_.tell(report_);
        report_.events = world_.events();
        report_.hash = world_.hash();
        report_.simulated_us = world_.now_us();
        return report_;
    }

  private:
    void run_until(uint64_t until_us) {
        while (world_.step(until_us)) {
        }
    }
    // Each ends with the begin of the next one, of another peer: so many are bad at any time.
    void begin_fault() {
        std::vector<FramePeer*> good;
        for (auto& peer : peers_) {
            if (!peer->fault()) good.push_back(peer.get());
        }
        std::vector<FrameFault> kinds;
        for (uint32_t kind = 0; kind < 4; ++kind) {
            if (options_.kinds >> kind & 1) kinds.push_back(static_cast<FrameFault>(kind));
        }
        if (good.empty() || kinds.empty()) return;
        FramePeer* const peer = good[prng_.below(good.size())];
        const FrameFault fault = kinds[prng_.below(kinds.size())];
        const uint64_t until =
            world_.now_us() + kFaultUsMin + prng_.below(kFaultUsMax - kFaultUsMin);
        ++report_.faults;
        ++report_.faults_by_kind[static_cast<size_t>(fault)];
        peer->begin(fault, until);
        world_.call_at(until, [this, peer] {
            peer->end();
            begin_fault();
        });
    }
    void blame() {
        std::array<bool, 4> on{};
        for (const auto& peer : peers_) {
            if (peer->fault()) on[static_cast<size_t>(*peer->fault())] = true;
        }
        for (size_t kind = 0; kind < on.size(); ++kind) report_.missed_by_kind[kind] += on[kind];
    }

    const FrameOptions options_;
    FrameReport report_;
    World world_;
    Prng prng_;
    Network network_;
    FrameCoordinator coordinator_;
    std::vector<std::unique_ptr<FramePeer>> peers_;
    std::unique_ptr<FrameGame> game_;
};

}  // namespace

FrameReport run_frames(const FrameOptions& options, Coverage& coverage) {
    FrameWorld world(options, coverage);
    return world.run();
}

}  // namespace p2c2r::sim
