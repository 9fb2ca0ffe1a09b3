// A relay of TCP connections on the loopback address whose other side is far away: it takes a
// connection at once, as a relay that ends TCP does, and passes on whatever comes so much later. So
// neither connecting nor the system's own round trip shows how long the way is.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace p2c2r::test {

class LaggingRelay {
  public:
    // From a port of its own to `port`, `lag_us` in each direction.
    LaggingRelay(uint32_t port, uint64_t lag_us);
    ~LaggingRelay();
    LaggingRelay(const LaggingRelay&) = delete;
    LaggingRelay& operator=(const LaggingRelay&) = delete;

    [[nodiscard]] uint32_t port() const { return port_; }

  private:
    void serve() const;

    const uint32_t target_;
    const uint64_t lag_us_;
    int listener_ = -1;
    uint32_t port_ = 0;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace p2c2r::test
