// The helpers of `p2c2r bench frames`, as processes of their own, and those of them that misbehave.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/network_star_posix.h"
#include "cli/role_processes.h"

namespace p2c2r::cli {

// A coordinator and its peers. Where the machine has network namespaces each peer is at a line of
// its own, and the thread that started this is at the coordinator's place until it ends it, with
// all that it starts meanwhile; elsewhere all are on loopback.
class FramePeers {
  public:
    static Result<std::unique_ptr<FramePeers>> start(size_t count);

    [[nodiscard]] const std::string& url() const { return url_; }  // for the game
    [[nodiscard]] size_t size() const { return peers_.size(); }
    [[nodiscard]] Process& peer(size_t index) { return peers_[index]; }
    // In place of the one that was there.
    [[nodiscard]] Outcome start_peer(size_t index);
    // nullptr: none, and no_star() says why.
    [[nodiscard]] const NetworkStar* star() const { return star_.get(); }
    [[nodiscard]] const std::string& no_star() const { return no_star_; }

  private:
    FramePeers() = default;
    Outcome start_all(size_t count);

    // Ended from the last to the first: nobody is left in a namespace when it goes.
    std::unique_ptr<NetworkStar> star_;
    std::string no_star_;
    std::optional<NetworkSpace::Visit> inside_;
    CoordinatorProcess coordinator_;
    std::string url_;
    std::vector<Process> peers_;
};

// One in five of the peers misbehaves at any time, another one after the other: killed and started
// again, stopped as by SIGSTOP, ten times as slow, since it runs for 2 of 20 ms, or, at lines of
// their own, all that it sends swallowed by a blackhole.
class BadPeers {
  public:
    explicit BadPeers(FramePeers& peers) : peers_(peers) {}
    ~BadPeers() { stop(); }
    void start(uint64_t seed);
    // All behave from here on.
    void stop();

    // After stop().
    uint64_t kills = 0;
    uint64_t freezes = 0;
    uint64_t slows = 0;
    uint64_t blackholes = 0;
    std::string failure;  // "": each fault was made and taken back

  private:
    void misbehave(uint64_t seed);
    size_t choose(uint64_t random);
    Outcome kill(size_t index, uint64_t bad_us);
    Outcome freeze(size_t index, uint64_t bad_us);
    Outcome slow(size_t index, uint64_t bad_us);
    Outcome blackhole(size_t index, uint64_t bad_us);
    void count(uint64_t& faults);
    bool wait_us(uint64_t us);  // false: it is over

    FramePeers& peers_;
    std::vector<std::thread> threads_;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;  // guards what follows, and the figures
    std::vector<bool> is_bad_;
};

}  // namespace p2c2r::cli
