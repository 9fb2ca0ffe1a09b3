// What `p2c2r bench frames` is made of: the pictures of a game in motion, and peers that misbehave.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/picture.h"
#include "cli/role_processes.h"

namespace p2c2r::cli {

// A camera that wanders over a drawn picture: what a frame should show, and the smaller one that
// the game has rendered of it.
class MovingView {
  public:
    static constexpr uint32_t kWidth = 320;
    static constexpr uint32_t kHeight = 180;

    // It is where it began after `period` frames.
    explicit MovingView(uint64_t period);
    // RGB, kWidth x kHeight.
    [[nodiscard]] std::vector<uint8_t> truth(uint64_t frame) const;
    // Half of it each way.
    static std::vector<uint8_t> rendered(const std::vector<uint8_t>& truth);

  private:
    const Picture world_;
    const double period_;
};

// Decibels; at most 99, which equal pictures have.
double psnr(const std::vector<uint8_t>& a, const uint8_t* b, size_t size);

// How often the system has given this thread's core to another one while it had work; 0 where it
// does not tell.
uint64_t times_preempted();

// One in five of the peers misbehaves at any time, another one after the other: killed and started
// again, stopped as by SIGSTOP, or ten times as slow, since it runs for 2 of 20 ms.
class BadPeers {
  public:
    BadPeers(std::string url, std::vector<Process>& peers) : url_(std::move(url)), peers_(peers) {}
    ~BadPeers() { stop(); }
    void start(uint64_t seed);
    // All behave from here on.
    void stop();

    static std::string peer_id(size_t index);
    static Result<Process> start_peer(const std::string& url, size_t index);

    // After stop().
    uint64_t kills = 0;
    uint64_t freezes = 0;
    uint64_t slows = 0;
    std::string failure;  // "": each that was killed came back

  private:
    void misbehave(uint64_t seed);
    bool wait_us(uint64_t us);  // false: it is over

    const std::string url_;
    std::vector<Process>& peers_;
    std::vector<std::thread> threads_;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;  // guards what follows, and the figures
    std::vector<bool> is_bad_;
};

}  // namespace p2c2r::cli
