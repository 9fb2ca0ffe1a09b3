// A relay of one TCP connection at a time on the loopback address that counts what goes through:
// a witness of the bytes on the wire that neither end has a hand in.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "cli/failure.h"

namespace p2c2r::cli {

class CountingRelay {
  public:
    // From a port of its own to `port`; as a line that carries so many bytes a second, both ways
    // together, or (0) as fast as it goes.
    static Result<std::unique_ptr<CountingRelay>> start(uint16_t port, uint64_t bytes_per_s = 0);
    ~CountingRelay();
    [[nodiscard]] uint16_t port() const { return port_; }
    [[nodiscard]] uint64_t bytes() const { return bytes_.load(); }  // both ways

  private:
    CountingRelay(int listener, uint16_t port, uint16_t target, uint64_t bytes_per_s);
    void serve();
    void relay(int near);

    const int listener_;
    const uint16_t port_;
    const uint16_t target_;
    const uint64_t bytes_per_s_;
    std::atomic<uint64_t> bytes_{0};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace p2c2r::cli
