// What the world of frames is made of: one process of it up to its role, and the game.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/crypto.h"
#include "roles/client.h"
#include "roles/frame_stream.h"
#include "sim/frame_world.h"
#include "sim/sim_network.h"
#include "sim/sim_runner.h"

namespace p2c2r::sim {

inline constexpr uint32_t kFramePort = 8765;

class FrameRandom final : public RandomSource {
  public:
    explicit FrameRandom(Prng prng) : prng_(prng) {}
    void fill(std::span<uint8_t> out) override {
        for (uint8_t& byte : out) byte = static_cast<uint8_t>(prng_.next() >> 32);
    }

  private:
    Prng prng_;
};

inline RunnerOptions frame_runner(uint64_t takes_us, uint32_t parallel) {
    RunnerOptions runner;
    runner.task_types = {kTypeDwell};
    runner.parallel = parallel;
    runner.dwell_us_min = takes_us / 2;
    runner.dwell_us_max = takes_us;
    return runner;
}

// One process of the world, up to its role.
struct FrameHost {
    FrameHost(World& world, Network& network, Coverage& coverage, const FrameOptions& options,
              Prng prng, const std::string& given_name, uint64_t takes_us, uint32_t parallel)
        : prng(prng),
          name(given_name),
          loop{world, prng.fork(1), ClockOptions{}},
          host(network.add_host(given_name, loop, link_of(options))),
          runner(world, loop, prng.fork(2), coverage, host, frame_runner(takes_us, parallel)),
          random(prng.fork(3)) {}
    static LinkOptions link_of(const FrameOptions& options) {
        LinkOptions link;
        link.latency_us = options.latency_us;
        const bool is_usual = options.jitter_us == UINT64_MAX;
        link.jitter_us = is_usual ? options.latency_us / 10 : options.jitter_us;
        link.deviation_us = options.deviation_us;
        return link;
    }

    Prng prng;
    const std::string name;
    SimLoop loop;
    const uint32_t host;
    SimRunner runner;
    FrameRandom random;
};

// Pushes a frame at each tick and pulls one to the tick's end, as a game does.
class FrameGame final : private roles::ClientEvents {
  public:
    // `report` is kept up to date.
    FrameGame(World& world, Network& network, Coverage& coverage, const FrameOptions& options,
              Prng prng, FrameReport& report);
    ~FrameGame() { role_.reset(); }

    void begin_tick();
    void end_tick();
    // Was the last frame answered by a remote answer of its own or of the two before?
    [[nodiscard]] bool is_fresh() const { return is_fresh_; }

  private:
    using Stream = roles::FrameStream;
    struct Ended {
        bool good = false;
        bool is_local = false;
        Stream::Good facts;
    };

    void push(uint64_t now);
    void look_at_late();
    void count(const Stream::Answer& answer);
    // The role has no further use for its spec.
    void forget(uint64_t task);

    void on_task_ended(uint64_t task, TaskResult&& result) override;
    void on_task_here(uint64_t task, int32_t quality, TaskResult&& result) override;
    void on_client_state(Status, const std::string&) override {}
    void on_peer_count(uint32_t, uint32_t) override {}
    void on_call_done(uint64_t, const Error*, Bytes, Bytes) override {}

    const FrameOptions& options_;
    FrameReport& report_;
    FrameHost base_;
    Stream stream_;
    std::unique_ptr<roles::Client> role_;
    std::map<uint64_t, TaskSpec> specs_;  // the role reads them until their tasks have ended
    std::map<uint64_t, Ended> ended_;
    std::map<uint64_t, Stream::Good> here_;
    std::optional<Stream::Pull> pull_;
    uint64_t ticks_ = 0;
    uint64_t next_task_ = 0;
    bool is_own_local_ = false;
    bool is_previous_local_ = false;
    bool is_fresh_ = true;
};

}  // namespace p2c2r::sim
