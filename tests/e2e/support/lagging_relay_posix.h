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
    // From a port of its own to `port`, `lag_us` in each direction; towards `port` no more than
    // `up_bytes_s`, 0: without limit. What it has no room for stays with whoever sends it.
    LaggingRelay(uint32_t port, uint64_t lag_us, uint64_t up_bytes_s = 0);
    ~LaggingRelay();
    LaggingRelay(const LaggingRelay&) = delete;
    LaggingRelay& operator=(const LaggingRelay&) = delete;

    [[nodiscard]] uint32_t port() const { return port_; }

  private:
    void serve() const;

    const uint32_t target_;
    const uint64_t lag_us_;
    const uint64_t up_bytes_s_;
    int listener_ = -1;
    uint32_t port_ = 0;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace p2c2r::test
